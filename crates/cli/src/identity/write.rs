//! What there is, as the text of an `identity.toml`.

use std::fmt::Write as _;

use gabion_service::{Declared, DeclaredAccount, DeclaredSecret, InitialPassword};

use super::file::{ClientEntry, GroupEntry, IdentityFile, PersonEntry, ServiceAccountEntry};
use crate::control::operation::Password;

/// # Errors
/// When something cannot be written in TOML.
pub(crate) fn write(declared: Declared) -> Result<String, toml::ser::Error> {
    let groups = declared.groups.into_iter().map(|group| GroupEntry {
        name: group.name,
        roles: group.roles,
        tenant: group.tenant,
        external_id: group.external_id,
    });
    let clients = declared.clients.into_iter().map(|client| ClientEntry {
        id: client.id,
        secret_env: None,
        secret_file: None,
        secret_sha256: client.secret.and_then(|secret| match secret {
            DeclaredSecret::Sha256(digest) => Some(Password(gabion_model::Secret::new(hex(&digest)))),
            DeclaredSecret::Text(_) => None,
        }),
        secret_overlap: None,
        tenant: client.tenant,
        disabled: client.disabled,
        metadata: client.metadata,
    });
    let file = IdentityFile {
        groups: groups.collect(),
        people: declared.people.into_iter().map(person).collect(),
        service_accounts: declared.service_accounts.into_iter().map(program).collect(),
        clients: clients.collect(),
    };
    toml::to_string(&file)
}

fn person(account: DeclaredAccount) -> PersonEntry {
    PersonEntry {
        name: account.name,
        email: account.email,
        email_verified: account.email_verified,
        roles: account.roles,
        groups: account.groups,
        tenant: account.tenant,
        external_id: account.external_id,
        disabled: account.disabled,
        password_hash: account.password.and_then(|password| match password {
            InitialPassword::Hash(hash) => Some(Password(hash)),
            InitialPassword::Text(_) => None,
        }),
        password_hash_file: None,
        password_hash_env: None,
        password_file: None,
        password_env: None,
        invite: false,
        personal: account.personal,
    }
}

fn program(account: DeclaredAccount) -> ServiceAccountEntry {
    ServiceAccountEntry {
        name: account.name,
        roles: account.roles,
        groups: account.groups,
        tenant: account.tenant,
        external_id: account.external_id,
        disabled: account.disabled,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
