//! From calls to routes: routers are joined with what they are mounted on, guards are put in order.

use std::collections::BTreeMap;
use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{ClassId, ExprKind};
use hashbrown::HashSet;

use super::normal::{joined, normal};
use super::record::{Part, Record, Router};
use super::table::{Act, Does, Methods, Order};
use crate::models::End;
use crate::value::{ClassValue, FunctionRef, HOLE, Shape};
use crate::world::World;

/// Routers on routers.
const DEEPEST: usize = 8;
/// Ways one router is mounted.
const MOUNTS: usize = 16;
/// What the list of routes of a file is called.
pub(crate) const URLS: &str = "urlpatterns";
/// Routes of one tree.
pub(crate) const MOST: usize = 20_000;

/// Something answers.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) framework: String,
    /// Where it is said.
    pub(crate) module: usize,
    pub(crate) span: Span,
    pub(crate) handler: Option<FunctionRef>,
    /// The class whose method answers.
    pub(crate) class: Option<Rc<ClassValue>>,
    /// What answers, as the code names it.
    pub(crate) name: String,
    /// What the handler's parameters stand for.
    pub(crate) parameters: Vec<Option<String>>,
    /// What runs before, in order.
    pub(crate) guards: Vec<Guard>,
    /// The functions and modules in which its application is put together.
    pub(crate) within: Vec<FunctionRef>,
}

/// What runs before.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) name: String,
    pub(crate) module: usize,
    pub(crate) span: Span,
    pub(crate) functions: Vec<FunctionRef>,
    pub(crate) class: Option<(usize, ClassId)>,
    /// Only below this path of its router.
    pub(crate) below: String,
}

#[derive(Debug, Default)]
struct Info {
    order: Order,
    prefix: String,
    guards: Vec<(usize, Guard)>,
    mounts: Vec<Mount>,
    within: Vec<FunctionRef>,
}

#[derive(Debug, Clone)]
struct Mount {
    order: usize,
    on: Router,
    prefix: String,
    guards: Vec<Guard>,
}

/// A route before it is known where its router stands.
struct Loose {
    order: usize,
    router: Router,
    route: Route,
}

/// The argument at an end of a call.
pub(crate) fn part_at<'p>(parts: &'p [Part], end: &End) -> Option<&'p Part> {
    match end {
        End::Argument(at) | End::From(at) => parts.iter().filter(|part| part.name.is_none()).nth(*at),
        End::Named(name) => parts.iter().find(|part| part.name.as_deref() == Some(name.as_str())),
        _ => None,
    }
}

fn parts_at<'p>(parts: &'p [Part], end: &End) -> Vec<&'p Part> {
    match end {
        End::From(at) => parts.iter().filter(|part| part.name.is_none()).skip(*at).collect(),
        _ => part_at(parts, end).into_iter().collect(),
    }
}

/// Lists of guards are the guards in them.
fn flat<'p>(parts: Vec<&'p Part>) -> Vec<&'p Part> {
    let each = |part: &'p Part| {
        if part.items.is_empty() { vec![part] } else { flat(part.items.iter().collect()) }
    };
    parts.into_iter().flat_map(each).collect()
}

