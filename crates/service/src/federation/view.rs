//! What the acts of federation take and give.

use gabion_model::{Acr, Secret, Timestamp};
use serde::Serialize;

use crate::{ActError, SignInError, Step};

/// A provider, for a button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderView {
    /// Its name in the configuration and in addresses.
    pub name: String,
    pub display_name: String,
}

/// What somebody wants from a provider.
#[derive(Debug, Clone, Default)]
pub struct StartFederation {
    /// The local path to go on to afterwards, judged by the caller.
    pub next: String,
    /// To add the identity to the account they are signed in to.
    pub link: bool,
    /// The person must prove anew who they are.
    pub fresh: bool,
    /// How much is asked for at least, in all.
    pub wanted: Option<Acr>,
    /// What the person typed as their name.
    pub login_hint: Option<String>,
}

/// Where the browser goes.
#[derive(Debug)]
pub struct Departure {
    /// At the provider.
    pub url: String,
    /// What the browser's federation cookie holds from now on.
    pub browser: Secret<String>,
}

/// What came of a browser that came back.
#[derive(Debug)]
pub enum Arrival {
    /// A sign-in: complete, or on to the second factor.
    SignedIn { step: Step, next: String },
    /// Somebody no account is linked to; the ticket names them in this browser.
    Unlinked { ticket: String },
}

/// Where somebody who signed out here signs out at the provider they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub provider: ProviderView,
    /// With the session's ID token in it: for this browser only.
    pub url: String,
    /// At once; otherwise when they choose to.
    pub perform: bool,
}

/// Somebody a provider vouched for, whom no account is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenView {
    pub provider: ProviderView,
    /// What they are called there, in their own words.
    pub label: String,
    /// They may have an account made for them.
    pub may_create: bool,
    pub next: String,
}

/// What was chosen, done.
#[derive(Debug)]
pub struct Chosen {
    pub step: Step,
    pub next: String,
}

/// One linked identity as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityView {
    pub id: String,
    /// The provider, as people call it; its issuer where it is not configured any more.
    pub provider: String,
    pub label: String,
    pub linked: Timestamp,
    pub last_used: Option<Timestamp>,
}

/// Why a sign-in with another provider came to nothing. Alphabetical. What the provider or the browser
/// wrote is in none of them; the ledger and the log have the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FederationError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// The person said no there.
    #[error("the sign-in was cancelled at the provider")]
    Denied,
    /// The conditions of `admit` do not hold, or nobody is let in who is not linked.
    #[error("this account at the provider may not sign in here")]
    NotAdmitted,
    /// The person was not asked anew although they had to be.
    #[error("the provider did not ask anew")]
    NotFresh,
    /// What came back is not this provider's word about this sign-in.
    #[error("the provider's answer is not valid")]
    Rejected,
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// Not begun in this browser, used, or older than ten minutes.
    #[error("this sign-in was not begun in this browser, was used or has expired")]
    Unknown,
    /// The provider cannot be reached, or says things we cannot use.
    #[error("the provider cannot be reached at the moment")]
    Unreachable,
}

/// [`Service::link_identity`](crate::Service::link_identity).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// It is linked already: to this account or to another, which is not said.
    #[error("this sign-in is linked to an account already")]
    Taken,
    /// The ticket is not this browser's, was used or has expired.
    #[error("this sign-in has expired")]
    Unknown,
}

/// [`Service::unlink_identity`](crate::Service::unlink_identity).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnlinkError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// Without it nobody could sign in to the account.
    #[error("this is the last way to sign in")]
    Last,
}

/// [`Service::federation_logout`](crate::Service::federation_logout).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoutRefused {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("the logout token is not valid")]
    Invalid,
    #[error("there is no such provider")]
    Unknown,
}
