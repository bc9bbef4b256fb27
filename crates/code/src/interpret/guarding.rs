//! Guards of Python that do not guard: `assert`, which is left out under `-O`, and handlers of errors that let everybody in.
//!
//! Rules see them as calls: `gabion.assert()` is given what is asked, each part by itself; `gabion.let_in()` the name of the
//! function whose error means yes; `gabion.caught()` the name of the function that catches whatever there is, interrupts and exits
//! too, and the names of what it calls in the attempt.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Catch, Expr, ExprKind, Stmt, StmtKind, UnaryOp};

use super::{Frame, Given};
use crate::value::Value;
use crate::walk::{self, Visitor};
use crate::world::{Ending, Loaded, World};

/// Parts of one condition that are looked at.
const PARTS: usize = 32;

impl World<'_> {
    pub(super) fn asserted(&mut self, frame: &mut Frame, condition: &Expr) {
        if frame.loaded.language() != Language::Python {
            return;
        }
        let mut open = vec![condition];
        for _ in 0..PARTS {
            let Some(part) = open.pop() else { return };
            match &part.kind {
                ExprKind::Unary { op: UnaryOp::Not, operand } => open.push(operand),
                ExprKind::Logical { left, right, .. } | ExprKind::Binary { left, right, .. } => {
                    open.extend([&**left, &**right]);
                }
                ExprKind::Call(_) | ExprKind::Member { .. } | ExprKind::Name(_) => {
                    let value = self.evaluate(frame, part);
                    self.guards(frame, "gabion.assert", value, condition);
                }
                _ => {}
            }
        }
    }

    /// `except: return True`.
    pub(super) fn let_in(&mut self, frame: &Frame, catches: &[Catch]) {
        if frame.loaded.language() != Language::Python {
            return;
        }
        for catch in catches {
            let any = catch.types.iter().all(|of| {
                matches!(frame.loaded.text(of.path), "Exception" | "BaseException" | "builtins.Exception")
            });
            let Some(Stmt { kind: StmtKind::Return(Some(given)), .. }) = catch.body.last() else { continue };
            if any && matches!(given.kind, ExprKind::Bool(true)) {
                let name = self.function_name(frame);
                self.guards(frame, "gabion.let_in", Value::text(&name), given);
            }
        }
    }

    /// `except:`.
    pub(super) fn caught_all(&mut self, frame: &Frame, body: &[Stmt], catches: &[Catch]) {
        if frame.loaded.language() != Language::Python {
            return;
        }
        let loaded = Rc::clone(&frame.loaded);
        for catch in catches {
            let all = catch.types.iter().all(|of| loaded.text(of.path) == "BaseException");
            // What is thrown again goes on.
            let again = catch.body.iter().any(|one| matches!(one.kind, StmtKind::Throw(None)));
            if !all || again {
                continue;
            }
            let mut called = Called { loaded: &loaded, names: Vec::new() };
            body.iter().for_each(|one| walk::statement(one, &mut called));
            let names = Value::text(&called.names.join(" "));
            let Some(origin) = self.path("gabion.caught") else { return };
            let name = Value::text(&self.function_name(frame));
            let span = Span { end: catch.span.start.saturating_add(6).min(catch.span.end), ..catch.span };
            let given = [name, names].map(|value| Given { name: None, value, span });
            self.check(frame, origin, Ending::Call, None, &given, span);
        }
    }

    fn guards(&mut self, frame: &Frame, path: &str, value: Value, at: &Expr) {
        let Some(origin) = self.path(path) else { return };
        let given = [Given { name: None, value, span: at.span }];
        self.check(frame, origin, Ending::Call, None, &given, at.span);
    }
}

/// The last words of what is called.
struct Called<'a> {
    loaded: &'a Loaded,
    names: Vec<&'a str>,
}

impl Visitor for Called<'_> {
    fn expression(&mut self, one: &Expr) {
        if let ExprKind::Call(call) = &one.kind
            && let ExprKind::Name(name) | ExprKind::Member { name, .. } = &call.callee.kind
            && self.names.len() < PARTS
        {
            self.names.push(self.loaded.text(*name));
        }
    }
}
