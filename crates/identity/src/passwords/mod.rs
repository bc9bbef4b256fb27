//! What a new password must be.

mod blocklist;

use std::fmt;

use gabion_model::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::AccountName;
use crate::settings::PasswordSettings;

/// A set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// OWASP ASVS 5 §6.2 and NIST SP 800-63B-4 §3.1.1: length and a blocklist, no composition rules.
    #[default]
    Asvs,
    /// The above, and an upper case letter, a lower case letter and a digit.
    Classic,
    /// PCI DSS 4.0.1 §8.3.6: the first, and at least 12 characters, a letter and a digit.
    Pci,
}

/// The rules in force.
#[derive(Debug, Clone)]
pub struct Passwords {
    profile: Profile,
    minimum: usize,
    context: Vec<String>,
}

/// A rule a password breaks. In the order people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    TooShort {
        minimum: usize,
    },
    TooLong,
    NoUpperCase,
    NoLowerCase,
    NoLetter,
    NoDigit,
    /// It is, or is a simple variation of, one of the first an attacker tries.
    Common,
    /// It holds the account's name or a word everybody expects here.
    Context,
    /// It holds a control character, which no keyboard gives twice.
    ControlCharacter,
}

impl Passwords {
    #[must_use]
    pub fn new(settings: &PasswordSettings) -> Self {
        let fewest = if settings.profile == Profile::Pci { 12 } else { 8 };
        let minimum = usize::try_from(settings.minimum_length).unwrap_or(usize::MAX);
        let context = settings.context_words.iter().map(|word| word.trim().to_lowercase());
        Self {
            profile: settings.profile,
            minimum: minimum.clamp(fewest, MOST_CHARACTERS),
            context: context.filter(|word| word.chars().count() >= 3).collect(),
        }
    }

    /// Every rule the password breaks; empty means it is good.
    #[must_use]
    pub fn violations(&self, password: &Secret<String>, account: &AccountName) -> Vec<Violation> {
        let password = password.expose();
        let characters = password.chars().count();
        if characters > MOST_CHARACTERS || password.len() > MOST_BYTES {
            // Nothing else is looked at: the work would be the attacker's to choose.
            return vec![Violation::TooLong];
        }
        let lacks = |is: fn(char) -> bool| !password.chars().any(is);
        let (classic, pci) = (self.profile == Profile::Classic, self.profile == Profile::Pci);
        let minimum = self.minimum;
        [
            (characters < minimum, Violation::TooShort { minimum }),
            (classic && lacks(char::is_uppercase), Violation::NoUpperCase),
            (classic && lacks(char::is_lowercase), Violation::NoLowerCase),
            (pci && lacks(char::is_alphabetic), Violation::NoLetter),
            ((classic || pci) && lacks(|character| character.is_ascii_digit()), Violation::NoDigit),
            (blocklist::is_common(password), Violation::Common),
            (self.has_context(password, account), Violation::Context),
            (!lacks(char::is_control), Violation::ControlCharacter),
        ]
        .into_iter()
        .filter_map(|(broken, violation)| broken.then_some(violation))
        .collect()
    }

    /// The rules as sentences, for the page that asks for a password.
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        let mut rules = vec![format!("{} to {MOST_CHARACTERS} characters; a sentence is fine", self.minimum)];
        match self.profile {
            Profile::Asvs => {}
            Profile::Classic => {
                rules.push("an upper case letter, a lower case letter and a digit".to_owned())
            }
            Profile::Pci => rules.push("a letter and a digit".to_owned()),
        }
        rules.push("not a common password, and without your name in it".to_owned());
        rules
    }

    fn has_context(&self, password: &str, account: &AccountName) -> bool {
        let lower = password.to_lowercase();
        let own = account.as_str().split('@').next().unwrap_or_default();
        std::iter::once(own)
            .chain(self.context.iter().map(String::as_str))
            .any(|word| word.chars().count() >= 3 && lower.contains(word))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { minimum } => write!(formatter, "use at least {minimum} characters"),
            Self::TooLong => write!(formatter, "use at most {MOST_CHARACTERS} characters"),
            Self::NoUpperCase => formatter.write_str("add an upper case letter"),
            Self::NoLowerCase => formatter.write_str("add a lower case letter"),
            Self::NoLetter => formatter.write_str("add a letter"),
            Self::NoDigit => formatter.write_str("add a digit"),
            Self::Common => formatter.write_str("this is one of the first passwords an attacker tries"),
            Self::Context => formatter.write_str("leave out your name and the name of the product"),
            Self::ControlCharacter => formatter.write_str("leave out characters that cannot be seen"),
        }
    }
}

/// Nothing is cut off: what is longer is refused.
const MOST_CHARACTERS: usize = 128;
const MOST_BYTES: usize = 512;
