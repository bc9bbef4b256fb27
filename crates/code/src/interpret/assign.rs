//! What names and places are given.

use std::rc::Rc;

use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Key, Pattern};

use super::{Frame, Given};
use crate::name::Name;
use crate::origin::Step;
use crate::value::{Known, List, Object, Shape, Value};
use crate::world::{Ending, World};

impl World<'_> {
    /// Declares what a pattern names.
    pub(super) fn declare(&mut self, frame: &mut Frame, pattern: &Pattern, value: Value) {
        self.take_apart(frame, pattern, value, true);
    }

    /// Sets what a pattern names.
    pub(super) fn bind(&mut self, frame: &mut Frame, pattern: &Pattern, value: Value) {
        self.take_apart(frame, pattern, value, false);
    }

    fn take_apart(&mut self, frame: &mut Frame, pattern: &Pattern, value: Value, new: bool) {
        match pattern {
            Pattern::Name(symbol, span) => {
                let name = frame.loaded.name(*symbol);
                let text = self.names.text(name);
                let value = self.called_so(frame, name, value, *span);
                let value = Self::stepped(&value, frame.module, *span, &format!("`{text}` is set"));
                self.check_name(frame, name, &value, *span);
                if !new && frame.loaded.language().is_script() && frame.scope.get(name).is_none() {
                    // Nobody declared it: it is the page's own, `location = …`.
                    let origin = self.origins.root(name);
                    self.check_set(frame, origin, None, &value, *span);
                }
                // A function without a name has this one; a value of which nothing is known, too.
                let value = self.hinted(name, value);
                self.named_secret(frame, name, &value, *span);
                let value = self.marked_name(frame, *span, value);
                self.set_name(frame, name, value, new);
            }
            Pattern::Ignore | Pattern::Value(_) => {}
            Pattern::Object { fields, rest } => {
                for field in fields {
                    let part = match &field.key {
                        Key::Name(symbol) => {
                            let name = frame.loaded.name(*symbol);
                            let span = name_span(&field.pattern);
                            self.member(frame, &value, name, span)
                        }
                        Key::Computed(key) => {
                            let key = self.evaluate(frame, key);
                            self.item(frame, &value, &key, gabion_finding::Span::default())
                        }
                    };
                    self.take_apart(frame, &field.pattern, part, new);
                }
                if let Some(rest) = rest {
                    self.take_apart(frame, rest, value, new);
                }
            }
            Pattern::List(items)
                if frame.loaded.language() == Language::Go && !matches!(value.shape, Shape::List(_)) =>
            {
                for (at, item) in items.iter().enumerate() {
                    let part = self.one_of_several(frame, &value, at, items);
                    self.take_apart(frame, item, part, new);
                }
            }
            Pattern::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    if let (Pattern::Rest(inner), Shape::List(list)) = (item, &value.shape)
                        && list.rest.is_none()
                        && value.flows.is_empty()
                    {
                        let behind = items.len().saturating_sub(at).saturating_sub(1);
                        let end = list.items.len().saturating_sub(behind);
                        let items = list.items.iter().take(end).skip(at).cloned().collect();
                        let list = List { items, rest: None };
                        self.take_apart(frame, inner, Value::shaped(Shape::List(Rc::new(list))), new);
                        continue;
                    }
                    if let Pattern::Rest(inner) = item {
                        let any = self.item_of(&value);
                        let list = List { items: Vec::new(), rest: Some(Box::new(any)) };
                        self.take_apart(frame, inner, Value::shaped(Shape::List(Rc::new(list))), new);
                        continue;
                    }
                    // Behind a rest they are counted from the end.
                    let rest = items.iter().take(at).any(|one| matches!(one, Pattern::Rest(_)));
                    let at = if rest { at as f64 - items.len() as f64 } else { at as f64 };
                    let index = Value::known(Known::Number(at));
                    let part = self.item(frame, &value, &index, name_span(item));
                    self.take_apart(frame, item, part, new);
                }
            }
            Pattern::Rest(inner) => self.take_apart(frame, inner, value, new),
            Pattern::Default(inner, otherwise) => {
                let otherwise = self.evaluate(frame, otherwise);
                let value = match (&value.known, &value.shape) {
                    (Known::Null, _) => otherwise,
                    (Known::Nothing, Shape::Unknown)
                        if frame.loaded.language().is_script()
                            && value.is_unknown()
                            && otherwise.is_empty() =>
                    {
                        value
                    }
                    (Known::Nothing, Shape::Unknown) => value.join(&otherwise),
                    _ => value,
                };
                self.take_apart(frame, inner, value, new);
            }
            Pattern::Place(place) => self.assign(frame, place, value),
            Pattern::Or(any) => any.iter().for_each(|one| self.take_apart(frame, one, value.clone(), new)),
            Pattern::Variant { of, items } if super::idiom::is_error(&frame.loaded, of) => {
                let error = Value::from_origin(self.path("error()"));
                for item in items {
                    self.take_apart(frame, item, error.clone(), new);
                }
            }
            Pattern::Variant { items, .. } => {
                // What is in it is what it was made of: `Some(x)`, `Ok(x)`.
                for item in items {
                    self.take_apart(frame, item, value.clone(), new);
                }
            }
            Pattern::As(inner, symbol) => {
                let name = frame.loaded.name(*symbol);
                self.set_name(frame, name, value.clone(), new);
                self.take_apart(frame, inner, value, new);
            }
        }
    }

    /// What a name says of a value that is not known: `password`.
    pub(super) fn called_so(
        &mut self,
        frame: &Frame,
        name: Name,
        value: Value,
        span: gabion_finding::Span,
    ) -> Value {
        if frame.loaded.language() != Language::Python || value.is_harmless() || value.as_constant().is_some()
        {
            return value;
        }
        let origin = self.origins.hint(name);
        let said = self.at_path(frame, origin, &Value::default(), span);
        if said.flows.is_empty() {
            return value;
        }
        let mut value = value;
        value.add_flows(&said.flows);
        value
    }

    fn set_name(&mut self, frame: &mut Frame, name: Name, value: Value, new: bool) {
        if !new
            && frame.loaded.language() == Language::Java
            && frame.scope.get(name).is_none()
            && self.has_field(frame, name)
        {
            // A field of the object, without the word `this`.
            frame.this = with_field(&frame.this, name, value);
            return;
        }
        let own = new || !frame.loaded.language().is_script();
        frame.rebound.insert(name);
        if frame.scope.is_within() && frame.function_declares_global(name) {
            // For this function it is what it was set to; for all others it may also be what it was.
            let before = frame.scope.join_of_module(name, &value);
            frame.scope.declare(name, value);
            self.module_variable_set(frame, name, before);
            return;
        }
        let before = frame.scope.of_module(name);
        if own || !frame.scope.set(name, value.clone()) {
            frame.scope.declare(name, value);
        }
        self.module_variable_set(frame, name, before);
    }

    /// What can be foretold becomes something that nobody may know, by its name.
    pub(super) fn named_secret(
        &mut self,
        frame: &Frame,
        name: Name,
        value: &Value,
        span: gabion_finding::Span,
    ) {
        if value.flows.iter().any(|flow| flow.lasting) && is_secret(&self.names.text(name)) {
            let kind = self.models.kinds.find(&["secret"]);
            let text = self.names.text(name);
            self.arrived(frame, (kind, false, false), value, span, &text);
        }
    }

    /// A value of which nothing is known is at least called something.
    pub(super) fn hinted(&mut self, name: Name, value: Value) -> Value {
        let nothing =
            value.origin.is_none() && value.known == Known::Nothing && matches!(value.shape, Shape::Unknown);
        if nothing {
            let origin = self.origins.hint(name);
            return Value { origin: Some(origin), ..value };
        }
        value
    }

    /// Sets a place that exists: a name, a field, an item.
    pub(super) fn assign(&mut self, frame: &mut Frame, place: &Expr, value: Value) {
        match &place.kind {
            ExprKind::Name(symbol) => {
                let name = frame.loaded.name(*symbol);
                self.set_name(frame, name, value, false);
            }
            ExprKind::This => frame.this = value,
            ExprKind::Member { object, name } => {
                let name = frame.loaded.name(*name);
                let owner = self.evaluate(frame, object);
                if owner.origin.is_none() {
                    self.check_name(frame, name, &value, place.span);
                }
                if self.set_property(&owner, name, &value) {
                    return;
                }
                let whose = owner.origin.or_else(|| self.path("~object"));
                if let Some(path) = whose.and_then(|origin| self.origins.step(origin, Step::Member(name))) {
                    self.check_set(frame, path, Some(&owner), &value, place.span);
                }
                self.named_secret(frame, name, &value, place.span);
                let part = self.part_of_address(frame, &owner, name, &value);
                let changed = part.unwrap_or_else(|| with_field(&owner, name, value));
                self.assign_owner(frame, object, changed);
            }
            ExprKind::Index { object, index } => {
                let owner = self.evaluate(frame, object);
                let index = self.evaluate(frame, index);
                self.written_by_key(frame, &owner, &index, place.span);
                if let Some(text) = index.as_constant() {
                    let name = self.name(&text);
                    match owner.origin.and_then(|origin| self.origins.step(origin, Step::Member(name))) {
                        Some(path) => self.check_set(frame, path, Some(&owner), &value, place.span),
                        None => self.check_name(frame, name, &value, place.span),
                    }
                }
                if let Some(path) = owner.origin.and_then(|origin| self.origins.step(origin, Step::Item)) {
                    let given = [value.clone(), index.clone()];
                    let given = given.map(|value| Given { name: None, value, span: place.span });
                    self.sinks(frame, path, Ending::Set, Some(&owner), &given, place.span);
                }
                if let Some(changed) = with_item(&owner, &index, &value) {
                    return self.assign_owner(frame, object, changed);
                }
                let changed = match index.as_constant() {
                    Some(text) if !matches!(owner.shape, Shape::List(_)) => {
                        let name = self.name(&text);
                        with_field(&owner, name, value)
                    }
                    _ => with_some_item(&owner, &value),
                };
                self.assign_owner(frame, object, changed);
            }
            ExprKind::Cast { value: inner, .. } | ExprKind::Reference(inner) => {
                self.assign(frame, inner, value)
            }
            _ => {}
        }
    }

    /// The object whose field was set is another object now, wherever it stands.
    pub(super) fn assign_owner(&mut self, frame: &mut Frame, object: &Expr, changed: Value) {
        match &object.kind {
            ExprKind::Name(symbol) => {
                let name = frame.loaded.name(*symbol);
                // What a library shares with all requests is seen as changed here only.
                let shared = changed.origin.is_some() && frame.loaded.language() == Language::Python;
                if shared && !frame.stack.is_empty() && frame.scope.get(name).is_some() {
                    frame.scope.declare(name, changed);
                } else {
                    // One nobody declared belongs to the language.
                    let before = frame.scope.of_module(name);
                    frame.scope.set(name, changed);
                    self.module_variable_set(frame, name, before);
                }
            }
            ExprKind::Index { object: outer, index } => {
                let owner = self.evaluate(frame, outer);
                let index = self.evaluate(frame, index);
                let changed =
                    with_item(&owner, &index, &changed).unwrap_or_else(|| match index.as_constant() {
                        Some(text) if !matches!(owner.shape, Shape::List(_)) => {
                            let name = self.name(&text);
                            with_field(&owner, name, changed)
                        }
                        _ => with_some_item(&owner, &changed),
                    });
                self.assign_owner(frame, outer, changed);
            }
            ExprKind::Super => self.set_parent(frame, &changed),
            ExprKind::This => frame.this = changed,
            ExprKind::Member { object: outer, name } => {
                let name = frame.loaded.name(*name);
                let owner = self.evaluate(frame, outer);
                if self.set_property(&owner, name, &changed) {
                    return;
                }
                let part = self.part_of_address(frame, &owner, name, &changed);
                let changed = part.unwrap_or_else(|| with_field(&owner, name, changed));
                self.assign_owner(frame, outer, changed);
            }
            // `text.append(a).append(b)`: each gives what it is called on.
            ExprKind::Call(call) if frame.loaded.language() == Language::Java => {
                if let ExprKind::Member { object, name } = &call.callee.kind
                    && matches!(
                        frame.loaded.text(*name),
                        "append" | "insert" | "replace" | "reverse" | "delete" | "deleteCharAt"
                    )
                {
                    self.assign_owner(frame, object, changed);
                }
            }
            _ => {}
        }
    }

    /// What a pattern names, before it is set.
    pub(super) fn pattern_value(&mut self, frame: &mut Frame, pattern: &Pattern) -> Value {
        match pattern {
            Pattern::Name(symbol, span) => {
                let name = frame.loaded.name(*symbol);
                self.named(frame, name, *span)
            }
            Pattern::Place(place) => self.evaluate(frame, place),
            _ => Value::default(),
        }
    }
}

