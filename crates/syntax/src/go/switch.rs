//! `switch` over values and types, `select`.

use super::expression::expression;
use super::statement::{assigned, statement};
use super::types;
use crate::builder::{Builder, stmt};
use crate::cursor::At;
use crate::tree::{Case, Expr, ExprKind, Pattern, Stmt, StmtKind, Switch};

/// `switch v { case 1, 2: … }`; the conditions of one without a value are its cases.
pub(super) fn values(b: &mut Builder, from: At<'_>) -> StmtKind {
    let subject = from.field("value").map(|value| Box::new(expression(b, value)));
    let cases = cases(b, from, |b, case| {
        let values = case.field("value").map(|list| list.parts()).unwrap_or_default();
        values.into_iter().map(|value| Pattern::Value(Box::new(expression(b, value)))).collect()
    });
    StmtKind::Switch(Switch { subject, cases, falls: false })
}

/// `switch v := x.(type) { case T: … }`: first the name is bound, then its type is asked.
pub(super) fn of_types(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) -> Option<StmtKind> {
    let value = expression(b, from.field("value")?);
    let alias = from.field("alias").and_then(|list| list.first());
    let subject = match alias {
        Some(alias) => {
            let symbol = b.symbol(alias.text());
            let pattern = Pattern::Name(symbol, alias.span());
            let span = alias.span().join(value.span);
            let kind = StmtKind::Let { pattern, of_type: None, value: Some(value), constant: false };
            into.push(stmt(span, kind));
            Expr { span: alias.span(), kind: ExprKind::Name(symbol) }
        }
        None => value,
    };
    let cases = cases(b, from, |b, case| {
        let fields = case.fields("type").into_iter();
        let variants = fields.map(|of| {
            let mut of = of;
            while of.is("pointer_type")
                && let Some(inner) = of.first()
            {
                of = inner;
            }
            Pattern::Variant { of: Box::new(types::as_expression(b, of)), items: Vec::new() }
        });
        variants.collect()
    });
    Some(StmtKind::Switch(Switch { subject: Some(Box::new(subject)), cases, falls: false }))
}

/// What a `select` waits for is done first in its case.
pub(super) fn select(b: &mut Builder, from: At<'_>) -> StmtKind {
    let cases = cases(b, from, |_, _| vec![Pattern::Ignore]);
    StmtKind::Switch(Switch { subject: None, cases, falls: false })
}

fn cases(
    b: &mut Builder,
    from: At<'_>,
    mut patterns: impl FnMut(&mut Builder, At<'_>) -> Vec<Pattern>,
) -> Vec<Case> {
    let mut found = Vec::new();
    for case in from.parts().into_iter().filter(|part| part.kind().ends_with("_case")) {
        let pattern = if case.is("default_case") {
            None
        } else {
            let mut patterns = patterns(b, case);
            if patterns.len() == 1 { patterns.pop() } else { Some(Pattern::Or(patterns)) }
        };
        let mut body = Vec::new();
        if let Some(communication) = case.field("communication") {
            receives(b, communication, &mut body);
        }
        if let Some(list) = case.child("statement_list") {
            list.parts().into_iter().for_each(|part| statement(b, part, &mut body));
        }
        found.push(Case { pattern, guard: None, body, value: None, span: case.span() });
    }
    found
}

fn receives(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) {
    if !from.is("receive_statement") {
        return statement(b, from, into);
    }
    let (left, Some(right)) = (from.field("left"), from.field("right")) else { return };
    match left {
        Some(left) => assigned(b, from, left, right, from.has(":="), None, into),
        None => {
            let value = expression(b, right);
            into.push(stmt(value.span, StmtKind::Expr(value)));
        }
    }
}
