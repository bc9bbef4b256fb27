//! The registry: clients made, found, changed, given new secrets, removed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_model::{AccountId, Problem, Rng, Secret, TenantId, Timestamp, random};
use gabion_vault::encoding::base64url_encode;

use super::{Client, ClientId, ClientSecret, GrantType, Metadata, Registration, SHORTEST_GIVEN_SECRET};
use crate::account::{Account, AccountKind};
use crate::name::AccountName;
use crate::storage::{AccountStorage, Storage, StorageError};

/// The engine over the stored clients. Every change goes through it, so what it remembers is true.
#[derive(Debug, Clone)]
pub struct Clients {
    storage: Arc<dyn Storage>,
    known: Arc<Mutex<Known>>,
}

/// What was read since the last change.
#[derive(Debug, Default)]
struct Known {
    clients: HashMap<ClientId, Arc<Client>>,
    /// Rises with every change: what was read before one is not remembered after it.
    changes: u64,
}

/// What a client begins with.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// Chosen, or random.
    pub id: Option<ClientId>,
    pub tenant: TenantId,
    pub metadata: Metadata,
    pub registration: Registration,
    /// A secret that exists already, instead of a new one.
    pub secret: Option<Secret<String>>,
}

/// Why it was not done. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// It is not as whoever asked last saw it.
    #[error("the client was changed by somebody else meanwhile")]
    Changed,
    /// Everything that is wrong with what was asked for.
    #[error("the client cannot be registered like this: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Invalid(Vec<Problem>),
    /// It authenticates otherwise.
    #[error("the client has no secret: it authenticates by other means")]
    NoSecret,
    #[error("there is no such client")]
    NotFound,
    #[error(transparent)]
    Storage(StorageError),
    #[error("a client with this id exists")]
    Taken,
    #[error("there are too many clients")]
    TooMany,
}

