//! What is known of a value: who may have chosen it, what it is, where it comes from, what it holds.
//!
//! Values are joined where ways meet: what both agree on stays. Everything in a value is bounded, so that joining ends.

use std::collections::BTreeMap;
use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{ClassId, FunctionId};

use crate::name::Name;
use crate::origin::Origin;
use crate::scope::Scope;

/// Kinds of places where a value does harm, as bits: numbers of [`crate::models::Kinds`].
pub(crate) type KindSet = u128;

/// Flows a value has at most; further ones of the same kind of source are the same to whoever repairs it.
const FLOWS: usize = 4;
/// Fields and items that are told apart.
const WIDEST: usize = 64;
/// Objects in objects.
const DEEPEST: usize = 4;
/// Texts that are told apart where one of them holds.
const ALTERNATIVES: usize = 4;
/// Functions of which one is called.
const CANDIDATES: usize = 8;
/// Values in a value that are looked at.
const MOST: usize = 400;
/// Of a text, so much is known at most, in bytes.
const LONGEST: usize = 4_096;
/// Stands in a text for what is not known of it.
pub(crate) const HOLE: char = '\u{FFFC}';

#[derive(Debug, Clone, Default)]
pub(crate) struct Value {
    /// From whoever chose it, or a part of it.
    pub(crate) flows: Rc<Vec<Flow>>,
    pub(crate) known: Known,
    pub(crate) origin: Option<Origin>,
    pub(crate) shape: Shape,
}

/// One way from a source to here.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// What kind of source.
    pub(crate) source: KindSet,
    /// What it can do no harm to any more.
    pub(crate) safe: KindSet,
    pub(crate) trace: Rc<Trace>,
    /// Through something of which it is only believed that it hands on what it is given.
    pub(crate) guessed: bool,
    /// It stays in what is counted and converted.
    pub(crate) lasting: bool,
    /// It decides how the text begins.
    pub(crate) leads: bool,
    /// Of rules in the format of semgrep: the rule and its labels, as bits.
    pub(crate) marks: Rc<Vec<(u32, u64)>>,
}

/// A step, and those before.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) module: usize,
    pub(crate) span: Span,
    pub(crate) says: Rc<str>,
    pub(crate) before: Option<Rc<Self>>,
    pub(crate) length: u8,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Known {
    #[default]
    Nothing,
    Null,
    Bool(bool),
    Number(f64),
    /// With [`HOLE`]s for what is not known.
    Text(Rc<str>),
    /// One of these texts, all of them sure.
    OneOf(Rc<Vec<Rc<str>>>),
    /// Only that it is a number, a truth value, a date: nothing that could be an injection.
    Harmless,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum Shape {
    #[default]
    Unknown,
    Object(Rc<Object>),
    List(Rc<List>),
    Function(Rc<Closure>),
    Class(Rc<ClassValue>),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    pub(crate) class: Option<Rc<ClassValue>>,
    /// Where nobody knows which: one of these.
    pub(crate) either: Vec<Rc<ClassValue>>,
    pub(crate) fields: BTreeMap<Name, Value>,
    /// What fields of other names may hold; none where there are no others.
    pub(crate) rest: Option<Box<Value>>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    /// What further items may hold; none where there are no others.
    pub(crate) rest: Option<Box<Value>>,
}

/// A function of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FunctionRef {
    pub(crate) module: usize,
    pub(crate) id: FunctionId,
}

#[derive(Debug)]
pub(crate) struct Closure {
    pub(crate) function: FunctionRef,
    pub(crate) scope: Rc<Scope>,
    pub(crate) this: Option<Value>,
    /// Nobody knows which of them is called: what else implements the same method.
    pub(crate) others: Vec<Rc<Self>>,
}

