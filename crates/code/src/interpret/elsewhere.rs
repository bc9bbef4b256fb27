//! Names of Go and Rust that stand in other files: those of the same package, of a package or module that was imported, of a
//! path. They are looked up when they are used, so that modules may name each other in circles.

use std::rc::Rc;

use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Import, Imported, Pattern, StmtKind};
use hashbrown::HashMap;

use super::Frame;
use crate::name::Name;
use crate::scope::Scope;
use crate::value::{ClassValue, Closure, FunctionRef, Shape, Value};
use crate::world::{Exports, Loaded, Method, World};

/// A name that is imported from where it was imported, and so on.
const IMPORTED: usize = 6;
/// Words of a path.
const WORDS: usize = 12;

/// Where the names that a module imports stand, as far as that is in this tree.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    names: HashMap<Name, Target>,
    /// All names of these.
    globs: Vec<Target>,
}

#[derive(Debug, Clone)]
enum Target {
    /// A package of Go: its files.
    Package(Rc<[usize]>),
    /// A file of Rust, and what is named in it: the path that is left.
    Module(usize, Vec<Name>),
}

/// What each name of a package of Go is in.
#[derive(Debug, Default)]
pub(crate) struct Package {
    names: HashMap<Name, usize>,
    /// By the name of their type: methods may stand in any of its files.
    methods: HashMap<Name, Vec<FunctionRef>>,
}

