//! Strings and composite literals.

use super::expression::expression;
use super::types;
use crate::builder::{Builder, expr, unknown};
use crate::cursor::At;
use crate::literal::unescape;
use crate::tree::{Entry, Expr, ExprKind, Key, ListKind, Type};

/// What a string or a rune says.
pub(super) fn content(from: At<'_>) -> String {
    let text = from.text();
    let between = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)).unwrap_or(text);
    match from.kind() {
        // A raw string has no carriage returns (the specification, "String literals").
        "raw_string_literal" => between('`').replace('\r', ""),
        "rune_literal" => unescape(between('\'')),
        _ => unescape(between('"')),
    }
}

/// `T{…}`.
pub(super) fn composite(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let of = from.field("type")?;
    let of_type = types::of_type(b, of);
    let body = from.field("body")?;
    let named = !matches!(of.kind(), "map_type" | "slice_type" | "array_type" | "implicit_length_array_type");
    let list = matches!(of.kind(), "slice_type" | "array_type" | "implicit_length_array_type");
    Some(value(b, body, Some(of_type), named, list))
}

/// `named` where names before a colon are those of fields, `list` where an empty one is a list.
fn value(b: &mut Builder, from: At<'_>, of_type: Option<Type>, named: bool, list: bool) -> ExprKind {
    let parts = from.parts();
    let keyed = parts.iter().any(|part| part.is("keyed_element"));
    if keyed || parts.is_empty() && !list {
        let entries = parts.into_iter().map(|part| entry(b, part, named)).collect();
        return ExprKind::Object { of_type, entries };
    }
    let cast = of_type.filter(|_| !list && named);
    // The list below the cast is a level of its own.
    if cast.is_some() && !b.enter(from.span()) {
        return ExprKind::Unknown(Vec::new());
    }
    let items = parts.into_iter().map(|part| element(b, part, named)).collect();
    let items = ExprKind::List { kind: ListKind::List, items };
    match cast {
        Some(to) => {
            b.leave();
            ExprKind::Cast { to, value: Box::new(expr(from.span(), items)) }
        }
        None => items,
    }
}

fn entry(b: &mut Builder, from: At<'_>, named: bool) -> Entry {
    let (Some(key), Some(value)) = (from.field("key"), from.field("value")) else {
        return Entry::Spread(element(b, from, named));
    };
    let inner = key.first().unwrap_or(key);
    let key = match inner.kind() {
        "identifier" if named => Key::Name(b.symbol(inner.text())),
        "interpreted_string_literal" | "raw_string_literal" => Key::Name(b.symbol(&content(inner))),
        _ => Key::Computed(Box::new(element(b, key, named))),
    };
    Entry::Pair(key, element(b, value, named))
}

/// A value in a literal, which may leave out its type.
fn element(b: &mut Builder, from: At<'_>, named: bool) -> Expr {
    let inner = if from.is("literal_element") { from.first().unwrap_or(from) } else { from };
    if !inner.is("literal_value") {
        return expression(b, inner);
    }
    let span = inner.span();
    if !b.enter(span) {
        return unknown(span, Vec::new());
    }
    // Inside of a map or list names may be those of fields.
    let strings_only = inner.parts().iter().all(|part| part.field("key").is_some());
    let found = value(b, inner, None, named || strings_only, false);
    b.leave();
    expr(span, found)
}
