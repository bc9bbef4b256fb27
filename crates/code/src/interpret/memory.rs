//! Calls that were run before with the same: what they gave is known, and where values arrived in them was said.
//!
//! Without it, code in which everything calls everything is run once for each way through it. A function is run a few times all
//! the same: what it finds then has its own, shorter way.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{Frame, Given};
use crate::name::Name;
use crate::value::{Closure, FunctionRef, Known, Object, Shape, Value};
use crate::world::World;

/// A function is run so often before what is remembered counts.
const RUNS: u32 = 4;
/// Values in the values it is given that are compared.
const MOST: usize = 400;
/// Changes of the variables of a module that are told apart; code that sets one at each call would be run without an end.
const CHANGES: u32 = 32;
/// Large objects that a function is run with; further ones are told apart by what arrives in them alone.
const OBJECTS: u32 = 16;
/// Fields of a large object.
const LARGE: usize = 16;
/// Calls that are remembered.
const KEPT: usize = 100_000;

/// What a call left behind.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    /// Calls around it: what is deeper is not run, so that a call further in gives less.
    depth: usize,
    returned: Value,
    ended: bool,
    left_in_arguments: Vec<Option<Value>>,
    changed_given: Vec<(usize, Value)>,
    changed_this: Option<Left>,
}

/// What a method left of its object.
#[derive(Debug, Clone)]
enum Left {
    All(Value),
    /// What it set: the object of the next call has other fields beside.
    Fields(Vec<(Name, Value)>),
}

/// How many different calls of a function are remembered.
pub(crate) type Ran = hashbrown::HashMap<FunctionRef, u32>;

/// A call, by what it is given.
pub(crate) type CallKey = (FunctionRef, u64);

impl World<'_> {
    /// The key of a call; none where it cannot be told apart from others.
    pub(super) fn call_key(
        &self,
        closure: &Closure,
        this: Option<&Value>,
        given: &[Given],
    ) -> Option<CallKey> {
        if closure.scope.is_within() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        let mut left = MOST;
        // What the function reads of its module is given as well.
        self.module_changes.get(&closure.function.module).hash(&mut hasher);
        let often = self.is_often(closure.function);
        often.hash(&mut hasher);
        let mut add = |value: &Value| match &value.shape {
            Shape::Object(object) if often && object.fields.len() > LARGE => {
                arriving(object, &mut hasher);
                Some(())
            }
            _ => same(value, &mut hasher, &mut left),
        };
        this.iter().try_for_each(|this| add(this))?;
        given.iter().try_for_each(|one| add(&one.value))?;
        this.is_some().hash(&mut hasher);
        given.iter().for_each(|one| one.name.hash(&mut hasher));
        Some((closure.function, hasher.finish()))
    }

    /// Whether it was run with so many objects that one more says nothing new.
    fn is_often(&self, function: FunctionRef) -> bool {
        self.ran.get(&function).is_some_and(|ran| *ran >= OBJECTS)
    }

    /// A variable of a module is set anew: what its functions gave before says nothing any more.
    pub(super) fn module_variable_set(&mut self, frame: &Frame, name: Name, before: Option<Value>) {
        let (Some(before), Some(value)) = (before, frame.scope.held_by_module(name)) else { return };
        let of = |value: &Value| {
            let mut hasher = DefaultHasher::new();
            same(value, &mut hasher, &mut MOST.clone()).map(|()| hasher.finish())
        };
        if of(&before).is_some_and(|before| Some(before) == of(&value)) {
            return;
        }
        let changes = self.module_changes.entry(frame.module).or_insert(0);
        *changes = changes.saturating_add(1).min(CHANGES);
    }

    /// What the call gave when it was run before.
    pub(super) fn recall(&mut self, key: CallKey, depth: usize, this: Option<&Value>) -> Option<Value> {
        let runs = self.runs.entry(key.0).or_insert(0);
        *runs = runs.saturating_add(1);
        if *runs <= RUNS {
            return None;
        }
        let known = self.remembered.get(&key).filter(|known| known.depth <= depth)?.clone();
        self.ended = known.ended;
        self.left_in_arguments = known.left_in_arguments;
        self.changed_given = known.changed_given;
        match known.changed_this {
            Some(Left::All(left)) => self.changed_this = Some(left),
            Some(Left::Fields(fields)) => {
                let mut left = this.cloned().unwrap_or_default();
                for (name, value) in fields {
                    left = super::assign::with_field(&left, name, value);
                }
                self.changed_this = Some(left);
            }
            None => {}
        }
        Some(known.returned)
    }

    /// Keeps what a call that has just ended gave.
    pub(super) fn remember(&mut self, key: CallKey, depth: usize, this: Option<&Value>, returned: &Value) {
        if self.budget == 0 || self.remembered.len() >= KEPT {
            return;
        }
        let often = self.is_often(key.0);
        if often && (self.left_in_arguments.iter().any(Option::is_some) || !self.changed_given.is_empty()) {
            return;
        }
        let changed_this =
            self.changed_this.as_ref().map(|left| match (this.map(|this| &this.shape), &left.shape) {
                (Some(Shape::Object(before)), Shape::Object(after)) if often => {
                    Left::Fields(set(before, after))
                }
                _ => Left::All(left.clone()),
            });
        let ran = self.ran.entry(key.0).or_insert(0);
        *ran = ran.saturating_add(1);
        let remembered = Remembered {
            depth,
            returned: returned.clone(),
            ended: self.ended,
            left_in_arguments: self.left_in_arguments.clone(),
            changed_given: self.changed_given.clone(),
            changed_this,
        };
        self.remembered.insert(key, remembered);
    }
}

