//! Scopes and the claims they stand for (RFC 6749, 3.3; OpenID Connect Core 1.0, 5.4).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::settings::ProviderSettings;

/// A set of scopes; written with spaces between, in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Scopes(BTreeSet<String>);

/// A scope every provider knows.
#[derive(Debug, Clone, Copy)]
pub struct StandardScope {
    pub name: &'static str,
    /// What the person allows, in words.
    pub description: &'static str,
    pub claims: &'static [&'static str],
}

/// The scopes of the specification.
pub const STANDARD: &[StandardScope] = &[
    StandardScope { name: "openid", description: "Know who you are here", claims: &["sub"] },
    StandardScope {
        name: "profile",
        description: "See your name and profile",
        claims: &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    },
    StandardScope {
        name: "email",
        description: "See your e-mail address",
        claims: &["email", "email_verified"],
    },
    StandardScope { name: "address", description: "See your postal address", claims: &["address"] },
    StandardScope {
        name: "phone",
        description: "See your telephone number",
        claims: &["phone_number", "phone_number_verified"],
    },
    StandardScope {
        name: OFFLINE_ACCESS,
        description: "Stay connected while you are signed out",
        claims: &[],
    },
    StandardScope { name: "roles", description: "See your roles", claims: &["roles"] },
    StandardScope { name: "groups", description: "See your groups", claims: &["groups"] },
];

pub const OPENID: &str = "openid";
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Every claim there is about a person.
pub const CLAIMS: &[&str] = &[
    "sub",
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "address",
    "phone_number",
    "phone_number_verified",
    "roles",
    "groups",
    "tenant",
];

impl Scopes {
    /// Reads a `scope` parameter. None when it holds what is no scope, or too many.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut scopes = BTreeSet::new();
        for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
            if !is_token(scope) || scopes.len() >= MOST {
                return None;
            }
            scopes.insert(scope.to_owned());
        }
        Some(Self(scopes))
    }

    pub fn of<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Self {
        Self(scopes.into_iter().map(str::to_owned).collect())
    }

    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn is_subset(&self, of: &Self) -> bool {
        self.0.is_subset(&of.0)
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|scope| keep(scope));
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(" ")?;
            }
            formatter.write_str(scope)?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a scope"))
    }
}

/// The scopes there are, with the configured ones, and what each lets an application learn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeTable(BTreeMap<String, ScopeRow>);

/// One scope there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRow {
    pub description: String,
    pub claims: Vec<String>,
}

impl ScopeTable {
    #[must_use]
    pub fn new(settings: &ProviderSettings) -> Self {
        let standard = STANDARD.iter().map(|scope| {
            let claims = scope.claims.iter().map(|claim| (*claim).to_owned()).collect();
            (scope.name.to_owned(), ScopeRow { description: scope.description.to_owned(), claims })
        });
        let own = settings.scopes.iter().map(|(name, scope)| {
            let row = ScopeRow { description: scope.description.clone(), claims: scope.claims.clone() };
            (name.clone(), row)
        });
        Self(standard.chain(own).collect())
    }

    #[must_use]
    pub fn knows(&self, scope: &str) -> bool {
        self.0.contains_key(scope)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What the person allows with a scope, in words.
    #[must_use]
    pub fn describe<'a>(&'a self, scope: &'a str) -> &'a str {
        self.0.get(scope).map_or(scope, |row| &row.description)
    }

    /// The claims that the scopes stand for together.
    #[must_use]
    pub fn claims(&self, scopes: &Scopes) -> BTreeSet<&str> {
        scopes.iter().filter_map(|scope| self.0.get(scope)).flat_map(|row| &row.claims).map(String::as_str).collect()
    }
}

#[must_use]
pub fn is_known_claim(claim: &str) -> bool {
    CLAIMS.contains(&claim)
}

/// `scope-token` of RFC 6749, 3.3, of a bearable length.
#[must_use]
pub fn is_token(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

const LONGEST: usize = 64;
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_sets_of_tokens() {
        let scopes = Scopes::parse("profile openid  profile").unwrap();
        assert_eq!(scopes.to_string(), "openid profile");
        assert!(scopes.has("openid") && !scopes.has("email"));
        for wrong in ["a\"b", "a\\b", "ü", "a\tb", &"x".repeat(65)] {
            assert_eq!(Scopes::parse(wrong), None, "{wrong}");
        }
        let many: Vec<_> = (0..40).map(|number| format!("s{number}")).collect();
        assert_eq!(Scopes::parse(&many.join(" ")), None);
        assert!(Scopes::parse("").unwrap().is_empty());
    }

    #[test]
    fn scopes_stand_for_claims() {
        let table = ScopeTable::new(&ProviderSettings::default());
        let claims = table.claims(&Scopes::parse("openid email unknown").unwrap());
        assert_eq!(claims.into_iter().collect::<Vec<_>>(), ["email", "email_verified", "sub"]);
        assert!(STANDARD.iter().flat_map(|scope| scope.claims).all(|claim| is_known_claim(claim)));
    }
}
