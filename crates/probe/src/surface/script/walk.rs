//! Every function of a script, and what it calls.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use gabion_syntax::tree::{
    Call, Entry, Export, Expr, ExprKind, Module, Part, Pattern, Stmt, StmtKind, Switch, Symbol,
};
use serde_json::Value;

use super::fold::{Fold, Known, name_of};
use super::{Asked, CALLS, MOST, Told, literal, path_of};

/// Functions that are called with an address.
const FETCHES: &[&str] =
    &["fetch", "$fetch", "ofetch", "ky", "axios", "request", "apiFetch", "authFetch", "fetchJson"];
/// Methods that are called as those of HTTP are.
const METHODS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("getJSON", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("del", "DELETE"),
    ("head", "HEAD"),
    ("sendBeacon", "POST"),
    ("$get", "GET"),
    ("$post", "POST"),
    ("$put", "PUT"),
    ("$patch", "PATCH"),
    ("$delete", "DELETE"),
    ("fetch", "GET"),
    ("load", "GET"),
];
/// What an object of a route has beside its path.
const ROUTE: &[&str] = &[
    "component",
    "components",
    "element",
    "Component",
    "children",
    "loadChildren",
    "loadComponent",
    "redirectTo",
    "lazy",
    "canActivate",
    "canMatch",
    "beforeEnter",
    "render",
    "exact",
    "pathMatch",
    "loader",
    "errorElement",
];
/// How deep routes stand in routes.
const DEEPEST: usize = 8;

pub(super) fn walk<'m>(module: &'m Module, told: &mut Told) {
    let mut known = Known::default();
    for class in module.classes.iter().enumerate() {
        let Ok(id) = u32::try_from(class.0) else { break };
        for field in &class.1.fields {
            if let Some(value) = &field.value {
                known.fields.insert((gabion_syntax::tree::ClassId(id), field.name), value);
            }
        }
    }
    let mut seen: Vec<&'m Expr> = Vec::new();
    let mut bodies: Vec<(Option<gabion_syntax::tree::ClassId>, Vec<&'m Expr>, Names<'m>)> = Vec::new();
    for function in &module.functions {
        seen.clear();
        let mut names = Names::new();
        let mut reader = Reader { out: &mut seen, names: &mut names };
        function.body.iter().for_each(|stmt| reader.stmt(stmt));
        function.decorators.iter().for_each(|expr| reader.expr(expr));
        for expr in &seen {
            note(module, function.class, expr, &mut known);
        }
        bodies.push((function.class, seen.clone(), names));
    }
    for (at, class) in module.classes.iter().enumerate() {
        seen.clear();
        let mut names = Names::new();
        let mut reader = Reader { out: &mut seen, names: &mut names };
        class.body.iter().for_each(|stmt| reader.stmt(stmt));
        class.fields.iter().filter_map(|field| field.value.as_ref()).for_each(|expr| reader.expr(expr));
        let id = u32::try_from(at).ok().map(gabion_syntax::tree::ClassId);
        bodies.push((id, seen.clone(), names));
    }
    known.top = bodies.first().map(|(_, _, names)| names.clone()).unwrap_or_default();
    for (class, exprs, names) in bodies {
        known.own = names;
        let fold = Fold { module, known: &known, class };
        for expr in exprs {
            look(&fold, expr, told);
        }
    }
}

/// What names of one function stand for; nothing where they stand for several things.
type Names<'m> = HashMap<Symbol, Option<&'m Expr>>;

