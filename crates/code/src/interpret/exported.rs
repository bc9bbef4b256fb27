//! What a published package gives to others: whoever uses it chooses what its functions are given.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::tree::{Entry, Expr, ExprKind, FunctionId, Key, Param, ParamKind, StmtKind};

use super::{BUDGET, Frame, Given};
use crate::value::{ClassValue, Closure, FunctionRef, Shape, Value};
use crate::world::{Loaded, World};

/// Objects in objects, and functions that give functions.
const DEEPEST: usize = 3;
/// Values that a function is given at least.
const LEAST: usize = 3;
/// Functions of one package.
const MOST: usize = 400;
/// Functions that a package is expected to have: the steps are shared among them.
const EXPECTED: usize = 64;

/// Whether it says of a folder that it is a package.
pub(crate) fn is_package(path: &str) -> bool {
    path == "package.json" || path.ends_with("/package.json")
}

impl World<'_> {
    /// Runs what packages of the tree give to others, with whatever somebody chooses.
    pub(crate) fn look_at_packages(&mut self) {
        if self.models.kinds.find(&["exported"]) == 0 {
            return;
        }
        for unit in 0..self.units.len() {
            let Some(path) = self.units.get(unit).map(|unit| std::sync::Arc::clone(&unit.path)) else {
                continue;
            };
            if !is_package(&path) {
                continue;
            }
            let Some(package) = self.load(unit).and_then(|loaded| package_of(&loaded)) else { continue };
            self.budget = BUDGET;
            let mut left = MOST;
            let main = self.paths.file_in(&path, &package.main);
            if let Some(main) = main {
                self.give_module(main, false, &mut left);
            }
            if !package.closed {
                self.give_others(&path, main, &mut left);
            }
        }
    }

    /// What a module gives to whoever uses the package.
    fn give_module(&mut self, module: usize, only_uncalled: bool, left: &mut usize) {
        let value = self.exports(module);
        let Some(mut frame) = self.package_frame(module) else { return };
        let mut giving = Giving { only_uncalled, left };
        self.give_away(&mut frame, &value, None, DEEPEST, &mut giving);
        if self.budget == 0 {
            self.cut_off(module);
        }
    }

    /// Whoever uses a package may ask for any of its files; and functions that no code calls by name are called by the package
    /// in ways that are not followed.
    fn give_others(&mut self, package: &str, main: Option<usize>, left: &mut usize) {
        let folder = package.rsplit_once('/').map_or("", |(folder, _)| folder);
        let main_path =
            main.and_then(|main| self.units.get(main)).map(|unit| std::sync::Arc::clone(&unit.path));
        let main_path = main_path.as_deref().map(|path| path.strip_prefix(folder).unwrap_or(path));
        let main_top = main_path.and_then(|path| path.trim_start_matches('/').split('/').next());
        for unit in 0..self.units.len() {
            let Some(path) = self.units.get(unit).map(|unit| std::sync::Arc::clone(&unit.path)) else {
                continue;
            };
            let inside = match folder {
                "" => Some(&*path),
                folder => path.strip_prefix(folder).and_then(|path| path.strip_prefix('/')),
            };
            let inside = inside.filter(|inside| {
                let top = inside.split('/').next().unwrap_or_default();
                !BUNDLES.contains(&top) || main_top == Some(top)
            });
            let script = gabion_syntax::Language::of(&path).is_some_and(gabion_syntax::Language::is_script);
            if script && Some(unit) != main && inside.is_some_and(is_of_package) && self.budget > 0 {
                self.give_module(unit, true, left);
            }
        }
    }

    fn package_frame(&mut self, module: usize) -> Option<Frame> {
        let loaded = self.load(module)?;
        let function = FunctionRef { module, id: FunctionId(0) };
        Some(Frame {
            module,
            loaded,
            function,
            scope: self.scope(None),
            this: Value::default(),
            returned: None,
            loops: Vec::new(),
            pending: Vec::new(),
            stack: vec![function],
            tainted: true,
            exports: None,
            rebound: hashbrown::HashSet::new(),
            answer: None,
        })
    }

    fn give_away(
        &mut self,
        frame: &mut Frame,
        value: &Value,
        this: Option<&Value>,
        depth: usize,
        giving: &mut Giving<'_>,
    ) {
        if depth == 0 || *giving.left == 0 {
            return;
        }
        match &value.shape {
            Shape::Function(closure) if giving.leaves_out(self, closure.function) => {}
            Shape::Function(closure) => {
                *giving.left = giving.left.saturating_sub(1);
                let given = self.anything(closure.function);
                let kept = self.share(EXPECTED);
                let made = match this {
                    Some(_) => self.run_exported(frame, closure, this, &given),
                    // It may be meant for `new`.
                    None => self.made_by_function(frame, closure, &given, Span::default()),
                };
                self.give_back(kept, closure.function.module);
                self.changed_this = None;
                self.give_away(frame, &made, None, depth.saturating_sub(1), giving);
                if let Some(own) = self.properties.get(&closure.function).cloned() {
                    let prototype = self.name("prototype");
                    let fields = own.fields.into_iter().filter(|(name, _)| *name != prototype);
                    let fields: Vec<Value> = fields.map(|(_, value)| value).collect();
                    for field in &fields {
                        self.give_away(frame, field, None, depth.saturating_sub(1), giving);
                    }
                }
            }
            Shape::Class(class) => self.give_class(frame, class, giving),
            Shape::Object(object) => {
                let fields: Vec<Value> =
                    object.fields.values().chain(object.rest.as_deref()).cloned().collect();
                for field in &fields {
                    self.give_away(frame, field, Some(value), depth.saturating_sub(1), giving);
                }
            }
            Shape::List(_) | Shape::Unknown => {}
        }
    }

    fn give_class(&mut self, frame: &mut Frame, class: &Rc<ClassValue>, giving: &mut Giving<'_>) {
        let Some(loaded) = self.load(class.module) else { return };
        let Some(tree) = loaded.module().class(class.id) else { return };
        let constructor = tree
            .methods
            .iter()
            .find(|id| loaded.module().function(**id).is_some_and(|function| function.traits.constructor));
        let given = constructor
            .map_or_else(Vec::new, |id| self.anything(FunctionRef { module: class.module, id: *id }));
        let object = self.construct(frame, class, &given, tree.head);
        for id in &tree.methods {
            let Some(function) = loaded.module().function(*id) else { continue };
            let constructor = function.traits.constructor;
            let function = FunctionRef { module: class.module, id: *id };
            if constructor || *giving.left == 0 || giving.leaves_out(self, function) {
                continue;
            }
            *giving.left = giving.left.saturating_sub(1);
            let (scope, others) = (Rc::clone(&class.scope), Vec::new());
            let closure = Rc::new(Closure { function, scope, this: Some(object.clone()), others });
            let given = self.anything(function);
            let kept = self.share(EXPECTED);
            self.run_exported(frame, &closure, Some(&object), &given);
            self.give_back(kept, class.module);
        }
    }

    fn run_exported(
        &mut self,
        frame: &mut Frame,
        closure: &Rc<Closure>,
        this: Option<&Value>,
        given: &[Given],
    ) -> Value {
        let value = self.run_closure(frame, closure, this, given, Span::default());
        self.changed_this = None;
        value
    }

    /// For each parameter something that somebody else chose.
    fn anything(&mut self, function: FunctionRef) -> Vec<Given> {
        let Some(loaded) = self.load(function.module) else { return Vec::new() };
        let Some(tree) = loaded.module().function(function.id) else { return Vec::new() };
        let kind = self.models.kinds.find(&["exported"]);
        let Some(frame) = self.package_frame(function.module) else { return Vec::new() };
        let given = |param: &Param| {
            let flow = Self::source(&frame, kind, param.span, "what the package is given");
            let value = Value { flows: Rc::new(vec![flow]), ..Value::default() };
            Given { name: None, value, span: param.span }
        };
        let mut all: Vec<Given> =
            tree.params.iter().filter(|param| param.kind != ParamKind::NamedRest).map(given).collect();
        // What it may look for in `arguments`.
        while all.len() < LEAST {
            let flow = Self::source(&frame, kind, tree.head, "what the package is given");
            let value = Value { flows: Rc::new(vec![flow]), ..Value::default() };
            all.push(Given { name: None, value, span: tree.head });
        }
        all
    }
}

