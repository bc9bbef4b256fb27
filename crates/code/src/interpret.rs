//! Runs code over what is known of values: each way through it once, loops twice, calls by what they call.
//!
//! A function is run with what it is given, where it is called; what nobody calls is run with what its parameters say of
//! themselves (their types, the names of a handler). Work is bounded per module: what is left then is said.

mod address;
mod asked;
mod assign;
mod builtin;
mod call;
mod cases;
mod condition;
pub(crate) mod elsewhere;
mod ends;
pub(crate) mod exported;
mod expression;
mod format;
mod function;
mod guard;
mod guarding;
mod handler;
mod idiom;
mod java;
mod java_answer;
mod java_class;
pub(crate) mod java_query;
mod java_text;
mod marked;
mod matching;
mod member;
pub(crate) mod memory;
mod page;
mod pattern;
mod place;
mod property;
mod prototype;
mod python;
mod route;
mod script;
mod script_checks;
mod served;
mod statement;
mod text;
mod texts;
mod typed;

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::Symbol;

use crate::name::Name;
use crate::scope::{Scope, Variables};
use crate::value::{Closure, Flow, FunctionRef, KindSet, Trace, Value};
use crate::world::{Exports, Loaded, World};

/// Steps for one module.
pub(crate) const BUDGET: u64 = 800_000;
/// Modules that import modules, one in the other.
const IMPORTS: usize = 48;
/// Calls in calls.
const DEEPEST: usize = 8;
/// Calls in calls that are given something somebody chose.
const DEEPEST_TAINTED: usize = 12;
/// Steps of a trace.
const LONGEST_TRACE: u8 = 24;

/// A function that runs.
#[derive(Debug)]
pub(crate) struct Frame {
    module: usize,
    loaded: Rc<Loaded>,
    function: FunctionRef,
    scope: Rc<Scope>,
    this: Value,
    /// What it gives, on all ways that ended so far.
    returned: Option<Value>,
    loops: Vec<Loop>,
    /// Functions it made, to be run when it ends.
    pending: Vec<Pending>,
    /// The functions around it, innermost last.
    stack: Vec<FunctionRef>,
    /// Something it was given comes from somebody else.
    tainted: bool,
    /// What the module gives to others, while its own code runs.
    exports: Option<Value>,
    /// Names that were set anew: they are no longer what the function was given.
    rebound: hashbrown::HashSet<Name>,
    /// Where what it returns arrives, and by whom.
    answer: Option<(KindSet, Rc<str>)>,
}

#[derive(Debug, Default)]
struct Loop {
    label: Option<Symbol>,
    broken: Vec<Variables>,
    continued: Vec<Variables>,
    /// Of a `switch`: `continue` is not for it.
    switch: bool,
}

#[derive(Debug)]
struct Pending {
    closure: Rc<Closure>,
    given: Option<Vec<Value>>,
    answer: Option<(KindSet, Rc<str>)>,
    /// All its routes are written out: the path of a request says nothing that the code does not say.
    fixed: bool,
}

/// Whether what stands behind a statement is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Next,
    Leave,
}

/// An argument as it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) name: Option<Name>,
    pub(crate) value: Value,
    pub(crate) span: Span,
}

impl World<'_> {
    /// Runs a module's own code and all of its functions, and those of the modules it was the first to import.
    pub(crate) fn look_at(&mut self, module: usize) {
        self.budget = BUDGET;
        self.check_file(module);
        self.check_texts(module);
        self.check_ends(module);
        self.look_at_page(module);
        let _ = self.exports(module);
        while let Some(mut frame) = self.deferred.pop() {
            let Some(loaded) = self.load(frame.module) else { continue };
            frame.loaded = loaded;
            self.budget = BUDGET;
            self.run_pending(&mut frame);
            if self.budget == 0 {
                self.cut_off(frame.module);
            }
        }
    }

    /// What a module gives to others.
    pub(crate) fn exports(&mut self, module: usize) -> Value {
        match self.units.get(module).map(|unit| unit.exports.clone()) {
            Some(Exports::Known(value)) => return value,
            Some(Exports::Unknown) => {}
            Some(Exports::Running) | None => return Value::default(),
        }
        if self.importing >= IMPORTS {
            return Value::default();
        }
        let Some(loaded) = self.load(module) else { return Value::default() };
        self.set_exports(module, Exports::Running);
        self.importing = self.importing.saturating_add(1);
        let before = std::mem::replace(&mut self.budget, BUDGET);
        let scope = self.scope(None);
        let function = FunctionRef { module, id: gabion_syntax::tree::FunctionId(0) };
        let mut frame = Frame {
            module,
            loaded: Rc::clone(&loaded),
            function,
            scope: Rc::clone(&scope),
            this: Value::default(),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack: vec![function],
            tainted: false,
            exports: Some(Value::shaped(crate::value::Shape::Object(Rc::default()))),
            rebound: hashbrown::HashSet::new(),
            answer: None,
        };
        self.module_scopes.insert(module, Rc::clone(&scope));
        self.declare_module(&mut frame);
        if let Some(code) = loaded.module().functions.first() {
            self.hoist(&mut frame, &code.body);
            let _ = self.block(&mut frame, &code.body);
        }
        self.methods_without_type(&mut frame);
        self.routes.modules.insert(module, Rc::clone(&scope));
        let exports = self.gathered_exports(&mut frame);
        self.set_exports(module, Exports::Known(exports.clone()));
        self.importing = self.importing.saturating_sub(1);
        // It waits without its code: whole projects import each other.
        frame.loaded = Rc::clone(&self.blank);
        self.deferred.push(frame);
        self.budget = before;
        exports
    }

    fn set_exports(&mut self, module: usize, exports: Exports) {
        if let Some(unit) = self.units.get_mut(module) {
            unit.exports = exports;
        }
    }

    /// One step of work; false when there is none left.
    fn step(&mut self) -> bool {
        self.budget = self.budget.saturating_sub(1);
        self.budget > 0
    }

    /// A new flow from a source that stands here.
    fn source(frame: &Frame, kind: KindSet, span: Span, says: &str) -> Flow {
        let trace = Trace { module: frame.module, span, says: says.into(), before: None, length: 1 };
        let trace = Rc::new(trace);
        let marks = Rc::default();
        Flow { source: kind, safe: 0, trace, guessed: false, lasting: false, leads: true, marks }
    }

    /// The same value one step further.
    fn stepped(value: &Value, module: usize, span: Span, says: &str) -> Value {
        if value.flows.is_empty() {
            return value.clone();
        }
        let flows = value.flows.iter().map(|flow| {
            if flow.trace.length >= LONGEST_TRACE || (flow.trace.module == module && flow.trace.span == span)
            {
                return flow.clone();
            }
            let before = Some(Rc::clone(&flow.trace));
            let length = flow.trace.length.saturating_add(1);
            Flow { trace: Rc::new(Trace { module, span, says: says.into(), before, length }), ..flow.clone() }
        });
        Value { flows: Rc::new(flows.collect()), ..value.clone() }
    }
}
