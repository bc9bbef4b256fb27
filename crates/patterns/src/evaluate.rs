//! Where a formula holds: places are put together, taken away, narrowed.

use std::cell::Cell;
use std::sync::Arc;

use gabion_finding::Span;

use crate::condition;
use crate::family::Family;
use crate::formula::{All, Leaf, Op};
use crate::matcher::{Bound, Env, Found, Matcher, plain};
use crate::read::Options;
use crate::target::Target;
use crate::text_pattern::TextPattern;

/// What is searched.
pub(crate) struct Ground<'g, 't> {
    /// None where it is only a text.
    pub(crate) code: Option<&'g Target<'t>>,
    pub(crate) text: &'g str,
    /// What of it: a variable's place, or all.
    pub(crate) within: Span,
    pub(crate) family: Family,
    pub(crate) options: Options,
    pub(crate) steps: &'g Cell<u64>,
    /// Whether a search in text was cut off.
    pub(crate) cut: &'g Cell<bool>,
}

/// Places of one formula.
const MOST: usize = 6_000;

impl Ground<'_, '_> {
    pub(crate) fn eval(&self, op: &Op) -> Vec<Found> {
        let mut found = match op {
            Op::Pattern(leaf) => self.leaf(leaf),
            Op::Regex(pattern) | Op::NotRegex(pattern) => self.text(pattern),
            Op::Inside(inner) | Op::Not(inner) | Op::NotInside(inner) => self.eval(inner),
            Op::Any(ops) => ops.iter().flat_map(|op| self.eval(op)).collect(),
            Op::All(all) => self.all(all),
        };
        found.truncate(MOST);
        found
    }

    fn leaf(&self, leaf: &Leaf) -> Vec<Found> {
        let Some(target) = self.code else {
            return leaf.generic.as_ref().map_or_else(Vec::new, |pattern| self.text(pattern));
        };
        let Some(fragment) = leaf.fragment(self.family) else { return Vec::new() };
        if !fragment.words.iter().all(|word| target.text.contains(word.as_str())) {
            return Vec::new();
        }
        let matcher = Matcher { fragment, target, options: self.options, steps: self.steps };
        let mut found = matcher.find();
        found.retain(|one| self.within.contains(one.span));
        found
    }

    fn text(&self, pattern: &TextPattern) -> Vec<Found> {
        let (found, whole) = pattern.find(self.within.of(self.text), self.within.start);
        if !whole {
            self.cut.set(true);
        }
        let found = found.into_iter().filter_map(|one| {
            let mut env = Env::default();
            for (name, span) in one.groups {
                let bound = Bound { span, text: plain(span.of(self.text)), worth: None };
                env = env.bind(&name, bound)?;
            }
            Some(Found { span: one.span, env })
        });
        found.collect()
    }

    fn all(&self, all: &All) -> Vec<Found> {
        let mut found: Option<Vec<Found>> = None;
        for op in all.ops.iter().filter(|op| !op.is_negative() && !matches!(op, Op::Inside(_))) {
            let own = self.eval(op);
            found = Some(match found {
                None => own,
                Some(before) => intersect(&before, &own),
            });
            if found.as_ref().is_some_and(Vec::is_empty) {
                return Vec::new();
            }
        }
        for op in all.ops.iter().filter(|op| matches!(op, Op::Inside(_))) {
            let around = self.eval(op);
            found = Some(match found {
                None => around,
                Some(before) => inside(&before, &around),
            });
            if found.as_ref().is_some_and(Vec::is_empty) {
                return Vec::new();
            }
        }
        // Only conditions: they are asked of all that is searched.
        let mut found = found.unwrap_or_else(|| vec![Found { span: self.within, env: Env::default() }]);
        for op in all.ops.iter().filter(|op| op.is_negative()) {
            if found.is_empty() {
                return found;
            }
            let not = self.eval(op);
            found.retain(|one| !not.iter().any(|other| takes_away(op, one, other)));
        }
        for condition in &all.conditions {
            found = found.into_iter().flat_map(|one| condition::hold(self, condition, one)).collect();
        }
        for names in &all.focus {
            found = found.iter().flat_map(|one| focus(one, names)).collect();
        }
        found
    }
}

/// Each place that lies in one of the other list, with what both say of variables.
fn intersect(left: &[Found], right: &[Found]) -> Vec<Found> {
    let mut all = inside(left, right);
    for one in inside(right, left) {
        // The same places were found the other way round.
        if !all.iter().any(|own| own.span == one.span && own.env.iter().count() == one.env.iter().count()) {
            all.push(one);
        }
        if all.len() >= MOST {
            break;
        }
    }
    all
}

fn inside(inner: &[Found], around: &[Found]) -> Vec<Found> {
    let mut all = Vec::new();
    for one in inner {
        for other in around.iter().filter(|other| other.span.contains(one.span)) {
            if let Some(env) = one.env.join(&other.env) {
                all.push(Found { span: one.span, env });
            }
            if all.len() >= MOST {
                return all;
            }
        }
    }
    all
}

fn takes_away(op: &Op, one: &Found, other: &Found) -> bool {
    let place = match op {
        Op::Not(_) => one.span == other.span,
        Op::NotInside(_) => other.span.contains(one.span),
        _ => one.span.start < other.span.end && other.span.start < one.span.end,
    };
    place && one.env.join(&other.env).is_some()
}

fn focus(one: &Found, names: &[Arc<str>]) -> Vec<Found> {
    let places = names.iter().filter_map(|name| one.env.get(name));
    places.map(|bound| Found { span: bound.span, env: one.env.clone() }).collect()
}
