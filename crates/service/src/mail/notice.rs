//! Notices: somebody's account was changed or used, and they should know (OWASP ASVS 6.3.7, 6.3.5).
//!
//! Every subject is ours. What people called a thing stands in the text, as one line without what cannot be
//! seen: a name is no way to write into a letter's head, or to make its text read backwards.

use gabion_identity::Account;
use gabion_model::{AccountId, Secret};

use super::letter::{Action, Text};
use crate::Service;
use crate::service::Inner;

/// What happened. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Its owner deleted it.
    AccountRemoved,
    /// `label` is what its owner calls it.
    ApiKeyCreated {
        label: String,
    },
    /// A new key takes the place of one of this label.
    ApiKeyReplaced {
        label: String,
    },
    /// The account's address is another one now; told at the new one.
    EmailChanged,
    /// An administrator took every second factor away.
    FactorsReset,
    IdentityLinked {
        provider: String,
    },
    IdentityUnlinked {
        provider: String,
    },
    /// A sign-in from where there was none before.
    NewDevice {
        device: String,
        address: String,
        time: String,
    },
    PasswordChanged,
    /// A recovery code was used up; so many are left.
    RecoveryCodeUsed {
        left: usize,
    },
    /// New ones took the place of the old ones.
    RecoveryCodesRenewed,
    /// `what` as the person calls it, for instance `the passkey "laptop"`.
    SecondFactorAdded {
        what: String,
    },
    SecondFactorRemoved {
        what: String,
    },
}

impl Service {
    /// Tells the owner of an account by mail, if they proved an address. Returns at once; whether a letter
    /// leaves changes nothing for the caller. Must be called on a tokio runtime.
    pub fn notify(&self, account: &AccountId, notice: Notice) {
        if !self.0.mail.is_configured() {
            return;
        }
        let (service, account) = (self.clone(), account.clone());
        drop(tokio::task::spawn_blocking(move || match service.0.accounts.by_id(&account) {
            Ok(Some(account)) => service.0.notify(&account, &notice),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "notice not sent"),
        }));
    }
}

impl Inner {
    pub(crate) fn notify(&self, account: &Account, notice: &Notice) {
        self.write_home(account, &notice.text(&self.origin()));
    }
}

impl Notice {
    fn text(&self, origin: &str) -> Text {
        let (subject, line) = match self {
            Self::AccountRemoved => {
                return Text {
                    subject: "Your account was deleted",
                    lines: vec![
                        "Your account was deleted from its own pages, with everything kept about it."
                            .to_owned(),
                    ],
                    action: None,
                    closing: "If this was not you, tell an administrator.",
                };
            }
            Self::ApiKeyCreated { label } => (
                "An API key was created",
                format!("A new API key acts for your account from now on: \"{}\".", shown(label)),
            ),
            Self::ApiKeyReplaced { label } => (
                "An API key was replaced",
                format!("The API key \"{}\" of your account got a successor.", shown(label)),
            ),
            Self::EmailChanged => (
                "Your e-mail address was changed",
                "This is the e-mail address of your account from now on.".to_owned(),
            ),
            Self::FactorsReset => (
                "Your second factors were removed",
                "An administrator removed every second factor of your account and signed out every device. \
                 Set up a new one when you sign in next."
                    .to_owned(),
            ),
            Self::IdentityLinked { provider } => (
                "Another sign-in was linked",
                format!("Your account can be signed in to with {} from now on.", shown(provider)),
            ),
            Self::IdentityUnlinked { provider } => (
                "Another sign-in was unlinked",
                format!("Your account cannot be signed in to with {} any more.", shown(provider)),
            ),
            Self::NewDevice { device, address, time } => {
                let told = "Somebody signed in to your account from a device or network it was not used from before.";
                let lines = vec![
                    told.to_owned(),
                    format!("Device: {}", shown(device)),
                    format!("Address: {address}"),
                    format!("Time: {time}"),
                ];
                let action = Some(look(origin));
                return Text { subject: "New sign-in to your account", lines, action, closing: NOT_YOU };
            }
            Self::PasswordChanged => (
                "Your password was changed",
                "The password of your account was changed, and every other device was signed out.".to_owned(),
            ),
            Self::RecoveryCodeUsed { left } => (
                "A recovery code was used",
                format!(
                    "A recovery code was used to sign in to your account. {}",
                    match left {
                        0 => "None is left: make new ones.".to_owned(),
                        1 => "One is left.".to_owned(),
                        left => format!("{left} are left."),
                    }
                ),
            ),
            Self::RecoveryCodesRenewed => (
                "New recovery codes were made",
                "Your account has new recovery codes. The ones from before do not work any more.".to_owned(),
            ),
            Self::SecondFactorAdded { what } => (
                "A second factor was added",
                format!("Your account can be signed in to with another second factor now: {}.", shown(what)),
            ),
            Self::SecondFactorRemoved { what } => (
                "A second factor was removed",
                format!("Your account has one second factor less: {}.", shown(what)),
            ),
        };
        Text { subject, lines: vec![line], action: Some(look(origin)), closing: NOT_YOU }
    }
}

fn look(origin: &str) -> Action {
    Action { label: "Look at your account", url: Secret::new(format!("{origin}/.gabion/account")), hint: "" }
}

/// A name as one line: no control characters, nothing that turns the direction of writing, at most 100
/// characters.
fn shown(name: &str) -> String {
    let unseen = |one: char| {
        one.is_control()
            || matches!(one, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    name.chars().filter(|one| !unseen(*one)).take(100).collect()
}

const NOT_YOU: &str = "If this was you, there is nothing to do. If it was not, sign in, change your password \
    and sign out every other device on your account page, or tell an administrator.";