impl World<'_> {
    /// Every route that calls and decorators say.
    pub(crate) fn recorded_routes(&mut self) -> Vec<Route> {
        let records = self.routes.take();
        let mut infos: BTreeMap<Router, Info> = BTreeMap::new();
        let mut loose: Vec<Loose> = Vec::new();
        let models = self.models;
        let only = self.only(&records);
        let saying = self.saying(&records);
        for record in &records {
            let Some(act) = models.routes.acts.get(record.act) else { continue };
            if act.does == Does::Router && act.framework == "django" {
                // `urlpatterns = router.urls`: its routes are those of the file, if nobody includes them.
                let on = Router::Called(record.module, URLS.into());
                let mount = Mount { order: record.order, on, prefix: String::new(), guards: Vec::new() };
                infos.entry(record.router.clone()).or_default().mounts.push(mount);
            }
            let info = infos.entry(record.router.clone()).or_default();
            if act.order != Order::All {
                info.order = act.order;
            }
            if !info.within.contains(&record.within) {
                info.within.push(record.within);
            }
            match act.does {
                Does::Router => {
                    info.prefix = text_at(&record.given, &act.route).unwrap_or_default();
                    let guards = self.guards_at(record, act);
                    if let Some(info) = infos.get_mut(&record.router) {
                        info.guards.extend(guards.into_iter().map(|guard| (0, guard)));
                    }
                }
                Does::Group => self.grouped(record, act, &mut infos),
                Does::Use => self.used(record, act, &mut infos, &saying),
                Does::Route if act.included && self.included(record, act, &mut infos) => {}
                Does::Route if act.mounts && self.is_mounted(record, act, &saying) => {
                    self.used(record, act, &mut infos, &saying);
                }
                Does::Route => loose.extend(self.loose(record, act, &only)),
                Does::At | Does::Same | Does::Only => {}
            }
        }
        let mut routes = Vec::new();
        for one in loose {
            for (path, guards, within) in up(&infos, &one.router, one.order, &one.route.path, DEEPEST) {
                if routes.len() >= MOST {
                    return routes;
                }
                let mut route = one.route.clone();
                route.path = normal(&path);
                route.guards = guards.into_iter().chain(std::mem::take(&mut route.guards)).collect();
                route.within = within;
                routes.push(route);
            }
        }
        routes
    }

    fn guard(&mut self, record: &Record, part: &Part) -> Guard {
        let functions = part.functions.iter().map(|closure| closure.function);
        let others = part.wrappers.iter().chain(&part.handed).copied();
        let functions: Vec<FunctionRef> = functions.chain(others).collect();
        let class = part.class.as_ref().map(|class| (class.module, class.id));
        let mut name = part.says.clone();
        // `from_fn(check)` is `check`.
        if let Some(first) = part.functions.first()
            && self.models.routes.of_guard(&name) & self.models.routes.named("transparent") != 0
        {
            let own = self.function_text(first.function);
            name = if own.is_empty() { name } else { own };
        }
        Guard { name, module: record.module, span: part.span, functions, class, below: String::new() }
    }

    fn guards_at(&mut self, record: &Record, act: &Act) -> Vec<Guard> {
        let parts: Vec<&Part> = act.guards.iter().flat_map(|end| parts_at(&record.given, end)).collect();
        let mut guards = Vec::new();
        for part in parts {
            for one in flat(vec![part]) {
                let mut guard = self.guard(record, one);
                // `auth: 'jwt'`, `schema: {…}`: by the name it is given under.
                if let (Some(name), true) = (&part.name, guard.functions.is_empty() && guard.class.is_none())
                {
                    if one.value.truth() == Some(false) {
                        continue;
                    }
                    let text = one.value.as_constant().unwrap_or_default();
                    let said = if text.is_empty() { guard.name.clone() } else { text.to_string() };
                    guard.name =
                        format!("{} {said}", name.rsplit('.').next().unwrap_or(name)).trim().to_owned();
                }
                guards.push(guard);
            }
        }
        guards
    }

    /// Methods that are said of routes later.
    fn only(&self, records: &[Record]) -> BTreeMap<usize, Vec<String>> {
        let mut only: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for record in records {
            let does = self.models.routes.acts.get(record.act).map(|act| act.does);
            if let (Some(Does::Only), Some(of), Some(methods)) = (does, record.of, &record.only) {
                only.entry(of).or_default().extend(split(methods));
            }
        }
        only
    }

    /// Functions that say themselves what they answer.
    fn saying(&self, records: &[Record]) -> HashSet<FunctionRef> {
        let mut saying = HashSet::new();
        for record in records {
            let Some(act) = self.models.routes.acts.get(record.act) else { continue };
            if act.does == Does::Route && act.decorates && act.mounts {
                saying.extend(self.routes.decorated.get(&(record.module, record.span)).copied());
            }
        }
        saying
    }

    /// Whether what is given to answer is a router, or says itself what it answers.
    fn is_mounted(&self, record: &Record, act: &Act, saying: &HashSet<FunctionRef>) -> bool {
        let given = act.handlers.iter().flat_map(|end| parts_at(&record.given, end)).collect();
        !act.decorates
            && flat(given).iter().any(|part| {
                part.router.is_some()
                    || part.functions.iter().any(|closure| saying.contains(&closure.function))
            })
    }

    /// A router that is made on another one.
    fn grouped(&mut self, record: &Record, act: &Act, infos: &mut BTreeMap<Router, Info>) {
        let Some(on) = record.on.clone().filter(|on| *on != record.router) else { return };
        let prefix = text_at(&record.given, &act.route).unwrap_or_default();
        let prefix = format!("{}{prefix}", record.at.as_deref().unwrap_or_default());
        let guards = self.guards_at(record, act);
        let info = infos.entry(record.router.clone()).or_default();
        if info.mounts.len() < MOUNTS {
            info.mounts.push(Mount { order: record.order, on, prefix, guards });
        }
    }

    /// Something everything behind it passes, or a router on another.
    fn used(
        &mut self,
        record: &Record,
        act: &Act,
        infos: &mut BTreeMap<Router, Info>,
        saying: &HashSet<FunctionRef>,
    ) {
        let below = text_at(&record.given, &act.route).unwrap_or_default();
        let below = format!("{}{below}", record.at.as_deref().unwrap_or_default());
        let mut guards = self.guards_at(record, act);
        let mut mounted: Vec<Router> = Vec::new();
        if act.around {
            let part = act.handlers.as_ref().and_then(|end| part_at(&record.given, end));
            if let Some(part) = part.filter(|part| part.wrapped && !part.wrappers.is_empty()) {
                let guard = self.guard(record, part);
                if let Some(info) = infos.get_mut(&record.router) {
                    info.guards.push((0, guard));
                }
            }
            return;
        }
        let given = act.handlers.iter().flat_map(|end| parts_at(&record.given, end)).collect();
        for part in flat(given) {
            let own = part.functions.iter().map(|closure| closure.function);
            let own: Vec<Router> = own.filter(|one| saying.contains(one)).map(Router::Function).collect();
            if let Some(site) = part.router {
                mounted.push(Router::Made(site));
                if part.wrapped && !part.wrappers.is_empty() {
                    guards.push(self.guard(record, part));
                }
            } else if !own.is_empty() {
                mounted.extend(own);
            } else if part.value.as_text().is_none() && !act.mounts {
                guards.push(self.guard(record, part));
            }
        }
        if mounted.is_empty() && act.mounts {
            return;
        }
        if !act.when.is_empty() {
            // `addHook('onRequest', …)`.
            let said = record.given.first().and_then(|part| part.value.as_constant()).unwrap_or_default();
            for guard in guards.iter_mut().filter(|guard| guard.name.is_empty()) {
                guard.name = said.to_string();
            }
        }
        if act.decorates {
            if let Some(function) = self.routes.decorated.get(&(record.module, record.span)).copied() {
                let name = self.function_text(function);
                let (module, span, functions) = (record.module, record.span, vec![function]);
                guards.push(Guard { name, module, span, functions, class: None, below: String::new() });
            }
        } else if act.handlers.is_none() && act.guards.is_empty() {
            // The call itself is what guards: `CSRFProtect(app)`.
            let name = act.named.clone().unwrap_or_else(|| record.word.to_string());
            let (module, span) = (record.module, record.span);
            guards.push(Guard { name, module, span, functions: vec![], class: None, below: String::new() });
        }
        if mounted.is_empty() {
            let Some(info) = infos.get_mut(&record.router) else { return };
            let below = below.trim_end_matches('*').to_owned();
            info.guards.extend(
                guards.into_iter().map(|guard| (record.order, Guard { below: below.clone(), ..guard })),
            );
            return;
        }
        for router in mounted {
            if router == record.router {
                continue;
            }
            let info = infos.entry(router).or_default();
            if info.mounts.len() < MOUNTS {
                let on = record.router.clone();
                info.mounts.push(Mount {
                    order: record.order,
                    on,
                    prefix: below.clone(),
                    guards: guards.clone(),
                });
            }
        }
    }

    pub(crate) fn function_text(&mut self, function: FunctionRef) -> String {
        let Some(loaded) = self.load(function.module) else { return String::new() };
        let name = loaded.module().function(function.id).and_then(|function| function.name);
        name.map(|name| loaded.text(name).to_owned()).unwrap_or_default()
    }

    /// What a call says that something answers, once for each method.
    fn loose(&mut self, record: &Record, act: &Act, only: &BTreeMap<usize, Vec<String>>) -> Vec<Loose> {
        let path = text_at(&record.given, &act.route);
        let mut router = record.router.clone();
        let mut path = match (&record.at, path) {
            (Some(at), path) => format!("{at}{}", path.unwrap_or_default()),
            (None, Some(path)) => path,
            (None, None) if act.route.is_empty() => String::new(),
            (None, None) => HOLE.to_string(),
        };
        let mut guards = self.guards_at(record, act);
        let handler;
        let mut class = None;
        let mut name = String::new();
        if act.decorates {
            let Some(function) = self.routes.decorated.get(&(record.module, record.span)).copied() else {
                return Vec::new();
            };
            guards.extend(self.decorators_below(function, record.span));
            handler = Some(function);
            if act.mounts {
                router = Router::Function(function);
            }
        } else {
            let given = act.handlers.iter().flat_map(|end| parts_at(&record.given, end)).collect();
            let mut parts = flat(given);
            // Options among the handlers are told by their names; so may be the handler.
            parts.retain(|part| !is_options(part));
            // A name may stand before the path.
            if let Some(text) = parts.first().and_then(|part| part.value.as_text())
                && text.starts_with('/')
            {
                path = text.to_string();
                parts.remove(0);
            }
            let named = || {
                let mut names = ["handler", "options.handler", "config.handler"].into_iter();
                names.find_map(|name| part_at(&record.given, &End::Named(name.to_owned())))
            };
            // What is given an error answers only then.
            while parts.len() > 1 && parts.last().is_some_and(|part| self.takes_errors(part)) {
                parts.pop();
            }
            let Some(last) = parts.pop().or_else(named) else { return Vec::new() };
            if last.value.as_text().is_some()
                || (act.sure && last.functions.is_empty() && last.class.is_none())
            {
                return Vec::new();
            }
            guards.extend(parts.into_iter().map(|part| self.guard(record, part)));
            // The outermost that is not of a wrapper: `wrap(handler)` answers by `handler`.
            name.clone_from(&last.says);
            let made_by = last.wrappers.last().copied().filter(|_| last.class.is_none());
            handler = last.functions.last().map(|closure| closure.function).or(made_by);
            class = last.class.clone();
            let wrapped = last.says.ends_with(')') && !last.says.ends_with(".as_view()");
            let alone = last.functions.is_empty() && last.class.is_none();
            if last.functions.len() > 1 || (wrapped && !alone) {
                let wrapper = self.guard(record, last);
                let functions =
                    wrapper.functions.iter().copied().filter(|one| Some(*one) != handler).collect();
                guards.push(Guard { functions, ..wrapper });
            }
        }
        if let Some(own) = handler.map(|handler| self.function_text(handler)).filter(|own| !own.is_empty()) {
            name = own;
        }
        let mut methods = self.methods(record, act);
        let here = (record.module, record.span);
        let site = self.routes.sites.iter().position(|site| act.open && *site == here);
        let later = site.and_then(|site| only.get(&site));
        if let Some(later) = later {
            methods.clone_from(later);
        } else if let Some(named) = &record.only {
            methods = split(named).collect();
        }
        if matches!(act.methods, Methods::Path)
            && let Some((method, rest)) = path.split_once(' ')
        {
            methods = vec![method.to_owned()];
            // A host may stand before the path.
            path = rest
                .trim_start()
                .find('/')
                .and_then(|at| rest.trim_start().get(at..))
                .unwrap_or(rest)
                .to_owned();
        }
        path = path.replace("{$}", "");
        if act.framework == "rocket" {
            path = path.split('?').next().unwrap_or_default().to_owned();
        }
        if act.included
            && let Some(handler) = handler
        {
            guards.extend(self.decorators_below(handler, Span::default()));
            methods = self.decorated_methods(handler).unwrap_or(methods);
        }
        let route = Route {
            method: String::new(),
            path,
            framework: act.framework.clone(),
            module: record.module,
            span: record.span,
            handler,
            class: class.clone(),
            name,
            parameters: Vec::new(),
            guards,
            within: Vec::new(),
        };
        let loose = |route: Route| Loose { order: record.order, router: router.clone(), route };
        if let Some(class) = class.filter(|_| handler.is_none()) {
            return self.class_routes(&class, &route).into_iter().map(loose).collect();
        }
        methods.into_iter().map(|method| loose(Route { method, ..route.clone() })).collect()
    }

    /// `(error, request, response, next)`.
    fn takes_errors(&mut self, part: &Part) -> bool {
        let [closure] = part.functions.as_slice() else { return false };
        let Some(loaded) = self.load(closure.function.module) else { return false };
        let function = loaded.module().function(closure.function.id);
        loaded.language().is_script() && function.is_some_and(|function| function.params.len() == 4)
    }

    /// Another list of routes stands where a handler could: whether it does.
    fn included(&mut self, record: &Record, act: &Act, infos: &mut BTreeMap<Router, Info>) -> bool {
        let Some(part) = act.handlers.as_ref().and_then(|end| part_at(&record.given, end)) else {
            return false;
        };
        let text = part.says.split_once("include(").map(|(_, rest)| rest.trim_end_matches(')'));
        let first = part.items.first().and_then(|item| item.value.as_constant());
        let text = text.filter(|text| !text.is_empty()).map(str::to_owned);
        let child = match (part.router, text.or_else(|| first.map(|text| text.to_string()))) {
            (Some(site), _) => Router::Made(site),
            (None, Some(module)) => {
                let from = self.units.get(record.module).map(|unit| std::sync::Arc::clone(&unit.path));
                let language = gabion_syntax::Language::Python;
                let found = self.paths.find(language, &from.unwrap_or_default(), &module, 0);
                match found {
                    Some(file) => {
                        let _ = self.exports(file);
                        Router::Called(file, URLS.into())
                    }
                    None => return part.says.contains("include("),
                }
            }
            _ => return false,
        };
        let prefix = text_at(&record.given, &act.route).unwrap_or_default();
        if child == record.router {
            return true;
        }
        let info = infos.entry(child).or_default();
        // Nobody includes what belongs to its own file.
        info.mounts
            .retain(|mount| !matches!(&mount.on, Router::Called(module, _) if *module == record.module));
        if info.mounts.len() < MOUNTS {
            let on = record.router.clone();
            info.mounts.push(Mount { order: record.order, on, prefix, guards: Vec::new() });
        }
        true
    }

    fn methods(&self, record: &Record, act: &Act) -> Vec<String> {
        match &act.methods {
            Methods::Any | Methods::Path => vec!["ANY".to_owned()],
            Methods::Name => vec![method_word(&record.word)],
            Methods::These(list) => list.clone(),
            Methods::At(end, default) => {
                let parts = parts_at(&record.given, end);
                let listed: Vec<String> = flat(parts).into_iter().filter_map(method_of).collect();
                match (listed.is_empty(), default.is_empty()) {
                    (false, _) => listed,
                    (true, false) => default.clone(),
                    (true, true) => vec!["ANY".to_owned()],
                }
            }
        }
    }

    /// Decorators that stand below the one that makes it a route: those above never run for it.
    pub(crate) fn decorators_below(&mut self, function: FunctionRef, route: Span) -> Vec<Guard> {
        let Some(loaded) = self.load(function.module) else { return Vec::new() };
        let Some(tree) = loaded.module().function(function.id) else { return Vec::new() };
        let below = tree.decorators.iter().filter(|decorator| decorator.span.start > route.start);
        let mut guards = Vec::new();
        for decorator in below {
            let part = self.routes.decorators.get(&(function.module, decorator.span)).cloned();
            let Some(part) = part else { continue };
            // Further routes of the same function.
            if matches!(&decorator.kind, ExprKind::Call(_)) && part.says.contains(".route(") {
                continue;
            }
            guards.push(Guard {
                name: part.says.clone(),
                module: function.module,
                span: decorator.span,
                functions: part.functions.iter().map(|closure| closure.function).collect(),
                class: None,
                below: String::new(),
            });
        }
        guards
    }
}

