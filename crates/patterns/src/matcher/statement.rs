//! Statements, one by one and behind each other with gaps.

use gabion_finding::Span;
use gabion_syntax::tree::{Case, Export, Expr, ExprKind, Import, Imported, Stmt, StmtKind, Switch};

use super::{Env, Found, Matcher, WAYS, keep};
use crate::target::parts;

/// Statements that are looked at behind a gap.
const FURTHEST: usize = 3_000;

impl Matcher<'_, '_> {
    /// Every place of a list where these patterns fit one behind the other.
    pub(super) fn find_stmts(&self, patterns: &[Stmt], list: &[Stmt], found: &mut Vec<Found>) {
        let leading = patterns.iter().take_while(|one| self.fragment.is_gap(one)).count();
        let patterns = patterns.get(leading..).unwrap_or_default();
        let Some((first, rest)) = patterns.split_first() else {
            // Only `...`.
            if let (Some(one), Some(last)) = (list.first(), list.last()) {
                keep(one.span.join(last.span), vec![Env::default()], found);
            }
            return;
        };
        let gaps = rest.iter().any(|one| self.fragment.is_gap(one));
        let list: Vec<&Stmt> = list.iter().filter(|one| !is_silent(one)).collect();
        let end = list.last().map_or(0, |one| one.span.end);
        for (at, one) in list.iter().enumerate() {
            let envs = self.statement(first, one, &Env::default());
            if envs.is_empty() {
                continue;
            }
            let siblings = list.get(at.saturating_add(1)..).unwrap_or_default();
            let mut flat = Vec::new();
            if gaps {
                below(self, one, &mut flat);
                siblings.iter().for_each(|one| flatten(self, one, &mut flat));
            }
            let behind = if gaps { flat.as_slice() } else { siblings };
            for env in envs {
                let mut ends = Vec::new();
                self.follow(rest, behind, &env, one.span.end, end, true, &mut ends);
                for (last, env) in ends {
                    keep(Span::new(one.span.start, last.max(one.span.end)), vec![env], found);
                }
            }
        }
    }

    /// The patterns behind the first; where each way ends. `open`: further statements may follow.
    #[expect(clippy::too_many_arguments, reason = "what a search in a list carries along")]
    fn follow(
        &self,
        patterns: &[Stmt],
        items: &[&Stmt],
        env: &Env,
        last: u32,
        end: u32,
        open: bool,
        into: &mut Vec<(u32, Env)>,
    ) {
        if into.len() >= WAYS || !self.step() {
            return;
        }
        let Some((first, rest)) = patterns.split_first() else {
            if open || items.is_empty() {
                into.push((last, env.clone()));
            }
            return;
        };
        if !self.fragment.is_gap(first) {
            let Some((item, others)) = items.split_first() else { return };
            for env in self.statement(first, item, env) {
                self.follow(rest, others, &env, last.max(item.span.end), end, open, into);
            }
            return;
        }
        let rest_gaps = rest.iter().take_while(|one| self.fragment.is_gap(one)).count();
        let rest = rest.get(rest_gaps..).unwrap_or_default();
        if rest.is_empty() {
            into.push((end, env.clone()));
            return;
        }
        for at in 0..items.len() {
            let behind = items.get(at..).unwrap_or_default();
            self.follow(rest, behind, env, last, end, open, into);
            if into.len() >= WAYS || self.steps.get() == 0 {
                return;
            }
        }
    }

    /// All of a body.
    pub(super) fn body(&self, patterns: &[Stmt], own: &[Stmt], env: &Env) -> Vec<Env> {
        if patterns.iter().all(|one| self.fragment.is_gap(one)) && !patterns.is_empty() {
            return vec![env.clone()];
        }
        let gaps = patterns.iter().any(|one| self.fragment.is_gap(one));
        let mut items: Vec<&Stmt> = Vec::new();
        for one in own.iter().filter(|one| !is_silent(one)) {
            if gaps {
                flatten(self, one, &mut items);
            } else {
                items.push(one);
            }
        }
        let end = own.last().map_or(0, |one| one.span.end);
        let mut ends = Vec::new();
        self.follow(patterns, &items, env, 0, end, false, &mut ends);
        ends.into_iter().map(|(_, env)| env).collect()
    }

