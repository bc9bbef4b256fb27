//! A module that is searched: its parts as lists, and what is known of its names.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{
    Catch, Class, ClassId, Entry, Export, Expr, ExprKind, Field, Function, FunctionId, Import, Imported, Key,
    Module, Param, Part, Pattern, Stmt, StmtKind, Switch, Symbol, Type,
};
use hashbrown::HashMap;

use crate::family::Family;

/// What is known of a name where it is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fact<'t> {
    /// Where it is imported from: `child_process.exec`.
    pub(crate) import: Option<Rc<str>>,
    /// What it is set to, where that happens once.
    pub(crate) value: Option<&'t Expr>,
    pub(crate) of_type: Option<&'t Type>,
}

#[derive(Debug)]
pub(crate) struct Target<'t> {
    pub(crate) module: &'t Module,
    pub(crate) text: &'t str,
    pub(crate) family: Family,
    pub(crate) exprs: Vec<&'t Expr>,
    /// Calls, and names that may stand for one.
    pub(crate) calls: Vec<&'t Expr>,
    /// Members, and names that may stand for one or are imported.
    pub(crate) members: Vec<&'t Expr>,
    pub(crate) lists: Vec<&'t [Stmt]>,
    pub(crate) functions: Vec<&'t Function>,
    pub(crate) classes: Vec<&'t Class>,
    pub(crate) entries: Vec<(&'t Entry, Span)>,
    pub(crate) fields: Vec<&'t Field>,
    pub(crate) catches: Vec<&'t Catch>,
    facts: HashMap<Span, Fact<'t>>,
    /// Packages of which everything is imported.
    pub(crate) globs: Vec<Rc<str>>,
    imports: HashMap<Symbol, Rc<str>>,
}

#[derive(Debug, Default)]
struct Declared<'t> {
    sets: u32,
    value: Option<&'t Expr>,
    of_type: Option<&'t Type>,
    import: Option<Rc<str>>,
}

#[derive(Debug, Default)]
struct Scope<'t> {
    around: Option<usize>,
    names: HashMap<Symbol, Declared<'t>>,
    global: Vec<Symbol>,
}

struct Walk<'t> {
    target: Target<'t>,
    scopes: Vec<Scope<'t>>,
    scope: usize,
    used: Vec<(Span, Symbol, usize)>,
    sets: Vec<(usize, Symbol, Option<&'t Expr>)>,
}

impl<'t> Target<'t> {
    pub(crate) fn new(module: &'t Module, text: &'t str) -> Self {
        let target = Self {
            module,
            text,
            family: Family::of(module.language),
            exprs: Vec::new(),
            calls: Vec::new(),
            members: Vec::new(),
            lists: Vec::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            entries: Vec::new(),
            fields: Vec::new(),
            catches: Vec::new(),
            facts: HashMap::new(),
            globs: Vec::new(),
            imports: HashMap::new(),
        };
        let scopes = vec![Scope::default()];
        let mut walk = Walk { target, scopes, scope: 0, used: Vec::new(), sets: Vec::new() };
        if let Some(code) = module.functions.first() {
            walk.list(&code.body);
        }
        walk.finish()
    }

    pub(crate) fn symbol(&self, symbol: Symbol) -> &'t str {
        self.module.text(symbol)
    }

    pub(crate) fn function(&self, id: FunctionId) -> Option<&'t Function> {
        self.module.function(id)
    }

    pub(crate) fn class(&self, id: ClassId) -> Option<&'t Class> {
        self.module.class(id)
    }

    pub(crate) fn fact(&self, span: Span) -> Option<&Fact<'t>> {
        self.facts.get(&span)
    }

    /// Where a name is imported from, wherever it stands.
    pub(crate) fn import(&self, symbol: Symbol) -> Option<&Rc<str>> {
        self.imports.get(&symbol)
    }
}

