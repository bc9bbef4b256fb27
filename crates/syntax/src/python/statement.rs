//! Statements.

use gabion_finding::Span;
use ruff_python_ast as ast;

use super::Lower;
use super::annotation::path;
use super::operator::binary_op;
use crate::builder::{expr, stmt};
use crate::tree::{Case, Catch, ExprKind, Stmt, StmtKind, Switch};

/// Branches of one `if` that nest as other languages nest them; more become a switch.
const BRANCHES: usize = 32;
/// The block that `break` leaves where a loop has an `else`.
const ELSE: &str = "else";

impl Lower<'_> {
    pub(super) fn statements(&mut self, from: &[ast::Stmt], into: &mut Vec<Stmt>) {
        for one in from {
            let at = self.at(one);
            let mut own = Vec::new();
            self.deeper(at, |lower| lower.statement(one, at, &mut own));
            into.append(&mut own);
        }
    }

    fn statement(&mut self, from: &ast::Stmt, at: Span, into: &mut Vec<Stmt>) {
        use ast::Stmt as S;
        let kind = match from {
            S::FunctionDef(one) => StmtKind::Function(self.function(one, at)),
            S::ClassDef(one) => StmtKind::Class(self.class(one, at)),
            S::Return(one) => StmtKind::Return(one.value.as_ref().map(|value| self.expression(value))),
            S::Delete(one) => StmtKind::Delete(self.expressions(&one.targets)),
            S::TypeAlias(one) => self.alias(one),
            S::Assign(one) => StmtKind::Expr(self.assign(one, at)),
            S::AugAssign(one) => {
                let op = Some(binary_op(one.op));
                let kind = self.deeper(at, |lower| lower.assignment(&one.target, op, &one.value));
                StmtKind::Expr(expr(at, kind.unwrap_or(ExprKind::Unknown(Vec::new()))))
            }
            S::AnnAssign(one) => self.declaration(one),
            S::For(one) => {
                let over = self.expression(&one.iter);
                let pattern = self.target(&one.target);
                let run = |body| StmtKind::Each { pattern, over, keys: false, body };
                self.looped(&one.body, &one.orelse, at, run)
            }
            S::While(one) => {
                let condition = self.expression(&one.test);
                let run = |body| StmtKind::While { condition, body, first: true };
                self.looped(&one.body, &one.orelse, at, run)
            }
            S::If(one) => self.branches(one, at),
            S::With(one) => {
                let items = one.items.iter().map(|item| {
                    let value = self.expression(&item.context_expr);
                    (value, item.optional_vars.as_ref().map(|target| self.target(target)))
                });
                let items = items.collect();
                StmtKind::With { items, body: self.body(&one.body) }
            }
            S::Match(one) => StmtKind::Switch(self.switch(one)),
            S::Raise(one) => {
                // A name or `None` as the cause does nothing.
                if let Some(cause) = &one.cause
                    && !matches!(&**cause, ast::Expr::Name(_) | ast::Expr::NoneLiteral(_))
                {
                    let cause = self.expression(cause);
                    into.push(stmt(cause.span, StmtKind::Expr(cause)));
                }
                StmtKind::Throw(one.exc.as_ref().map(|thrown| self.expression(thrown)))
            }
            S::Try(one) => StmtKind::Try {
                body: self.body(&one.body),
                catches: one.handlers.iter().map(|handler| self.catch(handler)).collect(),
                otherwise: self.body(&one.orelse),
                finally: self.body(&one.finalbody),
            },
            S::Assert(one) => {
                into.push(stmt(at, StmtKind::Assert(self.expression(&one.test))));
                let Some(message) = &one.msg else { return };
                StmtKind::Expr(self.expression(message))
            }
            S::Import(one) => return self.import(one, at, into),
            S::ImportFrom(one) => return into.push(self.import_from(one, at)),
            S::Global(one) => {
                StmtKind::Global(one.names.iter().map(|one| self.builder.symbol(one)).collect())
            }
            S::Nonlocal(one) => {
                StmtKind::Global(one.names.iter().map(|one| self.builder.symbol(one)).collect())
            }
            S::Expr(one) => StmtKind::Expr(self.expression(&one.value)),
            S::Break(_) => {
                let label = self.loops.last().copied().unwrap_or(false);
                StmtKind::Break(label.then(|| self.builder.symbol(ELSE)))
            }
            S::Continue(_) => StmtKind::Continue(None),
            S::Pass(_) | S::IpyEscapeCommand(_) => return,
        };
        into.push(stmt(at, kind));
    }

    /// `else` behind a loop runs unless `break` left it: both stand in a block that `break` leaves.
    fn looped(
        &mut self,
        body: &[ast::Stmt],
        otherwise: &[ast::Stmt],
        at: Span,
        run: impl FnOnce(Vec<Stmt>) -> StmtKind,
    ) -> StmtKind {
        if otherwise.is_empty() {
            self.loops.push(false);
            let body = self.body(body);
            self.loops.pop();
            return run(body);
        }
        let label = self.builder.symbol(ELSE);
        let inner = Span::new(at.start, body.last().map_or(at.end, |last| self.at(last).end));
        self.loops.push(true);
        let body = self.deeper(inner, |lower| lower.body(body)).unwrap_or_default();
        self.loops.pop();
        let mut all = vec![stmt(inner, run(body))];
        self.statements(otherwise, &mut all);
        StmtKind::Labeled { label, body: all }
    }

    fn branches(&mut self, from: &ast::StmtIf, at: Span) -> StmtKind {
        if from.elif_else_clauses.len() > BRANCHES {
            return self.many_branches(from);
        }
        let condition = self.expression(&from.test);
        let around = self.types_only;
        self.types_only |= checks_types(&from.test);
        let then = self.body(&from.body);
        self.types_only = around;
        StmtKind::If { condition, then, otherwise: self.further(&from.elif_else_clauses, at.end) }
    }

    /// The `elif`s and the `else`, one in the other.
    fn further(&mut self, from: &[ast::ElifElseClause], end: u32) -> Vec<Stmt> {
        let Some((first, rest)) = from.split_first() else { return Vec::new() };
        let Some(test) = &first.test else { return self.body(&first.body) };
        let at = Span::new(self.at(&first.range).start, end);
        let kind = self.deeper(at, |lower| {
            let condition = lower.expression(test);
            let then = lower.body(&first.body);
            StmtKind::If { condition, then, otherwise: lower.further(rest, end) }
        });
        kind.map(|kind| stmt(at, kind)).into_iter().collect()
    }

    /// Cases that are tried in order, none of which falls into the next.
    fn many_branches(&mut self, from: &ast::StmtIf) -> StmtKind {
        let start = self.at(from).start;
        let end = from.body.last().map_or_else(|| self.at(&*from.test).end, |last| self.at(last).end);
        let mut cases = vec![self.branch(Some(&from.test), &from.body, Span::new(start, end))];
        for clause in &from.elif_else_clauses {
            let at = self.at(&clause.range);
            cases.push(self.branch(clause.test.as_ref(), &clause.body, at));
        }
        StmtKind::Switch(Switch { subject: None, cases, falls: false })
    }

    fn branch(&mut self, test: Option<&ast::Expr>, body: &[ast::Stmt], at: Span) -> Case {
        self.around(at, |lower| {
            let guard = test.map(|test| lower.expression(test));
            Case { pattern: None, guard, body: lower.body(body), value: None, span: at }
        })
    }

    fn catch(&mut self, from: &ast::ExceptHandler) -> Catch {
        let ast::ExceptHandler::ExceptHandler(one) = from;
        let types = match one.type_.as_deref() {
            None => Vec::new(),
            Some(ast::Expr::Tuple(types)) => types.elts.iter().map(|one| self.of_type(one)).collect(),
            Some(only) => vec![self.of_type(only)],
        };
        let at = self.at(one);
        self.around(at, |lower| {
            let pattern = lower.bound(one.name.as_ref());
            Catch { types, pattern, body: lower.body(&one.body), span: at }
        })
    }
}

/// `TYPE_CHECKING`, `typing.TYPE_CHECKING`.
fn checks_types(test: &ast::Expr) -> bool {
    path(test).is_some_and(|path| path.rsplit('.').next() == Some("TYPE_CHECKING"))
}
