//! Statements.

use super::condition::{Last, choice, condition, matching};
use super::expression::expression;
use super::item::{Scope, attribute, item};
use super::pattern::pattern;
use super::types;
use crate::builder::{Builder, expr, stmt, unknown};
use crate::cursor::At;
use crate::tree::{Expr, ExprKind, Pattern, Stmt, StmtKind, Symbol};

pub(super) fn statement(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) {
    ending(b, from, Last::Drop, into);
}

fn ending(b: &mut Builder, from: At<'_>, last: Last, into: &mut Vec<Stmt>) {
    let mut from = from;
    while from.is("expression_statement")
        && let Some(inner) = from.first()
    {
        from = inner;
    }
    let span = from.span();
    if !b.enter(span) {
        return;
    }
    if let Some(kind) = statement_kind(b, from, last, into) {
        into.push(stmt(span, kind));
    }
    b.leave();
}

/// The statements of a block, or of what stands in its place.
pub(super) fn body(b: &mut Builder, from: Option<At<'_>>, last: Last) -> Vec<Stmt> {
    let mut into = Vec::new();
    if let Some(from) = from {
        if from.is("block") && !from.has("label") {
            inside(b, from, last, &mut into);
        } else {
            ending(b, from, last, &mut into);
        }
    }
    into
}

/// The body of a function: what ends it is returned, where the function gives something.
pub(super) fn returning(b: &mut Builder, from: At<'_>, gives: bool, into: &mut Vec<Stmt>) {
    let last = if gives { Last::Return } else { Last::Drop };
    into.extend(body(b, Some(from), last));
}

/// What stands in a block, and what it is worth where that is asked for.
pub(super) fn inside(b: &mut Builder, from: At<'_>, last: Last, into: &mut Vec<Stmt>) -> Option<Expr> {
    let parts: Vec<At<'_>> = from.parts().into_iter().filter(|part| !part.is("label")).collect();
    let count = parts.len();
    let scope = Scope { local: true, ..Scope::default() };
    let mut attributes: Vec<Expr> = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        if part.is("attribute_item") {
            attributes.extend(attribute(b, part));
            continue;
        }
        let decorators = std::mem::take(&mut attributes);
        if item(b, part, &scope, || decorators, into) {
            continue;
        }
        let is_last = at.saturating_add(1) == count && !part.has(";");
        if is_last && last == Last::Worth && has_value(part) {
            return Some(expression(b, part));
        }
        ending(b, part, if is_last { last } else { Last::Drop }, into);
    }
    None
}

/// Not of what leaves, or only repeats.
fn has_value(from: At<'_>) -> bool {
    let inner = if from.is("expression_statement") { from.first().unwrap_or(from) } else { from };
    !matches!(
        inner.kind(),
        "return_expression"
            | "break_expression"
            | "continue_expression"
            | "while_expression"
            | "for_expression"
            | "let_declaration"
            | "ERROR"
    )
}

fn statement_kind(b: &mut Builder, from: At<'_>, last: Last, into: &mut Vec<Stmt>) -> Option<StmtKind> {
    Some(match from.kind() {
        "let_declaration" => return declaration(b, from, into),
        "if_expression" => choice(b, from, last)?,
        "match_expression" => StmtKind::Switch(matching(b, from, Some(last))),
        "block" | "while_expression" | "loop_expression" | "for_expression" => {
            let label = from.child("label").map(|label| lifetime(b, label));
            let Some(label) = label else { return Some(loops(b, from, last)) };
            if !b.enter(from.span()) {
                return None;
            }
            let kind = loops(b, from, last);
            b.leave();
            StmtKind::Labeled { label, body: vec![stmt(from.span(), kind)] }
        }
        "unsafe_block" | "const_block" | "try_block" => {
            let block = from.child("block");
            StmtKind::Block(body(b, block, last))
        }
        "return_expression" => StmtKind::Return(from.first().map(|value| expression(b, value))),
        "break_expression" => {
            for part in from.parts().into_iter().filter(|part| !part.is("label")) {
                // What the loop is worth: a name that nothing else has.
                let value = Box::new(expression(b, part));
                let span = value.span;
                let target = Box::new(Pattern::Name(b.symbol("loop"), span));
                into.push(stmt(
                    span,
                    StmtKind::Expr(expr(span, ExprKind::Assign { target, op: None, value })),
                ));
            }
            StmtKind::Break(from.child("label").map(|label| lifetime(b, label)))
        }
        "continue_expression" => StmtKind::Continue(from.child("label").map(|label| lifetime(b, label))),
        "ERROR" | "declaration_list" => {
            inside(b, from, Last::Drop, into);
            return None;
        }
        "visibility_modifier" | "attribute_item" | "mutable_specifier" | "label" => return None,
        _ => {
            let value = expression(b, from);
            if last == Last::Return { StmtKind::Return(Some(value)) } else { StmtKind::Expr(value) }
        }
    })
}

/// The word of `'word`.
fn lifetime(b: &mut Builder, from: At<'_>) -> Symbol {
    b.symbol(from.text().trim_start_matches('\''))
}

fn loops(b: &mut Builder, from: At<'_>, last: Last) -> StmtKind {
    let run = from.field("body");
    match from.kind() {
        "while_expression" => StmtKind::While {
            condition: match from.field("condition") {
                Some(asked) => condition(b, asked),
                None => unknown(from.span(), Vec::new()),
            },
            body: body(b, run, Last::Drop),
            first: true,
        },
        "for_expression" => StmtKind::Each {
            pattern: from.field("pattern").map_or(Pattern::Ignore, |one| pattern(b, one)),
            over: match from.field("value") {
                Some(over) => expression(b, over),
                None => unknown(from.span(), Vec::new()),
            },
            keys: false,
            body: body(b, run, Last::Drop),
        },
        "loop_expression" => {
            let (init, update) = (Vec::new(), Vec::new());
            StmtKind::For { init, condition: None, update, body: body(b, run, Last::Drop) }
        }
        _ => {
            let mut statements = Vec::new();
            inside(b, from, last, &mut statements);
            StmtKind::Block(statements)
        }
    }
}

fn declaration(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) -> Option<StmtKind> {
    let bound = from.field("pattern").map_or(Pattern::Ignore, |one| pattern(b, one));
    let of_type = from.field("type").map(|of_type| types::of_type(b, of_type));
    let value = from.field("value").map(|value| expression(b, value));
    let constant = !from.has("mutable_specifier");
    let kind = StmtKind::Let { pattern: bound, of_type, value, constant };
    let Some(alternative) = from.field("alternative") else { return Some(kind) };
    into.push(stmt(from.span(), kind));
    // Whether it fits nobody knows.
    let then = body(b, Some(alternative), Last::Drop);
    let condition = unknown(from.span(), Vec::new());
    Some(StmtKind::If { condition, then, otherwise: Vec::new() })
}
