//! Records of the ledger at rest: every one sealed under a key of its own, which can be given away without the others.
//!
//! A segment has a random key. The key of a record comes from it by HKDF-Expand with SHA-256 (RFC 5869 §2.3; the segment's
//! key is uniformly random, so there is nothing to extract, §3.3), from a label, the record's position and the number of the
//! run that wrote it. The stored record is
//!
//! ```text
//! commitment (32 bytes)  SHA-256 of a label of its own and the record's key
//! ciphertext             AES-256-GCM (NIST SP 800-38D) under the record's key, nonce zero, the position as additional data
//! tag (16 bytes)
//! ```
//!
//! **Nonce zero** is right because a key seals one record once. The run is why: after a crash or a failed write a position
//! is used again for another event, by another run, and so under another key.
//!
//! **The commitment** makes this a committing AEAD (RFC 9771 §4.3.3): AES-GCM alone lets whoever chooses keys make one
//! ciphertext that opens to different texts under two of them, so that a record could be disclosed as this to one auditor and
//! as that to another. The stored bytes name one key, the tree's leaf is over the stored bytes, and so a leaf has one text.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use gabion_model::{Rng, Secret, random};
use zeroize::Zeroize as _;

use crate::digest::{constant_time_eq, sha256_of};
use crate::seal::SealError;

/// What the keys of a segment's records come from.
pub struct SegmentKey {
    bytes: Secret<[u8; 32]>,
    expand: hmac::Key,
}

/// The key of one record.
#[derive(Clone)]
pub struct RecordKey(Secret<[u8; 32]>);

/// A stored record does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The key is another record's, or the stored bytes are.
    #[error("the record is not sealed with this key")]
    Commitment,
    /// What follows the commitment was changed, or stood at another position.
    #[error("the sealed record was changed")]
    Sealed,
}

const INDEX_WORDS: &[u8] = b"gabion ledger index words, version 1";
const INDEX_SUMS: &[u8] = b"gabion ledger index sums, version 1";
const RECORD: &[u8] = b"gabion ledger record key, version 1";
const COMMITMENT: &[u8] = b"gabion ledger record key commitment, version 1";
const TAG: usize = 16;
const COMMITTED: usize = 32;

impl SegmentKey {
    #[must_use]
    pub fn generate(rng: &dyn Rng) -> Self {
        Self::from_bytes(Secret::new(random::bytes(rng)))
    }

    #[must_use]
    pub fn from_bytes(bytes: Secret<[u8; 32]>) -> Self {
        let expand = hmac::Key::new(hmac::HMAC_SHA256, bytes.expose());
        Self { bytes, expand }
    }

    /// For sealing it; nothing else may see it.
    #[must_use]
    pub const fn bytes(&self) -> &Secret<[u8; 32]> {
        &self.bytes
    }

    /// The key of the record at `position` that `run` wrote.
    #[must_use]
    pub fn record(&self, position: u64, run: u32) -> RecordKey {
        let (position, run) = (position.to_be_bytes(), run.to_be_bytes());
        let mut key = self.derive(&[RECORD, &position, &run]);
        let record = RecordKey(Secret::new(key));
        key.zeroize();
        record
    }

    /// The key of the segment's index.
    #[must_use]
    pub fn index(&self) -> crate::IndexKey {
        let (mut words, mut sums) = (self.derive(&[INDEX_WORDS]), self.derive(&[INDEX_SUMS]));
        let index = crate::IndexKey::new(&words, &sums);
        words.zeroize();
        sums.zeroize();
        index
    }

    /// HKDF-Expand to 32 bytes, which is its first block: HMAC of the info and the number one (RFC 5869 §2.3).
    fn derive(&self, info: &[&[u8]]) -> [u8; 32] {
        let mut expand = hmac::Context::with_key(&self.expand);
        info.iter().for_each(|part| expand.update(part));
        expand.update(&[1]);
        let mut key = [0; 32];
        key.copy_from_slice(expand.sign().as_ref());
        key
    }
}

impl RecordKey {
    /// Bytes a stored record has more than its text.
    pub const OVERHEAD: usize = COMMITTED + TAG;

    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// To disclose the record with.
    #[must_use]
    pub const fn bytes(&self) -> &Secret<[u8; 32]> {
        &self.0
    }

    /// The stored record of this text. One key seals once.
    ///
    /// # Errors
    /// When the text is larger than AES-GCM takes (64 GiB).
    pub fn seal(&self, position: u64, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut stored = Vec::with_capacity(text.len().saturating_add(Self::OVERHEAD));
        stored.extend_from_slice(&self.commitment());
        stored.extend_from_slice(text);
        let body = stored.get_mut(COMMITTED..).unwrap_or_default();
        let tag = self
            .aead()?
            .seal_in_place_separate_tag(zero(), Aad::from(position.to_be_bytes()), body)
            .map_err(|_| SealError)?;
        stored.extend_from_slice(tag.as_ref());
        Ok(stored)
    }

