//! One record, given to somebody who has no key to the others: its stored bytes, which are what the tree vouches for, and
//! the key of this record alone. The line `extra` of a proof (C2SP tlog-proof) holds it:
//!
//! ```text
//! record of a segment of version 1:   its JSON
//! sealed record:                      "GABIONRK" | key of the record (32 bytes) | stored bytes
//! ```
//!
//! Whoever checks it computes the leaf from the stored bytes, has the proof show that the leaf is in the tree, sees that the
//! key is the one that the stored bytes commit to, and only then opens them (`vault::record` says why the commitment is
//! needed). A key says nothing of the keys of other records.

use gabion_vault::RecordKey;
use gabion_vault::record::RecordError;

use crate::Position;
use crate::format::MAX_PAYLOAD;

/// What is handed over.
#[derive(Debug, Clone)]
pub struct Disclosure {
    /// None when the record is not sealed.
    pub key: Option<RecordKey>,
    /// The bytes whose hash is the leaf.
    pub stored: Vec<u8>,
}

/// The bytes disclose nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undisclosed {
    #[error("it is neither a record's JSON nor a sealed record with its key")]
    Malformed,
    #[error(transparent)]
    Record(#[from] RecordError),
}

const MAGIC: &[u8; 8] = b"GABIONRK";

impl Disclosure {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match &self.key {
            None => self.stored.clone(),
            Some(key) => [MAGIC, key.bytes().expose().as_slice(), &self.stored].concat(),
        }
    }

    /// # Errors
    /// [`Undisclosed::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Undisclosed> {
        let (key, stored) = match bytes.strip_prefix(MAGIC) {
            Some(rest) => {
                let (key, stored) = rest.split_first_chunk::<32>().ok_or(Undisclosed::Malformed)?;
                (Some(RecordKey::from_bytes(*key)), stored)
            }
            // No JSON begins otherwise that is an object.
            None if bytes.starts_with(b"{") => (None, bytes),
            None => return Err(Undisclosed::Malformed),
        };
        if stored.is_empty() || stored.len() > MAX_PAYLOAD {
            return Err(Undisclosed::Malformed);
        }
        Ok(Self { key, stored: stored.to_vec() })
    }

    /// The record's JSON. The caller has seen that `stored` is the leaf at this position.
    ///
    /// # Errors
    /// [`Undisclosed::Record`] when the key is another record's.
    pub fn open(&self, position: Position) -> Result<Vec<u8>, Undisclosed> {
        match &self.key {
            None => Ok(self.stored.clone()),
            Some(key) => Ok(key.open(position.0, &self.stored)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use gabion_model::random::SeededRng;
    use gabion_vault::SegmentKey;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_disclosed_record_opens_with_its_own_key_at_its_own_place() {
        let segment = SegmentKey::generate(&SeededRng::new(1));
        let key = segment.record(4, 7);
        let stored = key.seal(4, b"{\"time\":1}").unwrap();
        let given = Disclosure { key: Some(key), stored: stored.clone() };
        let taken = Disclosure::parse(&given.encode()).unwrap();
        assert_eq!(taken.stored, stored);
        assert_eq!(taken.open(Position(4)).unwrap(), b"{\"time\":1}");
        assert_eq!(taken.open(Position(5)), Err(Undisclosed::Record(RecordError::Sealed)));
        let other = Disclosure { key: Some(segment.record(5, 7)), stored };
        assert_eq!(other.open(Position(4)), Err(Undisclosed::Record(RecordError::Commitment)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), sealed: bool) {
            if sealed {
                bytes.splice(0..0, *MAGIC);
            }
            if let Ok(read) = Disclosure::parse(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
                let _ = read.open(Position(1));
            }
        }
    }
}
