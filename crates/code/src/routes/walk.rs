//! What a function shows of itself: which facts, what it reads of a request, and where.
//!
//! The tree is read once, top to bottom, in order: names stand for what was put into them last. What is asked for in a condition
//! is told apart from what is only there.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{
    BinaryOp, Call, Entry, Expr, ExprKind, Function, Key, Part, Pattern, Stmt, StmtKind, Switch,
};
use hashbrown::HashMap;

use super::table::{FactSet, asked};
use super::typed;
use super::written::constant;
use crate::name::Name;
use crate::scope::Scope;
use crate::value::FunctionRef;
use crate::world::{Loaded, World};

mod filled;
mod given;

/// Expressions of one function.
const MOST: usize = 40_000;
/// Trees in trees; [`gabion_syntax::tree::DEPTH`] bounds them too.
const DEEPEST: usize = 800;
/// What one name is made of.
const MENTIONS: usize = 8;
/// Names of one kind that are read of a request.
const PARAMETERS: usize = 200;
/// Where a request holds what it brings.
const FROM: &[&str] = &["body", "cookie", "file", "header", "model", "path", "query"];

/// What one function shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) facts: FactSet,
    /// Where each was seen first, by its bit.
    pub(crate) places: Vec<(FactSet, usize, Span)>,
    pub(crate) parameters: BTreeMap<String, BTreeSet<String>>,
}

impl Shown {
    pub(crate) fn extend(&mut self, other: &Self) {
        self.facts |= other.facts;
        for (fact, module, span) in &other.places {
            self.place(*fact, *module, *span);
        }
        for (from, names) in &other.parameters {
            self.parameters.entry(from.clone()).or_default().extend(names.iter().cloned());
        }
    }

    fn place(&mut self, facts: FactSet, module: usize, span: Span) {
        let known = self.places.iter().fold(0, |known, (fact, ..)| known | fact);
        if facts & !known != 0 {
            self.places.push((facts & !known, module, span));
        }
    }

    /// Where one of these facts was seen.
    pub(crate) fn place_of(&self, facts: FactSet) -> Option<(usize, Span)> {
        self.places.iter().find(|(fact, ..)| fact & facts != 0).map(|(_, module, span)| (*module, *span))
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Default)]
struct Local {
    path: Option<String>,
    facts: FactSet,
    mentions: Vec<String>,
    entries: Option<Rc<Entries>>,
}

/// What is given to a call: every path in it, those that are given whole, and fields with what they hold.
#[derive(Debug, Clone, Default)]
struct Entries {
    mentions: Vec<String>,
    whole: Vec<String>,
    fields: Vec<(String, Vec<String>)>,
    /// What stands before it in a chain of calls.
    chain: Vec<String>,
}

struct Walk<'w, 'a> {
    world: &'w World<'a>,
    loaded: &'w Loaded,
    module: usize,
    scope: &'w Scope,
    locals: HashMap<Name, Local>,
    /// Types of names, as far as they are written.
    types: HashMap<Name, String>,
    shown: Shown,
    /// Inside of a condition.
    asked: bool,
    left: usize,
    depth: usize,
}

impl World<'_> {
    /// What a function shows. `parameters` are the paths that its parameters stand for.
    pub(crate) fn shown(&mut self, function: FunctionRef, parameters: &[Option<String>]) -> Shown {
        self.read_rights();
        let Some(loaded) = self.load(function.module) else { return Shown::default() };
        let Some(tree) = loaded.module().function(function.id) else { return Shown::default() };
        let scope =
            self.routes.scopes.get(&function).or_else(|| self.routes.modules.get(&function.module)).cloned();
        let scope = scope.unwrap_or_default();
        let mut walk = Walk {
            world: self,
            loaded: &loaded,
            module: function.module,
            scope: &scope,
            locals: HashMap::new(),
            types: HashMap::new(),
            shown: Shown::default(),
            asked: false,
            left: MOST,
            depth: 0,
        };
        walk.function(tree, parameters);
        let mut shown = walk.shown;
        shown.facts = self.models.routes.closed(shown.facts);
        shown
    }

    /// What expressions show, for instance those of a class.
    pub(crate) fn shown_of(&mut self, module: usize, expressions: &[&Expr]) -> Shown {
        let Some(loaded) = self.load(module) else { return Shown::default() };
        let scope = self.routes.modules.get(&module).cloned().unwrap_or_default();
        let mut walk = Walk {
            world: self,
            loaded: &loaded,
            module,
            scope: &scope,
            locals: HashMap::new(),
            types: HashMap::new(),
            shown: Shown::default(),
            asked: false,
            left: MOST,
            depth: 0,
        };
        expressions.iter().for_each(|one| walk.expression(one));
        let mut shown = walk.shown;
        shown.facts = self.models.routes.closed(shown.facts);
        shown
    }
}