/// Fields that are not what they were.
fn set(before: &Object, after: &Object) -> Vec<(Name, Value)> {
    let of = |value: &Value| {
        let mut hasher = DefaultHasher::new();
        same(value, &mut hasher, &mut MOST.clone()).map(|()| hasher.finish())
    };
    let is_same = |one: &Value, two: &Value| of(one).is_some_and(|one| Some(one) == of(two));
    let other =
        |(name, value): &(&Name, &Value)| !before.fields.get(*name).is_some_and(|was| is_same(was, value));
    after.fields.iter().filter(other).map(|(name, value)| (*name, value.clone())).collect()
}

/// Adds what may have been chosen by somebody in an object, and its class.
fn arriving(object: &Object, hasher: &mut DefaultHasher) {
    object.class.as_ref().map(|class| (class.module, class.id.0)).hash(hasher);
    for (name, value) in &object.fields {
        let flows = value.all_flows();
        if !flows.is_empty() {
            name.hash(hasher);
            flows.iter().for_each(|flow| (flow.source, flow.safe, flow.guessed, flow.first()).hash(hasher));
        }
    }
}

/// Adds all of a value; none where there is too much of it.
fn same(value: &Value, hasher: &mut DefaultHasher, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    value.flows.len().hash(hasher);
    for flow in value.flows.iter() {
        (flow.source, flow.safe, flow.guessed, flow.first()).hash(hasher);
    }
    std::mem::discriminant(&value.known).hash(hasher);
    match &value.known {
        Known::Nothing | Known::Null | Known::Harmless => {}
        Known::Bool(truth) => truth.hash(hasher),
        Known::Number(number) => number.to_bits().hash(hasher),
        Known::Text(text) => text.hash(hasher),
        Known::OneOf(texts) => texts.hash(hasher),
    }
    value.origin.hash(hasher);
    std::mem::discriminant(&value.shape).hash(hasher);
    match &value.shape {
        Shape::Unknown => {}
        Shape::Object(object) => {
            object.class.as_ref().map(|class| (class.module, class.id.0)).hash(hasher);
            object.either.len().hash(hasher);
            object.fields.len().hash(hasher);
            for (name, value) in &object.fields {
                name.hash(hasher);
                same(value, hasher, left)?;
            }
            object.rest.is_some().hash(hasher);
            object.rest.iter().try_for_each(|rest| same(rest, hasher, left))?;
        }
        Shape::List(list) => {
            list.items.len().hash(hasher);
            list.items.iter().try_for_each(|item| same(item, hasher, left))?;
            list.rest.is_some().hash(hasher);
            list.rest.iter().try_for_each(|rest| same(rest, hasher, left))?;
        }
        Shape::Function(closure) => {
            if closure.scope.is_within() {
                return None;
            }
            closure.function.hash(hasher);
            closure.others.iter().for_each(|other| other.function.hash(hasher));
            closure.this.iter().try_for_each(|this| same(this, hasher, left))?;
        }
        Shape::Class(class) => (class.module, class.id.0).hash(hasher),
    }
    Some(())
}
