//! What a rule says of itself.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gabion_model::{ControlId, Severity};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a rule: words of lower-case letters, digits and `-`, with dots between them (`sql.injection`). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// The longest there is.
    pub const LONGEST: usize = 96;

    /// None where it is no such name.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        (text.len() <= Self::LONGEST && text.split('.').all(word)).then(|| Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that rule, or one of that family: `sql` covers `sql.injection`.
    #[must_use]
    pub fn is_under(&self, family: &str) -> bool {
        self.0.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Borrow<str> for RuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| {
            let reason = "is no name of a rule: words of `a-z`, `0-9` and `-` with dots between them, as `sql.injection`";
            serde::de::Error::custom(format!("`{text}` {reason}"))
        })
    }
}

/// How sure a finding is, least first. A scan shows medium and high unless it is asked for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Worth a look in a review; often nothing.
    Low,
    /// Right more often than not.
    Medium,
    /// Seldom wrong.
    High,
}

impl Confidence {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One side by side: the rule fires on the first text and not on the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Its name decides how it is read: `app.py`, `deploy/pod.yaml`.
    pub file: String,
    pub vulnerable: String,
    pub repaired: String,
    /// Files that stand beside it on both sides, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<String, String>,
}

/// What all rules have, whatever finds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: RuleId,
    /// What is wrong, in one line, without a final period.
    pub title: String,
    /// The promise it is evidence for.
    pub control: ControlId,
    /// Numbers of the Common Weakness Enumeration, the closest first.
    pub cwe: Vec<u16>,
    pub severity: Severity,
    pub confidence: Confidence,
    /// What somebody could do with it, and when it is harmless.
    pub why: String,
    /// What to do instead.
    pub fix: String,
    #[serde(default)]
    pub references: Vec<String>,
    /// At least one for each language it is for.
    #[serde(default, rename = "example")]
    pub examples: Vec<Example>,
}
