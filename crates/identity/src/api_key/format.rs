//! What an API key looks like: `gab_<env>_<random><checksum>`.
//!
//! `random` is 256 bits in 43 characters of base62, `checksum` the CRC-32 (IEEE 802.3, as zlib computes it)
//! of all that stands before it, in 6 characters of base62. Both are written most significant digit first
//! with the digits `0-9A-Za-z`, padded with `0`. A secret scanner finds keys by
//! `\bgab_[a-z0-9]{1,16}_[0-9A-Za-z]{49}\b` and drops chance hits by the checksum.

use std::fmt;

use gabion_model::{Rng, Secret, random};

/// How every key begins.
pub const PREFIX: &str = "gab_";

/// A new key for an environment.
pub(super) fn generate(environment: &str, rng: &dyn Rng) -> Secret<String> {
    let bytes = Secret::new(random::bytes::<32>(rng));
    let mut key = String::with_capacity(PREFIX.len() + environment.len() + 1 + RANDOM + CHECKSUM);
    key.push_str(PREFIX);
    key.push_str(environment);
    key.push('_');
    key.push_str(&base62(bytes.expose(), RANDOM));
    let checksum = base62(&crc32(key.as_bytes()).to_be_bytes(), CHECKSUM);
    key.push_str(&checksum);
    Secret::new(key)
}

/// Whether a text has the form of a key and the checksum is right. Says nothing about whose it is.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX) else { return false };
    let Some((environment, secret)) = rest.split_once('_') else { return false };
    if !is_environment(environment) || secret.len() != RANDOM + CHECKSUM {
        return false;
    }
    let Some((body, checksum)) = text.split_at_checked(text.len().saturating_sub(CHECKSUM)) else {
        return false;
    };
    secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && base62(&crc32(body.as_bytes()).to_be_bytes(), CHECKSUM) == checksum
}

/// Whether a key stands anywhere in a text, a query say.
#[must_use]
pub fn contains_key(text: &str) -> bool {
    text.match_indices(PREFIX).any(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        let word = rest.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
        is_key(rest.get(..word.unwrap_or(rest.len())).unwrap_or_default())
    })
}

/// Whether a text can be the environment in keys.
#[must_use]
pub fn is_environment(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// The beginning of a key, by which its owner recognises it: too little to guess the rest by.
pub(super) fn hint(key: &Secret<String>) -> String {
    let text = key.expose();
    let end = text.len().saturating_sub(RANDOM + CHECKSUM).saturating_add(HINT);
    text.get(..end).unwrap_or_default().to_owned()
}

/// A big-endian number in `width` digits.
fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(0);
            rest = value % 62;
        }
        *digit = usize::try_from(rest).ok().and_then(|rest| DIGITS.get(rest)).copied().unwrap_or(b'0');
    }
    String::from_utf8(digits).unwrap_or_default()
}

/// CRC-32 with the reflected polynomial of IEEE 802.3. Not a defence: it tells a mistyped key from a wrong one.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xedb8_8320;
            }
        }
    }
    !crc
}

/// Names a key in lists and events. Public.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(std::sync::Arc<str>);

impl ApiKeyId {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn to_shared(&self) -> std::sync::Arc<str> {
        std::sync::Arc::clone(&self.0)
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is more than 2^256.
const RANDOM: usize = 43;
/// 62^6 is more than 2^32.
const CHECKSUM: usize = 6;
/// Characters of the random part that are shown.
const HINT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_zlibs() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(base62(&u32::MAX.to_be_bytes(), 6), "4gfFC3");
        assert_eq!(base62(&[0xff; 32], 43).len(), 43);
        assert_eq!(base62(&[0, 61], 3), "00z");
    }

    #[test]
    fn keys_look_as_the_documentation_says() {
        let key = generate("live", &SeededRng::new(1));
        let text = key.expose();
        assert!(is_key(text), "{text}");
        assert_eq!(text.len(), "gab_live_".len() + 49);
        assert_eq!(hint(&key).len(), "gab_live_".len() + 4);
        assert!(text.starts_with(&hint(&key)));
        assert!(contains_key(&format!("a=1&key={text}&b=2")));
        assert!(!contains_key(&format!("a=1&key={text}x&b=2")));
        for wrong in ["", "gab_", "gab__", "gab_live_", "gab_LIVE_x", "Bearer", "gab_live"] {
            assert!(!is_key(wrong) && !contains_key(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(seed: u64, at in 0_usize..58, with in "[0-9A-Za-z]") {
            let key = generate("live", &SeededRng::new(seed));
            let mut changed = key.expose().clone();
            changed.replace_range(at..=at, &with);
            prop_assert_eq!(is_key(&changed), changed == *key.expose());
        }

        #[test]
        fn any_text_is_judged(text in ".{0,80}|gab_[a-z]{0,4}_[0-9A-Za-z]{45,52}") {
            let _ = (is_key(&text), contains_key(&text));
        }
    }
}