impl Frame {
    /// Names a function says are not its own.
    fn function_declares_global(&self, name: Name) -> bool {
        use gabion_syntax::tree::StmtKind;
        let function = self.loaded.module().function(self.function.id);
        let body = function.map(|function| function.body.as_slice()).unwrap_or_default();
        body.iter().any(|one| match &one.kind {
            StmtKind::Global(names) => names.iter().any(|symbol| self.loaded.name(*symbol) == name),
            _ => false,
        })
    }
}

fn name_span(pattern: &Pattern) -> gabion_finding::Span {
    match pattern {
        Pattern::Name(_, span) => *span,
        Pattern::Default(inner, _) | Pattern::Rest(inner) => name_span(inner),
        _ => gabion_finding::Span::default(),
    }
}

/// Whether something of that name has to be kept from others.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "");
    [
        "token",
        "secret",
        "password",
        "passwd",
        "pwd",
        "sessionid",
        "sessionkey",
        "otp",
        "nonce",
        "salt",
        "apikey",
        "csrf",
        "remembermekey",
        "secretkey",
        "authkey",
        "encryptionkey",
        "accesskey",
        "privatekey",
        "resetcode",
        "verificationcode",
        "activationcode",
        "authcode",
        "accesscode",
        "resetkey",
        "onetimepassword",
        "passcode",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}

