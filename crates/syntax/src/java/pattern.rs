//! Patterns of `switch` and `instanceof`.

use super::expression::expression;
use super::types;
use crate::builder::Builder;
use crate::cursor::At;
use crate::tree::Pattern;

pub(super) fn pattern(b: &mut Builder, from: At<'_>) -> Pattern {
    if !b.enter(from.span()) {
        return Pattern::Ignore;
    }
    let found = pattern_kind(b, from);
    b.leave();
    found
}

fn pattern_kind(b: &mut Builder, from: At<'_>) -> Pattern {
    match from.kind() {
        "pattern" => from.first().map_or(Pattern::Ignore, |inner| pattern(b, inner)),
        "underscore_pattern" => Pattern::Ignore,
        // A type and a name.
        "type_pattern" | "record_pattern_component" => {
            let parts = from.parts();
            let (Some(of), Some(name)) = (parts.first(), parts.get(1)) else { return Pattern::Ignore };
            let symbol = b.symbol(name.text());
            if of.text() == "var" {
                return Pattern::Name(symbol, name.span());
            }
            let of = Box::new(types::as_expression(b, *of));
            Pattern::As(Box::new(Pattern::Variant { of, items: Vec::new() }), symbol)
        }
        "record_pattern" => {
            let parts = from.parts();
            let (Some(of), Some(body)) = (parts.first(), parts.get(1)) else { return Pattern::Ignore };
            let of = Box::new(types::as_expression(b, *of));
            let items = body.parts().into_iter().map(|item| pattern(b, item)).collect();
            Pattern::Variant { of, items }
        }
        _ => Pattern::Value(Box::new(expression(b, from))),
    }
}