impl World<'_> {
    /// What a name of Go or Rust means that is not declared in its own file.
    pub(super) fn elsewhere(&mut self, module: usize, name: Name) -> Option<Value> {
        match self.load(module)?.language() {
            Language::Go => self.name_of_package(module, name),
            Language::Rust => {
                let imports = self.imports(module);
                match imports.names.get(&name) {
                    Some(target) => self.target(target, IMPORTED),
                    None => imports.globs.iter().find_map(|glob| self.in_target(glob, name, IMPORTED)),
                }
            }
            _ => None,
        }
    }

    fn name_of_package(&mut self, module: usize, name: Name) -> Option<Value> {
        let at = *self.package(module).names.get(&name)?;
        if at == module { None } else { self.exported(at, name) }
    }

    /// What a chain of names means, where it begins with a package or module of this tree: `db.Find`, `crate::db::find`.
    pub(super) fn path_value(&mut self, frame: &mut Frame, from: &Expr) -> Option<Value> {
        let language = frame.loaded.language();
        if !matches!(language, Language::Go | Language::Rust) {
            return None;
        }
        let words = words(from)?;
        let words: Vec<Name> = words.into_iter().map(|word| frame.loaded.name(word)).collect();
        let first = *words.first()?;
        if frame.scope.get(first).is_some() {
            return None;
        }
        self.path_of_words(frame.module, &frame.scope.clone(), &words)
    }

    pub(super) fn path_of_words(&mut self, module: usize, scope: &Scope, words: &[Name]) -> Option<Value> {
        let (first, rest) = words.split_first()?;
        let language = self.load(module)?.language();
        let imports = self.imports(module);
        if let Some(target) = imports.names.get(first) {
            let target = match target {
                Target::Module(file, inside) => {
                    let inside = inside.iter().chain(rest).copied().collect();
                    self.deeper(*file, inside)
                }
                Target::Package(files) => {
                    let name = *rest.first()?;
                    return self.in_package(&files.clone(), name);
                }
            };
            return self.target(&target, IMPORTED);
        }
        if language != Language::Rust {
            return None;
        }
        // An inline module of this file.
        let joined = self.joined_name(words);
        if let Some(value) = scope.get(joined) {
            return Some(value);
        }
        let target = self.rust_target(module, words)?;
        self.target(&target, IMPORTED)
    }

    /// A path of Rust, as far as it leads to a file.
    fn rust_target(&mut self, module: usize, words: &[Name]) -> Option<Target> {
        let texts: Vec<Rc<str>> = words.iter().take(WORDS).map(|word| self.names.text(*word)).collect();
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let from = self.units.get(module).map(|unit| std::sync::Arc::clone(&unit.path))?;
        let (file, taken) = self.paths.rust(&from, &texts)?;
        Some(Target::Module(file, words.iter().skip(taken).copied().collect()))
    }

    /// The same, in the files below that file where it goes on there.
    fn deeper(&mut self, file: usize, inside: Vec<Name>) -> Target {
        let own = self.name("self");
        let words: Vec<Name> = std::iter::once(own).chain(inside.iter().copied()).collect();
        self.rust_target(file, &words).unwrap_or(Target::Module(file, inside))
    }

    fn joined_name(&mut self, words: &[Name]) -> Name {
        let texts: Vec<Rc<str>> = words.iter().map(|word| self.names.text(*word)).collect();
        let text = texts.join("::");
        self.name(&text)
    }

    fn target(&mut self, target: &Target, left: usize) -> Option<Value> {
        match target {
            Target::Package(_) => None,
            Target::Module(file, inside) if inside.is_empty() => Some(self.exports(*file)),
            Target::Module(file, inside) => self.inside(*file, inside, left),
        }
    }

    /// What a path names in a file: an item, or a method of one.
    fn inside(&mut self, file: usize, path: &[Name], left: usize) -> Option<Value> {
        let joined = self.joined_name(path);
        if let Some(value) = self.exported(file, joined) {
            return Some(value);
        }
        let left = left.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let imports = self.imports(file);
        let found = match imports.names.get(first) {
            Some(Target::Module(next, inside)) => {
                let inside = inside.iter().chain(rest).copied().collect();
                let target = self.deeper(*next, inside);
                return self.target(&target, left);
            }
            _ => imports.globs.iter().find_map(|glob| match glob {
                Target::Module(next, inside) => {
                    let inside: Vec<Name> = inside.iter().chain(path).copied().collect();
                    let target = self.deeper(*next, inside);
                    self.target(&target, left)
                }
                Target::Package(_) => None,
            }),
        };
        if found.is_some() {
            return found;
        }
        // `Store::new`.
        let (last, before) = path.split_last().filter(|(_, before)| !before.is_empty())?;
        match self.inside(file, before, left)?.shape {
            Shape::Class(class) => self.function_of(&class, *last),
            _ => None,
        }
    }

    fn function_of(&mut self, class: &Rc<ClassValue>, name: Name) -> Option<Value> {
        let loaded = self.load(class.module)?;
        let tree = loaded.module().class(class.id)?;
        let id = tree.methods.iter().find(|id| {
            let function = loaded.module().function(**id);
            function.and_then(|function| function.name).map(|own| loaded.name(own)) == Some(name)
        })?;
        let function = FunctionRef { module: class.module, id: *id };
        let this = Some(Value::shaped(Shape::Class(Rc::clone(class))));
        Some(Value::shaped(Shape::Function(Rc::new(Closure {
            function,
            scope: Rc::clone(&class.scope),
            this,
            others: Vec::new(),
        }))))
    }

    fn in_target(&mut self, target: &Target, name: Name, left: usize) -> Option<Value> {
        match target {
            Target::Package(files) => self.in_package(&files.clone(), name),
            Target::Module(file, inside) => {
                let inside: Vec<Name> = inside.iter().copied().chain([name]).collect();
                let target = self.deeper(*file, inside);
                self.target(&target, left)
            }
        }
    }

    fn in_package(&mut self, files: &Rc<[usize]>, name: Name) -> Option<Value> {
        let first = *files.first()?;
        let at = *self.package(first).names.get(&name)?;
        self.exported(at, name)
    }

    /// A name of a module's own.
    fn exported(&mut self, module: usize, name: Name) -> Option<Value> {
        match self.exports(module).shape {
            Shape::Object(object) => object.fields.get(&name).cloned(),
            _ => None,
        }
    }

    /// Whether an import of Go or Rust means something of this tree.
    pub(super) fn is_of_tree(&mut self, module: usize, local: Name) -> bool {
        self.imports(module).names.contains_key(&local)
    }

    fn imports(&mut self, module: usize) -> Rc<Imports> {
        if let Some(imports) = self.tree_imports.get(&module) {
            return Rc::clone(imports);
        }
        let mut found = Imports::default();
        if let Some(loaded) = self.load(module)
            && let Some(code) = loaded.module().functions.first()
        {
            for one in &code.body {
                if let StmtKind::Import(import) = &one.kind {
                    self.note_import(module, &loaded, import, &mut found);
                }
            }
        }
        let found = Rc::new(found);
        self.tree_imports.insert(module, Rc::clone(&found));
        found
    }

    fn note_import(&mut self, module: usize, loaded: &Rc<Loaded>, import: &Import, into: &mut Imports) {
        let text = loaded.text(import.module);
        for item in &import.items {
            let target = if loaded.language() == Language::Go {
                let from = self.units.get(module).map(|unit| std::sync::Arc::clone(&unit.path));
                let files = from.and_then(|from| self.paths.go(&from, text).map(Rc::from));
                files.map(Target::Package)
            } else {
                let mut words: Vec<&str> = text.split("::").filter(|word| !word.is_empty()).collect();
                if let Imported::Name(name) = item.what {
                    words.push(loaded.text(name));
                }
                let words: Vec<Name> = words.into_iter().map(|word| self.name(word)).collect();
                self.rust_target(module, &words).filter(|target| match target {
                    // `use a::b` inside of itself.
                    Target::Module(file, inside) => *file != module || !inside.is_empty(),
                    Target::Package(_) => true,
                })
            };
            let Some(target) = target else { continue };
            if item.what == Imported::Glob {
                into.globs.push(target);
            } else {
                into.names.insert(loaded.name(item.local), target);
            }
        }
    }

    /// The package of Go that a file belongs to.
    fn package(&mut self, module: usize) -> Rc<Package> {
        let Some(path) = self.units.get(module).map(|unit| std::sync::Arc::clone(&unit.path)) else {
            return Rc::default();
        };
        let files = self.paths.package(&path).to_vec();
        let Some(first) = files.first().copied() else { return Rc::default() };
        if let Some(package) = self.packages.get(&first) {
            return Rc::clone(package);
        }
        let mut package = Package::default();
        for file in files {
            let Some(loaded) = self.load(file) else { continue };
            let names = declared(&loaded);
            package.names.extend(names.into_iter().map(|name| (name, file)));
            for class in &loaded.module().classes {
                let Some(name) = class.name.map(|name| loaded.name(name)) else { continue };
                let methods = class.methods.iter().map(|id| FunctionRef { module: file, id: *id });
                package.methods.entry(name).or_default().extend(methods);
            }
        }
        let package = Rc::new(package);
        self.packages.insert(first, Rc::clone(&package));
        package
    }

    /// A method of a type of Go that stands in another file of its package.
    pub(super) fn method_elsewhere(
        &mut self,
        class: &ClassValue,
        name: Name,
    ) -> Option<(FunctionRef, Rc<Scope>)> {
        let loaded = self.load(class.module)?;
        if loaded.language() != Language::Go {
            return None;
        }
        let of = loaded.name(loaded.module().class(class.id)?.name?);
        let package = self.package(class.module);
        let found = package.methods.get(&of)?.iter().find(|function| {
            function.module != class.module && self.function_name_of(**function) == Some(name)
        });
        let found = *found?;
        let scope = self.module_scope(found.module)?;
        Some((found, scope))
    }

    pub(super) fn function_name_of(&mut self, function: FunctionRef) -> Option<Name> {
        let loaded = self.load(function.module)?;
        let name = loaded.module().function(function.id)?.name?;
        Some(loaded.name(name))
    }

    /// The names of a module's own code.
    pub(super) fn module_scope(&mut self, module: usize) -> Option<Rc<Scope>> {
        if matches!(self.units.get(module)?.exports, Exports::Unknown) {
            let _ = self.exports(module);
        }
        self.module_scopes.get(&module).cloned()
    }

    /// Functions without a body that are asked for by this name, and who has them: the types of the tree that implement it.
    pub(super) fn implementations(
        &mut self,
        class: &ClassValue,
        name: Name,
    ) -> Vec<(Rc<ClassValue>, FunctionRef)> {
        let Some(loaded) = self.load(class.module) else { return Vec::new() };
        let language = loaded.language();
        if !matches!(language, Language::Go | Language::Rust) {
            return Vec::new();
        }
        let Some(tree) = loaded.module().class(class.id) else { return Vec::new() };
        let wanted: Vec<Rc<str>> = tree
            .methods
            .iter()
            .filter_map(|id| Some(loaded.text(loaded.module().function(*id)?.name?).into()))
            .collect();
        let of: Rc<str> = tree.name.map_or("", |name| loaded.text(name)).into();
        let mut found = Vec::new();
        for (module, id, function) in self.methods_named(language, name) {
            if (module, id) == (class.module, class.id) || found.len() >= MOST {
                continue;
            }
            let Some(other) = self.load(module) else { continue };
            let Some(candidate) = other.module().class(id) else { continue };
            let fits = if language == Language::Rust {
                candidate
                    .bases
                    .iter()
                    .any(|base| last_word(base).is_some_and(|word| *other.text(word) == *of))
            } else {
                let own = candidate.name.map(|name| other.name(name));
                let package = self.package(module);
                let methods = own.and_then(|own| package.methods.get(&own));
                wanted.iter().all(|wanted| {
                    methods.is_some_and(|methods| {
                        methods.iter().any(|function| {
                            self.function_name_of(*function)
                                .is_some_and(|own| *self.names.text(own) == **wanted)
                        })
                    })
                })
            };
            if !fits {
                continue;
            }
            let Some(scope) = self.module_scope(module) else { continue };
            let own = candidate.name.map(|name| other.name(name));
            let value = own.and_then(|own| scope.get(own).or_else(|| self.elsewhere(module, own)));
            let class = match value.map(|value| value.shape) {
                Some(Shape::Class(class)) => class,
                _ => Rc::new(ClassValue { module, id, scope, bases: Vec::new(), fields: Default::default() }),
            };
            found.push((class, FunctionRef { module, id: function }));
        }
        found
    }

    /// Every method of that name that has a body.
    fn methods_named(&mut self, language: Language, name: Name) -> Vec<Method> {
        if self.methods.is_none() {
            let mut all: HashMap<Name, Vec<_>> = HashMap::new();
            for module in 0..self.units.len() {
                let Some(loaded) = self.load_of(module, &[Language::Go, Language::Rust]) else { continue };
                for (number, class) in (0_u32..).zip(&loaded.module().classes) {
                    for id in &class.methods {
                        let Some(function) = loaded.module().function(*id) else { continue };
                        if let (Some(name), false) = (function.name, function.body.is_empty()) {
                            let class = gabion_syntax::tree::ClassId(number);
                            all.entry(loaded.name(name)).or_default().push((module, class, *id));
                        }
                    }
                }
            }
            self.methods = Some(all);
        }
        let found = self.methods.as_ref().and_then(|all| all.get(&name)).cloned().unwrap_or_default();
        let is = |module: usize| {
            self.units.get(module).is_some_and(|unit| Language::of(&unit.path) == Some(language))
        };
        found.into_iter().filter(|(module, _, _)| is(*module)).collect()
    }
}

