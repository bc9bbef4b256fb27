//! A rule, read.

use std::time::Duration;

use gabion_model::{ControlId, EventKind, Severity};
use serde::Serialize;

use crate::correlation::Correlation;
use crate::detection::Detection;
use crate::fields::Fields;
use crate::yaml::Node;

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Several events.
    Correlation,
    /// One event.
    Detection,
}

/// A detection or a correlation.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: String,
    /// The name by which correlations and settings may call it.
    pub name: Option<String>,
    pub title: String,
    pub description: String,
    pub level: Severity,
    pub author: Option<String>,
    pub tags: Vec<String>,
    /// When it rings and nobody attacks.
    pub false_positives: Vec<String>,
    pub references: Vec<String>,
    /// The control it serves.
    pub control: ControlId,
    /// Where it stands.
    pub file: String,
    pub line: u32,
    /// How long it does not ring again for the same.
    pub quiet: Duration,
    /// Whether it rings, whatever counts it; as correlations say, where it says nothing.
    pub(crate) rings: Option<bool>,
    /// It is only tried.
    pub(crate) dry_run: bool,
    /// What is the same: for detections; correlations have their groups.
    pub(crate) same: Vec<String>,
    pub(crate) classes: Vec<EventKind>,
    pub(crate) body: Body,
    /// As it was written: what did not change in a reload keeps its counts.
    pub(crate) written: Node,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Correlation(Correlation),
    Detection(Detection),
}

impl Rule {
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match &self.body {
            Body::Correlation(_) => Kind::Correlation,
            Body::Detection(_) => Kind::Detection,
        }
    }

    /// Whether one event is what the rule looks for; never for a correlation.
    #[must_use]
    pub fn matches(&self, event: &dyn Fields) -> bool {
        match &self.body {
            Body::Detection(detection) => detection.matches(event),
            Body::Correlation(_) => false,
        }
    }

    /// The techniques of MITRE ATT&CK it names, for instance `T1110.003`.
    pub fn techniques(&self) -> impl Iterator<Item = String> {
        self.tags.iter().filter_map(|tag| {
            let technique = tag.strip_prefix("attack.")?;
            let is_number = technique.strip_prefix('t')?.starts_with(|first: char| first.is_ascii_digit());
            is_number.then(|| technique.to_ascii_uppercase())
        })
    }

    /// Whether its alerts are only logged.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether it asks for this field.
    #[must_use]
    pub fn asks_for(&self, field: &str) -> bool {
        match &self.body {
            Body::Correlation(_) => false,
            Body::Detection(detection) => detection.asks_for(field),
        }
    }

    /// The fields that alerts of the rule name a value of.
    pub(crate) fn group_fields(&self) -> Vec<String> {
        match &self.body {
            Body::Correlation(correlation) => correlation.group_by.iter().map(|by| by.name.clone()).collect(),
            Body::Detection(_) => self.same.clone(),
        }
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.id == name || self.name.as_deref() == Some(name)
    }
}
