//! Personal data of accounts, sealed for each account by itself, so that it can be erased and the proofs still hold.
//!
//! Every account has a key, which lies in the store, sealed with the key of the ledger's records ([`Subjects`]). Before an
//! event is written, what says who somebody is leaves its fields and is put, sealed, beside them:
//!
//! ```text
//! {"time":…,"actor":{"type":"account","id":"6f…","name":""},…,
//!  "personal":[{"subject":"<id>","fields":["name","address"],"commitment":"<base64>","sealed":"<base64>"}]}
//! ```
//!
//! | whose | what |
//! |---|---|
//! | the acting account's | its name, the address, the user agent; every text with its name or an e-mail address in it |
//! | an account's that a text names as a whole (resource, a value of the metadata) | every text with its name in it; of events of nobody who is signed in also address and user agent |
//!
//! `commitment` is the SHA-256 of a label, a salt of 32 bytes and the fields as JSON; `sealed` is salt and JSON under the
//! account's key. The leaf is over all of it. Once the key is destroyed the fields read as `erased`, nobody can tell what they
//! were (the salt is gone as well), and nothing in the tree has changed. What stays is a pseudonym: the account's id, the
//! subject's, and what sessions and request ids tie together.
//!
//! Not covered: addresses of people who have no account, names that are no account's, what an application writes about
//! others than the signed-in account, and every copy that left (sinks, exports, backups of key and store). For those there is
//! retention.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gabion_model::{Actor, Event, EventKind, Rng, Secret, Timestamp, random};
use gabion_vault::encoding::{base64_decode, base64_encode, hex_decode, hex_encode};
use gabion_vault::{SealingKey, constant_time_eq, sha256_of};
use serde::{Deserialize, Serialize};

use crate::Keys;

/// Names the key of an account in records, and says nothing of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(pub [u8; 16]);

impl SubjectId {
    /// From 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex_decode(text).and_then(|bytes| bytes.try_into().ok()).map(Self)
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex_encode(&self.0))
    }
}

/// A subject's key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub id: SubjectId,
    /// Sealed with the key of the ledger's records.
    pub sealed: Vec<u8>,
}

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It was an account's, whose key is destroyed.
    Erased,
    Known(Subject),
    /// No account has or had it.
    Stranger,
}

/// How an event names an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mention {
    /// It acts: it is an account's.
    Actor,
    /// As another name of this one.
    Alias(SubjectId),
    /// It is about to become an account's.
    Created,
    /// A text that may be an account's name.
    Named,
}

/// Where the keys of accounts lie. Durable on return; may block.
pub trait Subjects: Send + Sync + fmt::Debug {
    /// Looks the name up; a new subject is what `make` makes.
    ///
    /// Where there is none: made for [`Mention::Actor`] and [`Mention::Created`], for the others if an account has the name.
    /// Where it was erased, or is due to be: made for [`Mention::Created`], for the others if an account has the name again;
    /// what is due stays due. [`Mention::Alias`]: the name is the
    /// other's from now on.
    fn named(
        &self,
        name: &str,
        mention: Mention,
        make: &dyn Fn() -> io::Result<Subject>,
    ) -> io::Result<Standing>;

    /// The sealed key; none when it is destroyed.
    fn sealed(&self, subject: SubjectId) -> io::Result<Option<Vec<u8>>>;

    /// Destroys the key of the account with this name, so that nothing of it stays in the file; whose it was. Its names
    /// are remembered as erased. None when there is none.
    fn erase(&self, name: &str) -> io::Result<Option<SubjectId>>;

    /// Lets the key be due at this time; none when there is none.
    fn erase_at(&self, name: &str, at: Timestamp) -> io::Result<Option<SubjectId>>;

    /// How many keys are due, but for these.
    fn due(&self, now: Timestamp, spared: &[SubjectId]) -> io::Result<u64>;

    /// Destroys what is due, but for these.
    fn erase_due(&self, now: Timestamp, spared: &[SubjectId]) -> io::Result<Vec<SubjectId>>;

    /// Replaces every sealed key by what `again` makes of it, all or none.
    fn reseal(&self, again: &dyn Fn(&Subject) -> io::Result<Vec<u8>>) -> io::Result<()>;
}

/// Takes personal data out of events and puts it back.
#[derive(Debug)]
pub(crate) struct Personal {
    subjects: Arc<dyn Subjects>,
    rng: Arc<dyn Rng>,
    /// Held while the store is asked, so that nothing is remembered of a key that was destroyed meanwhile.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    names: BTreeMap<String, (SubjectId, Arc<SealingKey>)>,
    keys: BTreeMap<SubjectId, Arc<SealingKey>>,
}

