//! From calls to routes: routers are joined with what they are mounted on, guards are put in order.

use std::collections::BTreeMap;
use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{ClassId, ExprKind};

use super::normal::{joined, normal};
use super::record::{Part, Record, Router};
use super::table::{Act, Does, Methods};
use crate::models::End;
use crate::value::{ClassValue, FunctionRef, HOLE};
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
    ordered: bool,
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
        for record in &records {
            let Some(act) = models.routes.acts.get(record.act) else { continue };
            if act.does == Does::Router && act.framework == "django" {
                // `urlpatterns = router.urls`: its routes are those of the file, if nobody includes them.
                let on = Router::Called(record.module, URLS.into());
                let mount = Mount { order: record.order, on, prefix: String::new(), guards: Vec::new() };
                infos.entry(record.router.clone()).or_default().mounts.push(mount);
            }
            let info = infos.entry(record.router.clone()).or_default();
            info.ordered |= act.ordered;
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
                Does::Use => self.used(record, act, &mut infos),
                Does::Route if act.included && self.included(record, act, &mut infos) => {}
                Does::Route => loose.extend(self.loose(record, act)),
                Does::At => {}
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
        let functions = part.functions.iter().map(|closure| closure.function).collect();
        let class = part.class.as_ref().map(|class| (class.module, class.id));
        Guard {
            name: part.says.clone(),
            module: record.module,
            span: part.span,
            functions,
            class,
            below: String::new(),
        }
    }

    fn guards_at(&mut self, record: &Record, act: &Act) -> Vec<Guard> {
        let parts: Vec<&Part> = act.guards.iter().flat_map(|end| parts_at(&record.given, end)).collect();
        flat(parts).into_iter().map(|part| self.guard(record, part)).collect()
    }

    /// Something everything behind it passes, or a router on another.
    fn used(&mut self, record: &Record, act: &Act, infos: &mut BTreeMap<Router, Info>) {
        let below = text_at(&record.given, &act.route).unwrap_or_default();
        let below = format!("{}{below}", record.at.as_deref().unwrap_or_default());
        let mut guards = self.guards_at(record, act);
        let mut mounted: Vec<Router> = Vec::new();
        let given = act.handlers.iter().flat_map(|end| parts_at(&record.given, end)).collect();
        for part in flat(given) {
            if let Some(site) = part.router {
                mounted.push(Router::Made(site));
            } else if part.value.as_text().is_none() {
                guards.push(self.guard(record, part));
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
            let (name, module, span) = (record.word.to_string(), record.module, record.span);
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
    fn loose(&mut self, record: &Record, act: &Act) -> Vec<Loose> {
        let path = text_at(&record.given, &act.route);
        let path = match (&record.at, path) {
            (Some(at), path) => format!("{at}{}", path.unwrap_or_default()),
            (None, Some(path)) => path,
            (None, None) if act.route.is_empty() => String::new(),
            (None, None) => HOLE.to_string(),
        };
        let mut guards = self.guards_at(record, act);
        let mut handler = None;
        let mut class = None;
        let mut name = String::new();
        if act.decorates {
            let Some(function) = self.routes.decorated.get(&(record.module, record.span)).copied() else {
                return Vec::new();
            };
            guards.extend(self.decorators_below(function, record.span));
            handler = Some(function);
        } else {
            let given = act.handlers.iter().flat_map(|end| parts_at(&record.given, end)).collect();
            let mut parts = flat(given);
            let Some(last) = parts.pop() else { return Vec::new() };
            if last.value.as_text().is_some()
                || (act.sure && last.functions.is_empty() && last.class.is_none())
            {
                return Vec::new();
            }
            guards.extend(parts.into_iter().map(|part| self.guard(record, part)));
            // The outermost that is not of a wrapper: `wrap(handler)` answers by `handler`.
            name.clone_from(&last.says);
            handler = last.functions.last().map(|closure| closure.function).or(handler);
            class = last.class.clone();
            let wrapped = last.says.ends_with(')') && !last.says.ends_with(".as_view()");
            if last.functions.len() > 1 || (wrapped && (handler.is_some() || class.is_some())) {
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
        let loose = |route: Route| Loose { order: record.order, router: record.router.clone(), route };
        if let Some(class) = class.filter(|_| handler.is_none()) {
            return self.class_routes(&class, &route).into_iter().map(loose).collect();
        }
        methods.into_iter().map(|method| loose(Route { method, ..route.clone() })).collect()
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
            Methods::Any => vec!["ANY".to_owned()],
            Methods::Name => vec![match record.word.to_lowercase().as_str() {
                "all" | "use" | "any" | "route" | "api_route" | "handle" | "handlefunc" => "ANY".to_owned(),
                "del" => "DELETE".to_owned(),
                word => word.to_uppercase(),
            }],
            Methods::These(list) => list.clone(),
            Methods::At(end, default) => {
                let part = part_at(&record.given, end);
                let listed: Vec<String> = part
                    .into_iter()
                    .flat_map(
                        |part| if part.items.is_empty() { vec![part] } else { part.items.iter().collect() },
                    )
                    .filter_map(|part| Some(part.value.as_constant()?.to_uppercase()))
                    .collect();
                if listed.is_empty() { default.clone() } else { listed }
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

fn text_at(parts: &[Part], ends: &[End]) -> Option<String> {
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
        .filter(|(at, guard)| (!info.ordered || *at < order) && is_below(&path, &guard.below))
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
