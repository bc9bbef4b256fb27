//! What a server calls: functions that are decorated with a route, methods of a view, and what they are given.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Function, Param, Pattern};

use super::{Frame, Given, Pending};
use crate::models::{self, End};
use crate::origin::Origin;
use crate::value::{Closure, FunctionRef, KindSet, Known, Shape, Value};
use crate::world::{Ending, World};

/// What is known of a function because of who calls it.
#[derive(Debug, Default)]
pub(super) struct Called {
    pub(super) given: Option<Vec<Value>>,
    pub(super) answer: Option<(KindSet, Rc<str>)>,
    pub(super) fixed: bool,
}

/// A parameter that a part of the path is put into, where the path names it.
const OF_PATH: &str = "gabion.parameter()";
/// A parameter that the server fills from wherever the request has it.
const OF_REQUEST: &str = "gabion.input()";
/// Dependencies of dependencies.
const DEPENDENCIES: usize = 4;

impl World<'_> {
    /// What a decorator's model says that the function is given.
    pub(super) fn decorated(&mut self, frame: &mut Frame, function: &Function) -> Called {
        let mut called = Called::default();
        let (mut routes, mut fixed) = (0_usize, 0_usize);
        for decorator in &function.decorators {
            let value = self.evaluate(frame, decorator);
            self.route_decorator(frame, decorator, &value);
            let Some(origin) = value.origin else { continue };
            let known = self.known(origin, Ending::Read, frame.loaded.language());
            let models = self.models;
            for model in known.iter().filter_map(|at| models.get(*at)) {
                if model.answers != 0 {
                    called.answer = Some((model.answers, self.text_of(origin)));
                }
                for callback in &model.calls {
                    if callback.at != End::Named("decorated".to_owned()) {
                        continue;
                    }
                    if callback.arrives != 0 {
                        let given = self.given_to(frame, decorator);
                        if self.hold(&callback.when, &[], None, &given) {
                            called.answer = Some((callback.arrives, self.text_of(origin)));
                        }
                        continue;
                    }
                    let paths: Vec<&str> = callback.parameters.iter().map(path_of).collect();
                    let route = self.route_of(frame, decorator);
                    routes = routes.saturating_add(1);
                    fixed = fixed.saturating_add(usize::from(self.is_fixed(origin, route.as_deref())));
                    called.given = Some(self.parameters(frame, function, &paths, route.as_deref(), 0));
                }
            }
        }
        called.fixed = routes > 0 && fixed == routes;
        called
    }

    /// What a decorator is called with.
    fn given_to(&mut self, frame: &mut Frame, decorator: &Expr) -> Vec<Given> {
        let ExprKind::Call(call) = &decorator.kind else { return Vec::new() };
        let given = call.arguments.iter().map(|argument| Given {
            name: argument.name.map(|name| frame.loaded.name(name)),
            value: self.evaluate(frame, &argument.value),
            span: argument.value.span,
        });
        given.collect()
    }

    /// A route of the application itself without parts that are filled in; a blueprint may stand below one that has some.
    fn is_fixed(&self, decorator: Origin, route: Option<&str>) -> bool {
        let path = self.text_of(decorator);
        let of_application = path.contains("Flask()") || path.starts_with("~app.");
        of_application && route.is_some_and(|route| !route.contains('<'))
    }

    /// The path of a route, where it is constant.
    fn route_of(&mut self, frame: &mut Frame, decorator: &Expr) -> Option<Rc<str>> {
        if frame.loaded.language() != Language::Python {
            return None;
        }
        let ExprKind::Call(call) = &decorator.kind else { return None };
        let named = |argument: &&gabion_syntax::tree::Argument| match argument.name {
            None => true,
            Some(name) => matches!(frame.loaded.text(name), "path" | "rule" | "uri"),
        };
        let argument = call.arguments.iter().find(named)?;
        let value = self.evaluate(frame, &argument.value);
        match &value.shape {
            Shape::Unknown => value.as_constant(),
            _ => None,
        }
    }

    /// Methods that a class of a framework calls by their names.
    pub(super) fn handlers(&mut self, frame: &mut Frame, bases: &[Value], function: &Function) -> Called {
        let mut called = Called::default();
        let Some(name) = function.name.map(|name| frame.loaded.text(name).to_owned()) else { return called };
        for origin in self.library_bases(bases) {
            let known = self.known(origin, Ending::Read, frame.loaded.language());
            let models = self.models;
            for model in known.iter().filter_map(|at| models.get(*at)) {
                let Some(handlers) = &model.handlers else { continue };
                if handlers.methods.contains(&name) {
                    let paths: Vec<&str> = handlers.with.iter().map(String::as_str).collect();
                    called.given = Some(self.parameters(frame, function, &paths, None, 0));
                    if model.answers != 0 {
                        called.answer = Some((model.answers, self.text_of(origin)));
                    }
                }
            }
        }
        called
    }

    /// The classes of libraries that a class is made from, also through others of the tree.
    pub(super) fn library_bases(&self, bases: &[Value]) -> Vec<Origin> {
        let mut found = Vec::new();
        let mut open: Vec<Value> = bases.to_vec();
        let mut left = 64_usize;
        while let Some(base) = open.pop() {
            left = left.saturating_sub(1);
            if left == 0 {
                break;
            }
            if let Shape::Class(class) = &base.shape {
                open.extend(class.bases.iter().cloned());
            } else {
                found.extend(base.origin);
            }
        }
        found
    }

    /// What each parameter is given.
    pub(super) fn parameters(
        &mut self,
        frame: &mut Frame,
        function: &Function,
        paths: &[&str],
        route: Option<&str>,
        depth: usize,
    ) -> Vec<Value> {
        let last = paths.last().copied().unwrap_or_default();
        let mut given = Vec::with_capacity(function.params.len());
        for (at, param) in function.params.iter().enumerate() {
            let path = paths.get(at).copied().unwrap_or(last);
            let origin = if path.is_empty() { None } else { self.path(path) };
            let value = match origin {
                Some(origin) => self.at_path(frame, origin, &Value::default(), function.head),
                None => Value::default(),
            };
            given.push(match path {
                OF_PATH => self.of_route(frame, param, value, route),
                OF_REQUEST => self.of_request(frame, param, value, route, depth),
                _ => value,
            });
        }
        given
    }

    /// Only what the path names, and what it says that it is.
    fn of_route(&mut self, frame: &Frame, param: &Param, value: Value, route: Option<&str>) -> Value {
        let (Pattern::Name(symbol, _), Some(route)) = (&param.pattern, route) else { return value };
        match part_of(route, frame.loaded.text(*symbol)) {
            Some("int" | "float" | "uuid" | "number") => Value::known(Known::Harmless),
            Some(_) => value,
            None => Value::default(),
        }
    }

    /// Whatever is neither a service nor an object of a library.
    fn of_request(
        &mut self,
        frame: &mut Frame,
        param: &Param,
        value: Value,
        route: Option<&str>,
        depth: usize,
    ) -> Value {
        if let (Pattern::Name(symbol, _), Some(route)) = (&param.pattern, route)
            && matches!(part_of(route, frame.loaded.text(*symbol)), Some("int" | "float" | "uuid"))
        {
            return Value::known(Known::Harmless);
        }
        let asked = param.default.iter().chain(&param.decorators);
        for expression in asked {
            let ExprKind::Call(call) = &expression.kind else { continue };
            let callee = self.evaluate(frame, &call.callee);
            let path = callee.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
            if !matches!(path.rsplit('.').next(), Some("Depends" | "Security")) {
                continue;
            }
            let Some(service) = call.arguments.first() else { return Value::default() };
            let service = self.evaluate(frame, &service.value);
            return self.service(frame, &service, expression.span, depth);
        }
        let Some(of_type) = &param.of_type else { return value };
        let loaded = Rc::clone(&frame.loaded);
        let scope = Rc::clone(&frame.scope);
        if let Some(class) = self.type_class(frame.module, &loaded, &scope, of_type) {
            return self.received(&class, value);
        }
        let origin = self.type_path(&loaded, &scope, of_type);
        let path = origin.map(|origin| self.text_of(origin)).unwrap_or_default();
        let of_library = path.contains('.')
            && !["typing.", "pydantic.", "datetime.", "uuid.", "decimal.", "enum."]
                .iter()
                .any(|own| path.starts_with(own));
        if of_library { Value::default() } else { value }
    }

    /// What a function gives that the server calls for the handler.
    fn service(&mut self, frame: &mut Frame, service: &Value, span: Span, depth: usize) -> Value {
        let Shape::Function(closure) = &service.shape else { return Value::default() };
        if depth >= DEPENDENCIES {
            return Value::default();
        }
        let closure = Rc::clone(closure);
        let Some(loaded) = self.load(closure.function.module) else { return Value::default() };
        let Some(function) = loaded.module().function(closure.function.id) else { return Value::default() };
        if closure.function.module != frame.module {
            return Value::default();
        }
        let values = self.parameters(frame, function, &[OF_REQUEST], None, depth.saturating_add(1));
        let given: Vec<Given> =
            values.into_iter().map(|value| Given { name: None, value, span: function.head }).collect();
        let value = self.run_closure(frame, &closure, None, &given, span);
        self.changed_this = None;
        if let Shape::List(_) = &value.shape { self.item_of(&value) } else { value }
    }

    /// An object of a class of the tree that is filled from a request: numbers in it are numbers.
    fn received(&mut self, class: &Rc<crate::value::ClassValue>, value: Value) -> Value {
        let mut object = crate::value::Object { class: Some(Rc::clone(class)), ..Default::default() };
        if let Some(loaded) = self.load(class.module)
            && let Some(tree) = loaded.module().class(class.id)
        {
            for field in &tree.fields {
                let number =
                    field.of_type.as_ref().is_some_and(|of| super::member::is_number(loaded.text(of.path)));
                let inner = if number {
                    Value::known(Known::Harmless)
                } else {
                    Value { origin: None, ..value.clone() }
                };
                object.set(loaded.name(field.name), inner);
            }
        }
        object.rest = Some(Box::new(Value { origin: None, ..value }));
        Value::shaped(Shape::Object(Rc::new(object)))
    }

    /// `path("items/<str:name>", view)`: who is called with what.
    pub(super) fn routed(&mut self, frame: &mut Frame, given: &[Given], span: Span) -> Option<Value> {
        let route = given.first()?.value.as_constant();
        let Shape::Function(closure) = &given.get(1)?.value.shape else { return None };
        let closure = Rc::clone(closure);
        let loaded = self.load(closure.function.module)?;
        let function = loaded.module().function(closure.function.id)?;
        let mut values = Vec::with_capacity(function.params.len());
        let request = self.path("django.http.HttpRequest()");
        for (at, param) in function.params.iter().enumerate() {
            let Pattern::Name(symbol, _) = &param.pattern else { continue };
            let origin = self.path(OF_PATH)?;
            let tainted = self.at_path(frame, origin, &Value::default(), span);
            let part = route.as_deref().map_or(Some("str"), |route| part_of(route, loaded.text(*symbol)));
            values.push(match (at, part) {
                (0, _) => Value::from_origin(request),
                (_, Some("int" | "float" | "uuid" | "slug")) => Value::known(Known::Harmless),
                (_, Some(_)) => tainted,
                (_, None) => Value::default(),
            });
        }
        let given: Vec<Given> = values.into_iter().map(|value| Given { name: None, value, span }).collect();
        self.run_closure(frame, &closure, None, &given, span);
        self.changed_this = None;
        Some(Value::default())
    }

    /// Keeps a method until the module is read.
    pub(super) fn method_pending(&mut self, frame: &mut Frame, function: FunctionRef, called: Called) {
        let closure =
            Rc::new(Closure { function, scope: Rc::clone(&frame.scope), this: None, others: Vec::new() });
        let Called { given, answer, fixed } = called;
        frame.pending.push(Pending { closure, given, answer, fixed });
    }
}

fn path_of(given: &models::Given) -> &str {
    match given {
        models::Given::Path(path) => path,
        _ => "",
    }
}

/// What a route says of a part of that name: `<int:id>`, `{id:int}`, `(?P<id>[0-9]+)`; empty where it says nothing.
fn part_of<'a>(route: &'a str, name: &str) -> Option<&'a str> {
    for (open, close) in [('<', '>'), ('{', '}')] {
        for piece in route.split(open).skip(1) {
            let Some((inside, behind)) = piece.split_once(close) else { continue };
            let (kind, own) = match inside.split_once(':') {
                Some((kind, own)) if open == '<' => (kind, own),
                Some((own, kind)) => (kind, own),
                None => ("", inside),
            };
            // `(?P<id>\d+)` says it behind.
            let digits = ["\\d", "[0-9]"].iter().any(|digits| behind.starts_with(digits));
            if own == name {
                return Some(if digits { "int" } else { kind.split('(').next().unwrap_or(kind) });
            }
        }
    }
    None
}

/// Whether a language's classes run their bodies in order, as code.
pub(super) fn runs_bodies(language: Language) -> bool {
    language == Language::Python
}