#[derive(Debug)]
pub(crate) struct ClassValue {
    pub(crate) module: usize,
    pub(crate) id: ClassId,
    pub(crate) scope: Rc<Scope>,
    pub(crate) bases: Vec<Value>,
    /// What its body set, where the body runs as code.
    pub(crate) fields: crate::scope::Variables,
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self { known: Known::Text(shortened(text)), ..Self::default() }
    }

    pub(crate) fn known(known: Known) -> Self {
        Self { known, ..Self::default() }
    }

    pub(crate) fn from_origin(origin: Option<Origin>) -> Self {
        Self { origin, ..Self::default() }
    }

    pub(crate) fn shaped(shape: Shape) -> Self {
        Self { shape, ..Self::default() }
    }

    pub(crate) fn is_tainted(&self) -> bool {
        !self.flows.is_empty()
    }

    /// What of it is sure, with holes.
    pub(crate) fn as_text(&self) -> Option<Rc<str>> {
        match &self.known {
            Known::Text(text) => Some(Rc::clone(text)),
            Known::Number(number) => Some(number.to_string().into()),
            Known::Bool(truth) => Some(truth.to_string().into()),
            _ => None,
        }
    }

    /// All of it, where all of it is sure.
    pub(crate) fn as_constant(&self) -> Option<Rc<str>> {
        self.as_text().filter(|text| !text.contains(HOLE))
    }

    /// Whether it counts as true, where that is sure.
    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.known {
            Known::Null => Some(false),
            Known::Bool(truth) => Some(*truth),
            Known::Number(number) => Some(*number != 0.0),
            Known::Text(text) if text.is_empty() => Some(false),
            Known::Text(text) => text.chars().any(|one| one != HOLE).then_some(true),
            Known::Nothing | Known::Harmless | Known::OneOf(_) => None,
        }
    }

    pub(crate) fn add_flows(&mut self, flows: &[Flow]) {
        for flow in flows {
            self.add_flow(flow);
        }
    }

    fn add_flow(&mut self, flow: &Flow) {
        let own = Rc::make_mut(&mut self.flows);
        if let Some(same) =
            own.iter_mut().find(|own| own.source == flow.source && own.first() == flow.first())
        {
            same.safe &= flow.safe;
            same.guessed &= flow.guessed;
            same.leads |= flow.leads;
            if !Rc::ptr_eq(&same.marks, &flow.marks) {
                let marks = Rc::make_mut(&mut same.marks);
                for (rule, labels) in flow.marks.iter() {
                    match marks.iter_mut().find(|(own, _)| own == rule) {
                        Some((_, own)) => *own |= labels,
                        None => marks.push((*rule, *labels)),
                    }
                }
            }
        } else if own.iter().filter(|own| own.marks.is_empty() == flow.marks.is_empty()).count() < FLOWS {
            own.push(flow.clone());
        }
    }

    /// The flows of it and of everything in it.
    pub(crate) fn all_flows(&self) -> Rc<Vec<Flow>> {
        if matches!(self.shape, Shape::Unknown | Shape::Function(_) | Shape::Class(_)) {
            return Rc::clone(&self.flows);
        }
        let mut all = Self { flows: Rc::clone(&self.flows), ..Self::default() };
        let mut left = MOST;
        self.gather(&mut all, DEEPEST, &mut left);
        all.flows
    }

    /// Whether there are any, in it or in anything in it.
    pub(crate) fn has_flows(&self) -> bool {
        self.holds_flows(DEEPEST, &mut MOST.clone())
    }

    fn holds_flows(&self, depth: usize, left: &mut usize) -> bool {
        if !self.flows.is_empty() {
            return true;
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        let mut each = |value: &Self| {
            *left = left.saturating_sub(1);
            *left > 0 && value.holds_flows(depth, left)
        };
        match &self.shape {
            Shape::Object(object) => object.fields.values().chain(object.rest.as_deref()).any(&mut each),
            Shape::List(list) => list.items.iter().chain(list.rest.as_deref()).any(&mut each),
            _ => false,
        }
    }

    fn gather(&self, into: &mut Self, depth: usize, left: &mut usize) {
        if depth == 0 {
            return;
        }
        let mut each = |value: &Self| {
            *left = left.saturating_sub(1);
            if *left > 0 {
                into.add_flows(&value.flows);
                value.gather(into, depth.saturating_sub(1), left);
            }
        };
        match &self.shape {
            Shape::Object(object) => object.fields.values().chain(object.rest.as_deref()).for_each(&mut each),
            Shape::List(list) => list.items.iter().chain(list.rest.as_deref()).for_each(&mut each),
            _ => {}
        }
    }

    /// What arrives with it: of a number only what stays in numbers.
    pub(crate) fn carried(&self) -> Rc<Vec<Flow>> {
        if self.is_harmless() { Rc::new(self.lasting()) } else { self.all_flows() }
    }

    /// The same, where what somebody chose decides how the text begins.
    pub(crate) fn leading(mut self) -> Self {
        for flow in Rc::make_mut(&mut self.flows) {
            flow.leads = true;
        }
        self
    }

    /// The same, with nothing that could harm those kinds.
    pub(crate) fn made_safe(&self, kinds: KindSet) -> Self {
        let flows = self.all_flows();
        if flows.is_empty() {
            return self.clone();
        }
        let flows = flows.iter().map(|flow| Flow { safe: flow.safe | kinds, ..flow.clone() }).collect();
        Self { flows: Rc::new(flows), ..self.clone() }
    }

    /// The same, with what was done against those kinds undone.
    pub(crate) fn made_unsafe(&self, kinds: KindSet) -> Self {
        let flows = self.flows.iter().map(|flow| Flow { safe: flow.safe & !kinds, ..flow.clone() }).collect();
        Self { flows: Rc::new(flows), ..self.clone() }
    }

    /// What stays of its flows where only a number or a truth value is made of it.
    pub(crate) fn lasting(&self) -> Vec<Flow> {
        self.flows.iter().filter(|flow| flow.lasting).cloned().collect()
    }

    /// A number or a truth value that is made of these.
    pub(crate) fn harmless_of(parts: &[&Self]) -> Self {
        let mut value = Self::known(Known::Harmless);
        parts.iter().filter(|part| part.is_tainted()).for_each(|part| value.add_flows(&part.lasting()));
        value
    }

    /// What it is on either of two ways.
    pub(crate) fn join(&self, other: &Self) -> Self {
        self.join_within(other, DEEPEST)
    }

    /// Whether both are the same, as far as that is seen without looking into them.
    fn is_same(&self, other: &Self) -> bool {
        let flows =
            Rc::ptr_eq(&self.flows, &other.flows) || (self.flows.is_empty() && other.flows.is_empty());
        let shape = match (&self.shape, &other.shape) {
            (Shape::Unknown, Shape::Unknown) => true,
            (Shape::Object(one), Shape::Object(two)) => Rc::ptr_eq(one, two),
            (Shape::List(one), Shape::List(two)) => Rc::ptr_eq(one, two),
            (Shape::Function(one), Shape::Function(two)) => Rc::ptr_eq(one, two),
            (Shape::Class(one), Shape::Class(two)) => Rc::ptr_eq(one, two),
            _ => false,
        };
        flows && shape && self.origin == other.origin && self.known == other.known
    }

    /// The texts it may be, where those are few and sure.
    pub(crate) fn alternatives(&self) -> Option<Vec<Rc<str>>> {
        match &self.known {
            Known::Text(text) if self.flows.is_empty() && !text.contains(HOLE) => Some(vec![Rc::clone(text)]),
            Known::OneOf(all) if self.flows.is_empty() => Some(all.to_vec()),
            _ => None,
        }
    }

    fn join_within(&self, other: &Self, depth: usize) -> Self {
        if self.is_same(other) {
            return self.clone();
        }
        let mut joined = Self { flows: Rc::clone(&self.flows), ..Self::default() };
        joined.add_flows(&other.flows);
        if self.known == other.known {
            joined.known = self.known.clone();
        } else if self.is_harmless() && other.is_harmless() {
            joined.known = Known::Harmless;
        } else if let (Some(one), Some(two)) = (self.alternatives(), other.alternatives()) {
            let mut all: Vec<Rc<str>> = one.into_iter().chain(two).collect();
            all.sort_unstable();
            all.dedup();
            if all.len() <= ALTERNATIVES {
                joined.known = Known::OneOf(Rc::new(all));
            }
        }
        joined.origin = match (self.origin, other.origin) {
            (one, two) if one == two => one,
            // Nothing, or what it is once it is set.
            (one, None) if matches!(other.known, Known::Null) => one,
            (None, two) if matches!(self.known, Known::Null) => two,
            _ => None,
        };
        joined.shape = match (&self.shape, &other.shape) {
            (Shape::Unknown, Shape::Unknown) => Shape::Unknown,
            (shape, Shape::Unknown) if matches!(other.known, Known::Null) => shape.clone(),
            (Shape::Unknown, shape) if matches!(self.known, Known::Null) => shape.clone(),
            (Shape::Object(one), Shape::Object(two)) if depth > 0 => {
                Shape::Object(Rc::new(one.join(two, depth)))
            }
            (Shape::List(one), Shape::List(two)) if depth > 0 => Shape::List(Rc::new(one.join(two, depth))),
            (Shape::Function(one), Shape::Function(two)) if one.function == two.function => {
                self.shape.clone()
            }
            (Shape::Function(one), Shape::Function(two)) => {
                Shape::Function(Rc::new(Closure::either(one, two)))
            }
            (Shape::Class(one), Shape::Class(two)) if (one.module, one.id) == (two.module, two.id) => {
                self.shape.clone()
            }
            _ => {
                joined.add_flows(&self.all_flows());
                joined.add_flows(&other.all_flows());
                Shape::Unknown
            }
        };
        joined
    }

    /// Whether only its path, and who chose it, is known.
    pub(crate) const fn is_unknown(&self) -> bool {
        self.origin.is_some() && matches!(self.shape, Shape::Unknown) && matches!(self.known, Known::Nothing)
    }

    /// Whether nothing is in it: what stands behind `||` so that something is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.flows.is_empty()
            && match &self.shape {
                Shape::Object(object) => {
                    object.fields.is_empty() && object.rest.is_none() && object.class.is_none()
                }
                Shape::List(list) => list.items.is_empty() && list.rest.is_none(),
                Shape::Unknown => matches!(&self.known, Known::Text(text) if text.is_empty()),
                Shape::Function(_) | Shape::Class(_) => false,
            }
    }

    /// Whether nothing dangerous fits into it, whoever chose it.
    pub(crate) const fn is_harmless(&self) -> bool {
        matches!(self.known, Known::Null | Known::Bool(_) | Known::Number(_) | Known::Harmless)
    }
}

