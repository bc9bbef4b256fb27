//! Functions and classes: made, called, and run when nobody calls them.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{ClassId, Function, FunctionId, ParamKind, Pattern, Type};

use super::handler::runs_bodies;
use super::{DEEPEST, DEEPEST_TAINTED, Exit, Frame, Given, Pending};
use crate::scope::Variables;
use crate::value::{ClassValue, Closure, FunctionRef, List, Object, Shape, Value};
use crate::world::World;

/// A function may use so many times what each of those behind it would get.
const GENEROUS: u64 = 16;
/// Steps that a function gets at least, as long as there are any.
const LEAST: u64 = 4_000;

/// Functions among what is given, and in objects and lists there.
fn handed(given: &[Given]) -> Vec<Rc<Closure>> {
    let mut all = Vec::new();
    let mut each = |value: &Value| {
        if let Shape::Function(closure) = &value.shape {
            all.push(Rc::clone(closure));
        }
    };
    for one in given {
        match &one.value.shape {
            Shape::Function(_) => each(&one.value),
            Shape::Object(object) if object.class.is_none() => object.fields.values().for_each(&mut each),
            Shape::List(list) => list.items.iter().for_each(&mut each),
            _ => {}
        }
    }
    all
}

impl World<'_> {
    pub(super) fn closure(&mut self, frame: &mut Frame, id: FunctionId) -> Value {
        let arrow = frame.loaded.module().function(id).is_some_and(|function| function.traits.arrow);
        let closure = Rc::new(Closure {
            function: FunctionRef { module: frame.module, id },
            scope: Rc::clone(&frame.scope),
            this: arrow.then(|| frame.this.clone()),
            others: Vec::new(),
        });
        let closure_of = Rc::clone(&closure);
        frame.pending.push(Pending { closure: closure_of, given: None, answer: None, fixed: false });
        let known = self.lambda_gives(frame, id);
        Value { known, ..Value::shaped(Shape::Function(closure)) }
    }

    /// A function with a name, and what its decorators make of it.
    pub(super) fn declare_function(&mut self, frame: &mut Frame, id: FunctionId) {
        let loaded = Rc::clone(&frame.loaded);
        let Some(function) = loaded.module().function(id) else { return };
        let value = self.closure(frame, id);
        if let Some(name) = function.name {
            let name = loaded.name(name);
            frame.scope.declare(name, value);
        }
        let at = frame.pending.len().saturating_sub(1);
        let called = self.decorated(frame, function);
        self.route_decorated(frame, id);
        if let Some(pending) = frame.pending.get_mut(at) {
            pending.given = called.given;
            pending.answer = called.answer;
            pending.fixed = called.fixed;
        }
    }

    pub(super) fn class(&mut self, frame: &mut Frame, id: ClassId) -> Value {
        let loaded = Rc::clone(&frame.loaded);
        let Some(tree) = loaded.module().class(id) else { return Value::default() };
        let bases: Vec<Value> = tree.bases.iter().map(|base| self.evaluate(frame, base)).collect();
        let fields =
            if runs_bodies(loaded.language()) { self.class_fields(frame, tree) } else { Variables::new() };
        for decorator in &tree.decorators {
            let value = self.evaluate(frame, decorator);
            self.route_decorator(frame, decorator, &value);
        }
        let name = tree.name.map(|name| loaded.name(name));
        let scope = Rc::clone(&frame.scope);
        let class = Rc::new(ClassValue { module: frame.module, id, scope, bases: bases.clone(), fields });
        let value = Value::shaped(Shape::Class(Rc::clone(&class)));
        if let Some(name) = name {
            frame.scope.declare(name, value.clone());
        }
        let _ = self.block(frame, &tree.body);
        if loaded.language() == Language::Java {
            let before = std::mem::replace(&mut frame.this, value.clone());
            for field in tree.fields.iter().filter(|field| field.of_class) {
                field.value.iter().for_each(|value| drop(self.evaluate(frame, value)));
            }
            frame.this = before;
        }
        for method in &tree.methods {
            let Some(function) = loaded.module().function(*method) else { continue };
            let mut called = self.decorated(frame, function);
            self.route_decorated(frame, *method);
            if called.given.is_none() {
                called = self.handlers(frame, &bases, function);
            }
            if let Some(given) = called.given.take() {
                called.given = Some(self.java_parameters(frame, function, given));
            }
            self.check_overridden(frame, &bases, function);
            self.method_pending(frame, FunctionRef { module: frame.module, id: *method }, called);
        }
        value
    }

    /// What stands in the body of a class, for all its objects.
    fn class_fields(&mut self, frame: &mut Frame, tree: &gabion_syntax::tree::Class) -> Variables {
        let inside = self.scope(Some(&frame.scope));
        let around = std::mem::replace(&mut frame.scope, Rc::clone(&inside));
        for field in &tree.fields {
            let Some(value) = &field.value else { continue };
            let value = self.evaluate(frame, value);
            let name = frame.loaded.name(field.name);
            if frame.loaded.language() == Language::Python {
                self.check_name(frame, name, &value, field.span);
            }
            frame.scope.declare(name, value);
        }
        frame.scope = around;
        inside.snapshot()
    }

    /// `new C(…)`, `C(…)`.
    pub(super) fn construct(
        &mut self,
        frame: &mut Frame,
        class: &Rc<ClassValue>,
        given: &[Given],
        span: Span,
    ) -> Value {
        let mut this = self.fields_of(frame, class);
        let mut next = Some(Rc::clone(class));
        while let Some(one) = next {
            let Some(loaded) = self.load(one.module) else { break };
            let Some(tree) = loaded.module().class(one.id) else { break };
            let mut methods = tree.methods.iter();
            let constructor = methods.find(|id| {
                loaded.module().function(**id).is_some_and(|function| function.traits.constructor)
            });
            if let Some(id) = constructor {
                let function = FunctionRef { module: one.module, id: *id };
                let scope = Rc::clone(&one.scope);
                let closure =
                    Rc::new(Closure { function, scope, this: Some(this.clone()), others: Vec::new() });
                self.run_closure(frame, &closure, Some(&this), given, span);
                if let Some(changed) = self.changed_this.take() {
                    this = changed;
                }
                return this;
            }
            next = one.bases.iter().find_map(|base| match &base.shape {
                Shape::Class(class) => Some(Rc::clone(class)),
                _ => None,
            });
        }
        self.fill(class, &mut this, given);
        this
    }

    /// Without a constructor of its own: fields by their names or in order, as data classes are made.
    fn fill(&mut self, class: &Rc<ClassValue>, this: &mut Value, given: &[Given]) {
        let mut names = Vec::new();
        if let Some(loaded) = self.load(class.module)
            && let Some(tree) = loaded.module().class(class.id)
            && runs_bodies(loaded.language())
        {
            names.extend(
                tree.fields
                    .iter()
                    .filter(|field| field.of_type.is_some())
                    .map(|field| loaded.name(field.name)),
            );
        }
        let mut names = names.into_iter();
        for one in given {
            match one.name.or_else(|| names.next()) {
                Some(name) => *this = super::assign::with_field(this, name, one.value.clone()),
                // Nobody says what it does with it.
                None => this.add_flows(&one.value.all_flows()),
            }
        }
    }

    /// A new object of a class, before its constructor ran.
    fn fields_of(&mut self, frame: &mut Frame, class: &Rc<ClassValue>) -> Value {
        let mut object = Object { class: Some(Rc::clone(class)), ..Object::default() };
        let mut origin = None;
        if let Some(loaded) = self.load(class.module)
            && let Some(tree) = loaded.module().class(class.id)
        {
            for field in tree.fields.iter().filter(|field| !field.of_class) {
                if let Some(value) = &field.value {
                    let value = if class.module == frame.module {
                        self.evaluate(frame, value)
                    } else {
                        self.evaluate_in(frame, class, value).unwrap_or_default()
                    };
                    object.set(loaded.name(field.name), value);
                }
            }
            origin = self.library_bases(&class.bases).first().copied();
        }
        let origin = origin.and_then(|origin| self.origins.step(origin, crate::origin::Step::Call));
        Value { origin, ..Value::shaped(Shape::Object(Rc::new(object))) }
    }

    /// An object of a class of which nobody knows how it was made.
    pub(super) fn instance(&mut self, frame: &mut Frame, class: &Rc<ClassValue>) -> Value {
        let key = Self::class_key(class);
        match self.instances.get(&key) {
            Some(Some(value)) => return value.clone(),
            // It is being made.
            Some(None) => {
                return Value::shaped(Shape::Object(Rc::new(Object {
                    class: Some(Rc::clone(class)),
                    ..Object::default()
                })));
            }
            None => {}
        }
        self.instances.insert(key, None);
        let value = self.construct(frame, class, &[], Span::default());
        self.instances.insert(key, Some(value.clone()));
        value
    }

    /// What `super` is: the object, as the class above sees it.
    pub(super) fn parent(&mut self, frame: &mut Frame) -> Value {
        let this = self.own(frame);
        let Shape::Object(object) = &this.shape else { return Value::default() };
        let class = self.class_of(frame, object);
        let base = class.as_ref().and_then(|class| class.bases.first()).cloned().unwrap_or_default();
        match &base.shape {
            Shape::Class(class) => {
                let object = Object { class: Some(Rc::clone(class)), ..(**object).clone() };
                Value::shaped(Shape::Object(Rc::new(object)))
            }
            _ => base,
        }
    }

    /// The class whose method runs: above it `super` looks on.
    fn class_of(&mut self, frame: &Frame, object: &Object) -> Option<Rc<ClassValue>> {
        let of = frame.loaded.module().function(frame.function.id)?.class;
        let mut open: Vec<Rc<ClassValue>> = object.class.iter().cloned().collect();
        let mut left = 64_usize;
        while let Some(class) = open.pop() {
            left = left.checked_sub(1)?;
            if class.module == frame.module && Some(class.id) == of {
                return Some(class);
            }
            open.extend(class.bases.iter().rev().filter_map(|base| match &base.shape {
                Shape::Class(class) => Some(Rc::clone(class)),
                _ => None,
            }));
        }
        object.class.clone()
    }

    /// The object of the method that runs, as it is now.
    pub(super) fn own(&mut self, frame: &Frame) -> Value {
        let function = frame.loaded.module().function(frame.function.id);
        let receiver = function.and_then(|function| function.receiver).map(|name| frame.loaded.name(name));
        receiver.and_then(|name| frame.scope.get(name)).unwrap_or_else(|| frame.this.clone())
    }

    /// A method above changed the object: it stays of its own class.
    pub(super) fn set_parent(&mut self, frame: &mut Frame, changed: &Value) {
        let own = self.own(frame);
        let (Shape::Object(own), Shape::Object(above)) = (&own.shape, &changed.shape) else { return };
        let object = Object { class: own.class.clone(), ..(**above).clone() };
        let value = Value { shape: Shape::Object(Rc::new(object)), ..changed.clone() };
        let function = frame.loaded.module().function(frame.function.id);
        if let Some(name) = function.and_then(|function| function.receiver) {
            let name = frame.loaded.name(name);
            frame.scope.declare(name, value.clone());
        }
        frame.this = value;
    }

    /// Calls a function of the tree.
    pub(super) fn run_closure(
        &mut self,
        frame: &mut Frame,
        closure: &Rc<Closure>,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Value {
        if !closure.others.is_empty() {
            return self.run_each(frame, closure, receiver, given, span);
        }
        let tainted = given.iter().any(|given| given.value.has_flows());
        self.routes.called(frame.function, &frame.scope, closure);
        let handed = handed(given);
        for one in &handed {
            self.routes.called(frame.function, &frame.scope, one);
        }
        let depth = frame.stack.len();
        self.changed_given.clear();
        self.ended = false;
        let answer = self.answer.take();
        let again = frame.stack.iter().filter(|own| **own == closure.function).count();
        let again = again > usize::from(self.gives_prototype(frame, given));
        let deepest = if tainted { DEEPEST_TAINTED } else { DEEPEST };
        if depth > deepest || again || !self.step() {
            let mut value = Value::default();
            given.iter().for_each(|given| value.add_flows(&given.value.all_flows()));
            return value;
        }
        let Some(loaded) = self.load(closure.function.module) else { return Value::default() };
        let Some(function) = loaded.module().function(closure.function.id) else { return Value::default() };
        let this = closure.this.clone().or_else(|| receiver.cloned());
        let key = if answer.is_none() { self.call_key(closure, this.as_ref(), given) } else { None };
        if let Some(value) = key.and_then(|key| self.recall(key, depth)) {
            return value;
        }
        let changes = self.module_changes.get(&closure.function.module).copied();
        let scope = self.scope(Some(&closure.scope));
        handed.iter().for_each(|one| scope.hand(one));
        let mut stack = frame.stack.clone();
        stack.push(closure.function);
        let mut inner = Frame {
            module: closure.function.module,
            loaded: Rc::clone(&loaded),
            function: closure.function,
            scope,
            this: this.unwrap_or_default(),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack,
            tainted,
            exports: None,
            rebound: hashbrown::HashSet::new(),
            answer,
        };
        if !self.only_tested(&inner) {
            self.visited.insert(closure.function);
        }
        let name =
            function.name.map_or_else(|| "a function".to_owned(), |name| format!("`{}`", loaded.text(name)));
        self.receive(&mut inner, function, given, &name, span, frame.module);
        self.java_query(&mut inner, function);
        inner.rebound.clear();
        let exit = self.run_body(&mut inner, function);
        self.ended = inner.returned.is_none() && exit == Exit::Leave && self.budget > 0;
        let mut value = inner.returned.take().unwrap_or_default();
        if let Some(name) = function.name {
            self.named_secret(&inner, loaded.name(name), &value, function.head);
        }
        if function.traits.generator && loaded.language() == Language::Python {
            let rest = Some(Box::new(value));
            value = Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest })));
        }
        if super::member::is_typed(&loaded)
            && let Some(of) = function.returns.as_ref().filter(|_| matches!(value.shape, Shape::Unknown))
        {
            self.claim_typed(&mut inner, &mut value, of, false);
        }
        if tainted {
            value = Self::stepped(&value, frame.module, span, &format!("{name} gives it back"));
        }
        self.left_in_arguments = Self::left(&inner, function);
        self.changed_given = self.left_of_given(&inner, function, given);
        if receiver.is_some() || closure.this.is_some() {
            self.changed_this = Some(inner.this.clone());
        }
        // What sets variables of its module does so each time.
        let changed = self.module_changes.get(&closure.function.module).copied() != changes;
        if let Some(key) = key.filter(|_| !changed) {
            self.remember(key, depth, &value);
        }
        value
    }

    /// Lists and maps that a function was given, as it left them: at which place they were given, or under which name.
    fn left_of_given(&self, inner: &Frame, function: &Function, given: &[Given]) -> Vec<(usize, Value)> {
        if inner.loaded.language() != Language::Python {
            return Vec::new();
        }
        let mut positional = given.iter().enumerate().filter(|(_, given)| given.name.is_none());
        let mut left = Vec::new();
        for param in &function.params {
            let Pattern::Name(symbol, _) = &param.pattern else { break };
            let name = inner.loaded.name(*symbol);
            let named = given.iter().enumerate().find(|(_, given)| given.name == Some(name));
            let found = match param.kind {
                ParamKind::Positional => named.or_else(|| positional.next()),
                ParamKind::Named => named,
                ParamKind::Rest | ParamKind::NamedRest => break,
            };
            let Some((at, before)) = found else { continue };
            if !matches!(before.value.shape, Shape::List(_) | Shape::Object(_))
                || inner.rebound.contains(&name)
            {
                continue;
            }
            let changed = match (&before.value.shape, inner.scope.get(name)) {
                (Shape::List(one), Some(value)) => match &value.shape {
                    Shape::List(two) if !Rc::ptr_eq(one, two) => Some(value),
                    _ => None,
                },
                (Shape::Object(one), Some(value)) => match &value.shape {
                    Shape::Object(two) if !Rc::ptr_eq(one, two) => Some(value),
                    _ => None,
                },
                _ => None,
            };
            left.extend(changed.map(|value| (at, value)));
        }
        left
    }

    fn run_body(&mut self, frame: &mut Frame, function: &Function) -> Exit {
        if let Some(receiver) = function.receiver {
            let name = frame.loaded.name(receiver);
            let this = frame.this.clone();
            frame.scope.declare(name, this);
        }
        self.hoist(frame, &function.body);
        let exit = self.block(frame, &function.body);
        if let Some(receiver) = function.receiver {
            let name = frame.loaded.name(receiver);
            frame.this = frame.scope.get(name).unwrap_or_default();
        }
        if frame.tainted || frame.stack.len() <= 2 {
            self.run_pending(frame);
        } else {
            // What somebody else calls, wherever it was made.
            frame.pending.retain(|pending| pending.given.is_some());
            self.run_pending(frame);
        }
        exit
    }

    /// Binds parameters.
    pub(super) fn receive(
        &mut self,
        frame: &mut Frame,
        function: &Function,
        given: &[Given],
        name: &str,
        span: Span,
        from: usize,
    ) {
        if frame.loaded.language().is_script() && !function.traits.arrow {
            let mut list = List::default();
            given.iter().for_each(|given| list.push(given.value.clone()));
            let name = self.name("arguments");
            frame.scope.declare(name, Value::shaped(Shape::List(Rc::new(list))));
        }
        let mut positional = given.iter().filter(|given| given.name.is_none());
        for param in &function.params {
            let value = match param.kind {
                ParamKind::Positional | ParamKind::Named => {
                    let named = given.iter().find(|given| {
                        given.name.is_some_and(|name| matches!(&param.pattern, Pattern::Name(own, _) if frame.loaded.name(*own) == name))
                    });
                    named
                        .or_else(
                            || if param.kind == ParamKind::Positional { positional.next() } else { None },
                        )
                        .map(|given| {
                            let at = if given.span.is_empty() { span } else { given.span };
                            Self::stepped(&given.value, from, at, &format!("it is given to {name}"))
                        })
                }
                ParamKind::Rest => {
                    let mut list = List::default();
                    positional.by_ref().for_each(|given| list.push(given.value.clone()));
                    Some(Value::shaped(Shape::List(Rc::new(list))))
                }
                ParamKind::NamedRest => {
                    let mut object = Object::default();
                    for one in given {
                        if let Some(name) = one.name {
                            object.set(name, one.value.clone());
                        }
                    }
                    Some(Value::shaped(Shape::Object(Rc::new(object))))
                }
            };
            let missing = value.is_none();
            let mut value = match (value, &param.default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.evaluate(frame, default),
                (None, None) => Value::default(),
            };
            if let Some(of_type) = &param.of_type {
                self.java_parameter(frame, &mut value, of_type);
                self.of_parameter(frame, &mut value, of_type, missing);
            }
            if missing {
                self.decorated_parameter(frame, param, &mut value);
            }
            self.declare(frame, &param.pattern, value);
        }
    }

    /// What a parameter's type says: of what is given only that it is a number, or something of a library.
    fn of_parameter(&mut self, frame: &mut Frame, value: &mut Value, of_type: &Type, missing: bool) {
        let loaded = Rc::clone(&frame.loaded);
        if super::member::is_typed(&loaded) {
            return self.claim_typed(frame, value, of_type, missing);
        }
        if missing || value.origin.is_none() || super::member::is_number(loaded.text(of_type.path)) {
            self.claim(frame, value, of_type);
            return;
        }
        let scope = Rc::clone(&frame.scope);
        let Some(origin) = self.type_path(&loaded, &scope, of_type) else { return };
        let text = self.text_of(origin);
        if loaded.language() == Language::Java {
            // What a server hands over is no request by itself, a map of it is.
            let handed = value.origin.is_some_and(|origin| &*self.text_of(origin) == "gabion.parameter()");
            if !handed || text.starts_with("java.") || !self.models.knows_type(text.trim_end_matches("()")) {
                return self.claim(frame, value, of_type);
            }
        }
        if self.models.knows_type(text.trim_end_matches("()")) {
            *value = Value::from_origin(Some(origin));
        }
    }

    /// Runs what was made here and not called yet.
    pub(super) fn run_pending(&mut self, frame: &mut Frame) {
        let pending = std::mem::take(&mut frame.pending);
        let all = pending.len();
        for (at, one) in pending.into_iter().enumerate() {
            if self.visited.contains(&one.closure.function) && one.given.is_none() {
                continue;
            }
            let Some(loaded) = self.load(one.closure.function.module) else { continue };
            let Some(function) = loaded.module().function(one.closure.function.id) else { continue };
            let values = one.given.or_else(|| self.given_by_framework(frame, &loaded, function));
            let given: Vec<Given> = values
                .unwrap_or_default()
                .into_iter()
                .map(|value| Given { name: None, value, span: function.head })
                .collect();
            let this = function.class.and_then(|class| self.own_object(frame, &loaded, &one.closure, class));
            self.answer = one.answer;
            self.fixed_route = one.fixed;
            let module = one.closure.function.module;
            let share = self.share(all.saturating_sub(at));
            let value = self.run_closure(frame, &one.closure, this.as_ref(), &given, function.head);
            self.give_back(share, module);
            self.answer = None;
            self.fixed_route = false;
            self.changed_this = None;
            self.java_answer(frame, &one.closure, &value);
        }
    }

    /// Sets the steps apart that one of so many functions may make; gives those that are kept for the others.
    pub(super) fn share(&mut self, among: usize) -> u64 {
        let among = u64::try_from(among).unwrap_or(u64::MAX).max(1);
        let share =
            self.budget.checked_div(among).unwrap_or(0).saturating_mul(GENEROUS).max(LEAST).min(self.budget);
        let kept = self.budget.saturating_sub(share);
        self.budget = share;
        kept
    }

    /// What is left of a share goes to the others; who used all of it is said.
    pub(super) fn give_back(&mut self, kept: u64, module: usize) {
        if self.budget == 0 {
            self.cut_off(module);
        }
        self.budget = self.budget.saturating_add(kept);
    }

    fn own_object(
        &mut self,
        frame: &mut Frame,
        loaded: &super::Loaded,
        closure: &Closure,
        class: ClassId,
    ) -> Option<Value> {
        let name = loaded.name(loaded.module().class(class)?.name?);
        let value = closure.scope.get(name).or_else(|| self.elsewhere(closure.function.module, name));
        match value?.shape {
            Shape::Class(class) => Some(self.instance(frame, &class)),
            _ => None,
        }
    }
}
