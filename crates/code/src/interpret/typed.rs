//! What a type of Go or Rust says of a value that nobody knows otherwise: fields of structs of this tree, libraries, numbers.

use std::rc::Rc;

use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Type};

use super::member::is_number;
use super::{Frame, Given};
use crate::origin::{Origin, Step};
use crate::scope::Scope;
use crate::value::{ClassValue, KindSet, Known, List, Shape, Value};
use crate::world::{Ending, Loaded, World};

/// Types in types.
const DEEPEST: usize = 5;

/// Types around another one that a value is read through as if it were that other one.
const WRAPPERS: &[&str] = &[
    "Arc",
    "Box",
    "Cached",
    "Cow",
    "Data",
    "Extension",
    "Form",
    "Json",
    "Mutex",
    "Option",
    "Path",
    "Pin",
    "Query",
    "Rc",
    "Ref",
    "RefCell",
    "Result",
    "RwLock",
    "State",
    "Valid",
    "Validated",
    "chan",
];

/// Further types that hold nothing dangerous.
const HARMLESS: &[&str] = &[
    "Duration",
    "DateTime",
    "Instant",
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "NaiveDate",
    "NaiveDateTime",
    "NonZeroU32",
    "NonZeroU64",
    "ObjectID",
    "ObjectId",
    "OffsetDateTime",
    "SocketAddr",
    "Time",
    "Ulid",
    "Uuid",
    "byte",
    "char",
    "rune",
];

/// Types of a handler's parameters that hold what a request brings, where its attribute says which they are.
const BROUGHT: &[&str] = &[
    "Capped", "Cow", "Form", "Json", "Lenient", "Option", "PathBuf", "Result", "Segments", "Strict",
    "String", "Vec", "str",
];

/// Where a type is written.
pub(super) struct Written<'a> {
    pub(super) module: usize,
    pub(super) loaded: &'a Rc<Loaded>,
    pub(super) scope: &'a Rc<Scope>,
}

