//! What Go and Rust themselves do with values: conversions, results and options, format strings, what embeds another type.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Call, Expr, ExprKind, Import, Imported, Pattern, Stmt, StmtKind};

use super::format::{formatted_as_go, formatted_as_rust};
use super::member::{is_number, is_typed};
use super::typed::Written;
use super::{Frame, Given, Pending};
use crate::name::Name;
use crate::origin::Step;
use crate::value::{ClassValue, Closure, FunctionRef, Known, List, Shape, Value, concatenated};
use crate::world::{Loaded, World};

/// Methods of Rust that give what they are called on, as far as it matters here.
const SAME: &[&str] = &[
    "as_bytes",
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_os_str",
    "as_path",
    "as_ref",
    "as_slice",
    "as_str",
    "await",
    "borrow",
    "borrow_mut",
    "chars",
    "bytes",
    "clone",
    "cloned",
    "copied",
    "context",
    "deref",
    "enumerate",
    "err_into",
    "expect",
    "filter",
    "flatten",
    "get_ref",
    "inspect_err",
    "into",
    "into_bytes",
    "into_inner",
    "into_iter",
    "into_owned",
    "into_string",
    "iter",
    "iter_mut",
    "lock",
    "map_err",
    "ok",
    "ok_or",
    "ok_or_else",
    "or_default",
    "peekable",
    "read",
    "rev",
    "skip",
    "take",
    "to_lowercase",
    "to_owned",
    "to_path_buf",
    "to_str",
    "to_string",
    "to_string_lossy",
    "to_uppercase",
    "to_vec",
    "trim",
    "trim_end",
    "trim_start",
    "try_into",
    "unwrap",
    "unwrap_or_default",
    "unwrap_or_else",
    "with_context",
    "unwrap_unchecked",
    "write",
    "as_mut_slice",
    "collect",
    "try_collect",
    "boxed",
    "or_else",
    "transpose",
];

/// Methods that set up a command and go on with it.
const SETTINGS: &[&str] = &[
    "stdin",
    "stdout",
    "stderr",
    "current_dir",
    "env",
    "envs",
    "env_clear",
    "env_remove",
    "kill_on_drop",
    "uid",
    "gid",
];

/// Functions of Rust that give what they are given.
const WRAP: &[&str] = &[
    "Some",
    "Ok",
    "Arc.new",
    "Box.new",
    "Rc.new",
    "String.from",
    "Cow.from",
    "Cow.Borrowed",
    "Cow.Owned",
    "Mutex.new",
    "RwLock.new",
    "RefCell.new",
    "Cell.new",
    "Box.pin",
    "Data.new",
    "Bytes.from",
    "Vec.from",
    "str.from_utf8",
    "String.from_utf8",
    "String.from_utf8_lossy",
    "OsString.from",
    "OsStr.new",
    "ready",
    "identity",
    "Arc.clone",
    "Rc.clone",
];

