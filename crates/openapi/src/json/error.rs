//! Why a text is not read.

use std::fmt;

/// A text that is not one JSON document, or is over a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// Bytes before the place.
    pub offset: usize,
    pub rule: Rule,
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "byte {}: {}", self.offset, self.rule)
    }
}

impl std::error::Error for ParseError {}

/// The rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// YAML: an alias to an anchor that is not there or not finished, or more copies than the bound.
    Alias,
    /// RFC 8259 §8.1.
    ByteOrderMark,
    /// RFC 8259 §7: below U+0020 only escaped.
    ControlCharacter,
    /// More arrays and objects inside each other than [`super::Bounds::depth`].
    Depth,
    /// RFC 8259 §4: names should be unique; here they must.
    DuplicateName,
    /// RFC 8259 §7: a backslash and what is none of the escapes.
    Escape,
    /// More items than [`super::Bounds::items`].
    Items,
    /// YAML: a key that is no scalar, or `<<`.
    Key,
    /// `true`, `false` and `null` are the only words.
    Literal,
    /// More members than [`super::Bounds::members`].
    Members,
    /// RFC 8259 §4: a name is a string.
    Name,
    /// RFC 8259 §6.
    Number,
    /// More characters or a larger exponent than [`super::Bounds::number`].
    NumberLength,
    /// More bytes than [`super::Bounds::size`].
    Size,
    /// More bytes than [`super::Bounds::string`].
    StringLength,
    /// RFC 8259 §8.2.
    Surrogate,
    /// YAML: a tag other than those of the core schema, or one that does not fit.
    Tag,
    /// Something after the value.
    Trailing,
    /// `,`, `:`, `]` or `}` was due.
    Unexpected,
    /// The text ends inside a value.
    Unfinished,
    /// RFC 8259 §8.1.
    Utf8,
    /// YAML that is not well formed.
    Yaml,
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Alias => "an alias must name an anchor before it, and copies are bounded",
            Self::ByteOrderMark => "no byte order mark",
            Self::ControlCharacter => "control characters only escaped",
            Self::Depth => "nested too deeply",
            Self::DuplicateName => "each name once in an object",
            Self::Escape => "not an escape sequence",
            Self::Items => "too many items",
            Self::Key => "a key must be a plain word or a string, and `<<` is not merged",
            Self::Literal => "not a JSON value",
            Self::Members => "too many members",
            Self::Name => "a name in double quotes is due",
            Self::Number => "not a JSON number",
            Self::NumberLength => "number too long",
            Self::Size => "too many bytes",
            Self::StringLength => "string too long",
            Self::Surrogate => "half of a surrogate pair",
            Self::Tag => "a tag that is not of YAML's core schema, or does not fit its value",
            Self::Trailing => "something after the value",
            Self::Unexpected => "`,`, `:` or the closing bracket is due",
            Self::Unfinished => "ends too early",
            Self::Utf8 => "not UTF-8",
            Self::Yaml => "not well-formed YAML",
        })
    }
}