impl World<'_> {
    /// A path that was made absolute before it was cleaned does not lead upwards: `filepath.Clean("/" + name)`.
    pub(super) fn cleaned(&self, frame: &Frame, origin: Origin, given: &[Given]) -> KindSet {
        if frame.loaded.language() != Language::Go {
            return 0;
        }
        let rooted =
            given.first().and_then(|given| given.value.as_text()).is_some_and(|text| text.starts_with('/'));
        match &*self.text_of(origin) {
            "path/filepath.Clean" | "path.Clean" if rooted => self.models.kinds.find(&["path", "path-below"]),
            _ => 0,
        }
    }

    /// A value of that type.
    pub(super) fn typed(&mut self, frame: &mut Frame, at: &Written<'_>, of: &Type, depth: usize) -> Value {
        let text = at.loaded.text(of.path);
        let last = text.rsplit(['.', ':']).next().unwrap_or_default();
        if depth > DEEPEST {
            return Value::default();
        }
        let deeper = depth.saturating_add(1);
        if is_number(text) || HARMLESS.contains(&last) {
            return Value::known(Known::Harmless);
        }
        match (text, of.arguments.as_slice()) {
            ("()", items) if !items.is_empty() => {
                let items = items.iter().map(|item| self.typed(frame, at, item, deeper)).collect();
                return Value::shaped(Shape::List(Rc::new(List { items, rest: None })));
            }
            ("[]", [item]) if !matches!(at.loaded.text(item.path), "byte" | "u8") => {
                return self.items_of_type(frame, at, item, deeper);
            }
            (
                "[]" | "map" | "->" | "interface" | "struct" | "any" | "string" | "error" | "str" | "String",
                _,
            ) => {
                return Value::default();
            }
            _ => {}
        }
        match of.arguments.as_slice() {
            [item] if matches!(last, "Vec" | "VecDeque" | "HashSet" | "BTreeSet") => {
                return self.items_of_type(frame, at, item, deeper);
            }
            [inner, ..] if WRAPPERS.contains(&last) => {
                let value = self.typed(frame, at, inner, deeper);
                if value.origin.is_some() || !matches!(value.shape, Shape::Unknown) || value.is_harmless() {
                    return value;
                }
            }
            _ => {}
        }
        if text == "Self" {
            let name = self.name(text);
            let own = self.own_type(frame, name).map(|value| value.shape);
            return match own {
                Some(Shape::Class(class)) => self.of_class(frame, &class),
                _ => Value::default(),
            };
        }
        if let Some(class) = self.class_at(at, text) {
            return self.of_class(frame, &class);
        }
        let origin = self.library_type(at, of);
        Value::from_origin(origin)
    }

    fn items_of_type(&mut self, frame: &mut Frame, at: &Written<'_>, item: &Type, depth: usize) -> Value {
        let item = self.typed(frame, at, item, depth);
        if item.origin.is_none() && matches!(item.shape, Shape::Unknown) && !item.is_harmless() {
            return Value::default();
        }
        Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest: Some(Box::new(item)) })))
    }

    /// An object of a class; of another name for a type, and of an enum without content, what it is.
    fn of_class(&mut self, frame: &mut Frame, class: &Rc<ClassValue>) -> Value {
        let Some(loaded) = self.load(class.module) else { return Value::default() };
        if let Some(tree) = loaded.module().class(class.id) {
            if tree.fields.is_empty()
                && let [base] = tree.bases.as_slice()
                && let ExprKind::Name(name) = &base.kind
                && is_number(loaded.text(*name))
            {
                return Value::known(Known::Harmless);
            }
            let plain = |field: &gabion_syntax::tree::Field| field.of_class && field.of_type.is_none();
            if loaded.language() == Language::Rust && !tree.fields.is_empty() && tree.fields.iter().all(plain)
            {
                let object = self.instance(frame, class);
                return Value { known: Known::Harmless, ..object };
            }
        }
        self.instance(frame, class)
    }

    /// The class of this tree that a path of Go or Rust names.
    pub(super) fn class_at(&mut self, at: &Written<'_>, path: &str) -> Option<Rc<ClassValue>> {
        let separator = if at.loaded.language() == Language::Rust { "::" } else { "." };
        let words: Vec<crate::name::Name> =
            path.split(separator).take(12).map(|word| self.name(word)).collect();
        let value = match words.as_slice() {
            [only] => at.scope.get(*only).or_else(|| self.elsewhere(at.module, *only)),
            [first, ..] if at.scope.get(*first).is_none() => self.path_of_words(at.module, at.scope, &words),
            _ => None,
        };
        match value?.shape {
            Shape::Class(class) => Some(class),
            _ => None,
        }
    }

    /// The path of what a type of a library holds: `database/sql.DB()`.
    fn library_type(&mut self, at: &Written<'_>, of: &Type) -> Option<Origin> {
        let separator = if at.loaded.language() == Language::Rust { "::" } else { "." };
        let mut words = at.loaded.text(of.path).split(separator).filter(|word| !word.is_empty());
        let first = self.name(words.next()?);
        let mut origin = match at.scope.get(first) {
            Some(value) => value.origin?,
            None => self.origins.root(first),
        };
        for word in words {
            let name = self.name(word);
            origin = self.origins.step(origin, Step::Member(name))?;
        }
        self.origins.step(origin, Step::Call)
    }

    /// What a parameter or variable holds, by what it is given and by its type.
    pub(super) fn claim_typed(&mut self, frame: &mut Frame, value: &mut Value, of: &Type, missing: bool) {
        let (loaded, scope) = (Rc::clone(&frame.loaded), Rc::clone(&frame.scope));
        let at = Written { module: frame.module, loaded: &loaded, scope: &scope };
        if frame.loaded.language() == Language::Rust
            && value.origin.is_some_and(|origin| &*self.text_of(origin) == "gabion.parameter()")
        {
            // Guards and states of the server are among the parameters.
            let text = loaded.text(of.path);
            if !BROUGHT.contains(&text.rsplit("::").next().unwrap_or_default()) {
                value.flows = Rc::default();
            }
            value.origin = None;
        }
        let known = self.typed(frame, &at, of, 0);
        if missing && let Some(flows) = self.brought(frame, &at, of) {
            value.add_flows(&flows.flows);
            if value.origin.is_none() {
                value.origin = flows.origin;
            }
        }
        if known.is_harmless() && !matches!(value.known, Known::Null) {
            value.known = if value.is_harmless() { value.known.clone() } else { Known::Harmless };
            value.flows = Rc::default();
            return;
        }
        match (&mut value.shape, known.shape) {
            (shape @ Shape::Unknown, known) => *shape = known,
            (Shape::Object(own), Shape::Object(known)) if own.class.is_none() => {
                Rc::make_mut(own).class.clone_from(&known.class);
            }
            _ => {}
        }
        let Some(origin) = known.origin else { return };
        let text = self.text_of(origin);
        let weak = value.origin.is_none_or(|origin| self.text_of(origin).starts_with('~'));
        if weak || self.models.knows_type(text.trim_end_matches("()")) {
            value.origin = Some(origin);
        }
    }

    /// What the type of a parameter says of who chose it: extractors of requests.
    fn brought(&mut self, frame: &mut Frame, at: &Written<'_>, of: &Type) -> Option<Value> {
        if matches!(at.loaded.text(of.path), "String" | "Bytes") && self.is_handler(frame, at) {
            let origin = self.path("gabion.parameter()")?;
            let body = self.at_path(frame, origin, &Value::default(), of.span);
            return Some(Value { origin: None, ..body });
        }
        let mut of = of;
        for _ in 0..DEEPEST {
            if let Some(origin) = self.library_type(at, of) {
                let known = self.known(origin, Ending::Read, at.loaded.language());
                if known.iter().any(|at| self.models.get(*at).is_some_and(|model| model.source != 0)) {
                    return Some(self.at_path(frame, origin, &Value::default(), of.span));
                }
            }
            let last = at.loaded.text(of.path).rsplit("::").next().unwrap_or_default();
            if !matches!(last, "Option" | "Result" | "Valid" | "Validated" | "Cached") {
                return None;
            }
            of = of.arguments.first()?;
        }
        None
    }

    /// Whether a server of axum calls this function: another parameter is taken out of a request. A text is the body then.
    fn is_handler(&mut self, frame: &Frame, at: &Written<'_>) -> bool {
        let function = at.loaded.module().function(frame.function.id);
        let types = function.into_iter().flat_map(|function| &function.params);
        let mut types = types.filter_map(|param| param.of_type.as_ref());
        types.any(|of| {
            let last = at.loaded.text(of.path).rsplit("::").next().unwrap_or_default();
            let taken = matches!(last, "State" | "Path" | "Query" | "Extension" | "TypedHeader");
            let origin = if taken { self.library_type(at, of) } else { None };
            origin.is_some_and(|origin| self.text_of(origin).starts_with("axum"))
        })
    }

    /// `let url: Url = text.parse()?`: an address is a text as before.
    pub(super) fn parsed_text(&mut self, frame: &mut Frame, of: &Type, from: &Expr, value: &mut Value) {
        let loaded = Rc::clone(&frame.loaded);
        let last = loaded.text(of.path).rsplit("::").next().unwrap_or_default();
        let is_text = matches!(last, "Uri" | "Url" | "String" | "PathBuf" | "HeaderValue" | "Authority");
        if loaded.language() != Language::Rust || !is_text || !value.is_harmless() {
            return;
        }
        if let Some(text) = parsed(&loaded, from, DEEPEST) {
            let text = self.evaluate(frame, &text);
            *value = Value { flows: text.all_flows(), ..Value::default() };
        }
    }

    /// A declared field of a class, for an object of which that is not known.
    pub(super) fn typed_field(
        &mut self,
        frame: &mut Frame,
        class: &ClassValue,
        loaded: &Rc<Loaded>,
        of: &Type,
        this: &Value,
    ) -> Value {
        let at = Written { module: class.module, loaded, scope: &class.scope };
        let mut value = self.typed(frame, &at, of, 0);
        if !value.is_harmless() {
            value.add_flows(&this.flows);
        }
        value
    }
}

/// What is parsed, where that is the beginning of a chain: `text.parse().map_err(f)?`.
fn parsed(loaded: &Loaded, value: &Expr, depth: usize) -> Option<Expr> {
    match &value.kind {
        ExprKind::Call(call) if depth > 0 => {
            let ExprKind::Member { object, name } = &call.callee.kind else { return None };
            let is_parse = loaded.text(*name) == "parse" && call.arguments.is_empty();
            if is_parse { Some((**object).clone()) } else { parsed(loaded, object, depth.saturating_sub(1)) }
        }
        ExprKind::Await(inner) => parsed(loaded, inner, depth),
        _ => None,
    }
}
