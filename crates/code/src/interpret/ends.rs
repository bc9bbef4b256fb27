//! Functions that decide, and what they give where nothing they ask for was so.
//!
//! A list of `return false`, each behind what would be wrong, and `return true` at the end is how guards are written. It is another
//! thing where one value is compared with names, and whatever is not among them counts as yes: a role, an action or a resource
//! that is added later is allowed to everybody.

use gabion_finding::{Form, Span};
use gabion_syntax::tree::{
    BinaryOp, Expr, ExprKind, Function, LogicalOp, Module, Pattern, Stmt, StmtKind, Switch,
};

use crate::world::{Hit, World};

/// Statements in each other that are looked through.
const DEEPEST: usize = 12;

impl World<'_> {
    /// Holds the functions of a module against the rules about what they end with.
    pub(super) fn check_ends(&mut self, module: usize) {
        let rules = self.rules;
        if rules.ends.is_empty() {
            return;
        }
        let Some(loaded) = self.load(module) else { return };
        for function in &loaded.module().functions {
            let Some(name) = function.name.map(|name| loaded.text(name)) else { continue };
            for (rule, ends) in &rules.ends {
                let form = rules.forms.get(&ends.function);
                if !ends.languages.contains(&loaded.language())
                    || !form.is_some_and(|form| form.is_match(name))
                {
                    continue;
                }
                let Some(of) = rules.forms.get(&ends.of) else { continue };
                let judged = Judged { gives: ends.gives, of, module: loaded.module() };
                let Some(span) = judged.end(function) else { continue };
                let (callee, within) = (name.to_owned(), name.to_owned());
                self.hit(Hit {
                    rule: *rule,
                    module,
                    span,
                    trace: None,
                    callee: callee.into(),
                    within,
                    weak: false,
                });
            }
        }
    }
}

/// What the end of a function is held against.
struct Judged<'a> {
    gives: bool,
    /// What is compared with names is called so.
    of: &'a Form,
    module: &'a Module,
}