    pub(super) fn statement(&self, pattern: &Stmt, own: &Stmt, env: &Env) -> Vec<Env> {
        if !self.step() {
            return Vec::new();
        }
        let found = self.statement_kind(pattern, own, env);
        if found.is_empty()
            && self.options.deep_statements
            && let StmtKind::Expr(from) = &pattern.kind
            && !matches!(from.kind, ExprKind::Assign { .. })
        {
            let mut all = Vec::new();
            for one in own_exprs(own) {
                self.anywhere(from, one, env, &mut all);
            }
            return all;
        }
        found
    }

    /// An expression of a statement, or one in it.
    fn anywhere(&self, pattern: &Expr, own: &Expr, env: &Env, into: &mut Vec<Env>) {
        if into.len() >= WAYS || !self.step() {
            return;
        }
        into.extend(self.expr(pattern, own, env));
        parts(own).into_iter().for_each(|part| self.anywhere(pattern, part, env, into));
    }

    fn statement_kind(&self, pattern: &Stmt, own: &Stmt, env: &Env) -> Vec<Env> {
        let found = |yes: bool| if yes { vec![env.clone()] } else { Vec::new() };
        match (&pattern.kind, &own.kind) {
            (StmtKind::Expr(one), StmtKind::Expr(own)) => self.expr(one, own, env),
            (StmtKind::Expr(one), _) if self.fragment.is_ellipsis(one) => vec![env.clone()],
            (StmtKind::Expr(one), StmtKind::Let { .. }) => match &one.kind {
                ExprKind::Assign { target, op: None, value } if self.options.declarations => {
                    self.assigned(target, value, own, env)
                }
                _ => Vec::new(),
            },
            // `$X` among statements is any statement.
            (StmtKind::Expr(Expr { kind: ExprKind::Name(name), .. }), _) => match self.fragment.word(*name) {
                crate::fragment::Word::Variable(variable) => {
                    env.bind(variable, self.bound(own.span)).into_iter().collect()
                }
                _ => Vec::new(),
            },
            (
                StmtKind::Let { pattern, of_type, value, .. },
                StmtKind::Let { pattern: own_pattern, of_type: own_type, value: own_value, .. },
            ) => {
                let envs = self.pattern(pattern, own_pattern, env);
                let envs =
                    self.then(envs, |env| self.optional_type(of_type.as_ref(), own_type.as_ref(), env));
                self.then(envs, |env| self.optional(value.as_ref(), own_value.as_ref(), env))
            }
            (StmtKind::Assert(one), StmtKind::Assert(own)) | (StmtKind::Defer(one), StmtKind::Defer(own)) => {
                self.expr(one, own, env)
            }
            (StmtKind::Block(body), StmtKind::Block(own)) => self.body(body, own, env),
            (StmtKind::Labeled { body, .. }, StmtKind::Labeled { body: own, .. }) => {
                self.body(body, own, env)
            }
            (StmtKind::Break(_), StmtKind::Break(_)) | (StmtKind::Continue(_), StmtKind::Continue(_)) => {
                vec![env.clone()]
            }
            (StmtKind::Class(id), StmtKind::Class(own)) => {
                match (self.fragment.class(*id), self.target.class(*own)) {
                    (Some(one), Some(own)) => self.class(one, own, env),
                    _ => Vec::new(),
                }
            }
            (StmtKind::Function(id), StmtKind::Function(own)) => {
                match (self.fragment.function(*id), self.target.function(*own)) {
                    (Some(one), Some(own)) => self.function(one, own, env),
                    _ => Vec::new(),
                }
            }
            (StmtKind::Delete(places), StmtKind::Delete(own)) => self.exprs(places, own, env),
            (
                StmtKind::Each { pattern, over, keys, body },
                StmtKind::Each { pattern: own_pattern, over: own_over, keys: own_keys, body: own_body },
            ) => {
                if keys != own_keys {
                    return Vec::new();
                }
                let envs = self.pattern(pattern, own_pattern, env);
                let envs = self.then(envs, |env| self.expr(over, own_over, env));
                self.then(envs, |env| self.body(body, own_body, env))
            }
            (StmtKind::Export(Export::Default(one)), StmtKind::Export(Export::Default(own))) => {
                self.expr(one, own, env)
            }
            (
                StmtKind::For { init, condition, update, body },
                StmtKind::For {
                    init: own_init,
                    condition: own_condition,
                    update: own_update,
                    body: own_body,
                },
            ) => {
                let any = init.first().is_some_and(|one| self.fragment.is_gap(one)) && condition.is_none();
                let envs = if any {
                    vec![env.clone()]
                } else {
                    let envs = self.body(init, own_init, env);
                    let envs =
                        self.then(envs, |env| self.optional(condition.as_ref(), own_condition.as_ref(), env));
                    self.then(envs, |env| {
                        if update.is_empty() {
                            vec![env.clone()]
                        } else {
                            self.exprs(update, own_update, env)
                        }
                    })
                };
                self.then(envs, |env| self.body(body, own_body, env))
            }
            (StmtKind::Global(names), StmtKind::Global(own)) => found(names.len() == own.len()),
            (
                StmtKind::If { condition, then, otherwise },
                StmtKind::If { condition: own_condition, then: own_then, otherwise: own_otherwise },
            ) => {
                let envs = self.expr(condition, own_condition, env);
                let envs = self.then(envs, |env| self.body(then, own_then, env));
                if otherwise.is_empty() {
                    return envs;
                }
                self.then(envs, |env| self.body(otherwise, own_otherwise, env))
            }
            // Many `elif` are a `switch` here.
            (
                StmtKind::If { condition, then, otherwise },
                StmtKind::Switch(Switch { subject: None, cases, .. }),
            ) if otherwise.is_empty() => {
                let Some(Case { guard: Some(guard), body, .. }) = cases.first() else { return Vec::new() };
                let envs = self.expr(condition, guard, env);
                self.then(envs, |env| self.body(then, body, env))
            }
            (StmtKind::Import(one), StmtKind::Import(own)) => self.import(one, own, env),
            (StmtKind::Return(one), StmtKind::Return(own)) | (StmtKind::Throw(one), StmtKind::Throw(own)) => {
                self.boxed(one.as_ref(), own.as_ref(), env)
            }
            (StmtKind::Switch(one), StmtKind::Switch(own)) => self.switch(one, own, env),
            (
                StmtKind::Try { body, catches, finally, .. },
                StmtKind::Try { body: own_body, catches: own_catches, finally: own_finally, .. },
            ) => {
                let mut envs = self.body(body, own_body, env);
                for one in catches {
                    envs = self.then(envs, |env| {
                        own_catches.iter().flat_map(|own| self.catch(one, own, env)).collect()
                    });
                }
                if finally.is_empty() {
                    return envs;
                }
                self.then(envs, |env| self.body(finally, own_finally, env))
            }
            (
                StmtKind::While { condition, body, .. },
                StmtKind::While { condition: own_condition, body: own_body, .. },
            ) => {
                let envs = self.expr(condition, own_condition, env);
                self.then(envs, |env| self.body(body, own_body, env))
            }
            (StmtKind::With { items, body }, StmtKind::With { items: own_items, body: own_body }) => {
                let mut envs = vec![env.clone()];
                for (one, pattern) in items.iter().filter(|(one, _)| !self.fragment.is_ellipsis(one)) {
                    envs = self.then(envs, |env| {
                        let mut all = Vec::new();
                        for (own, own_pattern) in own_items {
                            let envs = self.expr(one, own, env);
                            all.extend(self.then(envs, |env| match (pattern, own_pattern) {
                                (None, _) => vec![env.clone()],
                                (Some(one), Some(own)) => self.pattern(one, own, env),
                                _ => Vec::new(),
                            }));
                        }
                        all
                    });
                }
                self.then(envs, |env| self.body(body, own_body, env))
            }
            _ => Vec::new(),
        }
    }

