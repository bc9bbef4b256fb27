//! The names people sign in with.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// A normalised account name: two people can never hold names that look the same.
///
/// White space around it is cut off, full-width forms become ASCII, letters become lower case. What is
/// left must be 2 to 254 characters of `a`–`z`, `0`–`9` and `. _ - + @`, begin with a letter or digit
/// and have at most one `@`: user names and e-mail addresses, and no character that can be mistaken for
/// another script's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AccountName(Arc<str>);

/// Why a text is not an account name. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedName {
    #[error("a name has letters a to z, digits and `. _ - + @` only")]
    Character,
    #[error("a name begins with a letter or a digit")]
    FirstCharacter,
    #[error("a name has 2 to 254 characters")]
    Length,
    #[error("a name has at most one `@`, with something on both sides")]
    MoreThanOneAt,
}

impl AccountName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl FromStr for AccountName {
    type Err = MalformedName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // Full-width forms have three bytes: no longer text can normalise to an allowed length.
        if text.len() > 3 * LONGEST {
            return Err(MalformedName::Length);
        }
        let mut name = String::with_capacity(text.len());
        for character in text.chars() {
            match narrow(character).to_ascii_lowercase() {
                allowed @ ('a'..='z' | '0'..='9' | '.' | '_' | '-' | '+' | '@') => name.push(allowed),
                _ => return Err(MalformedName::Character),
            }
        }
        if name.len() < 2 || name.len() > LONGEST {
            return Err(MalformedName::Length);
        }
        if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return Err(MalformedName::FirstCharacter);
        }
        if name.matches('@').count() > 1 || name.ends_with('@') {
            return Err(MalformedName::MoreThanOneAt);
        }
        Ok(Self(name.into()))
    }
}

/// The full-width forms U+FF01 to U+FF5E are ASCII under NFKC.
fn narrow(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        _ => character,
    }
}

impl Borrow<str> for AccountName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl<'de> Deserialize<'de> for AccountName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

const LONGEST: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_name_are_one_name() {
        let name: AccountName = "ada@example.org".parse().unwrap();
        for spelling in
            ["Ada@Example.ORG", "  ada@example.org\n", "ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ADA＠example.org"]
        {
            assert_eq!(spelling.parse(), Ok(name.clone()), "{spelling}");
        }
    }

    #[test]
    fn names_that_could_deceive_are_refused() {
        for (wrong, why) in [
            ("аdа", MalformedName::Character), // Cyrillic
            ("ada\u{200b}b", MalformedName::Character),
            ("a\u{0}b", MalformedName::Character),
            ("ada lovelace", MalformedName::Character),
            ("<b>ada</b>", MalformedName::Character),
            ("İstanbul", MalformedName::Character),
            ("a", MalformedName::Length),
            ("", MalformedName::Length),
            (".ada", MalformedName::FirstCharacter),
            ("-rf", MalformedName::FirstCharacter),
            ("a@b@c", MalformedName::MoreThanOneAt),
            ("ada@", MalformedName::MoreThanOneAt),
        ] {
            assert_eq!(wrong.parse::<AccountName>(), Err(why), "{wrong}");
        }
        assert!("a".repeat(254).parse::<AccountName>().is_ok());
        assert_eq!("a".repeat(255).parse::<AccountName>(), Err(MalformedName::Length));
        assert_eq!("a".repeat(1 << 20).parse::<AccountName>(), Err(MalformedName::Length));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "[ A-Za-z0-9._+@Ａ-ｚ-]{0,40}") {
            if let Ok(name) = text.parse::<AccountName>() {
                prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
                prop_assert_eq!(text.to_uppercase().parse(), Ok(name));
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,300}") {
            let _ = text.parse::<AccountName>();
        }
    }
}
