//! Next.js: files whose place is their path, functions that a page may call, and what runs before.

use gabion_finding::Span;
use gabion_syntax::tree::{Entry, Expr, ExprKind, FunctionId, Key, StmtKind};

use super::assemble::{Guard, MOST, Route};
use super::declared::texts;
use super::normal::normal;
use crate::value::{FunctionRef, Shape};
use crate::world::{Loaded, World};

/// Names of the functions that answer in a `route` file.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

impl World<'_> {
    /// Routes that files say by their place.
    pub(crate) fn placed_routes(&mut self) -> Vec<Route> {
        let mut routes = Vec::new();
        let mut before: Vec<(String, Guard, Vec<String>)> = Vec::new();
        let mut layouts: Vec<(String, Route)> = Vec::new();
        for module in 0..self.units.len() {
            let Some(path) = self.units.get(module).map(|unit| std::sync::Arc::clone(&unit.path)) else {
                continue;
            };
            let Some(loaded) = self.load(module) else { continue };
            if !loaded.language().is_script() || routes.len() >= MOST {
                continue;
            }
            let stem = path.rsplit_once('.').map_or(&*path, |(stem, _)| stem);
            if let Some(route) = handler_path(stem) {
                for method in METHODS {
                    routes.extend(self.placed(module, method, method, &route, "nextjs"));
                }
            } else if let Some(route) = page_path(stem) {
                routes.extend(self.placed(module, "default", "ANY", &route, "nextjs"));
            } else if let Some(route) = shown_path(stem) {
                let client = loaded.module().directives.iter().any(|one| loaded.text(*one) == "use client");
                routes.extend(self.placed(module, "default", "GET", &route, "nextjs-page").map(|route| {
                    // What runs in a browser decides nothing.
                    Route { handler: route.handler.filter(|_| !client), ..route }
                }));
            } else if let Some(folder) =
                stem.strip_suffix("/layout").filter(|_| behind(stem, "app").is_some())
            {
                layouts.extend(
                    self.placed(module, "default", "GET", "/", "").map(|layout| (folder.to_owned(), layout)),
                );
            }
            if matches!(stem.rsplit('/').next(), Some("middleware" | "proxy")) {
                let root = stem.rsplit_once('/').map_or("", |(folder, _)| folder);
                let root = root.strip_suffix("src").unwrap_or(root).trim_end_matches('/').to_owned();
                before.extend(self.middleware(module, &loaded).map(|guard| (root, guard, matchers(&loaded))));
            }
            routes.extend(self.actions(module, &loaded, stem));
        }
        for route in routes.iter_mut().filter(|route| route.framework.starts_with("nextjs")) {
            if route.framework == "nextjs-action" {
                continue;
            }
            let path = self
                .units
                .get(route.module)
                .map(|unit| std::sync::Arc::clone(&unit.path))
                .unwrap_or_default();
            for (root, guard, matchers) in &before {
                let inside = root.is_empty() || path.starts_with(&format!("{root}/"));
                if inside && (matchers.is_empty() || matchers.iter().any(|one| covers(one, &route.path))) {
                    route.guards.insert(0, guard.clone());
                }
            }
            for (folder, layout) in &layouts {
                if route.framework == "nextjs-page" && path.starts_with(&format!("{folder}/")) {
                    let (module, span) = (layout.module, layout.span);
                    let functions = layout.handler.into_iter().collect();
                    let (name, below) = ("layout".to_owned(), String::new());
                    route.guards.push(Guard { name, module, span, functions, class: None, below });
                }
            }
        }
        routes
    }

    fn route_at(
        &mut self,
        module: usize,
        id: FunctionId,
        method: &str,
        path: &str,
        framework: &str,
    ) -> Route {
        let handler = FunctionRef { module, id };
        let loaded = self.load(module);
        let span = loaded.and_then(|loaded| Some(loaded.module().function(id)?.head));
        Route {
            method: method.to_owned(),
            path: path.to_owned(),
            framework: framework.to_owned(),
            module,
            span: span.unwrap_or_default(),
            handler: Some(handler),
            class: None,
            name: self.function_text(handler),
            parameters: Vec::new(),
            guards: Vec::new(),
            within: Vec::new(),
        }
    }

    /// What a file exports under a name, as a route.
    fn placed(
        &mut self,
        module: usize,
        name: &str,
        method: &str,
        path: &str,
        framework: &str,
    ) -> Option<Route> {
        let exports = self.exports(module);
        let name = self.name(name);
        let Shape::Object(object) = &exports.shape else { return None };
        let value = object.fields.get(&name)?.clone();
        match &value.shape {
            Shape::Function(closure) => {
                self.routes.saw(closure.function, &closure.scope);
                let mut route =
                    self.route_at(closure.function.module, closure.function.id, method, path, framework);
                route.module = closure.function.module;
                Some(route)
            }
            _ => {
                // Made by something of a library: `withAuth(handler)`.
                let text = value.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
                let mut route = self.route_at(module, FunctionId(0), method, path, framework);
                route.handler = None;
                let (span, functions) = (Span::default(), Vec::new());
                route.span = span;
                let name = text.trim_start_matches('~').to_owned();
                route.guards.push(Guard { name, module, span, functions, class: None, below: String::new() });
                Some(route)
            }
        }
    }

    /// Functions that say `use server`, and those of files that do.
    fn actions(&mut self, module: usize, loaded: &Loaded, stem: &str) -> Vec<Route> {
        let is = |symbols: &[gabion_syntax::tree::Symbol]| {
            symbols.iter().any(|symbol| loaded.text(*symbol) == "use server")
        };
        let whole = is(&loaded.module().directives);
        let mut routes = Vec::new();
        let mut exported: Vec<FunctionId> = Vec::new();
        if whole && let Shape::Object(object) = &self.exports(module).shape {
            for value in object.fields.values() {
                if let Shape::Function(closure) = &value.shape
                    && closure.function.module == module
                {
                    exported.push(closure.function.id);
                }
            }
        }
        for (id, function) in (0_u32..).map(FunctionId).zip(&loaded.module().functions) {
            if id != FunctionId(0) && (is(&function.directives) || exported.contains(&id)) {
                let name = function.name.map(|name| loaded.text(name)).unwrap_or("action");
                let mut route =
                    self.route_at(module, id, "POST", &format!("/{stem}#{name}"), "nextjs-action");
                let named = |param: &gabion_syntax::tree::Param| match &param.pattern {
                    gabion_syntax::tree::Pattern::Name(symbol, _) => {
                        let text = loaded.text(*symbol);
                        Some(if text.to_lowercase().contains("form") || text == "data" || text == "input" {
                            "@body".to_owned()
                        } else {
                            format!("@body.{text}")
                        })
                    }
                    _ => None,
                };
                route.parameters = function.params.iter().map(named).collect();
                routes.push(route);
            }
        }
        routes
    }

    fn middleware(&mut self, module: usize, loaded: &Loaded) -> Option<Guard> {
        let exports = self.exports(module);
        let Shape::Object(object) = &exports.shape else { return None };
        let names = ["middleware", "proxy", "default"];
        let names: Vec<_> = names.iter().map(|name| self.name(name)).collect();
        let value = names.iter().find_map(|name| object.fields.get(name)).cloned()?;
        let functions = match &value.shape {
            Shape::Function(closure) => {
                self.routes.saw(closure.function, &closure.scope);
                vec![closure.function]
            }
            _ => Vec::new(),
        };
        let text = value.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
        let span = functions.first().and_then(|one| Some(loaded.module().function(one.id)?.head));
        let name =
            if text.is_empty() { "middleware".to_owned() } else { text.trim_start_matches('~').to_owned() };
        Some(Guard {
            name,
            module,
            span: span.unwrap_or_default(),
            functions,
            class: None,
            below: String::new(),
        })
    }
}

