//! How bad an incident is, and how soon what must have happened.

use std::fmt;
use std::str::FromStr;

use gabion_model::{Period, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of an incident, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Class {
    /// Somebody is in, data leaves, or nothing works.
    P0,
    /// A control was broken, or an account or key is in other hands.
    P1,
    /// An attack that may succeed if it goes on.
    P2,
    /// Worth a look in working hours.
    P3,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::P0, Self::P1, Self::P2, Self::P3];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
        }
    }

    /// What an alert of this level is, where no rule says otherwise.
    #[must_use]
    pub const fn of(level: Severity) -> Self {
        match level {
            Severity::Critical => Self::P0,
            Severity::High => Self::P1,
            Severity::Medium => Self::P2,
            Severity::Low | Severity::Informational => Self::P3,
        }
    }

    /// How bad events of such an incident are.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::P0 => Severity::Critical,
            Self::P1 => Severity::High,
            Self::P2 => Severity::Medium,
            Self::P3 => Severity::Low,
        }
    }

    /// Whether it closes only with a review.
    #[must_use]
    pub const fn needs_review(self) -> bool {
        !matches!(self, Self::P3)
    }

    #[must_use]
    pub fn clocks(self) -> Clocks {
        let hours = |acknowledge: u64, contain: u64, resolve: u64| Clocks {
            acknowledge: Period::from_secs(acknowledge),
            contain: Period::from_secs(contain * 3600),
            resolve: Period::from_secs(resolve * 3600),
        };
        match self {
            Self::P0 => hours(15 * 60, 2, 7 * 24),
            Self::P1 => hours(2 * 3600, 24, 7 * 24),
            Self::P2 => hours(24 * 3600, 3 * 24, 14 * 24),
            Self::P3 => hours(7 * 24 * 3600, 14 * 24, 30 * 24),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| "a class is `P0`, `P1`, `P2` or `P3`".to_owned())
    }
}

/// How long after its opening an incident must have come so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// Until somebody says that they look after it.
    pub acknowledge: Period,
    /// Until it does not get worse any more.
    pub contain: Period,
    /// Until everything works as before.
    pub resolve: Period,
}