impl Walk<'_, '_> {
    fn function(&mut self, from: &Function, parameters: &[Option<String>]) {
        let given = parameters.iter().chain(std::iter::repeat(&None));
        for (param, path) in from.params.iter().zip(given) {
            let before = self.shown.facts;
            let mut texts: Vec<Option<String>> = vec![path.clone()];
            // `@Body() dto`, `user = Depends(current_user)`.
            for one in param.decorators.iter().chain(&param.default) {
                let path = self.path(one);
                if let (Some(path), Pattern::Name(symbol, _)) = (&path, &param.pattern)
                    && let Some(from) = filled(path)
                {
                    let of_type = param.of_type.as_ref().map(|of_type| self.loaded.text(of_type.path));
                    // `body: dict = Body()`: whatever is sent.
                    let whole = from == "body" && of_type.is_some_and(|text| matches!(text, "dict" | "Dict"));
                    let name = self.loaded.text(*symbol);
                    texts.push(Some(if whole { "@body".to_owned() } else { format!("@{from}.{name}") }));
                }
                texts.push(path);
                self.expression(one);
            }
            let mut held = None;
            if let Some(of_type) = &param.of_type {
                let text = typed::text(self.loaded, of_type, 3);
                self.note(&format!(":{text}"), param.span);
                held = typed::held(self.loaded, of_type);
            }
            let path = texts.into_iter().flatten().next().map(|path| self.with_rights(param, path));
            let held = held.map(|held| self.with_rights(param, held));
            if let (None, Some(held)) = (&path, held) {
                self.brought(&param.pattern, held, param.span);
            } else if let Some(path) = path {
                self.note(&path, param.span);
                self.bind(
                    &param.pattern,
                    &Local { path: Some(path.clone()), mentions: vec![path], ..Local::default() },
                );
            } else if let Pattern::Name(symbol, _) = &param.pattern {
                // A function that is called gets it from whoever calls.
                let text = self.loaded.text(*symbol).to_owned();
                let local = Local { mentions: vec![text.clone(), format!("%{text}")], ..Local::default() };
                self.locals.insert(self.loaded.name(*symbol), local);
            }
            self.only_asked_for(&param.pattern, before);
        }
        self.block(&from.body);
    }

    /// A parameter of a type that says what it holds.
    fn brought(&mut self, pattern: &Pattern, path: String, span: Span) {
        match pattern {
            // `Path(id)`, `Json(body)`.
            Pattern::Variant { items, .. } | Pattern::List(items) => {
                for item in items {
                    self.brought(item, path.clone(), span);
                }
            }
            Pattern::Name(symbol, _) => {
                let name = self.loaded.text(*symbol).to_owned();
                let path = if path == "@path" { format!("@path.{name}") } else { path };
                self.note(&path, span);
                let mentions = vec![path.clone(), format!("%{name}")];
                let local = Local { path: Some(path), mentions, ..Local::default() };
                self.locals.insert(self.loaded.name(*symbol), local);
            }
            _ => {
                let mentions = vec![path.clone()];
                self.bind(pattern, &Local { path: Some(path), mentions, ..Local::default() });
            }
        }
    }

    fn block(&mut self, body: &[Stmt]) {
        body.iter().for_each(|one| self.statement(one));
    }