pub(super) fn with_field(owner: &Value, name: Name, value: Value) -> Value {
    let mut changed = owner.clone();
    match &mut changed.shape {
        Shape::Object(object) => Rc::make_mut(object).set(name, value),
        // What was there stays what it was, and has this field besides.
        Shape::Unknown => {
            let mut object = Object::default();
            object.set(name, value);
            if owner.is_tainted() {
                // The others still are what they were; this one is what it is given.
                let rest = Value { flows: std::mem::take(&mut changed.flows), ..Value::default() };
                object.rest = Some(Box::new(rest));
            }
            changed.shape = Shape::Object(Rc::new(object));
        }
        Shape::List(_) | Shape::Function(_) | Shape::Class(_) => {}
    }
    changed
}

/// An item of a list whose place is sure.
fn with_item(owner: &Value, index: &Value, value: &Value) -> Option<Value> {
    let Shape::List(list) = &owner.shape else { return None };
    let at = super::python::place(index, list.items.len()).filter(|_| list.rest.is_none())?;
    let mut changed = (**list).clone();
    *changed.items.get_mut(at)? = value.clone();
    Some(Value { shape: Shape::List(Rc::new(changed)), ..owner.clone() })
}

pub(super) fn with_some_item(owner: &Value, value: &Value) -> Value {
    let mut changed = owner.clone();
    match &mut changed.shape {
        Shape::Object(object) => Rc::make_mut(object).add_rest(value),
        Shape::List(list) => {
            let any = list.any().map_or_else(|| value.clone(), |own| own.join(value));
            *list = Rc::new(List { items: Vec::new(), rest: Some(Box::new(any)) });
        }
        _ => changed.add_flows(&value.all_flows()),
    }
    changed
}

impl World<'_> {
    /// As [`World::assign`], for what only is known better now: nothing arrives anywhere by it.
    pub(super) fn assign_quietly(&mut self, frame: &mut Frame, place: &Expr, value: Value) {
        match &place.kind {
            ExprKind::Name(symbol) => {
                // Here only: in a scope around this one it is what it was.
                let name = frame.loaded.name(*symbol);
                frame.scope.declare(name, value);
            }
            ExprKind::Member { object, name } => {
                let name = frame.loaded.name(*name);
                let owner = self.evaluate(frame, object);
                let changed = with_field(&owner, name, value);
                self.assign_quietly(frame, object, changed);
            }
            ExprKind::Index { object, index } => {
                let owner = self.evaluate(frame, object);
                if let Some(text) = self.evaluate(frame, index).as_constant() {
                    let name = self.name(&text);
                    let changed = with_field(&owner, name, value);
                    self.assign_quietly(frame, object, changed);
                }
            }
            ExprKind::This => frame.this = value,
            _ => {}
        }
    }
}
