//! Declared types: structs, interfaces and names for other types.

use super::{function, literal, types};
use crate::builder::{Builder, stmt};
use crate::cursor::At;
use crate::tree::{Class, ClassId, Field, Stmt, StmtKind};

/// `top` where other declarations of the file may name them.
pub(super) fn types(b: &mut Builder, from: At<'_>, top: bool, into: &mut Vec<Stmt>) {
    for part in from.parts() {
        let (Some(name), Some(of)) = (part.field("name"), part.field("type")) else { continue };
        let span = part.span();
        let symbol = b.symbol(name.text());
        let id = if top { b.class_named(symbol, span) } else { b.next_class(span) };
        if let Some(class) = b.class_mut(id) {
            (class.name, class.span, class.head) = (Some(symbol), span, name.span());
        }
        match of.kind() {
            "struct_type" => structure(b, of, id),
            "interface_type" => interface(b, of, id),
            "type_identifier" | "qualified_type" | "generic_type" => {
                let base = types::as_expression(b, of);
                change(b, id, |class| class.bases.push(base));
            }
            _ => {}
        }
        into.push(stmt(span, StmtKind::Class(id)));
    }
}

fn change(b: &mut Builder, id: ClassId, change: impl FnOnce(&mut Class)) {
    if let Some(class) = b.class_mut(id) {
        change(class);
    }
}

fn structure(b: &mut Builder, from: At<'_>, id: ClassId) {
    let list = from.child("field_declaration_list").map(|list| list.parts()).unwrap_or_default();
    for part in list {
        let Some(of) = part.field("type") else { continue };
        let of_type = types::of_type(b, of);
        let tag = part.field("tag").map(|tag| b.string(&literal::content(tag), tag.span()));
        let mut names = part.fields("name");
        if names.is_empty() {
            let base = types::as_expression(b, of);
            change(b, id, |class| class.bases.push(base));
            names.extend(last_word(of));
        }
        for name in names {
            let field = Field {
                name: b.symbol(name.text()),
                span: part.span(),
                of_type: Some(of_type.clone()),
                value: None,
                decorators: tag.iter().cloned().collect(),
                of_class: false,
            };
            change(b, id, |class| class.fields.push(field));
        }
    }
}

/// What an embedded field is called.
fn last_word(of: At<'_>) -> Option<At<'_>> {
    let of = of.field("type").unwrap_or(of);
    of.field("name").or(Some(of))
}

fn interface(b: &mut Builder, from: At<'_>, id: ClassId) {
    for part in from.parts() {
        if part.is("method_elem") {
            let method = function::function(b, part, Some(id));
            change(b, id, |class| class.methods.push(method));
        } else if let [only] = part.parts().as_slice() {
            let base = types::as_expression(b, *only);
            change(b, id, |class| class.bases.push(base));
        }
    }
}
