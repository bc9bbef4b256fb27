//! Expressions.

use std::rc::Rc;

use gabion_syntax::Language;
use gabion_syntax::tree::{
    BinaryOp, Clause, Entry, Expr, ExprKind, Jsx, Key, ListKind, LogicalOp, Part, UnaryOp,
};

use super::{Exit, Frame};
use crate::name::Name;
use crate::origin::Step;
use crate::redos::How;
use crate::value::{Known, List, Object, Shape, Value, concatenated};
use crate::world::{Ending, World};

/// Expressions in expressions, through all calls.
const DEEPEST: usize = 600;

impl World<'_> {
    pub(super) fn evaluate(&mut self, frame: &mut Frame, from: &Expr) -> Value {
        if !self.step() || self.depth >= DEEPEST {
            return Value::default();
        }
        self.depth = self.depth.saturating_add(1);
        let sink = frame.loaded.marks.is_sink(from.span);
        if sink {
            self.arriving.push((frame.function, from.span, self.depth));
        }
        let value = self.evaluate_kind(frame, from);
        if sink {
            self.arriving.pop();
        }
        self.depth = self.depth.saturating_sub(1);
        if frame.loaded.marks.is_empty() { value } else { self.marked(frame, from, value) }
    }

    fn evaluate_kind(&mut self, frame: &mut Frame, from: &Expr) -> Value {
        match &from.kind {
            ExprKind::Assign { target, op, value } => {
                let value = self.evaluate(frame, value);
                let value = match op {
                    Some(op) => {
                        let before = self.pattern_value(frame, target);
                        self.binary(*op, &before, &value)
                    }
                    None => value,
                };
                self.bind(frame, target, value.clone());
                value
            }
            ExprKind::Await(value) | ExprKind::Reference(value) => self.evaluate(frame, value),
            ExprKind::Binary { op, left, right } => {
                let (left, right) = (self.evaluate(frame, left), self.evaluate(frame, right));
                if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) {
                    self.check_compare(frame, &left, &right, from.span);
                }
                let value = self.binary(*op, &left, &right);
                match (op, &value.known) {
                    // Whole numbers stay whole.
                    (BinaryOp::Divide, Known::Number(number))
                        if frame.loaded.language() == Language::Java && whole(&left) && whole(&right) =>
                    {
                        Value { known: Known::Number(number.trunc()), ..value }
                    }
                    _ => value,
                }
            }
            ExprKind::Block { body, value } => match self.block(frame, body) {
                Exit::Next => value.as_ref().map_or_else(Value::default, |value| self.evaluate(frame, value)),
                Exit::Leave => Value::default(),
            },
            ExprKind::Bool(truth) => Value::known(Known::Bool(*truth)),
            ExprKind::Call(call) => self.call(frame, call, from.span),
            ExprKind::Cast { to, value } => {
                let mut value = self.evaluate(frame, value);
                self.claim(frame, &mut value, to);
                value
            }
            ExprKind::Class(id) => self.class(frame, *id),
            ExprKind::Comprehension { kind, item, value, clauses } => {
                self.comprehension(frame, *kind, item, value.as_deref(), clauses)
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                let truth = self.evaluate(frame, condition);
                let (mut one, mut two) = (None, None);
                self.either(
                    frame,
                    Some(condition),
                    &truth,
                    |world, frame| {
                        one = Some(world.evaluate(frame, then));
                        Exit::Next
                    },
                    |world, frame| {
                        two = otherwise.as_ref().map(|otherwise| world.evaluate(frame, otherwise));
                        Exit::Next
                    },
                );
                match (one, two) {
                    (Some(one), Some(two)) => one.join(&two),
                    (one, two) => one.or(two).unwrap_or_default(),
                }
            }
            ExprKind::Function(id) => self.closure(frame, *id),
            ExprKind::Index { object, index } => {
                let (object_value, index) = (self.evaluate(frame, object), self.evaluate(frame, index));
                let mut value = self.item(frame, &object_value, &index, from.span);
                self.read_by_key(frame, &object_value, &index, &mut value, from.span);
                if index.is_harmless() {
                    // Which one it is can be foretold where the number can.
                    value.add_flows(&index.carried());
                }
                value
            }
            ExprKind::Jsx(jsx) => self.jsx(frame, jsx),
            ExprKind::List { kind, items } => self.list(frame, *kind, items),
            ExprKind::Logical { op, left, right } => self.logical(frame, *op, left, right),
            ExprKind::Member { object, name } => {
                if let Some(value) = self.path_value(frame, from) {
                    return value;
                }
                let (object, name) = (self.evaluate(frame, object), frame.loaded.name(*name));
                self.member(frame, &object, name, from.span)
            }
            ExprKind::Name(symbol) => {
                let name = frame.loaded.name(*symbol);
                self.named(frame, name, from.span)
            }
            ExprKind::Null => Value::known(Known::Null),
            ExprKind::Number(number) => Value::known(Known::Number(*number)),
            ExprKind::Object { of_type, entries } => {
                let mut value = self.object(frame, entries);
                if let Some(of_type) = of_type {
                    self.literal(frame, &value, of_type, from.span);
                    self.claim(frame, &mut value, of_type);
                }
                value
            }
            ExprKind::Regex { pattern, flags } => {
                let origin = self.path("RegExp()");
                let text = frame.loaded.text(*pattern).to_owned();
                let flags = frame.loaded.text(*flags).to_owned();
                self.pattern_stands(frame, &text, &flags, How::Search, from.span);
                Value { origin, ..Value::text(&text) }
            }
            ExprKind::Sequence(items) => {
                items.iter().map(|item| self.evaluate(frame, item)).last().unwrap_or_default()
            }
            ExprKind::Slice { object, parts } => {
                let parts: Vec<Value> = parts.iter().map(|part| self.evaluate(frame, part)).collect();
                let object = self.evaluate(frame, object);
                if frame.loaded.language() == Language::Python {
                    return self.sliced(&object, &parts);
                }
                let mut sliced = Value { flows: object.all_flows(), ..Value::default() };
                if let Shape::List(list) = &object.shape {
                    let rest = list.any().map(Box::new);
                    sliced.shape = Shape::List(Rc::new(List { items: Vec::new(), rest }));
                }
                sliced
            }
            ExprKind::Spread(value) => self.evaluate(frame, value),
            ExprKind::String(text) => {
                let text = frame.loaded.text(*text).to_owned();
                Value::text(&text)
            }
            ExprKind::Super => self.parent(frame),
            ExprKind::Switch(switch) => self.switch(frame, switch).1,
            ExprKind::Template { tag, parts } => self.template(frame, tag.as_deref(), parts, from),
            ExprKind::This => frame.this.clone(),
            ExprKind::TypeTest { value, binding, of_type } => {
                let mut value = self.evaluate(frame, value);
                if let Some(binding) = binding {
                    self.claim(frame, &mut value, of_type);
                    let name = frame.loaded.name(*binding);
                    frame.scope.declare(name, value);
                }
                Value::known(Known::Harmless)
            }
            ExprKind::Unary { op, operand } => self.unary(frame, *op, operand),
            ExprKind::Unknown(parts) => {
                let parts: Vec<Value> = parts.iter().map(|part| self.evaluate(frame, part)).collect();
                match parts.as_slice() {
                    [only] => only.clone(),
                    _ => {
                        let mut value = Value::default();
                        parts.iter().for_each(|part| value.add_flows(&part.all_flows()));
                        value
                    }
                }
            }
            ExprKind::Yield(value) => {
                if let Some(value) = value {
                    let value = self.evaluate(frame, value);
                    self.give(frame, value);
                }
                Value::default()
            }
        }
    }

    /// What a name holds; one nobody declared is a path of its own.
    pub(super) fn named(&mut self, frame: &mut Frame, name: Name, span: gabion_finding::Span) -> Value {
        if let Some(value) = frame.scope.get(name) {
            return value;
        }
        if let Some(value) = self.named_elsewhere(frame, name, span) {
            return value;
        }
        let origin = self.origins.root(name);
        self.at_path(frame, origin, &Value::default(), span)
    }

    /// Java: what belongs to the class, a class beside this file, a class of a package that was imported whole.
    fn named_elsewhere(
        &mut self,
        frame: &mut Frame,
        name: Name,
        span: gabion_finding::Span,
    ) -> Option<Value> {
        if super::member::is_typed(&frame.loaded) {
            return self.own_type(frame, name).or_else(|| self.elsewhere(frame.module, name));
        }
        if frame.loaded.language() != Language::Java {
            return None;
        }
        if let Some(value) = self.own_member(frame, name, span) {
            return Some(value);
        }
        let text = self.names.text(name);
        let from = self.units.get(frame.module).map(|unit| std::sync::Arc::clone(&unit.path))?;
        if let Some(file) = self.paths.class(&from, None, &text)
            && file != frame.module
            && let Shape::Object(object) = self.exports(file).shape
            && let Some(value) = object.field(name)
        {
            return Some(value);
        }
        if let Some(value) = self.class_of_package(frame, name) {
            return Some(value);
        }
        let everything = self.name("*");
        let Shape::List(packages) = frame.scope.get(everything)?.shape else { return None };
        packages.items.iter().find_map(|package| {
            let origin = self.origins.step(package.origin?, Step::Member(name))?;
            let path = self.text_of(origin);
            self.models.knows_type(&path).then(|| Value::from_origin(Some(origin)))
        })
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Value {
        match op {
            BinaryOp::Add => added(left, right),
            // `"… %s" % values`; other languages have numbers here.
            BinaryOp::Remainder if left.as_text().is_some() && !left.is_harmless() => {
                self.percent(left, right)
            }
            BinaryOp::In | BinaryOp::NotIn => contained(op == BinaryOp::In, left, right),
            BinaryOp::Divide if left.is_tainted() || right.is_tainted() => {
                // Python's paths.
                let mut value = Value { origin: left.origin, ..Value::default() };
                value.add_flows(&left.all_flows());
                value.add_flows(&right.all_flows());
                value
            }
            BinaryOp::Equal | BinaryOp::NotEqual | BinaryOp::Is | BinaryOp::IsNot => {
                let wanted = matches!(op, BinaryOp::Equal | BinaryOp::Is);
                match (left.as_constant(), right.as_constant()) {
                    (Some(left), Some(right)) => Value::known(Known::Bool((left == right) == wanted)),
                    (one, two) if one.is_some() != two.is_some() && (is_null(left) || is_null(right)) => {
                        Value::known(Known::Bool(!wanted))
                    }
                    (None, None) if is_null(left) && is_null(right) => Value::known(Known::Bool(wanted)),
                    _ => Value::known(Known::Harmless),
                }
            }
            _ => arithmetic(op, left, right),
        }
    }

    fn unary(&mut self, frame: &mut Frame, op: UnaryOp, operand: &Expr) -> Value {
        let value = self.evaluate(frame, operand);
        match op {
            UnaryOp::Not => value
                .truth()
                .map_or_else(|| Value::known(Known::Harmless), |truth| Value::known(Known::Bool(!truth))),
            UnaryOp::Minus => match value.known {
                Known::Number(number) => Value::known(Known::Number(-number)),
                _ => Value::known(Known::Harmless),
            },
            UnaryOp::Step => {
                let stepped = Value::known(Known::Harmless);
                self.assign(frame, operand, stepped.clone());
                stepped
            }
            UnaryOp::Plus | UnaryOp::BitNot | UnaryOp::TypeOf | UnaryOp::Void | UnaryOp::Delete => {
                Value::known(Known::Harmless)
            }
        }
    }

    fn logical(&mut self, frame: &mut Frame, op: LogicalOp, left: &Expr, right: &Expr) -> Value {
        let first = self.evaluate(frame, left);
        let truth = first.truth();
        let skipped = match op {
            LogicalOp::And => truth == Some(false) && !matches!(first.known, Known::Null),
            LogicalOp::Or => truth == Some(true),
            LogicalOp::Coalesce => first.as_text().is_some(),
        };
        if skipped {
            return first;
        }
        let before = frame.scope.snapshot();
        if op != LogicalOp::Coalesce {
            self.refine(frame, left, op == LogicalOp::And);
        }
        let second = self.evaluate(frame, right);
        let falls_back = op != LogicalOp::And && self.falls_back(&first, &second);
        let after = frame.scope.snapshot();
        frame.scope.restore(crate::scope::Scope::join(before, &after));
        match (op, truth) {
            (LogicalOp::And, Some(true)) | (LogicalOp::Or, Some(false)) => second,
            (LogicalOp::Coalesce, _) if matches!(first.known, Known::Null) => second,
            _ if op != LogicalOp::And
                && frame.loaded.language().is_script()
                && first.is_unknown()
                && second.is_empty() =>
            {
                first
            }
            _ if falls_back => Value { origin: self.path("fallback()"), ..first.join(&second) },
            _ => first.join(&second),
        }
    }

    /// `process.env.SECRET || 'secret'`: a constant for whoever forgets to set it.
    fn falls_back(&self, first: &Value, second: &Value) -> bool {
        let constant = second.as_constant().is_some_and(|text| !text.is_empty());
        constant && first.origin.is_some_and(|origin| self.text_of(origin).starts_with("process.env."))
    }

    fn list(&mut self, frame: &mut Frame, kind: ListKind, items: &[Expr]) -> Value {
        let mut list = List::default();
        for item in items {
            let value = self.evaluate(frame, item);
            if let ExprKind::Spread(_) = item.kind {
                match &value.shape {
                    Shape::List(inner) if inner.rest.is_none() => {
                        inner.items.iter().for_each(|item| list.push(item.clone()))
                    }
                    _ => {
                        let any = self.item_of(&value);
                        let rest = list.any().map_or_else(|| any.clone(), |own| own.join(&any));
                        list = List { items: Vec::new(), rest: Some(Box::new(rest)) };
                    }
                }
            } else {
                list.push(value);
            }
        }
        let _ = kind;
        Value::shaped(Shape::List(Rc::new(list)))
    }

    fn object(&mut self, frame: &mut Frame, entries: &[Entry]) -> Value {
        let mut object = Object::default();
        for entry in entries {
            match entry {
                Entry::Pair(key, value) => {
                    let name = match key {
                        Key::Name(symbol) => Some(frame.loaded.name(*symbol)),
                        Key::Computed(key) => {
                            let key = self.evaluate(frame, key);
                            key.as_constant().map(|text| self.name(&text))
                        }
                    };
                    let span = value.span;
                    let value = self.evaluate(frame, value);
                    match name {
                        Some(name) => {
                            self.check_name(frame, name, &value, span);
                            object.set(name, value);
                        }
                        None => object.add_rest(&value),
                    }
                }
                Entry::Spread(value) => {
                    let value = self.evaluate(frame, value);
                    match &value.shape {
                        Shape::Object(inner) => {
                            inner.fields.iter().for_each(|(name, value)| object.set(*name, value.clone()));
                            inner.rest.iter().for_each(|rest| object.add_rest(rest));
                        }
                        _ => object.add_rest(&Value { flows: value.all_flows(), ..Value::default() }),
                    }
                }
            }
        }
        Value::shaped(Shape::Object(Rc::new(object)))
    }

    fn template(&mut self, frame: &mut Frame, tag: Option<&Expr>, parts: &[Part], from: &Expr) -> Value {
        let values: Vec<Value> = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => {
                    let text = frame.loaded.text(*text).to_owned();
                    Value::text(&text)
                }
                Part::Value(value) => self.evaluate(frame, value),
            })
            .collect();
        let Some(tag) = tag else { return concatenated(&values) };
        // A tag gets the texts and the values apart.
        let tag = self.evaluate(frame, tag);
        let arguments = vec![super::Given { name: None, value: concatenated(&values), span: from.span }];
        self.call_value(frame, &tag, None, arguments, from.span, false)
    }

    fn comprehension(
        &mut self,
        frame: &mut Frame,
        kind: ListKind,
        item: &Expr,
        value: Option<&Expr>,
        clauses: &[Clause],
    ) -> Value {
        for clause in clauses {
            let over = self.evaluate(frame, &clause.over);
            let item = self.item_of(&over);
            self.declare(frame, &clause.pattern, item);
            for condition in &clause.conditions {
                self.evaluate(frame, condition);
                self.refine(frame, condition, true);
            }
        }
        let item = self.evaluate(frame, item);
        if let (ListKind::Map, Some(value)) = (kind, value) {
            let value = self.evaluate(frame, value);
            return Value::shaped(Shape::Object(Rc::new(Object {
                rest: Some(Box::new(value)),
                ..Object::default()
            })));
        }
        Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest: Some(Box::new(item)) })))
    }

    /// Attributes of elements of the page are set as fields are: `dangerouslySetInnerHTML=`.
    fn jsx(&mut self, frame: &mut Frame, jsx: &Jsx) -> Value {
        let element = jsx.element.as_ref().map(|element| match &element.kind {
            ExprKind::Name(symbol)
                if frame.loaded.text(*symbol).starts_with(|first: char| first.is_ascii_lowercase()) =>
            {
                let name = frame.loaded.name(*symbol);
                let jsx = self.name("jsx");
                let root = self.origins.root(jsx);
                Value::from_origin(self.origins.step(root, Step::Member(name)))
            }
            _ => self.evaluate(frame, element),
        });
        let element = element.unwrap_or_default();
        let sent = self.is_for_browsers(frame, &element);
        let mut props = Object::default();
        for (name, value) in &jsx.attributes {
            let span = value.span;
            let value = self.evaluate(frame, value);
            match name {
                Some(name) => {
                    let name = frame.loaded.name(*name);
                    let place =
                        element.origin.and_then(|origin| self.origins.step(origin, Step::Member(name)));
                    if let Some(place) = place {
                        self.sinks(
                            frame,
                            place,
                            Ending::Set,
                            None,
                            &[super::Given { name: None, value: value.clone(), span }],
                            span,
                        );
                    }
                    if let Some(origin) = sent {
                        self.check_set(frame, origin, None, &value, span);
                    }
                    props.set(name, value);
                }
                None => props.add_rest(&value),
            }
        }
        jsx.children.iter().for_each(|child| drop(self.evaluate(frame, child)));
        if let (Some(origin), true) = (element.origin, matches!(element.shape, Shape::Unknown)) {
            let span = jsx.element.as_ref().map_or_else(Default::default, |element| element.span);
            let value = Value::shaped(Shape::Object(Rc::new(props.clone())));
            self.check(frame, origin, Ending::Call, None, &[super::Given { name: None, value, span }], span);
        }
        if let Shape::Function(closure) = &element.shape {
            let given = vec![super::Given {
                name: None,
                value: Value::shaped(Shape::Object(Rc::new(props))),
                span: jsx.element.as_ref().map_or_else(Default::default, |element| element.span),
            }];
            let closure = Rc::clone(closure);
            let span = given.first().map_or_else(Default::default, |given| given.span);
            self.run_closure(frame, &closure, None, &given, span);
        }
        Value::from_origin(self.path("jsx()"))
    }
}

