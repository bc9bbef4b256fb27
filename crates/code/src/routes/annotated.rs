//! Controllers: classes that say by annotations what their methods answer. Spring, JAX-RS, NestJS, servlets.

use std::rc::Rc;

use gabion_syntax::tree::{Call, Class, ClassId, Entry, Expr, ExprKind, Function, FunctionId, Key};

use super::assemble::{Guard, MOST, Route};
use super::declared::{last_word, texts};
use super::normal::{joined, normal};
use crate::value::FunctionRef;
use crate::world::{Loaded, World};

/// Annotations of methods, and what they answer.
const METHODS: &[(&str, &str)] = &[
    ("All", "ANY"),
    ("Delete", "DELETE"),
    ("DeleteMapping", "DELETE"),
    ("Get", "GET"),
    ("GET", "GET"),
    ("DELETE", "DELETE"),
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("GetMapping", "GET"),
    ("Patch", "PATCH"),
    ("PatchMapping", "PATCH"),
    ("Post", "POST"),
    ("PostMapping", "POST"),
    ("Put", "PUT"),
    ("PutMapping", "PUT"),
    ("RequestMapping", "ANY"),
];
/// Annotations of classes that answer.
const CONTROLLERS: &[&str] = &["Controller", "Path", "RequestMapping", "RestController", "WebServlet"];
/// Interfaces that ask another server, in the same words.
const CLIENTS: &[&str] = &["FeignClient", "HttpExchange", "RegisterRestClient"];
/// Methods of servlets, and what they answer.
const SERVLET: &[(&str, &str)] = &[
    ("doDelete", "DELETE"),
    ("doGet", "GET"),
    ("doPatch", "PATCH"),
    ("doPost", "POST"),
    ("doPut", "PUT"),
    ("service", "ANY"),
];
/// What says that a module guards every route of its program.
const EVERYWHERE: &[&str] = &["HttpSecurity"];

