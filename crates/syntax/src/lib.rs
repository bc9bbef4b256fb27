//! Source code in five languages, lowered to one intermediate form ([`tree`]).
//!
//! [`parse`] never fails: what it could not read it says ([`Problem`]), and the rest is there. Work and memory are bounded by the
//! length of the text, and texts that would nest parsers too deep are not parsed at all ([`Problem::Deep`]).
//!
//! | language | read by | |
//! |---|---|---|
//! | JavaScript, TypeScript, JSX | oxc | |
//! | Python | ruff's parser | |
//! | Go, Java, Rust | tree-sitter | goes on behind errors |
//!
//! A crate of its own because these parsers stop here.

mod bounds;
mod builder;
#[cfg(test)]
mod check;
mod cursor;
mod dump;
mod go;
mod java;
mod javascript;
mod language;
mod literal;
mod operator;
mod python;
mod rust;
pub mod tree;

use std::fmt;

use gabion_finding::Span;

pub use dump::dump;
pub use language::Language;
use tree::Module;

/// A file, as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub module: Module,
    pub problems: Vec<Problem>,
}

/// What was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// From there on it nests deeper than is followed.
    Deep(Span),
    /// It is not of that language there; what stands around it was read, or nothing where the parser gave up.
    Syntax { at: Span, says: String },
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deep(_) => formatter.write_str("nests deeper than is followed"),
            Self::Syntax { says, .. } => formatter.write_str(says),
        }
    }
}

/// The stack that [`parse`] wants.
pub const STACK: usize = 64 << 20;

/// Reads a text, on a stack of [`STACK`] bytes.
#[must_use]
pub fn parse(language: Language, text: &str) -> Parsed {
    if let Some(at) = bounds::too_deep(language, text) {
        let (module, _) = builder::Builder::new(language, text.len()).finish(Vec::new());
        return Parsed { module, problems: vec![Problem::Deep(at)] };
    }
    let (module, problems) = match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript::parse(language, text),
        Language::Python => python::parse(text),
        Language::Go => go::parse(text),
        Language::Java => java::parse(text),
        Language::Rust => rust::parse(text),
    };
    Parsed { module, problems }
}
