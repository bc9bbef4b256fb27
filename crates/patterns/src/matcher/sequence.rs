//! Lists with gaps: arguments, parameters, items.

use std::sync::Arc;

use gabion_finding::Span;
use gabion_syntax::tree::{Argument, Expr, ExprKind, Part};

use super::{Bound, Env, Matcher, plain};
use crate::fragment::Word;

/// What a place in a pattern of a list takes.
pub(crate) enum Gap {
    /// One item.
    No,
    /// Any number of items.
    Any,
    /// Any number of items, called by a name.
    Named(Arc<str>),
}

impl Matcher<'_, '_> {
    pub(crate) fn gap(&self, from: &Expr) -> Gap {
        match &from.kind {
            ExprKind::Spread(inner) => self.gap(inner),
            ExprKind::Name(name) => match self.fragment.word(*name) {
                Word::Ellipsis => Gap::Any,
                Word::Variables(name) => Gap::Named(Arc::clone(name)),
                _ => Gap::No,
            },
            ExprKind::String(text) if self.fragment.symbol(*text).trim() == crate::fragment::ELLIPSIS => {
                Gap::Any
            }
            _ => Gap::No,
        }
    }

    /// A list of patterns against a list of items, in order.
    pub(crate) fn sequence<P, T>(
        &self,
        patterns: &[P],
        items: &[T],
        env: &Env,
        gap: &dyn Fn(&P) -> Gap,
        span: &dyn Fn(&T) -> Span,
        one: &dyn Fn(&P, &T, &Env) -> Vec<Env>,
    ) -> Vec<Env> {
        if !self.step() {
            return Vec::new();
        }
        let Some((first, rest)) = patterns.split_first() else {
            return if items.is_empty() { vec![env.clone()] } else { Vec::new() };
        };
        let named = match gap(first) {
            Gap::No => {
                let Some((item, others)) = items.split_first() else { return Vec::new() };
                let envs = one(first, item, env);
                return self.then(envs, |env| self.sequence(rest, others, env, gap, span, one));
            }
            Gap::Any => None,
            Gap::Named(name) => Some(name),
        };
        let bind = |length: usize| match &named {
            None => Some(env.clone()),
            Some(name) => {
                let taken = items.get(..length).unwrap_or_default();
                let place = match (taken.first(), taken.last()) {
                    (Some(first), Some(last)) => span(first).join(span(last)),
                    _ => Span::default(),
                };
                env.bind(name, Bound { span: place, text: plain(self.source(place)), worth: None })
            }
        };
        if rest.is_empty() {
            return bind(items.len()).into_iter().collect();
        }
        let mut all = Vec::new();
        for length in 0..=items.len() {
            if let Some(env) = bind(length) {
                let behind = items.get(length..).unwrap_or_default();
                all.extend(self.sequence(rest, behind, &env, gap, span, one));
            }
            if all.len() >= super::WAYS || self.steps.get() == 0 {
                break;
            }
        }
        all
    }

    pub(crate) fn exprs(&self, patterns: &[Expr], items: &[Expr], env: &Env) -> Vec<Env> {
        self.sequence(patterns, items, env, &|one| self.gap(one), &|one| one.span, &|one, own, env| {
            self.expr(one, own, env)
        })
    }

    /// Arguments in order; those with a name in any order.
    pub(crate) fn arguments(&self, patterns: &[Argument], own: &[Argument], env: &Env) -> Vec<Env> {
        let gap = |one: &&Argument| self.gap(&one.value);
        let open = patterns.iter().any(|one| one.name.is_none() && !matches!(self.gap(&one.value), Gap::No));
        let (named, positional): (Vec<&Argument>, Vec<&Argument>) =
            patterns.iter().partition(|one| one.name.is_some());
        let (own_named, own_positional): (Vec<&Argument>, Vec<&Argument>) =
            own.iter().partition(|one| one.name.is_some());
        if !open && named.len() != own_named.len() {
            return Vec::new();
        }
        let mut envs = self.sequence(
            &positional,
            &own_positional,
            env,
            &gap,
            &|one| one.value.span,
            &|one, own, env| self.expr(&one.value, &own.value, env),
        );
        for one in named {
            let Some(name) = one.name else { continue };
            envs = self.then(envs, |env| {
                let mut all = Vec::new();
                for own in &own_named {
                    let Some(own_name) = own.name else { continue };
                    let text = self.target.symbol(own_name);
                    let before = Span::new(
                        own.value
                            .span
                            .start
                            .saturating_sub(u32::try_from(text.len()).unwrap_or(0).saturating_add(3)),
                        own.value.span.start,
                    );
                    let envs = self.word(name, text, before, env);
                    all.extend(self.then(envs, |env| self.expr(&one.value, &own.value, env)));
                }
                all
            });
        }
        envs
    }

    /// Parts of a text with values in it; `...` in it is any part.
    pub(crate) fn template(&self, patterns: &[Part], own: &[Part], env: &Env) -> Vec<Env> {
        let gap = |one: &Part| match one {
            Part::Text(text) if self.fragment.symbol(*text) == "..." => Gap::Any,
            Part::Text(_) => Gap::No,
            Part::Value(value) => self.gap(value),
        };
        self.sequence(patterns, own, env, &gap, &|_| Span::default(), &|one, own, env| match (one, own) {
            (Part::Text(one), Part::Text(own)) => {
                self.content(*one, self.target.symbol(*own), Span::default(), env)
            }
            (Part::Value(one), Part::Value(own)) => self.expr(one, own, env),
            _ => Vec::new(),
        })
    }
}
