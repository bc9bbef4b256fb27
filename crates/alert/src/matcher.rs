//! Which alerts a silence or an exception is about.

use std::collections::BTreeMap;

use gabion_model::{Event, Problem, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every part that is given must fit; at least one is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// Name or id of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What the events had in common, as the alert says it: `{ network = "192.0.2.0/24" }`. Also `address`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Only alerts that are not worse: `low`, `medium`, …
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Severity>,
}

impl Matcher {
    #[must_use]
    pub fn fits(&self, event: &Event) -> bool {
        let rule = self.rule.as_ref();
        let is_rule = |rule: &String| *rule == event.resource || event.metadata.get("rule") == Some(rule);
        let is_field = |(name, value): (&String, &String)| {
            let grouped = event.metadata.get(&format!("group.{name}")) == Some(value);
            let address = || name == "address" && event.address.is_some_and(|own| own.to_string() == *value);
            grouped || address()
        };
        rule.is_none_or(is_rule)
            && self.fields.iter().all(is_field)
            && self.at_most.is_none_or(|most| event.severity.unwrap_or(Severity::Low) <= most)
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        if self.rule.is_none() && self.fields.is_empty() && self.at_most.is_none() {
            return Some(
                Problem::new("", "does not say of which alerts it is").hint("`rule`, `fields` or `at_most`"),
            );
        }
        let most = self.fields.iter().map(|(name, value)| name.len().max(value.len())).max().unwrap_or(0);
        let long = most.max(self.rule.as_ref().map_or(0, String::len)) > LONGEST;
        (long || self.fields.len() > FIELDS).then(|| Problem::new("", "is longer than can be"))
    }
}

const LONGEST: usize = 256;
const FIELDS: usize = 8;
