//! `switch`, old and new, as a statement and as an expression.

use super::expression::expression;
use super::pattern::pattern;
use super::statement::statement;
use crate::builder::{Builder, stmt};
use crate::cursor::At;
use crate::tree::{Case, Expr, ExprKind, Pattern, Stmt, StmtKind, Switch};

/// `valued` where its value is asked for.
pub(super) fn switch(b: &mut Builder, from: At<'_>, valued: bool) -> Switch {
    let subject = from.field("condition").map(|subject| Box::new(expression(b, subject)));
    let parts = from.field("body").map(|body| body.parts()).unwrap_or_default();
    let falls = parts.iter().any(|part| part.is("switch_block_statement_group"));
    let mut cases = Vec::with_capacity(parts.len());
    for part in parts {
        cases.push(case(b, part, valued));
    }
    Switch { subject, cases, falls }
}

fn case(b: &mut Builder, from: At<'_>, valued: bool) -> Case {
    let parts = from.parts();
    let labels = parts.iter().take_while(|part| part.is("switch_label"));
    let mut patterns = Vec::new();
    let mut guard = None;
    let mut default = false;
    for label in labels {
        default |= label.has("default");
        for part in label.parts() {
            if part.is("guard") {
                guard = part.first().map(|guard| expression(b, guard));
            } else if part.text() == "default" {
                default = true;
            } else {
                patterns.push(pattern(b, part));
            }
        }
    }
    let pattern = match patterns.len() {
        _ if default => None,
        1 => patterns.pop(),
        _ => Some(Pattern::Or(patterns)),
    };
    let rule = from.is("switch_rule");
    let mut body = Vec::new();
    let mut value = None;
    for part in parts.iter().skip_while(|part| part.is("switch_label")) {
        match part.kind() {
            "block" if rule => part.parts().into_iter().for_each(|one| statement(b, one, &mut body)),
            "expression_statement" if rule && valued => value = part.first().map(|one| expression(b, one)),
            _ => statement(b, *part, &mut body),
        }
    }
    if value.is_none() {
        value = last_yield(&mut body);
    }
    Case { pattern, guard, body, value, span: from.span() }
}

/// Takes the `yield` that ends a body.
fn last_yield(body: &mut Vec<Stmt>) -> Option<Expr> {
    let last = body.pop()?;
    match last.kind {
        StmtKind::Expr(Expr { kind: ExprKind::Yield(Some(value)), .. }) => Some(*value),
        StmtKind::Block(mut inner) => {
            let value = last_yield(&mut inner);
            body.push(stmt(last.span, StmtKind::Block(inner)));
            value
        }
        kind => {
            body.push(stmt(last.span, kind));
            None
        }
    }
}
