//! Legal holds: set, listed and taken away, each of it on record first.

use std::sync::Arc;

use gabion_ledger::Position;
use gabion_ledger::hold::{Hold, HoldError};
use gabion_ledger::retention::Retention;
use gabion_model::Timestamp;

use crate::record::About;
use crate::response::who;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// A hold somebody asks for. What is not said is not a bound; where nothing is, everything is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewHold {
    pub name: String,
    pub reason: String,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Records from this on.
    pub first: Option<Position>,
    /// Up to and with this.
    pub last: Option<Position>,
    /// The name of an account.
    pub principal: Option<String>,
}

/// Nothing was changed. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum HoldRefused {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error("no record speaks of an account with this name, or what they say of it is erased")]
    Principal,
}

impl Service {
    /// The holds that stand, by name.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] for everybody but the operator and the gate.
    pub async fn holds(&self, caller: &Caller) -> Result<Vec<Hold>, ActError> {
        self.read(Act::ListHolds, caller, |inner, _| Ok(inner.retention()?.holds().list())).await
    }

    /// Sets a hold: from now on retention and erasure leave what it keeps.
    ///
    /// # Errors
    /// [`HoldRefused`]; nothing is held then.
    pub async fn add_hold(&self, caller: &Caller, new: NewHold) -> Result<Hold, HoldRefused> {
        let mut about = About::of(&new.name).with("reason", &new.reason);
        let bounds = [
            ("since", new.since.map(|at| at.to_string())),
            ("until", new.until.map(|at| at.to_string())),
            ("first", new.first.map(|record| record.to_string())),
            ("last", new.last.map(|record| record.to_string())),
            ("principal", new.principal.clone()),
        ];
        for (key, value) in bounds {
            if let Some(value) = value {
                about = about.with(key, value);
            }
        }
        let by = who(&caller.actor);
        self.act(Act::AddHold, caller, about, move |inner, _| {
            let NewHold { name, reason, since, until, first, last, principal } = new;
            let retention = inner.retention()?;
            let subject = match &principal {
                Some(principal) => {
                    let subject = inner.ledger.subject(principal).map_err(|error| {
                        tracing::error!(%error, "hold not set");
                        ActError::Unavailable
                    })?;
                    Some(subject.ok_or(HoldRefused::Principal)?.to_string())
                }
                None => None,
            };
            let set = inner.clock.now();
            let hold = Hold { name, reason, set, by, since, until, first, last, principal, subject };
            retention.holds().add(hold.clone())?;
            Ok(hold)
        })
        .await
    }

    /// Takes a hold away: what is older than `ledger.keep` is removed with the next segment, what was due to be erased is
    /// erased.
    ///
    /// # Errors
    /// [`HoldError::NotFound`] among others; it stands then.
    pub async fn remove_hold(&self, caller: &Caller, name: &str) -> Result<Hold, HoldRefused> {
        let wanted = name.to_owned();
        self.act(Act::RemoveHold, caller, About::of(name), move |inner, _| {
            Ok(inner.retention()?.holds().remove(&wanted)?)
        })
        .await
    }
}

impl Inner {
    fn retention(&self) -> Result<Arc<Retention>, ActError> {
        self.ledger.retention().cloned().ok_or(ActError::Unavailable)
    }
}
