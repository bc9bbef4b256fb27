//! Statements and declarations of variables.

use super::expression::{expression, operands};
use super::{function, structure, switch, types};
use crate::builder::{Builder, expr, stmt};
use crate::cursor::At;
use crate::operator;
use crate::tree::{
    Argument, BinaryOp, Call, Expr, ExprKind, ListKind, Pattern, Stmt, StmtKind, Symbol, UnaryOp,
};

pub(super) fn statement(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) {
    let span = from.span();
    if !b.enter(span) {
        return;
    }
    // What is declared before a condition belongs to its statement.
    let initializer = from.field("initializer").filter(|_| !from.is("for_clause"));
    if let Some(initializer) = initializer {
        if b.enter(span) {
            let mut inside = Vec::new();
            statement(b, initializer, &mut inside);
            let kind = statement_kind(b, from, &mut inside);
            inside.extend(kind.map(|kind| stmt(span, kind)));
            into.push(stmt(span, StmtKind::Block(inside)));
            b.leave();
        }
    } else if let Some(kind) = statement_kind(b, from, into) {
        into.push(stmt(span, kind));
    }
    b.leave();
}

/// The statements of a block, or of what stands in its place.
pub(super) fn block(b: &mut Builder, from: Option<At<'_>>) -> Vec<Stmt> {
    let mut into = Vec::new();
    let Some(from) = from else { return into };
    if !from.is("block") {
        statement(b, from, &mut into);
        return into;
    }
    for part in from.parts() {
        match part.kind() {
            "statement_list" => part.parts().into_iter().for_each(|one| statement(b, one, &mut into)),
            _ => statement(b, part, &mut into),
        }
    }
    into
}

fn statement_kind(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) -> Option<StmtKind> {
    Some(match from.kind() {
        "expression_statement" => StmtKind::Expr(expression(b, from.first()?)),
        "short_var_declaration" => {
            assigned(b, from, from.field("left")?, from.field("right")?, true, None, into);
            return None;
        }
        "assignment_statement" => {
            let sign = from.field("operator")?.text();
            let op = operator::binary(sign.trim_end_matches('='));
            assigned(b, from, from.field("left")?, from.field("right")?, false, op, into);
            return None;
        }
        "inc_statement" | "dec_statement" => {
            let operand = Box::new(expression(b, from.first()?));
            StmtKind::Expr(expr(from.span(), ExprKind::Unary { op: UnaryOp::Step, operand }))
        }
        "send_statement" => {
            // As a method of the channel.
            let object = Box::new(expression(b, from.field("channel")?));
            let value = expression(b, from.field("value")?);
            let callee = expr(object.span, ExprKind::Member { object, name: b.symbol("<-") });
            let arguments = vec![Argument { name: None, value }];
            let call = Call { callee: Box::new(callee), arguments, new: false, macro_call: false };
            StmtKind::Expr(expr(from.span(), ExprKind::Call(call)))
        }
        "return_statement" => StmtKind::Return(from.first().map(|list| together(b, list))),
        "if_statement" => StmtKind::If {
            condition: expression(b, from.field("condition")?),
            then: block(b, from.field("consequence")),
            otherwise: block(b, from.field("alternative")),
        },
        "for_statement" => for_loop(b, from),
        "expression_switch_statement" => switch::values(b, from),
        "type_switch_statement" => {
            let mut before = Vec::new();
            let kind = switch::of_types(b, from, &mut before)?;
            if before.is_empty() {
                return Some(kind);
            }
            before.push(stmt(from.span(), kind));
            StmtKind::Block(before)
        }
        "select_statement" => switch::select(b, from),
        "block" => StmtKind::Block(block(b, Some(from))),
        "labeled_statement" => {
            let parts = from.parts();
            let label = b.symbol(from.field("label")?.text());
            let mut body = Vec::new();
            parts.into_iter().skip(1).for_each(|part| statement(b, part, &mut body));
            StmtKind::Labeled { label, body }
        }
        "break_statement" => StmtKind::Break(label(b, from)),
        "continue_statement" => StmtKind::Continue(label(b, from)),
        "goto_statement" => StmtKind::Expr(expr(from.span(), ExprKind::Unknown(Vec::new()))),
        "go_statement" => StmtKind::Expr(expression(b, from.first()?)),
        "defer_statement" => StmtKind::Defer(expression(b, from.first()?)),
        "var_declaration" | "const_declaration" => {
            let constant = from.is("const_declaration");
            let specs = from.child("var_spec_list").unwrap_or(from).parts();
            specs.into_iter().for_each(|spec| variables(b, spec, constant, into));
            return None;
        }
        "type_declaration" => {
            structure::types(b, from, false, into);
            return None;
        }
        "function_declaration" => StmtKind::Function(function::function(b, from, None)),
        "method_declaration" => {
            function::method(b, from);
            return None;
        }
        "empty_statement" | "fallthrough_statement" | "package_clause" => return None,
        // What stands around an error.
        "ERROR" | "statement_list" | "import_declaration" => {
            from.parts().into_iter().for_each(|part| statement(b, part, into));
            return None;
        }
        _ => StmtKind::Expr(expression(b, from)),
    })
}