impl<'t> Walk<'t> {
    fn finish(mut self) -> Target<'t> {
        for (scope, name, value) in std::mem::take(&mut self.sets) {
            let mut at = Some(scope);
            while let Some(number) = at {
                let Some(one) = self.scopes.get_mut(number) else { break };
                if let Some(declared) = one.names.get_mut(&name) {
                    declared.sets = declared.sets.saturating_add(1);
                    declared.value = declared.value.or(value);
                    break;
                }
                at = one.around;
            }
        }
        for (span, name, scope) in &self.used {
            let mut at = Some(*scope);
            while let Some(one) = at.and_then(|number| self.scopes.get(number)) {
                if let Some(declared) = one.names.get(name) {
                    let fact = Fact {
                        import: declared.import.clone(),
                        value: declared.value.filter(|_| declared.sets == 1),
                        of_type: declared.of_type,
                    };
                    if fact.import.is_some() || fact.value.is_some() || fact.of_type.is_some() {
                        self.target.facts.insert(*span, fact);
                    }
                    break;
                }
                at = one.around;
            }
        }
        let target = &mut self.target;
        for one in &target.exprs {
            match one.kind {
                ExprKind::Call(_) => target.calls.push(one),
                ExprKind::Member { .. } => target.members.push(one),
                ExprKind::Name(_) => {
                    let fact = target.facts.get(&one.span);
                    if fact.is_some_and(|fact| fact.value.is_some()) {
                        target.calls.push(one);
                    }
                    if !target.globs.is_empty()
                        || fact.is_some_and(|fact| fact.value.is_some() || fact.import.is_some())
                    {
                        target.members.push(one);
                    }
                }
                _ => {}
            }
        }
        self.target
    }

    fn text(&self, symbol: Symbol) -> &'t str {
        self.target.symbol(symbol)
    }

    fn declare(&mut self, name: Symbol, value: Option<&'t Expr>, of_type: Option<&'t Type>, sets: bool) {
        if let Some(scope) = self.scopes.get_mut(self.scope) {
            let declared = scope.names.entry(name).or_default();
            declared.sets = declared.sets.saturating_add(u32::from(sets));
            declared.value = declared.value.or(value);
            declared.of_type = declared.of_type.or(of_type);
            declared.import = None;
        }
    }

    fn import_as(&mut self, local: Symbol, path: &str) {
        let path: Rc<str> = path.strip_prefix("node:").unwrap_or(path).replace("::", ".").into();
        self.target.imports.insert(local, Rc::clone(&path));
        if let Some(scope) = self.scopes.get_mut(self.scope) {
            let declared = Declared { sets: 2, value: None, of_type: None, import: Some(path) };
            scope.names.insert(local, declared);
        }
    }

    fn list(&mut self, list: &'t [Stmt]) {
        if !list.is_empty() {
            self.target.lists.push(list);
        }
        list.iter().for_each(|one| self.statement(one));
    }

    fn inside(&mut self, run: impl FnOnce(&mut Self)) {
        let before = self.scope;
        self.scopes.push(Scope { around: Some(before), ..Scope::default() });
        self.scope = self.scopes.len().saturating_sub(1);
        run(self);
        self.scope = before;
    }

    fn function(&mut self, id: FunctionId) {
        let Some(function) = self.target.function(id) else { return };
        self.target.functions.push(function);
        function.decorators.iter().for_each(|one| self.expr(one));
        self.inside(|walk| {
            for param in &function.params {
                walk.param(param);
            }
            walk.list(&function.body);
        });
    }

    fn param(&mut self, param: &'t Param) {
        param.decorators.iter().chain(&param.default).for_each(|one| self.expr(one));
        match &param.pattern {
            Pattern::Name(name, _) => {
                self.declare(*name, None, param.of_type.as_ref(), true);
                // Nobody knows what it is given.
                self.sets.push((self.scope, *name, None));
            }
            other => self.pattern(other, None, true),
        }
    }

    fn class(&mut self, id: ClassId) {
        let Some(class) = self.target.class(id) else { return };
        self.target.classes.push(class);
        class.bases.iter().chain(&class.decorators).for_each(|one| self.expr(one));
        let run = |walk: &mut Self| {
            for field in &class.fields {
                walk.target.fields.push(field);
                field.decorators.iter().chain(&field.value).for_each(|one| walk.expr(one));
                walk.declare(field.name, field.value.as_ref(), field.of_type.as_ref(), field.value.is_some());
            }
            walk.list(&class.body);
            class.methods.iter().for_each(|id| walk.function(*id));
        };
        // Only Java sees fields by their bare names.
        if self.target.family == Family::Java {
            self.inside(run);
        } else {
            let before = self.scope;
            self.inside(|walk| {
                for field in &class.fields {
                    walk.target.fields.push(field);
                    field.decorators.iter().chain(&field.value).for_each(|one| walk.expr(one));
                }
                walk.list(&class.body);
            });
            self.scope = before;
            class.methods.iter().for_each(|id| self.function(*id));
        }
    }

    /// A name is set: in Python that declares it.
    fn set(&mut self, name: Symbol, value: Option<&'t Expr>) {
        let own = self.target.family == Family::Python
            && !self.scopes.get(self.scope).is_some_and(|scope| scope.global.contains(&name));
        if own {
            self.declare(name, value, None, true);
        } else {
            self.sets.push((self.scope, name, value));
        }
    }

    fn pattern(&mut self, pattern: &'t Pattern, value: Option<&'t Expr>, new: bool) {
        match pattern {
            Pattern::Name(name, span) => {
                self.used.push((*span, *name, self.scope));
                if new {
                    self.declare(*name, value, None, true);
                } else {
                    self.set(*name, value);
                }
            }
            Pattern::Object { fields, rest } => {
                for field in fields {
                    if let Key::Computed(key) = &field.key {
                        self.expr(key);
                    }
                    self.pattern(&field.pattern, None, new);
                }
                rest.iter().for_each(|rest| self.pattern(rest, None, new));
            }
            Pattern::List(items) | Pattern::Or(items) => {
                items.iter().for_each(|item| self.pattern(item, None, new));
            }
            Pattern::Variant { of, items } => {
                self.expr(of);
                items.iter().for_each(|item| self.pattern(item, None, new));
            }
            Pattern::Rest(inner) => self.pattern(inner, None, new),
            Pattern::Default(inner, default) => {
                self.expr(default);
                self.pattern(inner, None, new);
            }
            Pattern::Place(place) | Pattern::Value(place) => self.expr(place),
            Pattern::As(inner, name) => {
                self.declare(*name, None, None, true);
                self.pattern(inner, None, new);
            }
            Pattern::Ignore => {}
        }
    }

    fn statement(&mut self, from: &'t Stmt) {
        match &from.kind {
            StmtKind::Assert(one) | StmtKind::Defer(one) | StmtKind::Expr(one) => self.expr(one),
            StmtKind::Export(Export::Default(one)) => self.expr(one),
            StmtKind::Block(body) | StmtKind::Labeled { body, .. } => self.list(body),
            StmtKind::Break(_) | StmtKind::Continue(_) | StmtKind::Export(_) => {}
            StmtKind::Class(id) => self.class(*id),
            StmtKind::Delete(places) => places.iter().for_each(|one| self.expr(one)),
            StmtKind::Each { pattern, over, body, .. } => {
                self.expr(over);
                self.pattern(pattern, None, true);
                self.twice(pattern);
                self.list(body);
            }
            StmtKind::For { init, condition, update, body } => {
                self.list(init);
                condition.iter().chain(update).for_each(|one| self.expr(one));
                self.list(body);
            }
            StmtKind::Function(id) => self.function(*id),
            StmtKind::Global(names) => {
                if let Some(scope) = self.scopes.get_mut(self.scope) {
                    scope.global.extend_from_slice(names);
                }
            }
            StmtKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.list(then);
                self.list(otherwise);
            }
            StmtKind::Import(import) => self.import(import),
            StmtKind::Let { pattern, of_type, value, .. } => {
                value.iter().for_each(|one| self.expr(one));
                if let Pattern::Name(name, span) = pattern {
                    self.used.push((*span, *name, self.scope));
                    self.declare(*name, value.as_ref(), of_type.as_ref(), value.is_some());
                } else {
                    self.pattern(pattern, None, true);
                }
                if let Some(value) = value {
                    self.required(pattern, value);
                }
            }
            StmtKind::Return(value) | StmtKind::Throw(value) => value.iter().for_each(|one| self.expr(one)),
            StmtKind::Switch(switch) => self.switch(switch),
            StmtKind::Try { body, catches, otherwise, finally } => {
                self.list(body);
                for one in catches {
                    self.target.catches.push(one);
                    self.pattern(&one.pattern, None, true);
                    self.twice(&one.pattern);
                    self.list(&one.body);
                }
                self.list(otherwise);
                self.list(finally);
            }
            StmtKind::While { condition, body, .. } => {
                self.expr(condition);
                self.list(body);
            }
            StmtKind::With { items, body } => {
                for (value, pattern) in items {
                    self.expr(value);
                    pattern.iter().for_each(|pattern| self.pattern(pattern, None, true));
                }
                self.list(body);
            }
        }
    }

    /// What a loop or a handler sets is set again and again.
    fn twice(&mut self, pattern: &'t Pattern) {
        if let Pattern::Name(name, _) = pattern {
            self.sets.push((self.scope, *name, None));
        }
    }

    fn switch(&mut self, switch: &'t Switch) {
        switch.subject.iter().for_each(|one| self.expr(one));
        for case in &switch.cases {
            case.pattern.iter().for_each(|pattern| self.pattern(pattern, None, true));
            case.guard.iter().chain(&case.value).for_each(|one| self.expr(one));
            self.list(&case.body);
        }
    }

    fn import(&mut self, import: &'t Import) {
        let module = self.text(import.module);
        for item in &import.items {
            let path = match item.what {
                Imported::Default | Imported::Module => module.to_owned(),
                Imported::Glob => {
                    self.target.globs.push(module.replace("::", ".").into());
                    continue;
                }
                Imported::Name(name) if module.is_empty() => self.text(name).to_owned(),
                Imported::Name(name) => format!("{module}.{}", self.text(name)),
            };
            // Go names a package by the last part of its path.
            let go = (self.target.family == Family::Go)
                .then(|| path.rsplit('/').next().unwrap_or_default().to_owned());
            self.import_as(item.local, &go.unwrap_or(path));
        }
    }

    /// `const x = require("y")`, `const { a } = require("y")`.
    fn required(&mut self, pattern: &'t Pattern, value: &'t Expr) {
        if self.target.family != Family::Script {
            return;
        }
        let (value, member) = match &value.kind {
            ExprKind::Member { object, name } => (&**object, Some(self.text(*name))),
            _ => (value, None),
        };
        let value = match &value.kind {
            ExprKind::Await(inner) => &**inner,
            _ => value,
        };
        let ExprKind::Call(call) = &value.kind else { return };
        let ExprKind::Name(callee) = &call.callee.kind else { return };
        if !matches!(self.text(*callee), "require" | "import") {
            return;
        }
        let Some(ExprKind::String(module)) = call.arguments.first().map(|argument| &argument.value.kind)
        else {
            return;
        };
        let mut path = self.text(*module).to_owned();
        if let Some(member) = member {
            path = format!("{path}.{member}");
        }
        match pattern {
            Pattern::Name(name, _) => self.import_as(*name, &path),
            Pattern::Object { fields, .. } => {
                for field in fields {
                    if let (Key::Name(key), Pattern::Name(local, _)) = (&field.key, &field.pattern) {
                        let path = format!("{path}.{}", self.text(*key));
                        self.import_as(*local, &path);
                    }
                }
            }
            _ => {}
        }
    }

    fn expr(&mut self, from: &'t Expr) {
        self.target.exprs.push(from);
        match &from.kind {
            ExprKind::Name(name) => self.used.push((from.span, *name, self.scope)),
            ExprKind::Assign { target, op, value } => {
                self.expr(value);
                self.pattern(target, Some(value).filter(|_| op.is_none()).map(|value| &**value), false);
                if op.is_some()
                    && let Pattern::Name(name, _) = &**target
                {
                    self.sets.push((self.scope, *name, None));
                }
            }
            ExprKind::Block { body, value } => {
                self.list(body);
                value.iter().for_each(|one| self.expr(one));
            }
            ExprKind::Class(id) => self.class(*id),
            ExprKind::Function(id) => self.function(*id),
            ExprKind::Switch(switch) => self.switch(switch),
            ExprKind::Comprehension { item, value, clauses, .. } => {
                for clause in clauses {
                    self.expr(&clause.over);
                    self.pattern(&clause.pattern, None, true);
                    self.twice(&clause.pattern);
                    clause.conditions.iter().for_each(|one| self.expr(one));
                }
                self.expr(item);
                value.iter().for_each(|one| self.expr(one));
            }
            ExprKind::Unary { op: gabion_syntax::tree::UnaryOp::Step, operand } => {
                self.expr(operand);
                if let ExprKind::Name(name) = &operand.kind {
                    self.sets.push((self.scope, *name, None));
                }
            }
            ExprKind::Object { entries, .. } => {
                for entry in entries {
                    let value = match entry {
                        Entry::Pair(_, value) | Entry::Spread(value) => value,
                    };
                    let span = entry_span(self.target.text, value.span, from.span);
                    self.target.entries.push((entry, span));
                }
                parts(from).into_iter().for_each(|one| self.expr(one));
            }
            _ => parts(from).into_iter().for_each(|one| self.expr(one)),
        }
    }
}

