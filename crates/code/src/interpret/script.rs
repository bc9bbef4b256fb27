//! What JavaScript itself does with calls: promises and what goes on behind them, methods that are borrowed from another object.

use std::rc::Rc;

use gabion_finding::Span;

use super::{Frame, Given};
use crate::value::{Flow, Known, List, Shape, Value, concatenated};
use crate::world::World;

/// Parameters that are filled from a list of which only the items are known.
const PARAMETERS: usize = 4;
/// Forms in forms.
const DEEPEST_FORM: usize = 4;
/// Promises in promises.
const DEEPEST: usize = 16;
/// Methods of lists and texts that people borrow: `[].slice.call(arguments)`.
const BORROWED: &[&str] = &[
    "slice", "concat", "map", "filter", "forEach", "join", "shift", "pop", "split", "replace", "trim",
    "reduce", "find", "reverse", "push",
];
/// Functions of packages that call what they are given with each item of a list.
const EACH: &[&str] = &[
    "each",
    "eachSeries",
    "eachLimit",
    "eachOf",
    "forEach",
    "forEachSeries",
    "forEachOf",
    "forOwn",
    "forIn",
    "map",
    "mapSeries",
    "mapLimit",
    "flatMap",
    "filter",
    "reject",
    "reduce",
    "some",
    "every",
    "find",
    "detect",
    "any",
    "all",
    "mapValues",
    "walk",
    "traverse",
];

