//! The keys that open sealed segments: every segment has a random key of its own, which lies in its header, sealed with the
//! ledger's. That one lies in a file of its own (`ledger.key_file`); this crate is handed its bytes.
//!
//! The file holds one key of 32 bytes, or, while it is replaced, two: the new one first. Replacing it seals the
//! headers' keys anew ([`rewrap`]) and touches no record.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use gabion_model::{Event, Rng, Secret};
use gabion_vault::record::RecordError;
use gabion_vault::{RecordKey, SealingKey, SegmentKey};

use crate::format::{
    CLASS_EVENT, CLASS_SEALED, CLASS_TENANT_CHECKPOINT, CLASS_TENANT_EVENT, CLASS_TENANT_SEALED, Header,
    SEALED_KEY, SealedKey,
};
use crate::personal::{self, NotRestored, Part, Personal, SubjectId};
#[cfg(feature = "write")]
use crate::personal::{Mention, Subject};
use crate::scan::{self, Found};
use crate::tenants;
use crate::{Damage, Position, ReadError, SegmentId, SegmentSource, SegmentStorage};

/// Says which key it is, and nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The keys of one file, the one that seals from now on first.
#[derive(Debug)]
pub struct Keys {
    /// Where they lie, for errors.
    place: String,
    keys: Vec<(KeyId, SealingKey)>,
}

/// The file in which they lie.
pub trait KeyFile: Send + Sync + fmt::Debug {
    /// Its path, for people.
    fn place(&self) -> String;

    fn read(&self) -> io::Result<Secret<Vec<u8>>>;

    /// Replaces it, whole or not at all, durable on return.
    fn write(&self, keys: &Secret<Vec<u8>>) -> io::Result<()>;
}

/// A sealed segment does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The header's seal does not fit its own key.
    #[error("the sealed key in the header of segment {0} was changed or moved there from another segment")]
    Damaged(SegmentId),
    #[error(
        "segment {segment} is sealed with the key {by}, and `{place}` holds {has} (hint: put back the key file that belongs to this ledger; a backup has it. Records sealed with a lost key stay provable and cannot be read)"
    )]
    Foreign { segment: SegmentId, by: KeyId, place: String, has: String },
    /// The bytes are no key file.
    #[error(
        "`{place}` holds {bytes} bytes, and a key has 32 (two while it is replaced: 64) (hint: put it back from a backup)"
    )]
    Malformed { place: String, bytes: usize },
    #[error(
        "segment {0} is sealed, and there is no key to open it with (hint: put back the file that `ledger.key_file` names; a backup has it)"
    )]
    Missing(SegmentId),
}

impl Keys {
    /// `place` names the file in errors.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] unless the bytes are one key, or two.
    pub fn parse(place: impl Into<String>, bytes: &Secret<Vec<u8>>) -> Result<Self, KeyError> {
        let place = place.into();
        let malformed =
            |place: &str| KeyError::Malformed { place: place.to_owned(), bytes: bytes.expose().len() };
        let (parts, rest) = bytes.expose().as_chunks::<32>();
        if !rest.is_empty() || !(1..=2).contains(&parts.len()) {
            return Err(malformed(&place));
        }
        let mut keys = Vec::new();
        for part in parts {
            let key = SealingKey::from_bytes(&Secret::new(part.to_vec())).map_err(|_| malformed(&place))?;
            keys.push((id(&key), key));
        }
        Ok(Self { place, keys })
    }

    /// The bytes of a new key, to be kept in a file.
    #[must_use]
    pub fn generate(rng: &dyn Rng) -> Secret<Vec<u8>> {
        SealingKey::generate(rng)
    }

    /// The one that seals.
    #[must_use]
    pub fn current(&self) -> Option<KeyId> {
        self.keys.first().map(|(id, _)| *id)
    }

    /// Whether a former key is still there: replacing it did not come to its end.
    #[must_use]
    pub fn is_being_replaced(&self) -> bool {
        self.keys.len() > 1
    }

