//! Versions, compared as each ecosystem compares them.
//!
//! | ecosystem | order of |
//! |---|---|
//! | crates.io, npm, Go | Semantic Versioning 2.0.0, build metadata ignored; Go's pseudo-versions are pre-releases |
//! | PyPI | PEP 440 |
//! | Maven | `ComparableVersion` of Maven 3 |
//! | RubyGems | `Gem::Version` |
//! | Packagist | `composer/semver`: `dev < alpha < beta < RC < stable < patch` |
//! | NuGet | Semantic Versioning with four numbers, labels without regard to case |

mod composer;
mod gem;
mod maven;
pub(crate) mod range;
mod semantic;

use std::cmp::Ordering;
use std::str::FromStr as _;

use gabion_finding::Ecosystem;

use crate::bounds;

/// One version of an ecosystem. Versions of different ecosystems have no order that means anything, but a fixed one.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    Composer(composer::Version),
    Gem(gem::Version),
    Maven(maven::Version),
    Pep440(Box<pep440_rs::Version>),
    Semantic(semantic::Version),
}

impl Version {
    /// None where the ecosystem knows no such version: a branch, an address, a range.
    #[must_use]
    pub fn read(ecosystem: Ecosystem, text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > bounds::VERSION {
            return None;
        }
        let key = match ecosystem {
            Ecosystem::Cargo | Ecosystem::Go | Ecosystem::Npm => {
                Key::Semantic(semantic::Version::read(text, false)?)
            }
            Ecosystem::NuGet => Key::Semantic(semantic::Version::read(text, true)?),
            Ecosystem::Composer => Key::Composer(composer::Version::read(text)?),
            Ecosystem::Maven => Key::Maven(maven::Version::read(text)?),
            Ecosystem::PyPi => Key::Pep440(Box::new(pep440_rs::Version::from_str(text).ok()?)),
            Ecosystem::RubyGems => Key::Gem(gem::Version::read(text)?),
        };
        Some(Self { text: text.to_owned(), key })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it comes before a release: not what an upgrade should propose first.
    #[must_use]
    pub fn is_pre_release(&self) -> bool {
        match &self.key {
            Key::Composer(version) => version.is_pre_release(),
            Key::Gem(version) => version.is_pre_release(),
            Key::Maven(version) => version.is_pre_release(),
            Key::Pep440(version) => version.any_prerelease(),
            Key::Semantic(version) => version.is_pre_release(),
        }
    }

    pub(crate) const fn semantic(&self) -> Option<&semantic::Version> {
        match &self.key {
            Key::Semantic(version) => Some(version),
            _ => None,
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.key, &other.key) {
            (Key::Composer(one), Key::Composer(other)) => one.cmp(other),
            (Key::Gem(one), Key::Gem(other)) => one.cmp(other),
            (Key::Maven(one), Key::Maven(other)) => one.cmp(other),
            (Key::Pep440(one), Key::Pep440(other)) => one.cmp(other),
            (Key::Semantic(one), Key::Semantic(other)) => one.cmp(other),
            (one, other) => one.floor().cmp(&other.floor()),
        }
    }
}

impl Key {
    const fn floor(&self) -> u8 {
        match self {
            Self::Composer(_) => 0,
            Self::Gem(_) => 1,
            Self::Maven(_) => 2,
            Self::Pep440(_) => 3,
            Self::Semantic(_) => 4,
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

/// A number of any length without its leading zeros: compared by length, then by digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Digits(String);

impl Digits {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim_start_matches('0').to_owned())
    }

    pub(crate) const fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn next(&self) -> Self {
        let mut digits: Vec<u8> = self.0.bytes().collect();
        for digit in digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return Self(digits.into_iter().map(char::from).collect());
            }
            *digit = b'0';
        }
        Self(std::iter::once('1').chain(digits.into_iter().map(char::from)).collect())
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
