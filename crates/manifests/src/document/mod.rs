//! One model for all structured files: values that know where they stand.

pub(crate) mod hcl;
pub(crate) mod json;
mod node;
pub(crate) mod toml;
pub(crate) mod yaml;

pub(crate) use node::{Entry, Node, Value};

use gabion_finding::{Span, UnreadReason};

/// Deeper than this nobody nests by hand.
pub(crate) const DEEPEST: usize = 96;
/// As many values as one file may have, aliases written out.
pub(crate) const MOST_NODES: usize = 200_000;

/// A part of a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) reason: UnreadReason,
    pub(crate) detail: String,
}

impl Gap {
    pub(crate) fn syntax(line: u32, says: &str) -> Self {
        Self { reason: UnreadReason::Syntax, detail: format!("line {line}: {says}") }
    }
}

/// The documents of one file, and what of it is not among them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Documents {
    pub(crate) roots: Vec<Node>,
    pub(crate) gaps: Vec<Gap>,
}

/// A span from two offsets of a text shorter than 4 GiB.
pub(crate) fn span(start: usize, end: usize) -> Span {
    Span::new(u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
}

/// The line of an offset, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().get(..offset.min(text.len())).unwrap_or_default();
    let newlines = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1)
}
