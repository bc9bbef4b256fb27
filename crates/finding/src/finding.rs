//! What was found, and what was not read.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_model::Severity;
use serde::{Deserialize, Serialize};

use crate::{Confidence, Endpoint, Fingerprint, Place, RuleId, Span};

/// One thing a rule found at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: RuleId,
    /// What is wrong here, with the names of this place; one line, no secret.
    pub message: String,
    pub severity: Severity,
    pub confidence: Confidence,
    pub place: Place,
    /// How what somebody else controls comes there, from its source on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Step>,
    /// A change that repairs it without changing what the program is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// What only this kind of finding has: `package`, `version`, `commit`, `author`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// What must not be shown of the place: the secret itself. Outputs print `…` there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Span>,
    /// The same after lines moved.
    pub fingerprint: Fingerprint,
}

/// One step of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub place: Place,
    pub says: String,
}

/// Edits of one file that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub says: String,
    pub path: Arc<str>,
    /// In order, none overlapping another.
    pub edits: Vec<Edit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A file, or a part of one, about which the scan says nothing. Never left out of a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unread {
    pub path: Arc<str>,
    pub reason: UnreadReason,
    /// What exactly: a size, a line, the parser's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreadReason {
    /// No text.
    Binary,
    /// Work on it was cut off at its bound; what was found until then stands.
    Budget,
    /// Nested deeper than is followed.
    Deep,
    /// Neither UTF-8 nor UTF-16 with a mark.
    Encoding,
    /// Says of itself that a program wrote it.
    Generated,
    /// The file system did not give it.
    Io,
    Large,
    /// A link that leaves the tree, or comes back to itself.
    Link,
    /// Lines no person wrote.
    Minified,
    /// What it would be judged by is not there, for instance advisories. Such a scan is incomplete.
    NoVerdict,
    /// Not what its name says; the rest of it was read.
    Syntax,
    /// A folder of other people's code, kept in the tree.
    Vendored,
}

impl UnreadReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Budget => "budget",
            Self::Deep => "deep",
            Self::Encoding => "encoding",
            Self::Generated => "generated",
            Self::Io => "io",
            Self::Large => "large",
            Self::Link => "link",
            Self::Minified => "minified",
            Self::NoVerdict => "no_verdict",
            Self::Syntax => "syntax",
            Self::Vendored => "vendored",
        }
    }
}

/// What a scanner says of a file or a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub findings: Vec<Finding>,
    pub unread: Vec<Unread>,
    /// What the program answers, as far as its code says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

impl Verdict {
    pub fn extend(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.unread.extend(other.unread);
        self.endpoints.extend(other.endpoints);
    }
}