impl World<'_> {
    /// Where the attributes of an element go that code of the server makes and a browser runs.
    fn is_for_browsers(&mut self, frame: &Frame, element: &Value) -> Option<crate::origin::Origin> {
        let Shape::Function(closure) = &element.shape else { return None };
        let here = |loaded: &crate::world::Loaded| {
            loaded.module().directives.iter().any(|one| loaded.text(*one) == "use client")
        };
        let there = self.load(closure.function.module)?;
        (here(&there) && !here(&frame.loaded)).then(|| self.path("gabion.ClientProp")).flatten()
    }
}

fn whole(value: &Value) -> bool {
    matches!(value.known, Known::Number(number) if number.fract() == 0.0)
}

fn added(left: &Value, right: &Value) -> Value {
    match (&left.known, &right.known) {
        (Known::Number(left), Known::Number(right)) => Value::known(Known::Number(left + right)),
        _ if left.is_harmless()
            && right.is_harmless()
            && left.as_text().is_none()
            && right.as_text().is_none() =>
        {
            Value::harmless_of(&[left, right])
        }
        _ => match (&left.shape, &right.shape) {
            (Shape::List(one), Shape::List(two)) if one.rest.is_none() && two.rest.is_none() => {
                let mut list = List::default();
                one.items.iter().chain(&two.items).for_each(|item| list.push(item.clone()));
                Value::shaped(Shape::List(Rc::new(list)))
            }
            _ => concatenated(&[left.clone(), right.clone()]),
        },
    }
}

