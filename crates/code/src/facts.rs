//! What is kept of a file until all files are looked at together.

use std::collections::HashSet;
use std::sync::Arc;

use gabion_finding::{Place, Position, Source, Span};
use gabion_patterns::Marks;
use gabion_syntax::Language;
use gabion_syntax::tree::Module;
use serde::{Deserialize, Serialize};

use crate::groups::Link;

/// A module, and where its lines are.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// INVARIANT: first, so that it is read without the rest.
    links: Vec<Link>,
    /// INVARIANT: second. The rules in the format of semgrep that have a source in it, and those that have a sink.
    ends: (Vec<u32>, Vec<u32>),
    pub(crate) module: Module,
    /// What rules in the format of semgrep say of its places.
    pub(crate) marks: Marks,
    lines: Lines,
}

/// Enough to say line and column without the text.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Lines {
    /// Lengths of the lines that end, with what ends them.
    lengths: Vec<u32>,
    /// Bytes that begin no character, each as the distance from the one before.
    continued: Vec<u32>,
}

impl Default for Facts {
    /// Of an empty file.
    fn default() -> Self {
        let module = Module {
            language: Language::JavaScript,
            texts: Vec::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            package: None,
            directives: Vec::new(),
        };
        Self {
            links: Vec::new(),
            ends: Default::default(),
            module,
            marks: Marks::default(),
            lines: Lines::default(),
        }
    }
}

impl Facts {
    pub(crate) fn new(module: Module, marks: Marks, source: &Source) -> Self {
        Self {
            links: crate::groups::links(&module),
            ends: marks.ends(),
            module,
            marks,
            lines: Lines::new(source.text()),
        }
    }

    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// What the module may import from other files, of kept facts.
    pub(crate) fn links(bytes: &[u8]) -> Vec<Link> {
        postcard::take_from_bytes(bytes).map(|(links, _)| links).unwrap_or_default()
    }

    /// Whether some rule in the format of semgrep has a source and a sink in these files: else none of them finds a way.
    pub(crate) fn may_arrive(files: &[(Arc<str>, Arc<[u8]>)]) -> bool {
        type Head = (Vec<Link>, (Vec<u32>, Vec<u32>));
        let (mut sources, mut sinks) = (HashSet::new(), HashSet::new());
        for (_, bytes) in files {
            let Ok(((_, ends), _)) = postcard::take_from_bytes::<Head>(bytes) else { return true };
            sources.extend(ends.0);
            sinks.extend(ends.1);
        }
        !sources.is_disjoint(&sinks)
    }

    pub(crate) fn place(&self, path: &Arc<str>, span: Span) -> Place {
        let (start, end) = (self.lines.position(span.start), self.lines.position(span.end));
        Place { path: Arc::clone(path), start, end, span }
    }
}

impl Lines {
    fn new(text: &str) -> Self {
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let lengths = lines.map(|line| u32::try_from(line.len()).unwrap_or(u32::MAX)).collect();
        let mut continued = Vec::new();
        let mut last = 0_u32;
        for (at, byte) in (0_u32..).zip(text.bytes()) {
            if byte & 0xC0 == 0x80 {
                continued.push(at.saturating_sub(last));
                last = at;
            }
        }
        Self { lengths, continued }
    }

    fn position(&self, offset: u32) -> Position {
        let (mut line, mut start) = (1_u32, 0_u32);
        for length in &self.lengths {
            let next = start.saturating_add(*length);
            if next > offset {
                break;
            }
            (line, start) = (line.saturating_add(1), next);
        }
        let (mut at, mut inside) = (0_u32, 0_u32);
        for distance in &self.continued {
            at = at.saturating_add(*distance);
            if at >= offset {
                break;
            }
            inside = inside.saturating_add(u32::from(at >= start));
        }
        Position { line, column: offset.saturating_sub(start).saturating_sub(inside).saturating_add(1) }
    }
}

#[cfg(test)]
mod tests {
    use gabion_finding::LineIndex;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_are_those_of_the_text(text in "[a-zä€\n]{0,60}", at in 0_usize..60) {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let at = u32::try_from(at).unwrap();
            prop_assert_eq!(Lines::new(&text).position(at), LineIndex::new(&text).position(at, &text));
        }
    }
}
