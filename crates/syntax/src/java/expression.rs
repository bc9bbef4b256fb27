//! Expressions.

use gabion_finding::Span;

use super::pattern::pattern;
use super::{class, member, string, switch, types};
use crate::builder::{Builder, expr, unknown};
use crate::cursor::At;
use crate::literal::number;
use crate::operator;
use crate::tree::{Argument, Call, Case, Expr, ExprKind, ListKind, Pattern, Switch, UnaryOp};

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
        expression_kind(b, from).map_or_else(|| parts(b, from), |kind| expr(span, kind))
    };
    b.leave();
    found
}

fn boxed(b: &mut Builder, from: At<'_>) -> Box<Expr> {
    Box::new(expression(b, from))
}

/// What has no other form: its parts.
fn parts(b: &mut Builder, from: At<'_>) -> Expr {
    let parts = from.parts().into_iter().map(|part| expression(b, part)).collect();
    unknown(from.span(), parts)
}

fn expression_kind(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    Some(match from.kind() {
        "identifier" | "type_identifier" => ExprKind::Name(b.symbol(from.text())),
        "this" => ExprKind::This,
        "super" => ExprKind::Super,
        "true" => ExprKind::Bool(true),
        "false" => ExprKind::Bool(false),
        "null_literal" => ExprKind::Null,
        "string_literal" => string::string(b, from, None).kind,
        "character_literal" => ExprKind::String(b.symbol(&string::character(from.text()))),
        "decimal_integer_literal"
        | "hex_integer_literal"
        | "octal_integer_literal"
        | "binary_integer_literal"
        | "decimal_floating_point_literal"
        | "hex_floating_point_literal" => ExprKind::Number(number(from.text(), true)),
        "method_invocation" => invocation(b, from)?,
        "field_access" | "scoped_identifier" => access(b, from)?,
        "object_creation_expression" => creation(b, from)?,
        "assignment_expression" => assignment(b, from)?,
        "lambda_expression" => ExprKind::Function(member::lambda(b, from)),
        "cast_expression" => ExprKind::Cast {
            to: types::of_type(b, from.field("type")?),
            value: boxed(b, from.field("value")?),
        },
        "ternary_expression" => ExprKind::Conditional {
            condition: boxed(b, from.field("condition")?),
            then: boxed(b, from.field("consequence")?),
            otherwise: Some(boxed(b, from.field("alternative")?)),
        },
        "unary_expression" => {
            let op = match from.field("operator")?.kind() {
                "-" => UnaryOp::Minus,
                "!" => UnaryOp::Not,
                "~" => UnaryOp::BitNot,
                _ => UnaryOp::Plus,
            };
            ExprKind::Unary { op, operand: boxed(b, from.field("operand")?) }
        }
        "update_expression" => ExprKind::Unary { op: UnaryOp::Step, operand: boxed(b, from.first()?) },
        "instanceof_expression" => type_test(b, from)?,
        "switch_expression" => ExprKind::Switch(switch::switch(b, from, true)),
        "array_access" => {
            ExprKind::Index { object: boxed(b, from.field("array")?), index: boxed(b, from.field("index")?) }
        }
        "array_creation_expression" => array(b, from)?,
        "array_initializer" => list(b, from),
        "method_reference" => reference(b, from)?,
        "class_literal" => {
            let object = Box::new(types::as_expression(b, from.first()?));
            ExprKind::Member { object, name: b.symbol("class") }
        }
        "template_expression" => {
            let tag = Some(boxed(b, from.field("template_processor")?));
            string::string(b, from.field("template_argument")?, tag).kind
        }
        "explicit_constructor_invocation" => {
            let callee = boxed(b, from.field("constructor")?);
            call(callee, from.field("arguments").map(|list| arguments(b, list)), false)
        }
        "integral_type"
        | "floating_point_type"
        | "boolean_type"
        | "array_type"
        | "generic_type"
        | "scoped_type_identifier" => types::as_expression(b, from).kind,
        "expression_statement" => expression(b, from.first()?).kind,
        "class_declaration" => ExprKind::Class(class::class(b, from)?),
        "method_declaration" | "constructor_declaration" => {
            ExprKind::Function(member::method(b, from, None, false))
        }
        _ => return None,
    })
}

fn call(callee: Box<Expr>, arguments: Option<Vec<Argument>>, new: bool) -> ExprKind {
    ExprKind::Call(Call { callee, arguments: arguments.unwrap_or_default(), new, macro_call: false })
}

