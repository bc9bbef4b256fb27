//! Items: what stands in a file, a module, and among statements.

use super::expression::expression;
use super::{function, import, macros, statement, structure, types};
use crate::builder::{Builder, expr, stmt};
use crate::cursor::At;
use crate::tree::{Call, Expr, ExprKind, Import, ImportItem, Imported, Pattern, Stmt, StmtKind};

/// Where items stand.
#[derive(Default)]
pub(super) struct Scope {
    /// `a::b::` in the module `a::b` of this file.
    pub(super) path: String,
    /// The conditions of the modules around it.
    pub(super) conditions: Vec<Expr>,
    /// Inside of a function: what is declared there is known only there.
    pub(super) local: bool,
}

/// Conditions of modules that are kept for what is in them.
const CONDITIONS: usize = 4;

pub(super) fn items(b: &mut Builder, from: At<'_>, scope: &Scope, into: &mut Vec<Stmt>) {
    let mut attributes = Vec::new();
    for part in from.parts() {
        if part.is("attribute_item") {
            attributes.extend(attribute(b, part));
            continue;
        }
        let decorators = std::mem::take(&mut attributes);
        let all = || scope.conditions.iter().cloned().chain(decorators).collect();
        if part.is("ERROR") {
            // What stands around an error.
            if b.enter(part.span()) {
                items(b, part, scope, into);
                b.leave();
            }
        } else if !item(b, part, scope, all, into) {
            statement::statement(b, part, into);
        }
    }
}

/// False where it is no item.
pub(super) fn item(
    b: &mut Builder,
    from: At<'_>,
    scope: &Scope,
    decorators: impl FnOnce() -> Vec<Expr>,
    into: &mut Vec<Stmt>,
) -> bool {
    let span = from.span();
    match from.kind() {
        "function_item" | "function_signature_item" => {
            let id = function::function(b, from, None, decorators(), &scope.path);
            into.push(stmt(span, StmtKind::Function(id)));
        }
        "struct_item" | "union_item" | "enum_item" | "trait_item" | "type_item" => {
            if let Some(id) = structure::structure(b, from, decorators(), scope, into) {
                into.push(stmt(span, StmtKind::Class(id)));
            }
        }
        "impl_item" => structure::implementation(b, from, decorators(), scope, into),
        "mod_item" => module(b, from, decorators(), scope, into),
        "foreign_mod_item" => {
            if let Some(body) = from.field("body").filter(|_| b.enter(span)) {
                items(b, body, scope, into);
                b.leave();
            }
        }
        "use_declaration" => import::import(b, from, into),
        "extern_crate_declaration" => {
            if let Some(name) = from.field("name") {
                let local = from.field("alias").unwrap_or(name);
                let items = vec![ImportItem { what: Imported::Module, local: b.symbol(local.text()) }];
                let module = b.symbol(name.text());
                let import = Import { module, level: 0, items, types_only: false, span };
                into.push(stmt(span, StmtKind::Import(import)));
            }
        }
        "const_item" | "static_item" => {
            let Some(name) = from.field("name") else { return true };
            let qualified = format!("{}{}", scope.path, name.text());
            let pattern = Pattern::Name(b.symbol(&qualified), name.span());
            let of_type = from.field("type").map(|of_type| types::of_type(b, of_type));
            if b.enter(span) {
                let value = from.field("value").map(|value| expression(b, value));
                let constant = !from.has("mutable_specifier");
                into.push(stmt(span, StmtKind::Let { pattern, of_type, value, constant }));
                b.leave();
            }
        }
        "macro_definition"
        | "inner_attribute_item"
        | "associated_type"
        | "empty_statement"
        | "shebang"
        | "visibility_modifier" => {}
        _ => return false,
    }
    true
}

fn module(b: &mut Builder, from: At<'_>, decorators: Vec<Expr>, scope: &Scope, into: &mut Vec<Stmt>) {
    let Some(name) = from.field("name") else { return };
    let Some(body) = from.field("body") else {
        // In another file.
        let module = b.symbol(&format!("self::{}", name.text()));
        let items = vec![ImportItem { what: Imported::Module, local: b.symbol(name.text()) }];
        let import = Import { module, level: 0, items, types_only: false, span: from.span() };
        into.push(stmt(from.span(), StmtKind::Import(import)));
        return;
    };
    if !b.enter(from.span()) {
        return;
    }
    let cfg = b.symbol("cfg");
    let is_condition = |one: &Expr| matches!(&one.kind, ExprKind::Call(call) if matches!(call.callee.kind, ExprKind::Name(name) if name == cfg));
    let mut conditions = scope.conditions.clone();
    conditions.extend(decorators.into_iter().filter(is_condition));
    conditions.truncate(CONDITIONS);
    let path = format!("{}{}::", scope.path, name.text());
    items(b, body, &Scope { path, conditions, local: scope.local }, into);
    b.leave();
}

/// `#[a]`, `#[a(b)]`, `#[a = b]`.
pub(super) fn attribute(b: &mut Builder, from: At<'_>) -> Option<Expr> {
    let inner = from.child("attribute")?;
    let path = expression(b, inner.first()?);
    let arguments = match (inner.field("arguments"), inner.field("value")) {
        (Some(tokens), _) => macros::arguments(b, tokens),
        (None, Some(value)) => vec![macros::argument(expression(b, value))],
        (None, None) => return Some(path),
    };
    let call = Call { callee: Box::new(path), arguments, new: false, macro_call: false };
    Some(expr(inner.span(), ExprKind::Call(call)))
}
