//! Code that is given as text, with the values it may use: `vm.runInContext('parse(data)', { parse, data })`.
//!
//! It is run as the code around it is; what is found in it stands where the text is given.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{FunctionId, StmtKind};

use super::Frame;
use crate::value::{FunctionRef, Shape, Trace, Value};
use crate::world::{Hit, World};

/// Bytes of a text that is run.
const LONGEST: usize = 2_000;

impl World<'_> {
    /// What the text gives; none where it is no plain expression.
    pub(super) fn run_text(
        &mut self,
        frame: &mut Frame,
        code: &str,
        sandbox: &Value,
        span: Span,
    ) -> Option<Value> {
        let Shape::Object(names) = &sandbox.shape else { return None };
        if code.len() > LONGEST {
            return None;
        }
        // Reading it is work, too: a loop may give the same text again and again.
        self.budget = self.budget.saturating_sub(code.len() as u64);
        if self.budget == 0 {
            return None;
        }
        let parsed = gabion_syntax::parse(Language::JavaScript, code);
        let module = parsed.module;
        if !parsed.problems.is_empty() || module.functions.len() != 1 || !module.classes.is_empty() {
            return None;
        }
        let loaded = self.loaded_text(module, code);
        let [statement] = loaded.module().functions.first()?.body.as_slice() else { return None };
        let StmtKind::Expr(expression) = &statement.kind else { return None };
        let scope = self.scope(None);
        for (name, value) in &names.fields {
            scope.declare(*name, value.clone());
        }
        let length = sandbox.all_flows().iter().map(|flow| flow.trace.length).max().unwrap_or(0);
        let function = FunctionRef { module: frame.module, id: FunctionId(0) };
        let mut inner = Frame {
            module: frame.module,
            loaded: Rc::clone(&loaded),
            function,
            scope,
            this: Value::default(),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack: frame.stack.clone(),
            tainted: true,
            exports: None,
            rebound: hashbrown::HashSet::new(),
            answer: None,
        };
        let before = self.set_hits_aside();
        let value = self.evaluate(&mut inner, expression);
        for hit in self.put_hits_back(before) {
            let trace = hit.trace.as_ref().map(|trace| stands_at(trace, frame.module, span, length));
            let within = self.function_name(frame);
            self.hit(Hit { span, module: frame.module, trace, within, ..hit });
        }
        let flows = value.flows.iter().cloned().map(|mut flow| {
            flow.trace = stands_at(&flow.trace, frame.module, span, length);
            flow
        });
        Some(Value { flows: Rc::new(flows.collect()), ..value })
    }
}

/// The way up to the text, and the text as its last step.
fn stands_at(trace: &Rc<Trace>, module: usize, span: Span, length: u8) -> Rc<Trace> {
    let mut before = Some(Rc::clone(trace));
    while let Some(step) = before.take_if(|step| step.length > length) {
        before = step.before.clone();
    }
    let says = Rc::clone(&trace.says);
    let length = before.as_ref().map_or(0, |before| before.length).saturating_add(1);
    Rc::new(Trace { module, span, says, before, length })
}
