//! SCIM 2.0 without I/O (RFC 7643, RFC 7644): what users and groups look like to programs that keep them in
//! step with a directory elsewhere, how those programs look for them, and how they change them.
//!
//! A resource is a JSON object whose attribute names are spelled as in [`schema`]; [`value`] makes one of what
//! a client sent and drops or refuses what is no part of it. [`filter`] and [`path`](filter::PatchPath) read the
//! grammar of RFC 7644, 3.4.2.2 and 3.5.2 under bounds on length, depth and number of terms; [`evaluate`] and
//! [`patch`] apply them. [`user`] and [`group`] map resources to accounts and groups, [`project`] leaves out what
//! was not asked for, [`discovery`] tells clients all of this.

mod attributes;
pub mod discovery;
pub mod evaluate;
pub mod filter;
pub mod group;
pub mod json;
mod parse;
pub mod patch;
pub mod project;
pub mod query;
pub mod schema;
pub mod user;
pub mod value;

use std::fmt;

pub use attributes::Attributes;
pub use filter::{AttrPath, Filter, PatchPath};
pub use query::Query;
pub use schema::{GROUP, ResourceType, USER};

/// A JSON object.
pub type Map = serde_json::Map<String, serde_json::Value>;

/// Why a request was not done: the class that programs read, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub kind: Kind,
    pub detail: String,
}

/// `scimType` (RFC 7644, table 9). Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    TooMany,
    Uniqueness,
}

impl Kind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidPath => "invalidPath",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidValue => "invalidValue",
            Self::Mutability => "mutability",
            Self::NoTarget => "noTarget",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
        }
    }

    pub(crate) fn because(self, detail: impl fmt::Display) -> Refusal {
        Refusal { kind: self, detail: detail.to_string() }
    }
}

/// As much of what somebody sent as is repeated to them.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(64).map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
