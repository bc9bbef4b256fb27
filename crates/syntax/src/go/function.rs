//! Functions, methods and closures.

use super::statement::block;
use super::types;
use crate::builder::{Builder, blank, stmt};
use crate::cursor::At;
use crate::tree::{ClassId, Function, FunctionId, Param, ParamKind, Pattern, Stmt, StmtKind, Traits, Type};

/// A function, a closure, or what an interface asks for; as a method where there is a class.
pub(super) fn function(b: &mut Builder, from: At<'_>, class: Option<ClassId>) -> FunctionId {
    let span = from.span();
    let id = b.next_function(span);
    let mut function = Function { class, ..blank(span) };
    function.traits = Traits { arrow: from.is("func_literal"), ..Traits::default() };
    if let Some(name) = from.field("name") {
        (function.name, function.head) = (Some(b.symbol(name.text())), name.span());
        function.traits.public = name.text().starts_with(char::is_uppercase);
    }
    let receiver = from.field("receiver").and_then(|list| list.first()).and_then(|one| one.field("name"));
    function.receiver = receiver.map(|name| b.symbol(name.text()));
    function.params = from.field("parameters").map(|list| params(b, list)).unwrap_or_default();
    function.returns = types::result(b, from);
    function.body = results(b, from);
    function.body.extend(block(b, from.field("body")));
    b.set_function(id, function);
    id
}

/// `func (r *T) name()`: a method of the class `T`.
pub(super) fn method(b: &mut Builder, from: At<'_>) -> FunctionId {
    let of = from.field("receiver").and_then(|list| list.first()).and_then(|one| one.field("type"));
    let mut of = of;
    while let Some(at) = of
        && matches!(at.kind(), "pointer_type" | "parenthesized_type" | "generic_type")
    {
        of = at.first();
    }
    let class = of.map(|of| {
        let name = b.symbol(of.text());
        b.class_named(name, of.span())
    });
    let id = function(b, from, class);
    if let Some(class) = class.and_then(|class| b.class_mut(class)) {
        class.methods.push(id);
    }
    id
}

/// Results that have names are variables of the function.
fn results(b: &mut Builder, from: At<'_>) -> Vec<Stmt> {
    let Some(list) = from.field("result").filter(|list| list.is("parameter_list")) else { return Vec::new() };
    let mut found = Vec::new();
    for part in list.parts() {
        let of_type = part.field("type").map(|of_type| types::of_type(b, of_type));
        for name in part.fields("name") {
            let (pattern, of_type) = (named(b, name), of_type.clone());
            let kind = StmtKind::Let { pattern, of_type, value: None, constant: false };
            found.push(stmt(part.span(), kind));
        }
    }
    found
}

fn params(b: &mut Builder, from: At<'_>) -> Vec<Param> {
    let mut found = Vec::new();
    for part in from.parts() {
        let Some(of_type) = part.field("type").map(|of_type| types::of_type(b, of_type)) else { continue };
        let rest = part.is("variadic_parameter_declaration");
        let (kind, of_type) = if rest {
            let (path, span) = (b.symbol("[]"), of_type.span);
            (ParamKind::Rest, Type { path, arguments: vec![of_type], span })
        } else {
            (ParamKind::Positional, of_type)
        };
        let (default, decorators, of_type, span) = (None, Vec::new(), Some(of_type), part.span());
        let param = Param { pattern: Pattern::Ignore, kind, of_type, default, decorators, span };
        let names = part.fields("name");
        if names.is_empty() {
            found.push(param);
            continue;
        }
        for name in names {
            found.push(Param { pattern: named(b, name), ..param.clone() });
        }
    }
    found
}

/// A name that is declared; `_` is none.
pub(super) fn named(b: &mut Builder, from: At<'_>) -> Pattern {
    if from.text() == "_" {
        return Pattern::Ignore;
    }
    Pattern::Name(b.symbol(from.text()), from.span())
}