    pub(crate) fn wrap(
        &self,
        segment: SegmentId,
        first: Position,
        key: &SegmentKey,
        rng: &dyn Rng,
    ) -> io::Result<SealedKey> {
        let sealed = self.keys.first().and_then(|(by, own)| {
            let sealed = own.seal(&place_of(segment, first), key.bytes().expose(), rng).ok()?;
            Some(SealedKey { by: *by, sealed: <[u8; SEALED_KEY]>::try_from(sealed).ok()? })
        });
        sealed.ok_or_else(|| io::Error::other("the segment's key cannot be sealed"))
    }

    /// The key of the segment with this header; none when its records are not sealed.
    pub(crate) fn unwrap(&self, header: &Header) -> Result<Option<SegmentKey>, KeyError> {
        let Some(sealed) = &header.sealed else { return Ok(None) };
        let segment = header.segment;
        let (_, own) = self.keys.iter().find(|(id, _)| *id == sealed.by).ok_or_else(|| {
            let has = self.keys.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(" and ");
            KeyError::Foreign { segment, by: sealed.by, place: self.place.clone(), has }
        })?;
        let opened = own.open(&place_of(segment, header.first), &sealed.sealed);
        let opened = opened.map_err(|_| KeyError::Damaged(segment))?;
        let bytes =
            <[u8; 32]>::try_from(opened.expose().as_slice()).map_err(|_| KeyError::Damaged(segment))?;
        Ok(Some(SegmentKey::from_bytes(Secret::new(bytes))))
    }
}

/// Keys of subjects (`personal`): the id of the key they are sealed with, and what it made.
impl Keys {
    pub(crate) fn seal_subject(
        &self,
        id: SubjectId,
        key: &Secret<Vec<u8>>,
        rng: &dyn Rng,
    ) -> io::Result<Vec<u8>> {
        let (by, own) = self.keys.first().ok_or_else(|| io::Error::other("there is no key"))?;
        let sealed = own.seal(&subject_context(id), key.expose(), rng).map_err(io::Error::other)?;
        Ok([&by.0[..], &sealed].concat())
    }

    pub(crate) fn open_subject(&self, id: SubjectId, sealed: &[u8]) -> io::Result<SealingKey> {
        SealingKey::from_bytes(&self.subject_bytes(id, sealed)?).map_err(io::Error::other)
    }

    fn subject_bytes(&self, id: SubjectId, sealed: &[u8]) -> io::Result<Secret<Vec<u8>>> {
        let opened = sealed.split_first_chunk::<8>().and_then(|(by, sealed)| {
            let (_, own) = self.keys.iter().find(|(id, _)| id.0 == *by)?;
            own.open(&subject_context(id), sealed).ok()
        });
        opened.ok_or_else(|| {
            let place = &self.place;
            io::Error::other(format!(
                "the key of subject {id} does not open with the key in `{place}` (hint: database and key file belong to one backup)"
            ))
        })
    }

    #[cfg(feature = "write")]
    pub(crate) fn reseal_subject(&self, subject: &Subject, rng: &dyn Rng) -> io::Result<Vec<u8>> {
        self.seal_subject(subject.id, &self.subject_bytes(subject.id, &subject.sealed)?, rng)
    }
}

fn subject_context(id: SubjectId) -> String {
    format!("ledger:subject:{id}")
}

fn id(key: &SealingKey) -> KeyId {
    let tag = key.tag("ledger:key-id", b"");
    KeyId(tag.first_chunk().copied().unwrap_or_default())
}

/// Where a segment's key belongs: in this header and in no other.
fn place_of(segment: SegmentId, first: Position) -> String {
    format!("ledger:segment:{segment}:{first}")
}

/// Seals the keys of all segments with the newest of `keys`; how many were not yet. Not while a
/// segment may be begun with the former one.
///
/// # Errors
/// When a header cannot be read, opened or replaced; the others stay as they are, and each opens with one key of the two.
pub fn rewrap(storage: &dyn SegmentStorage, keys: &Keys, rng: &dyn Rng) -> Result<u64, ReadError> {
    let mut count = 0;
    for segment in storage.list().map_err(ReadError::List)? {
        let header = match scan::read_header(storage, segment) {
            // Removed by age a moment ago.
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            header => header?,
        };
        if header.sealed.is_none_or(|sealed| Some(sealed.by) == keys.current()) {
            continue;
        }
        let Some(key) = keys.unwrap(&header)? else { continue };
        let failed = |source| ReadError::Io { segment, source };
        let sealed = keys.wrap(segment, header.first, &key, rng).map_err(failed)?;
        storage
            .replace_header(segment, &Header { sealed: Some(sealed), ..header }.encode())
            .map_err(failed)?;
        count += 1;
    }
    Ok(count)
}