/// The method that a word which is called says.
fn method_word(word: &str) -> String {
    match word.to_lowercase().trim_end_matches("()") {
        "all" | "use" | "any" | "route" | "api_route" | "handle" | "handlefunc" | "handlerfunc" | "to"
        | "handler" | "add" => "ANY".to_owned(),
        "del" => "DELETE".to_owned(),
        word => word.trim_end_matches("_service").to_uppercase(),
    }
}

/// `'post'`, `http.MethodPost`, `MethodFilter::POST`.
fn method_of(part: &Part) -> Option<String> {
    if let Some(text) = part.value.as_constant() {
        let text = text.to_uppercase();
        return Some(if text == "*" { "ANY".to_owned() } else { text });
    }
    let word = part.says.rsplit('.').next()?;
    let word = word.strip_prefix("Method").unwrap_or(word).to_uppercase();
    matches!(word.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS").then_some(word)
}

fn split(methods: &str) -> impl Iterator<Item = String> + '_ {
    methods.split(',').filter(|one| !one.is_empty()).map(str::to_uppercase)
}

/// Whether it is an object without a name that functions are not taken from: options.
fn is_options(part: &Part) -> bool {
    let Shape::Object(object) = &part.value.shape else { return false };
    part.says.is_empty()
        && part.functions.is_empty()
        && part.router.is_none()
        && part.class.is_none()
        && object.class.is_none()
        && part.value.origin.is_none()
}

