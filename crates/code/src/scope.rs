//! Names and what they hold, scope in scope.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::name::Name;
use crate::value::{Closure, FunctionRef, Value};

pub(crate) type Variables = HashMap<Name, Value>;

/// The names of a function, or of a module, and those around them. Closures share it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    variables: RefCell<Variables>,
    /// Functions that whoever called this one handed it.
    handed: RefCell<Vec<Rc<Closure>>>,
    around: Option<Rc<Self>>,
}

/// Functions that are handed to one call.
const HANDED: usize = 32;

impl Scope {
    pub(crate) fn inside(around: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { around: Some(Rc::clone(around)), ..Self::default() })
    }

    /// The function whose names these are was handed another one.
    pub(crate) fn hand(&self, closure: &Rc<Closure>) {
        let mut handed = self.handed.borrow_mut();
        if handed.len() < HANDED {
            handed.push(Rc::clone(closure));
        }
    }

    /// Whether a function was handed to this one or one around it, so that who called says what runs.
    pub(crate) fn was_handed(&self, function: FunctionRef) -> bool {
        let mut scope = Some(self);
        while let Some(one) = scope {
            if one.handed.borrow().iter().any(|closure| closure.function == function) {
                return true;
            }
            scope = one.around.as_deref();
        }
        false
    }

    /// What was handed to the functions whose names are seen here.
    pub(crate) fn handed(&self) -> Vec<Rc<Closure>> {
        let mut all = Vec::new();
        let mut scope = Some(self);
        while let Some(one) = scope.filter(|_| all.len() < HANDED) {
            all.extend(one.handed.borrow().iter().cloned());
            scope = one.around.as_deref();
        }
        all
    }

    /// Whether there is one around it: it is no module's.
    pub(crate) const fn is_within(&self) -> bool {
        self.around.is_some()
    }

    pub(crate) fn get(&self, name: Name) -> Option<Value> {
        let mut scope = Some(self);
        while let Some(one) = scope {
            if let Some(value) = one.variables.borrow().get(&name) {
                return Some(value.clone());
            }
            scope = one.around.as_deref();
        }
        None
    }

    /// What it holds, where a module declares it and no function does.
    pub(crate) fn of_module(&self, name: Name) -> Option<Value> {
        let mut scope = self;
        loop {
            let own = scope.variables.borrow().get(&name).cloned();
            match (own, scope.around.as_deref()) {
                (own, None) => return own,
                (Some(_), Some(_)) => return None,
                (None, Some(around)) => scope = around,
            }
        }
    }

    /// What the module holds under that name, whatever functions declare.
    pub(crate) fn held_by_module(&self, name: Name) -> Option<Value> {
        let mut scope = self;
        while let Some(around) = scope.around.as_deref() {
            scope = around;
        }
        scope.variables.borrow().get(&name).cloned()
    }

    /// The module may hold this, too, from now on. What it held before.
    pub(crate) fn join_of_module(&self, name: Name, value: &Value) -> Option<Value> {
        let mut scope = self;
        while let Some(around) = scope.around.as_deref() {
            scope = around;
        }
        let mut variables = scope.variables.borrow_mut();
        let before = variables.get(&name).cloned();
        let joined = before.as_ref().map_or_else(|| value.clone(), |before| before.join(value));
        variables.insert(name, joined);
        before
    }

    /// Declares it here.
    pub(crate) fn declare(&self, name: Name, value: Value) {
        self.variables.borrow_mut().insert(name, value);
    }

    /// Sets it where it is declared; false where it is not. In a scope around this one it may also still be what it was: nobody
    /// knows when this runs.
    pub(crate) fn set(&self, name: Name, value: Value) -> bool {
        if let Some(own) = self.variables.borrow_mut().get_mut(&name) {
            *own = value;
            return true;
        }
        let mut scope = self.around.as_deref();
        while let Some(one) = scope {
            if let Some(own) = one.variables.borrow_mut().get_mut(&name) {
                *own = own.join(&value);
                return true;
            }
            scope = one.around.as_deref();
        }
        false
    }

    /// As it stands here, without the scopes around it.
    pub(crate) fn snapshot(&self) -> Variables {
        self.variables.borrow().clone()
    }

    pub(crate) fn restore(&self, variables: Variables) {
        *self.variables.borrow_mut() = variables;
    }

    /// What holds after either this or that way.
    pub(crate) fn join(one: Variables, two: &Variables) -> Variables {
        let mut joined = one;
        for (name, value) in two {
            match joined.get_mut(name) {
                Some(own) => *own = own.join(value),
                None => drop(joined.insert(*name, value.clone())),
            }
        }
        joined
    }
}
