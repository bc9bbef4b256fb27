//! Where something stands in a file.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Bytes of a text, from `start` up to and without `end`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    #[must_use]
    pub const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The shortest span that has both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// What stands there; nothing where the text has no such place.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A line and a column, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// Where in which file. The path is relative to what was scanned, with `/` between its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub path: Arc<str>,
    pub start: Position,
    /// Behind its last character.
    pub end: Position,
    pub span: Span,
}

/// Where the lines of a text begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

/// Lines are about as long as this.
const LINE: usize = 32;

impl LineIndex {
    /// Texts past 4 GiB are never read.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        let mut starts = Vec::with_capacity((text.len() / LINE).saturating_add(2));
        starts.push(0);
        starts.extend(ends.map_while(|at| u32::try_from(at).ok()?.checked_add(1)));
        Self { starts }
    }

    #[must_use]
    pub const fn lines(&self) -> usize {
        self.starts.len()
    }

    /// The line of a byte, counted from 1.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// The bytes of a line counted from 1, without what ends it.
    #[must_use]
    pub fn span(&self, line: u32, text: &str) -> Span {
        let Some(start) = (line as usize).checked_sub(1).and_then(|at| self.starts.get(at)).copied() else {
            return Span::default();
        };
        let end = self.starts.get(line as usize).map_or_else(|| text.len(), |end| *end as usize);
        let whole = text.get(start as usize..end).unwrap_or_default();
        let length = whole.trim_end_matches(['\n', '\r']).len();
        Span::new(start, start.saturating_add(u32::try_from(length).unwrap_or(u32::MAX)))
    }

    /// Line and column of a byte. An offset inside of a character is that character's.
    #[must_use]
    pub fn position(&self, offset: u32, text: &str) -> Position {
        let line = self.line(offset);
        let start = (line as usize).checked_sub(1).and_then(|at| self.starts.get(at)).copied().unwrap_or(0);
        let before = text.as_bytes().get(start as usize..offset as usize).unwrap_or_default();
        let characters = before.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
        Position { line, column: u32::try_from(characters).unwrap_or(u32::MAX).saturating_add(1) }
    }

    #[must_use]
    pub fn place(&self, path: &Arc<str>, span: Span, text: &str) -> Place {
        let (start, end) = (self.position(span.start, text), self.position(span.end, text));
        Place { path: Arc::clone(path), start, end, span }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_and_columns_begin_with_one_and_count_characters() {
        let text = "ab\r\nä=1\n\nlast";
        let index = LineIndex::new(text);
        assert_eq!(index.lines(), 4);
        assert_eq!(index.position(0, text), Position { line: 1, column: 1 });
        assert_eq!(index.position(6, text), Position { line: 2, column: 2 });
        assert_eq!(index.span(1, text).of(text), "ab");
        assert_eq!(index.span(2, text).of(text), "ä=1");
        assert_eq!(index.span(3, text).of(text), "");
        assert_eq!(index.span(4, text).of(text), "last");
        assert_eq!(index.span(5, text), Span::default());
        assert_eq!(index.span(0, text), Span::default());
    }

    proptest! {
        #[test]
        fn every_offset_of_every_text_has_a_place(text in ".{0,80}(\n.{0,40}){0,5}", offset in 0_u32..400) {
            let index = LineIndex::new(&text);
            let position = index.position(offset, &text);
            prop_assert!(position.line >= 1 && position.column >= 1);
            prop_assert!(position.line as usize <= index.lines());
            let span = index.span(position.line, &text);
            prop_assert!(!span.of(&text).contains('\n'));
        }
    }
}
