//! Functions behind one address: resolvers of GraphQL, procedures of tRPC.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Call, Entry, Expr, ExprKind, FunctionId, Key, Pattern, Stmt, StmtKind, Symbol};

use super::assemble::{Guard, MOST, Route};
use crate::value::FunctionRef;
use crate::walk::{self, Visitor};
use crate::world::{Loaded, World};

/// Types of a graph whose fields are asked for by whoever asks.
const ROOTS: &[&str] = &["Query", "Mutation", "Subscription"];
/// Names of a first parameter that stands for the object a field is of.
const PARENTS: &[&str] =
    &["_", "__", "___", "_parent", "parent", "_root", "root", "rootValue", "_obj", "_source", "obj"];
/// How procedures of tRPC end.
const ENDS: &[(&str, &str)] = &[("query", "GET"), ("mutation", "POST"), ("subscription", "GET")];
/// Procedures that anybody may call.
const OPEN: &[&str] =
    &["publicprocedure", "baseprocedure", "procedure", "t", "openprocedure", "unprotectedprocedure"];
/// Calls in a chain.
const LONGEST: usize = 24;

/// What stands before a function: how the code names it, where, and its functions where they are written out.
type Before = (String, Span, Vec<FunctionId>);

/// One function, and what is written around it.
struct Found {
    name: String,
    method: &'static str,
    framework: &'static str,
    function: FunctionId,
    guards: Vec<Before>,
    parameters: Vec<Option<String>>,
}

struct Reader<'l> {
    loaded: &'l Loaded,
    found: Vec<Found>,
}

impl World<'_> {
    /// Routes that objects say by their keys.
    pub(crate) fn graph_routes(&mut self) -> Vec<Route> {
        let mut routes = Vec::new();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load(module) else { continue };
            let worth = loaded.language().is_script()
                && loaded.module().texts.iter().any(|text| {
                    ROOTS.contains(&text.as_ref()) || text.to_ascii_lowercase().ends_with("procedure")
                });
            if !worth || routes.len() >= MOST {
                continue;
            }
            let mut reader = Reader { loaded: &loaded, found: Vec::new() };
            for function in &loaded.module().functions {
                walk::function(function, &mut reader);
            }
            for found in reader.found {
                routes.push(self.graph_route(module, &loaded, found));
            }
        }
        routes
    }

    fn graph_route(&mut self, module: usize, loaded: &Rc<Loaded>, found: Found) -> Route {
        let handler = FunctionRef { module, id: found.function };
        let span = loaded.module().function(found.function).map(|function| function.head).unwrap_or_default();
        let guards = found.guards.into_iter().map(|(name, span, functions)| Guard {
            name,
            module,
            span,
            functions: functions.into_iter().map(|id| FunctionRef { module, id }).collect(),
            class: None,
            below: String::new(),
        });
        let folder = if found.framework == "graphql" { "graphql#" } else { "trpc/" };
        Route {
            method: found.method.to_owned(),
            path: format!("/{folder}{}", found.name),
            framework: found.framework.to_owned(),
            module,
            span,
            handler: Some(handler),
            class: None,
            name: found.name.rsplit('.').next().unwrap_or_default().to_owned(),
            parameters: found.parameters,
            guards: guards.collect(),
            within: Vec::new(),
        }
    }
}

impl Visitor for Reader<'_> {
    fn statement(&mut self, one: &Stmt) {
        // `export const Mutation = { … }`, a file of its own.
        if let StmtKind::Let { pattern: Pattern::Name(name, _), value: Some(value), .. } = &one.kind {
            self.resolvers(*name, value);
        }
    }

    fn expression(&mut self, one: &Expr) {
        let ExprKind::Object { entries, .. } = &one.kind else { return };
        for entry in entries {
            let Entry::Pair(Key::Name(name), value) = entry else { continue };
            self.resolvers(*name, value);
            if let ExprKind::Call(call) = &value.kind {
                self.procedure(*name, call);
            }
        }
    }
}

