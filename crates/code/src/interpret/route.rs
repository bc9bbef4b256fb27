//! Writes down what calls say of routes, while they run; `crate::routes` makes sense of it.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Call, Entry, Expr, ExprKind, FunctionId, Key};

use super::{Frame, Given};
use crate::models::End;
use crate::name::Name;
use crate::origin::Origin;
use crate::routes::{AT, Act, Does, MADE, Methods, OF, ONLY, Part, Record, Router, URLS, made};
use crate::value::{Closure, FunctionRef, HOLE, Known, Object, Shape, Value};
use crate::world::World;

/// Calls in calls that are looked into for a handler: `wrap(log(handler))`.
const WRAPPED: usize = 3;
/// Items of a list of guards.
const WIDEST: usize = 32;
/// Routes of one list, and fields of all that is given to one call.
const ROUTES: usize = 256;

impl World<'_> {
    #[expect(clippy::too_many_arguments, reason = "a call and all that is known of it")]
    /// What a call means for routes, and what it gives because of that.
    pub(super) fn route_call(
        &mut self,
        frame: &mut Frame,
        call: &Call,
        origin: Origin,
        acts: &[usize],
        receiver: Option<&Value>,
        given: &[Given],
        (span, mut value): (Span, Value),
    ) -> Value {
        // `server.auth.default(…)` is said of the server.
        let made_name = self.name(MADE);
        let mut above = None;
        if let ExprKind::Member { object, .. } = &call.callee.kind
            && let ExprKind::Member { object, .. } = &object.kind
            && receiver.is_some_and(|receiver| made(receiver, made_name).is_none())
            && !matches!(object.kind, ExprKind::Call(_))
        {
            above = Some(self.evaluate(frame, object)).filter(|value| made(value, made_name).is_some());
        }
        let receiver = above.as_ref().or(receiver);
        let lists = self.lists(frame, call, given);
        if lists.is_empty() {
            let parts = self.parts(frame, call, given);
            return self.route_acted(frame, origin, acts, receiver, &parts, span, value);
        }
        // A list of routes: each as if it were given by itself.
        for (span, parts) in lists {
            value = self.route_acted(frame, origin, acts, receiver, &parts, span, value);
        }
        value
    }

    #[expect(clippy::too_many_arguments, reason = "a call and all that is known of it")]
    fn route_acted(
        &mut self,
        frame: &mut Frame,
        origin: Origin,
        acts: &[usize],
        receiver: Option<&Value>,
        parts: &[Part],
        span: Span,
        mut value: Value,
    ) -> Value {
        let models = self.models;
        let (made_name, at_name) = (self.name(MADE), self.name(AT));
        let (only_name, of_name) = (self.name(ONLY), self.name(OF));
        let mut own_router = None;
        for number in acts {
            let Some(act) = models.routes.acts.get(*number) else { continue };
            let first = || parts.first().and_then(|part| part.value.as_constant()).unwrap_or_default();
            if !act.when.is_empty() && !act.when.iter().any(|one| **one == *first()) {
                continue;
            }
            let mut router = receiver.and_then(|receiver| made(receiver, made_name)).map(Router::Made);
            let field = |name| receiver.and_then(|receiver| kept(receiver, name));
            let own = field(at_name);
            if let Some(end) = &act.router {
                let part = crate::routes::part_at(parts, end);
                let named = part.and_then(|part| part.router).map(Router::Made);
                router = if *end == End::Result { own_router.clone() } else { named }.or(router);
            }
            let text = self.text_of(origin);
            let (owner, word) = text.rsplit_once('.').unwrap_or(("", &*text));
            let owner = if act.included { URLS } else { owner };
            let called = Router::Called(frame.module, owner.into());
            let mut on = None;
            match act.does {
                Does::Router => {
                    let site = self.routes.site(frame.module, span);
                    router = Some(Router::Made(site));
                    if matches!(value.shape, Shape::Unknown | Shape::Object(_))
                        && made(&value, made_name).is_none()
                    {
                        value.shape = with(&value, made_name, Value::known(Known::Number(site as f64)));
                    }
                    own_router = router.clone();
                }
                Does::At => {
                    let text = crate::routes::text_at(parts, &act.route).or_else(|| {
                        parts.first().and_then(|part| part.value.as_text()).map(|text| text.to_string())
                    });
                    let text = text.unwrap_or_else(|| HOLE.to_string());
                    let text = format!("{}{text}", own.as_deref().unwrap_or_default());
                    let before = if act.chains { receiver.cloned().unwrap_or_default() } else { value };
                    let mut shape = before.shape.clone();
                    if let Some(Router::Made(site)) = router {
                        shape = with(&before, made_name, Value::known(Known::Number(site as f64)));
                    }
                    let shape = with(&Value { shape, ..Value::default() }, at_name, Value::text(&text));
                    value = Value { shape, ..before };
                    continue;
                }
                Does::Same => {
                    let part = act.handlers.as_ref().and_then(|end| crate::routes::part_at(parts, end));
                    match (part, receiver) {
                        (Some(part), _) => value.shape = part.value.shape.clone(),
                        (None, Some(receiver)) => value = receiver.clone(),
                        (None, None) => {}
                    }
                    continue;
                }
                Does::Group => {
                    on = Some(router.take().unwrap_or_else(|| called.clone()));
                    router = Some(self.group(frame, act, parts, receiver, span, &mut value));
                    if router == on {
                        continue;
                    }
                }
                Does::Only => {
                    let methods: Vec<String> = parts
                        .iter()
                        .filter_map(|part| part.value.as_constant())
                        .map(|text| text.to_string())
                        .collect();
                    let words =
                        parts.iter().filter_map(|part| part.says.rsplit('.').next()?.strip_prefix("Method"));
                    let mut named: Vec<String> = words.map(str::to_uppercase).collect();
                    named.extend(methods);
                    if matches!(act.methods, Methods::Name) {
                        named = vec![word.to_uppercase()];
                    }
                    if let Some(receiver) = receiver.filter(|_| own_router.is_none()) {
                        value = receiver.clone();
                    }
                    value.shape = with(&value, only_name, Value::text(&named.join(",")));
                    let of = receiver.and_then(|receiver| numbered(receiver, of_name));
                    if of.is_none() {
                        continue;
                    }
                }
                Does::Route | Does::Use => {
                    if act.chains
                        && let Some(receiver) = receiver
                    {
                        value = receiver.clone();
                    }
                    if act.open {
                        let site = self.routes.site(frame.module, span);
                        value.shape = with(&value, of_name, Value::known(Known::Number(site as f64)));
                    }
                }
            }
            let (module, within) = (frame.module, frame.function);
            let record = Record {
                module,
                span,
                order: 0,
                act: *number,
                router: router.unwrap_or(called),
                at: own,
                on,
                of: receiver.and_then(|receiver| numbered(receiver, of_name)),
                only: match act.does {
                    Does::Only => kept(&value, only_name),
                    _ => field(only_name),
                },
                route: crate::routes::text_at(parts, &act.route).map(Into::into),
                word: word.into(),
                within,
                given: parts.to_vec(),
            };
            self.routes.add(record);
        }
        value
    }

    /// A router on a router: its own, or the same where what is given is meant for it.
    fn group(
        &mut self,
        frame: &mut Frame,
        act: &Act,
        parts: &[Part],
        receiver: Option<&Value>,
        span: Span,
        value: &mut Value,
    ) -> Router {
        let (made_name, at_name) = (self.name(MADE), self.name(AT));
        let inside = act.within.as_ref().and_then(|end| crate::routes::part_at(parts, end));
        let plain = inside.is_some_and(|part| {
            let made_by = part.value.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
            act.plain.iter().any(|name| part.says.starts_with(name) || made_by.starts_with(name))
        });
        let before = receiver.and_then(|receiver| made(receiver, made_name));
        let site = match before {
            Some(before) if plain => before,
            _ => self.routes.site(frame.module, span),
        };
        let mut child = receiver.cloned().unwrap_or_default();
        child.shape = with(&child, made_name, Value::known(Known::Number(site as f64)));
        if let Shape::Object(object) = &mut child.shape {
            Rc::make_mut(object).fields.remove(&at_name);
        }
        let closures: Vec<Rc<Closure>> = inside.map(|part| part.functions.clone()).unwrap_or_default();
        let at = inside.map_or(span, |part| part.span);
        for closure in closures {
            let given = [Given { name: None, value: child.clone(), span: at }];
            self.run_closure(frame, &closure, None, &given, at);
            self.changed_this = None;
            self.changed_given.clear();
        }
        *value = match receiver {
            Some(receiver) if act.chains => receiver.clone(),
            _ => child,
        };
        Router::Made(site)
    }

    /// Objects in a list that is given alone, each as what is given.
    fn lists(&mut self, frame: &mut Frame, call: &Call, given: &[Given]) -> Vec<(Span, Vec<Part>)> {
        let (true, [only]) = (frame.loaded.language().is_script(), given) else { return Vec::new() };
        let Shape::List(list) = &only.value.shape else { return Vec::new() };
        let plain = |value: &Value| matches!(&value.shape, Shape::Object(object) if object.class.is_none());
        if list.items.is_empty() || !list.items.iter().all(plain) {
            return Vec::new();
        }
        let written = match call.arguments.first().map(|argument| &argument.value.kind) {
            Some(ExprKind::List { items, .. }) if items.len() == list.items.len() => Some(items),
            _ => None,
        };
        let mut found = Vec::new();
        for (at, item) in list.items.iter().enumerate().take(ROUTES) {
            let from = written.and_then(|written| written.get(at));
            let span = from.map_or(only.span, |from| from.span);
            let mut parts = vec![self.part(frame, None, item, from, span, WRAPPED)];
            self.entries(frame, item, from, span, "", &mut parts);
            found.push((span, parts));
        }
        found
    }

    fn parts(&mut self, frame: &mut Frame, call: &Call, given: &[Given]) -> Vec<Part> {
        let written: Vec<&Expr> = call.arguments.iter().map(|argument| &argument.value).collect();
        let mut parts = Vec::new();
        let mut named = Vec::new();
        for one in given.iter().take(WIDEST) {
            let from = written.iter().find(|from| from.span == one.span).copied();
            let name = one.name.map(|name| self.names.text(name));
            parts.push(self.part(frame, name, &one.value, from, one.span, WRAPPED));
            if frame.loaded.language().is_script() {
                self.entries(frame, &one.value, from, one.span, "", &mut named);
            }
        }
        parts.append(&mut named);
        parts
    }

    /// The fields of an object that is given, as if each were given by its name.
    fn entries(
        &mut self,
        frame: &mut Frame,
        value: &Value,
        from: Option<&Expr>,
        span: Span,
        before: &str,
        parts: &mut Vec<Part>,
    ) {
        let Shape::Object(object) = &value.shape else { return };
        if object.class.is_some() {
            return;
        }
        let object = Rc::clone(object);
        let written = match from.map(|from| &from.kind) {
            Some(ExprKind::Object { entries, .. }) => entries.as_slice(),
            _ => &[],
        };
        for (name, value) in object.fields.iter().take(WIDEST) {
            let text = self.names.text(*name);
            if text.starts_with('#') || parts.len() > ROUTES {
                continue;
            }
            let from = written.iter().find_map(|entry| match entry {
                Entry::Pair(Key::Name(own), value) if frame.loaded.name(*own) == *name => Some(value),
                _ => None,
            });
            let span = from.map_or(span, |from| from.span);
            let full = format!("{before}{text}");
            parts.push(self.part(frame, Some(full.as_str().into()), value, from, span, WRAPPED));
            if before.is_empty() {
                self.entries(frame, value, from, span, &format!("{full}."), parts);
            }
        }
    }

    /// One thing that is given.
    fn part(
        &mut self,
        frame: &mut Frame,
        name: Option<Rc<str>>,
        value: &Value,
        from: Option<&Expr>,
        span: Span,
        depth: usize,
    ) -> Part {
        let named = from.map(|from| asked_for(&frame.loaded, from).unwrap_or(from));
        let mut says = named
            .and_then(|from| self.written(&frame.loaded, &frame.scope, &|_| None, from))
            .unwrap_or_default();
        let mut items = Vec::new();
        if let (Shape::List(list), true) = (&value.shape, depth > 0) {
            let written = match from.map(|from| &from.kind) {
                Some(ExprKind::List { items, .. }) if items.len() == list.items.len() => Some(items),
                _ => None,
            };
            for (at, item) in list.items.iter().chain(list.rest.as_deref()).enumerate().take(WIDEST) {
                let from = written.and_then(|written| written.get(at));
                let span = from.map_or(span, |from| from.span);
                items.push(self.part(frame, None, item, from, span, depth.saturating_sub(1)));
            }
        }
        let mut functions = Vec::new();
        let mut class = None;
        match &value.shape {
            Shape::Function(closure) => functions.push(Rc::clone(closure)),
            Shape::Class(one) => class = Some(Rc::clone(one)),
            Shape::Object(object) => class = object.class.clone(),
            Shape::List(_) | Shape::Unknown => {}
        }
        let field = self.name(MADE);
        let mut router = made(value, field);
        let mut found = Inner { functions, class, ..Inner::default() };
        if let (Some(from), true) = (from, depth > 0) {
            router = router.or_else(|| self.router_of(frame, from));
            self.inner(frame, from, &mut found, depth);
        }
        let Inner { mut functions, class, wrappers, router: inside } = found;
        let mut handed = Vec::new();
        for closure in functions.clone() {
            let inside = closure.scope.handed();
            // `wrap(handler)`, made elsewhere.
            if let ([one], [_]) = (inside.as_slice(), functions.as_slice()) {
                functions.push(Rc::clone(one));
            } else {
                handed.extend(inside);
            }
        }
        handed.retain(|one| functions.iter().all(|own| own.function != one.function));
        let wrapped = inside.is_some() && (router.is_none() || router == inside);
        router = router.or(inside);
        if says.is_empty() {
            let named = functions.first().and_then(|closure| self.name_of(closure));
            let path = value.origin.map(|origin| self.text_of(origin).trim_start_matches('~').to_owned());
            says = named.or(path).unwrap_or_default();
        }
        for closure in functions.iter().chain(&handed) {
            self.routes.saw(closure.function, &closure.scope);
        }
        let handed = handed.iter().map(|closure| closure.function).collect();
        let value = value.clone();
        Part { name, span, says, value, functions, handed, wrappers, class, router, wrapped, items }
    }

    /// `include(router.urls)`.
    fn router_of(&mut self, frame: &mut Frame, from: &Expr) -> Option<usize> {
        if frame.loaded.language() != gabion_syntax::Language::Python {
            return None;
        }
        let from = match &from.kind {
            ExprKind::Call(call) => &call.arguments.first()?.value,
            _ => from,
        };
        let ExprKind::Member { object, name } = &from.kind else { return None };
        if frame.loaded.text(*name) != "urls" {
            return None;
        }
        let value = self.evaluate(frame, object);
        let field = self.name(MADE);
        made(&value, field)
    }

    /// What is given to the call that makes a handler, the function that makes it, and what a bound method is of.
    fn inner(&mut self, frame: &mut Frame, from: &Expr, found: &mut Inner, depth: usize) {
        let ExprKind::Call(call) = &from.kind else { return };
        let mut inside: Vec<&Expr> = call.arguments.iter().map(|argument| &argument.value).collect();
        match &call.callee.kind {
            ExprKind::Member { object, name }
                if matches!(frame.loaded.text(*name), "bind" | "as_view" | "urls") =>
            {
                inside = vec![object];
            }
            ExprKind::Member { object, .. } if matches!(object.kind, ExprKind::Call(_)) && depth > 1 => {
                // `builder().layer(auth).layer(log)`.
                self.inner(frame, object, found, depth.saturating_sub(1));
            }
            ExprKind::Name(_) | ExprKind::Member { .. } => {
                if let Shape::Function(closure) = self.evaluate(frame, &call.callee).shape {
                    self.routes.saw(closure.function, &closure.scope);
                    found.wrappers.push(closure.function);
                }
            }
            _ => {}
        }
        let made_name = self.name(MADE);
        for one in inside.into_iter().take(WIDEST) {
            match &one.kind {
                ExprKind::Call(_) if depth > 1 => self.inner(frame, one, found, depth.saturating_sub(1)),
                // Written here: it was met when the call was evaluated, and is not made again.
                ExprKind::Function(id) => {
                    let function = FunctionRef { module: frame.module, id: *id };
                    let (scope, this) = (Rc::clone(&frame.scope), None);
                    found.functions.push(Rc::new(Closure { function, scope, this, others: Vec::new() }));
                }
                ExprKind::Name(_) | ExprKind::Member { .. } => {
                    let value = self.evaluate(frame, one);
                    found.router = found.router.or_else(|| made(&value, made_name));
                    match value.shape {
                        Shape::Function(closure) => found.functions.push(closure),
                        Shape::Class(one) => found.class = Some(one),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }

    fn name_of(&mut self, closure: &Closure) -> Option<String> {
        let loaded = self.load(closure.function.module)?;
        let function = loaded.module().function(closure.function.id)?;
        function.name.map(|name| loaded.text(name).to_owned())
    }

    /// A decorator, and what it is on.
    pub(super) fn route_decorator(&mut self, frame: &mut Frame, decorator: &Expr, value: &Value) {
        let part = self.part(frame, None, value, Some(decorator), decorator.span, WRAPPED);
        self.routes.decorators.insert((frame.module, decorator.span), part);
        // `@app.before_request`: nobody calls it here.
        if let (ExprKind::Member { object, .. }, Some(origin)) = (&decorator.kind, value.origin) {
            let acts = self.models.routes.of(&self.text_of(origin), frame.loaded.language());
            if !acts.is_empty() {
                let receiver = self.evaluate(frame, object);
                let value = Value::default();
                self.route_acted(frame, origin, &acts, Some(&receiver), &[], decorator.span, value);
            }
        }
    }

    /// The function below its decorators.
    pub(super) fn route_decorated(&mut self, frame: &Frame, id: FunctionId) {
        let Some(function) = frame.loaded.module().function(id) else { return };
        let of = FunctionRef { module: frame.module, id };
        if function.decorators.is_empty() {
            return;
        }
        self.routes.saw(of, &frame.scope);
        for decorator in &function.decorators {
            self.routes.decorated.insert((frame.module, decorator.span), of);
        }
    }
}

/// What a call that makes a handler is made of.
#[derive(Default)]
struct Inner {
    functions: Vec<Rc<Closure>>,
    wrappers: Vec<FunctionRef>,
    class: Option<Rc<crate::value::ClassValue>>,
    router: Option<usize>,
}

/// A value with one more field.
fn with(value: &Value, name: Name, field: Value) -> Shape {
    let mut object = match &value.shape {
        Shape::Object(object) => (**object).clone(),
        _ => Object::default(),
    };
    object.set(name, field);
    Shape::Object(Rc::new(object))
}

/// A text in a field that nobody can write.
fn kept(value: &Value, name: Name) -> Option<Rc<str>> {
    match &value.shape {
        Shape::Object(object) => object.fields.get(&name)?.as_text(),
        _ => None,
    }
}

/// A number in a field that nobody can write.
fn numbered(value: &Value, name: Name) -> Option<usize> {
    made(value, name)
}

/// `Depends(current_user)` is `current_user`.
fn asked_for<'e>(loaded: &super::Loaded, from: &'e Expr) -> Option<&'e Expr> {
    let ExprKind::Call(call) = &from.kind else { return None };
    let name = match &call.callee.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => loaded.text(*name),
        _ => return None,
    };
    if matches!(name, "Depends" | "Security") {
        call.arguments.first().map(|first| &first.value)
    } else {
        None
    }
}
