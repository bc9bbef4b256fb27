//! Texts that would nest a parser too deep are found before it sees them: parsers recurse, and a stack that runs out ends the
//! process.
//!
//! Python is counted by its tokens (`python::depth`). For the others the scan knows strings and comments only roughly, and errs on
//! the side of counting: what people write stays far below the bounds.

use gabion_finding::Span;

use crate::Language;

/// Brackets in brackets.
const BRACKETS: usize = 250;
/// Operators, prefixes and keywords in a row without an end of a statement or an item between them.
const CHAIN: usize = 3_000;

/// Where it gets too deep.
pub(crate) fn too_deep(language: Language, text: &str) -> Option<Span> {
    if language == Language::Python {
        return crate::python::depth::too_deep(text);
    }
    // tree-sitter keeps its own stack.
    if !language.is_script() {
        return None;
    }
    let mut open: Vec<usize> = Vec::new();
    let mut chain = 0_usize;
    let mut word = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        let was = word;
        word = if byte.is_ascii_alphanumeric() || byte == b'_' { was.saturating_add(1) } else { 0 };
        match byte {
            b'(' | b'[' | b'{' => {
                if open.len() >= BRACKETS {
                    return Some(here(at));
                }
                open.push(chain);
            }
            b')' | b']' | b'}' => chain = open.pop().unwrap_or(chain).max(chain.saturating_sub(1)),
            b';' | b',' => chain = open.last().copied().unwrap_or(0),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'~' | b'&' | b'|' | b'^' | b'=' | b'<' | b'>'
            | b'?' | b':' | b'.' | b'@' | b'`' | b'$' => chain = chain.saturating_add(1),
            // Words may be operators: `not`, `await`, `else if`, `new`, `typeof`.
            _ if word == 1 => chain = chain.saturating_add(1),
            _ => {}
        }
        if chain > CHAIN {
            return Some(here(at));
        }
    }
    None
}

fn here(at: usize) -> Span {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(at, at.saturating_add(1))
}
