//! Rules about routes: what they ask for, and what is missing.
//!
//! ```toml
//! [[rule.route]]                          # each of these would do
//! methods = ["POST", "PUT"]               # any of them
//! beside = ["POST"]                       # not where another function answers the same path by one of these
//! path = '\{'                             # its path has this form
//! except = '(?i)/login'                   # and not this one
//! unnamed = '(?i)register'                # what answers has no such name
//! has = ["handler"]                       # all these facts
//! lacks = ["authentication"]              # none of these
//! siblings = ["authentication"]           # another route of the same application has these
//! newer = ["authentication"]              # the same route of a newer version has these: `/v2/orders` beside `/v1/orders`
//! application = ["session"]               # where the application is put together, all these are seen
//! at = "object-by-id"                     # said where this was seen; else where the route is
//! once = true                             # of an application, not of each route
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use gabion_finding::{Confidence, Endpoint, Finding, Fingerprint, Form, Guard as Said, Span, Step};
use gabion_syntax::Language;
use hashbrown::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::Deserialize;

use super::assemble::{Guard, Route};
use super::normal::names;
use super::table::{FactSet, SEEN, Table};
use super::walk::Shown;
use crate::value::FunctionRef;
use crate::world::World;

/// Functions one handler calls, one in the other.
const CALLED: usize = 160;
/// How deep.
const DEEPEST: usize = 7;

/// What functions show, each read once.
pub(crate) type Kept = HashMap<FunctionRef, Rc<Shown>>;

/// What a rule asks of a route.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteRule {
    pub methods: Vec<String>,
    /// Not where another function answers the same path by one of these methods: what is asked is then the page before it.
    pub beside: Vec<String>,
    pub frameworks: Vec<String>,
    pub path: Option<String>,
    pub except: Option<String>,
    /// Not where what answers has such a name.
    pub unnamed: Option<String>,
    pub has: Vec<String>,
    pub any: Vec<String>,
    pub lacks: Vec<String>,
    pub siblings: Vec<String>,
    /// The same route of a newer version has these.
    pub newer: Vec<String>,
    pub application: Vec<String>,
    pub without: Vec<String>,
    /// No route of the application has any of these.
    pub nowhere: Vec<String>,
    pub at: Option<String>,
    pub once: bool,
}

/// The same, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct RouteCheck {
    rule: usize,
    methods: Vec<String>,
    beside: Vec<String>,
    frameworks: Vec<String>,
    path: Option<Form>,
    except: Option<Form>,
    unnamed: Option<Form>,
    has: FactSet,
    any: FactSet,
    lacks: FactSet,
    siblings: FactSet,
    newer: FactSet,
    application: FactSet,
    without: FactSet,
    nowhere: FactSet,
    at: FactSet,
    once: bool,
}

impl RouteCheck {
    pub(crate) fn new(rule: usize, from: &RouteRule, table: &mut Table) -> Result<Self, String> {
        let mut form = |text: &Option<String>| text.as_deref().map(|text| table.forms.add(text)).transpose();
        let (path, except, unnamed) = (form(&from.path)?, form(&from.except)?, form(&from.unnamed)?);
        Ok(Self {
            rule,
            methods: from.methods.clone(),
            beside: from.beside.clone(),
            frameworks: from.frameworks.clone(),
            path,
            except,
            unnamed,
            has: table.set_of(&from.has)?,
            any: table.set_of(&from.any)?,
            lacks: table.set_of(&from.lacks)?,
            siblings: table.set_of(&from.siblings)?,
            newer: table.set_of(&from.newer)?,
            application: table.set_of(&from.application)?,
            without: table.set_of(&from.without)?,
            nowhere: table.set_of(&from.nowhere)?,
            at: table.set_of(from.at.as_slice())?,
            once: from.once,
        })
    }