/// Opens records for whoever reads. Clones share what was opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opener(Arc<Opened>);

#[derive(Debug, Default)]
struct Opened {
    keys: Mutex<Option<Arc<Keys>>>,
    segments: Mutex<BTreeMap<SegmentId, Arc<SegmentKey>>>,
    personal: Option<Personal>,
}

/// Segment keys held at once; a walk needs one.
const HELD: usize = 64;

impl Opener {
    pub(crate) fn new(keys: Option<Arc<Keys>>, personal: Option<Personal>) -> Self {
        Self(Arc::new(Opened { keys: Mutex::new(keys), segments: Mutex::default(), personal }))
    }

    pub(crate) fn personal(&self) -> Option<&Personal> {
        self.0.personal.as_ref()
    }

    /// Takes what is personal out of an event that is to be written. May block.
    pub(crate) fn take_personal(&self, event: &mut Event) -> io::Result<Vec<Part>> {
        match (self.personal(), self.keys()) {
            (Some(personal), Some(keys)) => personal.take(&keys, event),
            _ => Ok(Vec::new()),
        }
    }

    #[cfg(feature = "write")]
    pub(crate) fn rng(&self) -> Option<Arc<dyn Rng>> {
        self.personal().map(Personal::rng)
    }

    /// See [`Personal::standing`].
    #[cfg(feature = "write")]
    pub(crate) fn standing(&self, name: &str) -> io::Result<Option<Option<SubjectId>>> {
        match (self.personal(), self.keys()) {
            (Some(personal), Some(keys)) => personal.standing(&keys, name),
            _ => Ok(None),
        }
    }

    /// The key of an account; none when it is destroyed.
    #[cfg(feature = "write")]
    pub(crate) fn subject_key(&self, subject: SubjectId) -> io::Result<Option<Arc<SealingKey>>> {
        match (self.personal(), self.keys()) {
            (Some(personal), Some(keys)) => personal.opened(&keys, subject),
            _ => Ok(None),
        }
    }

    /// Whose the data of a name is.
    #[cfg(feature = "write")]
    pub(crate) fn subject(&self, name: &str, mention: Mention) -> io::Result<Option<SubjectId>> {
        match (self.personal(), self.keys()) {
            (Some(personal), Some(keys)) => personal.subject(&keys, name, mention),
            _ => Ok(None),
        }
    }

    /// Puts back what is personal.
    pub(crate) fn restore(&self, json: &[u8], event: &mut Event) -> Result<(), NotRestored> {
        let keys = self.keys();
        personal::restore(self.personal().zip(keys.as_deref()), json, event)
    }

    #[cfg(feature = "write")]
    pub(crate) fn adopt(&self, keys: Arc<Keys>) {
        *self.0.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }

    pub(crate) fn keys(&self) -> Option<Arc<Keys>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key of a segment's index.
    #[cfg(feature = "write")]
    pub(crate) fn index_key(
        &self,
        source: &dyn SegmentSource,
        segment: SegmentId,
    ) -> Result<gabion_vault::IndexKey, ReadError> {
        let key = self.segment(source, segment)?;
        Ok(key.map_or_else(gabion_vault::IndexKey::of_clear_records, |key| key.index()))
    }

    /// The JSON of a record.
    pub(crate) fn open(&self, source: &dyn SegmentSource, found: Found) -> Result<Vec<u8>, ReadError> {
        let key = self.key(source, &found)?;
        let stored = tenants::tagged(found.class, &found.payload).map_or(&*found.payload, |(_, rest)| rest);
        let Some(key) = key else { return Ok(stored.to_vec()) };
        key.open(found.position.0, stored).map_err(|error| found.damaged(error))
    }

