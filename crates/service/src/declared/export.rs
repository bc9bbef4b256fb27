//! What there is, as a file that declares it.

use std::collections::BTreeSet;

use gabion_identity::oauth::client::Registration;
use gabion_identity::storage::{AccountFilter, AccountPage, GroupPage};
use gabion_identity::{Account, AccountKind, Personal};
use gabion_model::{AccountId, Role, Secret, TenantId};

use super::{Declared, DeclaredAccount, DeclaredClient, DeclaredGroup, DeclaredSecret, InitialPassword};
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

impl Service {
    /// Groups, people, service accounts and registered clients, so that a plan of them changes nothing.
    /// With `secrets` also hashes of passwords and digests of client secrets: enough to go on elsewhere,
    /// and to try passwords offline.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] for everybody but the operator.
    pub async fn export_identity(&self, caller: &Caller, secrets: bool) -> Result<Declared, ActError> {
        let about = About::of("identity").with("secrets", if secrets { "yes" } else { "no" });
        self.act(Act::ExportIdentity, caller, about, move |inner, _| inner.declare(secrets)).await
    }
}

impl Inner {
    fn declare(&self, secrets: bool) -> Result<Declared, ActError> {
        let groups = self.groups.page(&GroupPage { limit: usize::MAX, ..GroupPage::default() });
        let groups = groups.map_err(|error| ActError::from(crate::DirectoryError::from(error)))?;
        let mut declared = Declared {
            groups: groups
                .into_iter()
                .map(|group| DeclaredGroup {
                    name: group.name.to_string(),
                    tenant: other(&group.tenant),
                    roles: Some(words(&group.roles)),
                    external_id: group.external_id,
                })
                .collect(),
            ..Declared::default()
        };
        let now = self.clock.now();
        let mut along: BTreeSet<AccountId> = BTreeSet::new();
        for client in self.clients.list().map_err(|_| ActError::Unavailable)? {
            if client.registration != Registration::Operator {
                continue;
            }
            along.extend(client.account.clone());
            let secret =
                client.secrets.iter().rev().find(|one| one.expires.is_none() && !one.is_expired(now));
            declared.clients.push(DeclaredClient {
                id: client.id.to_string(),
                tenant: other(&client.tenant),
                secret: secret.filter(|_| secrets).map(|one| DeclaredSecret::Sha256(one.hash)),
                metadata: client.metadata,
                disabled: client.disabled.then_some(true),
                secret_overlap: std::time::Duration::from_secs(86_400),
            });
        }
        let mut after = None;
        loop {
            let page = self.accounts.page(&AccountPage {
                filter: AccountFilter::default(),
                after: after.take(),
                limit: AT_ONCE,
                ..AccountPage::default()
            })?;
            after = page.last().map(|last| last.name.clone());
            for account in page {
                match account.kind {
                    AccountKind::Person => declared.people.push(entry(account, secrets)),
                    // A client brings it along; only what it was given besides needs saying.
                    AccountKind::Service if along.contains(&account.id) && is_plain(&account) => {}
                    AccountKind::Service => declared.service_accounts.push(entry(account, false)),
                }
            }
            if after.is_none() {
                return Ok(declared);
            }
        }
    }
}

fn entry(account: Account, secrets: bool) -> DeclaredAccount {
    // One that was imported with a pepper can be read here only.
    let hash = account.password.filter(|hash| secrets && !hash.starts_with("pepper:"));
    DeclaredAccount {
        name: account.name.to_string(),
        tenant: other(&account.tenant),
        email: account.email.as_ref().map(ToString::to_string),
        email_verified: account.email_verified.is_some() && account.email.is_some(),
        personal: Some(account.personal).filter(|personal| *personal != Personal::default()),
        roles: Some(words(&account.roles)),
        groups: Some(account.groups.iter().map(|one| one.name.to_string()).collect()),
        external_id: account.external_id,
        disabled: account.disabled.then_some(true),
        password: hash.map(|hash| InitialPassword::Hash(Secret::new(hash))),
        invite: false,
    }
}

fn is_plain(account: &Account) -> bool {
    account.roles.is_empty()
        && account.groups.is_empty()
        && !account.disabled
        && account.external_id.is_none()
}

fn words(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

/// A tenant that needs saying.
fn other(tenant: &TenantId) -> Option<String> {
    Some(tenant.as_str().to_owned()).filter(|tenant| tenant != TenantId::DEFAULT)
}

const AT_ONCE: usize = 500;
