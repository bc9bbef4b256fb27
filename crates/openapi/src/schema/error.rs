//! What is wrong with a schema, and what is wrong with a document.

use std::fmt;
use std::sync::Arc;

/// A schema that is not compiled, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// The document's name and a JSON Pointer: `openapi.yaml#/components/schemas/Pet/properties/name`.
    pub place: String,
    /// Lower case, no final period.
    pub reason: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for CompileError {}

/// Something a schema says that is not enforced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unenforced {
    /// As [`CompileError::place`].
    pub place: String,
    /// What, and why not.
    pub reason: String,
}

impl fmt::Display for Unenforced {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.reason)
    }
}

/// One place of a document that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A JSON Pointer (RFC 6901). A name that the schema does not know is `*`.
    pub pointer: String,
    pub rule: Rule,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.pointer, self.rule)
    }
}

/// The rule that was broken, in the schema's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// `anyOf`: none of the alternatives.
    AnyOf,
    /// `const`.
    Const,
    /// `contains`: fewer or more items than asked for.
    Contains { least: u64, most: Option<u64> },
    /// `dependentRequired`: a member that another one asks for.
    DependentRequired { name: Arc<str>, because: Arc<str> },
    /// `enum`.
    Enum,
    /// `exclusiveMaximum`.
    ExclusiveMaximum(Arc<str>),
    /// `exclusiveMinimum`.
    ExclusiveMinimum(Arc<str>),
    /// The schema `false`: no value at all.
    False,
    /// `format`.
    Format(&'static str),
    /// `maximum`.
    Maximum(Arc<str>),
    /// `maxItems`.
    MaxItems(u64),
    /// `maxLength`.
    MaxLength(u64),
    /// `maxProperties`.
    MaxProperties(u64),
    /// `minimum`.
    Minimum(Arc<str>),
    /// `minItems`.
    MinItems(u64),
    /// `minLength`.
    MinLength(u64),
    /// `minProperties`.
    MinProperties(u64),
    /// `multipleOf`.
    MultipleOf(Arc<str>),
    /// `not`.
    Not,
    /// `oneOf`: none of the alternatives, or several.
    OneOf { several: bool },
    /// `pattern`.
    Pattern(Arc<str>),
    /// `propertyNames`.
    PropertyNames,
    /// `readOnly` in a request.
    ReadOnly,
    /// `required`.
    Required(Arc<str>),
    /// Applying the schema takes more steps, or goes deeper, than is allowed.
    Steps,
    /// `type`: the types allowed.
    Type(Arc<str>),
    /// `uniqueItems`.
    UniqueItems,
    /// More items than the schema names.
    UnknownItems,
    /// A member that the schema does not name.
    UnknownMember,
    /// `writeOnly` in a response.
    WriteOnly,
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyOf => out.write_str("must fit one of the alternatives"),
            Self::Const => out.write_str("must be the constant"),
            Self::Contains { least, most: None } => {
                write!(out, "must contain at least {least} matching items")
            }
            Self::Contains { least, most: Some(most) } => {
                write!(out, "must contain {least} to {most} matching items")
            }
            Self::DependentRequired { name, because } => {
                write!(out, "must have the member `{name}`, since it has `{because}`")
            }
            Self::Enum => out.write_str("must be one of the listed values"),
            Self::ExclusiveMaximum(number) => write!(out, "must be less than {number}"),
            Self::ExclusiveMinimum(number) => write!(out, "must be more than {number}"),
            Self::False => out.write_str("must not be present"),
            Self::Format(format) => write!(out, "must have the format `{format}`"),
            Self::Maximum(number) => write!(out, "must be at most {number}"),
            Self::MaxItems(count) => write!(out, "must have at most {count} items"),
            Self::MaxLength(count) => write!(out, "must have at most {count} characters"),
            Self::MaxProperties(count) => write!(out, "must have at most {count} members"),
            Self::Minimum(number) => write!(out, "must be at least {number}"),
            Self::MinItems(count) => write!(out, "must have at least {count} items"),
            Self::MinLength(count) => write!(out, "must have at least {count} characters"),
            Self::MinProperties(count) => write!(out, "must have at least {count} members"),
            Self::MultipleOf(number) => write!(out, "must be a multiple of {number}"),
            Self::Not => out.write_str("must not fit the excluded schema"),
            Self::OneOf { several: false } => {
                out.write_str("must fit exactly one of the alternatives, and fits none")
            }
            Self::OneOf { several: true } => {
                out.write_str("must fit exactly one of the alternatives, and fits several")
            }
            Self::Pattern(pattern) => write!(out, "must match `{pattern}`"),
            Self::PropertyNames => out.write_str("must have only names that fit the schema of names"),
            Self::ReadOnly => out.write_str("is read-only and must not be sent"),
            Self::Required(name) => write!(out, "must have the member `{name}`"),
            Self::Steps => out.write_str("is too complex for its schema"),
            Self::Type(types) => write!(out, "must be of type {types}"),
            Self::UniqueItems => out.write_str("must not have two equal items"),
            Self::UnknownItems => out.write_str("must not have items beyond those described"),
            Self::UnknownMember => out.write_str("must not have members that the contract does not name"),
            Self::WriteOnly => out.write_str("is write-only and must not be answered"),
        }
    }
}
