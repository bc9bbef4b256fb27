//! Annotations and the other words before a declaration.

use super::expression::expression;
use crate::builder::{Builder, expr, unknown};
use crate::cursor::At;
use crate::tree::{Argument, Call, Expr, ExprKind, ListKind};

/// The annotations of a declaration.
pub(super) fn decorators(b: &mut Builder, from: At<'_>) -> Vec<Expr> {
    let Some(modifiers) = from.child("modifiers") else { return Vec::new() };
    let parts = modifiers.parts().into_iter().filter(|part| part.kind().ends_with("annotation"));
    parts.map(|part| value(b, part)).collect()
}

/// Is it declared with that word, `static` for instance?
pub(super) fn is(from: At<'_>, word: &str) -> bool {
    from.child("modifiers").is_some_and(|modifiers| modifiers.has(word))
}

/// What an annotation may have as its argument: also annotations, and lists in braces.
pub(super) fn value(b: &mut Builder, from: At<'_>) -> Expr {
    let span = from.span();
    if !b.enter(span) {
        return unknown(span, Vec::new());
    }
    let found = match from.kind() {
        "marker_annotation" => {
            from.field("name").map_or_else(|| unknown(span, Vec::new()), |name| expression(b, name))
        }
        "annotation" => {
            let callee = from.field("name").map(|name| expression(b, name));
            let callee = Box::new(callee.unwrap_or_else(|| unknown(span, Vec::new())));
            let parts = from.field("arguments").map(|list| list.parts()).unwrap_or_default();
            let arguments = parts.into_iter().map(|part| argument(b, part)).collect();
            expr(span, ExprKind::Call(Call { callee, arguments, new: false, macro_call: false }))
        }
        "element_value_array_initializer" => {
            let items = from.parts().into_iter().map(|part| value(b, part)).collect();
            expr(span, ExprKind::List { kind: ListKind::List, items })
        }
        _ => expression(b, from),
    };
    b.leave();
    found
}

fn argument(b: &mut Builder, from: At<'_>) -> Argument {
    if from.is("element_value_pair")
        && let (Some(key), Some(named)) = (from.field("key"), from.field("value"))
    {
        return Argument { name: Some(b.symbol(key.text())), value: value(b, named) };
    }
    Argument { name: None, value: value(b, from) }
}