    fn fits(&self, seen: &Seen, application: &Application) -> bool {
        let route = &seen.route;
        let method = self.methods.is_empty() || self.methods.contains(&route.method);
        let framework = self.frameworks.is_empty() || self.frameworks.contains(&route.framework);
        let path = self.path.as_ref().is_none_or(|path| path.is_match(&route.path))
            && !self.except.as_ref().is_some_and(|path| path.is_match(&route.path))
            && !self.unnamed.as_ref().is_some_and(|name| name.is_match(&route.name));
        let has = seen.facts & self.has == self.has && (self.any == 0 || seen.facts & self.any != 0);
        let siblings = self.siblings == 0 || application.routes & self.siblings == self.siblings;
        let own = application.facts & self.application == self.application
            && application.facts & self.without == 0
            && application.routes & self.nowhere == 0;
        let newer = self.newer == 0
            || versioned(&route.path).is_some_and(|(own, path)| {
                let others = application.versions.get(&(route.method.clone(), path));
                others.is_some_and(|others| {
                    others.iter().any(|(version, facts)| *version > own && facts & self.newer == self.newer)
                })
            });
        let beside = || {
            let answered = application.paths.get(&route.path).map(Vec::as_slice).unwrap_or_default();
            answered.iter().any(|(method, by)| self.beside.contains(method) && *by != route.handler)
        };
        let beside = !self.beside.is_empty() && beside();
        method
            && !beside
            && framework
            && path
            && has
            && seen.facts & self.lacks == 0
            && siblings
            && own
            && newer
    }
}

/// A route and all it shows.
#[derive(Debug)]
struct Seen {
    route: Route,
    facts: FactSet,
    guards: Vec<FactSet>,
    shown: Shown,
    application: String,
}

/// What routes of one program show together.
#[derive(Debug, Default)]
struct Application {
    /// Where it is put together.
    facts: FactSet,
    /// Any of its routes.
    routes: FactSet,
    /// By method and path without its version: versions, and what each shows.
    versions: HashMap<(String, String), Vec<(u32, FactSet)>>,
    /// By path: the methods, and what answers each.
    paths: HashMap<String, Vec<(String, Option<FunctionRef>)>>,
}

/// The version in a path, and the path without it: `/api/v1/orders` is 1 and `/api/v/orders`.
fn versioned(path: &str) -> Option<(u32, String)> {
    let number = |part: &str| part.strip_prefix(['v', 'V'])?.parse::<u32>().ok();
    let version = path.split('/').find_map(number)?;
    // What a parameter is called is no matter.
    let plain = |part| match number(part) {
        Some(_) => "v",
        None if part.starts_with('{') => "{}",
        None => part,
    };
    let parts: Vec<&str> = path.split('/').map(plain).collect();
    Some((version, parts.join("/")))
}

/// What is said of routes.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) findings: Vec<Finding>,
    pub(crate) endpoints: Vec<Endpoint>,
}