pub(crate) fn text_at(parts: &[Part], ends: &[End]) -> Option<String> {
    let found = ends.iter().find_map(|end| part_at(parts, end))?;
    let first = found.items.first().unwrap_or(found);
    first.value.as_text().map(|text| text.to_string())
}

/// A route's whole path and guards, once for each way its router is mounted.
fn up(
    infos: &BTreeMap<Router, Info>,
    router: &Router,
    order: usize,
    path: &str,
    depth: usize,
) -> Vec<(String, Vec<Guard>, Vec<FunctionRef>)> {
    let Some(info) = infos.get(router) else { return vec![(path.to_owned(), Vec::new(), Vec::new())] };
    let path = joined(&info.prefix, path);
    let own: Vec<Guard> = info
        .guards
        .iter()
        .filter(|(at, guard)| {
            let runs = match info.order {
                Order::All => true,
                // Those the router was made with stand before all.
                Order::Later => *at < order,
                Order::Earlier => *at == 0 || *at > order,
            };
            runs && is_below(&path, &guard.below)
        })
        .map(|(_, guard)| guard.clone())
        .collect();
    if info.mounts.is_empty() || depth == 0 {
        return vec![(path, own, info.within.clone())];
    }
    let mut ways = Vec::new();
    for mount in &info.mounts {
        let outer = joined(&mount.prefix, &path);
        for (path, mut guards, mut within) in
            up(infos, &mount.on, mount.order, &outer, depth.saturating_sub(1))
        {
            guards.extend(mount.guards.iter().cloned());
            guards.extend(own.iter().cloned());
            within.extend(info.within.iter().copied());
            ways.push((path, guards, within));
        }
    }
    ways.truncate(MOUNTS);
    ways
}

fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    let rest = path
        .strip_prefix(prefix)
        .or_else(|| path.trim_start_matches('/').strip_prefix(prefix.trim_start_matches('/')));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.is_empty())
}
