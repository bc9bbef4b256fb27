//! Classes whose methods answer: views of Django and its REST framework, resources.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Expr, ExprKind};

use super::assemble::Route;
use crate::value::{ClassValue, FunctionRef, Shape};
use crate::world::World;

/// Methods of a class that answer the method of their name.
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];
/// Methods of a set of views: name, method, whether it is of one object.
const ACTIONS: &[(&str, &str, bool)] = &[
    ("list", "GET", false),
    ("create", "POST", false),
    ("retrieve", "GET", true),
    ("update", "PUT", true),
    ("partial_update", "PATCH", true),
    ("destroy", "DELETE", true),
];
/// Words in the names of views that answer without a line of code, and what they answer.
const GENERIC: &[(&str, &[&str])] = &[
    ("List", &["GET"]),
    ("Detail", &["GET"]),
    ("Template", &["GET"]),
    ("Retrieve", &["GET"]),
    ("Create", &["POST"]),
    ("Form", &["POST"]),
    ("Update", &["PUT", "PATCH", "POST"]),
    ("Destroy", &["DELETE"]),
    ("Delete", &["POST"]),
];
/// Classes above a class.
const ANCESTORS: usize = 8;

impl World<'_> {
    /// A class and those of the tree above it.
    pub(crate) fn lineage(&self, class: &Rc<ClassValue>) -> Vec<Rc<ClassValue>> {
        let mut all = vec![Rc::clone(class)];
        let mut at = 0;
        while let Some(one) = all.get(at).cloned() {
            at = at.saturating_add(1);
            for base in &one.bases {
                if let Shape::Class(base) = &base.shape
                    && all.len() < ANCESTORS
                    && !all.iter().any(|own| (own.module, own.id) == (base.module, base.id))
                {
                    all.push(Rc::clone(base));
                }
            }
        }
        all
    }

    /// The method of a class, or of one above it.
    pub(crate) fn method_named(&mut self, lineage: &[Rc<ClassValue>], wanted: &str) -> Option<FunctionRef> {
        for class in lineage {
            let Some(loaded) = self.load(class.module) else { continue };
            let Some(tree) = loaded.module().class(class.id) else { continue };
            for id in &tree.methods {
                let name = loaded.module().function(*id).and_then(|function| function.name);
                if name.is_some_and(|name| loaded.text(name) == wanted) {
                    return Some(FunctionRef { module: class.module, id: *id });
                }
            }
        }
        None
    }

    /// Whether nothing but Django and this program is above a class.
    pub(crate) fn is_of_framework(&mut self, class: &Rc<ClassValue>) -> bool {
        let bases: Vec<_> = self.lineage(class).iter().flat_map(|one| one.bases.clone()).collect();
        let outside: Vec<_> = bases.iter().filter(|base| !matches!(base.shape, Shape::Class(_))).collect();
        !outside.is_empty()
            && outside.iter().all(|base| {
                let text = base.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
                text.starts_with("django.") || text.starts_with("rest_framework.")
            })
    }

    /// Last words of the names of the classes of libraries above.
    fn library_names(&mut self, lineage: &[Rc<ClassValue>]) -> Vec<String> {
        let mut names = Vec::new();
        for class in lineage {
            for base in &class.bases {
                if let Some(origin) = base.origin {
                    let text = self.text_of(origin);
                    names.push(text.rsplit(['.', '~']).next().unwrap_or_default().to_owned());
                }
            }
        }
        names
    }

    /// A class answers at a path: with each of its methods that is called as a method of requests is.
    pub(crate) fn class_routes(&mut self, class: &Rc<ClassValue>, route: &Route) -> Vec<Route> {
        let lineage = self.lineage(class);
        let names = self.library_names(&lineage);
        let own = |method: &str, path: &str, handler: Option<FunctionRef>, name: &str| Route {
            method: method.to_owned(),
            path: path.to_owned(),
            handler,
            name: name.to_owned(),
            class: Some(Rc::clone(class)),
            ..route.clone()
        };
        let mut routes = Vec::new();
        if names.iter().any(|name| name.ends_with("ViewSet")) {
            let model = names.iter().any(|name| name == "ModelViewSet");
            let read = model || names.iter().any(|name| name == "ReadOnlyModelViewSet");
            let one = format!("{}/{{id}}", route.path.trim_end_matches('/'));
            for (name, method, of_one) in ACTIONS {
                let handler = self.method_named(&lineage, name);
                if handler.is_some() || model || (read && *method == "GET") {
                    routes.push(own(method, if *of_one { &one } else { &route.path }, handler, name));
                }
            }
            routes.extend(self.extra_actions(&lineage, route, &one));
            return routes;
        }
        for name in METHODS {
            if let Some(handler) = self.method_named(&lineage, name) {
                routes.push(own(&name.to_uppercase(), &route.path, Some(handler), name));
            }
        }
        if routes.is_empty() {
            for name in names.iter().filter(|name| name.ends_with("View")) {
                for (word, methods) in GENERIC.iter().filter(|(word, _)| name.contains(word)) {
                    let of_form = !name.ends_with("APIView");
                    for method in
                        methods.iter().filter(|method| !(of_form && matches!(**method, "PUT" | "PATCH")))
                    {
                        let handler = self
                            .method_named(&lineage, if of_form { "form_valid" } else { "perform_create" });
                        routes.push(own(method, &route.path, handler, word));
                    }
                }
            }
        }
        routes
    }

    /// `@action(detail=True, methods=["post"])`.
    fn extra_actions(&mut self, lineage: &[Rc<ClassValue>], route: &Route, one: &str) -> Vec<Route> {
        let mut routes = Vec::new();
        for class in lineage {
            let Some(loaded) = self.load(class.module) else { continue };
            let Some(tree) = loaded.module().class(class.id) else { continue };
            for id in &tree.methods {
                let Some(function) = loaded.module().function(*id) else { continue };
                let name = function.name.map(|name| loaded.text(name)).unwrap_or_default();
                for decorator in &function.decorators {
                    let ExprKind::Call(call) = &decorator.kind else { continue };
                    if last_word(&loaded, &call.callee) != Some("action") {
                        continue;
                    }
                    let named = |wanted: &str| {
                        call.arguments
                            .iter()
                            .find(|one| one.name.is_some_and(|name| loaded.text(name) == wanted))
                    };
                    let of_one =
                        named("detail").is_some_and(|one| matches!(one.value.kind, ExprKind::Bool(true)));
                    let mut methods =
                        named("methods").map(|one| texts(&loaded, &one.value)).unwrap_or_default();
                    if methods.is_empty() {
                        methods.push("GET".to_owned());
                    }
                    let start = if of_one { one } else { route.path.trim_end_matches('/') };
                    for method in methods {
                        let mut guards = route.guards.clone();
                        guards.extend(self.decorators_below(
                            FunctionRef { module: class.module, id: *id },
                            Span::default(),
                        ));
                        routes.push(Route {
                            method: method.to_uppercase(),
                            path: format!("{start}/{name}"),
                            handler: Some(FunctionRef { module: class.module, id: *id }),
                            name: name.to_owned(),
                            class: Some(Rc::clone(class)),
                            guards,
                            ..route.clone()
                        });
                    }
                }
            }
        }
        routes
    }

    /// Methods that decorators allow: `@require_POST`, `@api_view(["GET"])`.
    pub(crate) fn decorated_methods(&mut self, handler: FunctionRef) -> Option<Vec<String>> {
        let loaded = self.load(handler.module)?;
        let function = loaded.module().function(handler.id)?;
        function.decorators.iter().find_map(|decorator| {
            let (callee, call) = match &decorator.kind {
                ExprKind::Call(call) => (&*call.callee, Some(call)),
                _ => (decorator, None),
            };
            match last_word(&loaded, callee)? {
                "require_POST" => Some(vec!["POST".to_owned()]),
                "require_GET" | "require_safe" => Some(vec!["GET".to_owned()]),
                "api_view" | "require_http_methods" => {
                    let list = call?.arguments.first().map(|first| texts(&loaded, &first.value));
                    Some(list.unwrap_or_else(|| vec!["GET".to_owned()]))
                }
                _ => None,
            }
        })
    }

    /// Routes that classes and files say.
    pub(crate) fn declared_routes(&mut self) -> Vec<Route> {
        let mut routes = self.annotated_routes();
        routes.extend(self.placed_routes());
        routes.extend(self.graph_routes());
        routes
    }
}

/// The last word of a name or member.
pub(crate) fn last_word<'l>(loaded: &'l crate::world::Loaded, from: &Expr) -> Option<&'l str> {
    match &from.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(loaded.text(*name)),
        ExprKind::Call(call) => last_word(loaded, &call.callee),
        _ => None,
    }
}

/// Constant texts: one, or those of a list.
pub(crate) fn texts(loaded: &crate::world::Loaded, from: &Expr) -> Vec<String> {
    match &from.kind {
        ExprKind::String(text) => vec![loaded.text(*text).to_owned()],
        ExprKind::List { items, .. } => items.iter().flat_map(|item| texts(loaded, item)).collect(),
        ExprKind::Member { name, .. } => vec![loaded.text(*name).to_owned()],
        _ => Vec::new(),
    }
}
