//! Files that have to do with each other: those of one project, and those that import each other, in languages that do.
//!
//! Each group is looked at by itself: groups are what runs at the same time, what is in memory at once, and what an application is.
//! A project is a folder with a manifest of its language (`package.json`, `pyproject.toml`); where no manifest is, a package of
//! Python and the files that import each other. Java, Go and Rust import by names that only the whole tree explains.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_finding::Tree;
use gabion_syntax::Language;
use gabion_syntax::tree::{Export, Imported, Module, Stmt, StmtKind};
use hashbrown::{HashMap, HashSet};

use crate::facts::Facts;
use crate::interpret::exported::is_package;
use crate::resolve::Paths;

/// Imports of one file that are followed to other groups.
const MOST_LINKS: usize = 2_000;

/// What a file may import from other files, as it is kept: the dots of Python, and the module.
pub(crate) type Link = (u32, Box<str>);

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
        Language::Python => {
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
        Language::Java | Language::Go | Language::Rust => {}
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
            found.insert((import.level, text.into()));
            for item in &import.items {
                if let Imported::Name(name) = item.what {
                    let name = module.text(name);
                    let inside = if text.is_empty() { name.to_owned() } else { format!("{text}.{name}") };
                    found.insert((import.level, inside.into()));
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
    let mut sets = Sets::new(tree.facts.len());
    let mut firsts: HashMap<(Family, String), usize> = HashMap::new();
    for (number, (path, _)) in tree.facts.iter().enumerate() {
        let family = Family::of(path);
        let first = *firsts.entry((family, projects.of(family, path))).or_insert(number);
        sets.join(first, number);
    }
    let paths = Paths::new(tree.facts.iter().map(|(path, _)| path));
    for (number, (path, facts)) in tree.facts.iter().enumerate() {
        let Some(language) = Language::of(path) else { continue };
        for (level, module) in Facts::links(facts) {
            if let Some(file) = paths.find(language, path, &module, level) {
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
    Script,
    Python,
    Other,
}

impl Family {
    fn of(path: &str) -> Self {
        match Language::of(path) {
            Some(Language::JavaScript | Language::TypeScript | Language::Tsx) => Self::Script,
            Some(Language::Python) => Self::Python,
            _ if is_package(path) => Self::Script,
            _ => Self::Other,
        }
    }
}

/// Folders with a manifest.
struct Projects<'a> {
    script: HashSet<&'a str>,
    python: HashSet<&'a str>,
    packages: HashSet<&'a str>,
}

impl<'a> Projects<'a> {
    fn new(paths: &'a [Arc<str>]) -> Self {
        let mut own = Self { script: HashSet::new(), python: HashSet::new(), packages: HashSet::new() };
        for path in paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            match name {
                "package.json" => drop(own.script.insert(folder)),
                "pyproject.toml" | "setup.py" | "setup.cfg" | "manage.py" | "Pipfile"
                | "requirements.txt" => {
                    own.python.insert(folder);
                }
                "__init__.py" => drop(own.packages.insert(folder)),
                _ => {}
            }
        }
        own
    }

    /// What the files of a project have in common.
    fn of(&self, family: Family, path: &str) -> String {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let manifest = match family {
            Family::Script => above(folder).find(|folder| self.script.contains(folder)),
            Family::Python => above(folder).find(|folder| self.python.contains(folder)),
            Family::Other => None,
        };
        match (manifest, family) {
            (Some(manifest), _) => manifest.to_owned(),
            (None, Family::Python) => {
                let package = above(folder).take_while(|folder| self.packages.contains(folder)).last();
                package.unwrap_or(path).to_owned()
            }
            (None, _) => String::new(),
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
                let language = Language::of(path)?;
                let module = gabion_syntax::parse(language, text).module;
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
            ]),
            [
                vec!["a/middleware.ts", "a/app/route.ts"],
                vec!["b/index.js", "c/index.js"],
                vec!["p/setup.py", "p/x.py"],
                vec!["q/__init__.py", "q/r/__init__.py", "other.py"],
                vec!["lonely.py"],
                vec!["A.java", "m/B.java"],
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