impl World<'_> {
    /// Routes that annotations of classes say.
    pub(crate) fn annotated_routes(&mut self) -> Vec<Route> {
        let mut routes = Vec::new();
        let (application, filters) = self.application_of_resources();
        let (global, everywhere) = self.global_guards();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load(module) else { continue };
            let language = loaded.language();
            if !language.is_script() && language != gabion_syntax::Language::Java {
                continue;
            }
            for (class, at) in loaded.module().classes.iter().zip(0_u32..) {
                let controller = class.decorators.iter().find(|decorator| {
                    last_word(&loaded, decorator).is_some_and(|name| CONTROLLERS.contains(&name))
                });
                let is = |names: &[&str]| {
                    class
                        .decorators
                        .iter()
                        .any(|one| last_word(&loaded, one).is_some_and(|name| names.contains(&name)))
                };
                if controller.is_none() || routes.len() >= MOST || is(CLIENTS) {
                    continue;
                }
                let java = language == gabion_syntax::Language::Java;
                let framework = match () {
                    () if !java => "nest",
                    () if is(&["WebServlet"]) => "servlet",
                    () if is(&["Path"]) => "jaxrs",
                    () => "spring",
                };
                let paths = class.decorators.iter().filter_map(|one| path_of(&loaded, one));
                let mut prefix = paths.into_iter().next().unwrap_or_default();
                match framework {
                    "jaxrs" => prefix = joined(&application, &prefix),
                    "nest" => prefix = joined(&global, &prefix),
                    _ => {}
                }
                let mut guards = match framework {
                    "nest" => everywhere.clone(),
                    "jaxrs" => filters.clone(),
                    _ => Vec::new(),
                };
                guards.extend(self.annotations(&loaded, module, &class.decorators));
                if framework == "servlet" {
                    routes.extend(self.servlet(&loaded, module, class, &prefix, &guards));
                    continue;
                }
                for id in &class.methods {
                    let Some(function) = loaded.module().function(*id) else { continue };
                    routes.extend(self.annotated(
                        &loaded,
                        module,
                        (ClassId(at), *id),
                        function,
                        (&prefix, framework),
                        &guards,
                    ));
                }
            }
        }
        routes
    }

    fn annotated(
        &mut self,
        loaded: &Loaded,
        module: usize,
        (_, id): (ClassId, FunctionId),
        function: &Function,
        (prefix, framework): (&str, &str),
        guards: &[Guard],
    ) -> Vec<Route> {
        let mut routes = Vec::new();
        for decorator in &function.decorators {
            let Some(name) = last_word(loaded, decorator) else { continue };
            let Some((_, method)) = METHODS.iter().find(|(own, _)| *own == name) else { continue };
            let also = function.decorators.iter().find(|one| last_word(loaded, one) == Some("Path"));
            let path = path_of(loaded, decorator).or_else(|| also.and_then(|one| path_of(loaded, one)));
            let path = normal(&joined(prefix, &path.unwrap_or_default()));
            let mut methods = requested(loaded, decorator);
            if methods.is_empty() {
                methods.push((*method).to_owned());
            }
            let mut all = guards.to_vec();
            all.extend(self.annotations(loaded, module, &function.decorators));
            let handler = FunctionRef { module, id };
            if let Some(scope) = self.routes.modules.get(&module).map(Rc::clone) {
                self.routes.saw(handler, &scope);
            }
            for method in methods {
                routes.push(Route {
                    method,
                    path: path.clone(),
                    framework: framework.to_owned(),
                    module,
                    span: decorator.span,
                    handler: Some(handler),
                    class: None,
                    name: function.name.map(|name| loaded.text(name).to_owned()).unwrap_or_default(),
                    parameters: function.params.iter().map(|param| brought(loaded, param)).collect(),
                    guards: all.clone(),
                    within: Vec::new(),
                });
            }
        }
        routes
    }

    /// `@WebServlet("/x")`: each method that is called as a method of requests is.
    fn servlet(
        &mut self,
        loaded: &Loaded,
        module: usize,
        class: &Class,
        path: &str,
        guards: &[Guard],
    ) -> Vec<Route> {
        let mut routes = Vec::new();
        for id in &class.methods {
            let Some(function) = loaded.module().function(*id) else { continue };
            let name = function.name.map(|name| loaded.text(name)).unwrap_or_default();
            let Some((_, method)) = SERVLET.iter().find(|(own, _)| *own == name) else { continue };
            let handler = FunctionRef { module, id: *id };
            if let Some(scope) = self.routes.modules.get(&module).map(Rc::clone) {
                self.routes.saw(handler, &scope);
            }
            let mut guards = guards.to_vec();
            guards.extend(self.annotations(loaded, module, &function.decorators));
            routes.push(Route {
                method: (*method).to_owned(),
                path: normal(path),
                framework: "servlet".to_owned(),
                module,
                span: function.head,
                handler: Some(handler),
                class: None,
                name: name.to_owned(),
                parameters: Vec::new(),
                guards,
                within: Vec::new(),
            });
        }
        routes
    }

    /// Annotations as guards: what they name, or what is given to `UseGuards`.
    fn annotations(&mut self, loaded: &Loaded, module: usize, decorators: &[Expr]) -> Vec<Guard> {
        let mut guards = Vec::new();
        for decorator in decorators {
            let Some(name) = last_word(loaded, decorator) else { continue };
            if CONTROLLERS.contains(&name) || METHODS.iter().any(|(own, _)| *own == name) {
                continue;
            }
            let named: Vec<&Expr> = match &decorator.kind {
                ExprKind::Call(call) if name == "UseGuards" => {
                    call.arguments.iter().map(|argument| &argument.value).collect()
                }
                _ => vec![decorator],
            };
            for from in named {
                let scope = self.routes.modules.get(&module).cloned().unwrap_or_default();
                let mut name = self.written(loaded, &scope, &|_| None, from).unwrap_or_default();
                if let ExprKind::Call(call) = &from.kind {
                    let inside = call.arguments.iter().flat_map(|one| texts(loaded, &one.value));
                    let inside = inside.filter(|text| !name.ends_with(&format!("({text})")));
                    name = format!("{name} {}", inside.collect::<Vec<_>>().join(" "));
                }
                if name.contains("permitAll()") {
                    "PermitAll".clone_into(&mut name);
                }
                let value = match &from.kind {
                    ExprKind::Name(symbol) => scope.get(loaded.name(*symbol)),
                    _ => None,
                };
                let class = match value.map(|value| value.shape) {
                    Some(crate::value::Shape::Class(class)) => Some((class.module, class.id)),
                    _ => None,
                };
                let (span, functions) = (from.span, Vec::new());
                let name = name.trim().to_owned();
                guards.push(Guard { name, module, span, functions, class, below: String::new() });
            }
        }
        guards
    }

    /// Functions of modules that guard everything: `HttpSecurity`, `APP_GUARD`.
    pub(crate) fn everywhere(&mut self) -> Vec<FunctionRef> {
        let mut functions = Vec::new();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load(module) else { continue };
            let texts = &loaded.module().texts;
            if texts.iter().any(|text| EVERYWHERE.contains(&text.as_ref())) {
                let ids = (0_u32..).zip(&loaded.module().functions).take(64);
                functions.extend(ids.map(|(id, _)| FunctionRef { module, id: FunctionId(id) }));
            }
            if functions.len() > 256 {
                break;
            }
        }
        functions
    }
}

