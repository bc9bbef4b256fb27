//! Where a pattern fits in a module, and what its variables stand for there.
//!
//! Work is counted in steps; when they are spent nothing further is found, and that is said.

mod expression;
mod function;
mod literal;
mod name;
mod sequence;
mod statement;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use gabion_finding::Span;
use gabion_syntax::tree::{Entry, Expr, ExprKind, Key, Pattern, Stmt, StmtKind};

use crate::comparison::Worth;
use crate::fragment::{Fragment, Shape, Word};
use crate::read::Options;
use crate::target::Target;

/// What a variable stands for.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) span: Span,
    /// Without spaces, so that the same code is the same text.
    pub(crate) text: Rc<str>,
    /// What it is worth, where it is a constant.
    pub(crate) worth: Option<Worth>,
}

/// What the variables of a rule stand for at a place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Env(Rc<Vec<(Arc<str>, Bound)>>);

/// A place where something fits.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) span: Span,
    pub(crate) env: Env,
}

/// Ways in which one thing fits.
const WAYS: usize = 32;
/// Places of one pattern in one file.
const MOST: usize = 4_000;

impl Env {
    pub(crate) fn get(&self, name: &str) -> Option<&Bound> {
        self.0.iter().find(|(own, _)| **own == *name).map(|(_, bound)| bound)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Arc<str>, Bound)> {
        self.0.iter()
    }

    /// None where it stands for something else already.
    pub(crate) fn bind(&self, name: &Arc<str>, bound: Bound) -> Option<Self> {
        if &**name == "_" {
            return Some(self.clone());
        }
        match self.get(name) {
            Some(own) => (own.text == bound.text).then(|| self.clone()),
            None => {
                let mut all = Rc::clone(&self.0);
                Rc::make_mut(&mut all).push((Arc::clone(name), bound));
                Some(Self(all))
            }
        }
    }

    /// Both, where they agree.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        let mut joined = self.clone();
        for (name, bound) in other.0.iter() {
            joined = joined.bind(name, bound.clone())?;
        }
        Some(joined)
    }
}

pub(crate) struct Matcher<'m, 't> {
    pub(crate) fragment: &'m Fragment,
    pub(crate) target: &'m Target<'t>,
    pub(crate) options: Options,
    pub(crate) steps: &'m Cell<u64>,
}

impl Matcher<'_, '_> {
    /// Every place where the pattern fits.
    pub(crate) fn find(&self) -> Vec<Found> {
        let Some(shape) = self.fragment.shape() else { return Vec::new() };
        let mut found = Vec::new();
        match shape {
            Shape::Expr(pattern) => self.find_expr(pattern, &mut found),
            Shape::Stmts(patterns) => {
                for list in &self.target.lists {
                    self.find_stmts(patterns, list, &mut found);
                }
                if let [only] = patterns {
                    self.find_field(only, &mut found);
                }
            }
            Shape::Function(pattern) => {
                for function in &self.target.functions {
                    keep(function.span, self.function(pattern, function, &Env::default()), &mut found);
                }
            }
            Shape::Class(pattern) => {
                for class in &self.target.classes {
                    keep(class.span, self.class(pattern, class, &Env::default()), &mut found);
                }
            }
            Shape::Field(pattern) => {
                for field in &self.target.fields {
                    keep(field.span, self.field(pattern, field, &Env::default()), &mut found);
                }
            }
            Shape::Entry(pattern) => {
                for (entry, span) in &self.target.entries {
                    keep(*span, self.entry(pattern, entry, *span, &Env::default()), &mut found);
                }
            }
            Shape::Catch(pattern) => {
                for one in &self.target.catches {
                    keep(one.span, self.catch(pattern, one, &Env::default()), &mut found);
                }
            }
        }
        found
    }

    fn find_expr(&self, pattern: &Expr, found: &mut Vec<Found>) {
        for one in self.candidates(pattern) {
            keep(one.span, self.expr(pattern, one, &Env::default()), found);
        }
        if let ExprKind::String(text) = &pattern.kind {
            // Quoted names of entries are texts as well.
            for (entry, span) in &self.target.entries {
                let Entry::Pair(Key::Name(name), _) = entry else { continue };
                let own = self.target.symbol(*name);
                if self.source(*span).starts_with(['"', '\'']) {
                    let quoted = u32::try_from(own.len().saturating_add(2)).unwrap_or(0);
                    let place = Span::new(span.start, span.start.saturating_add(quoted).min(span.end));
                    keep(place, self.content(*text, own, place, &Env::default()), found);
                }
            }
        }
        let ExprKind::Assign { target, op: None, value } = &pattern.kind else { return };
        if !self.options.declarations {
            return;
        }
        for one in self.target.lists.iter().flat_map(|list| list.iter()) {
            keep(one.span, self.assigned(target, value, one, &Env::default()), found);
        }
        for field in &self.target.fields {
            let Some(own) = &field.value else { continue };
            let envs = self.named_pattern(target, field.name, field.span, &Env::default());
            let envs = self.then(envs, |env| self.expr(value, own, env));
            keep(field.span, envs, found);
        }
    }

    /// The expressions that can fit, by what they are.
    fn candidates(&self, pattern: &Expr) -> &[&Expr] {
        match &pattern.kind {
            ExprKind::Call(call) if !self.is_deep(call) => &self.target.calls,
            ExprKind::Member { name, .. } if !matches!(self.fragment.word(*name), Word::Ellipsis) => {
                &self.target.members
            }
            _ => &self.target.exprs,
        }
    }