    /// The text of a stored record.
    ///
    /// # Errors
    /// When it was sealed with another key, at another position, or was changed.
    pub fn open(&self, position: u64, stored: &[u8]) -> Result<Vec<u8>, RecordError> {
        let (commitment, body) = stored.split_first_chunk::<COMMITTED>().ok_or(RecordError::Sealed)?;
        if !constant_time_eq(commitment, &self.commitment()) {
            return Err(RecordError::Commitment);
        }
        let mut body = body.to_vec();
        let aead = self.aead().map_err(|_| RecordError::Sealed)?;
        let text = aead
            .open_in_place(zero(), Aad::from(position.to_be_bytes()), &mut body)
            .map_err(|_| RecordError::Sealed)?;
        let length = text.len();
        body.truncate(length);
        Ok(body)
    }

    fn commitment(&self) -> [u8; 32] {
        sha256_of(&[COMMITMENT, self.0.expose()])
    }

    fn aead(&self) -> Result<LessSafeKey, SealError> {
        UnboundKey::new(&AES_256_GCM, self.0.expose()).map(LessSafeKey::new).map_err(|_| SealError)
    }
}

fn zero() -> Nonce {
    // gabion:allow crypto.nonce.static each record has a key of its own, which seals once
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

impl std::fmt::Debug for SegmentKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SegmentKey")
    }
}

impl std::fmt::Debug for RecordKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RecordKey")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hkdf;
    use gabion_model::random::SeededRng;
    use proptest::prelude::*;

    use super::*;
    use crate::hmac_sha256;

    fn segment(seed: u64) -> SegmentKey {
        SegmentKey::generate(&SeededRng::new(seed))
    }

    #[test]
    fn the_layout_is_what_the_header_of_this_file_says() {
        let segment = SegmentKey::from_bytes(Secret::new([7; 32]));
        let key = segment.record(9, 3);
        // One block of HKDF-Expand: HMAC(PRK, info || 0x01).
        let info = [RECORD, &9_u64.to_be_bytes(), &3_u32.to_be_bytes(), &[1]].concat();
        assert_eq!(*key.bytes().expose(), hmac_sha256(&[7; 32], &info));
        let expand = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &[7; 32]);
        let info = [RECORD, &9_u64.to_be_bytes(), &3_u32.to_be_bytes()];
        let mut expanded = [0; 32];
        expand.expand(&info, hkdf::HKDF_SHA256).unwrap().fill(&mut expanded).unwrap();
        assert_eq!(*key.bytes().expose(), expanded);
        let stored = key.seal(9, b"{}").unwrap();
        assert_eq!(stored.len(), 2 + RecordKey::OVERHEAD);
        assert_eq!(stored[..32], sha256_of(&[COMMITMENT, key.bytes().expose()]));
        assert!(!stored.windows(2).any(|two| two == b"{}"));
    }

    #[test]
    fn a_key_is_for_one_place_in_one_segment_by_one_run() {
        let key = |seed, position, run| *segment(seed).record(position, run).bytes().expose();
        assert_eq!(key(1, 2, 3), key(1, 2, 3));
        for other in [key(2, 2, 3), key(1, 3, 3), key(1, 2, 4)] {
            assert_ne!(key(1, 2, 3), other);
        }
    }

    /// The same bytes cannot be shown as two texts: a second key is refused by the commitment, before anything is opened.
    #[test]
    fn another_key_is_refused_by_the_commitment() {
        let (one, other) = (segment(1).record(5, 0), segment(1).record(6, 0));
        let stored = one.seal(5, b"what happened").unwrap();
        assert_eq!(other.open(5, &stored), Err(RecordError::Commitment));
        let mut forged = stored.clone();
        forged[..32].copy_from_slice(&other.commitment());
        assert_eq!(one.open(5, &forged), Err(RecordError::Commitment));
        assert_eq!(other.open(5, &forged), Err(RecordError::Sealed));
        assert_eq!(one.open(6, &stored), Err(RecordError::Sealed), "moved");
    }

    proptest! {
        #[test]
        fn opens_to_what_was_sealed_and_nothing_changed_opens(
            text in prop::collection::vec(any::<u8>(), 0..400), position: u64, run: u32,
            at: prop::sample::Index, change in 1..=255_u8,
        ) {
            let key = segment(1).record(position, run);
            let mut stored = key.seal(position, &text).unwrap();
            prop_assert_eq!(key.open(position, &stored).unwrap(), text);
            let at = at.index(stored.len());
            stored[at] ^= change;
            prop_assert!(key.open(position, &stored).is_err());
            prop_assert!(key.open(position, &stored[..at]).is_err());
        }
    }
}
