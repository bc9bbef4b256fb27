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

#[cfg(test)]
mod tests {
    use gabion_model::ControlId;

    use super::*;
    use crate::Catalogue;

    #[test]
    fn without_a_source_or_without_news_of_one_it_is_unknown() {
        for control in Catalogue::built_in().controls() {
            assert_eq!(control.standing(|_| None), Standing::Unknown, "{}", control.id);
            if control.enforced_by.is_empty() {
                assert_eq!(control.standing(|_| Some(SourceState::Enforcing)), Standing::Unknown);
            }
        }
    }

    #[test]
    fn the_weakest_source_decides() {
        let mut control = Catalogue::built_in().get(ControlId::WEB_CSRF).unwrap().clone();
        control.enforced_by = vec![Source::Check("a".into()), Source::Check("b".into())];
        let standing =
            |second| {
                control.standing(|source| {
                    if source.check() == Some("a") { Some(SourceState::Enforcing) } else { second }
                })
            };
        assert_eq!(standing(Some(SourceState::Enforcing)), Standing::Enforced);
        assert_eq!(standing(Some(SourceState::Observing)), Standing::Observed);
        assert_eq!(standing(Some(SourceState::Off)), Standing::Off);
        assert_eq!(standing(None), Standing::Unknown);
    }
}
