//! Checks that stand in functions of the tree: `if (!Checks.ofOurs(url)) return`. The function is gone through for the answer it gave:
//! what holds on every way to that answer holds where it was asked.

use std::rc::Rc;

use gabion_syntax::tree::{Call, Expr, ExprKind, Function, ParamKind, Pattern, Stmt, StmtKind};

use super::{Exit, Frame, Given};
use crate::name::Name;
use crate::scope::{Scope, Variables};
use crate::value::{KindSet, Shape, Value};
use crate::world::World;

/// Ways to an answer; with more nothing is known.
const WAYS: usize = 16;
/// Checks in checks.
const DEEPEST: usize = 4;

/// What such a function answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// Not nothing: `clean(x) != null`.
    Something,
}

/// The ways that end with the answer, and whether one could not be followed.
#[derive(Debug, Default)]
struct Ways {
    all: Vec<Variables>,
    lost: bool,
}

impl World<'_> {
    /// What the answer of a function of the tree tells of what it was given.
    pub(super) fn asked(&mut self, frame: &mut Frame, call: &Call, answer: Answer) {
        let (callee, receiver) = self.callee(frame, &call.callee);
        let Shape::Function(closure) = &callee.shape else { return };
        let again = frame.stack.contains(&closure.function);
        if again || !closure.others.is_empty() || self.asking >= DEEPEST || !self.step() {
            return;
        }
        let given: Vec<Given> = call
            .arguments
            .iter()
            .map(|argument| Given {
                name: argument.name.map(|name| frame.loaded.name(name)),
                value: self.evaluate(frame, &argument.value),
                span: argument.value.span,
            })
            .collect();
        if !given.iter().any(|given| given.value.is_tainted()) {
            return;
        }
        let Some(loaded) = self.load(closure.function.module) else { return };
        let Some(function) = loaded.module().function(closure.function.id) else { return };
        let mut stack = frame.stack.clone();
        stack.push(closure.function);
        let mut inner = Frame {
            module: closure.function.module,
            loaded: Rc::clone(&loaded),
            function: closure.function,
            scope: self.scope(Some(&closure.scope)),
            this: closure.this.clone().or(receiver).unwrap_or_default(),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack,
            tainted: true,
            exports: None,
            rebound: hashbrown::HashSet::new(),
            answer: None,
        };
        self.receive(&mut inner, function, &given, "the check", call.callee.span, frame.module);
        let mut ways = Ways::default();
        self.asking = self.asking.saturating_add(1);
        self.ways(&mut inner, &function.body, answer, &mut ways);
        self.asking = self.asking.saturating_sub(1);
        if ways.lost || ways.all.is_empty() {
            return;
        }
        for (name, argument) in names(&inner, function).into_iter().zip(&call.arguments) {
            let Some(name) = name else { continue };
            let safe = ways.all.iter().fold(KindSet::MAX, |safe, way| safe & safe_for(way.get(&name)));
            if safe != 0 {
                self.trust(frame, &argument.value, safe);
            }
        }
    }

    /// Goes through a block; what is known where it gives the answer is kept.
    fn ways(&mut self, inner: &mut Frame, block: &[Stmt], answer: Answer, to: &mut Ways) -> Exit {
        for stmt in block {
            if to.lost || !self.step() {
                to.lost = true;
                return Exit::Leave;
            }
            let exit = match &stmt.kind {
                StmtKind::Return(Some(value)) => {
                    self.way(inner, value, answer, to);
                    Exit::Leave
                }
                StmtKind::Return(None) | StmtKind::Throw(_) => Exit::Leave,
                StmtKind::Block(body) => self.ways(inner, body, answer, to),
                StmtKind::If { condition, then, otherwise } => {
                    let before = inner.scope.snapshot();
                    self.refine(inner, condition, true);
                    let first = self.ways(inner, then, answer, to);
                    let behind = inner.scope.snapshot();
                    inner.scope.restore(before);
                    self.refine(inner, condition, false);
                    let second = self.ways(inner, otherwise, answer, to);
                    match (first, second) {
                        (Exit::Next, Exit::Next) => {
                            let other = inner.scope.snapshot();
                            inner.scope.restore(Scope::join(behind, &other));
                            Exit::Next
                        }
                        (Exit::Next, Exit::Leave) => {
                            inner.scope.restore(behind);
                            Exit::Next
                        }
                        (Exit::Leave, exit) => exit,
                    }
                }
                StmtKind::Try { body, catches, otherwise, finally } => {
                    let before = inner.scope.snapshot();
                    let mut exit = self.ways(inner, body, answer, to);
                    if exit == Exit::Next {
                        exit = self.ways(inner, otherwise, answer, to);
                    }
                    let mut behind = (exit == Exit::Next).then(|| inner.scope.snapshot());
                    for catch in catches {
                        // Nothing of what was seen in it holds.
                        inner.scope.restore(before.clone());
                        if self.ways(inner, &catch.body, answer, to) == Exit::Next {
                            let own = inner.scope.snapshot();
                            behind = Some(match behind {
                                Some(behind) => Scope::join(behind, &own),
                                None => own,
                            });
                        }
                    }
                    match behind {
                        Some(behind) => {
                            inner.scope.restore(behind);
                            self.ways(inner, finally, answer, to)
                        }
                        None => Exit::Leave,
                    }
                }
                StmtKind::Each { pattern, over, body, .. } => {
                    let over = self.evaluate(inner, over);
                    let before = inner.scope.snapshot();
                    let item = self.item_of(&over);
                    self.declare(inner, pattern, item);
                    self.ways(inner, body, answer, to);
                    inner.scope.restore(before);
                    Exit::Next
                }
                _ if returns(&stmt.kind) => {
                    to.lost = true;
                    Exit::Leave
                }
                _ => self.block(inner, std::slice::from_ref(stmt)),
            };
            if exit == Exit::Leave {
                return Exit::Leave;
            }
        }
        Exit::Next
    }

    /// What is known where this is returned and is the answer.
    fn way(&mut self, inner: &mut Frame, value: &Expr, answer: Answer, to: &mut Ways) {
        let before = inner.scope.snapshot();
        match (&value.kind, answer) {
            (ExprKind::Bool(true), Answer::No) | (ExprKind::Bool(false), Answer::Yes) => return,
            (ExprKind::Null, Answer::Something | Answer::Yes) => return,
            (ExprKind::Conditional { condition, then, otherwise: Some(otherwise) }, _) => {
                for (truth, part) in [(true, then), (false, otherwise)] {
                    self.refine(inner, condition, truth);
                    self.way(inner, part, answer, to);
                    inner.scope.restore(before.clone());
                }
                return;
            }
            (_, Answer::Yes) => self.refine(inner, value, true),
            (_, Answer::No) => self.refine(inner, value, false),
            (_, Answer::Something) => {}
        }
        to.all.push(inner.scope.snapshot());
        to.lost |= to.all.len() > WAYS;
        inner.scope.restore(before);
    }
}

