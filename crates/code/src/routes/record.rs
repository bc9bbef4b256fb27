//! What is written down of routes while code runs, in the order it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::ClassId;
use hashbrown::HashMap;

use crate::name::Name;
use crate::scope::Scope;
use crate::value::{ClassValue, Closure, FunctionRef, Known, Shape, Value};

/// Acts of one run; a tree with more is no program of people.
const MOST: usize = 100_000;

/// Ways in which one call runs.
const WAYS: usize = 64;

/// Something that a call is given, as far as routes ask for it.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: Option<Rc<str>>,
    pub(crate) span: Span,
    /// As the code writes it.
    pub(crate) says: String,
    pub(crate) value: Value,
    /// It, or what is given to what makes it: `wrap(handler)`.
    pub(crate) functions: Vec<Rc<Closure>>,
    /// What was handed to functions that made it.
    pub(crate) handed: Vec<FunctionRef>,
    /// Functions of the tree around it: `wrap` of `wrap(handler)`.
    pub(crate) wrappers: Vec<FunctionRef>,
    pub(crate) class: Option<Rc<ClassValue>>,
    /// A router that is given, or whose routes are.
    pub(crate) router: Option<usize>,
    /// It is that router with something around it.
    pub(crate) wrapped: bool,
    pub(crate) items: Vec<Self>,
}

/// A call that says something of routes.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) module: usize,
    pub(crate) span: Span,
    /// When, among all.
    pub(crate) order: usize,
    /// Which of [`super::Table::acts`].
    pub(crate) act: usize,
    pub(crate) router: Router,
    /// Under which path of it: `router.route('/x').get(…)`.
    pub(crate) at: Option<Rc<str>>,
    /// Which router a group is made on.
    pub(crate) on: Option<Router>,
    /// Of which route it says more: its number among [`Recorder::sites`].
    pub(crate) of: Option<usize>,
    /// The methods that were named before.
    pub(crate) only: Option<Rc<str>>,
    /// The path it says, as far as that is known.
    pub(crate) route: Option<Rc<str>>,
    /// The word that is called.
    pub(crate) word: Rc<str>,
    /// The function the call stands in.
    pub(crate) within: FunctionRef,
    pub(crate) given: Vec<Part>,
}

/// Whose routes they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Router {
    /// Made at a place that is known.
    Made(usize),
    /// Only its name in a module is known.
    Called(usize, Rc<str>),
    /// A function that says itself what it answers.
    Function(FunctionRef),
}

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    records: BTreeMap<(usize, Span), Vec<Record>>,
    /// Where routers are made.
    pub(crate) sites: Vec<(usize, Span)>,
    by_place: HashMap<(usize, Span), usize>,
    /// Who calls whom.
    pub(crate) calls: HashMap<FunctionRef, BTreeSet<FunctionRef>>,
    /// What functions see.
    pub(crate) scopes: HashMap<FunctionRef, Rc<Scope>>,
    pub(crate) decorators: HashMap<(usize, Span), Part>,
    /// Which function a decorator stands on.
    pub(crate) decorated: HashMap<(usize, Span), FunctionRef>,
    /// Modules whose names are known, for what stands outside of functions.
    pub(crate) modules: BTreeMap<usize, Rc<Scope>>,
    /// Rust: types that make themselves from a request, once somebody asked.
    pub(crate) extractors: Option<HashMap<String, (usize, ClassId)>>,
    /// Types that hold rights, once somebody asked.
    pub(crate) rights: Option<super::rights::Rights>,
    next: usize,
}

impl Recorder {
    /// The number of a router that is made here.
    pub(crate) fn site(&mut self, module: usize, span: Span) -> usize {
        *self.by_place.entry((module, span)).or_insert_with(|| {
            self.sites.push((module, span));
            self.sites.len().saturating_sub(1)
        })
    }

    pub(crate) fn add(&mut self, mut record: Record) {
        self.next = self.next.saturating_add(1);
        if self.next > MOST {
            return;
        }
        record.order = self.next;
        let own = self.records.entry((record.module, record.span)).or_default();
        let same = |one: &Record| {
            one.act == record.act
                && one.router == record.router
                && one.at == record.at
                && one.on == record.on
                && one.route == record.route
        };
        if own.len() < WAYS && !own.iter().any(same) {
            own.push(record);
        }
    }

    /// In the order they ran. Where a call is known with its router, what was believed of it without is left out.
    pub(crate) fn take(&mut self) -> Vec<Record> {
        let mut all = Vec::new();
        for (_, mut records) in std::mem::take(&mut self.records) {
            let made = |router: &Router| matches!(router, Router::Made(_));
            if records.iter().any(|record| made(&record.router)) {
                records.retain(|record| made(&record.router));
            }
            if records.iter().any(|record| record.on.as_ref().is_some_and(made)) {
                records.retain(|record| record.on.as_ref().is_none_or(made));
            }
            all.extend(records);
        }
        all.sort_by_key(|record| record.order);
        all
    }

    /// One function calls another. What was handed to it is called by whoever handed it over: `wrap(handler)` calls for this route
    /// only this handler.
    pub(crate) fn called(&mut self, from: FunctionRef, within: &Scope, to: &Closure) {
        if !within.was_handed(to.function) {
            self.calls.entry(from).or_default().insert(to.function);
        }
        self.saw(to.function, &to.scope);
    }

    pub(crate) fn saw(&mut self, function: FunctionRef, scope: &Rc<Scope>) {
        self.scopes.entry(function).or_insert_with(|| Rc::clone(scope));
    }
}

/// The number of the router a value is, which it keeps in a field nobody can write.
pub(crate) fn made(value: &Value, name: Name) -> Option<usize> {
    let Shape::Object(object) = &value.shape else { return None };
    match object.fields.get(&name)?.known {
        Known::Number(number) if number >= 0.0 => (0..=MOST).nth(number as usize),
        _ => None,
    }
}

/// The field that says which router a value is.
pub(crate) const MADE: &str = "#router";
/// The field that says at which path of it.
pub(crate) const AT: &str = "#at";
/// The field that says for which methods.
pub(crate) const ONLY: &str = "#only";
/// The field that says of which route later calls say more.
pub(crate) const OF: &str = "#of";
