//! Expressions.

use super::condition::{self, Last, chosen, matching};
use super::pattern::target;
use super::{function, macros, statement, string, types};
use crate::builder::{Builder, expr, unknown};
use crate::cursor::At;
use crate::literal::number;
use crate::operator;
use crate::tree::{Argument, Call, Entry, Expr, ExprKind, Key, ListKind, Stmt, UnaryOp};

pub(super) fn expression(b: &mut Builder, from: At<'_>) -> Expr {
    // What says nothing here may nest without an end: parentheses, and `?`, which hands its operand on.
    let mut from = from;
    while matches!(from.kind(), "parenthesized_expression" | "try_expression" | "expression_statement")
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

fn boxed(b: &mut Builder, from: At<'_>) -> Box<Expr> {
    Box::new(expression(b, from))
}

fn all(b: &mut Builder, from: Vec<At<'_>>) -> Vec<Expr> {
    from.into_iter().filter(|part| !part.is("attribute_item")).map(|part| expression(b, part)).collect()
}

/// The statements of a block, and what it is worth.
pub(super) fn block(b: &mut Builder, from: At<'_>) -> (Vec<Stmt>, Option<Expr>) {
    let mut body = Vec::new();
    let value = statement::inside(b, from, Last::Worth, &mut body);
    (body, value)
}

fn expression_kind(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    Some(match from.kind() {
        "identifier"
        | "type_identifier"
        | "field_identifier"
        | "shorthand_field_identifier"
        | "primitive_type"
        | "self"
        | "super"
        | "crate"
        | "metavariable" => ExprKind::Name(b.symbol(from.text())),
        "scoped_identifier" => {
            let name = b.symbol(from.field("name")?.text());
            match from.field("path") {
                Some(path) => ExprKind::Member { object: boxed(b, path), name },
                None => ExprKind::Name(name),
            }
        }
        "generic_type" | "scoped_type_identifier" | "bracketed_type" => types::as_expression(b, from).kind,
        "generic_function" => expression(b, from.field("function")?).kind,
        "generic_pattern" => expression(b, from.first()?).kind,
        "string_literal" | "raw_string_literal" | "char_literal" => {
            ExprKind::String(b.symbol(&string::content(from)))
        }
        "boolean_literal" => ExprKind::Bool(from.text() == "true"),
        "integer_literal" | "float_literal" => ExprKind::Number(number(from.text(), false)),
        "negative_literal" => ExprKind::Number(-number(from.first()?.text(), false)),
        "field_expression" => {
            let object = boxed(b, from.field("value")?);
            ExprKind::Member { object, name: b.symbol(from.field("field")?.text()) }
        }
        "call_expression" => {
            let function = from.field("function")?;
            // `s.parse::<u32>()` gives a `u32`.
            let gives = parsed(function).filter(|_| b.enter(from.span()));
            let callee = boxed(b, function);
            let list = from.field("arguments").map(|list| list.parts()).unwrap_or_default();
            let arguments = all(b, list).into_iter().map(|value| Argument { name: None, value }).collect();
            let call = ExprKind::Call(Call { callee, arguments, new: false, macro_call: false });
            let Some(gives) = gives else { return Some(call) };
            b.leave();
            ExprKind::Cast { to: types::of_type(b, gives), value: Box::new(expr(from.span(), call)) }
        }
        "macro_invocation" => macros::invocation(b, from)?,
        "await_expression" => ExprKind::Await(boxed(b, from.first()?)),
        "reference_expression" => ExprKind::Reference(boxed(b, from.field("value")?)),
        "unary_expression" => {
            let operand = boxed(b, from.first()?);
            let op = if from.has("!") { UnaryOp::Not } else { UnaryOp::Minus };
            if from.has("*") { ExprKind::Reference(operand) } else { ExprKind::Unary { op, operand } }
        }
        "type_cast_expression" => ExprKind::Cast {
            to: types::of_type(b, from.field("type")?),
            value: boxed(b, from.field("value")?),
        },
        "assignment_expression" | "compound_assignment_expr" => {
            let target = Box::new(target(b, from.field("left")?));
            let sign = from.field("operator").map(|sign| sign.kind()).unwrap_or_default();
            let op = operator::binary(sign.trim_end_matches('='));
            ExprKind::Assign { target, op, value: boxed(b, from.field("right")?) }
        }
        "index_expression" => {
            let parts = from.parts();
            let object = boxed(b, *parts.first()?);
            let index = *parts.get(1)?;
            if index.is("range_expression") {
                return Some(ExprKind::Slice { object, parts: all(b, index.parts()) });
            }
            ExprKind::Index { object, index: boxed(b, index) }
        }
        "tuple_expression" => ExprKind::List { kind: ListKind::Tuple, items: all(b, from.parts()) },
        "unit_expression" => ExprKind::List { kind: ListKind::Tuple, items: Vec::new() },
        "array_expression" => {
            let length = from.field("length").map(|length| length.node.id());
            let items = from.parts().into_iter().filter(|item| Some(item.node.id()) != length).collect();
            ExprKind::List { kind: ListKind::List, items: all(b, items) }
        }
        "struct_expression" => object(b, from)?,
        "closure_expression" => ExprKind::Function(function::closure(b, from)),
        "if_expression" => chosen(b, from)?,
        "match_expression" => ExprKind::Switch(matching(b, from, None)),
        "let_condition" | "let_chain" => condition::condition(b, from).kind,
        "block" if !from.has("label") => valued(b, from),
        "unsafe_block" | "async_block" | "const_block" | "try_block" | "gen_block" => {
            valued(b, from.child("block")?)
        }
        "yield_expression" => ExprKind::Yield(from.first().map(|value| boxed(b, value))),
        // What is a statement, in the place of an expression.
        "return_expression"
        | "break_expression"
        | "continue_expression"
        | "while_expression"
        | "loop_expression"
        | "for_expression"
        | "block"
        | "let_declaration" => {
            let mut body = Vec::new();
            statement::statement(b, from, &mut body);
            let worth = from.is("loop_expression").then(|| Box::new(b.name("loop", from.span())));
            ExprKind::Block { body, value: worth }
        }
        _ => return None,
    })
}

/// The type that `parse` is asked for.
fn parsed(function: At<'_>) -> Option<At<'_>> {
    let arguments = function.field("type_arguments")?;
    let inner = function.field("function")?;
    let name = inner.field("field").or_else(|| inner.field("name"))?;
    if name.text() == "parse" { arguments.first() } else { None }
}

fn valued(b: &mut Builder, from: At<'_>) -> ExprKind {
    let (body, value) = block(b, from);
    ExprKind::Block { body, value: value.map(Box::new) }
}

/// `T { a: 1, b, ..c }`.
fn object(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let of_type = Some(types::of_type(b, from.field("name")?));
    let mut entries = Vec::new();
    for part in from.field("body").map(|body| body.parts()).unwrap_or_default() {
        match part.kind() {
            "field_initializer" => {
                let (Some(name), Some(value)) = (part.field("field"), part.field("value")) else { continue };
                entries.push(Entry::Pair(Key::Name(b.symbol(name.text())), expression(b, value)));
            }
            "shorthand_field_initializer" => {
                let Some(name) = part.child("identifier") else { continue };
                let value = expression(b, name);
                entries.push(Entry::Pair(Key::Name(b.symbol(name.text())), value));
            }
            "base_field_initializer" => {
                entries.extend(part.first().map(|base| Entry::Spread(expression(b, base))));
            }
            _ => {}
        }
    }
    Some(ExprKind::Object { of_type, entries })
}