impl World<'_> {
    /// Every route, what it shows, and what is wrong with that.
    pub(crate) fn judge_routes(&mut self) -> Judged {
        let mut routes = self.recorded_routes();
        self.autoloaded(&mut routes);
        routes.extend(self.declared_routes());
        if routes.is_empty() {
            return Judged::default();
        }
        let mut kept = Kept::new();
        let mut applications: BTreeMap<String, Application> = BTreeMap::new();
        let mut built: HashSet<(String, FunctionRef)> = HashSet::new();
        let mut settings = self.settings();
        let chains = self.security_chains();
        // What chains say of paths is said of each route.
        let by_path = if chains.is_empty() { 0 } else { self.models.routes.named("default-authentication") };
        for function in self.everywhere() {
            let java = self.load(function.module).is_some_and(|loaded| loaded.language() == Language::Java);
            let facts = self.shown_kept(function, &[], &mut kept).facts;
            settings |= if java { facts & !by_path } else { facts };
        }
        if chains.iter().any(|chain| chain.stateless) {
            settings |= self.models.routes.named("stateless");
        }
        let mut all = Vec::new();
        for mut route in routes {
            if matches!(route.framework.as_str(), "spring" | "servlet")
                && let Some(guard) = self.security_guard(&chains, &route)
            {
                route.guards.insert(0, guard);
            }
            let application = self.application(&route);
            let own = applications.entry(application.clone()).or_default();
            own.facts |= settings;
            for function in &route.within {
                if built.insert((application.clone(), *function)) {
                    own.facts |= self.shown_kept(*function, &[], &mut kept).facts;
                }
            }
            let seen = self.seen(route, application, &mut kept);
            if let Some(own) = applications.get_mut(&seen.application) {
                own.routes |= seen.facts;
                let answered = own.paths.entry(seen.route.path.clone()).or_default();
                answered.push((seen.route.method.clone(), seen.route.handler));
                if let Some((version, path)) = versioned(&seen.route.path) {
                    let key = (seen.route.method.clone(), path);
                    own.versions.entry(key).or_default().push((version, seen.facts));
                }
            }
            all.push(seen);
        }
        self.shown_to_some(&mut all);
        let table = &self.models.routes;
        for own in applications.values_mut() {
            own.facts = table.closed(own.facts);
        }
        let mut judged = Judged::default();
        let mut once: BTreeSet<(usize, String)> = BTreeSet::new();
        let mut said: BTreeSet<(usize, usize, Span)> = BTreeSet::new();
        for seen in &all {
            judged.endpoints.extend(self.endpoint(seen));
            let Some(application) = applications.get(&seen.application) else { continue };
            let rules = self.rules;
            for check in rules.routes.iter().filter(|check| check.fits(seen, application)) {
                if check.once && !once.insert((check.rule, seen.application.clone())) {
                    continue;
                }
                let place = seen.shown.place_of(check.at).filter(|_| check.at != 0);
                let (module, span) = place.unwrap_or((seen.route.module, seen.route.span));
                if said.insert((check.rule, module, span)) {
                    judged.findings.extend(self.route_finding(check.rule, seen, module, span));
                }
            }
        }
        judged
    }

    /// What pages beside the routes show to some people only, and what they check themselves.
    fn shown_to_some(&mut self, all: &mut [Seen]) {
        let pages = self.asked_by_pages();
        let table = &self.models.routes;
        let (role, checked) = (table.named("client-role"), table.named("client-checked"));
        for seen in all {
            let asks = |requests: &[super::client::Request]| {
                requests.iter().any(|one| one.is_for(&seen.route.method, &seen.route.path))
            };
            let of_role = if asks(&pages.of_role) { role } else { 0 };
            let checked = if asks(&pages.checked) { checked } else { 0 };
            seen.facts |= of_role | checked;
        }
    }

    /// Modules that hold settings say something of every application of the tree.
    fn settings(&mut self) -> FactSet {
        let modules: Vec<usize> = self
            .units
            .iter()
            .enumerate()
            .filter(|(_, unit)| {
                let name = unit.path.rsplit('/').next().unwrap_or_default();
                let name = name.split('.').next().unwrap_or_default();
                matches!(name, "settings" | "config" | "base" | "default" | "production" | "common")
            })
            .map(|(module, _)| module)
            .collect();
        let mut facts = 0;
        for module in modules.into_iter().take(64) {
            let function = FunctionRef { module, id: gabion_syntax::tree::FunctionId(0) };
            facts |= self.shown(function, &[]).facts;
        }
        facts
    }

    /// Routes of one program are told from those of another by their folder and framework.
    fn application(&self, route: &Route) -> String {
        let path = self.units.get(route.module).map(|unit| Arc::clone(&unit.path)).unwrap_or_default();
        let mut parts = path.split('/');
        let first = parts.next().unwrap_or_default();
        let folder = match (first, parts.next(), parts.next()) {
            ("packages" | "apps" | "services" | "examples" | "projects", Some(second), Some(_)) => {
                format!("{first}/{second}")
            }
            ("src" | "lib" | "app" | "server", ..) => String::new(),
            (folder, Some(_), _) => folder.to_owned(),
            _ => String::new(),
        };
        format!("{} {folder}", route.framework)
    }

    fn shown_kept(
        &mut self,
        function: FunctionRef,
        parameters: &[Option<String>],
        kept: &mut Kept,
    ) -> Rc<Shown> {
        if let Some(shown) = kept.get(&function) {
            return Rc::clone(shown);
        }
        let shown = Rc::new(self.shown(function, parameters));
        kept.insert(function, Rc::clone(&shown));
        shown
    }

    /// What a function and those it calls show.
    pub(crate) fn all_shown(
        &mut self,
        function: FunctionRef,
        parameters: &[Option<String>],
        kept: &mut Kept,
    ) -> Shown {
        let mut all = Shown::default();
        let mut done: HashSet<FunctionRef> = HashSet::from([function]);
        let mut next = vec![(function, 0)];
        while let Some((one, depth)) = next.pop() {
            let parameters = if one == function { parameters } else { &[] };
            all.extend(&self.shown_kept(one, parameters, kept));
            if depth < DEEPEST && done.len() < CALLED {
                let calls = self.routes.calls.get(&one).cloned().unwrap_or_default();
                for called in calls {
                    if done.insert(called) {
                        next.push((called, depth.saturating_add(1)));
                    }
                }
            }
        }
        all.facts = self.models.routes.closed(all.facts);
        all
    }

    fn seen(&mut self, mut route: Route, application: String, kept: &mut Kept) -> Seen {
        let models = self.models;
        let table = &models.routes;
        let mut shown = Shown::default();
        let mut unknown = table.named("unknown-guard");
        if let Some(handler) = route.handler {
            let (parameters, guards) = self.route_parameters(&route, handler);
            route.guards.extend(guards);
            shown = self.all_shown(handler, &parameters, kept);
            shown.facts |= table.named("handler");
            let cut = self.cut.contains(&handler.module);
            unknown = if cut { unknown } else { 0 };
        }
        for function in self.steps(&route) {
            let own = self.all_shown(function, &[], kept);
            shown.extend(&own);
        }
        shown.facts = table.closed(shown.facts);
        if let Some(class) = route.class.clone() {
            if route.handler.is_none() && self.is_of_framework(&class) {
                // A view of the framework answers as it is: what it does, its method tells.
                unknown = 0;
                shown.facts |= framework_view(table, &route);
            }
            let (own, guards) = self.class_shown(&class, kept);
            shown.extend(&own);
            shown.facts = table.closed(shown.facts);
            route.guards.extend(guards);
        }
        for name in names(&route.path) {
            shown.parameters.entry("path".to_owned()).or_default().insert(name.to_owned());
        }
        let mut facts = shown.facts | unknown;
        let mut guards = Vec::new();
        for guard in &route.guards {
            let own = self.guard_facts(guard, kept);
            facts |= own;
            guards.push(own);
        }
        Seen { facts: table.closed(facts), route, guards, shown, application }
    }

    /// What is written before what answers, in the same call, without a name: `get('/', read, respond)` answers by both.
    fn steps(&mut self, route: &Route) -> Vec<FunctionRef> {
        let own = |guard: &&Guard| guard.module == route.module && route.span.contains(guard.span);
        let functions: Vec<FunctionRef> =
            route.guards.iter().filter(own).flat_map(|guard| guard.functions.iter().copied()).collect();
        let mut steps = Vec::new();
        for function in functions.into_iter().filter(|function| function.module == route.module) {
            if Some(function) != route.handler && self.function_text(function).is_empty() {
                steps.push(function);
            }
        }
        steps
    }

    fn guard_facts(&mut self, guard: &Guard, kept: &mut Kept) -> FactSet {
        let models = self.models;
        let named = models.routes.of_guard(&guard.name);
        let plumbing = named & models.routes.named("plumbing") != 0;
        let mut facts = models.routes.of_path(&guard.name) | if plumbing { 0 } else { named };
        for function in &guard.functions {
            // What a guard only hands on to what it guards is not its own; what it shows is.
            facts |= self.all_shown(*function, &[], kept).facts;
        }
        if let Some((module, class)) = guard.class {
            facts |= self.class_facts(module, class, kept);
        }
        let known = !guard.functions.is_empty() || guard.class.is_some();
        if !known && !plumbing && facts == 0 {
            facts |= models.routes.named("unknown-guard");
        }
        let table = &models.routes;
        let facts = table.closed(facts);
        let loads = table.named("object-by-id") | table.named("principal");
        let owner = !plumbing && named & table.named("ownership") != 0 || facts & loads == loads;
        let kept = GUARDS.iter().fold(0, |set, name| set | table.named(name));
        facts & kept | if owner { table.named("ownership") } else { 0 }
    }

    /// What methods of a class show, for classes that guard.
    fn class_facts(
        &mut self,
        module: usize,
        class: gabion_syntax::tree::ClassId,
        kept: &mut Kept,
    ) -> FactSet {
        let Some(loaded) = self.load(module) else { return 0 };
        let Some(tree) = loaded.module().class(class) else { return 0 };
        let mut facts = 0;
        for id in tree.methods.iter().take(32) {
            facts |= self.all_shown(FunctionRef { module, id: *id }, &[], kept).facts;
        }
        let bases: Vec<_> = tree.bases.iter().collect();
        facts | self.shown_of(module, &bases).facts
    }

    fn endpoint(&mut self, seen: &Seen) -> Option<Endpoint> {
        let route = &seen.route;
        let place = self.place_of(route.module, route.span)?;
        let handler = route.handler.and_then(|handler| {
            let loaded = self.load(handler.module)?;
            let head = loaded.module().function(handler.id)?.head;
            self.place_of(handler.module, head)
        });
        let name = route.name.clone();
        let mut guards = Vec::new();
        for (guard, facts) in route.guards.iter().zip(&seen.guards) {
            let place = self.place_of(guard.module, guard.span)?;
            let evidence = self.shown_names(*facts);
            guards.push(Said { name: guard.name.clone(), place, evidence });
        }
        let parameters = seen.shown.parameters.iter();
        let parameters =
            parameters.map(|(from, names)| (from.replace("model", "body"), names.iter().cloned().collect()));
        let parameters = parameters.collect();
        let evidence = self.shown_names(seen.facts);
        let mut shown_at = BTreeMap::new();
        for name in &evidence {
            let fact = self.models.routes.named(name);
            let own = seen.shown.place_of(fact);
            let own = own.or_else(|| seen.shown.place_of(self.models.routes.behind(fact)));
            let guard = route.guards.iter().zip(&seen.guards).find(|(_, facts)| **facts & fact != 0);
            let guard = guard.map(|(guard, _)| (guard.module, guard.span));
            if let Some(place) = guard.or(own).and_then(|(module, span)| self.place_of(module, span)) {
                shown_at.insert(name.clone(), place);
            }
        }
        Some(Endpoint {
            method: route.method.clone(),
            path: route.path.clone(),
            framework: route.framework.clone(),
            place,
            handler,
            name,
            guards,
            parameters,
            evidence,
            shown_at,
        })
    }

    /// What is said of facts to people: those that mean something by themselves.
    fn shown_names(&self, facts: FactSet) -> Vec<String> {
        let names = self.models.routes.names(facts & SEEN);
        names.into_iter().filter(|name| EVIDENCE.contains(name)).map(str::to_owned).collect()
    }

    fn place_of(&mut self, module: usize, span: Span) -> Option<gabion_finding::Place> {
        let path = Arc::clone(&self.units.get(module)?.path);
        Some(self.load(module)?.facts.place(&path, span))
    }

    fn route_finding(&mut self, rule: usize, seen: &Seen, module: usize, span: Span) -> Option<Finding> {
        let rules = self.rules;
        let (rule, code) = rules.rules.get(rule)?;
        let place = self.place_of(module, span)?;
        let route = &seen.route;
        let shown = format!("{} {}", route.method, route.path);
        let message = code.message.replace("{route}", &shown);
        let mut trace = Vec::new();
        if (module, span) != (route.module, route.span)
            && let Some(place) = self.place_of(route.module, route.span)
        {
            trace.push(Step { place, says: format!("`{shown}` is answered") });
        }
        let unsure = seen.facts & self.models.routes.named("unknown-guard") != 0;
        let confidence = if unsure || crate::scanner::is_script_test(&place.path) {
            Confidence::Low
        } else {
            rule.confidence
        };
        Some(Finding {
            rule: rule.id.clone(),
            message,
            severity: rule.severity,
            confidence,
            fingerprint: Fingerprint::new(rule.id.as_str(), &place.path, &shown),
            place,
            trace,
            fix: None,
            properties: BTreeMap::new(),
            hidden: Vec::new(),
        })
    }
}

/// What a view shows that a framework wrote: it changes something by all methods but those that read.
fn framework_view(table: &Table, route: &Route) -> FactSet {
    let mut facts = table.named("handler");
    if !matches!(route.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        facts |= table.named("mutation");
        let of_one = names(&route.path).next().is_some();
        let changed = table.named("object-by-id") | table.named("personal-object");
        facts |= if of_one { changed } else { 0 };
    }
    facts
}

/// What counts of a guard for what it guards.
const GUARDS: &[&str] = &[
    "asked-again",
    "authentication",
    "authorization",
    "bearer",
    "cookie-session",
    "csrf",
    "csrf-off",
    "declared-public",
    "log",
    "maybe-authentication",
    "rate-limit",
    "request-log",
    "role-refusal",
    "role-refusal-logged",
    "unknown-guard",
    "upload",
    "upload-limit",
    "validation",
    "webhook-signature",
];

/// Facts that are told of an endpoint.
const EVIDENCE: &[&str] = &[
    "authentication",
    "authorization",
    "csrf",
    "maybe-authentication",
    "method-checked",
    "mutation",
    "ownership",
    "rate-limit",
    "upload",
    "upload-limit",
    "validation",
    "webhook-signature",
];
