//! The second factors of one's own, to look at; and letters about what happens to them.

use gabion_identity::{Account, FactorKind};
use gabion_model::outbound::Letter;
use gabion_model::{Secret, Timestamp};
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
        self.read(Act::ListFactors, caller, |inner, standing| {
            let account = standing.account()?;
            let own = inner.storage.factors(&account.id)?;
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
                required: inner.rules().factors.is_required_for(&account.roles),
                password: account.password.is_some(),
            })
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
    /// Writes to somebody about their account, where there is an address they proved to hold. What cannot
    /// be sent is no reason not to do what it is about.
    pub(crate) fn tell(&self, account: &Account, subject: &str, text: &str) {
        let Some(email) = account.email.as_ref().filter(|_| account.email_verified.is_some()) else { return };
        let letter = Letter {
            to: email.as_str().to_owned(),
            subject: subject.to_owned(),
            text: Secret::new(format!(
                "Hello {},\n\n{text}\n\n{}/.gabion/account/security\n",
                account.name,
                self.origin()
            )),
            html: None,
        };
        if let Err(error) = self.mail.send(letter) {
            tracing::debug!(%error, "letter not sent");
        }
    }
}