/// What a value can do no harm to.
fn safe_for(value: Option<&Value>) -> KindSet {
    let Some(value) = value else { return 0 };
    if value.is_harmless() {
        return KindSet::MAX;
    }
    value.all_flows().iter().fold(KindSet::MAX, |safe, flow| safe & flow.safe)
}

fn names(inner: &Frame, function: &Function) -> Vec<Option<Name>> {
    let name = |param: &gabion_syntax::tree::Param| match (&param.pattern, param.kind) {
        (Pattern::Name(symbol, _), ParamKind::Positional) => Some(inner.loaded.name(*symbol)),
        _ => None,
    };
    function.params.iter().map(name).collect()
}

/// Whether a statement that is not gone through may return.
fn returns(kind: &StmtKind) -> bool {
    let block = |body: &[Stmt]| {
        body.iter().any(|stmt| matches!(stmt.kind, StmtKind::Return(_)) || returns(&stmt.kind))
    };
    match kind {
        StmtKind::Block(body)
        | StmtKind::Each { body, .. }
        | StmtKind::For { body, .. }
        | StmtKind::Labeled { body, .. }
        | StmtKind::While { body, .. }
        | StmtKind::With { body, .. } => block(body),
        StmtKind::If { then, otherwise, .. } => block(then) || block(otherwise),
        StmtKind::Switch(switch) => switch.cases.iter().any(|case| block(&case.body)),
        StmtKind::Try { body, catches, otherwise, finally } => {
            block(body)
                || block(otherwise)
                || block(finally)
                || catches.iter().any(|catch| block(&catch.body))
        }
        _ => false,
    }
}
