//! What an index of sealed records may be made of: words that only the holder of the segment's key can tell, and a sum that only
//! they can make.
//!
//! HMAC-SHA-256 (RFC 2104) under a key of its own for each of the two, both from the segment's key by HKDF-Expand (RFC 5869).

use aws_lc_rs::hmac;

/// Makes words and sums of one segment's index.
pub struct IndexKey {
    word: hmac::Key,
    sum: hmac::Key,
}

/// A sum over bytes that come one after the other.
pub struct IndexSum(hmac::Context);

impl IndexKey {
    pub(crate) fn new(word: &[u8; 32], sum: &[u8; 32]) -> Self {
        Self { word: hmac::Key::new(hmac::HMAC_SHA256, word), sum: hmac::Key::new(hmac::HMAC_SHA256, sum) }
    }

    /// Of records that lie in the clear: nothing is hidden, and the sum finds damage and no enemy.
    #[must_use]
    pub fn of_clear_records() -> Self {
        Self::new(&[0; 32], &[1; 32])
    }

    /// The word for a value. Two values have the same one once in 2^64.
    #[must_use]
    pub fn word(&self, value: &[u8]) -> u64 {
        let tag = hmac::sign(&self.word, value);
        tag.as_ref().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// A sum to be made.
    #[must_use]
    pub fn sum(&self) -> IndexSum {
        IndexSum(hmac::Context::with_key(&self.sum))
    }
}

impl IndexSum {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        let mut sum = [0; 32];
        sum.copy_from_slice(self.0.sign().as_ref());
        sum
    }
}

impl std::fmt::Debug for IndexKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("IndexKey")
    }
}

impl std::fmt::Debug for IndexSum {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("IndexSum")
    }
}

#[cfg(test)]
mod tests {
    use gabion_model::Secret;

    use crate::{IndexKey, SegmentKey};

    fn key(byte: u8) -> IndexKey {
        SegmentKey::from_bytes(Secret::new([byte; 32])).index()
    }

    #[test]
    fn words_and_sums_are_the_keys_own() {
        assert_eq!(key(1).word(b"ada"), key(1).word(b"ada"));
        assert_ne!(key(1).word(b"ada"), key(2).word(b"ada"));
        assert_ne!(key(1).word(b"ada"), key(1).word(b"adb"));
        let sum = |key: &IndexKey, parts: &[&[u8]]| {
            let mut sum = key.sum();
            parts.iter().for_each(|part| sum.update(part));
            sum.finish()
        };
        assert_eq!(sum(&key(1), &[b"a", b"da"]), sum(&key(1), &[b"ada"]));
        assert_ne!(sum(&key(1), &[b"ada"]), sum(&key(2), &[b"ada"]));
        assert_ne!(sum(&key(1), &[b"ada"])[..8], key(1).word(b"ada").to_be_bytes());
    }
}
