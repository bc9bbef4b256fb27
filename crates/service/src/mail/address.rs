//! The address of an account: proven, changed, taken back.

use gabion_identity::mail::{MailLink, MailLinks, MailPurpose};
use gabion_identity::{Account, AccountError, Email};
use gabion_model::{ControlId, EventKind, Outcome, Secret};
use serde::Serialize;

use super::Notice;
use super::letter::{Action, Text};
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, ChangeEmailError, MailLinkError, Service};

/// The caller's own address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmailView {
    pub email: Option<Email>,
    pub verified: bool,
    /// Letters can be sent.
    pub possible: bool,
}

/// What the holder of a link may know before using it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailLinkView {
    /// The account's name.
    pub name: String,
    pub email: Email,
    /// Takes a change back; else confirms an address.
    pub cancels: bool,
}

impl Service {
    /// The caller's own address.
    ///
    /// # Errors
    /// When nobody is signed in.
    pub async fn email(&self, caller: &Caller) -> Result<EmailView, ActError> {
        self.read(Act::ReadEmail, caller, |inner, standing| {
            let account = standing.account()?;
            Ok(EmailView {
                verified: account.email_verified.is_some(),
                email: account.email,
                possible: inner.mail.is_configured(),
            })
        })
        .await
    }

    /// Begins to make `email` the caller's address: a link goes there, and one that takes it back to the
    /// proven address of before. The address changes when the link is used.
    ///
    /// # Errors
    /// [`ActError::StepUp`] when the caller proved who they are too long ago: a stolen session must not
    /// become a stolen account.
    pub async fn change_email(&self, caller: &Caller, email: &str) -> Result<(), ChangeEmailError> {
        let email: Email = email.parse().map_err(|_| ChangeEmailError::NoAddress)?;
        self.act(Act::ChangeEmail, caller, About::default(), move |inner, standing| {
            let account = standing.account()?;
            if !inner.mail.is_configured() {
                return Err(ChangeEmailError::NotConfigured);
            }
            let now = inner.clock.now();
            if account.email_verified.is_some() && account.email.as_ref() == Some(&email) {
                return Err(ChangeEmailError::Same);
            }
            inner
                .requests
                .may_send(&account, now)
                .map_err(|retry_after| ChangeEmailError::Throttled { retry_after })?;
            let (confirm, cancel) =
                inner.mail_links().begin(&account, &email, now, &*inner.rng).map_err(ActError::from)?;
            let url = inner.link(PATH, &confirm.token);
            inner.write_to(&account, &confirm.link.email, &to_confirm(url));
            if let Some(cancel) = cancel {
                let url = inner.link(PATH, &cancel.token);
                inner.write_to(&account, &cancel.link.email, &to_cancel(&email, url));
            }
            Ok(())
        })
        .await
    }

    /// What a link is for, without using it.
    ///
    /// # Errors
    /// [`MailLinkError::Invalid`] for a link that does not work, whatever the reason.
    pub async fn mail_link(
        &self,
        caller: &Caller,
        token: Secret<String>,
    ) -> Result<MailLinkView, MailLinkError> {
        let asked = caller.clone();
        self.read(Act::ReadMailLink, caller, move |inner, _| {
            let (account, link) = inner.open_mail_link(Act::ReadMailLink, &asked, &token)?;
            Ok(MailLinkView {
                name: account.name.to_string(),
                cancels: link.purpose == MailPurpose::Cancel,
                email: link.email,
            })
        })
        .await
    }

    /// Uses a link: makes its address the account's, or again the account's.
    ///
    /// # Errors
    /// [`MailLinkError::Taken`] when the address was proven for another account meanwhile.
    pub async fn use_mail_link(
        &self,
        caller: &Caller,
        token: Secret<String>,
    ) -> Result<MailLinkView, MailLinkError> {
        let (asked, shown) = (caller.clone(), token.clone());
        let (account, link) = self
            .read(Act::UseMailLink, caller, move |inner, _| {
                inner.open_mail_link(Act::UseMailLink, &asked, &shown)
            })
            .await?;
        let purpose = if link.purpose == MailPurpose::Cancel { "cancel" } else { "confirm" };
        let about = About::of(account.name.as_str()).with("purpose", purpose);
        self.act(Act::UseMailLink, caller, about, move |inner, _| {
            let now = inner.clock.now();
            // Of two who come at once, one gets it.
            let taken = inner.mail_links().take(&token, now).map_err(ActError::from)?;
            let link = taken.filter(|taken| *taken == link).ok_or(MailLinkError::Invalid)?;
            let set = |email: &Email| {
                let set = inner.accounts.set_email(&account.id, Some(email.clone()), Some(now), now);
                set.map_err(|error| match error {
                    AccountError::Taken => MailLinkError::Taken,
                    error => ActError::from(error).into(),
                })
            };
            let cancels = link.purpose == MailPurpose::Cancel;
            if cancels {
                inner.mail_links().withdraw(&account.id).map_err(ActError::from)?;
                if account.email.as_ref() != Some(&link.email) {
                    set(&link.email)?;
                }
                // Somebody else was in: what they hold ends, and the password they may know does not help.
                inner.accounts.remove_password(&account.id).map_err(ActError::from)?;
            } else {
                let changed = set(&link.email)?;
                if account.email_verified.is_some() {
                    inner.notify(&changed, &Notice::EmailChanged);
                }
            }
            Ok(MailLinkView { name: account.name.to_string(), email: link.email, cancels })
        })
        .await
    }
}

impl Inner {
    pub(crate) fn mail_links(&self) -> MailLinks {
        MailLinks::new(std::sync::Arc::clone(&self.storage) as _)
    }

    fn open_mail_link(
        &self,
        act: Act,
        caller: &Caller,
        token: &Secret<String>,
    ) -> Result<(Account, MailLink), MailLinkError> {
        let found = self.mail_links().find(token, self.clock.now()).map_err(ActError::from)?;
        let account = match &found {
            Some(link) => self.accounts.by_id(&link.account).map_err(ActError::from)?,
            None => None,
        };
        match (account.filter(|account| !account.disabled), found) {
            (Some(account), Some(link)) => Ok((account, link)),
            _ => {
                let mut event = self.event(act, caller, Outcome::Failure);
                (event.kind, event.control) = (EventKind::Refusal, ControlId::AUTHN_PASSWORD_RESET);
                event.reason = Some("the link does not work".to_owned());
                self.ledger.observe(event);
                Err(MailLinkError::Invalid)
            }
        }
    }
}

fn to_confirm(url: Secret<String>) -> Text {
    Text {
        subject: "Confirm your e-mail address",
        lines: vec![
            "Please confirm that this address is yours. It becomes the address of your account.".to_owned(),
        ],
        action: Some(Action {
            label: "Confirm this address",
            url,
            hint: "The link works once, and for a day.",
        }),
        closing: "If you do not know what this is about, there is nothing to do.",
    }
}

fn to_cancel(new: &Email, url: Secret<String>) -> Text {
    Text {
        subject: "Your e-mail address is about to change",
        lines: vec![format!(
            "Somebody signed in to your account asked to change its e-mail address to {new}."
        )],
        action: Some(Action {
            label: "Keep this address and lock everybody out",
            url,
            hint: "Use the link only if this was not you. It works once, and for three days, also after the change: \
                   this address is restored, every device is signed out, and the password stops working.",
        }),
        closing: "If this was you, there is nothing to do here: confirm with the link sent to the new address.",
    }
}

/// The page of these links.
const PATH: &str = "/.gabion/email";
