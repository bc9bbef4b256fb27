//! Calls: what is called, what arrives where it does harm, what comes back.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Call, Expr, ExprKind};

use super::{Frame, Given};
use crate::conditions::Arguments;
use crate::models::{End, Model, Sink};
use crate::origin::{Origin, Step};
use crate::redos::How;
use crate::value::{Flow, HOLE, KindSet, List, Object, Shape, Trace, Value};
use crate::world::{Ending, Hit, World};

impl World<'_> {
    pub(super) fn call(&mut self, frame: &mut Frame, call: &Call, span: Span) -> Value {
        let (mut callee, receiver) = self.callee(frame, &call.callee);
        if call.macro_call {
            callee = self.as_macro(&callee);
        }
        let callee = self.called_by_interface(frame, &callee, receiver.as_ref());
        if let Some(value) = self.accessor(frame, call, receiver.as_ref()) {
            return value;
        }
        let mut given = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            let name = argument.name.map(|name| frame.loaded.name(name));
            let value = self.evaluate(frame, &argument.value);
            if let ExprKind::Spread(_) = argument.value.kind {
                match &value.shape {
                    Shape::List(list) if list.rest.is_none() => {
                        given.extend(list.items.iter().map(|item| Given {
                            name: None,
                            value: item.clone(),
                            span: argument.value.span,
                        }));
                    }
                    shape => {
                        if let Shape::Object(object) = shape {
                            given.extend(object.fields.iter().map(|(name, value)| Given {
                                name: Some(*name),
                                value: value.clone(),
                                span: argument.value.span,
                            }));
                        } else {
                            let value = self.item_of(&value);
                            given.push(Given { name: None, value, span: argument.value.span });
                        }
                        // Whatever else it brings.
                        let name = Some(self.name(crate::conditions::MORE));
                        given.push(Given { name, value: Value::default(), span: argument.value.span });
                    }
                }
                continue;
            }
            let value = self.drawn_once(frame, &argument.value, value);
            given.push(Given { name, value, span: argument.value.span });
        }
        // What changes its receiver: `list.push(x)`.
        if let (ExprKind::Member { object, name }, Some(receiver)) = (&call.callee.kind, &receiver) {
            let method = frame.loaded.name(*name);
            let method = self.names.text(method);
            let own = matches!(callee.shape, Shape::Function(_));
            let changed = match (self.becomes(frame, &callee, receiver, &given), frame.loaded.language()) {
                (Some(changed), _) => Some(changed),
                (None, Language::Python) => self.python_receiver(&method, receiver, &given),
                (None, Language::Java) if !own => self
                    .java_changed(frame, &method, receiver, &given)
                    .or_else(|| self.changed_receiver(&method, receiver, &given)),
                (None, _) => self.changed_receiver(&method, receiver, &given),
            };
            if let Some(changed) = changed {
                self.assign_owner(frame, object, changed);
            }
        }
        let acts = callee.origin.and_then(|origin| {
            let acts = self.route_acts(origin, frame.loaded.language());
            (!acts.is_empty()).then(|| (origin, acts, given.clone()))
        });
        if let Some(value) = self.idiom(frame, call, &callee, receiver.as_ref(), &given, span) {
            return value;
        }
        let outputs = self.outputs(frame, &callee, receiver.as_ref(), &given, span);
        self.left_in_arguments.clear();
        let given_as_written = given.len() == call.arguments.len();
        let mut value = self.call_value(frame, &callee, receiver.as_ref(), given, span, call.new);
        self.put_back(frame, call, &callee, receiver.as_ref(), &mut value, outputs);
        let changed = std::mem::take(&mut self.changed_given);
        if matches!(callee.shape, Shape::Function(_)) && given_as_written {
            for (at, value) in changed {
                if let Some(argument) = call.arguments.get(at) {
                    self.assign_owner(frame, &argument.value, value);
                }
            }
        }
        if let Some((origin, acts, given)) = acts {
            value = self.route_call(frame, call, origin, &acts, receiver.as_ref(), &given, (span, value));
        }
        if let (ExprKind::Member { object, .. }, Shape::Function(_)) = (&call.callee.kind, &callee.shape) {
            // A method of ours may have changed its object.
            if let Some(this) = self.changed_this.take() {
                self.assign_owner(frame, object, this);
            }
        }
        self.changed_this = None;
        if frame.loaded.language() == Language::Python {
            self.python_called(frame, call, &callee);
        }
        value
    }

    /// What a call makes of its receiver, as a model says.
    fn becomes(&mut self, frame: &Frame, callee: &Value, receiver: &Value, given: &[Given]) -> Option<Value> {
        let known = self.known(callee.origin?, Ending::Call, frame.loaded.language());
        let models = self.models;
        let mut changes = known.iter().filter_map(|at| models.get(*at)).flat_map(|model| &model.becomes);
        let (path, _) = changes.find(|(_, when)| self.hold(when, &[], Some(receiver), given))?;
        Some(Value { origin: self.path(path), ..receiver.clone() })
    }

    /// What is called, and whose method it is.
    pub(super) fn callee(&mut self, frame: &mut Frame, from: &Expr) -> (Value, Option<Value>) {
        if let Some(value) = self.path_value(frame, from) {
            return (value, None);
        }
        match &from.kind {
            ExprKind::Member { object, name } => {
                let receiver = if matches!(object.kind, ExprKind::Super) {
                    self.parent(frame)
                } else {
                    self.evaluate(frame, object)
                };
                let name = frame.loaded.name(*name);
                (self.member(frame, &receiver, name, from.span), Some(receiver))
            }
            ExprKind::Index { object, index } => {
                let receiver = self.evaluate(frame, object);
                let index = self.evaluate(frame, index);
                (self.item(frame, &receiver, &index, from.span), Some(receiver))
            }
            _ => (self.evaluate(frame, from), None),
        }
    }

    pub(super) fn call_value(
        &mut self,
        frame: &mut Frame,
        callee: &Value,
        receiver: Option<&Value>,
        given: Vec<Given>,
        span: Span,
        new: bool,
    ) -> Value {
        match &callee.shape {
            Shape::Function(closure) => {
                let closure = Rc::clone(closure);
                self.note_called(&closure);
                if new && frame.loaded.language().is_script() {
                    return self.made_by_function(frame, &closure, &given, span);
                }
                return self.run_closure(frame, &closure, receiver, &given, span);
            }
            Shape::Class(class) => {
                let class = Rc::clone(class);
                return self.construct(frame, &class, &given, span);
            }
            Shape::Object(_) | Shape::List(_) | Shape::Unknown => {}
        }
        if let Some(value) = self.called_as_method(frame, callee, receiver, &given, span) {
            return value;
        }
        if let Some(value) = self.special(frame, callee, &given, span) {
            return value;
        }
        let Some(origin) = callee.origin else { return self.handed_on(frame, None, receiver, &given) };
        self.check(frame, origin, Ending::Call, receiver, &given, span);
        let models = self.sinks(frame, origin, Ending::Call, receiver, &given, span);
        self.page(frame, &models, &given, span);
        let result = self.origins.step(origin, Step::Call);
        let mut value = self.result(frame, &models, origin, receiver, &given, span);
        if value.origin.is_none() {
            value.origin = result;
        }
        if let (true, Some(result)) = (models.is_empty(), result) {
            // What calling gives may be a source by its path: `getParameter()`.
            value = self.at_path(frame, result, &value, span);
        } else if let Some(result) = result {
            let source = self.at_path(frame, result, &Value::default(), span);
            value.add_flows(&source.flows);
        }
        let _ = new;
        value
    }

    /// Loads modules, makes patterns.
    fn special(&mut self, frame: &mut Frame, callee: &Value, given: &[Given], span: Span) -> Option<Value> {
        if !frame.loaded.language().is_script() {
            return None;
        }
        let text = self.text_of(callee.origin?);
        if &*text == "RegExp" {
            let pattern = given.first()?.value.as_constant()?;
            let flags = given.get(1).and_then(|flags| flags.value.as_constant()).unwrap_or_default();
            self.pattern_stands(frame, &pattern, &flags, How::Search, span);
            return Some(Value { origin: self.path("RegExp()"), ..Value::text(&pattern) });
        }
        if &*text != "require" && &*text != "import" {
            return None;
        }
        let module = given.first()?.value.as_constant()?;
        let from =
            self.units.get(frame.module).map(|unit| std::sync::Arc::clone(&unit.path)).unwrap_or_default();
        if let Some(file) = self.paths.find(frame.loaded.language(), &from, &module, 0) {
            return Some(self.exports(file));
        }
        Some(Value::from_origin(self.module_path(&module)))
    }

    /// The models of a path; what is given is held against their sinks.
    pub(super) fn sinks(
        &mut self,
        frame: &Frame,
        origin: Origin,
        ending: Ending,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Vec<usize> {
        let known = self.known(origin, ending, frame.loaded.language());
        let models = self.models;
        // Where it is not shown as a page, markup is only text.
        let plain =
            frame.loaded.language().is_script() && self.text_of(origin).starts_with(crate::world::PLAIN);
        let html = if plain { models.kinds.find(&["html"]) } else { 0 };
        for model in known.iter().filter_map(|at| models.get(*at)) {
            if let Some(used) = &model.regex {
                self.matched_against(frame, used, origin, receiver, given, span);
            }
            for sink in &model.sinks {
                if sink.kind & html != 0 || !self.hold(&sink.when, &sink.except, receiver, given) {
                    continue;
                }
                for (value, at) in self.ends(&sink.at, receiver, given, span) {
                    let value = self.within(&value, &sink.field);
                    let Some(mut value) = value else { continue };
                    if sink.plain && matches!(value.shape, Shape::Object(_)) {
                        value.shape = Shape::Unknown;
                    }
                    if !sink.without.is_empty() {
                        value = self.without_fields(&value, &sink.without, 3);
                    }
                    if value.is_harmless() && value.lasting().is_empty() {
                        continue;
                    }
                    let text = line(&value).unwrap_or_else(|| HOLE.to_string().into());
                    if sink.looks.as_ref().is_some_and(|looks| !looks.is_match(&text))
                        || sink.unless.as_ref().is_some_and(|unless| unless.is_match(&text))
                    {
                        continue;
                    }
                    // Of a list the first item is where it begins.
                    let first = match &value.shape {
                        Shape::List(list) if sink.leading && value.flows.is_empty() => {
                            list.items.first().cloned()
                        }
                        _ => None,
                    };
                    self.arrives(frame, sink, first.as_ref().unwrap_or(&value), at, origin);
                }
            }
        }
        known.to_vec()
    }

    /// A value without what stands in fields of these names.
    fn without_fields(&self, value: &Value, names: &[String], depth: usize) -> Value {
        let Shape::Object(object) = &value.shape else { return value.clone() };
        if depth == 0 {
            return value.clone();
        }
        let mut left = (**object).clone();
        left.fields.retain(|name, _| !names.iter().any(|one| **one == *self.names.text(*name)));
        for value in left.fields.values_mut() {
            *value = self.without_fields(value, names, depth.saturating_sub(1));
        }
        Value { shape: Shape::Object(Rc::new(left)), ..value.clone() }
    }

    /// Whether what a call is given is as it should be: all of these, none of those.
    pub(super) fn hold(
        &self,
        when: &[crate::rules::Condition],
        except: &[crate::rules::Condition],
        receiver: Option<&Value>,
        given: &[Given],
    ) -> bool {
        if when.is_empty() && except.is_empty() {
            return true;
        }
        let names: Vec<Option<Rc<str>>> =
            given.iter().map(|given| given.name.map(|name| self.names.text(name))).collect();
        let arguments = Arguments { world: self, given, names: &names, receiver };
        when.iter().all(|one| arguments.hold(one)) && !except.iter().any(|one| arguments.hold(one))
    }

    /// Something from somewhere arrives where it does harm of a kind.
    fn arrives(&mut self, frame: &Frame, sink: &Sink, value: &Value, span: Span, callee: Origin) {
        let callee = self.text_of(callee);
        self.arrived(frame, (sink.kind, sink.weak, sink.leading), value, span, &callee);
    }

    /// Whether it is what such a function is for.
    pub(super) fn belongs(&self, frame: &Frame, rule: usize) -> bool {
        let rules = self.rules;
        let within = rules.rules.get(rule).and_then(|(_, code)| code.not_within.as_ref());
        let pattern = within.and_then(|text| rules.forms.get(text));
        pattern.is_some_and(|pattern| pattern.is_match(&self.function_name(frame)))
    }

    pub(super) fn arrived(
        &mut self,
        frame: &Frame,
        (kind, weak, leading): (KindSet, bool, bool),
        value: &Value,
        span: Span,
        callee: &str,
    ) {
        let flows = if value.is_harmless() { Rc::new(value.lasting()) } else { value.all_flows() };
        if flows.is_empty() {
            return;
        }
        // Without `..` it stays below what it is appended to.
        let below = self.models.kinds.find(&["path-below"]);
        let path = self.models.kinds.find(&["path"]);
        let harms = |flow: &&Flow| {
            flow.safe & kind == 0
                && (flow.leads || !(leading || kind == path && below != 0 && flow.safe & below != 0))
        };
        let rules = self.rules;
        for (rule, sources, sinks) in &rules.taints {
            if sinks & kind == 0 || self.belongs(frame, *rule) {
                continue;
            }
            for flow in flows.iter().filter(|flow| flow.source & sources != 0).filter(harms) {
                let says = format!("it arrives in `{callee}`");
                let before = Some(Rc::clone(&flow.trace));
                let length = flow.trace.length.saturating_add(1);
                let trace = Trace { module: frame.module, span, says: says.into(), before, length };
                let within = self.function_name(frame);
                if self.only_tested(frame) {
                    continue;
                }
                let (module, trace, weak) = (frame.module, Some(Rc::new(trace)), weak || flow.guessed);
                let callee = callee.into();
                self.hit(Hit { rule: *rule, module, span, trace, callee, within, weak });
            }
        }
    }

    /// Whether a test of JavaScript runs what is no test: what it gives is made up.
    pub(super) fn only_tested(&self, frame: &Frame) -> bool {
        let of_test = |module: usize| self.units.get(module).is_some_and(|unit| unit.script_test);
        frame.loaded.language().is_script()
            && !of_test(frame.module)
            && frame.stack.iter().any(|function| of_test(function.module))
    }

    pub(super) fn function_name(&self, frame: &Frame) -> String {
        let function = frame.loaded.module().function(frame.function.id);
        let name = function.and_then(|function| function.name).map(|name| frame.loaded.text(name).to_owned());
        name.unwrap_or_default()
    }

    /// The values at an end of a call, and where they stand.
    pub(super) fn ends(
        &self,
        end: &End,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Vec<(Value, Span)> {
        let positional = || given.iter().filter(|given| given.name.is_none());
        let pair = |given: &Given| (given.value.clone(), given.span);
        match end {
            End::Argument(at) => positional().nth(*at).map(pair).into_iter().collect(),
            End::From(at) => positional().skip(*at).map(pair).collect(),
            End::Named(name) => {
                let fits = |given: &&Given| given.name.is_some_and(|own| *self.names.text(own) == **name);
                given.iter().filter(fits).map(pair).collect()
            }
            End::Receiver => receiver.map(|receiver| (receiver.clone(), span)).into_iter().collect(),
            End::All => vec![(super::place::spaced(positional().map(|given| &given.value)), span)],
            End::Result => Vec::new(),
        }
    }

    /// A field of a value, by its names.
    pub(crate) fn within(&self, value: &Value, fields: &[String]) -> Option<Value> {
        let mut value = value.clone();
        for field in fields {
            value = match &value.shape {
                Shape::Object(object) => {
                    let found = object.fields.iter().find(|(name, _)| *self.names.text(**name) == **field);
                    found.map(|(_, value)| value.clone()).or_else(|| object.rest.as_deref().cloned())?
                }
                _ => return value.is_tainted().then_some(value),
            };
        }
        Some(value)
    }

    /// What a call gives.
    fn result(
        &mut self,
        frame: &mut Frame,
        models: &[usize],
        origin: Origin,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Value {
        let all = self.models;
        let models: Vec<&Model> = models.iter().filter_map(|at| all.get(*at)).collect();
        let returned = self.call_back(frame, &models, origin, receiver, given, span);
        self.ended = models.iter().any(|model| model.ends);
        let mut value = if models.iter().any(|model| model.harmless) {
            let parts: Vec<&Value> =
                receiver.into_iter().chain(given.iter().map(|given| &given.value)).collect();
            return Value::harmless_of(&parts);
        } else if let Some(makes) = models.iter().find_map(|model| model.makes) {
            self.filled(makes, given)
        } else if let Some(model) = models.iter().find(|model| !model.fields.is_empty()) {
            let mut object = Object::default();
            for (name, given) in model.fields.iter().zip(given) {
                let name = self.name(name);
                object.set(name, given.value.clone());
            }
            Value::shaped(Shape::Object(Rc::new(object)))
        } else if models.iter().any(|model| model.fresh) {
            Value::default()
        } else if models.iter().any(|model| model.flows.iter().any(|(_, to)| *to == End::Result)) {
            let mut value = Value::default();
            for (from, to) in models.iter().flat_map(|model| &model.flows) {
                if *to == End::Result {
                    self.ends(from, receiver, given, span)
                        .iter()
                        .for_each(|(from, _)| value.add_flows(&from.all_flows()));
                }
            }
            value
        } else {
            let known = !models.is_empty();
            let built = match frame.loaded.language() {
                Language::Python => self.python_built(frame, origin, receiver, given, span),
                Language::Java => {
                    let built = self.java_built(frame, origin, receiver, given);
                    built.or_else(|| self.built(frame, origin, receiver, given))
                }
                _ => self.built(frame, origin, receiver, given),
            };
            let built = built.or_else(|| self.joined_text(&models, receiver, given));
            built.unwrap_or_else(|| {
                if known {
                    self.gathered(receiver, given)
                } else {
                    self.handed_on(frame, Some(origin), receiver, given)
                }
            })
        };
        value.add_flows(&returned.all_flows());
        if matches!(value.shape, Shape::Unknown) && !matches!(returned.shape, Shape::Unknown) {
            value.shape = returned.shape;
        }
        let safe = models.iter().fold(0, |safe, model| safe | model.sanitizes);
        let safe = safe | self.cleaned(frame, origin, given);
        if safe != 0 {
            value = value.made_safe(safe);
        }
        let restored = models.iter().fold(0, |restored, model| restored | model.restores);
        if restored != 0 {
            value = value.made_unsafe(restored);
        }
        let mut gives = models.iter().flat_map(|model| &model.gives);
        if let Some((path, _)) = gives.find(|(_, when)| self.hold(when, &[], receiver, given)) {
            value.origin = self.path(path);
        } else if let Some(returns) = models.iter().find_map(|model| model.returns.as_ref()) {
            value.origin = self.path(returns);
        }
        value
    }

    /// All that went in.
    pub(super) fn gathered(&self, receiver: Option<&Value>, given: &[Given]) -> Value {
        let mut value = Value::default();
        for one in receiver.into_iter().chain(given.iter().map(|given| &given.value)) {
            value.add_flows(&one.carried());
        }
        value
    }

    /// What something unknown gives: it may hand on all it got, but that is a guess.
    fn handed_on(
        &mut self,
        frame: &Frame,
        callee: Option<Origin>,
        receiver: Option<&Value>,
        given: &[Given],
    ) -> Value {
        if frame.loaded.language().is_script()
            && callee.is_some_and(|callee| super::script::looks_up(&self.text_of(callee)))
        {
            // What is found is not what was looked for.
            return receiver.map_or_else(Value::default, |receiver| Value {
                flows: receiver.all_flows(),
                ..Value::default()
            });
        }
        let value = self.gathered(None, given);
        // What is only a part of what was given, a number among settings, is seldom all of what comes back.
        let script = frame.loaded.language().is_script();
        let guessed = value
            .flows
            .iter()
            .filter(|flow| !(script && flow.lasting))
            .map(|flow| Flow { guessed: true, ..flow.clone() })
            .collect();
        let mut value = Value { flows: Rc::new(guessed), ..value };
        if let Some(receiver) = receiver {
            value.add_flows(&receiver.all_flows());
        }
        value
    }

    /// Runs the functions that are given; what they give may be what the call gives.
    fn call_back(
        &mut self,
        frame: &mut Frame,
        models: &[&Model],
        origin: Origin,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Value {
        let mut returned = Value::default();
        let mut done: Vec<*const crate::value::Closure> = Vec::new();
        for callback in models.iter().flat_map(|model| &model.calls) {
            if !self.hold(&callback.when, &[], receiver, given) {
                continue;
            }
            for (value, at) in self.ends(&callback.at, receiver, given, span) {
                let field = if callback.field.is_empty() {
                    Some(value)
                } else {
                    self.within(&value, &callback.field)
                };
                for closure in functions(&field.unwrap_or_default()) {
                    done.push(Rc::as_ptr(&closure));
                    let parameters = callback.parameters.iter().map(|parameter| {
                        let value = self.given_value(frame, parameter, receiver, at);
                        Given { name: None, value, span: at }
                    });
                    let mut parameters: Vec<Given> = parameters.collect();
                    if self.handles_errors(&closure, &callback.parameters) {
                        let value = Value::from_origin(self.path("error()"));
                        parameters.insert(0, Given { name: None, value, span: at });
                    }
                    let value = self.run_closure(frame, &closure, None, &parameters, at);
                    if callback.arrives != 0 {
                        let callee = self.text_of(origin);
                        self.arrived(frame, (callback.arrives, false, false), &value, at, &callee);
                    }
                    if callback.returned {
                        returned = returned.join(&value);
                    }
                }
            }
        }
        for one in given {
            for closure in functions(&one.value) {
                if done.contains(&Rc::as_ptr(&closure)) {
                    continue;
                }
                // A function nobody told us about: it gets what the receiver holds, or nothing we know.
                let item = receiver.map_or_else(Value::default, |receiver| self.item_of(receiver));
                let listed = matches!(receiver.map(|receiver| &receiver.shape), Some(Shape::List(_)));
                let item = if item.is_tainted() || listed {
                    Some(item)
                } else if models.is_empty()
                    && frame.loaded.language().is_script()
                    && !self.takes_error(&closure)
                {
                    let callee = self.text_of(origin);
                    self.item_of_given(&callee, given)
                } else {
                    None
                };
                let parameters: Vec<Given> =
                    item.map(|value| Given { name: None, value, span: one.span }).into_iter().collect();
                self.note_called(&closure);
                let value = self.run_closure(frame, &closure, None, &parameters, one.span);
                returned.add_flows(&value.all_flows());
            }
        }
        returned
    }

    fn given_value(
        &mut self,
        frame: &Frame,
        parameter: &crate::models::Given,
        receiver: Option<&Value>,
        span: Span,
    ) -> Value {
        match parameter {
            crate::models::Given::Path(path) => match self.path(path) {
                Some(origin) => self.at_path(frame, origin, &Value::default(), span),
                None => Value::default(),
            },
            crate::models::Given::Item => {
                receiver.map_or_else(Value::default, |receiver| self.item_of(receiver))
            }
            crate::models::Given::Receiver => receiver.cloned().unwrap_or_default(),
            crate::models::Given::Nothing => Value::default(),
        }
    }
}

/// The functions in a value: itself, the items of a list, the fields of an object.
fn functions(value: &Value) -> Vec<Rc<crate::value::Closure>> {
    match &value.shape {
        Shape::Function(closure) => vec![Rc::clone(closure)],
        Shape::List(list) => each(list).collect(),
        Shape::Object(object) => fields(object).collect(),
        Shape::Class(_) | Shape::Unknown => Vec::new(),
    }
}

fn each(list: &List) -> impl Iterator<Item = Rc<crate::value::Closure>> + '_ {
    list.items.iter().chain(list.rest.as_deref()).filter_map(closure)
}

fn fields(object: &Object) -> impl Iterator<Item = Rc<crate::value::Closure>> + '_ {
    object.fields.values().filter_map(closure)
}

fn closure(value: &Value) -> Option<Rc<crate::value::Closure>> {
    match &value.shape {
        Shape::Function(closure) => Some(Rc::clone(closure)),
        _ => None,
    }
}

/// A list of texts as the line it is: what is sure of `["sh", "-c", line]`.
fn line(value: &Value) -> Option<Rc<str>> {
    let Shape::List(list) = &value.shape else { return value.as_text() };
    let mut line = String::new();
    for item in list.items.iter().chain(list.rest.as_deref()) {
        if !line.is_empty() {
            line.push(' ');
        }
        // Of several texts one speaks for all: a shell is a shell.
        match item.as_text().or_else(|| item.alternatives()?.first().cloned()) {
            Some(text) => line.push_str(&text),
            None => line.push(HOLE),
        }
    }
    Some(line.into())
}