pub(super) fn arguments(b: &mut Builder, from: At<'_>) -> Vec<Argument> {
    let parts = from.parts().into_iter();
    parts.map(|part| Argument { name: None, value: expression(b, part) }).collect()
}

fn invocation(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let name = from.field("name")?;
    let callee = match from.field("object") {
        Some(object) => {
            // Calls on calls on calls: each is two levels.
            if !b.enter(from.span()) {
                return None;
            }
            let super_of = object.node.next_named_sibling().is_some_and(|next| next.kind() == "super");
            let start = object.span().start;
            // `A.super.b()` calls what is above this object.
            let object = if super_of { expr(object.span(), ExprKind::Super) } else { expression(b, object) };
            b.leave();
            let span = Span::new(start, name.span().end);
            expr(span, ExprKind::Member { object: Box::new(object), name: b.symbol(name.text()) })
        }
        None => b.name(name.text(), name.span()),
    };
    let arguments = from.field("arguments").map(|list| arguments(b, list));
    Some(call(Box::new(callee), arguments, false))
}

fn access(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let object = from.field("object").or_else(|| from.field("scope"))?;
    let name = from.field("field").or_else(|| from.field("name"))?;
    if name.is("this") {
        return Some(ExprKind::This);
    }
    let object = if object.node.next_named_sibling().is_some_and(|next| next.kind() == "super") {
        Box::new(expr(object.span(), ExprKind::Super))
    } else {
        boxed(b, object)
    };
    Some(ExprKind::Member { object, name: b.symbol(name.text()) })
}

fn creation(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let of = from.field("type")?;
    let mut callee = types::as_expression(b, of);
    // `outer.new Inner()`.
    let outer = from.first().filter(|first| first.node.id() != of.node.id());
    let outer = outer.filter(|first| !first.is("type_arguments") && !first.kind().ends_with("annotation"));
    if let Some(outer) = outer {
        let object = boxed(b, outer);
        let name = b.symbol(&types::name(of));
        callee = expr(object.span.join(of.span()), ExprKind::Member { object, name });
    }
    let arguments = from.field("arguments").map(|list| arguments(b, list));
    if let Some(body) = from.child("class_body") {
        callee = expr(body.span(), ExprKind::Class(class::anonymous(b, callee, body)));
    }
    Some(call(Box::new(callee), arguments, true))
}

fn assignment(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let left = from.field("left")?;
    if !b.enter(left.span()) {
        return None;
    }
    let target = expression(b, left);
    b.leave();
    let target = Box::new(match target.kind {
        ExprKind::Name(name) => Pattern::Name(name, target.span),
        _ => Pattern::Place(Box::new(target)),
    });
    let op = operator::binary(from.field("operator")?.kind().trim_end_matches('='));
    Some(ExprKind::Assign { target, op, value: boxed(b, from.field("right")?) })
}

fn type_test(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let value = boxed(b, from.field("left")?);
    if let Some(right) = from.field("right") {
        let of_type = types::of_type(b, right);
        let binding = from.field("name").map(|name| b.symbol(name.text()));
        return Some(ExprKind::TypeTest { value, of_type, binding });
    }
    // A record is taken apart: true in the case that fits.
    let record = from.field("pattern")?;
    let span = record.span();
    let case = |pattern, fits| Case {
        pattern,
        guard: None,
        body: Vec::new(),
        value: Some(expr(span, ExprKind::Bool(fits))),
        span,
    };
    let cases = vec![case(Some(pattern(b, record)), true), case(None, false)];
    Some(ExprKind::Switch(Switch { subject: Some(value), cases, falls: false }))
}

fn array(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    if let Some(values) = from.field("value") {
        return Some(list(b, values));
    }
    let of = from.field("type")?;
    let name = format!("{}[]", types::name(of));
    let callee = Box::new(b.name(&name, of.span()));
    let sizes = from.fields("dimensions").into_iter().filter(|one| one.is("dimensions_expr"));
    let sizes = sizes.filter_map(|one| one.parts().last().copied());
    let arguments = sizes.map(|size| Argument { name: None, value: expression(b, size) }).collect();
    Some(call(callee, Some(arguments), true))
}

fn list(b: &mut Builder, from: At<'_>) -> ExprKind {
    let items = from.parts().into_iter().map(|item| expression(b, item)).collect();
    ExprKind::List { kind: ListKind::List, items }
}

fn reference(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let parts = from.parts();
    let object = boxed(b, *parts.first()?);
    let last = parts.last().filter(|last| parts.len() > 1 && last.is("identifier"));
    let name = last.map_or("new", |last| last.text());
    Some(ExprKind::Member { object, name: b.symbol(name) })
}
