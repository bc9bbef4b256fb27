//! Arguments of macros that are no expressions: pieces between commas, objects as `json!` writes them, else token by token.

use gabion_finding::Span;

use super::expression::expression;
use super::macros;
use crate::builder::{Builder, expr, unknown};
use crate::cursor::At;
use crate::tree::{Entry, Expr, ExprKind, Key, ListKind};

/// The pieces of a group of tokens, between `,` and `;`.
pub(super) fn pieces(b: &mut Builder, from: At<'_>) -> Vec<Expr> {
    split(from).into_iter().filter_map(|tokens| piece(b, from, &tokens)).collect()
}

fn split(from: At<'_>) -> Vec<Vec<At<'_>>> {
    let mut all = from.all();
    // The brackets.
    all.pop();
    let mut found: Vec<Vec<At<'_>>> = vec![Vec::new()];
    for token in all.into_iter().skip(1) {
        if matches!(token.kind(), "," | ";") {
            found.push(Vec::new());
        } else if let Some(last) = found.last_mut() {
            last.push(token);
        }
    }
    found
}

fn piece(b: &mut Builder, group: At<'_>, tokens: &[At<'_>]) -> Option<Expr> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    let span = first.span().join(last.span());
    if !b.enter(span) {
        return Some(unknown(span, Vec::new()));
    }
    let found = match tokens {
        [only] if only.is("token_tree") => nested(b, *only),
        _ => {
            let text = group.slice(span);
            let whole = macros::piece(b, text, span.start, group.level);
            whole.unwrap_or_else(|| unknown(span, tokens.iter().filter_map(|one| token(b, *one)).collect()))
        }
    };
    b.leave();
    Some(found)
}

/// One token that says something.
fn token(b: &mut Builder, from: At<'_>) -> Option<Expr> {
    match from.kind() {
        "token_tree" => {
            if !b.enter(from.span()) {
                return None;
            }
            let found = nested(b, from);
            b.leave();
            Some(found)
        }
        _ if !from.node.is_named() => None,
        "mutable_specifier" | "primitive_type" => None,
        _ => Some(expression(b, from)),
    }
}

/// A group of tokens by itself.
fn nested(b: &mut Builder, from: At<'_>) -> Expr {
    let span = from.span();
    let text = from.text();
    if text.starts_with('{')
        && let Some(entries) = entries(b, from)
    {
        return expr(span, ExprKind::Object { of_type: None, entries });
    }
    let items = macros::arguments(b, from).into_iter().map(|argument| argument.value).collect();
    if text.starts_with('[') {
        return expr(span, ExprKind::List { kind: ListKind::List, items });
    }
    unknown(span, items)
}

/// `{"a": b, c: d}`; nothing where it is something else.
fn entries(b: &mut Builder, from: At<'_>) -> Option<Vec<Entry>> {
    let pieces: Vec<_> = split(from).into_iter().filter(|tokens| !tokens.is_empty()).collect();
    let fits = |tokens: &Vec<At<'_>>| tokens.len() > 2 && tokens.get(1).is_some_and(|sign| sign.is(":"));
    if !pieces.iter().all(fits) {
        return None;
    }
    let mut found = Vec::new();
    for tokens in pieces {
        let (Some(key), Some(rest)) = (tokens.first(), tokens.get(2..)) else { continue };
        let key = match key.kind() {
            "string_literal" | "raw_string_literal" => Key::Name(b.symbol(&super::string::content(*key))),
            "identifier" => Key::Name(b.symbol(key.text())),
            _ => Key::Computed(Box::new(token(b, *key)?)),
        };
        found.push(Entry::Pair(key, piece(b, from, rest)?));
    }
    Some(found)
}

impl<'t> At<'t> {
    /// The text of a place in the file, which stands in the text this was read from.
    fn slice(self, span: Span) -> &'t str {
        let own = self.span();
        let start = span.start.saturating_sub(own.start) as usize;
        let end = span.end.saturating_sub(own.start) as usize;
        self.text().get(start..end).unwrap_or_default()
    }
}
