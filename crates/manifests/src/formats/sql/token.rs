//! Words of SQL: names, texts in every way PostgreSQL quotes them, signs.

use gabion_finding::{Span, UnreadReason};

use super::place;
use crate::document::{Gap, line_of};

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// A name in lower case unless it is quoted, a text without its quotes, a sign.
    pub(super) text: String,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    /// `"Name"`
    Quoted,
    /// `'text'`, `E'text'`, `$$text$$`.
    Text,
    Sign,
}

const MOST: usize = 400_000;

pub(super) fn tokens(text: &str) -> (Vec<Token>, Vec<Gap>) {
    let (mut all, mut at, mut gaps) = (Vec::new(), 0_usize, Vec::new());
    // The rows of a dump are no statements.
    let mut copying = false;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if all.len() >= MOST {
            gaps.push(Gap {
                reason: UnreadReason::Budget,
                detail: format!("line {}: more words than are looked at", line_of(text, at)),
            });
            break;
        }
        let rest = text.get(at..).unwrap_or_default();
        let (kind, word, length) = next(rest, first);
        if length == 0 {
            break;
        }
        let end = at.saturating_add(length);
        if let Some(kind) = kind {
            copying |= kind == Kind::Name && word == "stdin";
            let done = kind == Kind::Sign && word == ";";
            all.push(Token { kind, text: word, span: place(at, end) });
            if done && copying {
                copying = false;
                let rows = text.get(end..).unwrap_or_default();
                at = end.saturating_add(rows.find("\n\\.").map_or(0, |stop| stop.saturating_add(3)));
                continue;
            }
        }
        at = end;
    }
    (all, gaps)
}

/// The next word, if it is one, and how many bytes it has.
fn next(rest: &str, first: char) -> (Option<Kind>, String, usize) {
    if first.is_whitespace() {
        return (None, String::new(), first.len_utf8());
    }
    if rest.starts_with("--") {
        return (None, String::new(), rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, String::new(), comment(rest));
    }
    if first == '\\' {
        // A command of psql ends with its line.
        return (None, String::new(), rest.find('\n').unwrap_or(rest.len()));
    }
    if first == '\'' {
        let (text, length) = quoted(rest, '\'', false);
        return (Some(Kind::Text), text, length);
    }
    if first == '"' {
        let (text, length) = quoted(rest, '"', false);
        return (Some(Kind::Quoted), text, length);
    }
    if let Some((text, length)) = dollar(rest) {
        return (Some(Kind::Text), text, length);
    }
    if first.is_alphanumeric() || first == '_' {
        let length = rest
            .find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '$')))
            .unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let after = rest.get(length..).unwrap_or_default();
        if after.starts_with('\'') && matches!(word, "e" | "E" | "n" | "N" | "b" | "B" | "x" | "X") {
            let (text, inside) = quoted(after, '\'', word.eq_ignore_ascii_case("e"));
            return (Some(Kind::Text), text, length.saturating_add(inside));
        }
        return (Some(Kind::Name), word.to_lowercase(), length);
    }
    (Some(Kind::Sign), first.to_string(), first.len_utf8())
}

/// Comments nest.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0_usize);
    let bytes = rest.as_bytes();
    while at < bytes.len() {
        match (bytes.get(at), bytes.get(at.saturating_add(1))) {
            (Some(b'/'), Some(b'*')) => {
                depth = depth.saturating_add(1);
                at = at.saturating_add(2);
            }
            (Some(b'*'), Some(b'/')) => {
                depth = depth.saturating_sub(1);
                at = at.saturating_add(2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at = at.saturating_add(1),
        }
    }
    rest.len()
}

fn quoted(rest: &str, quote: char, escapes: bool) -> (String, usize) {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            if letters.next_if(|(_, next)| *next == quote).is_none() {
                return (text, at.saturating_add(1));
            }
        } else if letter == '\\' && escapes {
            text.extend(letters.next().map(|(_, letter)| letter));
            continue;
        }
        text.push(letter);
    }
    (text, rest.len())
}

fn dollar(rest: &str) -> Option<(String, usize)> {
    let inside = rest.strip_prefix('$')?;
    let length = inside.find('$')?;
    let tag = inside.get(..length)?;
    let named = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
    if !named || tag.starts_with(|first: char| first.is_ascii_digit()) || tag.len() > 63 {
        return None;
    }
    let mark = format!("${tag}$");
    let body = rest.get(mark.len()..)?;
    let end = body.find(&mark).unwrap_or(body.len());
    let whole = mark.len().saturating_add(end).saturating_add(mark.len()).min(rest.len());
    Some((body.get(..end)?.to_owned(), whole))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).0.into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn every_way_to_quote() {
        assert_eq!(
            words(
                "SELECT 'it''s', E'a\\'b', $x$ ; $$ $x$, \"A b\" /* a /* b */ c */ -- d\n; \\connect x\n$1"
            ),
            ["select", "it's", ",", "a'b", ",", " ; $$ ", ",", "A b", ";", "$", "1"]
        );
    }

    #[test]
    fn rows_of_a_dump_are_passed() {
        assert_eq!(
            words("COPY a FROM stdin;\n1\t'x\n\\.\nSELECT 1;"),
            ["copy", "a", "from", "stdin", ";", "select", "1", ";"]
        );
    }

    proptest! {
        #[test]
        fn any_text_has_words(text in "[a-cE$'\"\\\\/*;\\- \nü0]{0,100}") {
            for token in tokens(&text).0 {
                prop_assert!(token.span.end as usize <= text.len() && !token.span.is_empty());
            }
        }
    }
}
