//! E-mail addresses, read strictly: one spelling, one meaning.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An address as RFC 5321, 4.1.2 writes it without quoting: a dot-atom, `@`, a host name. Lower-cased as a
/// whole: no provider in use tells two people apart by case, and whoever compares must not be fooled.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(Arc<str>);

/// Not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no e-mail address of the form `name@host.example`")]
pub struct EmailError;

impl Email {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(EmailError)?;
        // RFC 5321, 4.5.3.1: 64 octets before the `@`, 254 in all (RFC 3696, errata 1690).
        let well = text.len() <= 254
            && local.len() <= 64
            && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
            && domain.contains('.')
            && domain.split('.').all(is_label)
            && !domain.rsplit('.').next().is_some_and(|top| top.bytes().all(|byte| byte.is_ascii_digit()));
        if well { Ok(Self(text.to_ascii_lowercase().into())) } else { Err(EmailError) }
    }
}

/// RFC 5322, 3.2.3 `atext`.
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// RFC 1123, 2.1: a letter-digit-hyphen label; names in other scripts come in their A-label form.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling() {
        for (text, expected) in [
            ("Ada@Example.ORG", "ada@example.org"),
            (" a.b+tag@mail.example ", "a.b+tag@mail.example"),
            ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<Email>().unwrap().as_str(), expected);
        }
        assert_eq!("a@b.example".parse::<Email>().unwrap().domain(), "b.example");
    }

    /// oauth2-proxy GHSA-c5c4-8r6x-56w3: a second `@` that moves the domain.
    #[test]
    fn oauth2_proxy_ghsa_c5c4_what_could_be_read_two_ways_is_none() {
        for text in [
            "",
            "@",
            "a@",
            "@b.example",
            "a@b",
            "a@b@c.example",
            "a@evil.example@good.example",
            "a b@c.example",
            "a..b@c.example",
            ".a@c.example",
            "a.@c.example",
            "\"a\"@c.example",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@-b.example",
            "a@b-.example",
            "a@b..example",
            "a@b.example.",
            "a@b.example\r\nBcc: c@d.example",
            "ä@b.example",
            "a@bücher.example",
            "a@b.example,c@d.example",
            "a@b.example\0",
        ] {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
        assert!(format!("{}@b.example", "a".repeat(65)).parse::<Email>().is_err());
        assert!(format!("a@{}.example", "b".repeat(64)).parse::<Email>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_one_has_one_at_and_reads_the_same_again(text in ".{0,80}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.as_str().matches('@').count(), 1);
                prop_assert!(!email.as_str().contains(char::is_whitespace));
                prop_assert_eq!(email.as_str().parse::<Email>().unwrap(), email);
            }
        }
    }
}