    /// `String $X = …;` also is a field.
    fn find_field(&self, pattern: &Stmt, found: &mut Vec<Found>) {
        let StmtKind::Let { pattern, of_type, value, .. } = &pattern.kind else { return };
        for field in &self.target.fields {
            let envs = self.named_pattern(pattern, field.name, field.span, &Env::default());
            let envs =
                self.then(envs, |env| self.optional_type(of_type.as_ref(), field.of_type.as_ref(), env));
            let envs = self.then(envs, |env| self.optional(value.as_ref(), field.value.as_ref(), env));
            keep(field.span, envs, found);
        }
    }

    /// A `let` that a pattern of an assignment is for.
    pub(crate) fn assigned(&self, target: &Pattern, value: &Expr, one: &Stmt, env: &Env) -> Vec<Env> {
        let StmtKind::Let { pattern, value: Some(own), .. } = &one.kind else { return Vec::new() };
        let envs = self.pattern(target, pattern, env);
        self.then(envs, |env| self.expr(value, own, env))
    }

    pub(crate) fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }

    pub(crate) fn then(&self, envs: Vec<Env>, mut run: impl FnMut(&Env) -> Vec<Env>) -> Vec<Env> {
        let mut all = Vec::new();
        for env in &envs {
            all.extend(run(env));
            if all.len() >= WAYS {
                all.truncate(WAYS);
                break;
            }
        }
        all
    }

    pub(crate) fn source(&self, span: Span) -> &str {
        span.of(self.target.text)
    }

    pub(crate) fn bound(&self, span: Span) -> Bound {
        Bound { span, text: plain(self.source(span)), worth: None }
    }

    /// A name that has no place of its own: it stands somewhere in this one.
    pub(crate) fn bound_name(&self, name: &str, within: Span) -> Bound {
        let at = find_word(self.source(within), name).and_then(|at| u32::try_from(at).ok());
        let span = match at {
            Some(at) => {
                let start = within.start.saturating_add(at);
                Span::new(start, start.saturating_add(u32::try_from(name.len()).unwrap_or(0)))
            }
            None => within,
        };
        Bound { span, text: name.into(), worth: None }
    }

    /// A name of the pattern against one of the text.
    pub(crate) fn word(
        &self,
        pattern: gabion_syntax::tree::Symbol,
        name: &str,
        within: Span,
        env: &Env,
    ) -> Vec<Env> {
        match self.fragment.word(pattern) {
            Word::Variable(variable) | Word::Variables(variable) => {
                env.bind(variable, self.bound_name(name, within)).into_iter().collect()
            }
            Word::Ellipsis => vec![env.clone()],
            _ if self.fragment.symbol(pattern) == name => vec![env.clone()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn entry(&self, pattern: &Entry, own: &Entry, span: Span, env: &Env) -> Vec<Env> {
        match (pattern, own) {
            (Entry::Pair(key, value), Entry::Pair(own_key, own)) => {
                let envs = match (key, own_key) {
                    (Key::Name(name), Key::Name(own)) => {
                        let text = self.fragment.symbol(*name);
                        match text.strip_prefix('$').map(Arc::from) {
                            // `"$X": …`.
                            Some(variable) => {
                                let bound = self.bound_name(self.target.symbol(*own), span);
                                env.bind(&variable, bound).into_iter().collect()
                            }
                            None if text == "..." => vec![env.clone()],
                            None => self.word(*name, self.target.symbol(*own), span, env),
                        }
                    }
                    (Key::Computed(key), Key::Computed(own)) => self.expr(key, own, env),
                    (Key::Computed(key), Key::Name(own)) => match &key.kind {
                        ExprKind::Name(name) => match self.fragment.word(*name) {
                            Word::Variable(variable) => {
                                let bound = self.bound_name(self.target.symbol(*own), span);
                                env.bind(variable, bound).into_iter().collect()
                            }
                            _ => Vec::new(),
                        },
                        _ => Vec::new(),
                    },
                    (Key::Name(name), Key::Computed(own)) => match self.fragment.word(*name) {
                        Word::Variable(variable) => {
                            env.bind(variable, self.bound(own.span)).into_iter().collect()
                        }
                        _ => match &own.kind {
                            ExprKind::Name(own)
                                if self.fragment.symbol(*name) == self.target.symbol(*own) =>
                            {
                                vec![env.clone()]
                            }
                            _ => Vec::new(),
                        },
                    },
                };
                self.then(envs, |env| self.expr(value, own, env))
            }
            (Entry::Spread(value), Entry::Spread(own)) => self.expr(value, own, env),
            _ => Vec::new(),
        }
    }
}

fn keep(span: Span, envs: Vec<Env>, found: &mut Vec<Found>) {
    if found.len() < MOST {
        found.extend(envs.into_iter().map(|env| Found { span, env }));
    }
}

/// Without spaces.
pub(crate) fn plain(text: &str) -> Rc<str> {
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        text.split_whitespace().collect::<String>().into()
    } else {
        text.into()
    }
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |sign: char| sign.is_alphanumeric() || sign == '_';
    let mut last = None;
    for (at, _) in text.match_indices(word).take(64) {
        let before = text.get(..at)?.chars().next_back();
        let behind = text.get(at.saturating_add(word.len())..)?.chars().next();
        if !before.is_some_and(is_part) && !behind.is_some_and(is_part) {
            last = Some(at);
            break;
        }
    }
    last
}