/// `app/api/users/[id]/route` is `/api/users/{id}`.
fn handler_path(stem: &str) -> Option<String> {
    let folder = stem.strip_suffix("/route")?;
    let inside = behind(folder, "app")?;
    let parts = inside.split('/').filter(|part| !part.starts_with('(') && !part.starts_with('@'));
    Some(normal(&parts.collect::<Vec<_>>().join("/")))
}

/// `pages/api/users/[id]` is `/api/users/{id}`.
fn page_path(stem: &str) -> Option<String> {
    let inside = behind(stem, "pages")?;
    let inside = inside.strip_suffix("/index").unwrap_or(inside);
    (inside == "api" || inside.starts_with("api/")).then(|| normal(inside))
}

/// `app/(shop)/orders/page` is `/orders`.
fn shown_path(stem: &str) -> Option<String> {
    let folder = stem.strip_suffix("/page")?;
    let inside = if folder == "app" || folder.ends_with("/app") { "" } else { behind(folder, "app")? };
    let parts = inside.split('/').filter(|part| !part.starts_with('(') && !part.starts_with('@'));
    Some(normal(&parts.collect::<Vec<_>>().join("/")))
}

fn behind<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let start = format!("{folder}/");
    if let Some(rest) = path.strip_prefix(&start) {
        return Some(rest);
    }
    path.split_once(&format!("/{start}")).map(|(_, rest)| rest)
}

/// `export const config = { matcher: [...] }`.
fn matchers(loaded: &Loaded) -> Vec<String> {
    let body = loaded.module().functions.first().map(|code| code.body.as_slice()).unwrap_or_default();
    let mut found = Vec::new();
    for one in body {
        let StmtKind::Let { value: Some(Expr { kind: ExprKind::Object { entries, .. }, .. }), .. } =
            &one.kind
        else {
            continue;
        };
        for entry in entries {
            if let Entry::Pair(Key::Name(name), value) = entry
                && loaded.text(*name) == "matcher"
            {
                found.extend(texts(loaded, value));
            }
        }
    }
    found
}

/// Whether a matcher of middleware covers a path; one with a pattern in it may.
fn covers(matcher: &str, path: &str) -> bool {
    if matcher.contains('(') {
        // `/((?!api|_next).*)`: everything but these.
        let without = matcher.split_once("?!").map(|(_, rest)| rest.split(')').next().unwrap_or_default());
        return without.is_none_or(|without| {
            !without.split('|').any(|one| !one.is_empty() && path.trim_start_matches('/').starts_with(one))
        });
    }
    match matcher.split_once("/:") {
        Some((start, rest)) if rest.ends_with(['*', '+']) => {
            path == start || path.starts_with(&format!("{start}/"))
        }
        _ => normal(matcher) == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_paths() {
        assert_eq!(handler_path("src/app/(shop)/api/users/[id]/route").as_deref(), Some("/api/users/{id}"));
        assert_eq!(handler_path("app/route").as_deref(), None);
        assert_eq!(page_path("pages/api/users/index").as_deref(), Some("/api/users"));
        assert_eq!(page_path("web/src/pages/about"), None);
        assert_eq!(shown_path("src/app/(in)/orders/[id]/page").as_deref(), Some("/orders/{id}"));
        assert_eq!(shown_path("app/page").as_deref(), Some("/"));
        assert_eq!(shown_path("src/page"), None);
        assert!(covers("/api/:path*", "/api/users") && !covers("/dashboard/:path*", "/api/users"));
        assert!(!covers("/((?!api|_next/static).*)", "/api/users") && covers("/((?!_next).*)", "/api/users"));
    }
}
