//! Classes of Java in other files: by their whole names, behind interfaces, and what a server hands to a method.

use std::rc::Rc;

use gabion_syntax::Language;
use gabion_syntax::tree::{Call, Expr, ExprKind, Function, StmtKind, Type};

use super::{Frame, Given};
use crate::name::Name;
use crate::origin::{Origin, Step};
use crate::value::{ClassValue, Closure, FunctionRef, Known, Object, Shape, Value};
use crate::world::World;

/// Classes that implement one interface and are run.
const IMPLEMENTATIONS: usize = 6;
/// Classes above a class.
const ANCESTORS: usize = 16;
/// Beans in beans.
const BEANS: usize = 3;

/// Annotations of parameters that a request fills.
const FILLED: &[&str] = &[
    "RequestParam",
    "PathVariable",
    "RequestBody",
    "RequestHeader",
    "CookieValue",
    "ModelAttribute",
    "MatrixVariable",
    "RequestPart",
    "QueryParam",
    "PathParam",
    "HeaderParam",
    "CookieParam",
    "FormParam",
    "BeanParam",
    "MatrixParam",
    "FormDataParam",
    "RestQuery",
    "RestPath",
    "RestForm",
    "RestHeader",
    "RestCookie",
    "QueryValue",
    "Body",
    "Header",
    "Part",
    "Argument",
    "Payload",
    "DestinationVariable",
];