/// Sealed fields of one subject, as they stand in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// None when it was erased before the event was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// `name`, `address`, `user_agent`, `resource`, `reason`, and for the metadata `metadata.KEY`.
    fields: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    commitment: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sealed: String,
}

/// What is read of a record beside its event.
#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    personal: Vec<Part>,
}

/// The fields, in the clear.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

/// What was sealed is not what its commitment says, or does not open with its own key.
#[derive(Debug)]
pub(crate) enum NotRestored {
    Damaged,
    Store(io::Error),
}

/// What stands for a field whose key is destroyed; for a name followed by the beginning of the subject's id, so that two who
/// were erased are not taken for one.
pub const ERASED: &str = "erased";

const COMMITMENT: &[u8] = b"gabion ledger personal data, version 1";
const SALT: usize = 32;
/// Names and keys that are held; beyond that the store is asked again.
const HELD: usize = 4096;
/// The longest text that may be a name.
const NAME: usize = 128;
/// Texts of one event that are looked up.
const MOST_NAMES: usize = 24;

impl Personal {
    pub(crate) fn new(subjects: Arc<dyn Subjects>, rng: Arc<dyn Rng>) -> Self {
        Self { subjects, rng, held: Mutex::default() }
    }

    pub(crate) fn subjects(&self) -> &dyn Subjects {
        &*self.subjects
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets keys, which the store destroys in `act`.
    pub(crate) fn forgetting<T>(&self, act: impl FnOnce(&dyn Subjects) -> io::Result<T>) -> io::Result<T> {
        let mut held = self.held();
        *held = Held::default();
        act(&*self.subjects)
    }

    /// Takes what is personal out of the event.
    pub(crate) fn take(&self, keys: &Keys, event: &mut Event) -> io::Result<Vec<Part>> {
        let found = self.found(keys, event)?;
        let mut parts = Vec::new();
        for (index, (name, known)) in found.into_iter().enumerate() {
            let acts = matches!(&event.actor, Actor::Account { name: own, .. } if own.to_lowercase() == name);
            // Somebody who is not signed in and names an account: their address is taken for the account's.
            let owner = acts || (index == 0 && event.actor == Actor::Anonymous);
            let fields = fields(event, &name, acts, owner);
            let named = fields.names();
            if named.is_empty() {
                continue;
            }
            parts.push(match known {
                None => {
                    Part { subject: None, fields: named, commitment: String::new(), sealed: String::new() }
                }
                Some((id, key)) => self.part(id, &key, &fields, named)?,
            });
        }
        Ok(parts)
    }

    /// The accounts an event names, the acting one first; without a key those that were erased.
    #[expect(clippy::type_complexity, reason = "a name and its key, once")]
    fn found(
        &self,
        keys: &Keys,
        event: &Event,
    ) -> io::Result<Vec<(String, Option<(SubjectId, Arc<SealingKey>)>)>> {
        let mut asked: Vec<(&str, Mention)> = Vec::new();
        if let Actor::Account { name, .. } = &event.actor {
            asked.push((name, Mention::Actor));
        }
        let creates = event.kind != EventKind::Application && CREATING.contains(&event.action.as_str());
        asked.push((&event.resource, if creates { Mention::Created } else { Mention::Named }));
        asked.extend(event.metadata.values().map(|value| (value.as_str(), Mention::Named)));
        let mut found: Vec<(String, Option<(SubjectId, Arc<SealingKey>)>)> = Vec::new();
        for (name, mention) in asked.into_iter().take(MOST_NAMES) {
            let name = name.to_lowercase();
            if name.is_empty()
                || (mention != Mention::Actor && !may_be_name(&name))
                || found.iter().any(|(other, _)| *other == name)
            {
                continue;
            }
            match self.key_of(keys, &name, mention)? {
                Looked::Stranger => {}
                Looked::Erased => found.push((name, None)),
                Looked::Known(id, key) => found.push((name, Some((id, key)))),
            }
        }
        // A new name of a known account belongs to the same subject.
        if event.kind != EventKind::Application
            && event.action == RENAMING
            && let Some(new) = event.metadata.get("name").map(|name| name.to_lowercase())
            && may_be_name(&new)
            && !found.iter().any(|(name, _)| *name == new)
            && let Some((_, Some((id, key)))) =
                found.iter().find(|(name, _)| *name == event.resource.to_lowercase())
        {
            let (id, key) = (*id, Arc::clone(key));
            self.key_of(keys, &new, Mention::Alias(id))?;
            found.push((new, Some((id, key))));
        }
        Ok(found)
    }

    #[cfg(feature = "write")]
    pub(crate) fn rng(&self) -> Arc<dyn Rng> {
        Arc::clone(&self.rng)
    }

    /// What is known of a name that may be an account's: none when no account had it, `Some(None)` when it was erased.
    #[cfg(feature = "write")]
    pub(crate) fn standing(&self, keys: &Keys, name: &str) -> io::Result<Option<Option<SubjectId>>> {
        if !may_be_name(name) {
            return Ok(None);
        }
        Ok(match self.key_of(keys, name, Mention::Named)? {
            Looked::Stranger => None,
            Looked::Erased => Some(None),
            Looked::Known(id, _) => Some(Some(id)),
        })
    }

    /// Whose the data of a name is.
    #[cfg(feature = "write")]
    pub(crate) fn subject(&self, keys: &Keys, name: &str, mention: Mention) -> io::Result<Option<SubjectId>> {
        Ok(match self.key_of(keys, name, mention)? {
            Looked::Known(id, _) => Some(id),
            Looked::Erased | Looked::Stranger => None,
        })
    }

    fn key_of(&self, keys: &Keys, name: &str, mention: Mention) -> io::Result<Looked> {
        let mut held = self.held();
        if mention != Mention::Created
            && let Some((id, key)) = held.names.get(name)
        {
            return Ok(Looked::Known(*id, Arc::clone(key)));
        }
        let make = || {
            let id = SubjectId(random::bytes(&*self.rng));
            let sealed = keys.seal_subject(id, &SealingKey::generate(&*self.rng), &*self.rng)?;
            Ok(Subject { id, sealed })
        };
        Ok(match self.subjects.named(name, mention, &make)? {
            Standing::Stranger => Looked::Stranger,
            Standing::Erased => Looked::Erased,
            Standing::Known(Subject { id, sealed }) => {
                let key = Arc::new(keys.open_subject(id, &sealed)?);
                if held.names.len() >= HELD {
                    held.names.clear();
                }
                held.names.insert(name.to_owned(), (id, Arc::clone(&key)));
                Looked::Known(id, key)
            }
        })
    }

    fn part(&self, id: SubjectId, key: &SealingKey, fields: &Fields, named: Vec<String>) -> io::Result<Part> {
        let salt = random::bytes::<SALT>(&*self.rng);
        let json = Secret::new(serde_json::to_vec(fields)?);
        let commitment = sha256_of(&[COMMITMENT, &salt, json.expose()]);
        let whole = Secret::new([&salt[..], json.expose()].concat());
        let sealed = key.seal(&context(id), whole.expose(), &*self.rng).map_err(io::Error::other)?;
        Ok(Part {
            subject: Some(id.to_string()),
            fields: named,
            commitment: base64_encode(&commitment),
            sealed: base64_encode(&sealed),
        })
    }
}

enum Looked {
    Stranger,
    Erased,
    Known(SubjectId, Arc<SealingKey>),
}

/// The bytes of an event without personal data, and that beside it.
pub(crate) fn beside(mut json: Vec<u8>, parts: &[Part]) -> io::Result<Vec<u8>> {
    if parts.is_empty() {
        return Ok(json);
    }
    // The closing bracket of the object makes room.
    json.pop();
    json.extend_from_slice(b",\"personal\":");
    json.extend_from_slice(&serde_json::to_vec(parts)?);
    json.push(b'}');
    Ok(json)
}

/// Puts back what stands beside an event: with its key; as erased where the key is destroyed; as the subject's id where
/// nobody here has keys.
pub(crate) fn restore(
    personal: Option<(&Personal, &Keys)>,
    json: &[u8],
    event: &mut Event,
) -> Result<(), NotRestored> {
    if !json.windows(BESIDE.len()).any(|part| part == BESIDE) {
        return Ok(());
    }
    let Ok(Beside { personal: parts }) = serde_json::from_slice(json) else {
        return Err(NotRestored::Damaged);
    };
    for part in parts {
        let Some(subject) = &part.subject else {
            stand_in(event, &part.fields, ERASED);
            continue;
        };
        let Some((personal, keys)) = personal else {
            stand_in(event, &part.fields, &format!("sealed:{}", prefix(subject)));
            continue;
        };
        let id = SubjectId::parse(subject).ok_or(NotRestored::Damaged)?;
        match personal.opened(keys, id).map_err(NotRestored::Store)? {
            None => stand_in(event, &part.fields, &format!("{ERASED}:{}", prefix(subject))),
            Some(key) => put_back(event, part.open(id, &key).ok_or(NotRestored::Damaged)?),
        }
    }
    Ok(())
}

const BESIDE: &[u8] = b"\"personal\":[";

impl Personal {
    pub(crate) fn opened(&self, keys: &Keys, id: SubjectId) -> io::Result<Option<Arc<SealingKey>>> {
        let mut held = self.held();
        if let Some(key) = held.keys.get(&id) {
            return Ok(Some(Arc::clone(key)));
        }
        let Some(sealed) = self.subjects.sealed(id)? else { return Ok(None) };
        let key = Arc::new(keys.open_subject(id, &sealed)?);
        if held.keys.len() >= HELD {
            held.keys.clear();
        }
        held.keys.insert(id, Arc::clone(&key));
        Ok(Some(key))
    }
}

impl Part {
    fn open(&self, id: SubjectId, key: &SealingKey) -> Option<Fields> {
        let sealed = base64_decode(&self.sealed).ok()?;
        let whole = key.open(&context(id), &sealed).ok()?;
        let (salt, json) = whole.expose().split_at_checked(SALT)?;
        let commitment = base64_decode(&self.commitment).ok()?;
        if !constant_time_eq(&commitment, &sha256_of(&[COMMITMENT, salt, json])) {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}

impl Fields {
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = [
            ("name", self.name.is_some()),
            ("address", self.address.is_some()),
            ("user_agent", self.user_agent.is_some()),
            ("resource", self.resource.is_some()),
            ("reason", self.reason.is_some()),
        ]
        .into_iter()
        .filter(|(_, is_there)| *is_there)
        .map(|(name, _)| name.to_owned())
        .collect();
        names.extend(self.metadata.keys().map(|key| format!("metadata.{key}")));
        names
    }
}

/// Takes what is the subject's out of the event.
fn fields(event: &mut Event, name: &str, acts: bool, owner: bool) -> Fields {
    let personal = |text: &str| mentions(text, name) || (owner && text.contains('@'));
    let mut fields = Fields::default();
    if acts && let Actor::Account { name, .. } = &mut event.actor {
        fields.name = Some(std::mem::take(name));
    }
    if owner {
        fields.address = event.address.take();
        fields.user_agent = event.user_agent.take();
    }
    if personal(&event.resource) {
        fields.resource = Some(std::mem::take(&mut event.resource));
    }
    if event.reason.as_deref().is_some_and(personal) {
        fields.reason = event.reason.take();
    }
    for (key, value) in &mut event.metadata {
        if personal(value) {
            fields.metadata.insert(key.clone(), std::mem::take(value));
        }
    }
    fields
}

fn put_back(event: &mut Event, fields: Fields) {
    if let (Some(own), Actor::Account { name, .. }) = (fields.name, &mut event.actor) {
        *name = own;
    }
    event.address = fields.address.or(event.address);
    event.user_agent = fields.user_agent.or(event.user_agent.take());
    if let Some(resource) = fields.resource {
        event.resource = resource;
    }
    event.reason = fields.reason.or(event.reason.take());
    event.metadata.extend(fields.metadata);
}

fn prefix(subject: &str) -> &str {
    subject.get(..8).unwrap_or_default()
}

fn stand_in(event: &mut Event, fields: &[String], word: &str) {
    for field in fields {
        match field.as_str() {
            "name" => {
                if let Actor::Account { name, .. } = &mut event.actor {
                    word.clone_into(name);
                }
            }
            "resource" => word.clone_into(&mut event.resource),
            "reason" => event.reason = Some(word.to_owned()),
            other => {
                if let Some(key) = other.strip_prefix("metadata.") {
                    event.metadata.insert(key.to_owned(), word.to_owned());
                }
            }
        }
    }
}

/// Whether a text has the name in it as a word. Both as they are, in whatever case.
fn mentions(text: &str, name: &str) -> bool {
    let text = text.to_lowercase();
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at.saturating_add(name.len())..).and_then(|behind| behind.chars().next());
        ![before, behind].into_iter().flatten().any(char::is_alphanumeric)
    })
}

fn may_be_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME
        && !text.chars().any(|char| char.is_whitespace() || char.is_control() || char == '/')
}

fn context(id: SubjectId) -> String {
    format!("ledger:personal:{id}")
}

/// Acts whose resource is the name of an account to come.
const CREATING: &[&str] = &[
    "account.add",
    "account.provision",
    "federation.admit",
    "service-account.add",
    "account.initial-password",
];
/// The act by which an account gets another name.
const RENAMING: &str = "account.edit";
