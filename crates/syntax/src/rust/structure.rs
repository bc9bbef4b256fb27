//! Structs, enums, traits and their implementations.

use super::expression::expression;
use super::item::{Scope, attribute};
use super::{function, statement, types};
use crate::builder::Builder;
use crate::cursor::At;
use crate::tree::{Class, ClassId, Expr, Field, Stmt, Type};

fn change(b: &mut Builder, id: ClassId, change: impl FnOnce(&mut Class)) {
    if let Some(class) = b.class_mut(id) {
        change(class);
    }
}

pub(super) fn structure(
    b: &mut Builder,
    from: At<'_>,
    decorators: Vec<Expr>,
    scope: &Scope,
    into: &mut Vec<Stmt>,
) -> Option<ClassId> {
    let name = from.field("name")?;
    let (span, head) = (from.span(), name.span());
    if !b.enter(span) {
        return None;
    }
    let symbol = b.symbol(&[scope.path.as_str(), name.text()].concat());
    let id = if scope.local { b.next_class(span) } else { b.class_named(symbol, span) };
    change(b, id, |class| {
        (class.name, class.span, class.head) = (Some(symbol), span, head);
        class.decorators.extend(decorators);
    });
    let mut bases = Vec::new();
    if let Some(bounds) = from.field("bounds") {
        let bounds = bounds.parts().into_iter().filter(|bound| !bound.is("lifetime"));
        bases.extend(bounds.map(|bound| types::as_expression(b, bound)));
    }
    if from.is("type_item") {
        bases.extend(from.field("type").map(|of| types::as_expression(b, of)));
    }
    change(b, id, |class| class.bases.extend(bases));
    if let Some(body) = from.field("body") {
        if from.is("trait_item") {
            members(b, body, id, scope, true, into);
        } else {
            fields(b, body, id);
        }
    }
    b.leave();
    Some(id)
}

/// `impl T { … }`, `impl A for T { … }`.
pub(super) fn implementation(
    b: &mut Builder,
    from: At<'_>,
    decorators: Vec<Expr>,
    scope: &Scope,
    into: &mut Vec<Stmt>,
) {
    let Some(of) = from.field("type").filter(|_| b.enter(from.span())) else { return };
    let symbol = b.symbol(&[scope.path.as_str(), types::path(of).as_str()].concat());
    let id = b.class_named(symbol, of.span());
    let base = from.field("trait").map(|base| types::as_expression(b, base));
    change(b, id, |class| {
        class.bases.extend(base);
        class.decorators.extend(decorators);
    });
    if let Some(body) = from.field("body") {
        // What a trait asks for is as public as the trait.
        members(b, body, id, scope, from.field("trait").is_some(), into);
    }
    b.leave();
}

fn members(b: &mut Builder, from: At<'_>, id: ClassId, scope: &Scope, open: bool, into: &mut Vec<Stmt>) {
    let mut attributes = Vec::new();
    for part in from.parts() {
        match part.kind() {
            "attribute_item" => {
                attributes.extend(attribute(b, part));
                continue;
            }
            "function_item" | "function_signature_item" => {
                let own = std::mem::take(&mut attributes);
                let decorators = scope.conditions.iter().cloned().chain(own).collect();
                let method = function::function(b, part, Some(id), decorators, "");
                if let Some(function) = b.function_mut(method) {
                    function.traits.public |= open;
                }
                change(b, id, |class| class.methods.push(method));
            }
            "const_item" => {
                let Some(name) = part.field("name") else { continue };
                let field = Field {
                    name: b.symbol(name.text()),
                    span: part.span(),
                    of_type: part.field("type").map(|of_type| types::of_type(b, of_type)),
                    value: part.field("value").map(|value| expression(b, value)),
                    decorators: std::mem::take(&mut attributes),
                    of_class: true,
                };
                change(b, id, |class| class.fields.push(field));
            }
            "type_item" | "associated_type" | "inner_attribute_item" => {}
            "ERROR" if b.enter(part.span()) => {
                members(b, part, id, scope, open, into);
                b.leave();
            }
            "macro_invocation" => {
                statement::statement(b, part, into);
            }
            _ => {}
        }
        attributes.clear();
    }
}

fn fields(b: &mut Builder, from: At<'_>, id: ClassId) {
    let mut attributes = Vec::new();
    let mut number = 0_usize;
    for part in from.parts() {
        let (name, of_type, value, of_class) = match part.kind() {
            "attribute_item" => {
                attributes.extend(attribute(b, part));
                continue;
            }
            "field_declaration" => {
                let of_type = part.field("type").map(|of_type| types::of_type(b, of_type));
                let Some(name) = part.field("name") else { continue };
                (b.symbol(name.text()), of_type, None, false)
            }
            "enum_variant" => {
                let Some(name) = part.field("name") else { continue };
                let of_type = part.field("body").map(|body| holds(b, body));
                let value = part.field("value").map(|value| expression(b, value));
                (b.symbol(name.text()), of_type, value, true)
            }
            "visibility_modifier" | "ERROR" => continue,
            // A field without a name is called by its number.
            _ => {
                let name = b.symbol(&number.to_string());
                number = number.saturating_add(1);
                (name, Some(types::of_type(b, part)), None, false)
            }
        };
        let decorators = std::mem::take(&mut attributes);
        let field = Field { name, span: part.span(), of_type, value, decorators, of_class };
        change(b, id, |class| class.fields.push(field));
    }
}

/// What a variant holds, as a tuple.
fn holds(b: &mut Builder, from: At<'_>) -> Type {
    let mut arguments = Vec::new();
    for part in from.parts() {
        match part.kind() {
            "attribute_item" | "visibility_modifier" | "ERROR" => {}
            "field_declaration" => arguments.extend(part.field("type").map(|one| types::of_type(b, one))),
            _ => arguments.push(types::of_type(b, part)),
        }
    }
    Type { path: b.symbol("()"), arguments, span: from.span() }
}
