//! One-time links: what they are for, and setting a password with one.

use gabion_identity::Account;
use gabion_model::{ControlId, EventKind, Outcome, RequestId, Secret};
use gabion_vault::password;

use crate::passwords::violations;
use crate::record::{About, to_the_end};
use crate::service::Inner;
use crate::{Act, ActError, Caller, InvitationError, InvitationView, Notice, Purpose, Service};

impl Service {
    /// What a one-time link is for, without using it. Changes nothing; only links that do not work are
    /// recorded.
    ///
    /// # Errors
    /// [`InvitationError::Invalid`] for a link that does not work, whatever the reason.
    pub async fn invitation(
        &self,
        caller: &Caller,
        token: Secret<String>,
    ) -> Result<InvitationView, InvitationError> {
        let asked = caller.clone();
        self.read(Act::ReadInvitation, caller, move |inner, _| {
            inner.open_invitation(Act::ReadInvitation, &asked, &token).map(|(_, view)| view)
        })
        .await
    }

    /// Uses a one-time link: sets the password, ends the account's sessions.
    ///
    /// # Errors
    /// [`InvitationError::Violations`] names every rule the password breaks; the link stays good.
    pub async fn accept_invitation(
        &self,
        caller: &Caller,
        token: Secret<String>,
        password: Secret<String>,
    ) -> Result<(), InvitationError> {
        let (service, mut caller) = (self.clone(), caller.clone());
        to_the_end(async move {
            let inner = &service.0;
            caller.request_id.get_or_insert_with(|| RequestId::random(&*inner.rng));
            let place = inner.workers.place().map_err(|_| ActError::Busy)?;
            let (asked, shown) = (caller.clone(), token.clone());
            let (account, view) = service
                .read(Act::AcceptInvitation, &caller, move |inner, _| {
                    inner.open_invitation(Act::AcceptInvitation, &asked, &shown)
                })
                .await?;
            let rules = inner.rules();
            let violations = violations(&rules.passwords, &password, &account.name);
            if !violations.is_empty() {
                return Err(InvitationError::Violations(violations));
            }
            let (cost, worker) = (rules.cost, service.clone());
            let hashed = place
                .run(move || password::hash(&password, cost, &*worker.0.rng))
                .await
                .map_err(|_| ActError::Unavailable)?
                .map_err(|_| ActError::Busy)?;

            let about = About::of(account.name.as_str()).with("purpose", name(view.purpose));
            service
                .act(Act::AcceptInvitation, &caller, about, move |inner, _| {
                    let now = inner.clock.now();
                    // Of two who come at once, one gets it.
                    let taken = inner.rules().invitations.take(&token, now).map_err(ActError::from)?;
                    if taken.is_none_or(|invitation| invitation.account != account.id) {
                        return Err(InvitationError::Invalid);
                    }
                    let account = inner
                        .accounts
                        .set_password(&account.id, hashed, None, now)
                        .map_err(ActError::from)?;
                    inner.notify(&account, &Notice::PasswordChanged);
                    Ok(())
                })
                .await
        })
        .await
    }
}

impl Inner {
    fn open_invitation(
        &self,
        act: Act,
        caller: &Caller,
        token: &Secret<String>,
    ) -> Result<(Account, InvitationView), InvitationError> {
        let found = self.rules().invitations.find(token, self.clock.now()).map_err(ActError::from)?;
        let account = match &found {
            Some(invitation) => self.accounts.by_id(&invitation.account).map_err(ActError::from)?,
            None => None,
        };
        let (Some(invitation), Some(account)) = (found, account.filter(|account| !account.disabled)) else {
            let mut event = self.event(act, caller, Outcome::Failure);
            (event.kind, event.control) = (EventKind::Refusal, ControlId::AUTHN_PASSWORD_RESET);
            event.reason = Some("the link does not work".to_owned());
            self.ledger.observe(event);
            return Err(InvitationError::Invalid);
        };
        let view = InvitationView {
            name: account.name.to_string(),
            purpose: invitation.purpose,
            expires: invitation.expires,
        };
        Ok((account, view))
    }
}

const fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Enrolment => "enrolment",
        Purpose::FirstAdministrator => "first_administrator",
        Purpose::Forgotten => "forgotten",
        Purpose::Reset => "reset",
    }
}
