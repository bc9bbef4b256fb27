//! The directory as SCIM shows and changes it (RFC 7644).
//!
//! For programs alone: a service account with the scope `gabion:scim`. INVARIANT: whatever else its account or
//! its credential may, here it is a provisioner: it makes nobody an administrator and takes no administrator's
//! account over. It sees people, never service accounts, its own among them.

mod groups;
mod search;
mod users;

use gabion_identity::AccountKind;
use gabion_identity::scim::{Kind, Map, Refusal};
use gabion_model::Problem;

use super::{DirectoryError, version};
use crate::authorize::Standing;
use crate::service::Inner;
use crate::{ActError, Caller};

pub use users::UserChange;

/// A user or a group.
#[derive(Debug, Clone, PartialEq)]
pub struct ScimResource {
    pub body: Map,
    /// Its entity tag.
    pub version: String,
}

/// A part of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScimList {
    /// How many fit in all.
    pub total: u64,
    /// The number of the first one, from 1.
    pub start: u64,
    pub resources: Vec<Map>,
}

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScimError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<ActError> for ScimError {
    fn from(error: ActError) -> Self {
        Self::Directory(error.into())
    }
}

impl Inner {
    /// Who asks, as no more than a provisioner.
    fn provisioner(&self, caller: &Caller, standing: Standing) -> Result<Standing, ActError> {
        match standing {
            Standing::Operator => Ok(Standing::Operator),
            Standing::Administrator(account) | Standing::Provisioner(account)
                if caller.credential.is_some() && account.kind == AccountKind::Service =>
            {
                Ok(Standing::Provisioner(account))
            }
            _ => Err(ActError::Forbidden),
        }
    }

    /// Where `/Users` and `/Groups` are.
    fn scim_base(&self) -> String {
        format!("{}{PATH}", self.origin())
    }
}

/// Adds the entity tag.
fn resource(mut body: Map, version: String) -> ScimResource {
    if let Some(serde_json::Value::Object(meta)) = body.get_mut("meta") {
        meta.insert("version".to_owned(), format!("W/\"{version}\"").into());
    }
    ScimResource { body, version }
}

/// The first problem of each field, by the names SCIM has for them.
fn told(problems: &[Problem]) -> String {
    let name = |path: &str| {
        let names = [
            ("name", "userName"),
            ("email", "emails"),
            ("external_id", "externalId"),
            ("personal.name", "displayName"),
            ("personal.nickname", "nickName"),
            ("personal.profile", "profileUrl"),
            ("personal.zoneinfo", "timezone"),
            ("personal.locale", "locale"),
            ("personal.picture", "photos"),
            ("personal.phone_number", "phoneNumbers"),
        ];
        names
            .iter()
            .find(|(ours, _)| *ours == path)
            .map_or_else(|| path.to_owned(), |(_, name)| (*name).to_owned())
    };
    let all = problems.iter().take(MOST_PROBLEMS).map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
        format!("`{}`: {}{hint}", name(&problem.path), problem.reason)
    });
    all.collect::<Vec<_>>().join("; ")
}

impl ScimError {
    /// What is told of it, and the class of [`Kind`] it has.
    #[must_use]
    pub fn detail(&self) -> (Option<Kind>, String) {
        match self {
            Self::Refused(refusal) => (Some(refusal.kind), refusal.detail.clone()),
            Self::Directory(DirectoryError::Invalid(problems)) => (Some(Kind::InvalidValue), told(problems)),
            Self::Directory(DirectoryError::Taken(field)) => {
                let name = if *field == "email" { "address" } else { "name" };
                (Some(Kind::Uniqueness), format!("the {name} is another's, or was and is kept"))
            }
            Self::Directory(DirectoryError::NotFound) => (None, "there is no such resource".to_owned()),
            Self::Directory(DirectoryError::Act(ActError::Forbidden)) => {
                (None, "this needs a service account with the scope `gabion:scim`".to_owned())
            }
            Self::Directory(error) => (None, error.to_string()),
        }
    }
}

const PATH: &str = "/.gabion/scim/v2";
const MOST_PROBLEMS: usize = 8;