    /// The key of one record; none when it is not sealed.
    pub(crate) fn key(
        &self,
        source: &dyn SegmentSource,
        found: &Found,
    ) -> Result<Option<RecordKey>, ReadError> {
        match found.class & 0xff {
            CLASS_EVENT | CLASS_TENANT_EVENT | CLASS_TENANT_CHECKPOINT if found.class >> 8 == 0 => Ok(None),
            CLASS_SEALED | CLASS_TENANT_SEALED => {
                let segment = self.segment(source, found.segment)?;
                // A segment of version 1 has no sealed records; this one stands in the wrong place.
                let segment = segment.ok_or(ReadError::Corrupted {
                    segment: found.segment,
                    offset: found.offset,
                    reason: Damage::Seal,
                })?;
                Ok(Some(segment.record(found.position.0, found.class >> 8)))
            }
            _ => Err(found.unknown(format!("class {}", found.class))),
        }
    }

    fn segment(
        &self,
        source: &dyn SegmentSource,
        segment: SegmentId,
    ) -> Result<Option<Arc<SegmentKey>>, ReadError> {
        let held = || self.0.segments.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = held().get(&segment) {
            return Ok(Some(Arc::clone(key)));
        }
        let header = scan::read_header(source, segment)?;
        if header.sealed.is_none() {
            return Ok(None);
        }
        let keys = self.keys().ok_or(KeyError::Missing(segment))?;
        let Some(key) = keys.unwrap(&header)?.map(Arc::new) else { return Ok(None) };
        let mut held = held();
        if held.len() >= HELD {
            held.clear();
        }
        held.insert(segment, Arc::clone(&key));
        Ok(Some(key))
    }
}

impl Found {
    pub(crate) fn unknown(&self, reason: String) -> ReadError {
        ReadError::Unknown { segment: self.segment, offset: self.offset, reason }
    }

    fn damaged(&self, error: RecordError) -> ReadError {
        let reason = match error {
            RecordError::Commitment => Damage::Commitment,
            RecordError::Sealed => Damage::Seal,
        };
        ReadError::Corrupted { segment: self.segment, offset: self.offset, reason }
    }
}

#[cfg(test)]
mod tests {
    use gabion_model::Timestamp;
    use gabion_model::random::SeededRng;

    use super::*;
    use crate::format::Span;

    fn secret(seed: u64) -> Secret<Vec<u8>> {
        Keys::generate(&SeededRng::new(seed))
    }

    fn header(keys: &Keys, key: &SegmentKey, segment: u64, first: u64) -> Header {
        let (segment, first) = (SegmentId(segment), Position(first));
        let sealed = keys.wrap(segment, first, key, &SeededRng::new(9)).unwrap();
        let begun = Timestamp::default();
        Header { segment, first, begun, previous: Span::EMPTY, sealed: Some(sealed) }
    }

    #[test]
    fn a_segments_key_opens_in_its_own_header_with_its_own_key() {
        let keys = Keys::parse("ledger-sealing.key", &secret(1)).unwrap();
        let key = SegmentKey::generate(&SeededRng::new(2));
        let own = header(&keys, &key, 3, 7);
        let opened = keys.unwrap(&own).unwrap().unwrap();
        assert_eq!(opened.bytes().expose(), key.bytes().expose());

        for moved in [Header { segment: SegmentId(4), ..own }, Header { first: Position(8), ..own }] {
            assert_eq!(keys.unwrap(&moved).unwrap_err(), KeyError::Damaged(moved.segment));
        }
        let other = Keys::parse("elsewhere", &secret(5)).unwrap();
        let error = other.unwrap(&own).unwrap_err().to_string();
        for part in ["segment 3", "`elsewhere`", &keys.current().unwrap().to_string(), "hint"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        let both = Secret::new([secret(5).expose().as_slice(), secret(1).expose()].concat());
        let both = Keys::parse("both", &both).unwrap();
        assert!(both.is_being_replaced() && both.unwrap(&own).is_ok());
        assert_eq!(both.current(), other.current(), "the first one seals");
    }

    #[test]
    fn a_key_file_has_one_key_or_two() {
        for bytes in [0, 1, 31, 33, 63, 65, 96] {
            let error = Keys::parse("the file", &Secret::new(vec![1; bytes])).unwrap_err();
            assert_eq!(error, KeyError::Malformed { place: "the file".to_owned(), bytes });
        }
    }
}
