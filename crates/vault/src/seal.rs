//! Small secrets at rest: sealed under a key that lies beside the database, bound to where they stand.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use gabion_model::{Rng, Secret, random};
use zeroize::Zeroize as _;

/// An AES-256-GCM key (NIST SP 800-38D) for up to 2^32 secrets, each under a random nonce. Never printed.
pub struct SealingKey {
    seal: LessSafeKey,
    tag: hmac::Key,
}

/// The key is not 32 bytes, or what was sealed is damaged, was moved, or was sealed under another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value cannot be opened: it is damaged, was moved, or belongs to another key")]
pub struct SealError;

impl SealingKey {
    /// # Errors
    /// When there are not 32 bytes.
    pub fn from_bytes(bytes: &Secret<Vec<u8>>) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes.expose()).map_err(|_| SealError)?;
        // A key of its own for tags, so that neither use tells anything about the other.
        let whole = hmac::Key::new(hmac::HMAC_SHA256, bytes.expose());
        let tag = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&whole, b"gabion tags").as_ref());
        Ok(Self { seal: LessSafeKey::new(key), tag })
    }

    /// The bytes of a new key, for [`from_bytes`](Self::from_bytes).
    #[must_use]
    pub fn generate(rng: &dyn Rng) -> Secret<Vec<u8>> {
        let mut bytes = random::bytes::<32>(rng);
        let secret = Secret::new(bytes.to_vec());
        bytes.zeroize();
        secret
    }

    /// Seals a value for one place: `context` names table, column and row (`totp:secret:ACCOUNT`), and
    /// only under the same name can it be opened. Nonce, ciphertext, tag.
    ///
    /// # Errors
    /// When the value is too large to be a secret (over 64 KiB).
    pub fn seal(&self, context: &str, value: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, SealError> {
        if value.len() > LARGEST {
            return Err(SealError);
        }
        let nonce = random::bytes::<NONCE_LEN>(rng);
        let mut sealed = value.to_vec();
        self.seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealError)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What only the holder of this key can compute from `value` (HMAC-SHA-256, RFC 2104): the same each time,
    /// and another one for another context.
    #[must_use]
    pub fn tag(&self, context: &str, value: &[u8]) -> [u8; 32] {
        let mut mac = hmac::Context::with_key(&self.tag);
        // The length first: where one ends and the other begins is part of what is signed.
        mac.update(&u64::try_from(context.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(context.as_bytes());
        mac.update(value);
        let mut tag = [0; 32];
        tag.copy_from_slice(mac.sign().as_ref());
        tag
    }

    /// # Errors
    /// When it was not sealed under this key for this context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .seal
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut body)
            .map_err(|_| SealError)?;
        let value = Secret::new(opened.to_vec());
        body.zeroize();
        Ok(value)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealingKey")
    }
}

const LARGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;

    fn key(seed: u64) -> SealingKey {
        SealingKey::from_bytes(&SealingKey::generate(&SeededRng::new(seed))).unwrap()
    }

    #[test]
    fn tags_are_the_same_for_the_same_only() {
        let tag = key(1).tag("login:decoy", b"ada");
        assert_eq!(tag, key(1).tag("login:decoy", b"ada"));
        for other in [
            key(2).tag("login:decoy", b"ada"),
            key(1).tag("login:decoya", b"da"),
            key(1).tag("login:decoy", b"adb"),
        ] {
            assert_ne!(tag, other);
        }
    }

    #[test]
    fn opens_in_its_own_place_only() {
        let (key_a, rng) = (key(1), SeededRng::new(2));
        let sealed = key_a.seal("totp:secret:ada", b"secret", &rng).unwrap();
        assert_eq!(key_a.open("totp:secret:ada", &sealed).unwrap().expose(), b"secret");
        assert!(key_a.open("totp:secret:eve", &sealed).is_err(), "moved to another row");
        assert!(key(3).open("totp:secret:ada", &sealed).is_err(), "another key");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(key_a.open("totp:secret:ada", &damaged).is_err(), "byte {at}");
            assert!(key_a.open("totp:secret:ada", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_ne!(key_a.seal("x", b"secret", &rng).unwrap(), key_a.seal("x", b"secret", &rng).unwrap());
        assert!(key_a.seal("x", &vec![0; LARGEST + 1], &rng).is_err());
        assert!(SealingKey::from_bytes(&Secret::new(vec![0; 31])).is_err());
    }
}
