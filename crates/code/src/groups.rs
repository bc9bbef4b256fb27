//! Files that have to do with each other: those of one project, and those that import each other, in languages that do.
//!
//! Each group is looked at by itself: groups are what runs at the same time, what is in memory at once, and what an application is.
//!
//! | language | a project | without one |
//! |---|---|---|
//! | JavaScript, TypeScript | the innermost folder with a `package.json` | all files |
//! | Python | the innermost folder with a manifest | a package, a file |
//! | Go, Java, Rust | the outermost folder with a manifest: modules of one build know each other without an import | all files |
//!
//! Settings (`.properties`) belong to the project of Java that they lie in.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_finding::Tree;
use gabion_syntax::Language;
use gabion_syntax::tree::{Export, Imported, Module, Stmt, StmtKind};
use hashbrown::{HashMap, HashSet};

use crate::facts::Facts;
use crate::interpret::exported::is_package;
use crate::pages;
use crate::resolve::Paths;

/// Imports of one file that are followed to other groups.
const MOST_LINKS: usize = 2_000;

/// What a file may import from other files, as it is kept: the dots of Python, and the module.
pub(crate) type Link = (u32, Box<str>);

/// In place of Python's dots: a page.
const PAGE: u32 = u32::MAX;

/// The imports of a module that could mean a file of the tree.
pub(crate) fn links(module: &Module) -> Vec<Link> {
    let mut found = HashSet::new();
    match module.language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            // Whatever is imported, exported or required stands among its texts.
            let paths = module.texts.iter().map(AsRef::<str>::as_ref);
            let inside = paths.filter(|text| {
                text.len() < 300 && ["./", "../", "@/", "~/"].iter().any(|start| text.starts_with(start))
            });
            found.extend(inside.map(|text| (0, text.into())));
        }
        Language::Go | Language::Java | Language::Python | Language::Rust => {
            // Pages that are named, and pages that pages name.
            let names = module.texts.iter().map(AsRef::<str>::as_ref).filter(|text| pages::may_name(text));
            found.extend(names.map(|text| (PAGE, text.into())));
            let mut blocks: Vec<&[Stmt]> =
                module.functions.iter().map(|function| function.body.as_slice()).collect();
            blocks.extend(module.classes.iter().map(|class| class.body.as_slice()));
            while let Some(block) = blocks.pop() {
                for stmt in block {
                    inner(&stmt.kind, &mut blocks);
                    imported(module, &stmt.kind, &mut found);
                }
            }
        }
    }
    let mut found: Vec<Link> = found.into_iter().collect();
    found.sort();
    found.truncate(MOST_LINKS);
    found
}

fn imported(module: &Module, kind: &StmtKind, found: &mut HashSet<Link>) {
    match kind {
        StmtKind::Import(import) => {
            let text = module.text(import.module);
            match module.language {
                // Only the crate may be of another project.
                Language::Rust => {
                    let first = text.split("::").find(|word| !word.is_empty()).unwrap_or_default();
                    if !matches!(first, "" | "alloc" | "core" | "crate" | "self" | "std" | "super") {
                        found.insert((0, first.into()));
                    }
                    return;
                }
                Language::Java if text.starts_with("java.") => return,
                _ => drop(found.insert((import.level, text.into()))),
            }
            for item in &import.items {
                match (item.what, module.language) {
                    (Imported::Name(name), Language::Java | Language::Python) => {
                        let name = module.text(name);
                        let inside = if text.is_empty() { name.to_owned() } else { format!("{text}.{name}") };
                        found.insert((import.level, inside.into()));
                    }
                    (Imported::Glob, Language::Java) => drop(found.insert((0, format!("{text}.*").into()))),
                    _ => {}
                }
            }
        }
        StmtKind::Export(Export::From { module: from, .. }) => {
            found.insert((0, module.text(*from).into()));
        }
        _ => {}
    }
}

/// The blocks within a statement.
fn inner<'a>(kind: &'a StmtKind, blocks: &mut Vec<&'a [Stmt]>) {
    match kind {
        StmtKind::Block(body)
        | StmtKind::Each { body, .. }
        | StmtKind::Labeled { body, .. }
        | StmtKind::While { body, .. }
        | StmtKind::With { body, .. } => blocks.push(body),
        StmtKind::For { init, body, .. } => blocks.extend([init.as_slice(), body.as_slice()]),
        StmtKind::If { then, otherwise, .. } => blocks.extend([then.as_slice(), otherwise.as_slice()]),
        StmtKind::Switch(switch) => blocks.extend(switch.cases.iter().map(|case| case.body.as_slice())),
        StmtKind::Try { body, catches, otherwise, finally } => {
            blocks.extend([body.as_slice(), otherwise.as_slice(), finally.as_slice()]);
            blocks.extend(catches.iter().map(|one| one.body.as_slice()));
        }
        _ => {}
    }
}

