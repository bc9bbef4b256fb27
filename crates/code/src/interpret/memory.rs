//! Calls that were run before with the same: what they gave is known, and where values arrived in them was said.
//!
//! Without it, code in which everything calls everything is run once for each way through it. A function is run a few times all
//! the same: what it finds then has its own, shorter way.

use std::hash::{BuildHasher as _, Hash as _, Hasher};

use super::{Frame, Given};
use crate::name::Name;
use crate::value::{Closure, FunctionRef, Known, Shape, Value};
use crate::world::World;

/// A function is run so often before what is remembered counts.
const RUNS: u32 = 4;
/// Values in the values it is given that are compared.
const MOST: usize = 400;
/// Changes of the variables of a module that are told apart; code that sets one at each call would be run without an end.
const CHANGES: u32 = 32;
/// Calls that are remembered; where there are more, all are forgotten.
const KEPT: usize = 16_384;

/// What a call left behind.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    /// Calls around it: what is deeper is not run, so that a call further in gives less.
    depth: usize,
    returned: Value,
    ended: bool,
    left_in_arguments: Vec<Option<Value>>,
    changed_given: Vec<(usize, Value)>,
    changed_this: Option<Value>,
}

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
        let mut hasher = self.keys.build_hasher();
        let mut left = MOST;
        // What the function reads of its module is given as well.
        self.module_changes.get(&closure.function.module).hash(&mut hasher);
        if let Some(this) = this {
            1_u8.hash(&mut hasher);
            same(this, &mut hasher, &mut left)?;
        }
        for one in given {
            one.name.hash(&mut hasher);
            same(&one.value, &mut hasher, &mut left)?;
        }
        Some((closure.function, hasher.finish()))
    }

    /// A variable of a module is set anew: what its functions gave before says nothing any more.
    pub(super) fn module_variable_set(&mut self, frame: &Frame, name: Name, before: Option<Value>) {
        let (Some(before), Some(value)) = (before, frame.scope.held_by_module(name)) else { return };
        let of = |value: &Value| {
            let mut hasher = self.keys.build_hasher();
            same(value, &mut hasher, &mut MOST.clone()).map(|()| hasher.finish())
        };
        if of(&before).is_some_and(|before| Some(before) == of(&value)) {
            return;
        }
        let changes = self.module_changes.entry(frame.module).or_insert(0);
        *changes = changes.saturating_add(1).min(CHANGES);
    }

    /// What the call gave when it was run before.
    pub(super) fn recall(&mut self, key: CallKey, depth: usize) -> Option<Value> {
        let runs = self.runs.entry(key.0).or_insert(0);
        *runs = runs.saturating_add(1);
        if *runs <= RUNS {
            return None;
        }
        let known = self.remembered.get(&key).filter(|known| known.depth <= depth)?.clone();
        self.ended = known.ended;
        self.left_in_arguments = known.left_in_arguments;
        self.changed_given = known.changed_given;
        if known.changed_this.is_some() {
            self.changed_this = known.changed_this;
        }
        Some(known.returned)
    }

    /// Keeps what a call that has just ended gave.
    pub(super) fn remember(&mut self, key: CallKey, depth: usize, returned: &Value) {
        if self.budget == 0 {
            return;
        }
        if self.remembered.len() >= KEPT {
            self.remembered.clear();
        }
        let remembered = Remembered {
            depth,
            returned: returned.clone(),
            ended: self.ended,
            left_in_arguments: self.left_in_arguments.clone(),
            changed_given: self.changed_given.clone(),
            changed_this: self.changed_this.clone(),
        };
        self.remembered.insert(key, remembered);
    }
}

/// Adds all of a value; none where there is too much of it.
fn same(value: &Value, hasher: &mut impl Hasher, left: &mut usize) -> Option<()> {
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
