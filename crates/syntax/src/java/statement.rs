//! Statements.

use super::expression::expression;
use super::{annotation, class, member, switch, types};
use crate::builder::{Builder, expr, stmt};
use crate::cursor::At;
use crate::tree::{Catch, ExprKind, Pattern, Stmt, StmtKind, Symbol};

pub(super) fn statement(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) {
    let span = from.span();
    if !b.enter(span) {
        return;
    }
    if let Some(kind) = statement_kind(b, from, into) {
        into.push(stmt(span, kind));
    }
    b.leave();
}

/// The statements of a block, or the one that stands in its place.
pub(super) fn body(b: &mut Builder, from: Option<At<'_>>) -> Vec<Stmt> {
    let mut into = Vec::new();
    match from {
        Some(block) if matches!(block.kind(), "block" | "constructor_body") => {
            block.parts().into_iter().for_each(|part| statement(b, part, &mut into));
        }
        Some(one) => statement(b, one, &mut into),
        None => {}
    }
    into
}

fn statement_kind(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) -> Option<StmtKind> {
    Some(match from.kind() {
        "expression_statement" => {
            let inner = from.first()?;
            // A switch is no expression where nobody asks for its value.
            if inner.is("switch_expression") {
                return Some(StmtKind::Switch(switch::switch(b, inner, false)));
            }
            StmtKind::Expr(expression(b, inner))
        }
        "switch_expression" => StmtKind::Switch(switch::switch(b, from, false)),
        "local_variable_declaration" => {
            variables(b, from, into);
            return None;
        }
        "block" => StmtKind::Block(body(b, Some(from))),
        "if_statement" => StmtKind::If {
            condition: expression(b, from.field("condition")?),
            then: body(b, from.field("consequence")),
            otherwise: body(b, from.field("alternative")),
        },
        "return_statement" => StmtKind::Return(from.first().map(|value| expression(b, value))),
        "throw_statement" => StmtKind::Throw(from.first().map(|value| expression(b, value))),
        "yield_statement" => {
            if !b.enter(from.span()) {
                return None;
            }
            let value = from.first().map(|value| Box::new(expression(b, value)));
            b.leave();
            StmtKind::Expr(expr(from.span(), ExprKind::Yield(value)))
        }
        "while_statement" => StmtKind::While {
            condition: expression(b, from.field("condition")?),
            body: body(b, from.field("body")),
            first: true,
        },
        "do_statement" => StmtKind::While {
            body: body(b, from.field("body")),
            condition: expression(b, from.field("condition")?),
            first: false,
        },
        "for_statement" => for_loop(b, from),
        "enhanced_for_statement" => StmtKind::Each {
            pattern: from.field("name").map_or(Pattern::Ignore, |name| bound(b, name)),
            over: expression(b, from.field("value")?),
            keys: false,
            body: body(b, from.field("body")),
        },
        "labeled_statement" => {
            let parts = from.parts();
            let label = b.symbol(parts.first()?.text());
            StmtKind::Labeled { label, body: body(b, parts.get(1).copied()) }
        }
        "break_statement" => StmtKind::Break(label(b, from)),
        "continue_statement" => StmtKind::Continue(label(b, from)),
        "assert_statement" => {
            let parts = from.parts();
            let condition = expression(b, *parts.first()?);
            into.push(stmt(from.span(), StmtKind::Assert(condition)));
            let message = expression(b, *parts.get(1)?);
            into.push(stmt(message.span, StmtKind::Expr(message)));
            return None;
        }
        "synchronized_statement" => {
            let mut inside = Vec::new();
            if let Some(lock) = from.child("parenthesized_expression") {
                let lock = expression(b, lock);
                inside.push(stmt(lock.span, StmtKind::Expr(lock)));
            }
            inside.extend(body(b, from.field("body")));
            StmtKind::Block(inside)
        }
        "try_statement" => attempt(b, from),
        "try_with_resources_statement" => {
            let mut inside = Vec::new();
            let resources = from.field("resources").map(|list| list.parts()).unwrap_or_default();
            for resource in resources {
                inside.extend(self::resource(b, resource));
            }
            if b.enter(from.span()) {
                let attempt = attempt(b, from);
                inside.push(stmt(from.span(), attempt));
                b.leave();
            }
            StmtKind::Block(inside)
        }
        "explicit_constructor_invocation" => StmtKind::Expr(expression(b, from)),
        "class_declaration"
        | "record_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "annotation_type_declaration" => StmtKind::Class(class::class(b, from)?),
        "method_declaration" | "constructor_declaration" => {
            StmtKind::Function(member::method(b, from, None, false))
        }
        // What stands around an error.
        "ERROR" | "catch_clause" | "finally_clause" | "class_body" | "constructor_body" => {
            from.parts().into_iter().for_each(|part| statement(b, part, into));
            return None;
        }
        "modifiers" | "import_declaration" | "package_declaration" => return None,
        kind if kind.ends_with("_type") || kind.ends_with("type_identifier") => return None,
        _ => StmtKind::Expr(expression(b, from)),
    })
}

