//! Acts on what people allowed applications: list and end.

use std::collections::BTreeMap;

use gabion_identity::oauth::Scopes;
use gabion_identity::oauth::client::ClientId;
use gabion_identity::oauth::grant::{Consent, Grant};
use gabion_identity::oauth::storage::Ending;
use gabion_identity::{Account, AccountName};
use gabion_model::Timestamp;
use serde::Serialize;

use super::ScopeView;
use crate::authorize::Standing;
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// What somebody allows one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantView {
    pub client: String,
    /// The application's name: a text of whoever registered it.
    pub name: String,
    pub scopes: Vec<ScopeView>,
    pub granted: Timestamp,
    pub last_used: Option<Timestamp>,
    /// How many sign-ins of it live now.
    pub active: usize,
    /// One of them outlives the session.
    pub offline: bool,
}

impl Service {
    /// What the caller, or (for administrators and the operator) the named account, allows applications.
    /// Changes nothing and is not recorded.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when it is somebody else's and the caller may not administer.
    pub async fn grants(&self, caller: &Caller, account: Option<&str>) -> Result<Vec<GrantView>, ActError> {
        let named = account.map(str::to_owned);
        self.read(Act::ListGrants, caller, move |inner, standing| {
            let account = inner.owner(standing, named.as_deref())?;
            inner.grant_views(&account)
        })
        .await
    }

    /// Ends everything an account allows one application: every token made from it, and the consent.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is nothing to end, or it is not the caller's.
    pub async fn revoke_grant(
        &self,
        caller: &Caller,
        account: Option<&str>,
        client: &str,
    ) -> Result<(), ActError> {
        let (named, client) =
            (account.map(str::to_owned), client.parse::<ClientId>().map_err(|_| ActError::NotFound)?);
        let (wanted, of) = (client.clone(), named.clone());
        // What is not there to end is no act: whoever is signed in could fill the ledger with tries.
        self.read(Act::RevokeGrant, caller, move |inner, standing| {
            let account = inner.owner(standing, of.as_deref())?;
            let there = inner.grant_views(&account)?.iter().any(|view| view.client == wanted.as_str());
            if there { Ok(()) } else { Err(ActError::NotFound) }
        })
        .await?;
        let about = About::of(client.to_string());
        self.act(Act::RevokeGrant, caller, about, move |inner, standing| {
            let account = inner.owner(standing, named.as_deref())?;
            let now = inner.clock.now();
            for grant in inner.storage.end_grants(&Ending::AccountClient(&account.id, &client), now)? {
                inner.watch.revocations.revoke_grant(&grant, now);
            }
            Ok(())
        })
        .await
    }
}

impl Inner {
    /// Everything to one client has ended: it was disabled or removed.
    pub(crate) fn end_grants_of_client(&self, client: &ClientId) -> Result<usize, ActError> {
        let now = self.clock.now();
        let ended = self.storage.end_grants(&Ending::Client(client), now)?;
        for grant in &ended {
            self.watch.revocations.revoke_grant(grant, now);
        }
        Ok(ended.len())
    }

    /// Whose it is about: the caller's own, or the named account's where the caller may.
    fn owner(&self, standing: Standing, named: Option<&str>) -> Result<Account, ActError> {
        let Some(named) = named else { return standing.account() };
        let name: AccountName = named.parse().map_err(|_| ActError::NotFound)?;
        match standing {
            Standing::Administrator(_) | Standing::Operator => {
                self.accounts.find(&name)?.ok_or(ActError::NotFound)
            }
            Standing::Member(own) if own.name == name => Ok(own),
            _ => Err(ActError::NotFound),
        }
    }

    pub(crate) fn grant_views(&self, account: &Account) -> Result<Vec<GrantView>, ActError> {
        let now = self.clock.now();
        let mut rows: BTreeMap<ClientId, (Option<Consent>, Vec<Grant>)> = BTreeMap::new();
        for consent in self.storage.consents(&account.id)? {
            let client = consent.client.clone();
            rows.entry(client).or_default().0 = Some(consent);
        }
        for grant in self.storage.grants_of(&account.id, now)? {
            rows.entry(grant.client.clone()).or_default().1.push(grant);
        }
        let rules = self.rules();
        let mut views = Vec::with_capacity(rows.len());
        for (client, (consent, grants)) in rows {
            let known = self.clients.find(&client).map_err(|_| ActError::Unavailable)?;
            let name = known.map(|client| client.metadata.name.clone()).filter(|name| !name.is_empty());
            let consented = consent.as_ref().map_or_else(Scopes::default, |consent| consent.scope.clone());
            let scope = grants.iter().fold(consented, |all, grant| all.union(&grant.terms.scope));
            let words = |name: &str| ScopeView {
                name: name.to_owned(),
                words: rules.provider.scopes.describe(name).to_owned(),
            };
            views.push(GrantView {
                name: name.unwrap_or_else(|| client.to_string()),
                client: client.to_string(),
                scopes: scope.iter().map(words).collect(),
                granted: grants
                    .iter()
                    .map(|grant| grant.created)
                    .chain(consent.map(|consent| consent.granted))
                    .min()
                    .unwrap_or(now),
                last_used: grants.iter().map(|grant| grant.last_used).max(),
                active: grants.len(),
                offline: grants.iter().any(|grant| grant.offline),
            });
        }
        Ok(views)
    }
}