/// The files of each group, by their number, in order; groups by their first file.
pub(crate) fn groups(tree: &Tree<'_>) -> Vec<Vec<usize>> {
    let projects = Projects::new(tree.paths);
    let java = tree.facts.iter().any(|(path, _)| path.ends_with(".java"));
    let mut sets = Sets::new(tree.facts.len());
    let mut firsts: HashMap<(Family, String), usize> = HashMap::new();
    let mut own = Vec::with_capacity(tree.facts.len());
    for (number, (path, _)) in tree.facts.iter().enumerate() {
        let mut family = Family::of(path);
        let mut project = projects.of(family, path);
        if family == Family::Page && java {
            // Views of Java name pages without their ending.
            (family, project) = (Family::Java, projects.of(Family::Java, path));
        }
        let first = *firsts.entry((family, project)).or_insert(number);
        own.push(first);
        sets.join(first, number);
    }
    let paths = Paths::new(tree.facts.iter().map(|(path, _)| path));
    for (number, (path, facts)) in tree.facts.iter().enumerate() {
        let language = Language::of(path);
        for (level, module) in Facts::links(facts) {
            if level == PAGE {
                if let Some(file) = paths.resource(path, &module) {
                    sets.join(number, file);
                }
                continue;
            }
            let Some(language) = language else { continue };
            let other = match language {
                Language::Go => paths.go(path, &module).and_then(<[usize]>::first).copied(),
                Language::Java => paths.java(&module, |file| own.get(file) == own.get(number)),
                Language::Rust => paths.rust(path, &[&module]).map(|(file, _)| file),
                _ => paths.find(language, path, &module, level),
            };
            if let Some(file) = other {
                sets.join(number, file);
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for number in 0..tree.facts.len() {
        groups.entry(sets.first(number)).or_default().push(number);
    }
    groups.into_values().collect()
}

/// Languages that import each other's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Family {
    Go,
    Java,
    /// Each by itself, unless it is named; where there is Java it belongs to a project of it.
    Page,
    Python,
    Rust,
    Script,
}

impl Family {
    fn of(path: &str) -> Self {
        match Language::of(path) {
            Some(Language::JavaScript | Language::TypeScript | Language::Tsx) => Self::Script,
            Some(Language::Python) => Self::Python,
            Some(Language::Go) => Self::Go,
            Some(Language::Rust) => Self::Rust,
            _ if is_package(path) => Self::Script,
            _ if pages::may_be(path) => Self::Page,
            _ => Self::Java,
        }
    }
}

/// Folders with a manifest.
#[derive(Default)]
struct Projects<'a> {
    go: HashSet<&'a str>,
    java: HashSet<&'a str>,
    packages: HashSet<&'a str>,
    python: HashSet<&'a str>,
    rust: HashSet<&'a str>,
    script: HashSet<&'a str>,
}

impl<'a> Projects<'a> {
    fn new(paths: &'a [Arc<str>]) -> Self {
        let mut own = Self::default();
        for path in paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let of = match name {
                "package.json" => &mut own.script,
                "pyproject.toml" | "setup.py" | "setup.cfg" | "manage.py" | "Pipfile"
                | "requirements.txt" => &mut own.python,
                "__init__.py" => &mut own.packages,
                "pom.xml"
                | "build.gradle"
                | "build.gradle.kts"
                | "settings.gradle"
                | "settings.gradle.kts"
                | "build.xml" => &mut own.java,
                "go.mod" | "go.work" => &mut own.go,
                "Cargo.toml" => &mut own.rust,
                _ => continue,
            };
            of.insert(folder);
        }
        own
    }

    /// What the files of a project have in common.
    fn of(&self, family: Family, path: &str) -> String {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inside = |of: &HashSet<&str>| above(folder).find(|folder| of.contains(folder));
        let outside = |of: &HashSet<&str>| above(folder).filter(|folder| of.contains(folder)).last();
        let manifest = match family {
            Family::Go => outside(&self.go),
            Family::Java => outside(&self.java),
            Family::Page => None,
            Family::Python => inside(&self.python),
            Family::Rust => outside(&self.rust),
            Family::Script => inside(&self.script),
        };
        match (manifest, family) {
            (Some(manifest), _) => manifest.to_owned(),
            (None, Family::Python) => {
                let package = above(folder).take_while(|folder| self.packages.contains(folder)).last();
                package.unwrap_or(path).to_owned()
            }
            (None, Family::Page) => path.to_owned(),
            // No folder is called so.
            (None, _) => "/".to_owned(),
        }
    }
}

/// A folder and all around it, the innermost first.
fn above(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| {
        (!folder.is_empty()).then(|| folder.rsplit_once('/').map_or("", |(folder, _)| folder))
    })
}

