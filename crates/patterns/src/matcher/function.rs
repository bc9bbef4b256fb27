//! Functions, classes and their members.

use gabion_finding::Span;
use gabion_syntax::tree::{
    Catch, Class, Expr, Field, Function, Param, ParamKind, Pattern, Stmt, StmtKind, Symbol,
};

use super::sequence::Gap;
use super::{Env, Matcher};
use crate::family::Family;
use crate::fragment::Word;

fn given(function: &Function, python: bool) -> Vec<Given<'_>> {
    let receiver = function.receiver.filter(|_| python).map(|name| Given::Receiver(name, function.head));
    receiver.into_iter().chain(function.params.iter().map(Given::Param)).collect()
}

/// A parameter, or what a method calls its own object.
#[derive(Clone, Copy)]
enum Given<'a> {
    Param(&'a Param),
    Receiver(Symbol, Span),
}

impl Matcher<'_, '_> {
    pub(super) fn function(&self, pattern: &Function, own: &Function, env: &Env) -> Vec<Env> {
        if !self.step() {
            return Vec::new();
        }
        let traits = [
            (pattern.traits.asynchronous, own.traits.asynchronous),
            (pattern.traits.generator, own.traits.generator),
            // `function f() {}` is not `const f = () => {}`.
            (pattern.name.is_some() && !pattern.traits.arrow, !own.traits.arrow),
            (pattern.traits.public && self.target.family == Family::Java, own.traits.public),
            (pattern.traits.of_class && self.target.family == Family::Java, own.traits.of_class),
        ];
        if traits.iter().any(|(wanted, has)| *wanted && !has) {
            return Vec::new();
        }
        let mut envs = match (pattern.name, own.name) {
            (None, _) => vec![env.clone()],
            (Some(_), None) => return Vec::new(),
            (Some(name), Some(own_name)) => self.word(name, self.target.symbol(own_name), own.head, env),
        };
        envs = self.then(envs, |env| self.decorators(&pattern.decorators, &own.decorators, env));
        envs = self.then(envs, |env| self.returned(pattern, own, env));
        if let (Some(receiver), Some(own_receiver), Family::Go) =
            (pattern.receiver, own.receiver, self.target.family)
        {
            envs =
                self.then(envs, |env| self.word(receiver, self.target.symbol(own_receiver), own.span, env));
        }
        envs = self.then(envs, |env| self.params(pattern, own, env));
        if pattern.body.is_empty() && self.target.family != Family::Python {
            return if own.body.is_empty() { envs } else { Vec::new() };
        }
        self.then(envs, |env| self.body(&pattern.body, &own.body, env))
    }

    /// In Java nothing is a type as well: `$T name(…)` also is `void name(…)`.
    fn returned(&self, pattern: &Function, own: &Function, env: &Env) -> Vec<Env> {
        let variable = pattern.returns.as_ref().map(|of| self.fragment.word(of.path));
        match (variable, &own.returns) {
            (Some(Word::Variable(variable)), None)
                if self.target.family == Family::Java && !own.traits.constructor =>
            {
                env.bind(variable, self.bound_name("void", own.span)).into_iter().collect()
            }
            _ => self.optional_type(pattern.returns.as_ref(), own.returns.as_ref(), env),
        }
    }

