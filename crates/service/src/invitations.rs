//! One-time links: what they are for, and setting a password with one.

use gabion_identity::{Account, AccountKind};
use gabion_model::{ControlId, EventKind, Outcome, Problem, RequestId, Secret};
use gabion_vault::password;

use crate::mail::letter::{Action, Text};
use crate::passwords::violations;
use crate::record::{About, to_the_end};
use crate::service::Inner;
use crate::{
    Act, ActError, Caller, DirectoryError, InvitationError, InvitationView, Notice, OneTimeLink, Purpose,
    Service, Which,
};

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

impl Service {
    /// A new one-time link for somebody who has no password yet; an older one stops working.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] for a disabled account, a program, and who has a password.
    pub async fn invite(&self, caller: &Caller, which: Which) -> Result<OneTimeLink, DirectoryError> {
        let about = About::of(which.text());
        self.act(Act::InviteAccount, caller, about, move |inner, _| {
            let account = inner.invitable(&which)?;
            Ok(inner.issue(&account, Purpose::Enrolment)?)
        })
        .await
    }

    /// The same, and the link leaves by mail.
    ///
    /// # Errors
    /// As [`invite`](Self::invite), and for an account without an address.
    pub async fn invite_by_mail(&self, caller: &Caller, which: Which) -> Result<(), DirectoryError> {
        let about = About::of(which.text()).with("by", "mail");
        self.act(Act::InviteAccount, caller, about, move |inner, _| {
            let account = inner.invitable(&which)?;
            let invalid = |path: &str, words: &str| DirectoryError::Invalid(vec![Problem::new(path, words)]);
            let email =
                account.email.clone().ok_or_else(|| invalid("email", "there is no address to write to"))?;
            if !inner.mail.is_configured() {
                return Err(invalid("", "no mail transport is configured"));
            }
            let link = inner.issue(&account, Purpose::Enrolment)?;
            let url = inner.link("/.gabion/welcome", &link.token);
            inner.write_to(&account, &email, &letter(url));
            Ok(())
        })
        .await
    }
}

fn letter(url: Secret<String>) -> Text {
    Text {
        subject: "Your account",
        lines: vec!["An account was made for you. Choose a password to use it.".to_owned()],
        action: Some(Action { label: "Choose a password", url, hint: "The link works once." }),
        closing: "If you did not expect this, there is nothing to do: nobody can use the account without the link.",
    }
}

impl Inner {
    /// Somebody who could use an account and has no password for it yet.
    fn invitable(&self, which: &Which) -> Result<Account, DirectoryError> {
        let account = self.which(which)?;
        let wrong = if account.kind == AccountKind::Service {
            "a program has no password"
        } else if account.disabled {
            "the account is disabled"
        } else if account.password.is_some() {
            "the account has a password; a reset makes a link to another one"
        } else {
            return Ok(account);
        };
        Err(DirectoryError::Invalid(vec![Problem::new("user", wrong)]))
    }

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