impl World<'_> {
    /// What the language does with a call of its own; none where somebody else says what is done.
    pub(super) fn idiom(
        &mut self,
        frame: &mut Frame,
        call: &Call,
        callee: &Value,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Option<Value> {
        match frame.loaded.language() {
            Language::Go => self.idiom_of_go(frame, callee, given, span),
            Language::Rust if call.macro_call => self.macro_of_rust(frame, call, given),
            Language::Rust => self.idiom_of_rust(frame, call, callee, receiver, given, span),
            language if language.is_script() => self.idiom_of_script(frame, callee, receiver, given, span),
            _ => None,
        }
    }

    /// Each function of several that may be meant.
    fn any_of(&mut self, frame: &mut Frame, callee: &Value, given: &[Given], span: Span) -> Option<Value> {
        let Shape::List(list) = &callee.shape else { return None };
        let list = Rc::clone(list);
        let mut found: Option<Value> = None;
        for item in &list.items {
            let Shape::Function(closure) = &item.shape else { return None };
            let value = self.run_closure(frame, closure, None, given, span);
            found = Some(found.map_or_else(|| value.clone(), |found| found.join(&value)));
        }
        self.changed_this = None;
        found
    }

    fn idiom_of_go(
        &mut self,
        frame: &mut Frame,
        callee: &Value,
        given: &[Given],
        span: Span,
    ) -> Option<Value> {
        if let Some(value) = self.any_of(frame, callee, given, span) {
            return Some(value);
        }
        let first = given.first().map(|given| &given.value);
        if let Shape::Class(class) = &callee.shape {
            // A conversion.
            let loaded = self.load(class.module)?;
            let tree = loaded.module().class(class.id)?;
            if let [base] = tree.bases.as_slice()
                && let ExprKind::Name(name) = &base.kind
                && is_number(loaded.text(*name))
            {
                return Some(Value::known(Known::Harmless));
            }
            return first.cloned();
        }
        let text = self.text_of(callee.origin?);
        Some(match &*text {
            "string" | "[]byte" | "[]rune" | "any" | "interface{}" => first?.clone(),
            "new" => match &first?.shape {
                Shape::Class(class) => {
                    let class = Rc::clone(class);
                    self.instance(frame, &class)
                }
                _ => {
                    let origin = first?.origin?;
                    Value::from_origin(self.origins.step(origin, Step::Call))
                }
            },
            "append" => {
                let mut list = match &first?.shape {
                    Shape::List(list) => (**list).clone(),
                    _ => List { items: Vec::new(), rest: Some(Box::new(first?.clone())) },
                };
                given.iter().skip(1).for_each(|given| list.push(given.value.clone()));
                Value { flows: Rc::clone(&first?.flows), ..Value::shaped(Shape::List(Rc::new(list))) }
            }
            "fmt.Sprintf" | "fmt.Errorf" => {
                let rest: Vec<&Value> = given.iter().skip(1).map(|given| &given.value).collect();
                formatted_as_go(first?, &rest)
            }
            "fmt.Sprint" | "fmt.Sprintln" => {
                concatenated(&given.iter().map(|given| given.value.clone()).collect::<Vec<_>>())
            }
            "fmt.Fprintf" | "fmt.Fprint" | "fmt.Fprintln" | "io.WriteString" | "io.Copy" => {
                let rest: Vec<&Value> = given.iter().skip(1).map(|given| &given.value).collect();
                let written = match rest.split_first() {
                    Some((format, rest)) if &*text == "fmt.Fprintf" => formatted_as_go(format, rest),
                    _ => concatenated(&rest.into_iter().cloned().collect::<Vec<_>>()),
                };
                let name = self.name("Write");
                let path = self.origins.step(first?.origin?, Step::Member(name))?;
                let given = [Given { name: None, value: written, span: given.get(1)?.span }];
                self.sinks(frame, path, crate::world::Ending::Call, first, &given, span);
                return None;
            }
            "strings.Join" => match (&first?.shape, given.get(1)) {
                (Shape::List(list), Some(between)) if list.rest.is_none() => {
                    let mut parts = Vec::new();
                    for item in &list.items {
                        if !parts.is_empty() {
                            parts.push(between.value.clone());
                        }
                        parts.push(item.clone());
                    }
                    concatenated(&parts)
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    fn macro_of_rust(&mut self, frame: &mut Frame, call: &Call, given: &[Given]) -> Option<Value> {
        let (ExprKind::Name(name) | ExprKind::Member { name, .. }) = &call.callee.kind else { return None };
        let name = frame.loaded.text(*name).to_owned();
        let values: Vec<Value> = given.iter().map(|given| given.value.clone()).collect();
        Some(match name.as_str() {
            "vec" => Value::shaped(Shape::List(Rc::new(List { items: values, rest: None }))),
            "format" | "format_args" | "formatdoc" => formatted_as_rust(&self.named_parts(given)),
            "concat" => concatenated(&values),
            "env" | "option_env" | "include_str" | "include_bytes" | "stringify" => Value::default(),
            "matches" | "assert" | "assert_eq" | "assert_ne" | "cfg" | "debug_assert" => {
                Value::known(Known::Harmless)
            }
            "write" | "writeln" => {
                let (target, rest) = call.arguments.split_first()?;
                let text = formatted_as_rust(&self.named_parts(given.get(1..).unwrap_or_default()));
                let _ = rest;
                let place = match &target.value.kind {
                    ExprKind::Reference(inner) => inner,
                    _ => &target.value,
                };
                let before = self.evaluate(frame, place);
                let mut after = concatenated(&[before.clone(), text]);
                after.origin = before.origin;
                self.assign_owner(frame, place, after);
                return None;
            }
            _ => return None,
        })
    }

    /// The arguments of a format string: named ones behind the others.
    fn named_parts(&self, given: &[Given]) -> Vec<(Option<Rc<str>>, Value)> {
        given
            .iter()
            .map(|given| (given.name.map(|name| self.names.text(name)), given.value.clone()))
            .collect()
    }

    fn idiom_of_rust(
        &mut self,
        frame: &mut Frame,
        call: &Call,
        callee: &Value,
        receiver: Option<&Value>,
        given: &[Given],
        span: Span,
    ) -> Option<Value> {
        if let Some(value) = self.any_of(frame, callee, given, span) {
            return Some(value);
        }
        if !matches!(callee.shape, Shape::Unknown) {
            return None;
        }
        let first = given.first().map(|given| &given.value);
        if let (ExprKind::Member { name, .. }, Some(receiver)) = (&call.callee.kind, receiver) {
            let method = frame.loaded.text(*name).to_owned();
            let closure = first.and_then(|first| match &first.shape {
                Shape::Function(closure) => Some(Rc::clone(closure)),
                _ => None,
            });
            if let Some(closure) = closure {
                return self.with_closure(frame, &method, receiver, &closure, given, span);
            }
            let known = callee.origin.is_some_and(|origin| {
                !self.known(origin, crate::world::Ending::Call, Language::Rust).is_empty()
            });
            let from = receiver.origin.map(|origin| self.text_of(origin)).unwrap_or_default();
            // A module or a type, not a value.
            let is_path = !from.is_empty()
                && !from.starts_with('~')
                && !from.contains("()")
                && matches!(receiver.known, Known::Nothing)
                && matches!(receiver.shape, Shape::Unknown);
            if from.ends_with("process.Command()") && SETTINGS.contains(&method.as_str()) {
                return Some(receiver.clone());
            }
            if SAME.contains(&method.as_str()) && !known && !is_path {
                return Some(receiver.clone());
            }
            match method.as_str() {
                "parse" => return Some(Value::known(Known::Harmless)),
                "unwrap_or" | "or" => return Some(receiver.join(first?)),
                _ => {}
            }
        }
        let text = self.text_of(callee.origin?);
        let ends = |end: &str| {
            text.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        if &*text == "Err" {
            return Some(Value::known(Known::Null));
        }
        if text.ends_with("String.new") || text.ends_with("String.with_capacity") {
            return Some(Value::text(""));
        }
        if text.ends_with("Vec.new") || text.ends_with("Vec.with_capacity") {
            return Some(Value::shaped(Shape::List(Rc::default())));
        }
        if WRAP.iter().any(|end| ends(end)) {
            return first.cloned();
        }
        None
    }

    /// A method that calls what it is given with what is in it.
    fn with_closure(
        &mut self,
        frame: &mut Frame,
        method: &str,
        receiver: &Value,
        closure: &Rc<Closure>,
        given: &[Given],
        span: Span,
    ) -> Option<Value> {
        let listed = matches!(receiver.shape, Shape::List(_));
        let item = if listed { self.item_of(receiver) } else { receiver.clone() };
        let mut run = |world: &mut Self, item: Value| {
            let given = [Given { name: None, value: item, span }];
            world.run_closure(frame, closure, None, &given, span)
        };
        Some(match method {
            "map" | "and_then" | "flat_map" | "filter_map" | "then" | "map_ok" | "find_map"
            | "flat_map_ok" => {
                let value = run(self, item);
                if listed && method != "find_map" {
                    let list = List { items: Vec::new(), rest: Some(Box::new(value)) };
                    return Some(Value::shaped(Shape::List(Rc::new(list))));
                }
                value
            }
            "for_each" | "inspect" | "retain" | "map_err" | "or_else" | "unwrap_or_else" | "ok_or_else"
            | "with_context" => {
                let error = matches!(method, "map_err" | "or_else" | "unwrap_or_else");
                let item = if error { Value::from_origin(self.path("error()")) } else { item };
                let value = run(self, item);
                if method == "unwrap_or_else" || method == "or_else" {
                    receiver.join(&value)
                } else {
                    receiver.clone()
                }
            }
            "filter" | "take_while" | "skip_while" | "sort_by" | "sort_by_key" | "filter_ok" => {
                run(self, item);
                receiver.clone()
            }
            "find" => {
                run(self, item.clone());
                item
            }
            "any" | "all" | "position" | "is_some_and" | "is_ok_and" | "is_none_or" => {
                run(self, item);
                Value::known(Known::Harmless)
            }
            _ => {
                let _ = given;
                return None;
            }
        })
    }

    /// The macro, not what else has its name.
    pub(super) fn as_macro(&mut self, callee: &Value) -> Value {
        Value::from_origin(callee.origin.and_then(|origin| self.origins.step(origin, Step::Macro)))
    }

    /// `Self`, and `None`.
    pub(super) fn own_type(&mut self, frame: &Frame, name: Name) -> Option<Value> {
        if frame.loaded.language() != Language::Rust {
            return None;
        }
        let text = self.names.text(name);
        match &*text {
            "None" => Some(Value::known(Known::Null)),
            "Self" => {
                let module = frame.loaded.module();
                let class = module.class(module.function(frame.function.id)?.class?)?;
                let own = frame.loaded.name(class.name?);
                frame.scope.get(own).or_else(|| self.elsewhere(frame.module, own))
            }
            _ => None,
        }
    }

    pub(super) fn is_number_type(&self, frame: &Frame, of: &Expr) -> bool {
        matches!(&of.kind, ExprKind::Name(name) if is_number(frame.loaded.text(*name)))
    }

    /// Items are there wherever in their block they stand.
    pub(super) fn hoist_items(&mut self, frame: &mut Frame, body: &[Stmt]) {
        for one in body {
            if let StmtKind::Import(import) = &one.kind {
                self.import_of_tree(frame, import);
            }
        }
        for one in body {
            if let StmtKind::Class(id) = &one.kind {
                let value = self.class(frame, *id);
                if let Some(name) = frame.loaded.module().class(*id).and_then(|class| class.name) {
                    let name = frame.loaded.name(name);
                    frame.scope.declare(name, value);
                }
            }
        }
        for one in body {
            if let StmtKind::Function(id) = &one.kind {
                self.declare_function(frame, *id);
                if is_test(&frame.loaded, *id) {
                    frame.pending.pop();
                }
            }
        }
    }

    /// Names of other files are looked up when they are used; the rest are paths.
    pub(super) fn import_of_tree(&mut self, frame: &mut Frame, import: &Import) {
        let loaded = Rc::clone(&frame.loaded);
        for item in &import.items {
            let local = loaded.name(item.local);
            if item.what == Imported::Glob || self.is_of_tree(frame.module, local) {
                continue;
            }
            let value = match item.what {
                Imported::Name(symbol) => {
                    let origin = self.module_path(loaded.text(import.module));
                    let name = loaded.name(symbol);
                    Value::from_origin(
                        origin.and_then(|origin| self.origins.step(origin, Step::Member(name))),
                    )
                }
                _ => Value::from_origin(self.module_path(loaded.text(import.module))),
            };
            frame.scope.declare(local, value);
        }
    }

    /// Methods of a type that stands in another file are run as well.
    pub(super) fn methods_without_type(&mut self, frame: &mut Frame) {
        if !is_typed(&frame.loaded) {
            return;
        }
        let loaded = Rc::clone(&frame.loaded);
        for (number, class) in (0_u32..).zip(&loaded.module().classes) {
            let named = class.name.and_then(|name| frame.scope.get(loaded.name(name)));
            let declared =
                matches!(named.map(|value| value.shape), Some(Shape::Class(own)) if own.id.0 == number);
            if declared {
                continue;
            }
            for id in &class.methods {
                let function = FunctionRef { module: frame.module, id: *id };
                let closure = Rc::new(Closure {
                    function,
                    scope: Rc::clone(&frame.scope),
                    this: None,
                    others: Vec::new(),
                });
                frame.pending.push(Pending { closure, given: None, answer: None, fixed: false });
            }
        }
        let path = self.units.get(frame.module).map(|unit| std::sync::Arc::clone(&unit.path));
        if path.is_some_and(|path| path.ends_with("_test.go")) {
            frame.pending.clear();
        }
    }

    /// The functions behind a method that a trait or an interface only asks for.
    pub(super) fn implemented(&mut self, frame: &mut Frame, class: &ClassValue, name: Name) -> Option<Value> {
        let mut items = Vec::new();
        for (class, function) in self.implementations(class, name) {
            let this = Some(self.instance(frame, &class));
            let scope = self.module_scope(function.module)?;
            items.push(Value::shaped(Shape::Function(Rc::new(Closure {
                function,
                scope,
                this,
                others: Vec::new(),
            }))));
        }
        match items.len() {
            0 => None,
            1 => items.pop(),
            _ => Some(Value::shaped(Shape::List(Rc::new(List { items, rest: None })))),
        }
    }

    /// What a type has from those it embeds, or from a trait of another file.
    pub(super) fn embedded(
        &mut self,
        frame: &mut Frame,
        class: &Rc<ClassValue>,
        loaded: &Rc<Loaded>,
        this: &Value,
        name: Name,
        span: Span,
    ) -> Option<Value> {
        let tree = loaded.module().class(class.id)?;
        for base in &tree.bases {
            let (ExprKind::Name(last) | ExprKind::Member { name: last, .. }) = &base.kind else { continue };
            let at = Written { module: class.module, loaded, scope: &class.scope };
            let path = written(loaded, base);
            if let Some(found) = self.class_at(&at, &path).filter(|found| !Rc::ptr_eq(found, class)) {
                if let Some(value) = self.method(frame, &found, this, name, span) {
                    return Some(value);
                }
                continue;
            }
            let field = tree.fields.iter().find(|field| field.name == *last);
            if let Some(of) = field.and_then(|field| field.of_type.as_ref()) {
                let value = self.typed_field(frame, class, loaded, of, this);
                if value.origin.is_some() {
                    return Some(self.member(frame, &value, name, span));
                }
            }
        }
        None
    }

    /// One of several things that a call of Go gives: the last is an error or whether there was one.
    pub(super) fn one_of_several(
        &mut self,
        frame: &Frame,
        value: &Value,
        at: usize,
        items: &[Pattern],
    ) -> Value {
        if at == 0 {
            return value.clone();
        }
        let last = at.saturating_add(1) == items.len();
        let named = items.get(at).and_then(|item| match item {
            Pattern::Name(name, _) => Some(frame.loaded.text(*name)),
            _ => None,
        });
        let says = |name: &str| {
            let name = name.to_lowercase();
            name.ends_with("err")
                || name.starts_with("err")
                || matches!(name.as_str(), "ok" | "found" | "exists" | "has")
        };
        if last && named.is_some_and(says) {
            return Value::from_origin(self.path("error()"));
        }
        Value { flows: value.all_flows(), ..Value::default() }
    }
}

/// `a.b` of a base, as it is written.
fn written(loaded: &Loaded, base: &Expr) -> String {
    let separator = if loaded.language() == Language::Rust { "::" } else { "." };
    match &base.kind {
        ExprKind::Name(name) => loaded.text(*name).to_owned(),
        ExprKind::Member { object, name } => {
            format!("{}{separator}{}", written(loaded, object), loaded.text(*name))
        }
        _ => String::new(),
    }
}

/// Whether a method of Rust gives what it is called on.
pub(super) fn is_same(method: &str) -> bool {
    SAME.contains(&method)
}

/// Tests of Rust: nobody else calls them.
fn is_test(loaded: &Loaded, id: gabion_syntax::tree::FunctionId) -> bool {
    if loaded.language() != Language::Rust {
        return false;
    }
    let Some(function) = loaded.module().function(id) else { return false };
    function.decorators.iter().any(|decorator| match &decorator.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => loaded.text(*name) == "test",
        ExprKind::Call(call) => {
            matches!(call.callee.kind, ExprKind::Name(name) if loaded.text(name) == "cfg")
                && call
                    .arguments
                    .iter()
                    .any(|one| matches!(one.value.kind, ExprKind::Name(name) if loaded.text(name) == "test"))
        }
        _ => false,
    })
}

/// Whether nothing behind this statement is reached.
pub(super) fn ends(loaded: &Loaded, from: &Expr) -> bool {
    let ExprKind::Call(call) = &from.kind else { return false };
    let name = match &call.callee.kind {
        ExprKind::Name(name) => (None, loaded.text(*name)),
        ExprKind::Member { object, name } => match &object.kind {
            ExprKind::Name(of) | ExprKind::Member { name: of, .. } => {
                (Some(loaded.text(*of)), loaded.text(*name))
            }
            _ => return false,
        },
        _ => return false,
    };
    match loaded.language() {
        Language::Go => matches!(
            name,
            (None, "panic")
                | (Some("os"), "Exit")
                | (Some("log"), "Fatal" | "Fatalf" | "Fatalln" | "Panic" | "Panicf")
        ),
        Language::Rust if call.macro_call => {
            matches!(name.1, "panic" | "bail" | "unreachable" | "todo" | "unimplemented")
        }
        Language::Rust => matches!(name, (Some("process"), "exit" | "abort")),
        _ => false,
    }
}

/// `Err(e)`.
pub(super) fn is_error(loaded: &Loaded, of: &Expr) -> bool {
    loaded.language() == Language::Rust
        && matches!(&of.kind, ExprKind::Name(name) | ExprKind::Member { name, .. } if loaded.text(*name) == "Err")
}