    fn params(&self, pattern: &Function, own: &Function, env: &Env) -> Vec<Env> {
        let python = self.target.family == Family::Python;
        let (patterns, items) = (given(pattern, python), given(own, python));
        let gap = |one: &Given<'_>| match one {
            Given::Param(Param { pattern: Pattern::Name(name, _), kind, .. })
                if *kind != ParamKind::NamedRest =>
            {
                match self.fragment.word(*name) {
                    Word::Ellipsis => Gap::Any,
                    Word::Variables(name) => Gap::Named(name.clone()),
                    _ => Gap::No,
                }
            }
            _ => Gap::No,
        };
        let span = |one: &Given<'_>| match one {
            Given::Param(param) => param.span,
            Given::Receiver(_, span) => *span,
        };
        self.sequence(&patterns, &items, env, &gap, &span, &|one, own, env| match (one, own) {
            (Given::Param(one), Given::Param(own)) => self.param(one, own, env),
            (Given::Receiver(one, _), Given::Receiver(own, span)) => {
                self.word(*one, self.target.symbol(*own), *span, env)
            }
            (Given::Param(Param { pattern: Pattern::Name(one, _), .. }), Given::Receiver(own, span)) => {
                self.word(*one, self.target.symbol(*own), *span, env)
            }
            _ => Vec::new(),
        })
    }

    fn param(&self, pattern: &Param, own: &Param, env: &Env) -> Vec<Env> {
        if pattern.kind != own.kind
            && !(pattern.kind == ParamKind::Positional && own.kind == ParamKind::Named)
        {
            return Vec::new();
        }
        let envs = self.pattern(&pattern.pattern, &own.pattern, env);
        let envs =
            self.then(envs, |env| self.optional_type(pattern.of_type.as_ref(), own.of_type.as_ref(), env));
        let envs = self.then(envs, |env| self.decorators(&pattern.decorators, &own.decorators, env));
        self.then(envs, |env| self.optional(pattern.default.as_ref(), own.default.as_ref(), env))
    }

    /// Each of the pattern is there, in any order.
    pub(super) fn decorators(&self, patterns: &[Expr], own: &[Expr], env: &Env) -> Vec<Env> {
        let mut envs = vec![env.clone()];
        for one in patterns.iter().filter(|one| !self.fragment.is_ellipsis(one)) {
            envs = self.then(envs, |env| own.iter().flat_map(|own| self.expr(one, own, env)).collect());
        }
        envs
    }

    pub(super) fn class(&self, pattern: &Class, own: &Class, env: &Env) -> Vec<Env> {
        if !self.step() {
            return Vec::new();
        }
        let mut envs = match (pattern.name, own.name) {
            (None, _) => vec![env.clone()],
            (Some(_), None) => return Vec::new(),
            (Some(name), Some(own_name)) => self.word(name, self.target.symbol(own_name), own.head, env),
        };
        envs = self.then(envs, |env| self.decorators(&pattern.decorators, &own.decorators, env));
        envs = self.then(envs, |env| self.decorators(&pattern.bases, &own.bases, env));
        for field in &pattern.fields {
            if matches!(self.fragment.word(field.name), Word::Ellipsis | Word::Variables(_)) {
                continue;
            }
            envs = self
                .then(envs, |env| own.fields.iter().flat_map(|own| self.field(field, own, env)).collect());
        }
        for id in &pattern.methods {
            let Some(method) = self.fragment.function(*id) else { continue };
            if method.name.is_some_and(|name| matches!(self.fragment.word(name), Word::Ellipsis)) {
                continue;
            }
            envs = self.then(envs, |env| {
                let methods = own.methods.iter().filter_map(|id| self.target.function(*id));
                methods.flat_map(|own| self.function(method, own, env)).collect()
            });
        }
        let body: Vec<&Stmt> = pattern.body.iter().filter(|one| !self.fragment.is_gap(one)).collect();
        for one in body {
            envs = self.then(envs, |env| self.class_statement(one, own, env));
        }
        envs
    }

    fn class_statement(&self, pattern: &Stmt, own: &Class, env: &Env) -> Vec<Env> {
        if let StmtKind::Expr(from) = &pattern.kind
            && let gabion_syntax::tree::ExprKind::Assign { target, value, .. } = &from.kind
        {
            return own
                .fields
                .iter()
                .flat_map(|field| {
                    let Some(own) = &field.value else { return Vec::new() };
                    let envs = self.named_pattern(target, field.name, field.span, env);
                    self.then(envs, |env| self.expr(value, own, env))
                })
                .collect();
        }
        own.body.iter().flat_map(|own| self.statement(pattern, own, env)).collect()
    }

    pub(super) fn field(&self, pattern: &Field, own: &Field, env: &Env) -> Vec<Env> {
        if pattern.of_class && !own.of_class {
            return Vec::new();
        }
        let envs = self.word(pattern.name, self.target.symbol(own.name), own.span, env);
        let envs = self.then(envs, |env| self.decorators(&pattern.decorators, &own.decorators, env));
        let envs =
            self.then(envs, |env| self.optional_type(pattern.of_type.as_ref(), own.of_type.as_ref(), env));
        self.then(envs, |env| self.optional(pattern.value.as_ref(), own.value.as_ref(), env))
    }

    pub(super) fn catch(&self, pattern: &Catch, own: &Catch, env: &Env) -> Vec<Env> {
        let mut envs = vec![env.clone()];
        for one in &pattern.types {
            envs =
                self.then(envs, |env| own.types.iter().flat_map(|own| self.of_type(one, own, env)).collect());
        }
        if pattern.types.is_empty() && !own.types.is_empty() && self.target.family == Family::Python {
            return Vec::new();
        }
        let envs = match pattern.pattern {
            Pattern::Ignore => envs,
            _ => self.then(envs, |env| self.pattern(&pattern.pattern, &own.pattern, env)),
        };
        self.then(envs, |env| self.body(&pattern.body, &own.body, env))
    }
}