impl Clients {
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, known: Arc::default() }
    }

    /// Registers a client. The second is its secret, to be shown once, where it has one.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] with every problem, [`ClientError::Taken`] when the id is.
    pub fn add(
        &self,
        new: NewClient,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(Client, Option<Secret<String>>), ClientError> {
        let mut problems = new.metadata.problems();
        if new.id.as_ref().is_some_and(ClientId::is_document) {
            problems
                .push(Problem::new("id", "an https address is the id of a client that a document describes"));
        }
        if new.secret.as_ref().is_some_and(|secret| secret.expose().len() < SHORTEST_GIVEN_SECRET) {
            problems.push(
                Problem::new("secret", format!("a secret has at least {SHORTEST_GIVEN_SECRET} characters"))
                    .hint("let it be made: it is shown once"),
            );
        }
        if !problems.is_empty() {
            return Err(ClientError::Invalid(problems));
        }
        let (shown, secrets) = match (new.metadata.authentication.has_secret(), new.secret) {
            (false, _) => (None, Vec::new()),
            (true, Some(given)) => (None, vec![ClientSecret::of(&given, now, None, rng)]),
            (true, None) => {
                let (text, secret) = ClientSecret::generate(now, None, rng);
                (Some(text), vec![secret])
            }
        };
        let mut client = Client {
            id: new.id.unwrap_or_else(|| ClientId::random(rng)),
            metadata: new.metadata,
            tenant: new.tenant,
            secrets,
            account: None,
            registration: new.registration,
            registration_token: None,
            disabled: false,
            created: now,
            updated: now,
            revision: 0,
        };
        if self.storage.client(&client.id)?.is_some() {
            return Err(ClientError::Taken);
        }
        self.give_account(&mut client, now, rng)?;
        self.storage.insert_client(&client)?;
        self.forget(&client.id);
        Ok((client, shown))
    }

    /// A registered client, disabled or not.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn find(&self, id: &ClientId) -> Result<Option<Arc<Client>>, ClientError> {
        let changes = {
            let known = self.known();
            if let Some(client) = known.clients.get(id) {
                return Ok(Some(Arc::clone(client)));
            }
            known.changes
        };
        let Some(client) = self.storage.client(id)?.map(Arc::new) else { return Ok(None) };
        let mut known = self.known();
        if known.changes == changes {
            if known.clients.len() >= MOST_REMEMBERED {
                known.clients.clear();
            }
            known.clients.insert(id.clone(), Arc::clone(&client));
        }
        Ok(Some(client))
    }

    /// All of them by id.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn list(&self) -> Result<Vec<Client>, ClientError> {
        Ok(self.storage.clients()?)
    }

    /// As [`set_metadata`](Self::set_metadata), if the client still has this revision.
    ///
    /// # Errors
    /// [`ClientError::Changed`] when it has another.
    pub fn set_metadata_of(
        &self,
        id: &ClientId,
        revision: u64,
        metadata: &Metadata,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Client, ClientError> {
        let problems = metadata.problems();
        if !problems.is_empty() {
            return Err(ClientError::Invalid(problems));
        }
        self.change(id, now, |client| {
            if client.revision != revision {
                return Err(ClientError::Changed);
            }
            self.put_metadata(client, metadata, now, rng)
        })
    }

    /// How many clients there are.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn count(&self) -> Result<usize, ClientError> {
        Ok(self.storage.count_clients()?)
    }

    /// Gives a client other metadata. A client that comes to authenticate by a secret and has none gets
    /// one by [`rotate_secret`](Self::rotate_secret).
    ///
    /// # Errors
    /// [`ClientError::Invalid`] with every problem.
    pub fn set_metadata(
        &self,
        id: &ClientId,
        metadata: &Metadata,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Client, ClientError> {
        let problems = metadata.problems();
        if !problems.is_empty() {
            return Err(ClientError::Invalid(problems));
        }
        self.change(id, now, |client| self.put_metadata(client, metadata, now, rng))
    }

    fn put_metadata(
        &self,
        client: &mut Client,
        metadata: &Metadata,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(), ClientError> {
        client.metadata = metadata.clone();
        if !metadata.authentication.has_secret() {
            client.secrets.clear();
        }
        self.give_account(client, now, rng)
    }

    /// Makes a new secret. The former ones work for `overlap` longer, so that nobody is locked out while
    /// the new one is rolled out; zero ends them at once.
    ///
    /// # Errors
    /// [`ClientError::NoSecret`] when the client authenticates otherwise.
    pub fn rotate_secret(
        &self,
        id: &ClientId,
        overlap: Duration,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(Client, Secret<String>), ClientError> {
        let (text, secret) = ClientSecret::generate(now, None, rng);
        let end = now.saturating_add(overlap);
        let client = self.change(id, now, |client| {
            if !client.metadata.authentication.has_secret() {
                return Err(ClientError::NoSecret);
            }
            for former in &mut client.secrets {
                former.expires = Some(former.expires.map_or(end, |own| own.min(end)));
            }
            client.secrets.retain(|former| !former.is_expired(now));
            client.secrets.push(secret.clone());
            let surplus = client.secrets.len().saturating_sub(MOST_SECRETS);
            client.secrets.drain(..surplus);
            Ok(())
        })?;
        Ok((client, text))
    }

    /// Makes `secret` the one that goes on, as its owner chose it; the former ones work for `overlap`
    /// longer. What is so already is no change.
    ///
    /// # Errors
    /// [`ClientError::NoSecret`] when the client authenticates otherwise.
    pub fn set_secret(
        &self,
        id: &ClientId,
        hash: [u8; 32],
        overlap: Duration,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Client, ClientError> {
        let secret = ClientSecret::of_hash(hash, now, None, rng);
        let end = now.saturating_add(overlap);
        self.change(id, now, |client| {
            if !client.metadata.authentication.has_secret() {
                return Err(ClientError::NoSecret);
            }
            client.secrets.retain(|former| !former.has_hash(&hash));
            for former in &mut client.secrets {
                former.expires = Some(former.expires.map_or(end, |own| own.min(end)));
            }
            client.secrets.retain(|former| !former.is_expired(now));
            client.secrets.push(secret.clone());
            let surplus = client.secrets.len().saturating_sub(MOST_SECRETS);
            client.secrets.drain(..surplus);
            Ok(())
        })
    }

    /// Replaces the token with which a self-registered client is managed; the text is shown once.
    ///
    /// # Errors
    /// When there is no such client.
    pub fn renew_registration_token(
        &self,
        id: &ClientId,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Secret<String>, ClientError> {
        let bytes = Secret::new(random::bytes::<32>(rng));
        let text = Secret::new(base64url_encode(bytes.expose()));
        let hash = gabion_vault::sha256(text.expose().as_bytes());
        self.change(id, now, |client| {
            client.registration_token = Some(hash);
            Ok(())
        })?;
        Ok(text)
    }

    /// # Errors
    /// When there is no such client.
    pub fn set_disabled(&self, id: &ClientId, disabled: bool, now: Timestamp) -> Result<Client, ClientError> {
        self.change(id, now, |client| {
            client.disabled = disabled;
            Ok(())
        })
    }

    /// Removes a client with its secrets and returns what it was.
    ///
    /// # Errors
    /// When there is no such client.
    pub fn remove(&self, id: &ClientId) -> Result<Client, ClientError> {
        let client = self.storage.client(id)?.ok_or(ClientError::NotFound)?;
        let removed = self.storage.remove_client(id);
        self.forget(id);
        if removed? { Ok(client) } else { Err(ClientError::NotFound) }
    }

    fn change(
        &self,
        id: &ClientId,
        now: Timestamp,
        change: impl Fn(&mut Client) -> Result<(), ClientError>,
    ) -> Result<Client, ClientError> {
        for _ in 0..TRIES {
            let mut client = self.storage.client(id)?.ok_or(ClientError::NotFound)?;
            change(&mut client)?;
            client.updated = now;
            client.revision = client.revision.saturating_add(1);
            let replaced = self.storage.replace_client(&client);
            self.forget(id);
            match replaced {
                Ok(()) => return Ok(client),
                Err(StorageError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ClientError::Storage(StorageError::Stale))
    }

    /// A client that acts by its own credentials acts as a service account.
    fn give_account(&self, client: &mut Client, now: Timestamp, rng: &dyn Rng) -> Result<(), ClientError> {
        if !client.allows_grant(GrantType::ClientCredentials) || client.account.is_some() {
            return Ok(());
        }
        let random = ClientId::random(rng);
        for name in [format!("client-{}", client.id), format!("client-{}-{random}", client.id)] {
            // The alphabet of ids has one character that names do not.
            let Ok(name) = name.replace('~', "-").parse::<AccountName>() else { continue };
            let id = AccountId::new(&base64url_encode(&random::bytes::<16>(rng)));
            let account = Account {
                kind: AccountKind::Service,
                tenant: client.tenant.clone(),
                ..Account::new(id, name, now)
            };
            match AccountStorage::insert(&*self.storage, &account) {
                Ok(()) => {
                    client.account = Some(account.id);
                    return Ok(());
                }
                Err(StorageError::Taken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ClientError::Storage(StorageError::Taken))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: &ClientId) {
        let mut known = self.known();
        known.clients.remove(id);
        known.changes = known.changes.wrapping_add(1);
    }
}

impl From<StorageError> for ClientError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::NotFound,
            StorageError::Taken => Self::Taken,
            error => Self::Storage(error),
        }
    }
}

const MOST_REMEMBERED: usize = 4096;
/// While rotations overlap.
const MOST_SECRETS: usize = 5;
/// How often a change that another overtook is made again.
const TRIES: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::AuthenticationMethod;
    use super::*;
    use crate::storage::MemoryStorage;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn new(authentication: AuthenticationMethod, grants: &[GrantType]) -> NewClient {
        NewClient {
            id: None,
            tenant: TenantId::new(TenantId::DEFAULT),
            metadata: Metadata {
                name: "Shop".to_owned(),
                authentication,
                redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
                grant_types: grants.to_vec(),
                ..Metadata::default()
            },
            registration: Registration::Operator,
            secret: None,
        }
    }

    fn house() -> (Clients, Arc<MemoryStorage>, SeededRng) {
        let storage = Arc::new(MemoryStorage::new());
        (Clients::new(storage.clone()), storage, SeededRng::new(7))
    }

    #[test]
    fn a_secret_is_shown_once_and_kept_as_its_hash() {
        let (clients, _, rng) = house();
        let code = [GrantType::AuthorizationCode];
        let (made, secret) = clients.add(new(AuthenticationMethod::SecretBasic, &code), NOW, &rng).unwrap();
        let secret = secret.unwrap();
        assert_eq!(secret.expose().len(), 43);
        let kept = clients.find(&made.id).unwrap().unwrap();
        assert_eq!(*kept, made);
        assert!(kept.secrets[0].is(&secret) && !format!("{kept:?}").contains(secret.expose().as_str()));
        assert!(!kept.secrets[0].is(&Secret::new("wrong".to_owned())));
        let (public, none) = clients.add(new(AuthenticationMethod::None, &code), NOW, &rng).unwrap();
        assert!(none.is_none() && public.secrets.is_empty() && public.account.is_none());
    }

    #[test]
    fn rotation_overlaps_and_is_bounded() {
        let (clients, _, rng) = house();
        let code = [GrantType::AuthorizationCode];
        let (made, first) = clients.add(new(AuthenticationMethod::SecretPost, &code), NOW, &rng).unwrap();
        clients.find(&made.id).unwrap();
        let hour = Duration::from_secs(3600);
        let (after, second) = clients.rotate_secret(&made.id, hour, NOW, &rng).unwrap();
        assert_eq!(*clients.find(&made.id).unwrap().unwrap(), after, "what was remembered is forgotten");
        assert_eq!(after.secrets.len(), 2);
        let first = first.unwrap();
        assert!(after.secrets[0].is(&first) && after.secrets[1].is(&second));
        assert!(!after.secrets[0].is_expired(NOW) && after.secrets[0].is_expired(NOW.saturating_add(hour)));
        assert_eq!(after.secrets[1].expires, None);
        for _ in 0..20 {
            clients.rotate_secret(&made.id, hour, NOW, &rng).unwrap();
        }
        assert_eq!(clients.find(&made.id).unwrap().unwrap().secrets.len(), MOST_SECRETS);
        let (alone, _) = clients.rotate_secret(&made.id, Duration::ZERO, NOW, &rng).unwrap();
        assert_eq!(alone.secrets.len(), 1);
        let (public, _) = clients.add(new(AuthenticationMethod::None, &code), NOW, &rng).unwrap();
        assert_eq!(clients.rotate_secret(&public.id, hour, NOW, &rng).err(), Some(ClientError::NoSecret));
    }

    #[test]
    fn a_client_of_its_own_credentials_has_a_service_account() {
        let (clients, storage, rng) = house();
        let grants = [GrantType::ClientCredentials];
        let request = NewClient {
            id: Some("Batch~1".parse().unwrap()),
            ..new(AuthenticationMethod::SecretBasic, &grants)
        };
        let (made, _) = clients.add(request.clone(), NOW, &rng).unwrap();
        let account = storage.by_id(&made.account.unwrap()).unwrap().unwrap();
        assert_eq!((account.kind, account.name.as_str()), (AccountKind::Service, "client-batch-1"));
        assert_eq!(clients.add(request, NOW, &rng).err(), Some(ClientError::Taken));
        let other = NewClient {
            id: Some("batch~1".parse().unwrap()),
            ..new(AuthenticationMethod::SecretBasic, &grants)
        };
        let (other, _) = clients.add(other, NOW, &rng).unwrap();
        assert_ne!(storage.by_id(&other.account.unwrap()).unwrap().unwrap().id, account.id);
    }

    #[test]
    fn what_breaks_a_rule_is_not_stored() {
        let (clients, _, rng) = house();
        let code = [GrantType::AuthorizationCode];
        let mut wrong = new(AuthenticationMethod::SecretBasic, &code);
        wrong.metadata.name = String::new();
        wrong.secret = Some(Secret::new("short".to_owned()));
        wrong.id = Some("https://app.example/".parse().unwrap());
        let Err(ClientError::Invalid(problems)) = clients.add(wrong, NOW, &rng) else { panic!() };
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["name", "id", "secret"]);
        assert_eq!(clients.list().unwrap(), vec![]);
        let (made, _) = clients.add(new(AuthenticationMethod::SecretBasic, &code), NOW, &rng).unwrap();
        let nameless = Metadata { name: String::new(), ..made.metadata.clone() };
        assert!(matches!(clients.set_metadata(&made.id, &nameless, NOW, &rng), Err(ClientError::Invalid(_))));
        assert_eq!(*clients.find(&made.id).unwrap().unwrap(), made);
    }

    #[test]
    fn a_removed_client_is_gone_at_once() {
        let (clients, _, rng) = house();
        let code = [GrantType::AuthorizationCode];
        let (made, _) = clients.add(new(AuthenticationMethod::None, &code), NOW, &rng).unwrap();
        assert!(clients.find(&made.id).unwrap().is_some());
        clients.set_disabled(&made.id, true, NOW).unwrap();
        assert!(clients.find(&made.id).unwrap().unwrap().disabled);
        clients.remove(&made.id).unwrap();
        assert_eq!(clients.find(&made.id).unwrap(), None);
        assert_eq!(clients.remove(&made.id).err(), Some(ClientError::NotFound));
    }
}