    fn statement(&mut self, from: &Stmt) {
        self.depth = self.depth.saturating_add(1);
        if self.depth < DEEPEST {
            self.statement_kind(from);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn statement_kind(&mut self, from: &Stmt) {
        match &from.kind {
            StmtKind::Assert(condition) => self.condition(condition),
            StmtKind::Block(body) | StmtKind::Labeled { body, .. } => self.block(body),
            StmtKind::Break(_) | StmtKind::Continue(_) | StmtKind::Global(_) | StmtKind::Import(_) => {}
            StmtKind::Class(_) => {}
            StmtKind::Defer(value) | StmtKind::Expr(value) => self.expression(value),
            StmtKind::Delete(places) => places.iter().for_each(|place| self.expression(place)),
            StmtKind::Each { pattern, over, body, .. } => {
                let mut local = self.local(over);
                local.path = local.path.map(|path| format!("{path}[]"));
                self.bind(pattern, &local);
                self.block(body);
            }
            StmtKind::Export(gabion_syntax::tree::Export::Default(value)) => self.expression(value),
            StmtKind::Export(_) => {}
            StmtKind::For { init, condition, update, body } => {
                self.block(init);
                condition.iter().for_each(|condition| self.condition(condition));
                self.block(body);
                update.iter().for_each(|update| self.expression(update));
            }
            StmtKind::Function(id) => self.inner(*id),
            StmtKind::If { condition, then, otherwise } => {
                self.condition(condition);
                self.block(then);
                self.block(otherwise);
            }
            StmtKind::Let { pattern, value, of_type, .. } => {
                self.typed(pattern, of_type.as_ref(), value.as_ref());
                if let Some(value) = value {
                    let local = self.local(value);
                    self.set(pattern, value, &local);
                    self.bind(pattern, &local);
                }
                self.mention_type(pattern);
            }
            StmtKind::Return(value) | StmtKind::Throw(value) => {
                if matches!(from.kind, StmtKind::Throw(_)) {
                    let what = value.as_ref().and_then(|value| self.path(value)).unwrap_or_default();
                    self.note(&format!("throw {what}"), from.span);
                }
                value.iter().for_each(|value| self.expression(value));
            }
            StmtKind::Switch(switch) => self.switch(switch),
            StmtKind::Try { body, catches, otherwise, finally } => {
                self.block(body);
                catches.iter().for_each(|catch| self.block(&catch.body));
                self.block(otherwise);
                self.block(finally);
            }
            StmtKind::While { condition, body, .. } => {
                self.condition(condition);
                self.block(body);
            }
            StmtKind::With { items, body } => {
                for (value, pattern) in items {
                    let local = self.local(value);
                    pattern.iter().for_each(|pattern| self.bind(pattern, &local));
                }
                self.block(body);
            }
        }
    }

    fn inner(&mut self, id: gabion_syntax::tree::FunctionId) {
        let loaded = self.loaded;
        if let Some(function) = loaded.module().function(id) {
            function.decorators.iter().for_each(|decorator| self.expression(decorator));
            let before = std::mem::replace(&mut self.asked, false);
            self.function(function, &[]);
            self.asked = before;
        }
    }

    fn condition(&mut self, from: &Expr) {
        let before = std::mem::replace(&mut self.asked, true);
        self.expression(from);
        self.asked = before;
    }

    fn switch(&mut self, switch: &Switch) {
        switch.subject.iter().for_each(|subject| self.condition(subject));
        for case in &switch.cases {
            case.guard.iter().for_each(|guard| self.condition(guard));
            self.block(&case.body);
            case.value.iter().for_each(|value| self.expression(value));
        }
    }

    /// What a value is, for the name it gets; all of it is read.
    fn local(&mut self, value: &Expr) -> Local {
        let seen = std::mem::take(&mut self.shown.facts);
        self.expression(value);
        let facts = self.shown.facts;
        self.shown.facts |= seen;
        let mut entries = Entries::default();
        self.given(value, &mut entries, 4);
        let mut mentions = entries.mentions.clone();
        mentions.truncate(MENTIONS);
        let entries = (!entries.fields.is_empty()).then(|| Rc::new(entries));
        Local { path: self.path(value), facts, mentions, entries }
    }

    fn bind(&mut self, pattern: &Pattern, local: &Local) {
        match pattern {
            Pattern::Name(symbol, span) => {
                if let Some(path) = &local.path {
                    self.note(path, *span);
                }
                self.locals.insert(self.loaded.name(*symbol), local.clone());
            }
            Pattern::Object { fields, rest } => {
                for field in fields {
                    let mut part = local.clone();
                    part.path = match (&field.key, &local.path) {
                        (Key::Name(symbol), Some(path)) => {
                            Some(format!("{path}.{}", self.loaded.text(*symbol)))
                        }
                        _ => None,
                    };
                    part.mentions.extend(part.path.clone());
                    self.bind(&field.pattern, &part);
                }
                rest.iter().for_each(|rest| self.bind(rest, local));
            }
            Pattern::List(items) | Pattern::Variant { items, .. } => {
                let path = local.path.clone().filter(|path| path.ends_with("[]"));
                let part = Local { path, ..local.clone() };
                items.iter().for_each(|item| self.bind(item, &part));
            }
            Pattern::Default(inner, otherwise) => {
                self.expression(otherwise);
                self.bind(inner, local);
            }
            Pattern::Rest(inner) => self.bind(inner, local),
            Pattern::As(inner, symbol) => {
                self.locals.insert(self.loaded.name(*symbol), local.clone());
                self.bind(inner, local);
            }
            Pattern::Or(any) => any.iter().for_each(|one| self.bind(one, local)),
            Pattern::Place(_) | Pattern::Value(_) | Pattern::Ignore => {}
        }
    }

    /// Something is set: `user.role = req.body.role`, `DEBUG = True`.
    fn set(&mut self, target: &Pattern, value: &Expr, local: &Local) {
        let (path, span) = match target {
            Pattern::Place(place) => (self.path(place), place.span),
            Pattern::Name(symbol, span) => (Some(self.loaded.text(*symbol).to_owned()), *span),
            _ => (None, value.span),
        };
        let Some(path) = path else { return };
        if let Some(constant) = constant(self.loaded, value) {
            self.note(&format!("{path}={constant}"), span);
        }
        if let (Pattern::Place(place), Some((_, field))) = (target, path.rsplit_once('.')) {
            let mut entries = Entries { mentions: local.mentions.clone(), ..Entries::default() };
            entries.fields.push((field.to_owned(), local.mentions.clone()));
            entries.whole.extend(local.path.clone());
            self.called(&format!("{path}="), &entries, place.span);
        }
    }

    fn path(&self, from: &Expr) -> Option<String> {
        let local = |name: Name| self.locals.get(&name).and_then(|local| local.path.clone());
        let text = self.world.written(self.loaded, self.scope, &local, from)?;
        Some(self.world.models.routes.canonical(self.loaded.language(), &text))
    }

    /// What a path shows.
    fn note(&mut self, path: &str, span: Span) {
        let path = self.world.models.routes.canonical(self.loaded.language(), path);
        if let Some((from, name)) = path.strip_prefix('@').and_then(|rest| rest.split_once('.')) {
            let name = name.split(['.', '(', '[', '=']).next().unwrap_or_default();
            let from = from.trim_end_matches("+rights");
            // `@scope/package.name` is none of them.
            let name = if FROM.contains(&from) { name } else { "" };
            if !name.is_empty() {
                let names = self.shown.parameters.entry(from.to_owned()).or_default();
                if names.len() < PARAMETERS {
                    names.insert(name.to_owned());
                }
            }
        }
        let facts = self.world.models.routes.of_path(&path);
        self.found(facts, span);
    }

    fn found(&mut self, facts: FactSet, span: Span) {
        if facts == 0 {
            return;
        }
        let facts = if self.asked { facts | asked(facts) } else { facts };
        self.shown.facts |= facts;
        self.shown.place(facts, self.module, span);
    }

    fn expression(&mut self, from: &Expr) {
        self.left = self.left.saturating_sub(1);
        self.depth = self.depth.saturating_add(1);
        if self.left > 0 && self.depth < DEEPEST {
            if let Some(path) = self.path(from) {
                self.note(&path, from.span);
            }
            self.parts(from);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Behind the whole path: what is given to the calls in it.
    fn chain(&mut self, from: &Expr) {
        match &from.kind {
            ExprKind::Member { .. } | ExprKind::Call(_) | ExprKind::Index { .. } | ExprKind::Name(_) => {
                self.parts(from);
            }
            _ => self.expression(from),
        }
    }

    fn parts(&mut self, from: &Expr) {
        match &from.kind {
            ExprKind::Assign { target, value, .. } => {
                self.typed(target, None, Some(value));
                let local = self.local(value);
                self.set(target, value, &local);
                if let Pattern::Place(place) = &**target {
                    self.chain(place);
                } else {
                    self.bind(target, &local);
                    self.mention_type(target);
                }
            }
            ExprKind::Await(value)
            | ExprKind::Cast { value, .. }
            | ExprKind::Reference(value)
            | ExprKind::Spread(value) => self.chain(value),
            ExprKind::TypeTest { value, .. } | ExprKind::Unary { operand: value, .. } => {
                self.expression(value);
            }
            ExprKind::Binary { op, left, right } => {
                // `'user' in session`.
                if let (BinaryOp::In | BinaryOp::NotIn, Some(name)) = (op, constant(self.loaded, left))
                    && let Some(path) = self.path(right)
                {
                    self.note(&format!("{path}.{name}"), from.span);
                }
                self.expression(left);
                self.expression(right);
            }
            ExprKind::Block { body, value } => {
                self.block(body);
                value.iter().for_each(|value| self.expression(value));
            }
            ExprKind::Call(call) => self.call(call, from),
            ExprKind::Comprehension { item, value, clauses, .. } => {
                for clause in clauses {
                    let local = self.local(&clause.over);
                    self.bind(&clause.pattern, &Local { path: None, ..local });
                    clause.conditions.iter().for_each(|condition| self.condition(condition));
                }
                self.expression(item);
                value.iter().for_each(|value| self.expression(value));
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.condition(condition);
                self.expression(then);
                otherwise.iter().for_each(|otherwise| self.expression(otherwise));
            }
            ExprKind::Function(id) => self.inner(*id),
            ExprKind::Index { object, index } => {
                self.chain(object);
                self.expression(index);
            }
            ExprKind::Jsx(jsx) => {
                jsx.element.iter().for_each(|element| self.expression(element));
                jsx.attributes.iter().for_each(|(_, value)| self.expression(value));
                jsx.children.iter().for_each(|child| self.expression(child));
            }
            ExprKind::List { items, .. } | ExprKind::Sequence(items) | ExprKind::Unknown(items) => {
                items.iter().for_each(|item| self.expression(item));
            }
            ExprKind::Logical { left, right, .. } => {
                self.condition(left);
                self.expression(right);
            }
            ExprKind::Member { object, .. } => self.chain(object),
            ExprKind::Name(symbol) => {
                let facts = self.locals.get(&self.loaded.name(*symbol)).map_or(0, |local| local.facts);
                self.found(facts, from.span);
            }
            ExprKind::Object { entries, .. } => self.object(entries),
            ExprKind::Slice { object, parts } => {
                self.chain(object);
                parts.iter().for_each(|part| self.expression(part));
            }
            ExprKind::String(symbol) => {
                let text = self.loaded.text(*symbol);
                let short: String = text.chars().take(200).collect();
                if short.len() > 2 {
                    self.note(&format!("'{short}"), from.span);
                }
            }
            ExprKind::Switch(switch) => self.switch(switch),
            ExprKind::Template { tag, parts } => {
                tag.iter().for_each(|tag| self.expression(tag));
                let mut text = String::from("'");
                for part in parts {
                    match part {
                        Part::Text(symbol) => text.push_str(self.loaded.text(*symbol)),
                        Part::Value(value) => {
                            text.push('?');
                            self.expression(value);
                        }
                    }
                }
                let short: String = text.chars().take(200).collect();
                self.note(&short, from.span);
            }
            ExprKind::Yield(value) => value.iter().for_each(|value| self.expression(value)),
            ExprKind::Bool(_)
            | ExprKind::Class(_)
            | ExprKind::Null
            | ExprKind::Number(_)
            | ExprKind::Regex { .. }
            | ExprKind::Super
            | ExprKind::This => {}
        }
    }

    fn object(&mut self, entries: &[Entry]) {
        for entry in entries {
            match entry {
                Entry::Pair(key, value) => {
                    if let Key::Name(symbol) = key {
                        let held = constant(self.loaded, value).unwrap_or_default();
                        let text = format!("{}={held}", self.loaded.text(*symbol));
                        self.note(&text, value.span);
                    }
                    self.expression(value);
                }
                Entry::Spread(value) => self.expression(value),
            }
        }
    }

    fn call(&mut self, call: &Call, from: &Expr) {
        self.chain(&call.callee);
        let mut entries = Entries::default();
        for argument in &call.arguments {
            if let Some(name) = argument.name {
                let held = constant(self.loaded, &argument.value).unwrap_or_default();
                let text = format!("{}={held}", self.loaded.text(name));
                self.note(&text, argument.value.span);
            }
            self.expression(&argument.value);
            self.argument(argument, &mut entries);
        }
        if let ExprKind::Member { object, .. } = &call.callee.kind
            && let ExprKind::Call(_) = object.kind
        {
            let mut before = Entries::default();
            self.given(object, &mut before, 3);
            entries.chain = before.mentions;
        }
        if let Some(path) = self.path(from) {
            self.called(&path, &entries, from.span);
            self.fills(&path, call);
        }
    }
}

/// From where a parameter is filled, by the call that stands for it: `Header()`, `Query(None)`.
fn filled(path: &str) -> Option<&'static str> {
    let callee = path.split('(').next().unwrap_or_default();
    Some(match callee.rsplit('.').next()? {
        "Header" => "header",
        "Cookie" => "cookie",
        "Query" => "query",
        "Path" => "path",
        "Form" | "Body" => "body",
        "File" => "file",
        _ => return None,
    })
}