/// Sets that are joined, each known by its first number.
struct Sets(Vec<usize>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn first(&mut self, number: usize) -> usize {
        let mut first = number;
        while let Some(next) = self.0.get(first).copied().filter(|next| *next != first) {
            first = next;
        }
        // The next one asks shorter.
        let mut at = number;
        while let Some(next) = self.0.get_mut(at).filter(|next| **next != first) {
            at = std::mem::replace(next, first);
        }
        first
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        if let Some(place) = self.0.get_mut(one.max(other)) {
            *place = one.min(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use gabion_finding::Source;
    use gabion_patterns::Marks;

    use super::*;

    fn grouped(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let paths: Vec<Arc<str>> = files.iter().map(|(path, _)| Arc::from(*path)).collect();
        let facts: Vec<(Arc<str>, Arc<[u8]>)> = files
            .iter()
            .filter_map(|(path, text)| {
                let module = match Language::of(path) {
                    Some(language) => gabion_syntax::parse(language, text).module,
                    None if crate::settings::is_settings(path) => crate::settings::module(path, text),
                    None => return None,
                };
                let facts = Facts::new(module, Marks::default(), &Source::new(path, text)).to_bytes()?;
                Some((Arc::from(*path), facts.into()))
            })
            .collect();
        let tree = Tree { paths: &paths, facts: &facts, uses: &[] };
        let name = |number: &usize| facts.get(*number).map(|(path, _)| path.to_string());
        groups(&tree).iter().map(|group| group.iter().filter_map(name).collect()).collect()
    }

    #[test]
    fn projects_stay_together_and_others_apart() {
        assert_eq!(
            grouped(&[
                ("a/package.json", ""),
                ("a/middleware.ts", "export {}"),
                ("a/app/route.ts", "export {}"),
                ("b/package.json", ""),
                ("b/index.js", "x = 1"),
                ("c/package.json", ""),
                ("c/index.js", "require('../b/index')"),
                ("p/setup.py", ""),
                ("p/x.py", "y = 1"),
                ("q/__init__.py", ""),
                ("q/r/__init__.py", "def f():\n  if a:\n    from other import z"),
                ("other.py", ""),
                ("lonely.py", "import os"),
                ("A.java", "class A {}"),
                ("m/B.java", "class B {}"),
                ("n.properties", ""),
            ]),
            [
                vec!["a/middleware.ts", "a/app/route.ts"],
                vec!["b/index.js", "c/index.js"],
                vec!["p/setup.py", "p/x.py"],
                vec!["q/__init__.py", "q/r/__init__.py", "other.py"],
                vec!["lonely.py"],
                vec!["A.java", "m/B.java", "n.properties"],
            ]
        );
    }

    #[test]
    fn projects_of_compiled_languages_are_joined_by_what_they_import() {
        assert_eq!(
            grouped(&[
                ("a/Cargo.toml", ""),
                ("a/x/Cargo.toml", ""),
                ("a/x/src/lib.rs", "pub mod y;"),
                ("a/z/Cargo.toml", ""),
                ("a/z/src/main.rs", "fn main() {}"),
                ("b/Cargo.toml", ""),
                ("b/src/main.rs", "use x::y; fn main() {}"),
                ("c/Cargo.toml", ""),
                ("c/src/main.rs", "use std::fs; fn main() { x::y() }"),
                ("d/go.mod", ""),
                ("d/store/store.go", "package store"),
                ("e/go.mod", ""),
                ("e/main.go", "package main\nimport \"github.com/shop/mono/d/store\""),
                ("f/go.mod", ""),
                ("f/main.go", "package main\nimport \"fmt\""),
                ("g/pom.xml", ""),
                ("g/src/main/java/com/shop/A.java", "package com.shop; class A {}"),
                ("g/src/main/resources/app.properties", "a=b"),
                ("h/build.gradle", ""),
                ("h/src/main/java/com/web/B.java", "package com.web; import com.shop.A; class B {}"),
                ("i/pom.xml", ""),
                ("i/src/main/java/com/shop/A.java", "package com.shop; class A {}"),
                ("i/src/main/java/com/web/C.java", "package com.web; import com.shop.*; class C {}"),
                ("j/pom.xml", ""),
                ("j/k/pom.xml", ""),
                ("j/k/src/D.java", "class D {}"),
                ("j/l/pom.xml", ""),
                ("j/l/src/E.java", "class E {}"),
            ]),
            [
                vec!["a/x/src/lib.rs", "a/z/src/main.rs", "b/src/main.rs"],
                vec!["c/src/main.rs"],
                vec!["d/store/store.go", "e/main.go"],
                vec!["f/main.go"],
                vec![
                    "g/src/main/java/com/shop/A.java",
                    "g/src/main/resources/app.properties",
                    "h/src/main/java/com/web/B.java"
                ],
                vec!["i/src/main/java/com/shop/A.java", "i/src/main/java/com/web/C.java"],
                vec!["j/k/src/D.java", "j/l/src/E.java"],
            ]
        );
    }

    #[test]
    fn sets_are_known_by_their_first() {
        let mut sets = Sets::new(6);
        sets.join(5, 3);
        sets.join(3, 1);
        sets.join(4, 5);
        assert_eq!((0..6).map(|number| sets.first(number)).collect::<Vec<_>>(), [0, 1, 2, 1, 1, 1]);
    }
}