impl World<'_> {
    /// A class of the tree by its whole name: `com.shop.Users`.
    pub(super) fn java_class_at(&mut self, frame: &Frame, origin: Origin, name: Name) -> Option<Value> {
        if frame.loaded.language() != Language::Java {
            return None;
        }
        let last = self.names.text(name);
        if !last.starts_with(char::is_uppercase) {
            return None;
        }
        let path = self.text_of(origin);
        let package = path.strip_suffix(&*last)?.strip_suffix('.')?;
        if package.contains(['(', '~', '[']) {
            return None;
        }
        let file = self.paths.class("", Some(package), &last)?;
        self.in_file(file, name)
    }

    /// A class of the package of this file, wherever that lies: tests and sources have the same packages.
    pub(super) fn class_of_package(&mut self, frame: &Frame, name: Name) -> Option<Value> {
        let text = self.names.text(name);
        if !text.starts_with(char::is_uppercase) {
            return None;
        }
        let module = frame.loaded.module();
        let package = module.package.map(|package| frame.loaded.text(package).to_owned());
        if let Some(file) = package.and_then(|package| self.paths.class("", Some(&package), &text))
            && file != frame.module
        {
            return self.in_file(file, name);
        }
        let scope = Rc::clone(&frame.scope);
        self.class_in_packages(&scope, name)
    }

    /// A class of a package of this tree that was imported whole.
    pub(super) fn class_in_packages(&mut self, scope: &crate::scope::Scope, name: Name) -> Option<Value> {
        let everything = self.name("*");
        let Shape::List(packages) = scope.get(everything)?.shape else { return None };
        let text = self.names.text(name);
        packages.items.iter().find_map(|package| {
            let package = self.text_of(package.origin?);
            let file = self.paths.class("", Some(&package), &text)?;
            self.in_file(file, name)
        })
    }

    fn in_file(&mut self, file: usize, name: Name) -> Option<Value> {
        match self.exports(file).shape {
            Shape::Object(object) => object.field(name),
            _ => None,
        }
    }

    /// A frame where the code of a class stands.
    pub(super) fn frame_of(&mut self, frame: &Frame, class: &Rc<ClassValue>) -> Option<Frame> {
        let loaded = self.load(class.module)?;
        Some(Frame {
            module: class.module,
            loaded,
            function: FunctionRef { module: class.module, id: gabion_syntax::tree::FunctionId(0) },
            scope: Rc::clone(&class.scope),
            this: Value::shaped(Shape::Class(Rc::clone(class))),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack: frame.stack.clone(),
            tainted: false,
            exports: None,
            rebound: hashbrown::HashSet::new(),
            answer: None,
        })
    }

    /// What a field of a class is set to, evaluated where it is written.
    pub(super) fn evaluate_in(
        &mut self,
        frame: &mut Frame,
        class: &Rc<ClassValue>,
        value: &Expr,
    ) -> Option<Value> {
        if class.module == frame.module && frame.loaded.language() != Language::Java {
            return Some(self.evaluate(frame, value));
        }
        let mut there = self.frame_of(frame, class)?;
        let value = self.evaluate(&mut there, value);
        frame
            .pending
            .extend(there.pending.into_iter().filter(|one| one.closure.function.module == frame.module));
        Some(value)
    }

    /// What a field without a value holds: whatever its type says.
    pub(super) fn value_of_type(
        &mut self,
        frame: &Frame,
        class: &Rc<ClassValue>,
        of_type: &Type,
    ) -> Option<Value> {
        let mut there = self.frame_of(frame, class)?;
        let mut value = Value::default();
        self.claim(&mut there, &mut value, of_type);
        Some(value)
    }

    /// A method without a body is one of those that implement it.
    pub(super) fn java_implementations(
        &mut self,
        class: &Rc<ClassValue>,
        function: &Function,
        name: Name,
        this: &Value,
    ) -> Vec<Rc<Closure>> {
        let Some(loaded) = self.load(class.module) else { return Vec::new() };
        if loaded.language() != Language::Java || !function.body.is_empty() || function.traits.constructor {
            return Vec::new();
        }
        let mut found = Vec::new();
        for own in self.implementers(class) {
            let Some(loaded) = self.load(own.module) else { continue };
            let Some(tree) = loaded.module().class(own.id) else { continue };
            let fits = tree.methods.iter().find(|id| {
                loaded.module().function(**id).is_some_and(|other| {
                    other.name.map(|name| loaded.name(name)) == Some(name)
                        && other.params.len() == function.params.len()
                        && !other.body.is_empty()
                })
            });
            if let Some(id) = fits {
                let function = FunctionRef { module: own.module, id: *id };
                let mut this = this.clone();
                if let Shape::Object(object) = &mut this.shape {
                    Rc::make_mut(object).class = Some(Rc::clone(&own));
                }
                let scope = Rc::clone(&own.scope);
                found.push(Rc::new(Closure { function, scope, this: Some(this), others: Vec::new() }));
            }
        }
        found
    }

    /// The classes of the tree that name it as what they extend.
    fn implementers(&mut self, class: &Rc<ClassValue>) -> Vec<Rc<ClassValue>> {
        let key = Self::class_key(class);
        if let Some(known) = self.implementers.get(&key) {
            return known.clone();
        }
        // While it is looked for, nothing implements it.
        self.implementers.insert(key, Vec::new());
        let Some(loaded) = self.load(class.module) else { return Vec::new() };
        let Some(name) = loaded.module().class(class.id).and_then(|tree| tree.name) else {
            return Vec::new();
        };
        let wanted = loaded.text(name).to_owned();
        let mut found: Vec<Rc<ClassValue>> = Vec::new();
        for (module, name) in self.extending(&wanted) {
            if found.len() >= IMPLEMENTATIONS {
                break;
            }
            let Some(value) = self.in_file(module, name) else { continue };
            if let Shape::Class(own) = value.shape
                && own
                    .bases
                    .iter()
                    .any(|base| matches!(&base.shape, Shape::Class(base) if Self::class_key(base) == key))
            {
                found.push(own);
            }
        }
        self.implementers.insert(key, found.clone());
        found
    }

    /// Modules and names of classes that extend something of that name.
    fn extending(&mut self, wanted: &str) -> Vec<(usize, Name)> {
        if self.extending.is_none() {
            let mut all: hashbrown::HashMap<Box<str>, Vec<(usize, Name)>> = hashbrown::HashMap::new();
            for module in 0..self.units.len() {
                if !self.units.get(module).is_some_and(|unit| unit.path.ends_with(".java")) {
                    continue;
                }
                let Some(loaded) = self.load(module) else { continue };
                for class in &loaded.module().classes {
                    let Some(name) = class.name.map(|name| loaded.name(name)) else { continue };
                    for base in &class.bases {
                        let symbol = match &base.kind {
                            ExprKind::Name(symbol) | ExprKind::Member { name: symbol, .. } => *symbol,
                            _ => continue,
                        };
                        all.entry(loaded.text(symbol).into()).or_default().push((module, name));
                    }
                }
            }
            self.extending = Some(all);
        }
        self.extending.as_ref().and_then(|all| all.get(wanted)).cloned().unwrap_or_default()
    }

    /// All that may be called, one after the other.
    pub(super) fn run_each(
        &mut self,
        frame: &mut Frame,
        closure: &Rc<Closure>,
        receiver: Option<&Value>,
        given: &[Given],
        span: gabion_finding::Span,
    ) -> Value {
        let mut joined: Option<Value> = None;
        for one in &closure.others {
            let value = self.run_closure(frame, one, receiver, given, span);
            joined = Some(joined.map_or_else(|| value.clone(), |joined| joined.join(&value)));
        }
        self.changed_this = None;
        joined.unwrap_or_default()
    }

    /// `f.apply(x)` calls what `f` is.
    pub(super) fn called_by_interface(
        &mut self,
        frame: &Frame,
        callee: &Value,
        receiver: Option<&Value>,
    ) -> Value {
        match receiver.map(|receiver| &receiver.shape) {
            Some(Shape::Function(closure))
                if frame.loaded.language() == Language::Java
                    && !matches!(callee.shape, Shape::Function(_)) =>
            {
                Value::shaped(Shape::Function(Rc::clone(closure)))
            }
            _ => callee.clone(),
        }
    }

    /// `pair.left()` of a record is its field.
    pub(super) fn accessor(&mut self, frame: &Frame, call: &Call, receiver: Option<&Value>) -> Option<Value> {
        let ExprKind::Member { name, .. } = &call.callee.kind else { return None };
        if frame.loaded.language() != Language::Java || !call.arguments.is_empty() {
            return None;
        }
        let receiver = receiver?;
        let Shape::Object(object) = &receiver.shape else { return None };
        let class = object.class.as_ref()?;
        let loaded = self.load(class.module)?;
        let tree = loaded.module().class(class.id)?;
        let name = frame.loaded.name(*name);
        let own = tree.methods.iter().filter_map(|id| loaded.module().function(*id));
        if own.filter_map(|own| own.name).any(|own| loaded.name(own) == name) {
            return None;
        }
        let mut value = object.fields.get(&name).cloned()?;
        value.add_flows(&receiver.flows);
        Some(value)
    }

    /// What a class makes of the methods of a library's type: `javax.net.ssl.HostnameVerifier().verify()=` is set to what the
    /// method gives where that is all it does, to nothing where it does nothing.
    pub(super) fn check_overridden(&mut self, frame: &mut Frame, bases: &[Value], function: &Function) {
        if frame.loaded.language() != Language::Java || function.traits.constructor {
            return;
        }
        let Some(name) = function.name.map(|name| frame.loaded.name(name)) else { return };
        let value = match function.body.as_slice() {
            [] => Value::known(Known::Null),
            [only] => match &only.kind {
                StmtKind::Return(Some(value)) if is_literal(value) => self.evaluate(frame, value),
                _ => return,
            },
            _ => return,
        };
        for base in self.library_bases(bases) {
            let steps = [Step::Call, Step::Member(name), Step::Call];
            let path = steps.into_iter().try_fold(base, |path, step| self.origins.step(path, step));
            if let Some(path) = path {
                self.check_set(frame, path, None, &value, function.head);
            }
        }
    }

    /// A lambda that only says yes is asked for that: `(host, session) -> true`.
    pub(super) fn lambda_gives(&self, frame: &Frame, id: gabion_syntax::tree::FunctionId) -> Known {
        let nameless = |function: &&Function| function.traits.arrow || function.name.is_none();
        let function = frame.loaded.module().function(id).filter(nameless);
        let yes = |value: &Expr| matches!(value.kind, ExprKind::Bool(true));
        match function.map(|function| function.body.as_slice()) {
            Some([only])
                if matches!(frame.loaded.language(), Language::Java | Language::Go | Language::Rust) =>
            {
                match &only.kind {
                    StmtKind::Return(Some(value)) | StmtKind::Expr(value) if yes(value) => Known::Bool(true),
                    _ => Known::Nothing,
                }
            }
            _ => Known::Nothing,
        }
    }

    /// Whether objects of the class have a field of that name.
    pub(super) fn has_field(&mut self, frame: &Frame, name: Name) -> bool {
        let Shape::Object(object) = &frame.this.shape else { return false };
        let mut next = object.class.clone();
        for _ in 0..ANCESTORS {
            let Some(class) = next else { return false };
            let Some(loaded) = self.load(class.module) else { return false };
            let Some(tree) = loaded.module().class(class.id) else { return false };
            if tree.fields.iter().any(|field| !field.of_class && loaded.name(field.name) == name) {
                return true;
            }
            next = class.bases.iter().find_map(|base| match &base.shape {
                Shape::Class(class) => Some(Rc::clone(class)),
                _ => None,
            });
        }
        false
    }

    /// What the parameters of a method are given that a server calls: some come from the request, some from the server.
    pub(super) fn java_parameters(
        &mut self,
        frame: &mut Frame,
        function: &Function,
        given: Vec<Value>,
    ) -> Vec<Value> {
        if frame.loaded.language() != Language::Java {
            return given;
        }
        let loaded = Rc::clone(&frame.loaded);
        let mut found = Vec::with_capacity(given.len());
        for (param, value) in function.params.iter().zip(given) {
            let mut names = param.decorators.iter().map(|decorator| {
                let callee = match &decorator.kind {
                    ExprKind::Call(call) => &call.callee,
                    _ => decorator,
                };
                match &callee.kind {
                    ExprKind::Name(symbol) | ExprKind::Member { name: symbol, .. } => loaded.text(*symbol),
                    _ => "",
                }
            });
            let says_nothing = |name: &str| {
                matches!(
                    name,
                    "Valid"
                        | "Validated"
                        | "NotNull"
                        | "NotBlank"
                        | "NotEmpty"
                        | "Size"
                        | "Parameter"
                        | "Nullable"
                        | "DefaultValue"
                        | "Encoded"
                        | "Email"
                )
            };
            let filled = names.clone().any(|name| FILLED.contains(&name));
            let plain = names.all(says_nothing);
            let comes = filled
                || plain && {
                    let of_type =
                        param.of_type.as_ref().map(|of_type| loaded.text(of_type.path)).unwrap_or_default();
                    matches!(of_type, "String" | "java.lang.String" | "InputStream" | "Reader")
                        || param.of_type.as_ref().is_some_and(|of_type| {
                            let scope = Rc::clone(&frame.scope);
                            self.type_class(frame.module, &loaded, &scope, of_type).is_some()
                        })
                };
            found.push(if comes { value } else { Value::default() });
        }
        found
    }

    /// A bean that a request fills: each of its fields is chosen by whoever sent it, as far as its type lets them.
    pub(super) fn java_parameter(&mut self, frame: &mut Frame, value: &mut Value, of_type: &Type) {
        let is_parameter = value.is_tainted()
            && matches!(value.shape, Shape::Unknown)
            && frame.loaded.language() == Language::Java
            && value.origin.is_some_and(|origin| &*self.text_of(origin) == "gabion.parameter()");
        if !is_parameter {
            return;
        }
        let loaded = Rc::clone(&frame.loaded);
        let scope = Rc::clone(&frame.scope);
        if let Some(class) = self.type_class(frame.module, &loaded, &scope, of_type) {
            *value = self.bean(&class, value, BEANS);
        }
    }

    fn bean(&mut self, class: &Rc<ClassValue>, from: &Value, depth: usize) -> Value {
        let opaque = Value { flows: Rc::clone(&from.flows), ..Value::default() };
        let Some(loaded) = self.load(class.module) else { return opaque };
        let Some(tree) = loaded.module().class(class.id) else { return opaque };
        // An enum: one of a few names.
        if tree.fields.iter().any(|field| is_constant(tree.name, field)) {
            return Value::known(Known::Harmless);
        }
        let mut object = Object { class: Some(Rc::clone(class)), ..Object::default() };
        if depth == 0 {
            return opaque;
        }
        for field in tree.fields.iter().filter(|field| !field.of_class) {
            let mut value = opaque.clone();
            if let Some(of_type) = &field.of_type {
                if super::member::is_number(loaded.text(of_type.path)) {
                    value = Value::known(Known::Harmless);
                } else if let Some(inner) = self.type_class(class.module, &loaded, &class.scope, of_type) {
                    value = self.bean(&inner, from, depth.saturating_sub(1));
                }
            }
            object.set(loaded.name(field.name), value);
        }
        for base in &class.bases {
            match &base.shape {
                Shape::Class(base) => {
                    if let Shape::Object(above) = self.bean(base, from, depth.saturating_sub(1)).shape {
                        above.fields.iter().for_each(|(name, value)| object.set(*name, value.clone()));
                    }
                }
                _ => object.rest = Some(Box::new(opaque.clone())),
            }
        }
        if object.fields.is_empty() {
            return opaque;
        }
        Value::shaped(Shape::Object(Rc::new(object)))
    }
}

fn is_literal(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Bool(_) | ExprKind::Null | ExprKind::String(_) | ExprKind::Number(_))
}

fn is_constant(name: Option<gabion_syntax::tree::Symbol>, field: &gabion_syntax::tree::Field) -> bool {
    match field.value.as_ref().map(|value| &value.kind) {
        Some(ExprKind::Call(call)) if field.of_class && call.new && field.of_type.is_none() => {
            match &call.callee.kind {
                ExprKind::Name(symbol) => Some(*symbol) == name,
                ExprKind::Class(_) => true,
                _ => false,
            }
        }
        _ => false,
    }
}
