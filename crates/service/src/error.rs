//! Why an act was not done.

use std::time::Duration;

use gabion_model::{Acr, Problem};

/// Any act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// Every hashing worker has work; nothing was changed.
    #[error("too many sign-ins at once, try again in a moment")]
    Busy,
    /// The caller may not ask for this.
    #[error("this needs the role `administrator`")]
    Forbidden,
    /// There is nothing of that name, or it is not the caller's.
    #[error("there is no such account or session")]
    NotFound,
    /// The act is critical: whoever asks must prove again who they are. The way out is
    /// `/.gabion/login?fresh=1&acr=…&next=…`.
    #[error("sign in again to do this")]
    StepUp {
        /// At least by this.
        acr: Acr,
        /// Within so long before the act.
        max_age: Duration,
    },
    /// The ledger or the storage cannot record it, so it was not done.
    #[error("the act cannot be recorded, so it was refused; the log names the cause")]
    Unavailable,
}

/// [`Service::sign_in`](crate::Service::sign_in).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    #[error("too many sign-ins at once, try again in a moment")]
    Busy,
    /// Unknown name, wrong password, disabled account, not yet enrolled: never said which.
    #[error("the name or the password is wrong")]
    Rejected,
    #[error("too many failed tries, try again in {} s", .retry_after.as_secs())]
    Throttled { retry_after: Duration },
    #[error("the sign-in cannot be recorded, so it was refused; the log names the cause")]
    Unavailable,
}

/// [`Service::change_password`](crate::Service::change_password).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangePasswordError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// The current password is wrong.
    #[error("the current password is wrong")]
    Rejected,
    #[error("too many failed tries, try again in {} s", .retry_after.as_secs())]
    Throttled { retry_after: Duration },
    /// Every rule the new password breaks, as sentences for people.
    #[error("the new password breaks {} rule(s)", .0.len())]
    Violations(Vec<String>),
}

/// [`Service::add_account`](crate::Service::add_account).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddAccountError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// The name, a role or the tenant is not usable.
    #[error("{0}")]
    Invalid(Problem),
    #[error("there is already an account named `{0}`")]
    NameTaken(String),
}

/// [`Service::disable_account`](crate::Service::disable_account).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisableAccountError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// An administrator may not lock everybody out; the operator may.
    #[error("this is the last administrator who can sign in")]
    LastAdministrator,
}

/// [`Service::forgot_password`](crate::Service::forgot_password).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForgotPasswordError {
    #[error("too many people ask for links at once, try again in a moment")]
    Busy,
    #[error("no mail transport is configured")]
    NotConfigured,
    #[error("too many links were asked for, try again in {} s", .retry_after.as_secs())]
    Throttled { retry_after: Duration },
}

/// [`Service::change_email`](crate::Service::change_email).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeEmailError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("this is no e-mail address of the form `name@host.example`")]
    NoAddress,
    #[error("no mail transport is configured")]
    NotConfigured,
    #[error("this is the address of the account already")]
    Same,
    #[error("too many letters were sent, try again in {} s", .retry_after.as_secs())]
    Throttled { retry_after: Duration },
}

/// [`Service::use_mail_link`](crate::Service::use_mail_link).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailLinkError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// Unknown, expired, used, replaced, or of a disabled account: never said which.
    #[error("the link does not work: it was used, has expired or was replaced by a newer one")]
    Invalid,
    /// Told only to who holds the mailbox.
    #[error("another account has this address")]
    Taken,
}

/// [`Service::accept_invitation`](crate::Service::accept_invitation).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// Unknown, expired, used, withdrawn, or of a disabled account: never said which.
    #[error("the link does not work: it was used, has expired or was replaced by a newer one")]
    Invalid,
    /// Every rule the password breaks, as sentences for people.
    #[error("the password breaks {} rule(s)", .0.len())]
    Violations(Vec<String>),
}

/// The second half of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecondFactorError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// There is no such half-done sign-in any more: it took too long, ended, or is another browser's.
    #[error("the sign-in took too long or was begun elsewhere")]
    Gone,
    /// Whatever was shown proves nothing: never said why.
    #[error("this does not prove it")]
    Rejected,
    #[error("too many failed tries, try again in {} s", .retry_after.as_secs())]
    Throttled { retry_after: Duration },
}

/// Setting up and removing second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// What was begun is not there any more: it took too long, ended, or is another browser's.
    #[error("setting it up took too long or was begun elsewhere")]
    Gone,
    /// The account must have a second factor, and this is the last.
    #[error("this is the last second factor, and one is required")]
    LastFactor,
    /// The code or the passkey's answer is wrong.
    #[error("this does not prove that it works")]
    Rejected,
    #[error("too many failed tries, try again in {} s", .retry_after.as_secs())]
    Throttled { retry_after: Duration },
    #[error("there are too many second factors")]
    TooMany,
}

impl From<SignInError> for SecondFactorError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Busy => Self::Act(ActError::Busy),
            SignInError::Rejected => Self::Rejected,
            SignInError::Throttled { retry_after } => Self::Throttled { retry_after },
            SignInError::Unavailable => Self::Act(ActError::Unavailable),
        }
    }
}

impl From<SecondFactorError> for EnrolError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Act(error) => Self::Act(error),
            SecondFactorError::Gone => Self::Gone,
            SecondFactorError::Rejected => Self::Rejected,
            SecondFactorError::Throttled { retry_after } => Self::Throttled { retry_after },
        }
    }
}

impl From<SignInError> for EnrolError {
    fn from(error: SignInError) -> Self {
        SecondFactorError::from(error).into()
    }
}

impl From<ActError> for SignInError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Busy => Self::Busy,
            ActError::Forbidden | ActError::NotFound | ActError::StepUp { .. } => Self::Rejected,
            ActError::Unavailable => Self::Unavailable,
        }
    }
}