impl Closure {
    /// One of the two, nobody knows which.
    fn either(one: &Rc<Self>, two: &Rc<Self>) -> Self {
        let mut others: Vec<Rc<Self>> = Vec::new();
        for closure in [one, two] {
            let each =
                if closure.others.is_empty() { std::slice::from_ref(closure) } else { &closure.others };
            for candidate in each {
                let same = |own: &Rc<Self>| own.function == candidate.function;
                if others.len() < CANDIDATES && !others.iter().any(same) {
                    others.push(Rc::clone(candidate));
                }
            }
        }
        Self { function: one.function, scope: Rc::clone(&one.scope), this: one.this.clone(), others }
    }
}

impl Object {
    fn join(&self, other: &Self, depth: usize) -> Self {
        let mut fields = BTreeMap::new();
        for name in self.fields.keys().chain(other.fields.keys()) {
            if fields.contains_key(name) {
                continue;
            }
            let value = match (self.fields.get(name), other.fields.get(name)) {
                (Some(one), Some(two)) => one.join_within(two, depth.saturating_sub(1)),
                (Some(one), None) | (None, Some(one)) => {
                    one.join_within(&Value::known(Known::Null), depth.saturating_sub(1))
                }
                (None, None) => continue,
            };
            fields.insert(*name, value);
        }
        let same = |one: &Rc<ClassValue>, two: &Rc<ClassValue>| (one.module, one.id) == (two.module, two.id);
        let class =
            self.class.as_ref().filter(|class| other.class.as_ref().is_some_and(|two| same(class, two)));
        let mut either: Vec<Rc<ClassValue>> = Vec::new();
        if class.is_none() {
            let all = self.class.iter().chain(&self.either).chain(&other.class).chain(&other.either);
            for one in all {
                if !either.iter().any(|own| same(own, one)) {
                    either.push(Rc::clone(one));
                }
            }
            either.truncate(ALTERNATIVES);
        }
        Self {
            class: class.cloned(),
            either,
            fields,
            rest: join_rest(self.rest.as_deref(), other.rest.as_deref(), depth),
        }
    }

