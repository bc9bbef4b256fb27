//! Erasing what the ledger says of somebody: their key is destroyed, the records stay and are proved as before.

use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// Nothing was erased. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("the legal hold `{0}` keeps it")]
    Held(String),
    /// What it does from here on would stand in the record under a new key.
    #[error("there is an account with this name")]
    Living,
    #[error("no record speaks of an account with this name, or it is erased already")]
    NotFound,
}

impl Service {
    /// Destroys the key of the personal data of a removed account, now.
    ///
    /// # Errors
    /// [`EraseError`]; nothing is erased then.
    pub async fn erase_personal(&self, caller: &Caller, name: &str) -> Result<(), EraseError> {
        let wanted = name.to_owned();
        self.act(Act::ErasePersonal, caller, About::of(name), move |inner, _| {
            let living = match wanted.parse() {
                Ok(name) => inner.accounts.find(&name).map_err(ActError::from)?.is_some(),
                Err(_) => false,
            };
            if living {
                return Err(EraseError::Living);
            }
            if let Some(hold) = inner.ledger.held(&wanted).map_err(|error| unread(&error))? {
                return Err(EraseError::Held(hold));
            }
            // Before the ledger's: it leaves nothing of what was there in the file.
            let name = wanted.to_lowercase();
            let forgotten =
                inner.alerts.load().erase(&name).and_then(|()| inner.register.load().erase(&name));
            forgotten.map_err(|error| unread(&error))?;
            let erased = inner.ledger.erase(&wanted).map_err(|error| match error {
                gabion_ledger::EraseError::Held(hold) => EraseError::Held(hold),
                error => unerased(&std::io::Error::other(error)).into(),
            })?;
            erased.map(drop).ok_or(EraseError::NotFound)
        })
        .await
    }

    /// Whether nothing holds the personal data of an account: what is asked before it is removed to be erased.
    ///
    /// # Errors
    /// [`EraseError::Held`] among others.
    pub async fn may_erase(&self, caller: &Caller, name: &str) -> Result<(), EraseError> {
        let wanted = name.to_owned();
        self.read(Act::ErasePersonal, caller, move |inner, _| {
            let held = inner.ledger.held(&wanted);
            match held.map_err(|error| unerased(&std::io::Error::other(error)))? {
                Some(hold) => Err(EraseError::Held(hold)),
                None => Ok(()),
            }
        })
        .await
    }

    /// Destroys the keys of accounts that were removed `ledger.erase_after` ago: part of [`tick`](Self::tick).
    ///
    /// # Errors
    /// [`ActError::Forbidden`] for everybody but the operator and the gate.
    pub async fn erase_due(&self, caller: &Caller) -> Result<(), ActError> {
        let due =
            |inner: &Inner, _| inner.ledger.due_erasures(inner.clock.now()).map_err(|error| unerased(&error));
        let count = self.read(Act::ErasePersonal, caller, due).await?;
        if count == 0 {
            return Ok(());
        }
        let about = About::default().with("accounts", count.to_string());
        self.act(Act::ErasePersonal, caller, about, |inner, _| {
            inner.ledger.erase_due(inner.clock.now()).map(drop).map_err(|error| unerased(&error))
        })
        .await
    }
}

impl Inner {
    /// An account is gone; its personal data in the ledger goes with it, when its time has come.
    pub(crate) fn forget_personal(&self, name: &str) -> Result<(), ActError> {
        self.ledger.account_removed(name, self.clock.now()).map_err(|error| unerased(&error))
    }
}

fn unread(error: &dyn std::error::Error) -> ActError {
    tracing::error!(%error, "personal data not erased");
    ActError::Unavailable
}

fn unerased(error: &std::io::Error) -> ActError {
    tracing::error!(%error, "personal data not erased");
    ActError::Unavailable
}