impl World<'_> {
    /// What the language does with a call of its own; none where somebody else says what is done.
    pub(super) fn idiom_of_script(
        &mut self,
        frame: &mut Frame,
        callee: &Value,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Option<Value> {
        if !matches!(callee.shape, Shape::Unknown) {
            return None;
        }
        let text = self.text_of(callee.origin?);
        let first = given.first().map(|given| &given.value);
        match &*text {
            "Promise" | "bluebird" | "bluebird.Promise" | "q.Promise" => {
                return self.promised(frame, first?, span);
            }
            "gabion.resolve" => {
                if let Some(resolved) = self.resolved.last_mut() {
                    let value = first.cloned().unwrap_or_default();
                    *resolved = Some(resolved.take().map_or_else(|| value.clone(), |own| own.join(&value)));
                }
                return Some(Value::default());
            }
            // Waiting for it gives what it is.
            "Promise.resolve" | "Promise.all" | "Promise.allSettled" | "bluebird.resolve"
            | "bluebird.all" | "q.resolve" | "q.all" => return first.cloned(),
            "path.join" | "path.posix.join" | "path.win32.join" => {
                let slash = Value::text("/");
                let mut parts = Vec::new();
                for one in given {
                    if !parts.is_empty() {
                        parts.push(slash.clone());
                    }
                    parts.push(one.value.clone());
                }
                return Some(Value { origin: self.path("path.join()"), ..concatenated(&parts) });
            }
            "zod.z.object" | "zod.object" | "zod.default.object" | "zod.z.strictObject" => {
                let origin = self.path("zod.z.object()");
                return Some(Value { origin, shape: first?.shape.clone(), ..Value::default() });
            }
            "zod.z.object().parse" | "zod.z.object().parseAsync" => {
                self.check(frame, callee.origin?, crate::world::Ending::Call, receiver, given, span);
                return Some(self.through_form(frame, receiver?, first?, DEEPEST_FORM));
            }
            "zod.z.object().safeParse" | "zod.z.object().safeParseAsync" => {
                self.check(frame, callee.origin?, crate::world::Ending::Call, receiver, given, span);
                let value = self.through_form(frame, receiver?, first?, DEEPEST_FORM);
                return Some(self.asked_form(value));
            }
            "URL" | "url.URL" => return self.address(given),
            "Promise.race" | "Promise.any" => return Some(self.item_of(first?)),
            "vm.runInContext" | "vm.runInNewContext" => {
                let (code, sandbox) = (first?.as_constant()?, &given.get(1)?.value);
                return self.run_text(frame, &code, sandbox, span);
            }
            _ => {}
        }
        if let Some(owner) = text.strip_suffix(".call").or_else(|| text.strip_suffix(".apply")) {
            let method = owner.rsplit(['.', '~']).next().unwrap_or_default();
            if !BORROWED.contains(&method) {
                return None;
            }
            let (this, rest) = given.split_first()?;
            let rest = if text.ends_with(".apply") {
                self.spread_out(&rest.first()?.value, span)
            } else {
                rest.to_vec()
            };
            let origin = self.path(&format!("~{method}"));
            let callee = Value::from_origin(origin);
            return Some(self.call_value(frame, &callee, Some(&this.value), rest, span, false));
        }
        let method = text.rsplit(['.', '~']).next().unwrap_or_default();
        let calls =
            |at: usize| given.get(at).is_some_and(|given| matches!(given.value.shape, Shape::Function(_)));
        match method {
            "then" if calls(0) || calls(1) => self.continued(frame, receiver?, given, span),
            "catch" if calls(0) && given.len() == 1 => {
                let returned = self.after_error(frame, first?, span);
                Some(receiver?.join(&returned))
            }
            "finally" if calls(0) && given.len() == 1 => {
                self.run_given(frame, first?, &[], span);
                receiver.cloned()
            }
            _ => None,
        }
    }

    /// `new Promise((resolve) => …)`: what `resolve` is given while it runs.
    fn promised(&mut self, frame: &mut Frame, executor: &Value, span: Span) -> Option<Value> {
        if !matches!(executor.shape, Shape::Function(_)) || self.resolved.len() >= DEEPEST {
            return None;
        }
        let resolve = Value::from_origin(self.path("gabion.resolve"));
        let reject = Value::from_origin(self.path("gabion.reject"));
        self.resolved.push(None);
        self.run_given(frame, executor, &[resolve, reject], span);
        Some(self.resolved.pop().flatten().unwrap_or_default())
    }

    /// `promise.then(go_on, or_else)`.
    fn continued(&mut self, frame: &mut Frame, before: &Value, given: &[Given], span: Span) -> Option<Value> {
        let mut after: Option<Value> = None;
        for (at, one) in given.iter().take(2).enumerate() {
            if !matches!(one.value.shape, Shape::Function(_)) {
                continue;
            }
            let value = if at == 0 {
                self.run_given(frame, &one.value, std::slice::from_ref(before), span)
            } else {
                self.after_error(frame, &one.value, span)
            };
            after = Some(after.map_or_else(|| value.clone(), |after| after.join(&value)));
        }
        after
    }

    fn after_error(&mut self, frame: &mut Frame, function: &Value, span: Span) -> Value {
        let error = Value::from_origin(self.path("error()"));
        self.run_given(frame, function, &[error], span)
    }

    fn run_given(&mut self, frame: &mut Frame, function: &Value, values: &[Value], span: Span) -> Value {
        let Shape::Function(closure) = &function.shape else { return Value::default() };
        let given: Vec<Given> =
            values.iter().map(|value| Given { name: None, value: value.clone(), span }).collect();
        let closure = Rc::clone(closure);
        let value = self.run_closure(frame, &closure, None, &given, span);
        self.changed_this = None;
        value
    }

    /// The items of a list as arguments.
    pub(super) fn spread_out(&mut self, list: &Value, span: Span) -> Vec<Given> {
        let items = match &list.shape {
            Shape::List(items) if items.rest.is_none() => items.items.clone(),
            _ => vec![self.item_of(list); PARAMETERS],
        };
        items.into_iter().map(|value| Given { name: None, value, span }).collect()
    }

    /// What a function is called with that is given to a package nobody told us about: an item of what else the package is given,
    /// where the package is known for that or where somebody else's program decides both.
    pub(super) fn item_of_given(&mut self, callee: &str, given: &[Given]) -> Option<Value> {
        let exported = self.models.kinds.find(&["exported"]);
        let method = callee.rsplit(['.', '~']).next().unwrap_or_default();
        let each = EACH.contains(&method);
        let lists = given.iter().filter(|given| !matches!(given.value.shape, Shape::Function(_)));
        let mut lists = lists.filter(|given| !given.value.all_flows().is_empty());
        let item = self.item_of(&lists.next()?.value);
        if each {
            return Some(item);
        }
        let flows = item.flows.iter().filter(|flow| flow.source & exported != 0);
        let flows: Vec<Flow> = flows.map(|flow| Flow { guessed: true, ..flow.clone() }).collect();
        (!flows.is_empty()).then(|| Value { flows: Rc::new(flows), ..Value::default() })
    }
}

/// Whether something is looked up by what is given: `getUserById`, `findSession`.
pub(super) fn looks_up(callee: &str) -> bool {
    let name = callee.rsplit(['.', '~']).next().unwrap_or_default();
    let named = ["find", "fetch", "lookup", "count", "exists"].iter().any(|start| {
        let rest = name.strip_prefix(start);
        rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
    });
    let mut by = name.match_indices("By").map(|(at, _)| name.get(at.saturating_add(2)..).unwrap_or_default());
    named || by.any(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// `list.slice(1)`, where the length of the list is sure.
pub(super) fn sliced(list: &Value, from: Option<&Value>) -> Option<Value> {
    let Shape::List(items) = &list.shape else { return None };
    if items.rest.is_some() {
        return None;
    }
    let from = match from.map(|from| &from.known) {
        None => 0,
        Some(Known::Number(from)) if *from >= 0.0 => {
            (0..=items.items.len()).find(|at| (*at as f64 - from).abs() < 0.5).unwrap_or(items.items.len())
        }
        Some(_) => return None,
    };
    let items = items.items.iter().skip(from).cloned().collect();
    Some(Value {
        flows: Rc::clone(&list.flows),
        ..Value::shaped(Shape::List(Rc::new(List { items, rest: None })))
    })
}
