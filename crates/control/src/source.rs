//! What can stand behind a control today.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A piece of the product that enforces, attacks or reads for a control. `cargo xtask tidy` holds that
/// each one exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `checks.csrf`: the check of that file name and configuration table.
    Check(String),
    /// `gateway.tls`: a setting of `gabion.toml`.
    Setting(String),
    /// `identity::throttle`: code that is always on and has nothing to switch.
    Module(String),
    /// `rules/sql.injection`: a rule of `gabion scan`.
    Rule(String),
    /// `tests/object-access`: a test of `gabion probe`.
    Test(String),
}

/// The text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither a check (`checks.csrf`), a setting (`sessions.idle`), a module (`identity::throttle`), a rule (`rules/sql.injection`) nor a test (`tests/object-access`)"
)]
pub struct BadSource(pub String);

impl Source {
    /// The name of the check without its table, if it is one.
    #[must_use]
    pub fn check(&self) -> Option<&str> {
        match self {
            Self::Check(name) => Some(name),
            Self::Setting(_) | Self::Module(_) | Self::Rule(_) | Self::Test(_) => None,
        }
    }
}

impl FromStr for Source {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadSource(text.to_owned());
        if let Some(rule) = text.strip_prefix("rules/") {
            let is_rule = rule.split('.').all(|word| is_word(&word.replace('-', "_")));
            return if is_rule { Ok(Self::Rule(rule.to_owned())) } else { Err(bad()) };
        }
        if let Some(test) = text.strip_prefix("tests/") {
            return if is_word(&test.replace('-', "_")) {
                Ok(Self::Test(test.to_owned()))
            } else {
                Err(bad())
            };
        }
        if text.contains("::") {
            return if text.split("::").all(is_word) {
                Ok(Self::Module(text.to_owned()))
            } else {
                Err(bad())
            };
        }
        if !text.split('.').all(is_word) {
            return Err(bad());
        }
        match text.split_once('.') {
            Some(("checks", name)) if !name.contains('.') => Ok(Self::Check(name.to_owned())),
            Some(_) => Ok(Self::Setting(text.to_owned())),
            None => Err(bad()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(name) => write!(formatter, "checks.{name}"),
            Self::Rule(name) => write!(formatter, "rules/{name}"),
            Self::Test(name) => write!(formatter, "tests/{name}"),
            Self::Setting(path) | Self::Module(path) => formatter.write_str(path),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_reads_back_as_it_was_written() {
        for (text, source) in [
            ("checks.csrf", Source::Check("csrf".into())),
            ("sessions.idle", Source::Setting("sessions.idle".into())),
            ("checks.headers.csp", Source::Setting("checks.headers.csp".into())),
            ("identity::throttle", Source::Module("identity::throttle".into())),
            ("rules/jwt.alg.hs256", Source::Rule("jwt.alg.hs256".into())),
            ("rules/sql.security-definer", Source::Rule("sql.security-definer".into())),
            ("tests/object-access", Source::Test("object-access".into())),
        ] {
            assert_eq!(text.parse::<Source>().as_ref(), Ok(&source));
            assert_eq!(source.to_string(), text);
        }
        for bad in [
            "",
            "csrf",
            "checks.",
            "checks..csrf",
            "identity::",
            "a::b.c",
            "Checks.csrf",
            "checks csrf",
            "rules/",
            "rules/A.b",
            "tests/a.b",
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }
}