    fn switch(&self, pattern: &Switch, own: &Switch, env: &Env) -> Vec<Env> {
        let mut envs = self.boxed(pattern.subject.as_deref(), own.subject.as_deref(), env);
        for case in &pattern.cases {
            envs = self.then(envs, |env| {
                let mut all = Vec::new();
                for own in &own.cases {
                    let envs = match (&case.pattern, &own.pattern) {
                        (None, None) => vec![env.clone()],
                        (Some(one), Some(own)) => self.pattern(one, own, env),
                        _ => Vec::new(),
                    };
                    all.extend(self.then(envs, |env| self.body(&case.body, &own.body, env)));
                }
                all
            });
        }
        envs
    }

    fn import(&self, pattern: &Import, own: &Import, env: &Env) -> Vec<Env> {
        let module = self.fragment.symbol(pattern.module);
        let own_module = self.target.symbol(own.module);
        let mut envs = match crate::text_pattern::variable(module) {
            Some((name, "")) => {
                env.bind(&name.into(), self.bound_name(own_module, own.span)).into_iter().collect()
            }
            _ if module == "..." => vec![env.clone()],
            _ => self.word(pattern.module, own_module, own.span, env),
        };
        if pattern.level != own.level {
            return Vec::new();
        }
        for item in &pattern.items {
            if matches!(self.fragment.word(item.local), crate::fragment::Word::Ellipsis) {
                continue;
            }
            envs = self.then(envs, |env| {
                let mut all = Vec::new();
                for own_item in &own.items {
                    let envs = match (item.what, own_item.what) {
                        (Imported::Name(name), Imported::Name(own_name)) => {
                            self.word(name, self.target.symbol(own_name), own.span, env)
                        }
                        (Imported::Default, Imported::Default | Imported::Module)
                        | (Imported::Glob, Imported::Glob)
                        | (Imported::Module, Imported::Module) => vec![env.clone()],
                        _ => Vec::new(),
                    };
                    let aliased = match item.what {
                        Imported::Name(name) => name != item.local,
                        Imported::Default => true,
                        Imported::Module => {
                            let local = self.fragment.symbol(item.local);
                            !module.starts_with(local) && !module.ends_with(local)
                        }
                        Imported::Glob => false,
                    };
                    all.extend(self.then(envs, |env| {
                        if aliased {
                            self.word(item.local, self.target.symbol(own_item.local), own.span, env)
                        } else {
                            vec![env.clone()]
                        }
                    }));
                }
                all
            });
        }
        envs
    }
}

