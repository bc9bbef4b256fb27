//! Everything kept about a person, for them to take away (GDPR, articles 15 and 20).

use gabion_identity::Account;
use gabion_identity::mail::MailPurpose;
use gabion_ledger::Query;
use gabion_model::{Event, Timestamp};
use gabion_vault::encoding::base64url_encode;
use serde::Serialize;

use super::{DirectoryError, Person, SignedInSession};
use crate::oauth::GrantView;
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, ApiKeyView, Caller, FactorsView, IdentityView, Service};

/// Everything held about a person. Secrets are not in it: no password, no key, no code, nothing by which
/// somebody could sign in.
#[derive(Debug, Clone, Serialize)]
pub struct Export {
    pub made: Timestamp,
    pub account: Person,
    pub password: PasswordView,
    /// Changes of the address that wait for somebody to open a link.
    pub pending_addresses: Vec<PendingAddress>,
    pub sessions: Vec<SignedInSession>,
    /// From where the account is known: who signs in from elsewhere causes a letter.
    pub devices: Vec<KnownDevice>,
    /// Second factors and how many recovery codes are left.
    pub second_factors: FactorsView,
    /// Accounts at other providers that get into this one.
    pub identities: Vec<IdentityView>,
    /// What applications were allowed.
    pub applications: Vec<GrantView>,
    pub api_keys: Vec<ApiKeyView>,
    /// What the record says they did, the latest ones.
    pub events: Vec<Event>,
    /// There are earlier events than those.
    pub events_cut: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PasswordView {
    /// There is one.
    pub set: bool,
    pub changed: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingAddress {
    pub email: String,
    /// The link takes a change back; else it confirms the address.
    pub cancels: bool,
    pub created: Timestamp,
    pub expires: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownDevice {
    /// SHA-256 of the kind of program and the network, in base64url: neither is kept itself.
    pub fingerprint: String,
    pub last_seen: Timestamp,
}

impl Service {
    /// Everything held about the caller.
    ///
    /// # Errors
    /// When the caller is not signed in, or not lately enough.
    pub async fn export(&self, caller: &Caller) -> Result<Export, DirectoryError> {
        let account = self
            .act(Act::ExportData, caller, About::default(), |_, standing| {
                Ok::<_, DirectoryError>(standing.account()?)
            })
            .await?;
        self.0.ledger.flush().await.map_err(ActError::from)?;
        self.blocking_or(move |inner| Ok(inner.everything_about(&account)?)).await
    }
}

impl Inner {
    fn everything_about(&self, account: &Account) -> Result<Export, ActError> {
        let now = self.clock.now();
        let (events, events_cut) = self.events_of(account)?;
        let sessions = self.sessions.list(&account.id, now);
        let keys = self.machines.keys.list(&account.id, now);
        let links = self.storage.mail_links_of(&account.id, now)?.into_iter();
        let devices = self.storage.devices_of(&account.id)?.into_iter();
        Ok(Export {
            made: now,
            account: self.person(account),
            password: PasswordView { set: account.password.is_some(), changed: account.password_changed },
            pending_addresses: links
                .map(|link| PendingAddress {
                    email: link.email.to_string(),
                    cancels: link.purpose == MailPurpose::Cancel,
                    created: link.created,
                    expires: link.expires,
                })
                .collect(),
            sessions: sessions.iter().map(|one| super::sessions::view(one)).collect(),
            devices: devices
                .map(|(device, last_seen)| KnownDevice { fingerprint: base64url_encode(&device), last_seen })
                .collect(),
            second_factors: self.factors_view(account)?,
            identities: self.identity_views(account)?,
            applications: self.grant_views(account)?,
            api_keys: keys.iter().map(|key| ApiKeyView::of(key, account)).collect(),
            events,
            events_cut,
        })
    }

    fn events_of(&self, account: &Account) -> Result<(Vec<Event>, bool), ActError> {
        let query = Query {
            actor: Some(account.id.as_str().to_owned()),
            limit: Some(MOST_EVENTS + 1),
            ..Query::default()
        };
        let mut events = Vec::new();
        for record in self.ledger.search(query) {
            match record {
                Ok(record) => events.push(record.event),
                Err(error) => {
                    tracing::error!(%error, "export without all events");
                    return Err(ActError::Unavailable);
                }
            }
        }
        let cut = events.len() > MOST_EVENTS;
        events.truncate(MOST_EVENTS);
        Ok((events, cut))
    }
}

/// What one file holds; earlier ones are asked for from whoever runs the gate.
const MOST_EVENTS: usize = 10_000;
