//! Makes findings of rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_finding::{Finding, Fingerprint, Rule};

use crate::pack::Own;
use crate::package::Spot;

/// The rules by their names.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) all: Vec<(Rule, Own)>,
}

impl Rules {
    /// A finding of a rule; nothing when there is no such rule. `what` makes it the same finding when the file around it changed.
    pub(crate) fn say(
        &self,
        rule: &str,
        path: &Arc<str>,
        spot: Spot,
        what: &str,
        message: String,
    ) -> Option<Finding> {
        let (rule, _) = self.all.iter().find(|(it, _)| it.id.as_str() == rule)?;
        Some(Finding {
            rule: rule.id.clone(),
            message,
            severity: rule.severity,
            confidence: rule.confidence,
            place: spot.place(path),
            trace: Vec::new(),
            fix: None,
            properties: BTreeMap::new(),
            hidden: Vec::new(),
            fingerprint: Fingerprint::new(rule.id.as_str(), path, what),
        })
    }
}

/// `a`, `b`, `c` and 4 more.
pub(crate) fn names(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