/// Folders that hold the whole once more, in another form.
const BUNDLES: &[&str] = &[
    "dist", "umd", "cjs", "esm", "es", "amd", "browser", "bundle", "bundles", "lib-es5", "es5", "es6", "min",
];

/// What is given away of a module.
struct Giving<'a> {
    /// Not what some code calls: what it is given then is known.
    only_uncalled: bool,
    left: &'a mut usize,
}

impl Giving<'_> {
    fn leaves_out(&self, world: &World<'_>, function: FunctionRef) -> bool {
        self.only_uncalled && world.called_by_code.contains(&function)
    }
}

/// A package, as it describes itself.
struct Package {
    /// The file it begins with.
    main: String,
    /// It says which of its files others may ask for.
    closed: bool,
}

/// None where it is no package that others use.
fn package_of(loaded: &Loaded) -> Option<Package> {
    let code = loaded.module().functions.first()?;
    let StmtKind::Expr(whole) = &code.body.first()?.kind else { return None };
    let text = |name: &str| entry(loaded, whole, name).and_then(|value| text_of(loaded, value));
    let (_, _) = (text("name")?, text("version")?);
    let private = entry(loaded, whole, "private");
    if private.is_some_and(|value| matches!(value.kind, ExprKind::Bool(true))) {
        return None;
    }
    let scripts = entry(loaded, whole, "scripts");
    if scripts.is_some_and(|scripts| entry(loaded, scripts, "start").is_some()) {
        return None;
    }
    let exported = || {
        let mut exports = entry(loaded, whole, "exports")?;
        for _ in 0..DEEPEST {
            if let Some(path) = text_of(loaded, exports) {
                return Some(path);
            }
            let inner = [".", "require", "node", "default", "import"];
            exports = inner.iter().find_map(|name| entry(loaded, exports, name))?;
        }
        text_of(loaded, exports)
    };
    let main =
        text("main").or_else(exported).or_else(|| text("module")).unwrap_or_else(|| "index.js".to_owned());
    Some(Package { main, closed: entry(loaded, whole, "exports").is_some() })
}

