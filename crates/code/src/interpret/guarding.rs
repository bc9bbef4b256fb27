//! Guards of Python that do not guard: `assert`, which is left out under `-O`, and handlers of errors that let everybody in.
//!
//! Rules see them as calls: `gabion.assert()` is given what is asked, each part by itself, and `gabion.let_in()` the name of the
//! function whose error means yes.

use gabion_syntax::Language;
use gabion_syntax::tree::{Catch, Expr, ExprKind, Stmt, StmtKind, UnaryOp};

use super::{Frame, Given};
use crate::value::Value;
use crate::world::{Ending, World};

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

    fn guards(&mut self, frame: &Frame, path: &str, value: Value, at: &Expr) {
        let Some(origin) = self.path(path) else { return };
        let given = [Given { name: None, value, span: at.span }];
        self.check(frame, origin, Ending::Call, None, &given, at.span);
    }
}