fn argument<'c>(loaded: &Loaded, call: &'c Call, names: &[&str]) -> Option<&'c Expr> {
    let fits = |name: Option<&str>| name.is_none_or(|name| names.contains(&name));
    let found = call.arguments.iter().find(|one| fits(one.name.map(|name| loaded.text(name))));
    found.map(|one| &one.value)
}

fn path_of(loaded: &Loaded, decorator: &Expr) -> Option<String> {
    let ExprKind::Call(call) = &decorator.kind else { return None };
    let name = last_word(loaded, decorator)?;
    if !CONTROLLERS.contains(&name) && !METHODS.iter().any(|(own, _)| *own == name) {
        return None;
    }
    let given = argument(loaded, call, &["value", "path", "urlPatterns"])?;
    match &given.kind {
        ExprKind::Member { .. } => None,
        // `@Controller({ path: 'users' })`.
        ExprKind::Object { entries, .. } => entries.iter().find_map(|entry| match entry {
            Entry::Pair(Key::Name(name), value) if loaded.text(*name) == "path" => {
                texts(loaded, value).into_iter().next()
            }
            _ => None,
        }),
        _ => texts(loaded, given).into_iter().next(),
    }
}

/// `@RequestMapping(method = RequestMethod.POST)`.
fn requested(loaded: &Loaded, decorator: &Expr) -> Vec<String> {
    let ExprKind::Call(call) = &decorator.kind else { return Vec::new() };
    let named = call.arguments.iter().find(|one| one.name.is_some_and(|name| loaded.text(name) == "method"));
    named.map(|one| texts(loaded, &one.value)).unwrap_or_default()
}

/// What a parameter brings, by its annotation or type.
fn brought(loaded: &Loaded, param: &gabion_syntax::tree::Param) -> Option<String> {
    let gabion_syntax::tree::Pattern::Name(symbol, _) = &param.pattern else { return None };
    let own = loaded.text(*symbol);
    let of_type = param.of_type.as_ref().map(|of_type| loaded.text(of_type.path)).unwrap_or_default();
    for decorator in &param.decorators {
        let given = match &decorator.kind {
            ExprKind::Call(call) => argument(loaded, call, &["value", "name"]),
            _ => None,
        };
        let given = given.and_then(|given| texts(loaded, given).into_iter().next());
        let field = |from: &str| format!("@{from}.{}", given.clone().unwrap_or_else(|| own.to_owned()));
        return Some(match last_word(loaded, decorator)? {
            "Body" if given.is_some() => field("body"),
            "Body" | "RequestBody" if of_type.ends_with("Dto") || of_type.ends_with("DTO") => {
                "@model".to_owned()
            }
            "Body" => "@body".to_owned(),
            "RequestBody" | "ModelAttribute" => "@model".to_owned(),
            "Param" | "PathVariable" | "PathParam" => field("path"),
            "Query" | "RequestParam" | "QueryParam" => field("query"),
            "Headers" | "RequestHeader" | "HeaderParam" => field("header"),
            "CookieValue" | "CookieParam" => field("cookie"),
            "UploadedFile" | "UploadedFiles" => field("file"),
            "AuthenticationPrincipal" | "CurrentUser" | "GetUser" | "User" | "AuthUser" => {
                "request.user".to_owned()
            }
            "Valid" | "Validated" => continue,
            _ => return None,
        });
    }
    matches!(of_type.rsplit('.').next(), Some("Principal" | "Authentication" | "UserDetails" | "OidcUser"))
        .then(|| "request.user".to_owned())
}
