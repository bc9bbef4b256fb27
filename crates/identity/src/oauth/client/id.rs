//! The names of clients.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use gabion_model::{Rng, random};
use serde::{Deserialize, Deserializer, Serialize};

/// Names a client. Of a registered one: 1 to 64 letters, digits and `. _ ~ -`, which need no escaping in a
/// URL, a form or an `Authorization` header. Of one that a document describes: the document's https
/// address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ClientId(Arc<str>);

/// Neither a name nor an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a client's id is 1 to 64 letters, digits and `. _ ~ -`")]
pub struct MalformedClientId;

impl ClientId {
    /// 100 random bits, easy to read aloud.
    #[must_use]
    pub fn random(rng: &dyn Rng) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let letters = random::bytes::<20>(rng);
        let text: String = letters
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().map(char::from))
            .collect();
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the address of a document.
    #[must_use]
    pub fn is_document(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for ClientId {
    type Err = MalformedClientId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(name);
        // What may stand in such an address is judged where it is fetched.
        let is_address = text.starts_with("https://")
            && text.len() <= LONGEST_ADDRESS
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_name || is_address { Ok(Self(text.into())) } else { Err(MalformedClientId) }
    }
}

impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

const LONGEST_ADDRESS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;

    #[test]
    fn a_name_or_an_address() {
        for good in ["a", "my-shop_2.~", &"x".repeat(64), "https://app.example/client.json"] {
            assert_eq!(good.parse::<ClientId>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a:b", "ä", "a\0", &"x".repeat(65), "http://app.example/", "https://a b/"] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad}");
        }
        let made = ClientId::random(&SeededRng::new(1));
        assert_eq!((made.as_str().len(), made.as_str().parse()), (20, Ok(made.clone())));
    }
}