impl Reader<'_> {
    /// `Mutation: { remove: (parent, args, context) => … }`.
    fn resolvers(&mut self, root: Symbol, value: &Expr) {
        let root = self.loaded.text(root);
        let value = inner(value);
        let (true, ExprKind::Object { entries, .. }) = (ROOTS.contains(&root), &value.kind) else { return };
        let mut found = Vec::new();
        for entry in entries {
            let Entry::Pair(Key::Name(name), value) = entry else { continue };
            let (function, guards) = match &inner(value).kind {
                ExprKind::Function(id) => (*id, Vec::new()),
                // `combineResolvers(isAuthenticated, (parent, args) => …)`, `authenticated(…)`.
                ExprKind::Call(call) => match self.wrapped(call) {
                    Some(wrapped) => wrapped,
                    None => continue,
                },
                _ => continue,
            };
            found.push(Found {
                name: format!("{root}.{}", self.loaded.text(*name)),
                method: "POST",
                framework: "graphql",
                function,
                guards,
                parameters: vec![None, Some("@body".to_owned()), None],
            });
        }
        if found.iter().any(|one| self.resolves(one.function)) {
            self.found.extend(found);
        }
    }

    /// Whether its parameters are those of a resolver.
    fn resolves(&self, id: FunctionId) -> bool {
        let Some(function) = self.loaded.module().function(id) else { return false };
        let named = |at: usize| match function.params.get(at).map(|param| &param.pattern) {
            Some(Pattern::Name(name, _)) => Some(self.loaded.text(*name)),
            _ => None,
        };
        named(0).is_some_and(|first| PARENTS.contains(&first))
            || matches!(named(1), Some("args" | "_args" | "input"))
            || (function.params.len() >= 3 && matches!(named(2), Some("context" | "ctx" | "_context")))
    }

    /// The function that is given last, and what is given before it or given it to.
    fn wrapped(&self, call: &Call) -> Option<(FunctionId, Vec<Before>)> {
        let (last, before) = call.arguments.split_last()?;
        let ExprKind::Function(id) = &last.value.kind else { return None };
        let mut guards = Vec::new();
        let of = self.last_word(&call.callee).unwrap_or_default();
        if !matches!(of, "combineResolvers" | "compose" | "pipeResolvers" | "asyncHandler" | "wrap") {
            guards.push((of.to_owned(), call.callee.span, Vec::new()));
        }
        for one in before {
            let name = self.last_word(&one.value).unwrap_or_default().to_owned();
            let functions = match &one.value.kind {
                ExprKind::Function(id) => vec![*id],
                _ => Vec::new(),
            };
            guards.push((name, one.value.span, functions));
        }
        Some((*id, guards))
    }

    /// `protectedProcedure.input(…).mutation(({ ctx, input }) => …)`.
    fn procedure(&mut self, name: Symbol, call: &Call) {
        let ExprKind::Member { object, name: end } = &call.callee.kind else { return };
        let end = self.loaded.text(*end);
        let Some((_, method)) = ENDS.iter().find(|(word, _)| *word == end) else { return };
        let Some(argument) = call.arguments.first() else { return };
        let ExprKind::Function(function) = &argument.value.kind else { return };
        let (mut guards, mut is, mut at) = (Vec::new(), false, &**object);
        for _ in 0..LONGEST {
            match &at.kind {
                ExprKind::Call(inner) => {
                    let ExprKind::Member { object, name } = &inner.callee.kind else { break };
                    let given = inner.arguments.first().map(|one| &one.value);
                    match (self.loaded.text(*name), given) {
                        ("use", Some(given)) => {
                            let functions = match &given.kind {
                                ExprKind::Function(id) => vec![*id],
                                _ => Vec::new(),
                            };
                            let name = self.last_word(given).unwrap_or("use").to_owned();
                            guards.push((name, given.span, functions));
                        }
                        ("input", Some(given)) => {
                            guards.push(("input schema".to_owned(), given.span, Vec::new()))
                        }
                        _ => {}
                    }
                    at = object;
                }
                ExprKind::Member { object, name } => {
                    is |= self.is_base(*name, at.span, &mut guards);
                    at = object;
                }
                ExprKind::Name(name) => {
                    is |= self.is_base(*name, at.span, &mut guards);
                    break;
                }
                _ => break,
            }
        }
        if is {
            guards.reverse();
            let name = self.loaded.text(name).to_owned();
            let parameters = Vec::new();
            let (function, framework) = (*function, "trpc");
            self.found.push(Found { name, method, framework, function, guards, parameters });
        }
    }

    /// Whether a name is that of a procedure; where not everybody may call it, it is what stands before.
    fn is_base(&self, name: Symbol, span: Span, guards: &mut Vec<Before>) -> bool {
        let text = self.loaded.text(name);
        let lower = text.to_ascii_lowercase();
        if !lower.ends_with("procedure") {
            return false;
        }
        if !OPEN.contains(&lower.as_str()) {
            guards.push((text.to_owned(), span, Vec::new()));
        }
        true
    }

    fn last_word(&self, from: &Expr) -> Option<&str> {
        match &from.kind {
            ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(self.loaded.text(*name)),
            ExprKind::Call(call) => self.last_word(&call.callee),
            _ => None,
        }
    }
}

/// Without what only says of which type it is.
fn inner(from: &Expr) -> &Expr {
    match &from.kind {
        ExprKind::Cast { value, .. } => inner(value),
        _ => from,
    }
}
