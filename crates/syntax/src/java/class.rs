//! Classes, interfaces, enums, records and annotation types.

use super::expression::{arguments, expression};
use super::statement::{body, statement};
use super::{annotation, member, types};
use crate::builder::{Builder, expr, stmt};
use crate::cursor::At;
use crate::tree::{Argument, Call, Class, ClassId, Expr, ExprKind, Field, StmtKind};

/// Nothing where it nests too deep.
pub(super) fn class(b: &mut Builder, from: At<'_>) -> Option<ClassId> {
    let span = from.span();
    let mut class = empty(from);
    if let Some(name) = from.field("name") {
        (class.name, class.head) = (Some(b.symbol(name.text())), name.span());
    }
    let id = b.next_class(span);
    class.decorators = annotation::decorators(b, from);
    for part in from.parts() {
        match part.kind() {
            "superclass" => class.bases.extend(part.first().map(|base| types::as_expression(b, base))),
            "super_interfaces" | "extends_interfaces" => {
                let list = part.first().map(|list| list.parts()).unwrap_or_default();
                class.bases.extend(list.into_iter().map(|base| types::as_expression(b, base)));
            }
            _ => {}
        }
    }
    if from.is("record_declaration") {
        member::record(b, from, id, &mut class);
    }
    let open = from.is("interface_declaration") || from.is("annotation_type_declaration");
    if let Some(inside) = from.field("body") {
        members(b, inside, id, &mut class, open);
    }
    b.set_class(id, class);
    Some(id)
}

/// The class that stands behind `new`, made of what it extends.
pub(super) fn anonymous(b: &mut Builder, base: Expr, from: At<'_>) -> ClassId {
    let id = b.next_class(from.span());
    let mut class = empty(from);
    class.bases.push(base);
    members(b, from, id, &mut class, false);
    b.set_class(id, class);
    id
}

fn empty(from: At<'_>) -> Class {
    let (span, name) = (from.span(), None);
    let (bases, decorators, fields, methods, body) = (vec![], vec![], vec![], vec![], vec![]);
    Class { name, span, head: span, bases, decorators, fields, methods, body }
}

/// `open` where all members are public: those of an interface.
fn members(b: &mut Builder, from: At<'_>, id: ClassId, class: &mut Class, open: bool) {
    if !b.enter(from.span()) {
        return;
    }
    for part in from.parts() {
        match part.kind() {
            "field_declaration" | "constant_declaration" => fields(b, part, class, open),
            "annotation_type_element_declaration" => element(b, part, class),
            "enum_constant" => constant(b, part, class),
            "enum_body_declarations" | "ERROR" => members(b, part, id, class, open),
            "method_declaration" | "constructor_declaration" => {
                class.methods.push(member::method(b, part, Some(id), open));
            }
            "compact_constructor_declaration" => {}
            "block" => {
                let inside = body(b, Some(part));
                class.body.push(stmt(part.span(), StmtKind::Block(inside)));
            }
            "static_initializer" => {
                let inside = body(b, part.child("block"));
                class.body.push(stmt(part.span(), StmtKind::Block(inside)));
            }
            _ => statement(b, part, &mut class.body),
        }
    }
    b.leave();
}

fn fields(b: &mut Builder, from: At<'_>, class: &mut Class, open: bool) {
    let of_type = from.field("type").map(|of_type| types::of_type(b, of_type));
    let of_class = open || annotation::is(from, "static");
    let decorators = annotation::decorators(b, from);
    for declarator in from.fields("declarator") {
        let Some(name) = declarator.field("name").filter(|name| !name.node.is_missing()) else { continue };
        class.fields.push(Field {
            name: b.symbol(name.text()),
            span: declarator.span(),
            of_type: types::of_declarator(b, of_type.as_ref(), declarator),
            value: declarator.field("value").map(|value| expression(b, value)),
            decorators: decorators.clone(),
            of_class,
        });
    }
}

/// What an annotation may be given: a field with its default.
fn element(b: &mut Builder, from: At<'_>, class: &mut Class) {
    let Some(name) = from.field("name") else { return };
    let of_type = from.field("type").map(|of_type| types::of_type(b, of_type));
    class.fields.push(Field {
        name: b.symbol(name.text()),
        span: from.span(),
        of_type: types::of_declarator(b, of_type.as_ref(), from),
        value: from.field("value").map(|value| annotation::value(b, value)),
        decorators: annotation::decorators(b, from),
        of_class: false,
    });
}

/// A constant of an enum: an object of it.
fn constant(b: &mut Builder, from: At<'_>, class: &mut Class) {
    let Some(name) = from.field("name") else { return };
    let of = class.name.map_or(ExprKind::This, ExprKind::Name);
    let mut callee = expr(name.span(), of);
    if let Some(inside) = from.field("body") {
        callee = expr(inside.span(), ExprKind::Class(anonymous(b, callee, inside)));
    }
    let arguments: Vec<Argument> = from.field("arguments").map(|list| arguments(b, list)).unwrap_or_default();
    let call = Call { callee: Box::new(callee), arguments, new: true, macro_call: false };
    class.fields.push(Field {
        name: b.symbol(name.text()),
        span: from.span(),
        of_type: None,
        value: Some(expr(from.span(), ExprKind::Call(call))),
        decorators: annotation::decorators(b, from),
        of_class: true,
    });
}
