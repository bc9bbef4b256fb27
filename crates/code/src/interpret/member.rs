//! Fields, items, and what types say.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::Type;

use super::{Frame, Given};
use crate::name::Name;
use crate::origin::{Origin, Step};
use crate::value::{ClassValue, Closure, Flow, FunctionRef, Known, Object, Shape, Value};
use crate::world::{Ending, World};

/// Classes above a class.
const ANCESTORS: usize = 16;

impl World<'_> {
    pub(super) fn member(&mut self, frame: &mut Frame, object: &Value, name: Name, span: Span) -> Value {
        match &object.shape {
            Shape::Object(inner) => {
                if let Some(value) = self.field(frame, object, inner, name, span) {
                    return value;
                }
            }
            Shape::Class(class) => {
                if let Some(value) = self.class_member(frame, class, name) {
                    return value;
                }
            }
            Shape::Function(closure) => {
                if let Some(value) = self.property(frame, closure.function, name) {
                    return value;
                }
            }
            Shape::List(_) | Shape::Unknown => {}
        }
        // What a class does not have itself it has from a library.
        let base = match &object.shape {
            Shape::Class(class) if object.origin.is_none() && frame.loaded.language().is_script() => {
                self.library_bases(&class.bases).first().copied()
            }
            _ => object.origin,
        };
        let origin = base.and_then(|origin| self.origins.step(origin, Step::Member(name)));
        if let Some(class) = origin.and_then(|origin| self.java_class_at(frame, origin, name)) {
            return class;
        }
        let base = Value { flows: object.all_flows(), ..Value::default() };
        let text = self.names.text(name);
        let script = frame.loaded.language().is_script();
        let java = frame.loaded.language() == Language::Java;
        if script && matches!(&*text, "length" | "size") || java && &*text == "length" {
            let length = match &object.shape {
                Shape::List(list) if list.rest.is_none() => Known::Number(list.items.len() as f64),
                _ => Known::Harmless,
            };
            // In Java it may still be called.
            let origin = origin.or_else(|| java.then(|| self.origins.hint(name)));
            return Value { known: length, origin, ..Value::default() };
        }
        match origin {
            Some(origin) => {
                if script {
                    self.check(frame, origin, Ending::Read, Some(object), &[], span);
                }
                self.at_path(frame, origin, &base, span)
            }
            None => {
                let origin = self.origins.hint(name);
                Value { origin: Some(origin), ..base }
            }
        }
    }

    fn field(
        &mut self,
        frame: &mut Frame,
        whole: &Value,
        object: &Rc<Object>,
        name: Name,
        span: Span,
    ) -> Option<Value> {
        // A map of Java holds what it is asked for with `get`; its methods have other names.
        let map = object.class.is_none() && frame.loaded.language() == Language::Java;
        if let Some(mut value) = object.fields.get(&name).filter(|_| !map).cloned() {
            value.add_flows(&whole.flows);
            return Some(value);
        }
        if let Some(class) = &object.class {
            let class = Rc::clone(class);
            if let Some(value) = self.method(frame, &class, whole, name, span) {
                return Some(value);
            }
        }
        if let Some(value) = self.either_method(frame, whole, object, name, span) {
            return Some(value);
        }
        if frame.loaded.language() == Language::Java {
            // What is put in under a name is no method.
            return None;
        }
        let mut rest = object.rest.as_deref().cloned()?;
        rest.add_flows(&whole.flows);
        let origin = whole.origin.and_then(|origin| self.origins.step(origin, Step::Member(name)));
        match origin {
            // What was there before some of its fields were set.
            Some(origin) if frame.loaded.language().is_script() && matches!(rest.shape, Shape::Unknown) => {
                Some(self.at_path(frame, origin, &rest, span))
            }
            _ => Some(rest),
        }
    }

    /// The method of an object of which nobody knows which of several classes it has: each of them is called.
    fn either_method(
        &mut self,
        frame: &mut Frame,
        whole: &Value,
        object: &Rc<Object>,
        name: Name,
        span: Span,
    ) -> Option<Value> {
        let mut found = Vec::new();
        for class in &object.either {
            let value = self.method(frame, class, whole, name, span)?;
            let Shape::Function(closure) = value.shape else { return None };
            found.push(closure);
        }
        let first = found.first()?;
        let (function, scope) = (first.function, Rc::clone(&first.scope));
        let closure = Closure { function, scope, this: Some(whole.clone()), others: found };
        Some(Value::shaped(Shape::Function(Rc::new(closure))))
    }

    /// A method or a declared field of a class or of one above it, for that object.
    pub(super) fn method(
        &mut self,
        frame: &mut Frame,
        class: &Rc<ClassValue>,
        this: &Value,
        name: Name,
        span: Span,
    ) -> Option<Value> {
        let mut next = Some(Rc::clone(class));
        for _ in 0..ANCESTORS {
            let class = next?;
            let loaded = self.load(class.module)?;
            let tree = loaded.module().class(class.id)?;
            for id in &tree.methods {
                let function = loaded.module().function(*id)?;
                if function.name.map(|own| loaded.name(own)) == Some(name) && !function.traits.setter {
                    let others = self.java_implementations(&class, function, name, this);
                    let closure = Rc::new(Closure {
                        function: FunctionRef { module: class.module, id: *id },
                        scope: Rc::clone(&class.scope),
                        this: Some(this.clone()),
                        others,
                    });
                    if function.traits.getter {
                        return Some(self.run_closure(frame, &closure, None, &[], span));
                    }
                    if function.body.is_empty()
                        && let Some(value) = self.implemented(frame, &class, name)
                    {
                        return Some(value);
                    }
                    return Some(Value::shaped(Shape::Function(closure)));
                }
            }
            if let Some(value) = class.fields.get(&name) {
                return Some(value.clone());
            }
            let field = tree.fields.iter().find(|field| loaded.name(field.name) == name);
            if let Some(value) = field.filter(|field| field.of_class).and_then(|field| field.value.as_ref()) {
                return self.evaluate_in(frame, &class, value);
            }
            if field.is_some_and(|field| field.of_class)
                && let Some(value) = class.scope.get(name)
            {
                return Some(value);
            }
            if let Some((function, scope)) = self.method_elsewhere(&class, name) {
                let closure = Closure { function, scope, this: Some(this.clone()), others: Vec::new() };
                return Some(Value::shaped(Shape::Function(Rc::new(closure))));
            }
            if let Some(of_type) = field.and_then(|field| field.of_type.as_ref()) {
                if is_typed(&loaded) {
                    return Some(self.typed_field(frame, &class, &loaded, of_type, this));
                }
                if loaded.language() == Language::Java {
                    return self.value_of_type(frame, &class, of_type);
                }
                let origin = self.type_path(&loaded, &class.scope, of_type);
                return Some(Value::from_origin(origin));
            }
            next = class.bases.iter().find_map(|base| match &base.shape {
                Shape::Class(class) => Some(Rc::clone(class)),
                _ => None,
            });
            if next.is_none() && is_typed(&loaded) {
                return self.embedded(frame, &class, &loaded, this, name, span);
            }
        }
        None
    }

    /// What the object of this method has under that name.
    pub(super) fn own_member(&mut self, frame: &mut Frame, name: Name, span: Span) -> Option<Value> {
        let this = frame.this.clone();
        match &this.shape {
            Shape::Object(object) => {
                let value = self.field(frame, &this, object, name, span);
                let class = object.class.clone();
                value.or_else(|| class.and_then(|class| self.class_member(frame, &class, name)))
            }
            Shape::Class(class) => self.class_member(frame, class, name),
            _ => None,
        }
    }

    fn class_member(&mut self, frame: &mut Frame, class: &Rc<ClassValue>, name: Name) -> Option<Value> {
        let mut next = Some(Rc::clone(class));
        for _ in 0..ANCESTORS {
            let class = next?;
            if let Some(value) = self.member_of_class(frame, &class, name) {
                return Some(value);
            }
            next = class.bases.iter().find_map(|base| match &base.shape {
                Shape::Class(class) => Some(Rc::clone(class)),
                _ => None,
            });
        }
        None
    }

    fn member_of_class(&mut self, frame: &mut Frame, class: &Rc<ClassValue>, name: Name) -> Option<Value> {
        let loaded = self.load(class.module)?;
        let tree = loaded.module().class(class.id)?;
        for id in &tree.methods {
            let function = loaded.module().function(*id)?;
            if function.name.map(|own| loaded.name(own)) == Some(name) {
                let this = function.traits.of_class.then(|| Value::shaped(Shape::Class(Rc::clone(class))));
                let function = FunctionRef { module: class.module, id: *id };
                let scope = Rc::clone(&class.scope);
                let others = Vec::new();
                return Some(Value::shaped(Shape::Function(Rc::new(Closure {
                    function,
                    scope,
                    this,
                    others,
                }))));
            }
        }
        if let Some(value) = class.fields.get(&name) {
            return Some(value.clone());
        }
        let Some(field) = tree.fields.iter().find(|field| loaded.name(field.name) == name) else {
            return class.bases.iter().find_map(|base| match &base.shape {
                Shape::Class(base) if loaded.language() == Language::Java => {
                    self.class_member(frame, &Rc::clone(base), name)
                }
                _ => None,
            });
        };
        if let Some(value) = &field.value {
            return self.evaluate_in(frame, class, value);
        }
        if loaded.language() != Language::Java {
            return None;
        }
        // Set in a block of the class.
        if let Some(value) = class.scope.get(name) {
            return Some(value);
        }
        self.value_of_type(frame, class, field.of_type.as_ref()?)
    }

    pub(super) fn item(&mut self, frame: &mut Frame, object: &Value, index: &Value, span: Span) -> Value {
        match (&object.shape, &index.known) {
            (Shape::Object(_), Known::Text(text)) if !text.contains(crate::value::HOLE) => {
                let name = self.name(text);
                return self.member(frame, object, name, span);
            }
            (Shape::Object(inner), _) => {
                let all = inner.fields.values().chain(inner.rest.as_deref()).cloned();
                let mut value = all.reduce(|one, two| one.join(&two)).unwrap_or_default();
                // There may be no such key.
                if matches!(value.known, Known::Bool(_)) {
                    value.known = Known::Harmless;
                }
                value.add_flows(&object.flows);
                return value;
            }
            (Shape::List(list), Known::Number(at)) if list.rest.is_none() => {
                let length = list.items.len() as f64;
                let at = if *at < 0.0 { length + at } else { *at };
                let found =
                    list.items.iter().zip(0_u32..).find(|(_, number)| (f64::from(*number) - at).abs() < 0.5);
                if let Some((value, _)) = found {
                    let mut value = value.clone();
                    value.add_flows(&object.flows);
                    return value;
                }
            }
            // What stands first is sure, whatever comes behind.
            (Shape::List(list), Known::Number(at)) if *at >= 0.0 && object.flows.is_empty() => {
                let found = super::python::place(index, list.items.len());
                if let Some(value) = found.and_then(|at| list.items.get(at)) {
                    return value.clone();
                }
            }
            // `a['b']` is `a.b`.
            (Shape::Unknown, Known::Text(text))
                if frame.loaded.language().is_script()
                    && !text.is_empty()
                    && !text.contains(crate::value::HOLE) =>
            {
                let name = self.name(text);
                return self.member(frame, object, name, span);
            }
            (Shape::Unknown, Known::Number(_)) => {
                if let Some(character) = self.character(object, index) {
                    return character;
                }
            }
            _ => {}
        }
        if matches!(object.shape, Shape::List(_)) {
            return self.item_of(object);
        }
        let origin = object.origin.and_then(|origin| self.origins.step(origin, Step::Item));
        if let Some(origin) = origin.filter(|_| index.is_tainted()) {
            let given = [Given { name: None, value: index.clone(), span }];
            self.sinks(frame, origin, Ending::Read, Some(object), &given, span);
        }
        let base = Value { flows: object.all_flows(), ..Value::default() };
        match origin {
            Some(origin) => self.at_path(frame, origin, &base, span),
            None => base,
        }
    }

    /// Any item of a list, a map, a text.
    pub(super) fn item_of(&mut self, value: &Value) -> Value {
        let mut item = match &value.shape {
            Shape::List(list) => list.any().unwrap_or_default(),
            Shape::Object(_) => Value { flows: value.all_flows(), ..Value::default() },
            _ => {
                let origin = value.origin.and_then(|origin| self.origins.step(origin, Step::Item));
                Value { origin, ..Value::default() }
            }
        };
        item.add_flows(&value.flows);
        item
    }

    /// Any key of an object.
    pub(super) fn key_of(&mut self, value: &Value) -> Value {
        match &value.shape {
            Shape::Object(object) if object.rest.is_none() => Value::default(),
            Shape::List(_) => Value::known(Known::Harmless),
            _ => Value { flows: Rc::clone(&value.flows), ..Value::default() },
        }
    }

    /// A value that is known by its path: a source, if a model says so; besides it has what its owner has.
    pub(super) fn at_path(&mut self, frame: &Frame, origin: Origin, base: &Value, span: Span) -> Value {
        let mut value = Value { origin: Some(origin), ..base.clone() };
        let known = self.known(origin, Ending::Read, frame.loaded.language());
        for at in known.iter() {
            let Some(model) = self.models.get(*at) else { continue };
            if let Some(text) = &model.text {
                return Value { origin: Some(origin), ..Value::text(text) };
            }
            if model.harmless {
                let flows = match model.source {
                    source if source != 0 && model.lasting => {
                        let says = model.says.clone().unwrap_or_else(|| self.text_of(origin).to_string());
                        vec![Flow { lasting: true, ..Self::source(frame, source, span, &says) }]
                    }
                    _ => value.flows.iter().filter(|flow| flow.lasting).cloned().collect(),
                };
                return Value {
                    known: Known::Harmless,
                    origin: Some(origin),
                    flows: Rc::new(flows),
                    ..Value::default()
                };
            }
            if model.fresh {
                value.flows = Rc::default();
            }
            if model.source != 0 && self.fixed_route && &*self.text_of(origin) == "flask.request.path" {
                continue;
            }
            if model.source != 0 {
                let says = model.says.clone().unwrap_or_else(|| self.text_of(origin).to_string());
                let flow = Self::source(frame, model.source, span, &says);
                let flow = Flow { lasting: model.lasting, safe: model.sanitizes, ..flow };
                // What it is by itself, besides what it is of.
                let mut flows = vec![flow];
                flows.extend(value.flows.iter().filter(|own| own.source != model.source).cloned());
                value.flows = Rc::new(flows);
            } else if model.sanitizes != 0 {
                value = value.made_safe(model.sanitizes);
            }
            if let Some(returns) = &model.returns {
                value.origin = self.path(returns);
            }
        }
        value
    }

    /// The value is of that type, as somebody wrote.
    pub(super) fn claim(&mut self, frame: &mut Frame, value: &mut Value, of_type: &Type) {
        if is_typed(&frame.loaded) {
            return self.claim_typed(frame, value, of_type, false);
        }
        let loaded = Rc::clone(&frame.loaded);
        let text = loaded.text(of_type.path);
        if is_number(text) {
            value.known = if value.is_harmless() { value.known.clone() } else { Known::Harmless };
            return;
        }
        let scope = Rc::clone(&frame.scope);
        let unknown = match &value.shape {
            Shape::Unknown => true,
            Shape::Object(object) => object.class.is_none() && loaded.language() == Language::Java,
            _ => false,
        };
        if unknown && let Some(class) = self.type_class(frame.module, &loaded, &scope, of_type) {
            if let Shape::Object(object) = &mut value.shape {
                // One of several: what it is called with runs in all of them.
                Rc::make_mut(object).class = Some(class);
                return;
            }
            let instance = self.instance(frame, &class);
            value.shape = instance.shape;
            return;
        }
        if let Some(origin) = self.type_path(&loaded, &scope, of_type) {
            let better = value.origin.is_some_and(|own| self.models.knows_owner(&self.text_of(own)));
            if !better {
                value.origin = Some(origin);
            }
        }
    }

    /// A value of a type is written out: its fields are held against what is known of making one.
    pub(super) fn literal(&mut self, frame: &mut Frame, value: &Value, of_type: &Type, span: Span) {
        let (loaded, scope) = (Rc::clone(&frame.loaded), Rc::clone(&frame.scope));
        let Some(origin) = self.named_type(&loaded, &scope, of_type) else { return };
        let Shape::Object(object) = &value.shape else { return };
        let given =
            object.fields.iter().map(|(name, value)| Given { name: Some(*name), value: value.clone(), span });
        let given: Vec<Given> = given.collect();
        self.check(frame, origin, Ending::Call, None, &given, span);
        self.sinks(frame, origin, Ending::Call, None, &given, span);
    }

    /// The class of this tree that a type names.
    pub(super) fn type_class(
        &mut self,
        from: usize,
        loaded: &super::Loaded,
        scope: &crate::scope::Scope,
        of_type: &Type,
    ) -> Option<Rc<ClassValue>> {
        let text = loaded.text(of_type.path);
        if loaded.language() == Language::Java
            && let Some((package, last)) = text.rsplit_once('.')
            && let Some(file) = self.paths.class("", Some(package), last)
        {
            let name = self.name(last);
            return match self.exports(file).shape {
                Shape::Object(object) => match object.field(name)?.shape {
                    Shape::Class(class) => Some(class),
                    _ => None,
                },
                _ => None,
            };
        }
        let first = text.split('.').next().unwrap_or_default().to_owned();
        let name = self.name(&first);
        let value = match scope.get(name) {
            Some(value) => value,
            None if loaded.language() == Language::Java => {
                let path = self.units.get(from).map(|unit| std::sync::Arc::clone(&unit.path))?;
                match self.paths.class(&path, None, &first).filter(|file| *file != from) {
                    Some(file) => match self.exports(file).shape {
                        Shape::Object(object) => object.field(name)?,
                        _ => return None,
                    },
                    None => self.class_in_packages(scope, name)?,
                }
            }
            None => return None,
        };
        match value.shape {
            Shape::Class(class) => Some(class),
            _ => None,
        }
    }

    /// A type of a package that was imported whole, where models know it.
    fn type_of_package(&mut self, scope: &crate::scope::Scope, name: Name) -> Option<Origin> {
        let everything = self.name("*");
        let Shape::List(packages) = scope.get(everything)?.shape else { return None };
        packages.items.iter().find_map(|package| {
            let origin = self.origins.step(package.origin?, Step::Member(name))?;
            self.models.knows_type(&self.text_of(origin)).then_some(origin)
        })
    }

    /// The path of what a type's values are: `java.sql.Statement()`.
    pub(super) fn type_path(
        &mut self,
        loaded: &super::Loaded,
        scope: &crate::scope::Scope,
        of_type: &Type,
    ) -> Option<Origin> {
        let origin = self.named_type(loaded, scope, of_type)?;
        self.origins.step(origin, Step::Call)
    }

    /// The path of a type itself.
    fn named_type(
        &mut self,
        loaded: &super::Loaded,
        scope: &crate::scope::Scope,
        of_type: &Type,
    ) -> Option<Origin> {
        let text = loaded.text(of_type.path).to_owned();
        if matches!(
            text.as_str(),
            "|" | "&" | "[]" | "()" | "->" | "any" | "unknown" | "object" | "string" | "literal"
        ) {
            return None;
        }
        let mut words = text.split('.');
        let first = self.name(words.next().unwrap_or_default());
        let mut origin = match scope.get(first) {
            Some(value) => value.origin?,
            None => self.type_of_package(scope, first).unwrap_or_else(|| self.origins.root(first)),
        };
        for word in words {
            let name = self.name(word);
            origin = self.origins.step(origin, Step::Member(name))?;
        }
        Some(origin)
    }
}

/// Whether types say what a value is, in a way that is followed through files.
pub(super) fn is_typed(loaded: &super::Loaded) -> bool {
    matches!(loaded.language(), Language::Go | Language::Rust)
}

/// Types that hold nothing an injection fits into.
pub(super) fn is_number(of_type: &str) -> bool {
    matches!(
        of_type,
        "number"
            | "bigint"
            | "boolean"
            | "int"
            | "long"
            | "short"
            | "byte"
            | "float"
            | "double"
            | "bool"
            | "Integer"
            | "Long"
            | "Short"
            | "Float"
            | "Double"
            | "Boolean"
            | "BigDecimal"
            | "BigInteger"
            | "UUID"
            | "Date"
            | "datetime"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "f32"
            | "f64"
            | "int8"
            | "int16"
            | "int32"
            | "int64"
            | "uint"
            | "uint8"
            | "uint16"
            | "uint32"
            | "uint64"
            | "float32"
            | "float64"
            | "LocalDate"
            | "LocalDateTime"
            | "Decimal"
    )
}
