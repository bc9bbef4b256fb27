//! Notices: somebody's account was changed or used, and they should know (OWASP ASVS 6.3.7, 6.3.5).

use gabion_identity::Account;
use gabion_model::AccountId;

use super::letter::Text;
use crate::Service;
use crate::service::Inner;

/// What happened. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The account's address is another one now; told at the new one.
    EmailChanged,
    /// A sign-in from where there was none before.
    NewDevice {
        device: String,
        address: String,
        time: String,
    },
    PasswordChanged,
    /// `what` as the person calls it, for instance `a passkey`.
    SecondFactorAdded {
        what: String,
    },
    /// A recovery code was used up; so many are left.
    RecoveryCodeUsed {
        left: usize,
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
        self.write_home(account, &notice.text());
    }
}

impl Notice {
    fn text(&self) -> Text {
        let (subject, lines) = match self {
            Self::EmailChanged => (
                "Your e-mail address was changed",
                vec!["This is the e-mail address of your account from now on.".to_owned()],
            ),
            Self::NewDevice { device, address, time } => (
                "New sign-in to your account",
                vec![
                    "Somebody signed in to your account from a device or network it was not used from before."
                        .to_owned(),
                    format!("Device: {device}"),
                    format!("Address: {address}"),
                    format!("Time: {time}"),
                ],
            ),
            Self::PasswordChanged => (
                "Your password was changed",
                vec![
                    "The password of your account was changed, and every other device was signed out."
                        .to_owned(),
                ],
            ),
            Self::RecoveryCodeUsed { left } => (
                "A recovery code was used",
                vec![format!("A recovery code was used to sign in to your account. {left} are left.")],
            ),
            Self::SecondFactorAdded { what } => (
                "A second factor was added",
                vec![format!("Your account can be signed in to with another second factor now: {what}.")],
            ),
            Self::SecondFactorRemoved { what } => (
                "A second factor was removed",
                vec![format!("Your account has one second factor less: {what}.")],
            ),
        };
        Text { subject, lines, action: None, closing: NOT_YOU }
    }
}

const NOT_YOU: &str = "If this was you, there is nothing to do. If it was not, sign in, change your password \
    and sign out every other device on your account page, or tell an administrator.";
