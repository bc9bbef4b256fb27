//! What a new password must be.

mod blocklist;
pub mod breached;

use std::fmt;
use std::sync::Arc;

use gabion_model::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::breached::BreachedList;
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
    /// The least score of the strength estimation.
    strength: u32,
    breached: Option<Arc<dyn BreachedList>>,
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
    /// It is on the list of passwords that leaked somewhere.
    Breached,
    /// Somebody who tries clever guesses finds it soon.
    Guessable,
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
            strength: settings.minimum_strength,
            breached: None,
        }
    }

    /// The same rules, and a list no password may be on.
    #[must_use]
    pub fn with_breached(self, list: Option<Arc<dyn BreachedList>>) -> Self {
        Self { breached: list, ..self }
    }

    /// Every rule the password breaks; empty means it is good.
    #[must_use]
    pub fn violations(&self, secret: &Secret<String>, account: &AccountName) -> Vec<Violation> {
        let password = secret.expose();
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
            (
                self.breached.as_ref().is_some_and(|list| breached::is_breached(&**list, secret)),
                Violation::Breached,
            ),
            (self.strength > 0 && self.score(password, account) < self.strength, Violation::Guessable),
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

    /// 0 (guessed at once) to 4 (not guessed), knowing what a guesser would know.
    fn score(&self, password: &str, account: &AccountName) -> u32 {
        let known: Vec<&str> =
            self.context.iter().map(String::as_str).chain(account.as_str().split('@')).collect();
        u32::from(u8::from(zxcvbn::zxcvbn(password, &known).score()))
    }

    fn has_context(&self, password: &str, account: &AccountName) -> bool {
        let lower = password.to_lowercase();
        let own = account.as_str().split('@').next().unwrap_or_default();
        // A name of two or three letters is part of too many words.
        let own = Some(own).filter(|own| own.len() >= 4);
        own.into_iter().chain(self.context.iter().map(String::as_str)).any(|word| lower.contains(word))
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
            Self::Breached => {
                formatter.write_str("this password leaked somewhere; attackers have it on their lists")
            }
            Self::Guessable => formatter
                .write_str("this is easy to guess; add a few words that have nothing to do with each other"),
            Self::Context => formatter.write_str("leave out your name and the name of the product"),
            Self::ControlCharacter => formatter.write_str("leave out characters that cannot be seen"),
        }
    }
}