fn is_null(value: &Value) -> bool {
    matches!(value.known, Known::Null)
}

/// `a in b`, where that is sure.
fn contained(wanted: bool, left: &Value, right: &Value) -> Value {
    let unsure = || Value::known(Known::Harmless);
    let Some(item) = left.as_constant().filter(|_| !left.is_tainted()) else { return unsure() };
    let found = match &right.shape {
        Shape::List(list) if list.rest.is_none() => {
            let items: Option<Vec<_>> = list.items.iter().map(Value::as_constant).collect();
            items.map(|items| items.contains(&item))
        }
        Shape::Unknown if matches!(right.known, Known::Text(_)) && !right.is_tainted() => {
            right.as_constant().map(|text| text.contains(&*item))
        }
        _ => None,
    };
    found.map_or_else(unsure, |found| Value::known(Known::Bool(found == wanted)))
}

fn arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Value {
    if let (Known::Text(one), Known::Number(times)) = (&left.known, &right.known)
        && op == BinaryOp::Multiply
    {
        let times = (0_usize..64).find(|at| (*at as f64 - times).abs() < 0.5);
        return Value {
            flows: left.all_flows(),
            ..times.map_or_else(Value::default, |times| Value::text(&one.repeat(times)))
        };
    }
    let (Known::Number(left), Known::Number(right)) = (&left.known, &right.known) else {
        return Value::harmless_of(&[left, right]);
    };
    let number = |number: f64| Value::known(Known::Number(number));
    let truth = |truth: bool| Value::known(Known::Bool(truth));
    match op {
        BinaryOp::Subtract => number(left - right),
        BinaryOp::Multiply => number(left * right),
        BinaryOp::Divide => number(left / right),
        BinaryOp::Remainder => number(left - right * (left / right).floor()),
        BinaryOp::FloorDivide => number((left / right).floor()),
        BinaryOp::Power => number(left.powf(*right)),
        BinaryOp::Less => truth(left < right),
        BinaryOp::LessEqual => truth(left <= right),
        BinaryOp::Greater => truth(left > right),
        BinaryOp::GreaterEqual => truth(left >= right),
        _ => Value::known(Known::Harmless),
    }
}
