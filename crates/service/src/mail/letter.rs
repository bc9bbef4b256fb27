//! How letters are written.

use askama::Template;
use gabion_identity::{Account, Email};
use gabion_model::Secret;
use gabion_model::outbound::Letter;

use crate::service::Inner;

/// What a letter says. Every text but the name is ours; names are escaped by the template.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) subject: &'static str,
    pub(crate) lines: Vec<String>,
    pub(crate) action: Option<Action>,
    pub(crate) closing: &'static str,
}

/// A one-time link.
pub(crate) struct Action {
    pub(crate) label: &'static str,
    pub(crate) url: Secret<String>,
    pub(crate) hint: &'static str,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Plain<'a> {
    name: &'a str,
    lines: &'a [String],
    action: Option<Shown<'a>>,
    closing: &'a str,
    origin: &'a str,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Rich<'a> {
    subject: &'a str,
    name: &'a str,
    lines: &'a [String],
    action: Option<Shown<'a>>,
    closing: &'a str,
    origin: &'a str,
}

#[derive(Clone, Copy)]
struct Shown<'a> {
    label: &'a str,
    url: &'a str,
    hint: &'a str,
}

impl Inner {
    /// Hands a letter to the courier. Whether it was taken changes nothing for whoever acts: a failure is
    /// logged, and nobody who asked learns of it.
    pub(crate) fn write_to(&self, account: &Account, to: &Email, text: &Text) {
        let origin = self.origin();
        let name = account.name.as_str();
        let action =
            text.action.as_ref().map(|one| Shown { label: one.label, url: one.url.expose(), hint: one.hint });
        let (lines, closing) = (text.lines.as_slice(), text.closing);
        let plain = Plain { name, lines, action, closing, origin: &origin }.render();
        let rich = Rich { subject: text.subject, name, lines, action, closing, origin: &origin }.render();
        let (Ok(plain), Ok(rich)) = (plain, rich) else {
            tracing::error!("letter not written");
            return;
        };
        let letter = Letter {
            to: to.as_str().to_owned(),
            subject: text.subject.to_owned(),
            text: Secret::new(plain),
            html: Some(Secret::new(rich)),
        };
        if let Err(error) = self.mail.send(letter) {
            tracing::warn!(%error, "letter not sent");
        }
    }

    /// The same, to the account's proven address, if it has one.
    pub(crate) fn write_home(&self, account: &Account, text: &Text) {
        if let (Some(email), Some(_)) = (&account.email, account.email_verified) {
            self.write_to(account, email, text);
        }
    }

    /// A link below our own address.
    pub(crate) fn link(&self, path: &str, token: &Secret<String>) -> Secret<String> {
        Secret::new(format!("{}{path}?token={}", self.origin(), token.expose()))
    }
}

impl std::fmt::Debug for Action {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Action").field("label", &self.label).finish_non_exhaustive()
    }
}