/// Types that implement one method of an interface are looked at so often.
const MOST: usize = 6;

/// What a file of Go declares at its top.
fn declared(loaded: &Loaded) -> Vec<Name> {
    let module = loaded.module();
    let mut found = Vec::new();
    let body = module.functions.first().map(|code| code.body.as_slice()).unwrap_or_default();
    for one in body {
        match &one.kind {
            StmtKind::Function(id) => {
                found.extend(module.function(*id).and_then(|function| function.name));
            }
            StmtKind::Class(id) => found.extend(module.class(*id).and_then(|class| class.name)),
            StmtKind::Let { pattern: Pattern::Name(name, _), .. } => found.push(*name),
            StmtKind::Let { pattern: Pattern::List(items), .. } => {
                found.extend(items.iter().filter_map(|item| match item {
                    Pattern::Name(name, _) => Some(*name),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    found.into_iter().map(|symbol| loaded.name(symbol)).collect()
}

/// The names of a chain of members.
fn words(from: &Expr) -> Option<Vec<gabion_syntax::tree::Symbol>> {
    let mut found = Vec::new();
    let mut at = from;
    loop {
        match &at.kind {
            ExprKind::Member { object, name } if found.len() < WORDS => {
                found.push(*name);
                at = object;
            }
            ExprKind::Name(name) if !found.is_empty() => {
                found.push(*name);
                found.reverse();
                return Some(found);
            }
            _ => return None,
        }
    }
}

fn last_word(from: &Expr) -> Option<gabion_syntax::tree::Symbol> {
    match &from.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(*name),
        _ => None,
    }
}