fn label(b: &mut Builder, from: At<'_>) -> Option<Symbol> {
    from.child("identifier").map(|label| b.symbol(label.text()))
}

/// A name that is declared; `_` is none.
pub(super) fn bound(b: &mut Builder, from: At<'_>) -> Pattern {
    if from.is("underscore_pattern") || from.text() == "_" {
        return Pattern::Ignore;
    }
    Pattern::Name(b.symbol(from.text()), from.span())
}

fn variables(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) {
    let of_type = from.field("type").and_then(|of_type| types::declared(b, of_type));
    let constant = annotation::is(from, "final");
    for declarator in from.fields("declarator") {
        let pattern = declarator.field("name").map_or(Pattern::Ignore, |name| bound(b, name));
        let of_type = types::of_declarator(b, of_type.as_ref(), declarator);
        let value = declarator.field("value").map(|value| expression(b, value));
        into.push(stmt(declarator.span(), StmtKind::Let { pattern, of_type, value, constant }));
    }
}

fn for_loop(b: &mut Builder, from: At<'_>) -> StmtKind {
    let mut init = Vec::new();
    for part in from.fields("init") {
        statement(b, part, &mut init);
    }
    let condition = from.field("condition").map(|condition| expression(b, condition));
    let update = from.fields("update").into_iter().map(|one| expression(b, one)).collect();
    StmtKind::For { init, condition, update, body: body(b, from.field("body")) }
}

/// `try`, without its resources.
fn attempt(b: &mut Builder, from: At<'_>) -> StmtKind {
    let inside = body(b, from.field("body"));
    let mut catches = Vec::new();
    let mut finally = Vec::new();
    for part in from.parts() {
        match part.kind() {
            "catch_clause" => catches.push(catch(b, part)),
            "finally_clause" => finally = body(b, part.child("block")),
            _ => {}
        }
    }
    StmtKind::Try { body: inside, catches, otherwise: Vec::new(), finally }
}

fn catch(b: &mut Builder, from: At<'_>) -> Catch {
    let param = from.child("catch_formal_parameter");
    let types = param.and_then(|param| param.child("catch_type")).map(|list| list.parts());
    let types = types.unwrap_or_default().into_iter().map(|one| types::of_type(b, one)).collect();
    let name = param.and_then(|param| param.field("name"));
    let pattern = name.map_or(Pattern::Ignore, |name| bound(b, name));
    Catch { types, pattern, body: body(b, from.field("body")), span: from.span() }
}

fn resource(b: &mut Builder, from: At<'_>) -> Option<Stmt> {
    let Some(value) = from.field("value") else {
        // A variable that is there already.
        let value = expression(b, from.first()?);
        return Some(stmt(from.span(), StmtKind::Expr(value)));
    };
    let pattern = from.field("name").map_or(Pattern::Ignore, |name| bound(b, name));
    let of_type = from.field("type").and_then(|of_type| types::declared(b, of_type));
    let value = Some(expression(b, value));
    Some(stmt(from.span(), StmtKind::Let { pattern, of_type, value, constant: true }))
}
