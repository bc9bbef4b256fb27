//! Functions, methods and closures.

use super::pattern::pattern;
use super::{statement, types};
use crate::builder::{Builder, blank};
use crate::cursor::At;
use crate::tree::{ClassId, Expr, Function, FunctionId, Param, ParamKind, Pattern, Traits, Type};

/// `path` is that of the module it stands in.
pub(super) fn function(
    b: &mut Builder,
    from: At<'_>,
    class: Option<ClassId>,
    decorators: Vec<Expr>,
    path: &str,
) -> FunctionId {
    let span = from.span();
    let id = b.next_function(span);
    let mut function = Function { class, decorators, ..blank(span) };
    if let Some(name) = from.field("name") {
        let qualified = [path, name.text()].concat();
        (function.name, function.head) = (Some(b.symbol(&qualified)), name.span());
    }
    let list = from.field("parameters");
    let own = list.is_some_and(|list| list.has("self_parameter"));
    function.receiver = own.then(|| b.symbol("self"));
    function.traits = Traits {
        asynchronous: from.child("function_modifiers").is_some_and(|words| words.has("async")),
        of_class: class.is_some() && !own,
        public: from.has("visibility_modifier"),
        ..Traits::default()
    };
    function.params = list.map(|list| params(b, list)).unwrap_or_default();
    function.returns = from.field("return_type").map(|returns| types::of_type(b, returns));
    if let Some(body) = from.field("body") {
        statement::returning(b, body, function.returns.is_some(), &mut function.body);
    }
    b.set_function(id, function);
    id
}

pub(super) fn closure(b: &mut Builder, from: At<'_>) -> FunctionId {
    let id = b.next_function(from.span());
    let mut function = blank(from.span());
    function.traits = Traits { asynchronous: from.has("async"), arrow: true, ..Traits::default() };
    function.params = from.field("parameters").map(|list| params(b, list)).unwrap_or_default();
    function.returns = from.field("return_type").map(|returns| types::of_type(b, returns));
    if let Some(body) = from.field("body") {
        statement::returning(b, body, true, &mut function.body);
    }
    b.set_function(id, function);
    id
}

fn params(b: &mut Builder, from: At<'_>) -> Vec<Param> {
    let mut found = Vec::new();
    let mut decorators = Vec::new();
    for part in from.all() {
        let (bound, of_type): (Pattern, Option<Type>) = match part.kind() {
            "attribute_item" => {
                decorators.extend(super::item::attribute(b, part));
                continue;
            }
            "self_parameter" | "variadic_parameter" | "ERROR" => continue,
            "parameter" => {
                let bound = part.field("pattern").map_or(Pattern::Ignore, |one| pattern(b, one));
                (bound, part.field("type").map(|of_type| types::of_type(b, of_type)))
            }
            "_" => (Pattern::Ignore, None),
            kind if kind.ends_with("_type") || kind == "type_identifier" => {
                (Pattern::Ignore, Some(types::of_type(b, part)))
            }
            _ if part.node.is_named() => (pattern(b, part), None),
            _ => continue,
        };
        found.push(Param {
            pattern: bound,
            kind: ParamKind::Positional,
            of_type,
            default: None,
            decorators: std::mem::take(&mut decorators),
            span: part.span(),
        });
    }
    found
}