/// Nothing is cut off: what is longer is refused.
const MOST_CHARACTERS: usize = 128;
const MOST_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn violations(settings: &PasswordSettings, password: &str) -> Vec<Violation> {
        let name = "lovelace@example.org".parse().unwrap();
        Passwords::new(settings).violations(&Secret::new(password.to_owned()), &name)
    }

    fn profile(profile: Profile) -> PasswordSettings {
        PasswordSettings { profile, ..Default::default() }
    }

    #[test]
    fn asvs_asks_for_length_and_against_guessing_only() {
        let asvs = profile(Profile::Asvs);
        for good in
            ["correct horse battery", "ein fass voll regen", "雨が降ると猫は寝ています", "kq zv xw jp tm"]
        {
            assert_eq!(violations(&asvs, good), [], "{good}");
        }
        assert_eq!(violations(&asvs, "gmzkqpwaxot"), [Violation::TooShort { minimum: 12 }]);
        assert_eq!(violations(&asvs, "Password1234"), [Violation::Common]);
        assert_eq!(violations(&asvs, "bell\u{7}in the tower"), [Violation::ControlCharacter]);
    }

    #[test]
    fn classic_and_pci_ask_for_kinds_of_characters() {
        let classic = profile(Profile::Classic);
        assert_eq!(violations(&classic, "the Island at 7 bells"), []);
        assert_eq!(violations(&classic, "the island at bells"), [Violation::NoUpperCase, Violation::NoDigit]);
        assert_eq!(violations(&classic, "THE ISLAND AT 7 BELLS"), [Violation::NoLowerCase]);
        let pci = PasswordSettings { minimum_length: 8, ..profile(Profile::Pci) };
        assert_eq!(violations(&pci, "the island at 7 bells"), []);
        assert_eq!(violations(&pci, "the island at bells"), [Violation::NoDigit]);
        assert_eq!(violations(&pci, "8163 5920 4471"), [Violation::NoLetter]);
        assert_eq!(violations(&pci, "xk qz vw 7j"), [Violation::TooShort { minimum: 12 }], "never under 12");
    }

    #[test]
    fn every_broken_rule_is_told_at_once() {
        let classic =
            PasswordSettings { context_words: vec!["Acme".to_owned()], ..profile(Profile::Classic) };
        assert_eq!(
            violations(&classic, "acme"),
            [
                Violation::TooShort { minimum: 12 },
                Violation::NoUpperCase,
                Violation::NoDigit,
                Violation::Context
            ]
        );
        let told: Vec<_> = violations(&classic, "acme").iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "use at least 12 characters",
                "add an upper case letter",
                "add a digit",
                "leave out your name and the name of the product"
            ]
        );
    }

    #[test]
    fn names_are_no_part_of_a_password() {
        let settings = PasswordSettings { context_words: vec![" Acme ".to_owned()], ..Default::default() };
        assert_eq!(violations(&settings, "my LoveLace diary"), [Violation::Context]);
        assert_eq!(violations(&settings, "the acMe island boat"), [Violation::Context]);
        let short = "al".parse().unwrap();
        let always = Secret::new("always on the island".to_owned());
        assert_eq!(
            Passwords::new(&settings).violations(&always, &short),
            [],
            "two letters are in every word"
        );
    }

    #[test]
    fn length_is_bounded_and_nothing_is_cut_off() {
        let asvs = profile(Profile::Asvs);
        let long = |length: usize| "k7 vx qz wm jp ".chars().cycle().take(length).collect::<String>();
        assert_eq!(violations(&asvs, &long(128)), []);
        assert_eq!(violations(&asvs, &long(129)), [Violation::TooLong]);
        assert_eq!(violations(&asvs, &"🦀🐙".repeat(65)), [Violation::TooLong], "in bytes");
        assert_eq!(violations(&asvs, &"x".repeat(10 << 20)), [Violation::TooLong]);
        let shorter = PasswordSettings { minimum_length: 8, ..asvs };
        assert_eq!(violations(&shorter, "gmzkqpwa"), []);
        let nonsense = PasswordSettings { minimum_length: 0, ..shorter };
        assert_eq!(violations(&nonsense, "gmzkqpw"), [Violation::TooShort { minimum: 8 }], "never under 8");
    }

    #[derive(Debug)]
    struct Leaked(&'static str);

    impl BreachedList for Leaked {
        fn contains(&self, digest: &[u8; 20]) -> Result<bool, breached::Unreadable> {
            Ok(*digest == gabion_vault::sha1(self.0.as_bytes()))
        }
    }

    #[test]
    fn what_leaked_or_is_guessed_soon_is_refused_where_asked_for() {
        let name = "lovelace".parse().unwrap();
        let judge = |settings: &PasswordSettings, password: &str| {
            let list: Arc<dyn BreachedList> = Arc::new(Leaked("ein fass voll regen"));
            let passwords = Passwords::new(settings).with_breached(Some(list));
            passwords.violations(&Secret::new(password.to_owned()), &name)
        };
        let (plain, strong) =
            (PasswordSettings::default(), PasswordSettings { minimum_strength: 4, ..Default::default() });
        assert_eq!(judge(&plain, "ein fass voll regen"), [Violation::Breached]);
        assert_eq!(judge(&plain, "ein fass voll rogen"), []);
        assert_eq!(judge(&strong, "kq zv xw jp tm"), []);
        assert!(judge(&strong, "january 1999 1").contains(&Violation::Guessable));
    }

    proptest! {
        #[test]
        fn any_password_is_judged(password in ".{0,140}", which in 0..3_usize) {
            let settings = profile([Profile::Asvs, Profile::Classic, Profile::Pci][which]);
            let broken = violations(&settings, &password);
            let short = password.chars().count() < 12;
            prop_assert_eq!(short, broken.contains(&Violation::TooShort { minimum: 12 }));
        }
    }
}
