//! Where a control stands, given what is known about its sources.

use std::fmt;

use serde::Serialize;

use crate::control::Control;
use crate::source::Source;

/// What a source is doing in the installation at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Switched off by configuration.
    Off,
    /// Dry run: it decides and records but lets pass.
    Observing,
    Enforcing,
}

/// How a control stands. There is no `ok`: that needs evidence over time, not a switch that is on.
/// From worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing stands behind it, or nothing is known about what does.
    Unknown,
    /// What would enforce it is switched off.
    Off,
    /// It is watched in a dry run; nothing is refused.
    Observed,
    /// Every source is on.
    Enforced,
}

impl Control {
    /// The standing by the weakest of the control's enforcing sources. `state` answers `None` for a
    /// source it knows nothing about, and one such is enough for [`Standing::Unknown`].
    pub fn standing(&self, state: impl Fn(&Source) -> Option<SourceState>) -> Standing {
        self.enforced_by
            .iter()
            .map(|source| match state(source) {
                None => Standing::Unknown,
                Some(SourceState::Off) => Standing::Off,
                Some(SourceState::Observing) => Standing::Observed,
                Some(SourceState::Enforcing) => Standing::Enforced,
            })
            .min()
            .unwrap_or(Standing::Unknown)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Unknown => "unknown",
            Self::Off => "off",
            Self::Observed => "observed",
            Self::Enforced => "enforced",
        })
    }
}
