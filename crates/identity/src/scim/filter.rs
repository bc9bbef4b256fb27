//! What a client looks for and what it points at (RFC 7644, 3.4.2.2 and 3.5.2).

use std::fmt;
use std::str::FromStr;

use serde_json::Number;

use super::{Refusal, parse};

/// The name of an attribute: `name.familyName`, `urn:ietf:params:scim:schemas:core:2.0:User:userName`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttrPath {
    pub schema: Option<String>,
    pub name: String,
    pub sub: Option<String>,
}

/// A filter. And holds no and, or no or: `a and (b and c)` is `a and b and c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    And(Vec<Filter>),
    Compare(AttrPath, Comparison, Literal),
    /// One value of a multi-valued attribute fits all of it: `emails[type eq "work" and primary eq true]`.
    Matching(AttrPath, Box<Filter>),
    Not(Box<Filter>),
    Or(Vec<Filter>),
    Present(AttrPath),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Contains,
    EndsWith,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
    StartsWith,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Bool(bool),
    Null,
    Number(Number),
    String(String),
}

/// What an operation of a PATCH points at: `members[value eq "7"]`, `emails[type eq "work"].value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchPath {
    /// Without part when there is a filter.
    pub attribute: AttrPath,
    pub filter: Option<Filter>,
    /// The part of what the filter finds.
    pub sub: Option<String>,
}

impl Filter {
    /// All of them.
    #[must_use]
    pub fn all(filters: Vec<Self>) -> Self {
        let flat = filters.into_iter().flat_map(|one| match one {
            Self::And(inner) => inner,
            other => vec![other],
        });
        let mut flat: Vec<_> = flat.collect();
        match (flat.len(), flat.pop()) {
            (1, Some(one)) => one,
            (_, last) => {
                flat.extend(last);
                Self::And(flat)
            }
        }
    }

    /// One of them.
    #[must_use]
    pub fn any(filters: Vec<Self>) -> Self {
        let flat = filters.into_iter().flat_map(|one| match one {
            Self::Or(inner) => inner,
            other => vec![other],
        });
        let mut flat: Vec<_> = flat.collect();
        match (flat.len(), flat.pop()) {
            (1, Some(one)) => one,
            (_, last) => {
                flat.extend(last);
                Self::Or(flat)
            }
        }
    }

    /// What must all hold.
    #[must_use]
    pub fn conjuncts(&self) -> &[Self] {
        match self {
            Self::And(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// Whether it names the attribute anywhere outside of `[…]`.
    #[must_use]
    pub fn names(&self, attribute: &str) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.names(attribute)),
            Self::Not(inner) => inner.names(attribute),
            Self::Compare(path, ..) | Self::Present(path) | Self::Matching(path, _) => {
                path.name.eq_ignore_ascii_case(attribute)
            }
        }
    }
}

impl AttrPath {
    /// An attribute of the core schema.
    #[must_use]
    pub fn plain(name: &str) -> Self {
        Self { schema: None, name: name.to_owned(), sub: None }
    }
}

impl Comparison {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Contains, "co"),
        (Self::EndsWith, "ew"),
        (Self::Equal, "eq"),
        (Self::Greater, "gt"),
        (Self::GreaterOrEqual, "ge"),
        (Self::Less, "lt"),
        (Self::LessOrEqual, "le"),
        (Self::NotEqual, "ne"),
        (Self::StartsWith, "sw"),
    ];

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, text)| word.eq_ignore_ascii_case(text)).map(|(one, _)| *one)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, text)| text)
    }
}

impl FromStr for Filter {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        parse::filter(text)
    }
}

impl FromStr for PatchPath {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        parse::path(text)
    }
}

impl FromStr for AttrPath {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        parse::attribute(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => {
                for (index, one) in all.iter().enumerate() {
                    formatter.write_str(if index == 0 { "" } else { " and " })?;
                    match one {
                        Self::Or(_) => write!(formatter, "({one})")?,
                        _ => write!(formatter, "{one}")?,
                    }
                }
                Ok(())
            }
            Self::Or(all) => {
                for (index, one) in all.iter().enumerate() {
                    formatter.write_str(if index == 0 { "" } else { " or " })?;
                    write!(formatter, "{one}")?;
                }
                Ok(())
            }
            Self::Not(inner) => write!(formatter, "not ({inner})"),
            Self::Compare(path, comparison, literal) => {
                write!(formatter, "{path} {} {literal}", comparison.as_str())
            }
            Self::Matching(path, inner) => write!(formatter, "{path}[{inner}]"),
            Self::Present(path) => write!(formatter, "{path} pr"),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Null => formatter.write_str("null"),
            Self::Number(value) => write!(formatter, "{value}"),
            Self::String(value) => write!(formatter, "{}", serde_json::Value::String(value.clone())),
        }
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}:")?;
        }
        formatter.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(formatter, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}