impl Judged<'_> {
    /// Where it gives that for whatever is left.
    fn end(&self, function: &Function) -> Option<Span> {
        let (last, before) = function.body.split_last()?;
        match &last.kind {
            StmtKind::Return(Some(value)) => {
                // `return rights[action] ?? true`.
                if let Some(span) = self.otherwise(value) {
                    return Some(span);
                }
                let plain = self.is_given(value) && before.iter().any(|one| self.names_one(one, DEEPEST));
                if plain { Some(value.span) } else { self.switched(value) }
            }
            StmtKind::Expr(value) => self.switched(value),
            StmtKind::Switch(switch) => self.rest(switch),
            StmtKind::If { otherwise, .. } => self.last_else(last, otherwise, DEEPEST),
            _ => None,
        }
    }

    fn is_given(&self, value: &Expr) -> bool {
        matches!(value.kind, ExprKind::Bool(given) if given == self.gives)
    }

    fn is_refused(&self, value: &Expr) -> bool {
        matches!(value.kind, ExprKind::Bool(given) if given != self.gives)
    }

    /// What is there for a key, and else that.
    fn otherwise(&self, value: &Expr) -> Option<Span> {
        let ExprKind::Logical { op, left, right } = &value.kind else { return None };
        let looked_up = matches!(&left.kind, ExprKind::Index { .. });
        (matches!(op, LogicalOp::Coalesce | LogicalOp::Or) && looked_up && self.is_given(right))
            .then_some(value.span)
    }

    /// `return match role { … }`, `return switch (role) { … }`.
    fn switched(&self, value: &Expr) -> Option<Span> {
        match &value.kind {
            ExprKind::Switch(switch) => self.rest(switch),
            _ => None,
        }
    }

    /// Of cases that are names, and of which one refuses, what the rest gives.
    fn rest(&self, switch: &Switch) -> Option<Span> {
        let cases = &switch.cases;
        let named =
            self.is_about(switch) && cases.iter().filter_map(|case| case.pattern.as_ref()).any(is_name);
        let refuses = cases.iter().any(|case| {
            case.value.as_ref().is_some_and(|value| self.is_refused(value) || is_asked(value))
                || case.body.iter().any(|one| self.refuses(one))
        });
        let rest = cases
            .iter()
            .find(|case| case.pattern.as_ref().is_none_or(|one| matches!(one, Pattern::Ignore)))?;
        let given = rest.value.as_ref().is_some_and(|value| self.is_given(value))
            || matches!(rest.body.last(), Some(Stmt { kind: StmtKind::Return(Some(value)), .. }) if self.is_given(value))
            || matches!(rest.body.last(), Some(Stmt { kind: StmtKind::Expr(value), .. }) if self.is_given(value));
        (named && refuses && given && rest.guard.is_none()).then_some(rest.span)
    }

    /// `if (action === 'delete') …`, or a `switch` over names, with an answer that is not always yes.
    fn names_one(&self, one: &Stmt, depth: usize) -> bool {
        match &one.kind {
            StmtKind::If { condition, then, otherwise } if depth > 0 => {
                let own =
                    self.compares_with_name(condition, DEEPEST) && then.iter().any(|one| self.refuses(one));
                own || otherwise.iter().any(|one| self.names_one(one, depth.saturating_sub(1)))
            }
            StmtKind::Switch(switch) => {
                let named = switch.cases.iter().filter_map(|case| case.pattern.as_ref()).any(is_name);
                let named = named && self.is_about(switch);
                let open = switch.cases.iter().all(|case| case.pattern.is_some());
                named && open && switch.cases.iter().flat_map(|case| &case.body).any(|one| self.refuses(one))
            }
            _ => false,
        }
    }

    /// It answers no, or asks on.
    fn refuses(&self, one: &Stmt) -> bool {
        match &one.kind {
            StmtKind::Return(Some(value)) => self.is_refused(value) || is_asked(value),
            StmtKind::Block(inner) => inner.iter().any(|one| self.refuses(one)),
            _ => false,
        }
    }

    /// `else { return true; }` behind comparisons with names.
    fn last_else(&self, whole: &Stmt, otherwise: &[Stmt], depth: usize) -> Option<Span> {
        let last = otherwise.last()?;
        match &last.kind {
            StmtKind::If { otherwise, .. } if depth > 0 => {
                self.last_else(whole, otherwise, depth.saturating_sub(1))
            }
            StmtKind::Return(Some(value)) if self.is_given(value) => {
                self.names_one(whole, DEEPEST).then_some(value.span)
            }
            _ => None,
        }
    }

    /// One value is equal to a text: `role === 'guest'`, `"guest".equals(role)`.
    fn compares_with_name(&self, condition: &Expr, depth: usize) -> bool {
        let text = |one: &Expr| matches!(one.kind, ExprKind::String(_));
        match &condition.kind {
            ExprKind::Binary { op: BinaryOp::Equal, left, right } => {
                text(left) && self.is_called_so(right) || text(right) && self.is_called_so(left)
            }
            ExprKind::Logical { op, left, right } if depth > 0 => {
                let depth = depth.saturating_sub(1);
                let (left, right) =
                    (self.compares_with_name(left, depth), self.compares_with_name(right, depth));
                if *op == LogicalOp::And { left || right } else { left && right }
            }
            ExprKind::Call(call) => match (&call.callee.kind, call.arguments.as_slice()) {
                (ExprKind::Member { object, name }, [argument]) => {
                    let equals = matches!(self.module.text(*name), "equals" | "equalsIgnoreCase");
                    let (left, right) = (&**object, &argument.value);
                    equals
                        && (text(left) && self.is_called_so(right) || text(right) && self.is_called_so(left))
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn is_about(&self, switch: &Switch) -> bool {
        switch.subject.as_ref().is_some_and(|subject| self.is_called_so(subject))
    }

    /// `role`, `user.role`, `user.getRole()`.
    fn is_called_so(&self, one: &Expr) -> bool {
        match &one.kind {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => self.of.is_match(self.module.text(*name)),
            ExprKind::Call(call) => self.is_called_so(&call.callee),
            ExprKind::Reference(inner) | ExprKind::Cast { value: inner, .. } => self.is_called_so(inner),
            _ => false,
        }
    }
}

/// Something is worked out: `user.isAdmin`, `owner == user`.
fn is_asked(value: &Expr) -> bool {
    !matches!(value.kind, ExprKind::Bool(_) | ExprKind::Null)
}

/// A constant by which a role or an action is named.
fn is_name(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Value(value) => is_word(value),
        Pattern::Or(any) => any.iter().any(is_name),
        _ => false,
    }
}

/// A text, or a constant of an enumeration: `Role.GUEST`, `GUEST`.
fn is_word(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::String(_) | ExprKind::Member { .. } | ExprKind::Name(_))
}
