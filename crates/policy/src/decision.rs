//! What comes of a question.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use gabion_model::{Acr, Timestamp};
use serde::{Deserialize, Serialize};

/// The answer to a [`Question`](crate::Question). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision(Arc<Answer>);

/// What a decision says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub effect: Effect,
    /// The policies that decided: those that permit, or those that forbid. None when nothing permits.
    pub policies: Vec<PolicyId>,
    /// What comes with it. On a denial: what would lift it.
    pub obligations: Vec<Obligation>,
    /// What could not be evaluated.
    pub faults: Vec<Fault>,
    /// Which policies decided.
    pub generation: Generation,
}

impl From<Answer> for Decision {
    fn from(answer: Answer) -> Self {
        Self(Arc::new(answer))
    }
}

impl Deref for Decision {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.0
    }
}

impl Decision {
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Allow,
    Deny,
}

impl Effect {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// The policy's `@id`, or else its file and line: `orders.cedar:12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyId(pub Arc<str>);

impl fmt::Display for PolicyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Names a set of policies by its content: the beginning of a SHA-256 over policies, schema and facts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub(crate) [u8; 8]);

impl fmt::Display for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What the gate owes beside the effect. Of several policies that decide, all obligations hold together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obligation {
    /// Whoever asks must have signed in as strongly as `acr`, no longer than `max_age` ago. With an allowance:
    /// before it is carried out. With a denial: then ask again.
    StepUp { acr: Acr, max_age: Option<Duration> },
    /// These members of the answer are taken out: JSON pointers (RFC 6901), `*` for every item of an array.
    Mask { fields: Vec<Arc<str>> },
    /// Policies on trial would have decided otherwise; record it.
    DryRun { effect: Effect, policies: Vec<PolicyId> },
}

impl Obligation {
    /// Several as one: the strongest step-up, the shortest age, everything masked that any masks.
    pub(crate) fn together<'a>(all: impl Iterator<Item = &'a Self>) -> Vec<Self> {
        let mut step: Option<(Acr, Option<Duration>)> = None;
        let mut fields = Vec::new();
        for one in all {
            match one {
                Self::StepUp { acr, max_age } => {
                    step = Some(match step {
                        None => (*acr, *max_age),
                        Some((other, age)) => (other.max(*acr), age.into_iter().chain(*max_age).min()),
                    });
                }
                Self::Mask { fields: more } => fields.extend(more.iter().cloned()),
                Self::DryRun { .. } => {}
            }
        }
        fields.sort();
        fields.dedup();
        let step = step.map(|(acr, max_age)| Self::StepUp { acr, max_age });
        let mask = (!fields.is_empty()).then_some(Self::Mask { fields });
        step.into_iter().chain(mask).collect()
    }

    /// Whether a step-up is done already; other obligations are never.
    #[must_use]
    pub fn is_met(&self, acr: Option<Acr>, authenticated_at: Option<Timestamp>, now: Timestamp) -> bool {
        let Self::StepUp { acr: wanted, max_age } = self else { return false };
        let fresh = match (max_age, authenticated_at) {
            (None, _) => true,
            (Some(age), Some(at)) => now.saturating_since(at) <= *age,
            (Some(_), None) => false,
        };
        fresh && acr.is_some_and(|acr| acr >= *wanted)
    }
}

/// As annotations and cases write it: `step_up:2fa,300s`, `mask:/email,/phone`, `dry_run`.
impl fmt::Display for Obligation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StepUp { acr, max_age } => {
                let acr = match acr {
                    Acr::OneFactor => "1fa",
                    Acr::TwoFactors => "2fa",
                    Acr::PhishingResistant => "phr",
                };
                write!(formatter, "step_up:{acr}")?;
                match max_age.map(|age| age.as_secs()) {
                    None => Ok(()),
                    Some(seconds) if seconds > 0 && seconds % 60 == 0 => {
                        write!(formatter, ",{}m", seconds / 60)
                    }
                    Some(seconds) => write!(formatter, ",{seconds}s"),
                }
            }
            Self::Mask { fields } => write!(formatter, "mask:{}", fields.join(",")),
            Self::DryRun { .. } => formatter.write_str("dry_run"),
        }
    }
}

/// Why something could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Fault {
    /// The policy; none when the question itself does not fit the schema.
    pub policy: Option<PolicyId>,
    /// Names attributes and types, never their values.
    pub reason: Arc<str>,
}
