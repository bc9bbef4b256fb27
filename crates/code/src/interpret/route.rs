//! Writes down what calls say of routes, while they run; `crate::routes` makes sense of it.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Call, Expr, ExprKind, FunctionId};

use super::{Frame, Given};
use crate::origin::Origin;
use crate::routes::{AT, Does, MADE, Part, Record, Router, URLS, made};
use crate::value::{Closure, FunctionRef, HOLE, Known, Object, Shape, Value};
use crate::world::World;

/// Calls in calls that are looked into for a handler: `wrap(log(handler))`.
const WRAPPED: usize = 3;
/// Items of a list of guards.
const WIDEST: usize = 32;

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
        (span, value): (Span, Value),
    ) -> Value {
        let parts = self.parts(frame, call, given);
        self.route_acted(frame, origin, acts, receiver, &parts, span, value)
    }

    #[expect(clippy::too_many_arguments, reason = "a call and all that is known of it")]
    fn route_acted(
        &mut self,
        frame: &Frame,
        origin: Origin,
        acts: &[usize],
        receiver: Option<&Value>,
        parts: &[Part],
        span: Span,
        mut value: Value,
    ) -> Value {
        let models = self.models;
        let (made_name, at_name) = (self.name(MADE), self.name(AT));
        for number in acts {
            let Some(act) = models.routes.acts.get(*number) else { continue };
            let mut router = receiver.and_then(|receiver| made(receiver, made_name)).map(Router::Made);
            let own = receiver.and_then(|receiver| match &receiver.shape {
                Shape::Object(object) => object.fields.get(&at_name)?.as_text(),
                _ => None,
            });
            match act.does {
                Does::Router => {
                    let site = self.routes.site(frame.module, span);
                    router = Some(Router::Made(site));
                    if matches!(value.shape, Shape::Unknown) {
                        let mut object = Object::default();
                        object.set(made_name, Value::known(Known::Number(site as f64)));
                        value.shape = Shape::Object(Rc::new(object));
                    }
                }
                Does::At => {
                    let text = parts.first().and_then(|part| part.value.as_text());
                    let text = text.unwrap_or_else(|| HOLE.to_string().into());
                    let text = format!("{}{text}", own.as_deref().unwrap_or_default());
                    let mut object = Object::default();
                    if let Some(Router::Made(site)) = router {
                        object.set(made_name, Value::known(Known::Number(site as f64)));
                    }
                    object.set(at_name, Value::text(&text));
                    value.shape = Shape::Object(Rc::new(object));
                    continue;
                }
                Does::Route | Does::Use => {
                    if act.chains
                        && let Some(receiver) = receiver
                    {
                        value = receiver.clone();
                    }
                }
            }
            if let Some(end) = &act.router {
                let part = crate::routes::part_at(parts, end);
                router = part.and_then(|part| made(&part.value, made_name)).map(Router::Made).or(router);
            }
            let text = self.text_of(origin);
            let (owner, word) = text.rsplit_once('.').unwrap_or(("", text.as_str()));
            let owner = if act.included { URLS } else { owner };
            let router = router.unwrap_or_else(|| Router::Called(frame.module, owner.into()));
            let (module, within) = (frame.module, frame.function);
            let record = Record {
                module,
                span,
                order: 0,
                act: *number,
                router,
                at: own,
                word: word.into(),
                within,
                given: parts.to_vec(),
            };
            self.routes.add(record);
        }
        value
    }

    fn parts(&mut self, frame: &mut Frame, call: &Call, given: &[Given]) -> Vec<Part> {
        let written: Vec<&Expr> = call.arguments.iter().map(|argument| &argument.value).collect();
        let mut parts = Vec::new();
        for one in given.iter().take(WIDEST) {
            let from = written.iter().find(|from| from.span == one.span).copied();
            let name = one.name.map(|name| self.names.text(name));
            parts.push(self.part(frame, name, &one.value, from, one.span, WRAPPED));
        }
        parts
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
        if let (Some(from), true) = (from, depth > 0) {
            router = router.or_else(|| self.router_of(frame, from));
            self.inner(frame, from, &mut functions, &mut class, depth);
        }
        if says.is_empty() {
            let named = functions.first().and_then(|closure| self.name_of(closure));
            let path = value.origin.map(|origin| self.text_of(origin).trim_start_matches('~').to_owned());
            says = named.or(path).unwrap_or_default();
        }
        for closure in &functions {
            self.routes.saw(closure.function, &closure.scope);
        }
        Part { name, span, says, value: value.clone(), functions, class, router, items }
    }

    /// `include(router.urls)`.
    fn router_of(&mut self, frame: &mut Frame, from: &Expr) -> Option<usize> {
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

    /// Functions that are given to the call that makes a handler, and whose method is bound to its object.
    fn inner(
        &mut self,
        frame: &mut Frame,
        from: &Expr,
        functions: &mut Vec<Rc<Closure>>,
        class: &mut Option<Rc<crate::value::ClassValue>>,
        depth: usize,
    ) {
        let ExprKind::Call(call) = &from.kind else { return };
        let mut inside: Vec<&Expr> = call.arguments.iter().map(|argument| &argument.value).collect();
        if let ExprKind::Member { object, name } = &call.callee.kind
            && matches!(frame.loaded.text(*name), "bind" | "as_view" | "urls")
        {
            inside = vec![object];
        }
        for one in inside.into_iter().take(WIDEST) {
            match &one.kind {
                ExprKind::Call(_) if depth > 1 => {
                    self.inner(frame, one, functions, class, depth.saturating_sub(1))
                }
                // Written here: it was met when the call was evaluated, and is not made again.
                ExprKind::Function(id) => {
                    let function = FunctionRef { module: frame.module, id: *id };
                    let (scope, this) = (Rc::clone(&frame.scope), None);
                    functions.push(Rc::new(Closure { function, scope, this, others: Vec::new() }));
                }
                ExprKind::Name(_) | ExprKind::Member { .. } => match self.evaluate(frame, one).shape {
                    Shape::Function(closure) => functions.push(closure),
                    Shape::Class(one) => *class = Some(one),
                    _ => {}
                },
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