/// An entry with its key, which stands behind the last `{` or `,` before its value.
fn entry_span(text: &str, value: Span, object: Span) -> Span {
    let before = text.get(object.start as usize..value.start as usize).unwrap_or_default();
    let trimmed = before.trim_end();
    let key = trimmed.strip_suffix(':').unwrap_or(trimmed);
    let start = key.rfind(['{', ',', '\n']).map_or(0, |at| at.saturating_add(1));
    let spaces = key.get(start..).map_or(0, |rest| rest.len().saturating_sub(rest.trim_start().len()));
    let start = u32::try_from(start.saturating_add(spaces)).unwrap_or(0);
    Span::new(object.start.saturating_add(start).min(value.start), value.end)
}

/// The expressions an expression is made of, without those of functions, classes and statements in it.
pub(crate) fn parts(from: &Expr) -> Vec<&Expr> {
    match &from.kind {
        ExprKind::Assign { value, .. } => vec![&**value],
        ExprKind::Await(one)
        | ExprKind::Cast { value: one, .. }
        | ExprKind::Member { object: one, .. }
        | ExprKind::Reference(one)
        | ExprKind::Spread(one)
        | ExprKind::TypeTest { value: one, .. }
        | ExprKind::Unary { operand: one, .. } => vec![&**one],
        ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
            vec![&**left, &**right]
        }
        ExprKind::Call(call) => {
            std::iter::once(&*call.callee).chain(call.arguments.iter().map(|one| &one.value)).collect()
        }
        ExprKind::Conditional { condition, then, otherwise } => {
            [&**condition, &**then].into_iter().chain(otherwise.as_deref()).collect()
        }
        ExprKind::Comprehension { item, value, clauses, .. } => {
            let clauses =
                clauses.iter().flat_map(|clause| std::iter::once(&clause.over).chain(&clause.conditions));
            std::iter::once(&**item).chain(value.as_deref()).chain(clauses).collect()
        }
        ExprKind::Index { object, index } => vec![&**object, &**index],
        ExprKind::Jsx(jsx) => {
            let attributes = jsx.attributes.iter().map(|(_, value)| value);
            jsx.element.as_deref().into_iter().chain(attributes).chain(&jsx.children).collect()
        }
        ExprKind::List { items, .. } | ExprKind::Sequence(items) | ExprKind::Unknown(items) => {
            items.iter().collect()
        }
        ExprKind::Object { entries, .. } => entries
            .iter()
            .flat_map(|entry| match entry {
                Entry::Pair(Key::Computed(key), value) => vec![&**key, value],
                Entry::Pair(_, value) | Entry::Spread(value) => vec![value],
            })
            .collect(),
        ExprKind::Slice { object, parts } => std::iter::once(&**object).chain(parts).collect(),
        ExprKind::Template { tag, parts } => {
            let values = parts.iter().filter_map(|part| match part {
                Part::Value(value) => Some(value),
                Part::Text(_) => None,
            });
            tag.as_deref().into_iter().chain(values).collect()
        }
        ExprKind::Yield(value) => value.as_deref().into_iter().collect(),
        ExprKind::Block { value, .. } => value.as_deref().into_iter().collect(),
        _ => Vec::new(),
    }
}
