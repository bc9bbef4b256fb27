//! Functions of JavaScript are objects: they have fields, and a prototype that `new` makes objects of.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::Pattern;

use super::{Frame, Given};
use crate::name::Name;
use crate::value::{Closure, FunctionRef, Object, Shape, Value};
use crate::world::World;

/// Fields of one function.
const MOST: usize = 400;

impl World<'_> {
    /// `f.name = …`; false where it is no function that is set.
    pub(super) fn set_property(&mut self, owner: &Value, name: Name, value: &Value) -> bool {
        let Shape::Function(closure) = &owner.shape else { return false };
        let own = self.properties.entry(closure.function).or_default();
        if own.fields.len() < MOST {
            own.fields.insert(name, value.clone());
        }
        true
    }

    pub(super) fn property(&mut self, frame: &Frame, function: FunctionRef, name: Name) -> Option<Value> {
        if !frame.loaded.language().is_script() {
            return None;
        }
        let own = self.properties.get(&function).and_then(|own| own.fields.get(&name).cloned());
        let empty = || Value::shaped(Shape::Object(Rc::default()));
        own.or_else(|| (&*self.names.text(name) == "prototype").then(empty))
    }

    /// `new F(…)`.
    pub(super) fn made_by_function(
        &mut self,
        frame: &mut Frame,
        closure: &Rc<Closure>,
        given: &[Given],
        span: Span,
    ) -> Value {
        let prototype = self.name("prototype");
        let own = self.properties.get(&closure.function).and_then(|own| own.fields.get(&prototype));
        let this = match own.map(|own| &own.shape) {
            Some(Shape::Object(object)) => Value::shaped(Shape::Object(Rc::clone(object))),
            _ => Value::shaped(Shape::Object(Rc::new(Object::default()))),
        };
        if frame.stack.contains(&closure.function) {
            // `if (!(this instanceof F)) return new F();`: what is being made already.
            return Value::default();
        }
        let made = self.run_closure(frame, closure, Some(&this), given, span);
        let this = self.changed_this.take().unwrap_or(this);
        // What it gives instead of the object, if it does.
        if matches!(made.shape, Shape::Object(_) | Shape::Function(_)) { made } else { this }
    }

    /// `f.call(this, a)`, `f.apply(this, list)`, `f.bind(this)`.
    pub(super) fn called_as_method(
        &mut self,
        frame: &mut Frame,
        callee: &Value,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Option<Value> {
        let receiver = receiver?;
        let Shape::Function(closure) = &receiver.shape else { return None };
        if !frame.loaded.language().is_script() {
            return None;
        }
        let this = given.first().map(|given| given.value.clone());
        let rest = given.get(1..).unwrap_or_default();
        match &*self.text_of(callee.origin?) {
            "~call" => Some(self.run_closure(frame, closure, this.as_ref(), rest, span)),
            "~apply" => {
                let list = rest.first().map(|rest| rest.value.clone()).unwrap_or_default();
                let items = self.spread_out(&list, span);
                Some(self.run_closure(frame, closure, this.as_ref(), &items, span))
            }
            "~bind" if rest.is_empty() => Some(receiver.clone()),
            _ => None,
        }
    }
    /// Some code calls it.
    pub(super) fn note_called(&mut self, closure: &Closure) {
        self.called_by_code.insert(closure.function);
        self.called_by_code.extend(closure.others.iter().map(|other| other.function));
    }

    /// `(error, request, response, next)`: what express calls when something went wrong.
    pub(super) fn handles_errors(&mut self, closure: &Closure, given: &[crate::models::Given]) -> bool {
        let request =
            matches!(given.first(), Some(crate::models::Given::Path(path)) if path == "express.Request()");
        let Some(loaded) = self.load(closure.function.module).filter(|_| request && given.len() == 3) else {
            return false;
        };
        let function = loaded.module().function(closure.function.id);
        function.is_some_and(|function| function.params.len() == 4)
    }

    /// Whether its first parameter is an error, as functions have it that are called when something is done.
    pub(super) fn takes_error(&mut self, closure: &Closure) -> bool {
        let Some(loaded) = self.load(closure.function.module) else { return false };
        let first =
            loaded.module().function(closure.function.id).and_then(|function| function.params.first());
        match first.map(|param| &param.pattern) {
            Some(Pattern::Name(name, _)) => {
                let name = loaded.text(*name).to_lowercase();
                matches!(name.as_str(), "e" | "er" | "ex" | "exception")
                    || name.starts_with("err")
                    || name.ends_with("err")
                    || name.ends_with("error")
            }
            Some(Pattern::Ignore) => true,
            _ => false,
        }
    }
}
