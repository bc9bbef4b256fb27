//! Identity as a file declares it: groups, people, service accounts and applications.
//!
//! What the file does not say of a thing stays as it is; what it says is made so, each change by the act
//! that anybody else would ask for. Things are found by the name in the file, or by what was written down
//! when the file made them. Only what the file once made is ever removed, and only when asked for.

mod apply;
mod export;
mod fields;
mod plan;

use std::collections::BTreeMap;
use std::time::Duration;

use gabion_identity::oauth::client::{ClientId, Metadata, SHORTEST_GIVEN_SECRET};
use gabion_identity::{AccountKind, Personal};
use gabion_model::{Problem, Secret};
use gabion_vault::password;
use serde::{Deserialize, Serialize};

use crate::ActError;
use crate::directory::check::Check;

pub use apply::Reconciled;

/// What a file declares. Of a thing, `None` is what the file does not say.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    pub groups: Vec<DeclaredGroup>,
    pub people: Vec<DeclaredAccount>,
    pub service_accounts: Vec<DeclaredAccount>,
    pub clients: Vec<DeclaredClient>,
}

#[derive(Debug, Clone, Default)]
pub struct DeclaredGroup {
    pub name: String,
    pub tenant: Option<String>,
    pub roles: Option<Vec<String>>,
    pub external_id: Option<String>,
}

/// A person or a service account.
#[derive(Debug, Clone, Default)]
pub struct DeclaredAccount {
    pub name: String,
    pub tenant: Option<String>,
    /// Empty: none.
    pub email: Option<String>,
    /// Whoever wrote the file vouches that the address is the person's.
    pub email_verified: bool,
    pub personal: Option<Personal>,
    pub roles: Option<Vec<String>>,
    /// Exactly these groups, by name.
    pub groups: Option<Vec<String>>,
    pub external_id: Option<String>,
    pub disabled: Option<bool>,
    /// Set once, while there is none.
    pub password: Option<InitialPassword>,
    /// A letter with a one-time link when the account is made.
    pub invite: bool,
}

#[derive(Debug, Clone)]
pub enum InitialPassword {
    /// As a PHC string or in one of the spellings that an import understands.
    Hash(Secret<String>),
    Text(Secret<String>),
}

#[derive(Debug, Clone)]
pub struct DeclaredClient {
    pub id: String,
    pub tenant: Option<String>,
    /// All of it: what is not said has its default.
    pub metadata: Metadata,
    pub disabled: Option<bool>,
    pub secret: Option<DeclaredSecret>,
    /// How long former secrets work when the file names another.
    pub secret_overlap: Duration,
}

#[derive(Debug, Clone)]
pub enum DeclaredSecret {
    /// Of the secret's text, whose randomness its owner answers for.
    Sha256([u8; 32]),
    Text(Secret<String>),
}

/// What would be done, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IdentityPlan {
    pub changes: Vec<PlannedChange>,
    pub kept: Vec<Kept>,
}

/// One thing made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    pub action: PlannedAction,
    pub kind: DeclaredThing,
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<PlannedField>,
}

/// What is to become of one field. Secrets are never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedField {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What the file made and names no more, and why it stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub kind: DeclaredThing,
    pub name: String,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    Create,
    Change,
    Remove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclaredThing {
    Group,
    Person,
    ServiceAccount,
    Client,
}

/// Why nothing was planned or done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// Everything in the file that cannot be, each with its path: `people[3].roles`.
    #[error("{}", .0.first().map_or_else(String::new, ToString::to_string))]
    Invalid(Vec<Problem>),
}

impl DeclaredThing {
    /// As people say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Person => "person",
            Self::ServiceAccount => "service account",
            Self::Client => "client",
        }
    }

    const fn of(kind: AccountKind) -> Self {
        match kind {
            AccountKind::Person => Self::Person,
            AccountKind::Service => Self::ServiceAccount,
        }
    }
}

impl DeclaredSecret {
    pub(super) fn hash(&self) -> [u8; 32] {
        match self {
            Self::Sha256(hash) => *hash,
            Self::Text(text) => gabion_vault::sha256(text.expose().as_bytes()),
        }
    }
}