    /// What a field of that name holds.
    pub(crate) fn field(&self, name: Name) -> Option<Value> {
        self.fields.get(&name).cloned().or_else(|| self.rest.as_deref().cloned())
    }

    /// Sets a field, or counts it among the rest where there are too many.
    pub(crate) fn set(&mut self, name: Name, value: Value) {
        if self.fields.len() < WIDEST || self.fields.contains_key(&name) {
            self.fields.insert(name, value);
        } else {
            self.add_rest(&value);
        }
    }

    /// Some field, nobody knows which, holds this.
    pub(crate) fn add_rest(&mut self, value: &Value) {
        self.rest = join_rest(self.rest.as_deref(), Some(value), DEEPEST);
    }
}

impl List {
    fn join(&self, other: &Self, depth: usize) -> Self {
        if self.items.len() == other.items.len() {
            let pairs = self.items.iter().zip(&other.items);
            let items = pairs.map(|(one, two)| one.join_within(two, depth.saturating_sub(1))).collect();
            return Self { items, rest: join_rest(self.rest.as_deref(), other.rest.as_deref(), depth) };
        }
        let any = |list: &Self| list.any_within(depth.saturating_sub(1));
        Self { items: Vec::new(), rest: join_rest(any(self).as_ref(), any(other).as_ref(), depth) }
    }

