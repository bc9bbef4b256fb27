//! What `identity.toml` can say.

use std::path::PathBuf;

use gabion_model::Period;
use gabion_service::Personal;
use gabion_service::client::Metadata;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::operation::Password;

/// Groups, people, service accounts and applications. What is not said of one stays as it is.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IdentityFile {
    /// People who have the same roles together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<GroupEntry>,
    /// Who may sign in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) people: Vec<PersonEntry>,
    /// The accounts of programs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) service_accounts: Vec<ServiceAccountEntry>,
    /// The applications that may ask for tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) clients: Vec<ClientEntry>,
}

/// A group.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupEntry {
    /// What it is called. Names that differ only in case are one name.
    pub(crate) name: String,
    /// What everybody in it has beside their own roles; exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<String>>,
    /// The customer of the application it belongs to. Cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// What a directory elsewhere calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
}

/// A person.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonEntry {
    /// The name the person signs in with.
    pub(crate) name: String,
    /// The e-mail address; `""` takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// You vouch that the address is the person's. Without it, what the person proved stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) email_verified: bool,
    /// Roles of the person's own, for instance `administrator`; exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<String>>,
    /// The groups the person is in, by name; exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Vec<String>>,
    /// The customer of the application the person belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// What a directory elsewhere calls the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    /// `true` bars the person, `false` lets them in again; not said: as an administrator left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled: Option<bool>,
    /// The hash of the first password, as `gabion identity hash-password` prints it or an import understands
    /// it. It is set once, while there is no password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) password_hash: Option<Password>,
    /// A file whose first line is the hash of the first password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password_hash_file: Option<PathBuf>,
    /// The environment variable that holds the hash of the first password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password_hash_env: Option<String>,
    /// A file whose first line is the first password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
    /// The environment variable that holds the first password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password_env: Option<String>,
    /// When the account is made, write to the person with a one-time link to choose a password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) invite: bool,
    /// What is known of the person beside that; all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) personal: Option<Personal>,
}

/// The account of a program. It has no password; it acts by its keys, certificates and client credentials.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceAccountEntry {
    pub(crate) name: String,
    /// Roles of its own; exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<String>>,
    /// The groups it is in, by name; exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Vec<String>>,
    /// The customer of the application it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// What a directory elsewhere calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    /// `true` bars it, `false` lets it in again; not said: as an administrator left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled: Option<bool>,
}

/// An application.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientEntry {
    /// Its `client_id`.
    pub(crate) id: String,
    /// The environment variable that holds its secret, at least 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_env: Option<String>,
    /// A file whose first line is its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The SHA-256 of its secret, in hexadecimal. The secret must be random: nothing slows a guesser down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) secret_sha256: Option<Password>,
    /// How long former secrets work when another one is named; 24 hours when not said, `0s` ends them at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_overlap: Option<Period>,
    /// The customer of the application it belongs to. Cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// `true` refuses it, `false` lets it ask again; not said: as an administrator left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled: Option<bool>,
    /// What it is and may ask for; what is not said has its default.
    #[serde(default)]
    pub(crate) metadata: Metadata,
}