/// What declares nothing by itself.
const fn is_silent(from: &Stmt) -> bool {
    matches!(from.kind, StmtKind::Export(Export::Names(_)))
}

/// A statement and those in it, in the order they stand in.
fn flatten<'t>(matcher: &Matcher<'_, 't>, from: &'t Stmt, into: &mut Vec<&'t Stmt>) {
    if into.len() < FURTHEST && !is_silent(from) {
        into.push(from);
        below(matcher, from, into);
    }
}

fn below<'t>(matcher: &Matcher<'_, 't>, from: &'t Stmt, into: &mut Vec<&'t Stmt>) {
    let mut all = |list: &'t [Stmt]| list.iter().for_each(|one| flatten(matcher, one, into));
    match &from.kind {
        StmtKind::Block(body)
        | StmtKind::Labeled { body, .. }
        | StmtKind::Each { body, .. }
        | StmtKind::While { body, .. }
        | StmtKind::With { body, .. } => all(body),
        StmtKind::For { init, body, .. } => {
            all(init);
            all(body);
        }
        StmtKind::If { then, otherwise, .. } => {
            all(then);
            all(otherwise);
        }
        StmtKind::Switch(switch) => switch.cases.iter().for_each(|case| all(&case.body)),
        StmtKind::Try { body, catches, otherwise, finally } => {
            all(body);
            catches.iter().for_each(|one| all(&one.body));
            all(otherwise);
            all(finally);
        }
        StmtKind::Function(id) => {
            if let Some(function) = matcher.target.function(*id) {
                all(&function.body);
            }
        }
        StmtKind::Class(id) => {
            let Some(class) = matcher.target.class(*id) else { return };
            all(&class.body);
            for id in &class.methods {
                if let Some(function) = matcher.target.function(*id) {
                    all(&function.body);
                }
            }
        }
        _ => {}
    }
}

/// The expressions of a statement itself, without those of the statements in it.
fn own_exprs(from: &Stmt) -> Vec<&Expr> {
    match &from.kind {
        StmtKind::Assert(one)
        | StmtKind::Defer(one)
        | StmtKind::Expr(one)
        | StmtKind::Export(Export::Default(one)) => {
            vec![one]
        }
        StmtKind::Delete(all) => all.iter().collect(),
        StmtKind::Each { over, .. } => vec![over],
        StmtKind::For { condition, update, .. } => condition.iter().chain(update).collect(),
        StmtKind::If { condition, .. } | StmtKind::While { condition, .. } => vec![condition],
        StmtKind::Let { value, .. } | StmtKind::Return(value) | StmtKind::Throw(value) => {
            value.iter().collect()
        }
        StmtKind::Switch(switch) => switch.subject.as_deref().into_iter().collect(),
        StmtKind::With { items, .. } => items.iter().map(|(one, _)| one).collect(),
        _ => Vec::new(),
    }
}
