//! Methods, constructors, lambdas and their parameters; the components of records.

use gabion_finding::Span;

use super::expression::expression;
use super::statement::{body, bound};
use super::{annotation, types};
use crate::builder::{Builder, blank, expr, stmt};
use crate::cursor::At;
use crate::tree::{
    Class, ClassId, ExprKind, Field, Function, FunctionId, Param, ParamKind, Pattern, Stmt, StmtKind, Traits,
};

/// `open` where it is public without the word: in an interface.
pub(super) fn method(b: &mut Builder, from: At<'_>, class: Option<ClassId>, open: bool) -> FunctionId {
    let id = b.next_function(from.span());
    let constructor = !from.is("method_declaration");
    let mut function = Function {
        class,
        decorators: annotation::decorators(b, from),
        traits: Traits {
            constructor,
            of_class: annotation::is(from, "static"),
            public: annotation::is(from, "public") || open && !annotation::is(from, "private"),
            ..Traits::default()
        },
        ..blank(from.span())
    };
    if let Some(name) = from.field("name") {
        (function.name, function.head) = (Some(b.symbol(name.text())), name.span());
    }
    function.params = from.field("parameters").map(|list| params(b, list)).unwrap_or_default();
    let returns = from.field("type").filter(|returns| !returns.is("void_type"));
    let returns = returns.map(|returns| types::of_type(b, returns));
    function.returns = types::of_declarator(b, returns.as_ref(), from);
    function.body = body(b, from.field("body"));
    b.set_function(id, function);
    id
}

pub(super) fn lambda(b: &mut Builder, from: At<'_>) -> FunctionId {
    let id = b.next_function(from.span());
    let params = match from.field("parameters") {
        Some(list) if list.is("formal_parameters") => params(b, list),
        Some(list) if list.is("inferred_parameters") => {
            list.parts().into_iter().map(|name| untyped(b, name)).collect()
        }
        Some(name) => vec![untyped(b, name)],
        None => Vec::new(),
    };
    let inside = match from.field("body") {
        Some(block) if block.is("block") => body(b, Some(block)),
        Some(value) => {
            let value = expression(b, value);
            vec![stmt(value.span, StmtKind::Return(Some(value)))]
        }
        None => Vec::new(),
    };
    let traits = Traits { arrow: true, ..Traits::default() };
    b.set_function(id, Function { params, body: inside, traits, ..blank(from.span()) });
    id
}

fn untyped(b: &mut Builder, name: At<'_>) -> Param {
    let pattern = bound(b, name);
    let (kind, span) = (ParamKind::Positional, name.span());
    Param { pattern, kind, of_type: None, default: None, decorators: Vec::new(), span }
}

fn params(b: &mut Builder, from: At<'_>) -> Vec<Param> {
    let mut found = Vec::new();
    for part in from.parts() {
        let decorators = annotation::decorators(b, part);
        let span = part.span();
        match part.kind() {
            "formal_parameter" => {
                let of_type = part.field("type").and_then(|of_type| types::declared(b, of_type));
                found.push(Param {
                    pattern: part.field("name").map_or(Pattern::Ignore, |name| bound(b, name)),
                    kind: ParamKind::Positional,
                    of_type: types::of_declarator(b, of_type.as_ref(), part),
                    default: None,
                    decorators,
                    span,
                });
            }
            "spread_parameter" => {
                let of_type = part.parts().into_iter().find(|one| {
                    !matches!(one.kind(), "modifiers" | "variable_declarator")
                        && !one.kind().ends_with("annotation")
                });
                let name = part.child("variable_declarator").and_then(|name| name.field("name"));
                let of_type = of_type.map(|of_type| types::of_type(b, of_type));
                found.push(Param {
                    pattern: name.map_or(Pattern::Ignore, |name| bound(b, name)),
                    kind: ParamKind::Rest,
                    of_type: of_type.map(|of_type| types::array(b, of_type)),
                    default: None,
                    decorators,
                    span,
                });
            }
            // The receiver, which names the object itself, is no parameter.
            _ => {}
        }
    }
    found
}

/// The components of a record: fields, and a constructor that sets them unless the record writes its own.
pub(super) fn record(b: &mut Builder, from: At<'_>, id: ClassId, class: &mut Class) {
    let Some(list) = from.field("parameters") else { return };
    let components = params(b, list);
    for component in &components {
        if let Pattern::Name(name, _) = component.pattern {
            class.fields.push(Field {
                name,
                span: component.span,
                of_type: component.of_type.clone(),
                value: None,
                decorators: component.decorators.clone(),
                of_class: false,
            });
        }
    }
    let inside = from.field("body").map(|inside| inside.parts()).unwrap_or_default();
    let own = inside.iter().any(|part| {
        let params = part.field("parameters").map(|list| list.parts().len());
        part.is("constructor_declaration") && params == Some(components.len())
    });
    if own {
        return;
    }
    let compact = inside.iter().find(|part| part.is("compact_constructor_declaration"));
    let span = compact.map_or_else(|| list.span(), |compact| compact.span());
    let head = compact.and_then(|compact| compact.field("name")).map(|name| name.span());
    let constructor = b.next_function(span);
    let mut function = Function {
        name: class.name,
        head: class.head,
        class: Some(id),
        traits: Traits { constructor: true, public: true, ..Traits::default() },
        ..blank(span)
    };
    if let Some(compact) = compact {
        function.decorators = annotation::decorators(b, *compact);
        function.body = body(b, compact.field("body"));
    }
    function.body.extend(components.iter().filter_map(|component| sets(component, head)));
    function.params = components;
    b.set_function(constructor, function);
    class.methods.push(constructor);
}

/// `this.a = a`, said of the component, or of the constructor that is written.
fn sets(component: &Param, head: Option<Span>) -> Option<Stmt> {
    let Pattern::Name(name, own) = component.pattern else { return None };
    let span = head.unwrap_or(own);
    let object = Box::new(expr(span, ExprKind::This));
    let place = expr(span, ExprKind::Member { object, name });
    let target = Box::new(Pattern::Place(Box::new(place)));
    let value = Box::new(expr(span, ExprKind::Name(name)));
    let kind = ExprKind::Assign { target, op: None, value };
    Some(stmt(span, StmtKind::Expr(expr(span, kind))))
}
