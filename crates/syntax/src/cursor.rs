//! Trees of tree-sitter, as the front ends of Go, Java and Rust walk them.
//!
//! tree-sitter reads on behind errors, and its trees may be as deep as the text is long: nothing here recurses. Its work is bounded
//! by counting what it asks for, without a clock: a text that makes it read the same bytes again and again (an opened comment that
//! never ends, a million times) is given up.

use std::cell::Cell;
use std::ops::ControlFlow;

use gabion_finding::Span;
use tree_sitter::{Language, Node, ParseOptions, Parser, Tree};

use crate::Problem;

/// Levels that the front ends leave to leaves, which they make without counting them.
pub(crate) const LEAVES: usize = 24;
/// Problems that are said of one file.
const PROBLEMS: usize = 20;
/// Bytes handed out at once.
const CHUNK: usize = 8 * 1024;
/// How often each byte may be read again, and what every text has above that.
const READS: usize = 24;
const READS_FREE: usize = 1024 * 1024;
/// Bytes for each report of progress, and the reports that every text has above that. One stands for a hundred steps; what people
/// write has one in 100 bytes, long tables of numbers have one in 18.
const STEP: usize = 12;
const STEPS_FREE: usize = 2_000;

/// Longer texts are not read: what is written to cost memory has 440 bytes of tree for each of its own, and no file may take more
/// than 200 MB.
const LONGEST: usize = 440 * 1024;

/// The tree of a text; nothing where reading it costs more than its length allows.
pub(crate) fn read(language: &Language, text: &str) -> Option<Tree> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    let bytes = text.as_bytes();
    let served = Cell::new(0_usize);
    let spent = Cell::new(false);
    let reads = bytes.len().saturating_mul(READS).saturating_add(READS_FREE);
    let steps = (bytes.len() / STEP).saturating_add(STEPS_FREE);
    let mut chunk = |offset: usize, _| -> &[u8] {
        let rest = bytes.get(offset..).unwrap_or_default();
        let piece = rest.get(..CHUNK).unwrap_or(rest);
        served.set(served.get().saturating_add(piece.len()));
        if served.get() > reads {
            spent.set(true);
            return &[];
        }
        piece
    };
    let mut reports = 0_usize;
    let mut progress = |_: &_| {
        reports = reports.saturating_add(1);
        if spent.get() || reports > steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut chunk, None, Some(options))?;
    (!spent.get()).then_some(tree)
}

/// What is said of a text whose reading was given up.
pub(crate) fn given_up(text: &str) -> Problem {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let says = if text.len() > LONGEST {
        format!("is longer than the {} KiB that are read of this language", LONGEST / 1024)
    } else {
        "costs too much to read".to_owned()
    };
    Problem::Syntax { at: Span::new(0, end), says }
}

/// Where the text is not of its language, at most [`PROBLEMS`] times.
pub(crate) fn problems(tree: &Tree) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    'walk: loop {
        let node = cursor.node();
        let missing = node.is_missing();
        if missing || node.is_error() {
            let says =
                if missing { format!("`{}` is missing", node.kind()) } else { "cannot be read".to_owned() };
            found.push(Problem::Syntax { at: span(node), says });
            if found.len() >= PROBLEMS {
                break;
            }
        }
        if node.has_error() && !node.is_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'walk;
            }
        }
    }
    found
}

/// A node, with the text it stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'t> {
    pub(crate) node: Node<'t>,
    whole: &'t str,
    /// Where the text it was read from begins in the file.
    base: u32,
    /// How often texts were read again around it: arguments of macros in arguments of macros.
    pub(crate) level: u8,
}

impl<'t> At<'t> {
    pub(crate) fn new(tree: &'t Tree, whole: &'t str) -> Self {
        Self { node: tree.root_node(), whole, base: 0, level: 0 }
    }

    /// In a text that was read again: its beginning is at `base` in the file.
    pub(crate) fn again(tree: &'t Tree, whole: &'t str, base: u32, level: u8) -> Self {
        Self { node: tree.root_node(), whole, base, level }
    }

    /// What the grammar calls it.
    pub(crate) fn kind(self) -> &'t str {
        self.node.kind()
    }

    pub(crate) fn is(self, kind: &str) -> bool {
        self.node.kind() == kind
    }

    pub(crate) fn span(self) -> Span {
        let span = span(self.node);
        Span::new(span.start.saturating_add(self.base), span.end.saturating_add(self.base))
    }

    pub(crate) fn text(self) -> &'t str {
        self.whole.get(self.node.byte_range()).unwrap_or_default()
    }

    pub(crate) fn field(self, name: &str) -> Option<Self> {
        self.node.child_by_field_name(name).map(|node| self.at(node))
    }

    /// All children of that field.
    pub(crate) fn fields(self, name: &str) -> Vec<Self> {
        let mut cursor = self.node.walk();
        self.node
            .children_by_field_name(name, &mut cursor)
            .filter(Node::is_named)
            .map(|node| self.at(node))
            .collect()
    }

    /// Its children that have a name in the grammar, without comments.
    pub(crate) fn parts(self) -> Vec<Self> {
        let mut cursor = self.node.walk();
        let mut found = Vec::new();
        if cursor.goto_first_child() {
            loop {
                let node = cursor.node();
                if node.is_named() && !node.kind().ends_with("comment") {
                    found.push(self.at(node));
                }
                if !cursor.goto_next_sibling() {
                    break;
                }
            }
        }
        found
    }

    /// Its children with signs and words, without comments.
    pub(crate) fn all(self) -> Vec<Self> {
        let mut cursor = self.node.walk();
        let children = self.node.children(&mut cursor);
        children.filter(|node| !node.kind().ends_with("comment")).map(|node| self.at(node)).collect()
    }

    /// The first of its parts.
    pub(crate) fn first(self) -> Option<Self> {
        let mut cursor = self.node.walk();
        let mut children = self.node.children(&mut cursor);
        children.find(|node| node.is_named() && !node.kind().ends_with("comment")).map(|node| self.at(node))
    }

    /// Its first child of that kind; signs and words are their own kind.
    pub(crate) fn child(self, kind: &str) -> Option<Self> {
        let mut cursor = self.node.walk();
        let mut children = self.node.children(&mut cursor);
        children.find(|node| node.kind() == kind).map(|node| self.at(node))
    }

    pub(crate) fn has(self, kind: &str) -> bool {
        self.child(kind).is_some()
    }

    fn at(self, node: Node<'t>) -> Self {
        Self { node, ..self }
    }
}

fn span(node: Node<'_>) -> Span {
    let start = u32::try_from(node.start_byte()).unwrap_or(u32::MAX);
    let end = u32::try_from(node.end_byte()).unwrap_or(u32::MAX);
    Span::new(start, end)
}

#[cfg(test)]
mod tests;
