//! The second factors of one's own, to look at.

use gabion_identity::factors::FactorId;
use gabion_identity::storage::Removal;
use gabion_identity::{Account, FactorKind};
use gabion_model::Timestamp;
use serde::Serialize;

use crate::enrolment::called;
use crate::record::{About, observed};
use crate::service::Inner;
use crate::{Act, ActError, Caller, DirectoryError, Notice, Service, Which};

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

    /// The second factors of somebody, for administrators. That it was asked for is counted in the record.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such account.
    pub async fn find_factors(&self, caller: &Caller, which: Which) -> Result<FactorsView, DirectoryError> {
        let asked = caller.clone();
        self.read(Act::FindFactors, caller, move |inner, _| {
            observed(inner, Act::FindFactors, &asked);
            Ok(inner.factors_view(&inner.which(&which)?)?)
        })
        .await
    }

    /// Takes one second factor of somebody away, for administrators; sessions and tokens end, because they may
    /// be of whoever should not have it. The last one can be taken, too: where one is required, the next
    /// sign-in sets up another.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such account or factor.
    pub async fn remove_factor_of(
        &self,
        caller: &Caller,
        which: Which,
        factor: &str,
    ) -> Result<(), DirectoryError> {
        let (about, factor) = (About::of(which.text()).with("factor", factor), FactorId::new(factor));
        self.act(Act::RemoveFactorOf, caller, about, move |inner, _| {
            let account = inner.which(&which)?;
            let own = inner.factors_view(&account)?.factors.into_iter().find(|one| one.id == factor.as_str());
            match inner.storage.remove_factor(&account.id, &factor, false).map_err(ActError::from)? {
                Removal::Removed => {}
                Removal::Last | Removal::NotThere => return Err(DirectoryError::NotFound),
            }
            // Last, so that it also ends what begins between the two: whoever found the lost device is out.
            let account = inner.accounts.revoke_all(&account.id)?;
            inner.pending.end(&account.id);
            if let Some(gone) = own {
                let what = called(gone.kind, &gone.name);
                inner.notify(&account, &Notice::SecondFactorRemoved { what });
            }
            Ok(())
        })
        .await
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
