//! Patterns.

use super::expression::expression;
use super::types;
use crate::builder::{Builder, unknown};
use crate::cursor::At;
use crate::tree::{FieldPattern, Key, Pattern};

pub(super) fn pattern(b: &mut Builder, from: At<'_>) -> Pattern {
    // What says only how it is bound.
    let mut from = from;
    while matches!(from.kind(), "mut_pattern" | "ref_pattern" | "reference_pattern")
        && let Some(inner) = items(from).into_iter().rfind(|part| !part.is("mutable_specifier"))
    {
        from = inner;
    }
    if !b.enter(from.span()) {
        return Pattern::Ignore;
    }
    let found = pattern_kind(b, from);
    b.leave();
    found
}

/// The patterns in a pattern: also `_`, which is a sign of the grammar.
pub(super) fn items(from: At<'_>) -> Vec<At<'_>> {
    from.all().into_iter().filter(|part| part.node.is_named() || part.is("_")).collect()
}

fn pattern_kind(b: &mut Builder, from: At<'_>) -> Pattern {
    match from.kind() {
        "identifier" | "shorthand_field_identifier" | "self" | "metavariable" => {
            let text = from.text();
            // Names of constants and variants are upper-case.
            if text.starts_with(char::is_uppercase) {
                return Pattern::Value(Box::new(expression(b, from)));
            }
            Pattern::Name(b.symbol(text), from.span())
        }
        "tuple_pattern" | "slice_pattern" => {
            Pattern::List(items(from).into_iter().map(|item| pattern(b, item)).collect())
        }
        "remaining_field_pattern" => Pattern::Rest(Box::new(Pattern::Ignore)),
        "tuple_struct_pattern" => {
            let Some(of) = from.field("type") else { return Pattern::Ignore };
            let inside = items(from).into_iter().skip(1).map(|item| pattern(b, item)).collect();
            Pattern::Variant { of: Box::new(types::as_expression(b, of)), items: inside }
        }
        "struct_pattern" => {
            let Some(of) = from.field("type").filter(|_| b.enter(from.span())) else {
                return Pattern::Ignore;
            };
            let of = Box::new(types::as_expression(b, of));
            let parts = from.parts();
            let rest = parts.iter().any(|part| part.is("remaining_field_pattern"));
            let fields = parts.into_iter().filter(|part| part.is("field_pattern"));
            let fields = fields.filter_map(|part| field(b, part)).collect();
            b.leave();
            let rest = rest.then(|| Box::new(Pattern::Ignore));
            Pattern::Variant { of, items: vec![Pattern::Object { fields, rest }] }
        }
        "captured_pattern" => {
            let parts = items(from);
            let (Some(name), Some(inner)) = (parts.first(), parts.get(1)) else { return Pattern::Ignore };
            let inner = Box::new(pattern(b, *inner));
            Pattern::As(inner, b.symbol(name.text()))
        }
        "or_pattern" => {
            // Deep on its left side.
            let mut found = Vec::new();
            let mut rest = Some(from);
            while let Some(at) = rest.take() {
                let mut parts = items(at);
                if parts.first().is_some_and(|first| first.is("or_pattern")) {
                    rest = parts.first().copied();
                    parts.remove(0);
                }
                found.extend(parts.into_iter().rev().map(|part| pattern(b, part)));
            }
            found.reverse();
            Pattern::Or(found)
        }
        "range_pattern" => {
            let sides = ["left", "right"].into_iter().filter_map(|name| from.field(name));
            let sides = sides.map(|side| expression(b, side)).collect();
            Pattern::Value(Box::new(unknown(from.span(), sides)))
        }
        "scoped_identifier" | "generic_pattern" | "string_literal" | "raw_string_literal"
        | "char_literal" | "boolean_literal" | "integer_literal" | "float_literal" | "negative_literal" => {
            Pattern::Value(Box::new(expression(b, from)))
        }
        _ => Pattern::Ignore,
    }
}

fn field(b: &mut Builder, from: At<'_>) -> Option<FieldPattern> {
    let name = from.field("name")?;
    let symbol = b.symbol(name.text());
    let pattern = match from.field("pattern") {
        Some(inner) => pattern(b, inner),
        None => Pattern::Name(symbol, name.span()),
    };
    Some(FieldPattern { key: Key::Name(symbol), pattern })
}

/// What is assigned to: a place, or several.
pub(super) fn target(b: &mut Builder, from: At<'_>) -> Pattern {
    if !b.enter(from.span()) {
        return Pattern::Ignore;
    }
    let found = match from.kind() {
        "identifier" if from.text() == "_" => Pattern::Ignore,
        "identifier" => Pattern::Name(b.symbol(from.text()), from.span()),
        "tuple_expression" | "array_expression" => {
            Pattern::List(from.parts().into_iter().map(|part| target(b, part)).collect())
        }
        _ => Pattern::Place(Box::new(expression(b, from))),
    };
    b.leave();
    found
}