/// Whether a file, by its path in the package, is what the package is made of: not how it is tested, shown or built.
fn is_of_package(path: &str) -> bool {
    let path = path.trim_start_matches('/');
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let besides = |folder: &str| {
        matches!(
            folder.trim_start_matches(['_', '.']),
            "test"
                | "tests"
                | "__tests__"
                | "tests__"
                | "spec"
                | "specs"
                | "example"
                | "examples"
                | "demo"
                | "demos"
                | "docs"
                | "doc"
                | "bench"
                | "benchmark"
                | "benchmarks"
                | "fixtures"
                | "mocks__"
                | "scripts"
                | "build"
                | "tools"
                | "tasks"
                | "vendor"
                | "node_modules"
                | "coverage"
                | "website"
                | "site"
                | "public"
                | "static"
                | "assets"
        )
    };
    let name = name.to_lowercase();
    let beside = |word: &str| name.contains(&format!(".{word}.")) || name.starts_with(&format!("{word}."));
    !folders.split('/').any(besides)
        && !name.starts_with('.')
        && ![
            "test",
            "tests",
            "spec",
            "stories",
            "config",
            "conf",
            "min",
            "gruntfile",
            "gulpfile",
            "karma",
            "bench",
            "example",
            "demo",
        ]
        .into_iter()
        .any(beside)
}

fn entry<'a>(loaded: &Loaded, object: &'a Expr, name: &str) -> Option<&'a Expr> {
    let ExprKind::Object { entries, .. } = &object.kind else { return None };
    entries.iter().find_map(|entry| match entry {
        Entry::Pair(Key::Name(own), value) if loaded.text(*own) == name => Some(value),
        Entry::Pair(Key::Computed(own), value) if text_of(loaded, own).as_deref() == Some(name) => {
            Some(value)
        }
        _ => None,
    })
}

fn text_of(loaded: &Loaded, value: &Expr) -> Option<String> {
    match &value.kind {
        ExprKind::String(text) => Some(loaded.text(*text).to_owned()),
        _ => None,
    }
}
