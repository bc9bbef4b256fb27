//! What the parameters of a handler stand for, and what frameworks run to fill them.

use std::rc::Rc;

use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Param, Pattern};

use super::assemble::{Guard, Route};
use super::normal::names;
use crate::value::{FunctionRef, Shape};
use crate::world::{Loaded, World};

impl World<'_> {
    /// Paths of the handler's parameters, and the functions that run before it because a parameter asks for what they give.
    pub(crate) fn route_parameters(
        &mut self,
        route: &Route,
        handler: FunctionRef,
    ) -> (Vec<Option<String>>, Vec<Guard>) {
        let Some(loaded) = self.load(handler.module) else { return (Vec::new(), Vec::new()) };
        let Some(function) = loaded.module().function(handler.id) else { return (Vec::new(), Vec::new()) };
        let mut guards = Vec::new();
        let mut paths = Vec::new();
        for (at, param) in function.params.iter().enumerate() {
            for one in param.default.iter().chain(&param.decorators) {
                guards.extend(self.asked_for(&loaded, handler, one));
            }
            guards.extend(self.extractor(&loaded, handler.module, param));
            let given = route.parameters.get(at).cloned().flatten();
            paths.push(given.or_else(|| parameter(&loaded, route, param)));
        }
        (paths, guards)
    }

    /// `Depends(current_user)`, `Security(check)`.
    fn asked_for(&mut self, loaded: &Loaded, handler: FunctionRef, from: &Expr) -> Option<Guard> {
        let ExprKind::Call(call) = &from.kind else { return None };
        let scope = self.routes.scopes.get(&handler).or_else(|| self.routes.modules.get(&handler.module));
        let scope = Rc::clone(scope?);
        let callee = self.written(loaded, &scope, &|_| None, &call.callee)?;
        if !matches!(callee.rsplit('.').next(), Some("Depends" | "Security")) {
            return None;
        }
        let given = &call.arguments.first()?.value;
        let name = self.written(loaded, &scope, &|_| None, given).unwrap_or_default();
        let mut functions = Vec::new();
        let mut class = None;
        let root = match &given.kind {
            ExprKind::Name(symbol) => scope.get(loaded.name(*symbol)),
            ExprKind::Member { object, name } => match &object.kind {
                ExprKind::Name(symbol) => match scope.get(loaded.name(*symbol)).map(|value| value.shape) {
                    Some(Shape::Object(object)) => object.field(loaded.name(*name)),
                    _ => None,
                },
                _ => None,
            },
            ExprKind::Call(inner) => match &inner.callee.kind {
                ExprKind::Name(symbol) => scope.get(loaded.name(*symbol)),
                _ => None,
            },
            _ => None,
        };
        match root.map(|value| value.shape) {
            Some(Shape::Function(closure)) => {
                self.routes.saw(closure.function, &closure.scope);
                functions.push(closure.function);
            }
            Some(Shape::Class(one)) => class = Some((one.module, one.id)),
            Some(Shape::Object(object)) => class = object.class.as_ref().map(|one| (one.module, one.id)),
            _ => {}
        }
        let (module, span) = (handler.module, from.span);
        Some(Guard { name, module, span, functions, class, below: String::new() })
    }
}

/// What one parameter brings, where its framework hands over parts of the request.
fn parameter(loaded: &Loaded, route: &Route, param: &Param) -> Option<String> {
    let Pattern::Name(symbol, _) = &param.pattern else { return None };
    let name = loaded.text(*symbol);
    if loaded.language() != Language::Python {
        return None;
    }
    if names(&route.path).any(|own| own == name) {
        return Some(format!("@path.{name}"));
    }
    if route.framework != "fastapi" {
        return None;
    }
    let of_type = param.of_type.as_ref().map(|of_type| loaded.text(of_type.path)).unwrap_or_default();
    let of_type = of_type.rsplit('.').next().unwrap_or(of_type);
    match of_type {
        "str" | "int" | "float" | "bool" | "UUID" | "date" | "datetime" | "Optional" | "|" | "list"
        | "List" => (!has_call(param)).then(|| format!("@query.{name}")),
        "dict" | "Dict" | "Any" => (!has_call(param)).then(|| "@body".to_owned()),
        "Request" | "Response" | "Session" | "AsyncSession" | "BackgroundTasks" | "WebSocket" | "" => None,
        _ => (!has_call(param)).then(|| "@model".to_owned()),
    }
}

fn has_call(param: &Param) -> bool {
    param.default.iter().chain(&param.decorators).any(|one| matches!(one.kind, ExprKind::Call(_)))
}
