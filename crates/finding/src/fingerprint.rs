//! What makes a finding the same finding after the file around it changed.

use std::fmt;

use gabion_vault::sha256_of;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 128 bits of SHA-256 over rule, path and what stands there. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of a rule, a path and the text that makes the finding what it is (white space counts once), which may be a secret: it
    /// cannot be guessed from this unless it could be guessed anyway.
    #[must_use]
    pub fn new(rule: &str, path: &str, text: &str) -> Self {
        let text: Vec<&str> = text.split_whitespace().collect();
        Self::of(&[rule, path, &text.join(" ")])
    }

    /// The same text under the same rule in the same file, for the second time and so on.
    #[must_use]
    pub fn again(self, occurrence: usize) -> Self {
        if occurrence == 0 {
            return self;
        }
        Self::of(&[&self.to_string(), &occurrence.to_string()])
    }

    fn of(parts: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(part.as_bytes());
            bytes.push(0);
        }
        let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = sha256_of(&[&bytes]);
        Self(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = (text.len() == 32).then(|| u128::from_str_radix(&text, 16).ok()).flatten();
        let digits = digits.filter(|_| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        digits.map(|digits| Self(digits.to_be_bytes())).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is no fingerprint: 32 hexadecimal digits"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_white_space_and_nothing_else() {
        let one = Fingerprint::new("a", "p", "x  =\t1");
        assert_eq!(one, Fingerprint::new("a", "p", " x = 1\n"));
        for other in [("b", "p", "x = 1"), ("a", "q", "x = 1"), ("a", "p", "x = 2"), ("ap", "", "x = 1")] {
            assert_ne!(one, Fingerprint::new(other.0, other.1, other.2));
        }
        assert_eq!(one.again(0), one);
        assert_ne!(one.again(1), one.again(2));
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        #[derive(Serialize, Deserialize)]
        struct Holder {
            it: Fingerprint,
        }
        let it = Fingerprint::new("a", "p", "x");
        let text = toml::to_string(&Holder { it }).unwrap();
        assert_eq!(toml::from_str::<Holder>(&text).unwrap().it, it);
        for wrong in ["", "0", "+0000000000000000000000000000000", "0000000000000000000000000000000G"] {
            assert!(toml::from_str::<Holder>(&format!("it = \"{wrong}\"")).is_err(), "{wrong}");
        }
    }
}
