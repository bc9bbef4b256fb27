//! Statements.

use std::rc::Rc;
use std::sync::Arc;

use gabion_syntax::Language;
use gabion_syntax::tree::{
    Catch, Export, Expr, ExprKind, Import, Imported, Pattern, Stmt, StmtKind, Switch, Symbol,
};

use super::assign::with_field;
use super::{Exit, Frame, Loop};
use crate::name::Name;
use crate::origin::Step;
use crate::scope::{Scope, Variables};
use crate::value::{KindSet, Known, List, Object, Shape, Value};
use crate::world::World;

impl World<'_> {
    pub(super) fn block(&mut self, frame: &mut Frame, body: &[Stmt]) -> Exit {
        for one in body {
            if self.statement(frame, one) == Exit::Leave {
                return Exit::Leave;
            }
        }
        Exit::Next
    }

    /// Functions and classes are there before the code around them runs.
    pub(super) fn hoist(&mut self, frame: &mut Frame, body: &[Stmt]) {
        if super::member::is_typed(&frame.loaded) {
            return self.hoist_items(frame, body);
        }
        if !frame.loaded.language().is_script() {
            return;
        }
        for one in body {
            match &one.kind {
                StmtKind::Function(id) => self.declare_function(frame, *id),
                StmtKind::Block(inner) => self.hoist(frame, inner),
                _ => {}
            }
        }
    }

    fn statement(&mut self, frame: &mut Frame, from: &Stmt) -> Exit {
        if !self.step() {
            return Exit::Leave;
        }
        match &from.kind {
            StmtKind::Assert(condition) => {
                self.evaluate(frame, condition);
                self.asserted(frame, condition);
                self.refine(frame, condition, true);
            }
            StmtKind::Block(body) => return self.block(frame, body),
            StmtKind::Break(label) => return self.leave_loop(frame, *label, true),
            StmtKind::Continue(label) => return self.leave_loop(frame, *label, false),
            StmtKind::Class(_) | StmtKind::Function(_) if super::member::is_typed(&frame.loaded) => {}
            StmtKind::Class(id) => {
                let value = self.class(frame, *id);
                if let Some(name) = frame.loaded.module().class(*id).and_then(|class| class.name) {
                    let name = frame.loaded.name(name);
                    frame.scope.declare(name, value);
                }
            }
            StmtKind::Defer(call) => drop(self.evaluate(frame, call)),
            StmtKind::Delete(places) => places.iter().for_each(|place| self.delete(frame, place)),
            StmtKind::Each { pattern, over, keys, body } => {
                let over = self.evaluate(frame, over);
                let mut item = if *keys { self.key_of(&over) } else { self.item_of(&over) };
                if matches!(pattern, Pattern::List(_)) && frame.loaded.language() == Language::Go {
                    let items = vec![self.key_of(&over), item];
                    item = Value::shaped(Shape::List(Rc::new(List { items, rest: None })));
                }
                return self.repeat(frame, None, |world, frame| {
                    world.bind(frame, pattern, item.clone());
                    world.block(frame, body)
                });
            }
            StmtKind::Export(export) => self.export(frame, export),
            StmtKind::Expr(value) => {
                self.ended = false;
                drop(self.evaluate(frame, value));
                // Of a call only: a condition within may have chosen it.
                let ended = std::mem::take(&mut self.ended) && matches!(value.kind, ExprKind::Call(_));
                if ended || super::idiom::ends(&frame.loaded, value) {
                    return Exit::Leave;
                }
            }
            StmtKind::For { init, condition, update, body } => {
                let _ = self.block(frame, init);
                return self.repeat(frame, condition.as_ref(), |world, frame| {
                    let exit = world.block(frame, body);
                    update.iter().for_each(|update| drop(world.evaluate(frame, update)));
                    exit
                });
            }
            StmtKind::Function(id) => {
                if !frame.loaded.language().is_script() {
                    self.declare_function(frame, *id);
                }
            }
            // What this function makes of them is known to it from here on.
            StmtKind::Global(names) => {
                for symbol in names {
                    let name = frame.loaded.name(*symbol);
                    if let Some(value) = frame.scope.held_by_module(name) {
                        frame.scope.declare(name, value);
                    }
                }
            }
            StmtKind::If { condition, then, otherwise } => {
                let truth = self.evaluate(frame, condition);
                return self.either(
                    frame,
                    Some(condition),
                    &truth,
                    |world, frame| world.block(frame, then),
                    |world, frame| world.block(frame, otherwise),
                );
            }
            StmtKind::Import(import) => self.import(frame, import),
            StmtKind::Labeled { label, body } => {
                let before = frame.loops.len();
                frame.loops.push(Loop { label: Some(*label), switch: true, ..Loop::default() });
                let exit = self.block(frame, body);
                return self.after_loop(frame, before, exit == Exit::Next);
            }
            StmtKind::Let { pattern, of_type, value, .. } => {
                let mut bound =
                    value.as_ref().map_or_else(Value::default, |value| self.evaluate(frame, value));
                if let (Some(of_type), Some(value)) = (of_type, value) {
                    self.parsed_text(frame, of_type, value, &mut bound);
                }
                if let Some(of_type) = of_type.as_ref().filter(|_| !self.made_here(value.as_ref(), &bound)) {
                    self.claim(frame, &mut bound, of_type);
                }
                self.declare(frame, pattern, bound);
            }
            StmtKind::Return(value) => {
                let span = value.as_ref().map_or(from.span, |value| value.span);
                let value = value
                    .as_ref()
                    .map_or_else(|| Value::known(Known::Null), |value| self.evaluate(frame, value));
                self.answered(frame, &value, span);
                self.check_given(frame, &value, span);
                self.give(frame, value);
                return Exit::Leave;
            }
            StmtKind::Switch(switch) => return self.switch(frame, switch).0,
            StmtKind::Throw(value) => {
                value.iter().for_each(|value| drop(self.evaluate(frame, value)));
                return Exit::Leave;
            }
            StmtKind::Try { body, catches, otherwise, finally } => {
                self.let_in(frame, catches);
                self.caught_all(frame, body, catches);
                return self.attempt(frame, body, catches, otherwise, finally);
            }
            StmtKind::While { condition, body, first: _ } => {
                return self.repeat(frame, Some(condition), |world, frame| world.block(frame, body));
            }
            StmtKind::With { items, body } => {
                for (value, pattern) in items {
                    let span = value.span;
                    let value = self.evaluate(frame, value);
                    if let Some(pattern) = pattern {
                        let entered = self.entered(frame, value, span);
                        self.declare(frame, pattern, entered);
                    }
                }
                return self.block(frame, body);
            }
        }
        Exit::Next
    }

    /// What a route returns is its answer: a text is markup to whoever asked.
    fn answered(&mut self, frame: &Frame, value: &Value, span: gabion_finding::Span) {
        let Some((kind, of)) = frame.answer.clone() else { return };
        let answer = self.models.kinds.find(&["answer"]);
        self.arrived(frame, (answer, false, false), value, span, &of);
        let body = match &value.shape {
            Shape::List(list) => list.items.first(),
            Shape::Unknown => Some(value),
            _ => None,
        };
        let Some(body) = body.filter(|body| matches!(body.shape, Shape::Unknown)) else { return };
        let text = body.as_text().unwrap_or_default();
        if !text.trim_start().starts_with(['{', '[']) {
            self.arrived(frame, (kind, false, false), body, span, &of);
        }
    }

    fn delete(&mut self, frame: &mut Frame, place: &Expr) {
        let ExprKind::Index { object, index } = &place.kind else { return drop(self.evaluate(frame, place)) };
        let (owner, index) = (self.evaluate(frame, object), self.evaluate(frame, index));
        if let Some(changed) = self.without(&owner, &index) {
            self.assign_owner(frame, object, changed);
        }
    }

    /// What stands behind `new` is more than the type of the name: `Random random = new SecureRandom()`.
    fn made_here(&self, from: Option<&Expr>, value: &Value) -> bool {
        matches!(from.map(|from| &from.kind), Some(ExprKind::Call(call)) if call.new)
            && value.origin.is_some_and(|origin| {
                let text = self.text_of(origin);
                text.strip_suffix("()").is_some_and(|text| self.models.knows_type(text))
            })
    }

    pub(super) fn give(&mut self, frame: &mut Frame, value: Value) {
        frame.returned = Some(match frame.returned.take() {
            Some(before) => before.join(&value),
            None => value,
        });
    }

    /// Both ways, or the one that is sure.
    pub(super) fn either(
        &mut self,
        frame: &mut Frame,
        condition: Option<&Expr>,
        truth: &Value,
        then: impl FnOnce(&mut Self, &mut Frame) -> Exit,
        otherwise: impl FnOnce(&mut Self, &mut Frame) -> Exit,
    ) -> Exit {
        match truth.truth().filter(|_| !matches!(truth.known, Known::Null)) {
            Some(true) => return then(self, frame),
            Some(false) => return otherwise(self, frame),
            None => {}
        }
        let before = frame.scope.snapshot();
        if let Some(condition) = condition {
            self.refine(frame, condition, true);
        }
        let first = then(self, frame);
        let after = frame.scope.snapshot();
        frame.scope.restore(before);
        if let Some(condition) = condition {
            self.refine(frame, condition, false);
        }
        let second = otherwise(self, frame);
        match (first, second) {
            (Exit::Leave, exit) => return exit,
            (Exit::Next, Exit::Leave) => frame.scope.restore(after),
            (Exit::Next, Exit::Next) => {
                let other = frame.scope.snapshot();
                frame.scope.restore(Scope::join(after, &other));
            }
        }
        Exit::Next
    }

    /// A loop: not at all, once, and again with what the first time left.
    fn repeat(
        &mut self,
        frame: &mut Frame,
        condition: Option<&Expr>,
        mut body: impl FnMut(&mut Self, &mut Frame) -> Exit,
    ) -> Exit {
        let depth = frame.loops.len();
        for _ in 0..2 {
            let before = frame.scope.snapshot();
            if let Some(condition) = condition {
                let truth = self.evaluate(frame, condition);
                if matches!(truth.known, Known::Bool(false)) {
                    break;
                }
                self.refine(frame, condition, true);
            }
            frame.loops.push(Loop::default());
            let exit = body(self, frame);
            self.after_loop(frame, depth, exit == Exit::Next);
            let after = frame.scope.snapshot();
            frame.scope.restore(Scope::join(before, &after));
        }
        if let Some(condition) = condition {
            self.refine(frame, condition, false);
        }
        Exit::Next
    }

    /// Joins the ways that left a loop or a `switch`; whether there is any.
    fn after_loop(&mut self, frame: &mut Frame, depth: usize, falls: bool) -> Exit {
        let mut ways: Vec<Variables> = if falls { vec![frame.scope.snapshot()] } else { Vec::new() };
        for one in frame.loops.drain(depth..) {
            ways.extend(one.broken);
            ways.extend(one.continued);
        }
        let joined = ways.into_iter().reduce(|one, two| Scope::join(one, &two));
        match joined {
            Some(variables) => {
                frame.scope.restore(variables);
                Exit::Next
            }
            None => Exit::Leave,
        }
    }

    fn leave_loop(&mut self, frame: &mut Frame, label: Option<Symbol>, broken: bool) -> Exit {
        let snapshot = frame.scope.snapshot();
        let fits = |one: &&mut Loop| match label {
            Some(label) => one.label == Some(label),
            None => broken || !one.switch,
        };
        if let Some(target) = frame.loops.iter_mut().rev().find(fits) {
            if broken { target.broken.push(snapshot) } else { target.continued.push(snapshot) }
        }
        Exit::Leave
    }

    fn attempt(
        &mut self,
        frame: &mut Frame,
        body: &[Stmt],
        catches: &[Catch],
        otherwise: &[Stmt],
        finally: &[Stmt],
    ) -> Exit {
        let before = frame.scope.snapshot();
        let mut exit = self.block(frame, body);
        let inside = frame.scope.snapshot();
        if exit == Exit::Next {
            exit = self.block(frame, otherwise);
        }
        let mut ways: Vec<Variables> =
            if exit == Exit::Next { vec![frame.scope.snapshot()] } else { Vec::new() };
        // It may have been thrown anywhere in it.
        let thrown = Scope::join(before, &inside);
        for catch in catches {
            frame.scope.restore(thrown.clone());
            let error = self.caught(frame, catch);
            self.declare(frame, &catch.pattern, error);
            if self.block(frame, &catch.body) == Exit::Next {
                ways.push(frame.scope.snapshot());
            }
        }
        let left = ways.is_empty();
        let joined = ways.into_iter().reduce(|one, two| Scope::join(one, &two)).unwrap_or(thrown);
        frame.scope.restore(joined);
        match self.block(frame, finally) {
            Exit::Next if !left => Exit::Next,
            _ => Exit::Leave,
        }
    }

    /// What a `catch` gets: an error, of its type where it says one.
    fn caught(&mut self, frame: &mut Frame, catch: &Catch) -> Value {
        let mut error = Value::default();
        if let Some(of_type) = catch.types.first() {
            self.claim(frame, &mut error, of_type);
        }
        if frame.loaded.language() == Language::Python
            && let Some(origin) = self.path("gabion.error()")
        {
            let said = self.at_path(frame, origin, &Value::default(), catch.span);
            error.add_flows(&said.flows);
        }
        let origin = self.path("error()");
        Value { origin: origin.filter(|_| catch.types.is_empty()).or(error.origin), ..error }
    }

    /// The statement, and what it is worth as an expression.
    pub(super) fn switch(&mut self, frame: &mut Frame, switch: &Switch) -> (Exit, Value) {
        let subject = switch.subject.as_ref().map(|subject| self.evaluate(frame, subject));
        let depth = frame.loops.len();
        let before = frame.scope.snapshot();
        let mut ways: Vec<Variables> = Vec::new();
        let mut worth: Option<Value> = None;
        let mut falling: Option<Variables> = None;
        let mut all = false;
        let sure = subject.as_ref().and_then(Value::as_constant);
        let chosen = sure.as_ref().and_then(|constant| self.chosen(frame, switch, constant));
        frame.loops.push(Loop { switch: true, ..Loop::default() });
        for (at, case) in switch.cases.iter().enumerate() {
            let skipped = chosen.is_some_and(|chosen| chosen != at);
            if skipped && falling.is_none() {
                continue;
            }
            all |= case.pattern.is_none() || chosen.is_some();
            let mut start = before.clone();
            if let Some(falling) = falling.take() {
                start = if skipped { falling } else { Scope::join(start, &falling) };
            }
            frame.scope.restore(start);
            if self.impossible(frame, case, subject.as_ref()) {
                continue;
            }
            let rest = self.rest_of(frame, switch, at, subject.as_ref());
            if let (Some(pattern), Some(subject), false) =
                (&case.pattern, rest.as_ref().or(subject.as_ref()), skipped)
            {
                self.matched(frame, switch, pattern, subject);
            }
            if let Some(guard) = &case.guard {
                self.evaluate(frame, guard);
                self.refine(frame, guard, true);
            }
            let exit = self.block(frame, &case.body);
            if exit == Exit::Leave {
                continue;
            }
            if let Some(value) = &case.value {
                let value = self.evaluate(frame, value);
                worth = Some(worth.map_or_else(|| value.clone(), |worth| worth.join(&value)));
            }
            if switch.falls {
                falling = Some(frame.scope.snapshot())
            } else {
                ways.push(frame.scope.snapshot())
            }
        }
        ways.extend(falling);
        if !all {
            ways.push(before);
        }
        let falls = !ways.is_empty();
        if let Some(joined) = ways.into_iter().reduce(|one, two| Scope::join(one, &two)) {
            frame.scope.restore(joined);
        }
        (self.after_loop(frame, depth, falls), worth.unwrap_or_default())
    }

    /// In a case the subject is what the case says.
    fn matched(&mut self, frame: &mut Frame, switch: &Switch, pattern: &Pattern, subject: &Value) {
        match pattern {
            Pattern::Value(value) => {
                let value = self.evaluate(frame, value);
                if let (Some(place), true) = (&switch.subject, value.as_constant().is_some()) {
                    self.assign(frame, place, value);
                }
            }
            Pattern::Variant { of, items } if items.is_empty() && self.is_number_type(frame, of) => {
                if let Some(place) = &switch.subject {
                    self.assign(frame, place, Value::known(Known::Harmless));
                }
            }
            Pattern::Or(any) if any.iter().all(|one| matches!(one, Pattern::Value(_))) => {
                if let Some(place) = &switch.subject {
                    let safe = subject.made_safe(KindSet::MAX);
                    self.assign(frame, place, safe);
                }
            }
            pattern => self.declare(frame, pattern, subject.clone()),
        }
    }

    fn import(&mut self, frame: &mut Frame, import: &Import) {
        let loaded = Rc::clone(&frame.loaded);
        let (language, module) = (loaded.language(), loaded.text(import.module));
        if super::member::is_typed(&loaded) {
            return self.import_of_tree(frame, import);
        }
        let from = self.units.get(frame.module).map(|unit| Arc::clone(&unit.path)).unwrap_or_default();
        let file = self.paths.find(language, &from, module, import.level);
        let inside = file.map(|file| self.exports(file));
        if let (Language::Python, true, Some(inside)) = (language, import.items.is_empty(), &inside) {
            self.nest(frame, module, inside);
        }
        for item in &import.items {
            let local = loaded.name(item.local);
            let value = self.imported(frame.module, &loaded, import, item.what, inside.as_ref());
            match item.what {
                Imported::Glob if inside.is_none() => {
                    let everything = self.name("*");
                    let mut packages = match frame.scope.get(everything).map(|value| value.shape) {
                        Some(Shape::List(packages)) => (*packages).clone(),
                        _ => List::default(),
                    };
                    packages.push(value);
                    frame.scope.declare(everything, Value::shaped(Shape::List(Rc::new(packages))));
                }
                Imported::Glob => {
                    if let Some(Shape::Object(object)) = inside.as_ref().map(|value| &value.shape) {
                        object
                            .fields
                            .iter()
                            .for_each(|(name, value)| frame.scope.declare(*name, value.clone()));
                    }
                }
                // `import a.b` binds `a`.
                Imported::Module if language == Language::Python && loaded.text(item.local) != module => {
                    let first = module.split('.').next().unwrap_or_default();
                    if loaded.text(item.local) == first && inside.is_none() {
                        let origin = self.path(first);
                        frame.scope.declare(local, Value::from_origin(origin));
                    } else {
                        frame.scope.declare(local, value);
                    }
                }
                _ => frame.scope.declare(local, value),
            }
        }
    }

    /// `import a.b.c`: the module is what `a` has as `b.c`.
    fn nest(&mut self, frame: &mut Frame, module: &str, inside: &Value) {
        let names: Vec<Name> = module.split('.').map(|word| self.name(word)).collect();
        let Some((first, further)) = names.split_first() else { return };
        let mut owners = vec![frame.scope.get(*first).unwrap_or_default()];
        for name in further.iter().take(further.len().saturating_sub(1)) {
            let inner = match owners.last().map(|owner| &owner.shape) {
                Some(Shape::Object(object)) => object.fields.get(name).cloned(),
                _ => None,
            };
            owners.push(inner.unwrap_or_default());
        }
        let mut value = inside.clone();
        for (owner, name) in owners.iter().zip(further).rev() {
            value = with_field(owner, *name, value);
        }
        frame.scope.declare(*first, value);
    }

    pub(super) fn imported(
        &mut self,
        at: usize,
        loaded: &super::Loaded,
        import: &Import,
        what: Imported,
        inside: Option<&Value>,
    ) -> Value {
        let module = loaded.text(import.module);
        match (inside, what) {
            (Some(inside), Imported::Module | Imported::Glob) => inside.clone(),
            (Some(inside), Imported::Default) => {
                let name = self.name("default");
                match &inside.shape {
                    Shape::Object(object) if object.fields.contains_key(&name) => {
                        object.field(name).unwrap_or_default()
                    }
                    _ => inside.clone(),
                }
            }
            (Some(inside), Imported::Name(symbol)) => {
                let name = loaded.name(symbol);
                let field = match &inside.shape {
                    Shape::Object(object) => object.field(name),
                    _ => None,
                };
                // A module in a package.
                field.unwrap_or_else(|| self.submodule(at, loaded, import, symbol))
            }
            (None, Imported::Module | Imported::Glob | Imported::Default) => {
                Value::from_origin(self.module_path(module))
            }
            (None, Imported::Name(symbol)) => {
                let submodule = self.submodule(at, loaded, import, symbol);
                if !matches!(submodule.shape, Shape::Unknown) {
                    return submodule;
                }
                let name = loaded.name(symbol);
                if loaded.language() == Language::Java
                    && let Some(file) = self.paths.class("", Some(module), loaded.text(symbol))
                    && let Shape::Object(object) = self.exports(file).shape
                    && let Some(value) = object.field(name)
                {
                    return value;
                }
                let origin = self.module_path(module);
                Value::from_origin(origin.and_then(|origin| self.origins.step(origin, Step::Member(name))))
            }
        }
    }

    fn submodule(&mut self, at: usize, loaded: &super::Loaded, import: &Import, symbol: Symbol) -> Value {
        if loaded.language() != Language::Python {
            return Value::default();
        }
        let (module, name) = (loaded.text(import.module), loaded.text(symbol));
        let path = if module.is_empty() { name.to_owned() } else { format!("{module}.{name}") };
        let from = self.units.get(at).map(|unit| Arc::clone(&unit.path)).unwrap_or_default();
        let file = self.paths.find(Language::Python, &from, &path, import.level);
        file.map_or_else(Value::default, |file| self.exports(file))
    }

    /// The path of a module of a package: `node:fs` is `fs`; dots within stay one word each.
    pub(super) fn module_path(&mut self, module: &str) -> Option<crate::origin::Origin> {
        let module = module.strip_prefix("node:").unwrap_or(module);
        if module.contains(['/', '@']) {
            let name = self.name(module);
            return Some(self.origins.root(name));
        }
        if module.contains("::") {
            return self.path(&module.replace("::", "."));
        }
        self.path(module)
    }

    fn export(&mut self, frame: &mut Frame, export: &Export) {
        match export {
            Export::Default(value) => {
                let value = self.evaluate(frame, value);
                let name = self.name("default");
                set_export(frame, name, value);
            }
            Export::Names(names) => {
                for (here, outside) in names {
                    let (here, outside) = (frame.loaded.name(*here), frame.loaded.name(*outside));
                    let value = frame.scope.get(here).unwrap_or_default();
                    set_export(frame, outside, value);
                }
            }
            Export::From { module, items } => {
                let loaded = Rc::clone(&frame.loaded);
                let from =
                    self.units.get(frame.module).map(|unit| Arc::clone(&unit.path)).unwrap_or_default();
                let file = self.paths.find(loaded.language(), &from, loaded.text(*module), 0);
                let Some(inside) = file.map(|file| self.exports(file)) else { return };
                let Shape::Object(object) = &inside.shape else { return };
                for item in items {
                    match item {
                        (None, None) => {
                            object
                                .fields
                                .iter()
                                .for_each(|(name, value)| set_export(frame, *name, value.clone()));
                        }
                        (None, Some(outside)) => set_export(frame, loaded.name(*outside), inside.clone()),
                        (Some(there), outside) => {
                            let value = object.field(loaded.name(*there)).unwrap_or_default();
                            set_export(frame, loaded.name(outside.unwrap_or(*there)), value);
                        }
                    }
                }
            }
        }
    }

    /// What others see: what is exported; in Python every name.
    pub(super) fn gathered_exports(&mut self, frame: &mut Frame) -> Value {
        if frame.loaded.language().is_script() {
            let common = self.name("module");
            let exports = self.name("exports");
            let assigned = match frame.scope.get(common).map(|module| module.shape) {
                Some(Shape::Object(module)) => module.field(exports),
                _ => None,
            };
            let own = frame.exports.take().unwrap_or_default();
            let filled = |value: &Value| match &value.shape {
                Shape::Object(object) => !object.fields.is_empty(),
                Shape::Unknown => value.origin.is_some(),
                _ => true,
            };
            let short = frame.scope.get(exports).filter(|value| filled(value));
            return match assigned.filter(|value| filled(value)).or(short) {
                Some(assigned) if !filled(&own) => assigned,
                _ => own,
            };
        }
        // In order: what is kept of the values does not depend on where a name stands in memory.
        let fields = frame.scope.snapshot().into_iter().collect();
        Value::shaped(Shape::Object(Rc::new(Object { fields, ..Object::default() })))
    }

    /// Names every module has.
    pub(super) fn declare_module(&mut self, frame: &mut Frame) {
        if frame.loaded.language().is_script() {
            let (module, exports) = (self.name("module"), self.name("exports"));
            let empty = || Value::shaped(Shape::Object(Rc::default()));
            let mut object = Object::default();
            object.set(exports, empty());
            frame.scope.declare(module, Value::shaped(Shape::Object(Rc::new(object))));
            frame.scope.declare(exports, empty());
        }
    }
}

fn set_export(frame: &mut Frame, name: Name, value: Value) {
    if let Some(exports) = &mut frame.exports
        && let Shape::Object(object) = &mut exports.shape
    {
        // All of them: a module may have many.
        Rc::make_mut(object).fields.insert(name, value);
    }
}
