//! How deep a script would nest its parser, found before the parser sees it.
//!
//! The parser recurses for brackets, for elements of a page (JSX), for prefixes (`!`, `typeof`, `new`), for what binds to the right
//! (`?:`, `=`, `=>`, `**`), for types in types (`A<B<C>>`) and for statements in statements (`if (a) if (b)`, `else if`). All of that
//! is counted, operators that do not nest as well: what people write stays far below the bounds.
//!
//! Strings, comments, templates, patterns and the text of pages are skipped as the language has them. Where only a parser could tell
//! what a sign begins (`/` behind `}` divides or begins a pattern, `<T>(` begins a page or a list of types), both readings are followed
//! ([`Reading`]): each is held against the bounds. A reading that no parser would go on with ends; two that come to the same become
//! one. Too many at once are refused.

mod page;
mod reading;
#[cfg(test)]
mod tests;
mod word;

use gabion_finding::Span;

use crate::Language;
use reading::{Reading, Token};

/// Brackets in brackets.
const BRACKETS: usize = 250;
/// What else nests, at one place.
const CHAIN: usize = 1_000;
/// Ways to read a text that are followed at once.
const READINGS: usize = 48;
/// Brackets that open and none that close, whatever they stand in: no string hides more from this count than itself.
const RAW: usize = 50_000;

/// Where it gets too deep.
pub(crate) fn too_deep(language: Language, text: &str) -> Option<Span> {
    if let Some(at) = raw(text) {
        return Some(span(at));
    }
    let mut readings = vec![Reading::new(text, language)];
    // All readings together take a few times as many steps as the text has signs.
    let mut steps = text.len().saturating_mul(8).saturating_add(100_000);
    loop {
        let first = (0..readings.len()).min_by_key(|number| readings.get(*number).map(Reading::at))?;
        let alone = readings.len() == 1;
        let reading = readings.get_mut(first)?;
        let at = reading.at();
        if at >= text.len() {
            return None;
        }
        steps = steps.saturating_sub(1);
        let other = match reading.token() {
            Token::Read => None,
            Token::Either(other) => Some(*other),
            // The last one goes on: it may be our fault.
            Token::Nothing if alone => {
                reading.go_on(at);
                None
            }
            Token::Nothing => {
                readings.swap_remove(first);
                continue;
            }
        };
        if steps == 0 || reading.depth() > BRACKETS || reading.chain() > CHAIN {
            return Some(span(at));
        }
        if let Some(other) = other {
            readings.push(other);
            if readings.len() > READINGS {
                return Some(span(at));
            }
        }
        if readings.len() > 1 {
            join(&mut readings, first);
        }
    }
}

/// Makes one of two readings that go on alike.
fn join(readings: &mut Vec<Reading<'_>>, moved: usize) {
    let Some(reading) = readings.get(moved) else { return };
    let mut others = readings.iter().enumerate();
    let like = others.find(|(number, other)| *number != moved && reading.goes_on_like(other));
    let Some((mut like, _)) = like else { return };
    let last = readings.len().saturating_sub(1);
    let reading = readings.swap_remove(moved);
    if like == last {
        like = moved;
    }
    if let Some(other) = readings.get_mut(like) {
        other.take_deeper(&reading);
    }
}

/// Where more than [`RAW`] brackets stand open.
fn raw(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => open = open.saturating_add(1),
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > RAW {
            return Some(at);
        }
    }
    None
}

fn span(at: usize) -> Span {
    let start = u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(start, start.saturating_add(1))
}
