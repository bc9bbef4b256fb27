//! Acts on the directory: people, programs and groups, as the admin API, SCIM, `identity.toml` and the
//! command line ask for them.

mod accounts;
pub(crate) mod check;
mod export;
mod groups;
mod own;
mod page;
pub(crate) mod scim;
mod sessions;

use gabion_identity::{AccountError, AccountKind, GroupError, Personal};
use gabion_model::{AccountId, GroupId, Problem, TenantId, Timestamp};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;
use serde::{Deserialize, Serialize};

use crate::{AccountState, ActError};

pub use export::{Export, KnownDevice, PasswordView, PendingAddress};
pub use own::{EditProfile, Leaving};
pub use page::{Found, GroupSearch, PersonSearch, Start};
pub use scim::{ScimError, ScimList, ScimResource, UserChange};
pub use sessions::{SessionPage, SignedInSession};

/// An account in full, as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    pub id: AccountId,
    pub name: String,
    pub kind: AccountKind,
    pub tenant: TenantId,
    pub state: AccountState,
    pub email: Option<String>,
    pub email_verified: bool,
    pub personal: Personal,
    /// Of its own.
    pub roles: Vec<String>,
    /// Of its own and by its groups.
    pub effective_roles: Vec<String>,
    pub groups: Vec<GroupName>,
    pub external_id: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub last_sign_in: Option<Timestamp>,
    /// How many sessions it has now.
    pub sessions: usize,
    /// Another one whenever something of the above but the last two changed: an entity tag.
    pub version: String,
}

/// A group as it stands at an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupName {
    pub id: GroupId,
    pub name: String,
}

/// The account to make. Nobody can sign in to it until its owner has set a password by a one-time link or
/// signs in by another provider.
#[derive(Debug, Clone, Default)]
pub struct NewPerson {
    pub name: String,
    pub kind: AccountKind,
    /// `default` when not given.
    pub tenant: Option<String>,
    pub email: Option<String>,
    /// Whoever asks vouches that the address is the person's.
    pub email_verified: bool,
    pub personal: Personal,
    pub roles: Vec<String>,
    /// Ids of groups.
    pub groups: Vec<GroupId>,
    pub external_id: Option<String>,
    pub disabled: bool,
}

/// What to change of an account; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct EditPerson {
    pub name: Option<String>,
    pub tenant: Option<String>,
    pub email: Option<Option<String>>,
    pub email_verified: Option<bool>,
    pub personal: Option<Personal>,
    pub roles: Option<Vec<String>>,
    /// Exactly these groups, by id.
    pub groups: Option<Vec<GroupId>>,
    pub external_id: Option<Option<String>>,
    pub disabled: Option<bool>,
    /// Only if the account still has this [version](Person::version).
    pub version: Option<String>,
}

/// A group as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupView {
    pub id: GroupId,
    pub name: String,
    pub tenant: TenantId,
    pub roles: Vec<String>,
    pub external_id: Option<String>,
    pub members: u64,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub version: String,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberView {
    pub id: AccountId,
    pub name: String,
}

/// The group to make.
#[derive(Debug, Clone, Default)]
pub struct NewGroup {
    pub name: String,
    pub tenant: Option<String>,
    pub roles: Vec<String>,
    pub external_id: Option<String>,
    pub members: Vec<AccountId>,
}

/// What to change of a group; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct EditGroup {
    pub name: Option<String>,
    pub roles: Option<Vec<String>>,
    pub external_id: Option<Option<String>>,
    /// Exactly these.
    pub members: Option<Vec<AccountId>>,
    pub add: Vec<AccountId>,
    pub remove: Vec<AccountId>,
    pub version: Option<String>,
}

/// A role somebody has, or a group gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleView {
    pub name: String,
    /// How many accounts have it of their own.
    pub accounts: u64,
    /// Which groups give it.
    pub groups: Vec<GroupName>,
}

/// An account by what somebody calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Id(AccountId),
    Name(String),
}

impl Which {
    /// As whoever asks called it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Name(name) => name,
        }
    }
}

/// Any act on the directory. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// It is not as whoever asked last saw it.
    #[error("it was changed by somebody else meanwhile")]
    Changed,
    /// Everything that is wrong with what was asked for.
    #[error("{}", .0.first().map_or_else(String::new, ToString::to_string))]
    Invalid(Vec<Problem>),
    #[error("nobody would be left who can administer")]
    LastAdministrator,
    #[error("there is no such account or group")]
    NotFound,
    /// A provisioning credential asked for what only administrators may.
    #[error("only an administrator may change this of somebody who administers")]
    Protected,
    /// The value of this field is another's.
    #[error("the {0} is taken")]
    Taken(&'static str),
}

impl From<DirectoryError> for ActError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Act(error) => error,
            DirectoryError::NotFound => Self::NotFound,
            _ => Self::Forbidden,
        }
    }
}

impl From<AccountError> for DirectoryError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::LastAdministrator => Self::LastAdministrator,
            AccountError::NotFound => Self::NotFound,
            AccountError::Storage(error) => Self::Act(error.into()),
            AccountError::Taken => Self::Taken("name"),
        }
    }
}

impl From<GroupError> for DirectoryError {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::LastAdministrator => Self::LastAdministrator,
            GroupError::NotFound => Self::NotFound,
            GroupError::Storage(error) => Self::Act(error.into()),
            GroupError::Taken => Self::Taken("name"),
        }
    }
}

/// An entity tag over what is shown.
fn version(shown: &impl Serialize) -> String {
    let json = serde_json::to_vec(shown).unwrap_or_default();
    let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = sha256(&json);
    base64url_encode(&[a, b, c, d, e, f, g, h, i, j, k, l])
}

/// The parts of a person's standing that a page of a list can be asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateFilter {
    Active,
    Disabled,
    Invited,
}
