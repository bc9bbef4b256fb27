//! JSON (RFC 8259) as a gate must read it: one document has one meaning, or it is refused.
//!
//! Two shapes of the same thing. A [`Document`] is what came in: a flat list of nodes over the bytes, made in one
//! pass, for the request path. A [`Value`] is a tree that can be built and kept: contracts, constants, defaults.
//!
//! **Refused**, because readers behind the gate differ about it: a member named twice (RFC 8259 §4), a byte order
//! mark (§8.1), bytes that are not UTF-8 (§8.1), halves of surrogate pairs (§8.2), anything after the value. Numbers
//! keep their text and are compared as decimals: 9007199254740993 is not 9007199254740992.
//!
//! **Bounded** ([`Bounds`]): bytes, depth, members of one object, items of one array, bytes of one string, characters
//! of one number.

mod document;
mod error;
mod number;
mod pointer;
mod reader;
#[cfg(test)]
mod tests;
mod value;
mod writer;
pub mod yaml;

pub use document::{Document, Items, Members, Node, View};
pub use error::{ParseError, Rule};
pub(crate) use number::small;
pub use number::{Decimal, Number};
pub use pointer::Pointer;
pub(crate) use pointer::write_segment;
pub use value::{Object, Value};
pub use writer::write_string;

/// Nothing is read deeper than this, whatever [`Bounds::depth`] says: the stack is finite.
pub const DEEPEST: usize = 256;

/// How much one document may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the document.
    pub size: usize,
    /// Arrays and objects inside each other; `[[1]]` has 2. At most [`DEEPEST`].
    pub depth: usize,
    /// Members of one object.
    pub members: usize,
    /// Items of one array.
    pub items: usize,
    /// Bytes of one string or name, after unescaping.
    pub string: usize,
    /// Characters of one number, and the largest power of ten it may be written with.
    pub number: usize,
}

impl Default for Bounds {
    /// For requests.
    fn default() -> Self {
        Self { size: 1 << 20, depth: 64, members: 1_000, items: 100_000, string: 1 << 20, number: 400 }
    }
}

impl Bounds {
    /// For files that the team wrote.
    #[must_use]
    pub const fn file() -> Self {
        Self { size: 64 << 20, depth: 200, members: 100_000, items: 1_000_000, string: 16 << 20, number: 400 }
    }
}

/// Reads one JSON document into a tree.
///
/// # Errors
/// The first rule of [`Rule`] that is broken, and where.
pub fn parse(bytes: &[u8], bounds: &Bounds) -> Result<Value, ParseError> {
    Document::parse(bytes, bounds).map(|document| document.root().to_value())
}

/// Reads one JSON file into a tree, and the line of each value.
///
/// # Errors
/// As [`parse`].
pub fn parse_file(bytes: &[u8], bounds: &Bounds) -> Result<(Value, yaml::Lines), ParseError> {
    let document = Document::parse(bytes, bounds)?;
    let lines = yaml::Lines::of(&document);
    Ok((document.root().to_value(), lines))
}