fn label(b: &mut Builder, from: At<'_>) -> Option<Symbol> {
    from.first().map(|label| b.symbol(label.text()))
}

/// One value, or several as a tuple.
fn together(b: &mut Builder, list: At<'_>) -> Expr {
    let parts = if list.is("expression_list") { list.parts() } else { vec![list] };
    if let [only] = parts.as_slice() {
        return expression(b, *only);
    }
    let items = parts.into_iter().map(|part| expression(b, part)).collect();
    expr(list.span(), ExprKind::List { kind: ListKind::Tuple, items })
}

fn target(b: &mut Builder, from: At<'_>) -> Pattern {
    if from.is("identifier") {
        return function::named(b, from);
    }
    Pattern::Place(Box::new(expression(b, from)))
}

/// `a, b = c, d`: declared or assigned, one by one where as many stand on both sides.
pub(super) fn assigned(
    b: &mut Builder,
    from: At<'_>,
    left: At<'_>,
    right: At<'_>,
    declares: bool,
    op: Option<BinaryOp>,
    into: &mut Vec<Stmt>,
) {
    let (targets, values) = (operands(left), operands(right));
    if declares && targets.len() == values.len() {
        for (one, value) in targets.into_iter().zip(values) {
            let (pattern, value) = (target(b, one), Some(expression(b, value)));
            into.push(stmt(from.span(), StmtKind::Let { pattern, of_type: None, value, constant: false }));
        }
        return;
    }
    let mut patterns: Vec<Pattern> = targets.into_iter().map(|one| target(b, one)).collect();
    let pattern = if patterns.len() == 1 { patterns.pop() } else { None };
    let pattern = pattern.unwrap_or(Pattern::List(patterns));
    let value = together(b, right);
    let kind = if declares {
        StmtKind::Let { pattern, of_type: None, value: Some(value), constant: false }
    } else {
        let (target, value) = (Box::new(pattern), Box::new(value));
        StmtKind::Expr(expr(from.span(), ExprKind::Assign { target, op, value }))
    };
    into.push(stmt(from.span(), kind));
}

fn variables(b: &mut Builder, from: At<'_>, constant: bool, into: &mut Vec<Stmt>) {
    let span = from.span();
    let of_type = from.field("type").map(|of_type| types::of_type(b, of_type));
    let names = from.fields("name");
    let values = from.field("value").map(operands).unwrap_or_default();
    if let (Some(list), true) = (from.field("value"), values.len() == 1 && names.len() > 1) {
        let pattern = Pattern::List(names.into_iter().map(|name| function::named(b, name)).collect());
        let value = Some(together(b, list));
        into.push(stmt(span, StmtKind::Let { pattern, of_type, value, constant }));
        return;
    }
    for (at, name) in names.into_iter().enumerate() {
        let pattern = function::named(b, name);
        let value = values.get(at).map(|value| expression(b, *value));
        into.push(stmt(span, StmtKind::Let { pattern, of_type: of_type.clone(), value, constant }));
    }
}

fn for_loop(b: &mut Builder, from: At<'_>) -> StmtKind {
    let head = from.parts().into_iter().find(|part| !part.is("block"));
    match head {
        Some(clause) if clause.is("range_clause") => {
            let names = clause.field("left").map(operands).unwrap_or_default();
            let (pattern, keys) = match names.as_slice() {
                [] => (Pattern::Ignore, true),
                [key] => (target(b, *key), true),
                [key, value, ..] if key.text() == "_" => (target(b, *value), false),
                both => (Pattern::List(both.iter().map(|one| target(b, *one)).collect()), false),
            };
            let over = match clause.field("right") {
                Some(over) => expression(b, over),
                None => expr(clause.span(), ExprKind::Unknown(Vec::new())),
            };
            StmtKind::Each { pattern, over, keys, body: block(b, from.field("body")) }
        }
        Some(clause) if clause.is("for_clause") => {
            let mut init = Vec::new();
            if let Some(one) = clause.field("initializer") {
                statement(b, one, &mut init);
            }
            let condition = clause.field("condition").map(|condition| expression(b, condition));
            let mut steps = Vec::new();
            if let Some(update) = clause.field("update") {
                statement(b, update, &mut steps);
            }
            let update = steps.into_iter().filter_map(|step| match step.kind {
                StmtKind::Expr(step) => Some(step),
                _ => None,
            });
            StmtKind::For { init, condition, update: update.collect(), body: block(b, from.field("body")) }
        }
        Some(condition) => StmtKind::While {
            condition: expression(b, condition),
            body: block(b, from.field("body")),
            first: true,
        },
        None => {
            let body = block(b, from.field("body"));
            StmtKind::For { init: Vec::new(), condition: None, update: Vec::new(), body }
        }
    }
}
