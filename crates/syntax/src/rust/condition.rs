//! `if`, `if let`, `match` and conditions, as statements and as expressions.

use super::expression::{block, expression};
use super::pattern::{items, pattern};
use super::statement::{body, returning};
use crate::builder::{Builder, expr};
use crate::cursor::At;
use crate::tree::{Case, Expr, ExprKind, LogicalOp, StmtKind, Switch};

/// What becomes of the last expression of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// It is worth nothing to anybody.
    Drop,
    /// The function returns it.
    Return,
    /// The block is worth it.
    Worth,
}

/// The condition of `if`, `while` and guards, also with `let` in it.
pub(super) fn condition(b: &mut Builder, from: At<'_>) -> Expr {
    let span = from.span();
    match from.kind() {
        "let_chain" => {
            let parts = from.parts();
            let Some((first, rest)) = parts.split_first() else { return expression(b, from) };
            // Each further part is a level above the ones before it.
            let entered = rest.iter().take_while(|_| b.enter(span)).count();
            let mut found = condition(b, *first);
            for part in rest.iter().take(entered) {
                let (left, right) = (Box::new(found), Box::new(condition(b, *part)));
                let span = left.span.join(right.span);
                found = expr(span, ExprKind::Logical { op: LogicalOp::And, left, right });
                b.leave();
            }
            found
        }
        "let_condition" => {
            if !b.enter(span) {
                return expr(span, ExprKind::Unknown(Vec::new()));
            }
            let kind = fits(b, from);
            b.leave();
            expr(span, kind)
        }
        _ => expression(b, from),
    }
}

/// `let P = v` as a condition: true in the case that fits.
fn fits(b: &mut Builder, from: At<'_>) -> ExprKind {
    let span = from.span();
    let case = |pattern, fits| Case {
        pattern,
        guard: None,
        body: Vec::new(),
        value: Some(expr(span, ExprKind::Bool(fits))),
        span,
    };
    let subject = from.field("value").map(|value| Box::new(expression(b, value)));
    let pattern = from.field("pattern").map(|one| pattern(b, one));
    ExprKind::Switch(Switch { subject, cases: vec![case(pattern, true), case(None, false)], falls: false })
}

/// `if`, as a statement.
pub(super) fn choice(b: &mut Builder, from: At<'_>, last: Last) -> Option<StmtKind> {
    let asked = from.field("condition")?;
    let consequence = from.field("consequence");
    let alternative = from.field("alternative").and_then(|clause| clause.first());
    if !asked.is("let_condition") {
        let condition = condition(b, asked);
        let then = body(b, consequence, last);
        return Some(StmtKind::If { condition, then, otherwise: body(b, alternative, last) });
    }
    let subject = asked.field("value").map(|value| Box::new(expression(b, value)));
    let pattern = asked.field("pattern").map(|one| pattern(b, one));
    let span = consequence.map_or_else(|| asked.span(), |block| block.span()).join(asked.span());
    let mut cases = vec![Case { pattern, guard: None, body: body(b, consequence, last), value: None, span }];
    if let Some(alternative) = alternative {
        let (body, span) = (body(b, Some(alternative), last), alternative.span());
        cases.push(Case { pattern: None, guard: None, body, value: None, span });
    }
    Some(StmtKind::Switch(Switch { subject, cases, falls: false }))
}

/// `if`, as an expression.
pub(super) fn chosen(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let asked = from.field("condition")?;
    let consequence = from.field("consequence")?;
    let alternative = from.field("alternative").and_then(|clause| clause.first());
    if !asked.is("let_condition") {
        let condition = Box::new(condition(b, asked));
        let then = Box::new(expression(b, consequence));
        let otherwise = alternative.map(|one| Box::new(expression(b, one)));
        return Some(ExprKind::Conditional { condition, then, otherwise });
    }
    let subject = asked.field("value").map(|value| Box::new(expression(b, value)));
    let pattern = asked.field("pattern").map(|one| pattern(b, one));
    let (body, value) = block(b, consequence);
    let span = asked.span().join(consequence.span());
    let mut cases = vec![Case { pattern, guard: None, body, value, span }];
    if let Some(alternative) = alternative {
        let (value, span) = (Some(expression(b, alternative)), alternative.span());
        cases.push(Case { pattern: None, guard: None, body: Vec::new(), value, span });
    }
    Some(ExprKind::Switch(Switch { subject, cases, falls: false }))
}

/// `match`; `None` for `last` where its value is asked for.
pub(super) fn matching(b: &mut Builder, from: At<'_>, last: Option<Last>) -> Switch {
    let subject = from.field("value").map(|value| Box::new(expression(b, value)));
    let arms = from.field("body").map(|list| list.parts()).unwrap_or_default();
    let mut cases = Vec::with_capacity(arms.len());
    for arm in arms.into_iter().filter(|part| part.is("match_arm")) {
        let asked = arm.field("pattern");
        let inner = asked.and_then(|asked| items(asked).into_iter().next());
        let catches_all = inner.is_none_or(|inner| inner.is("_"));
        let pattern = inner.filter(|_| !catches_all).map(|inner| pattern(b, inner));
        let guard = asked.and_then(|asked| asked.field("condition")).map(|guard| condition(b, guard));
        let worth = arm.field("value");
        let (inside, value) = match (worth, last) {
            (Some(one), None) if one.is("block") => block(b, one),
            (Some(one), None) => (Vec::new(), Some(expression(b, one))),
            (Some(one), Some(Last::Return)) => {
                let mut inside = Vec::new();
                returning(b, one, true, &mut inside);
                (inside, None)
            }
            (worth, _) => (body(b, worth, Last::Drop), None),
        };
        cases.push(Case { pattern, guard, body: inside, value, span: arm.span() });
    }
    Switch { subject, cases, falls: false }
}