    /// What some item holds; none where there is no item.
    pub(crate) fn any(&self) -> Option<Value> {
        self.any_within(DEEPEST)
    }

    fn any_within(&self, depth: usize) -> Option<Value> {
        let all = self.items.iter().chain(self.rest.as_deref());
        all.cloned().reduce(|one, two| one.join_within(&two, depth))
    }

    pub(crate) fn push(&mut self, value: Value) {
        if self.items.len() < WIDEST && self.rest.is_none() {
            self.items.push(value);
        } else {
            self.rest = join_rest(self.rest.as_deref(), Some(&value), DEEPEST);
        }
    }
}

fn join_rest(one: Option<&Value>, two: Option<&Value>, depth: usize) -> Option<Box<Value>> {
    match (one, two) {
        (Some(one), Some(two)) => Some(Box::new(one.join_within(two, depth.saturating_sub(1)))),
        (one, two) => one.or(two).cloned().map(Box::new),
    }
}

impl Flow {
    /// Where it began.
    pub(crate) fn first(&self) -> (usize, Span) {
        let mut trace = &self.trace;
        while let Some(before) = &trace.before {
            trace = before;
        }
        (trace.module, trace.span)
    }
}

impl Drop for Trace {
    /// Not by recursion: a trace is as long as the way was.
    fn drop(&mut self) {
        let mut before = self.before.take();
        while let Some(trace) = before {
            before = Rc::try_unwrap(trace).ok().and_then(|mut trace| trace.before.take());
        }
    }
}

fn shortened(text: &str) -> Rc<str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut short = text.get(..end).unwrap_or_default().to_owned();
    short.push(HOLE);
    short.into()
}

/// Texts one behind the other, with a hole for what is not known.
pub(crate) fn concatenated(parts: &[Value]) -> Value {
    let mut text = String::new();
    let mut joined = Value::default();
    for part in parts {
        let leads = leaves_the_beginning(&text);
        match part.as_text() {
            Some(known) => text.push_str(&known),
            None if part.is_harmless() => text.push('0'),
            None if !text.ends_with(HOLE) => text.push(HOLE),
            None => {}
        }
        if part.is_harmless() {
            joined.add_flows(&part.lasting());
        } else if leads {
            joined.add_flows(&part.all_flows());
        } else {
            for flow in part.all_flows().iter() {
                joined.add_flow(&Flow { leads: false, ..flow.clone() });
            }
        }
    }
    joined.known = Known::Text(shortened(&text));
    joined
}

/// Whether what stands behind it still decides where an address or a path leads.
fn leaves_the_beginning(text: &str) -> bool {
    matches!(
        text.trim_start().to_ascii_lowercase().as_str(),
        "" | "/" | "//" | "http://" | "https://" | "file://"
    )
}
