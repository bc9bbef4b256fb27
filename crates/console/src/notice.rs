//! What a page says after a redirect: `?notice=…` names one of these sentences, so that nobody can
//! write their own into our pages.

use serde::Deserialize;

/// Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Notice {
    AccountRemoved,
    ApplicationGone,
    ApplicationRevoked,
    BeginAgain,
    FactorAdded,
    FactorGone,
    FactorRemoved,
    FactorRenamed,
    FactorRequired,
    IdentityLast,
    IdentityUnlinked,
    KeyGone,
    KeyRevoked,
    LinkSent,
    OthersRevoked,
    PasswordChanged,
    PasswordSet,
    ProfileSaved,
    SessionGone,
    SessionRevoked,
    /// Whatever else stands there.
    #[serde(other)]
    Unknown,
}

impl Notice {
    pub(crate) const fn text(self) -> Option<&'static str> {
        match self {
            Self::AccountRemoved => Some("Your account is deleted, with everything kept about it."),
            Self::ApplicationGone => Some("That application had no access any more."),
            Self::ApplicationRevoked => {
                Some("The application has no access to your account any more. It can ask for it again.")
            }
            Self::BeginAgain => Some("That took too long, or was begun elsewhere. Please sign in again."),
            Self::FactorAdded => Some("It is set up. You can sign in with it from now on."),
            Self::FactorGone => Some("That is not there any more, or took too long. Nothing was changed."),
            Self::FactorRemoved => Some("It is removed and cannot be used to sign in any more."),
            Self::FactorRenamed => Some("It has its new name."),
            Self::FactorRequired => Some("It is your last one, and your account must have one. It stays."),
            Self::IdentityLast => {
                Some("This is your only way to sign in. Set a password or link another first.")
            }
            Self::IdentityUnlinked => Some("It is unlinked and does not get into this account any more."),
            Self::KeyGone => Some("That key is not there any more, or was replaced already."),
            Self::KeyRevoked => Some("The key is revoked. Programs that use it are refused from now on."),
            Self::LinkSent => Some("A link is on its way. Open it to confirm the address."),
            Self::OthersRevoked => Some("Every other device is signed out."),
            Self::PasswordChanged => Some("Your password is changed, and every other device is signed out."),
            Self::PasswordSet => Some("Your password is set. Sign in with it now."),
            Self::ProfileSaved => Some("Your profile is saved."),
            Self::SessionGone => Some("That device was signed out already."),
            Self::SessionRevoked => Some("The device is signed out."),
            Self::Unknown => None,
        }
    }
}
