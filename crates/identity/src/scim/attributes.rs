//! What is kept of a provisioned account that Gabion itself has no use for.

use serde::{Deserialize, Serialize};

use super::Map;

/// Attributes of a user (RFC 7643, 4) that no field of [`Account`](crate::Account) holds, as their directory
/// gave them: a title, a second address, the department. Shown to whoever provisions, and in the person's
/// export; never a decision's ground.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(Map);

impl Attributes {
    #[must_use]
    pub const fn new(attributes: Map) -> Self {
        Self(attributes)
    }

    #[must_use]
    pub const fn as_map(&self) -> &Map {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As it is stored.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::Value::Object(self.0.clone()).to_string()
    }

    /// Whether the text stands anywhere in them; ASCII letters are compared without case. What a storage
    /// narrows a search by; the filter itself decides.
    #[must_use]
    pub fn mention(&self, text: &str) -> bool {
        !self.is_empty() && self.to_json().to_ascii_lowercase().contains(&text.to_ascii_lowercase())
    }
}
