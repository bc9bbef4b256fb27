//! What a program answers, as its code says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Place;

/// A way into the program: a method and a path, what answers, and what runs before it.
///
/// What is not known is left out; a path of which a part is not known has `{}` there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// `GET`; `ANY` where it answers all of them.
    pub method: String,
    /// With everything it is mounted under; parameters as `{name}`.
    pub path: String,
    /// Whose way to say it: `express`.
    pub framework: String,
    /// Where it is said.
    pub place: Place,
    /// What answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<Place>,
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What runs before it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// What it reads of a request: names by `body`, `cookie`, `file`, `header`, `path` and `query`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Vec<String>>,
    /// What guards and handler show of themselves: `authentication`, `csrf`, `rate-limit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Where each of those was seen first, as far as one place shows it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown_at: BTreeMap<String, Place>,
}

/// What runs before a handler, and may refuse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Guard {
    /// As the code names it: `passport.authenticate(jwt)`.
    pub name: String,
    /// Where it is put before the handler.
    pub place: Place,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}
