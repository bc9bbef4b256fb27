//! The second factors of one's own, to look at.

use gabion_identity::{Account, FactorKind};
use gabion_model::Timestamp;
use serde::Serialize;

use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// All of them, for the security page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactorsView {
    pub factors: Vec<FactorView>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
    /// The last one cannot be removed.
    pub required: bool,
    /// The person has a password.
    pub password: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactorView {
    pub id: String,
    pub kind: FactorKind,
    pub name: String,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
    /// A passkey that its owner's other devices have, too.
    pub synced: bool,
}

impl Service {
    /// The caller's own second factors.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller is not signed in.
    pub async fn factors(&self, caller: &Caller) -> Result<FactorsView, ActError> {
        self.read(Act::ListFactors, caller, |inner, standing| inner.factors_view(&standing.account()?)).await
    }

    /// Whether the caller could do a critical act right now, for the page before it.
    ///
    /// # Errors
    /// [`ActError::StepUp`] when the caller must prove again who they are.
    pub async fn ready_for(&self, caller: &Caller, act: Act) -> Result<(), ActError> {
        self.read(act, caller, |_, _| Ok(())).await
    }
}

impl Inner {
    pub(crate) fn factors_view(&self, account: &Account) -> Result<FactorsView, ActError> {
        let own = self.storage.factors(&account.id)?;
        let passkeys = own.passkeys.into_iter().map(|one| FactorView {
            id: one.id.to_string(),
            kind: FactorKind::Passkey,
            name: one.name,
            created: one.created,
            last_used: one.last_used,
            synced: one.backup_eligible,
        });
        let totps = own.totps.into_iter().map(|one| FactorView {
            id: one.id.to_string(),
            kind: FactorKind::Totp,
            name: one.name,
            created: one.created,
            last_used: one.last_used,
            synced: false,
        });
        Ok(FactorsView {
            factors: passkeys.chain(totps).collect(),
            recovery_codes: own.recovery_codes,
            required: self.rules().factors.is_required_for(&account.roles),
            password: account.password.is_some(),
        })
    }
}