impl Declared {
    /// Everything wrong with it by itself, whatever there is already.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut all = Problems::default();
        let count = self.groups.len() + self.people.len() + self.service_accounts.len() + self.clients.len();
        if count > MOST {
            all.found.push(
                Problem::new("", format!("declares {count} things; {MOST} can be"))
                    .hint("bring people in with `gabion user import` or SCIM"),
            );
            return all.found;
        }
        for (index, group) in self.groups.iter().enumerate() {
            let path = format!("groups[{index}]");
            let mut check = Check::default();
            if let Some(name) = check.group_name(&group.name) {
                all.once("group", name.folded(), &path);
            }
            shared(&mut check, &group.tenant, &group.roles, &group.external_id);
            all.add(&path, check);
        }
        let people = self.people.iter().enumerate().map(|(index, one)| (format!("people[{index}]"), one));
        let programs = self.service_accounts.iter().enumerate();
        let programs = programs.map(|(index, one)| (format!("service_accounts[{index}]"), one));
        for (path, account) in people.chain(programs) {
            self.account(&path, account, &mut all);
        }
        for (index, client) in self.clients.iter().enumerate() {
            client.problems(&format!("clients[{index}]"), &mut all);
        }
        all.found
    }

    fn account(&self, path: &str, account: &DeclaredAccount, all: &mut Problems) {
        let mut check = Check::default();
        if let Some(name) = check.name(&account.name) {
            all.once("account", name.as_str().to_owned(), path);
        }
        shared(&mut check, &account.tenant, &account.roles, &account.external_id);
        match account.email.as_deref().filter(|email| !email.is_empty()) {
            Some(email) => {
                if let Some(email) = check.email(email)
                    && account.email_verified
                {
                    all.once("verified address", email.as_str().to_lowercase(), &format!("{path}.email"));
                }
            }
            None if account.email_verified => {
                check.add("email_verified", "there is no `email` to vouch for".to_owned());
            }
            None if account.invite => {
                check.add("invite", "there is no `email` to write to".to_owned());
            }
            None => {}
        }
        if let Some(personal) = &account.personal {
            check.personal(personal);
        }
        for group in account.groups.iter().flatten() {
            check.group_name_at("groups", group);
        }
        match &account.password {
            Some(_) if account.invite => {
                let words = "somebody who has a password is not invited to choose one";
                check.0.push(Problem::new("invite", words).hint("keep one of the two"));
            }
            Some(InitialPassword::Hash(hash)) => {
                if let Err(error) = password::examine(hash.expose()) {
                    let hint = "`gabion identity hash-password` makes one";
                    check.0.push(Problem::new("password_hash", error.to_string()).hint(hint));
                }
            }
            Some(InitialPassword::Text(_)) | None => {}
        }
        all.add(path, check);
    }
}

impl DeclaredClient {
    fn problems(&self, path: &str, all: &mut Problems) {
        let mut check = Check::default();
        match self.id.parse::<ClientId>() {
            Ok(id) if id.is_document() => {
                check.add("id", "an https address is the id of a client that a document describes".to_owned())
            }
            Ok(id) => all.once("client", id.to_string(), path),
            Err(error) => check.add("id", error.to_string()),
        }
        if let Some(tenant) = &self.tenant {
            check.word("tenant", tenant);
        }
        match &self.secret {
            Some(_) if !self.metadata.authentication.has_secret() => {
                let words =
                    format!("a client that authenticates by `{}` has none", self.metadata.authentication);
                check.0.push(
                    Problem::new("secret", words).hint("remove it, or change `metadata.authentication`"),
                );
            }
            Some(DeclaredSecret::Text(text)) if text.expose().len() < SHORTEST_GIVEN_SECRET => {
                let words = format!("a secret has at least {SHORTEST_GIVEN_SECRET} characters");
                check.0.push(Problem::new("secret", words).hint("`openssl rand -base64 32` makes one"));
            }
            Some(_) | None => {}
        }
        check.0.extend(self.metadata.problems().into_iter().map(|problem| problem.under("metadata")));
        all.add(path, check);
    }
}

/// What groups and accounts have in common.
fn shared(
    check: &mut Check,
    tenant: &Option<String>,
    roles: &Option<Vec<String>>,
    external_id: &Option<String>,
) {
    if let Some(tenant) = tenant {
        check.word("tenant", tenant);
    }
    if let Some(roles) = roles {
        check.roles(roles);
    }
    if let Some(external_id) = external_id {
        check.external_id(external_id);
    }
}

#[derive(Default)]
struct Problems {
    found: Vec<Problem>,
    /// Where each name stood first.
    seen: BTreeMap<(&'static str, String), String>,
}

impl Problems {
    fn add(&mut self, path: &str, check: Check) {
        self.found.extend(check.0.into_iter().map(|problem| problem.under(path)));
    }

    fn once(&mut self, what: &'static str, name: String, path: &str) {
        if let Some(first) = self.seen.get(&(what, name.clone())) {
            let words = format!("the {what} `{name}` stands in `{first}` already");
            self.found.push(Problem::new(path, words).hint("keep one of the two"));
            return;
        }
        self.seen.insert((what, name), path.to_owned());
    }
}

/// More belongs into an import or a directory.
const MOST: usize = 20_000;