/// Fields that are set, and members that have one value.
fn note<'m>(
    module: &Module,
    class: Option<gabion_syntax::tree::ClassId>,
    expr: &'m Expr,
    known: &mut Known<'m>,
) {
    match &expr.kind {
        ExprKind::Assign { target, value, .. } => {
            if let Pattern::Place(place) = &**target
                && let ExprKind::Member { object, name } = &place.kind
                && matches!(object.kind, ExprKind::This)
                && let Some(class) = class
            {
                known.fields.entry((class, *name)).or_insert(value);
            }
        }
        ExprKind::Object { entries, .. } => {
            for entry in entries {
                let Entry::Pair(gabion_syntax::tree::Key::Name(name), value) = entry else { continue };
                if !matches!(value.kind, ExprKind::String(_) | ExprKind::Template { .. }) {
                    continue;
                }
                // Short names are those of a minifier, or mean many things.
                if module.text(*name).len() < 3 {
                    continue;
                }
                match known.members.entry(*name) {
                    Slot::Vacant(slot) => {
                        slot.insert(Some(value));
                    }
                    Slot::Occupied(mut slot) => {
                        if slot.get().is_some_and(|own| own.kind != value.kind) {
                            slot.insert(None);
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// What one expression asks for.
fn look(fold: &Fold<'_, '_>, expr: &Expr, told: &mut Told) {
    match &expr.kind {
        ExprKind::Call(call) => call_of(fold, call, told),
        ExprKind::Object { entries, .. } => {
            described(fold, entries, told);
            routes(fold, entries, "", 0, told);
        }
        ExprKind::String(_) | ExprKind::Template { .. } | ExprKind::Binary { .. } => {
            let text = fold.text(expr);
            if text.len() <= 20_000 {
                literal(&text, told);
            }
        }
        _ => {}
    }
}

fn call_of(fold: &Fold<'_, '_>, call: &Call, told: &mut Told) {
    let name = match &call.callee.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => fold.module.text(*name),
        _ => return,
    };
    let arguments: Vec<&Expr> = call.arguments.iter().map(|argument| &argument.value).collect();
    let Some(first) = arguments.first() else { return };
    let second = arguments.get(1).copied();
    let member = matches!(call.callee.kind, ExprKind::Member { .. });
    match name {
        "WebSocket" | "EventSource" if call.new => {
            let text = fold.text(first);
            let text = match text.split_once("://") {
                Some((_, rest)) => {
                    rest.split_once('/').map(|(_, path)| format!("/{path}")).unwrap_or_default()
                }
                None => text,
            };
            take(&text, "GET", &[], Vec::new(), name == "WebSocket", told);
        }
        "open" if member => {
            let method = fold.text(first).to_ascii_uppercase();
            if METHODS.iter().any(|(_, own)| *own == method)
                && let Some(address) = second
            {
                take(&fold.text(address), &method, &[], Vec::new(), false, told);
            }
        }
        "request" if member && second.is_some() => {
            let method = fold.text(first).to_ascii_uppercase();
            if let Some(address) = second.filter(|_| METHODS.iter().any(|(_, own)| *own == method)) {
                let body = arguments.get(2).and_then(|options| member_of(fold, options, &["body", "data"]));
                take(&fold.text(address), &method, &[], fields(fold, body), false, told);
            }
        }
        name if FETCHES.contains(&name) => {
            let text = fold.text(first);
            let method = second
                .and_then(|options| member_of(fold, options, &["method"]))
                .map_or_else(|| "GET".to_owned(), |method| fold.text(method).to_ascii_uppercase());
            let method = if method.starts_with('{') { "POST".to_owned() } else { method };
            let body = second.and_then(|options| member_of(fold, options, &["body", "data", "json"]));
            take(&text, &method, &query(fold, second), fields(fold, body), false, told);
        }
        name if member => {
            let Some((_, method)) = METHODS.iter().find(|(own, _)| *own == name) else { return };
            let bodied = matches!(*method, "POST" | "PUT" | "PATCH");
            let body = second.filter(|_| bodied);
            let options = if bodied { arguments.get(2).copied() } else { second };
            take(&fold.text(first), method, &query(fold, options), fields(fold, body), false, told);
        }
        _ => {}
    }
}

/// An object that has an address and a method: what clients take as their only argument.
fn described(fold: &Fold<'_, '_>, entries: &[Entry], told: &mut Told) {
    let find = |names: &[&str]| {
        entries.iter().find_map(|entry| match entry {
            Entry::Pair(key, value) if names.contains(&name_of(fold.module, key)?) => Some(value),
            _ => None,
        })
    };
    let Some(address) = find(&["url", "uri", "endpoint", "baseURL"]) else { return };
    let Some(method) = find(&["method", "type", "verb"]) else { return };
    let method = fold.text(method).to_ascii_uppercase();
    if METHODS.iter().any(|(_, own)| *own == method) {
        take(&fold.text(address), &method, &[], fields(fold, find(&["data", "body", "json"])), false, told);
    }
}

/// A table of routes.
fn routes(fold: &Fold<'_, '_>, entries: &[Entry], before: &str, depth: usize, told: &mut Told) {
    let (mut path, mut route, mut children) = (None, false, None);
    for entry in entries {
        let Entry::Pair(key, value) = entry else { continue };
        let Some(name) = name_of(fold.module, key) else { continue };
        match (name, &value.kind) {
            ("path", ExprKind::String(_) | ExprKind::Template { .. } | ExprKind::Binary { .. }) => {
                path = Some(fold.text(value));
            }
            ("children", ExprKind::List { items, .. }) => {
                (route, children) = (true, Some(items));
            }
            (name, _) => route |= ROUTE.contains(&name),
        }
    }
    let Some(path) = path.filter(|_| route && depth <= DEEPEST) else { return };
    let relative = !path.starts_with('/') && before.is_empty();
    let whole = if path.starts_with('/') { path } else { format!("{}/{path}", before.trim_end_matches('/')) };
    if let Some((view, _)) = path_of(whole.trim_end_matches('/'))
        && !view.contains('*')
        && told.views.len() < MOST
    {
        if relative {
            told.relative.insert(view.clone());
        }
        told.views.insert(view);
    }
    for child in children.into_iter().flatten() {
        if let ExprKind::Object { entries, .. } = &child.kind {
            routes(fold, entries, &whole, depth.saturating_add(1), told);
        }
    }
}

fn member_of<'a>(fold: &'a Fold<'_, '_>, options: &'a Expr, names: &[&str]) -> Option<&'a Expr> {
    fold.object(options)?.iter().find_map(|entry| match entry {
        Entry::Pair(key, value) if names.contains(&name_of(fold.module, key)?) => Some(value),
        _ => None,
    })
}

/// Names of a query that stand in the options of a call.
fn query(fold: &Fold<'_, '_>, options: Option<&Expr>) -> Vec<String> {
    let params = options.and_then(|options| member_of(fold, options, &["params", "query", "searchParams"]));
    let entries = params.and_then(|params| fold.object(params)).unwrap_or_default();
    let names = entries.iter().filter_map(|entry| match entry {
        Entry::Pair(key, _) => name_of(fold.module, key).map(str::to_owned),
        Entry::Spread(_) => None,
    });
    names.take(30).collect()
}

/// Fields of a body, `JSON.stringify` taken off.
fn fields(fold: &Fold<'_, '_>, body: Option<&Expr>) -> Vec<(String, Value)> {
    let Some(mut body) = body else { return Vec::new() };
    if let ExprKind::Call(call) = &body.kind
        && let ExprKind::Member { name, .. } = &call.callee.kind
        && fold.module.text(*name) == "stringify"
        && let Some(first) = call.arguments.first()
    {
        body = &first.value;
    }
    let entries = fold.object(body).unwrap_or_default();
    let all = entries.iter().filter_map(|entry| {
        let Entry::Pair(key, value) = entry else { return None };
        let value = match &value.kind {
            ExprKind::String(text) => Value::from(fold.module.text(*text)),
            ExprKind::Number(number) if number.fract() == 0.0 => Value::from(*number as i64),
            ExprKind::Number(number) => Value::from(*number),
            ExprKind::Bool(bool) => Value::Bool(*bool),
            _ => Value::Null,
        };
        Some((name_of(fold.module, key)?.to_owned(), value))
    });
    all.take(50).collect()
}

fn take(
    text: &str,
    method: &str,
    query: &[String],
    body: Vec<(String, Value)>,
    websocket: bool,
    told: &mut Told,
) {
    // An address of a server that is written out is another one, unless it is this one: who asks knows.
    let text = match text.split_once("://") {
        Some((scheme, rest)) if matches!(scheme, "http" | "https") && !rest.starts_with('{') => return,
        Some((_, rest)) => rest,
        None => text,
    };
    let known = METHODS.iter().any(|(_, own)| *own == method) || method == "OPTIONS";
    let Some((path, mut names)) = path_of(text).filter(|_| known && told.calls.len() < CALLS) else { return };
    names.extend(query.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    let asked = Asked { method: method.to_owned(), path, query: names, body, websocket };
    let same = |own: &&mut Asked| own.method == asked.method && own.path == asked.path;
    match told.calls.iter_mut().find(same) {
        Some(own) => {
            own.query
                .extend(asked.query.into_iter().filter(|name| !own.query.contains(name)).collect::<Vec<_>>());
            if own.body.is_empty() {
                own.body = asked.body;
            }
        }
        None => told.calls.push(asked),
    }
}

/// Every expression of one function, those of functions inside of it not among them.
struct Reader<'a, 'm> {
    out: &'a mut Vec<&'m Expr>,
    names: &'a mut Names<'m>,
}

impl<'m> Reader<'_, 'm> {
    fn all(&mut self, stmts: &'m [Stmt]) {
        stmts.iter().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &'m Stmt) {
        match &stmt.kind {
            StmtKind::Assert(expr) | StmtKind::Expr(expr) | StmtKind::Defer(expr) => self.expr(expr),
            StmtKind::Block(body) | StmtKind::Labeled { body, .. } => self.all(body),
            StmtKind::Delete(all) => all.iter().for_each(|expr| self.expr(expr)),
            StmtKind::Each { over, body, .. } => {
                self.expr(over);
                self.all(body);
            }
            StmtKind::Export(Export::Default(expr)) => self.expr(expr),
            StmtKind::For { init, condition, update, body } => {
                self.all(init);
                condition.iter().chain(update).for_each(|expr| self.expr(expr));
                self.all(body);
            }
            StmtKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.all(then);
                self.all(otherwise);
            }
            StmtKind::Let { pattern, value: Some(value), .. } => {
                if let Pattern::Name(name, _) = pattern {
                    self.bind(*name, value);
                }
                self.expr(value);
            }
            StmtKind::Return(value) | StmtKind::Throw(value) => value.iter().for_each(|expr| self.expr(expr)),
            StmtKind::Switch(switch) => self.switch(switch),
            StmtKind::Try { body, catches, otherwise, finally } => {
                self.all(body);
                catches.iter().for_each(|catch| self.all(&catch.body));
                self.all(otherwise);
                self.all(finally);
            }
            StmtKind::While { condition, body, .. } => {
                self.expr(condition);
                self.all(body);
            }
            StmtKind::With { items, body } => {
                items.iter().for_each(|(expr, _)| self.expr(expr));
                self.all(body);
            }
            _ => {}
        }
    }

    fn bind(&mut self, name: Symbol, value: &'m Expr) {
        match self.names.entry(name) {
            Slot::Vacant(slot) => {
                slot.insert(Some(value));
            }
            Slot::Occupied(mut slot) => {
                slot.insert(None);
            }
        }
    }

    fn switch(&mut self, switch: &'m Switch) {
        switch.subject.iter().for_each(|expr| self.expr(expr));
        for case in &switch.cases {
            case.guard.iter().chain(&case.value).for_each(|expr| self.expr(expr));
            self.all(&case.body);
        }
    }

    fn expr(&mut self, expr: &'m Expr) {
        self.out.push(expr);
        match &expr.kind {
            ExprKind::Assign { target, value, .. } => {
                if let Pattern::Name(name, _) = &**target {
                    self.bind(*name, value);
                }
                self.expr(value);
            }
            // Only whole: their halves are no paths.
            ExprKind::Binary { left, right, .. } => {
                self.half(left);
                self.half(right);
            }
            ExprKind::Logical { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Block { body, value } => {
                self.all(body);
                value.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::Call(call) => {
                self.expr(&call.callee);
                call.arguments.iter().for_each(|argument| self.expr(&argument.value));
            }
            ExprKind::Await(value)
            | ExprKind::Cast { value, .. }
            | ExprKind::Reference(value)
            | ExprKind::Spread(value)
            | ExprKind::Unary { operand: value, .. }
            | ExprKind::TypeTest { value, .. }
            | ExprKind::Member { object: value, .. } => self.expr(value),
            ExprKind::Conditional { condition, then, otherwise } => {
                self.expr(condition);
                self.expr(then);
                otherwise.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::Index { object, index } => {
                self.expr(object);
                self.expr(index);
            }
            ExprKind::Jsx(jsx) => {
                jsx.attributes.iter().for_each(|(_, expr)| self.expr(expr));
                jsx.children.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::List { items: all, .. } | ExprKind::Sequence(all) | ExprKind::Unknown(all) => {
                all.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::Object { entries, .. } => {
                for entry in entries {
                    let (Entry::Pair(_, value) | Entry::Spread(value)) = entry;
                    self.expr(value);
                }
            }
            ExprKind::Template { parts, .. } => {
                for part in parts {
                    if let Part::Value(value) = part {
                        self.expr(value);
                    }
                }
            }
            ExprKind::Switch(switch) => self.switch(switch),
            ExprKind::Yield(value) => value.iter().for_each(|expr| self.expr(expr)),
            _ => {}
        }
    }

    fn half(&mut self, expr: &'m Expr) {
        match &expr.kind {
            ExprKind::String(_) => {}
            ExprKind::Binary { left, right, .. } => {
                self.half(left);
                self.half(right);
            }
            _ => self.expr(expr),
        }
    }
}
