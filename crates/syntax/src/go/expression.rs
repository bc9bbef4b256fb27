//! Expressions.

use super::{function, literal, types};
use crate::builder::{Builder, expr, unknown};
use crate::cursor::At;
use crate::literal::number;
use crate::operator;
use crate::tree::{Argument, Call, Expr, ExprKind, UnaryOp};

pub(super) fn expression(b: &mut Builder, from: At<'_>) -> Expr {
    // Parentheses say nothing here, and may nest without an end.
    let mut from = from;
    while from.is("parenthesized_expression")
        && let Some(inner) = from.first()
    {
        from = inner;
    }
    let span = from.span();
    if from.node.is_missing() || !b.enter(span) {
        return unknown(span, Vec::new());
    }
    let found = if from.is("binary_expression") {
        operator::chain(b, from, expression)
    } else {
        match expression_kind(b, from) {
            Some(kind) => expr(span, kind),
            None => unknown(span, from.parts().into_iter().map(|part| expression(b, part)).collect()),
        }
    };
    b.leave();
    found
}

/// The expressions of a list, or the one that stands in its place.
pub(super) fn operands(from: At<'_>) -> Vec<At<'_>> {
    if from.is("expression_list") { from.parts() } else { vec![from] }
}

fn boxed(b: &mut Builder, from: At<'_>) -> Box<Expr> {
    Box::new(expression(b, from))
}

fn expression_kind(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    Some(match from.kind() {
        "identifier" | "field_identifier" | "package_identifier" | "iota" => {
            ExprKind::Name(b.symbol(from.text()))
        }
        "nil" => ExprKind::Null,
        "true" => ExprKind::Bool(true),
        "false" => ExprKind::Bool(false),
        "int_literal" | "float_literal" => ExprKind::Number(number(from.text(), true)),
        "imaginary_literal" => ExprKind::Number(f64::NAN),
        "interpreted_string_literal" | "raw_string_literal" | "rune_literal" => {
            ExprKind::String(b.symbol(&literal::content(from)))
        }
        "selector_expression" => {
            let object = boxed(b, from.field("operand")?);
            ExprKind::Member { object, name: b.symbol(from.field("field")?.text()) }
        }
        "call_expression" => {
            let callee = boxed(b, from.field("function")?);
            let list = from.field("arguments").map(|list| list.parts()).unwrap_or_default();
            call(callee, list.into_iter().map(|one| expression(b, one)))
        }
        "variadic_argument" => ExprKind::Spread(boxed(b, from.first()?)),
        "type_conversion_expression" => {
            let callee = Box::new(types::as_expression(b, from.field("type")?));
            let operand = expression(b, from.field("operand")?);
            call(callee, std::iter::once(operand))
        }
        "type_instantiation_expression" => types::as_expression(b, from.field("type")?).kind,
        "type_assertion_expression" => ExprKind::Cast {
            to: types::of_type(b, from.field("type")?),
            value: boxed(b, from.field("operand")?),
        },
        "index_expression" => ExprKind::Index {
            object: boxed(b, from.field("operand")?),
            index: boxed(b, from.field("index")?),
        },
        "slice_expression" => {
            let object = boxed(b, from.field("operand")?);
            let parts = ["start", "end", "capacity"].into_iter().filter_map(|name| from.field(name));
            ExprKind::Slice { object, parts: parts.map(|part| expression(b, part)).collect() }
        }
        "composite_literal" => literal::composite(b, from)?,
        "func_literal" => ExprKind::Function(function::function(b, from, None)),
        "unary_expression" => {
            let operand = boxed(b, from.field("operand")?);
            let op = match from.field("operator")?.kind() {
                "&" | "*" => return Some(ExprKind::Reference(operand)),
                // What a channel gives.
                "<-" => return Some(ExprKind::Unknown(vec![*operand])),
                "-" => UnaryOp::Minus,
                "!" => UnaryOp::Not,
                "^" => UnaryOp::BitNot,
                _ => UnaryOp::Plus,
            };
            ExprKind::Unary { op, operand }
        }
        "expression_statement" | "literal_element" => expression(b, from.first()?).kind,
        // What `make` and `new` are given.
        kind if kind.ends_with("_type") || kind == "type_identifier" => types::as_expression(b, from).kind,
        _ => return None,
    })
}

fn call(callee: Box<Expr>, arguments: impl Iterator<Item = Expr>) -> ExprKind {
    let arguments = arguments.map(|value| Argument { name: None, value }).collect();
    ExprKind::Call(Call { callee, arguments, new: false, macro_call: false })
}
