//! Which file of the tree an import means.

mod packages;

use std::sync::Arc;

use gabion_syntax::Language;
use hashbrown::HashMap;

/// The paths of all files.
#[derive(Debug)]
pub(crate) struct Paths {
    by_path: HashMap<Arc<str>, usize>,
    /// By the last two parts without their ending, for imports that begin somewhere inside the tree.
    by_end: HashMap<Box<str>, Vec<usize>>,
    /// The files of Go of each folder.
    packages: HashMap<Box<str>, Vec<usize>>,
    /// One file of Java of each folder, by the last two parts of its path.
    java_packages: HashMap<Box<str>, Vec<usize>>,
    /// The crates of Rust, by name: the file each begins with, and its folder.
    crates: HashMap<Box<str>, (usize, Box<str>)>,
    all: Vec<Arc<str>>,
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

const SCRIPT: &[&str] = &["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"];
const SCRIPT_INDEX: &[&str] = &["/index.ts", "/index.tsx", "/index.js", "/index.jsx", "/index.mjs"];

impl Paths {
    pub(crate) fn new<'a>(paths: impl Iterator<Item = &'a Arc<str>>) -> Self {
        let mut by_path = HashMap::new();
        let mut by_end: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        let mut packages: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        let mut java_packages: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        let mut java_folder: Option<&str> = None;
        let mut crates = HashMap::new();
        let mut all = Vec::new();
        for (number, path) in paths.enumerate() {
            by_path.insert(Arc::clone(path), number);
            all.push(Arc::clone(path));
            if !crate::settings::is_settings(path)
                && !crate::mappers::may_be(path)
                && !crate::pages::may_be(path)
            {
                by_end.entry(stem(path).into()).or_default().push(number);
            }
            if path.ends_with(".go") {
                packages.entry(folder(path).into()).or_default().push(number);
            }
            // Files are in order: those of a folder, but for what lies below it, come one after the other.
            if path.ends_with(".java") && java_folder != Some(folder(path)) {
                java_folder = Some(folder(path));
                java_packages.entry(last_two(folder(path)).into()).or_default().push(number);
            }
            if let Some(above) = path.strip_suffix("/src/lib.rs") {
                let name = above.rsplit('/').next().unwrap_or_default().replace('-', "_");
                crates.insert(name.into(), (number, folder(path).into()));
            }
        }
        Self { by_path, by_end, packages, java_packages, crates, all }
    }

    /// The file that `module` means in the file `from`.
    pub(crate) fn find(&self, language: Language, from: &str, module: &str, level: u32) -> Option<usize> {
        match language {
            Language::JavaScript | Language::TypeScript | Language::Tsx => self.script(from, module),
            Language::Python => self.python(from, module, level),
            Language::Java | Language::Go | Language::Rust => None,
        }
    }

    /// The file of a class of Java: in that package, or beside the file that names it.
    pub(crate) fn class(&self, from: &str, package: Option<&str>, name: &str) -> Option<usize> {
        let Some(package) = package else {
            let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
            return self.by_path.get(joined(folder, &format!("{name}.java"))?.as_str()).copied();
        };
        let path = format!("{}/{name}", package.replace('.', "/"));
        let end = format!("/{path}.java");
        let candidates = self.by_end.get(last_two(&path))?;
        let fits = |number: &&usize| {
            self.all
                .get(**number)
                .is_some_and(|own| own.ends_with(&end) || **own == *end.trim_start_matches('/'))
        };
        candidates.iter().find(fits).copied()
    }

    /// A file of Java that an import may mean, `com.shop.Users` or `com.shop.*`; none where one `of_own` is meant.
    pub(crate) fn java(&self, import: &str, of_own: impl Fn(usize) -> bool) -> Option<usize> {
        let (package, name) = import.rsplit_once('.')?;
        let package = package.replace('.', "/");
        let fits = |path: &str| {
            let Some((folder, file)) = path.rsplit_once('/') else { return false };
            let there = folder
                .strip_suffix(&*package)
                .is_some_and(|before| before.is_empty() || before.ends_with('/'));
            there && (name == "*" || file.strip_suffix(".java") == Some(name))
        };
        let path = format!("{package}/{name}");
        let candidates = match name {
            "*" => self.java_packages.get(last_two(&package)),
            _ => self.by_end.get(last_two(&path)),
        };
        let mut candidates = candidates?
            .iter()
            .copied()
            .filter(|file| self.all.get(*file).is_some_and(|path| fits(path)))
            .peekable();
        let first = *candidates.peek()?;
        (!candidates.any(of_own)).then_some(first)
    }

    /// The only file whose path ends so; a class path does not say where it begins.
    pub(crate) fn resource(&self, from: &str, name: &str) -> Option<usize> {
        let name = name.trim_start_matches('/');
        let mut found = self.all.iter().enumerate().filter(|(_, own)| {
            own.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        });
        let shared = |own: &str| from.bytes().zip(own.bytes()).take_while(|(one, two)| one == two).count();
        // Of several the nearest: that of the same part of the project.
        let first = found.next()?;
        let best = found.fold(first, |best, one| if shared(one.1) > shared(best.1) { one } else { best });
        Some(best.0)
    }

    fn script(&self, from: &str, module: &str) -> Option<usize> {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        if module.starts_with("./") || module.starts_with("../") || module == "." || module == ".." {
            return self.script_file(&joined(folder, module)?);
        }
        // `@/lib/db`, `~/lib/db`: the root of the sources, as most projects set it up.
        let inside = module.strip_prefix("@/").or_else(|| module.strip_prefix("~/"))?;
        let mut up = Some(folder);
        while let Some(folder) = up {
            for start in
                [joined(folder, inside), joined(folder, &format!("src/{inside}"))].into_iter().flatten()
            {
                if let Some(found) = self.script_file(&start) {
                    return Some(found);
                }
            }
            up = (!folder.is_empty()).then(|| folder.rsplit_once('/').map_or("", |(folder, _)| folder));
        }
        None
    }

    /// A file beside another, as a package names where it begins.
    pub(crate) fn file_in(&self, beside: &str, path: &str) -> Option<usize> {
        let folder = beside.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.script_file(&joined(folder, path)?)
    }

    fn script_file(&self, path: &str) -> Option<usize> {
        let direct = SCRIPT
            .iter()
            .chain(SCRIPT_INDEX)
            .find_map(|end| self.by_path.get(format!("{path}{end}").as_str()));
        // `./db.js` may be written for `./db.ts`.
        direct.copied().or_else(|| {
            let (start, _) = path.rsplit_once(".js").or_else(|| path.rsplit_once(".mjs"))?;
            [".ts", ".tsx", ".mts"]
                .iter()
                .find_map(|end| self.by_path.get(format!("{start}{end}").as_str()))
                .copied()
        })
    }

    fn python(&self, from: &str, module: &str, level: u32) -> Option<usize> {
        let mut folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inside = module.replace('.', "/");
        let file = |start: &str| {
            let start = start.trim_matches('/');
            let candidates = [format!("{start}.py"), format!("{start}/__init__.py")];
            candidates.iter().find_map(|path| self.by_path.get(path.as_str()).copied())
        };
        if level > 0 {
            for _ in 1..level {
                folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            }
            return file(&format!("{folder}/{inside}"));
        }
        // From any folder above on: nobody knows where the path begins.
        let mut up = Some(folder);
        while let Some(folder) = up {
            if let Some(found) = file(&format!("{folder}/{inside}")) {
                return Some(found);
            }
            up = (!folder.is_empty()).then(|| folder.rsplit_once('/').map_or("", |(folder, _)| folder));
        }
        let ends = self.by_end.get(last_two(&inside))?;
        match ends.as_slice() {
            [only] if inside.contains('/') => Some(*only),
            _ => None,
        }
    }
}

/// `a/b/../c` is `a/c`; none where it leaves the tree.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The last two parts of a path, without the ending.
fn stem(path: &str) -> &str {
    let path = path.strip_suffix("/__init__.py").unwrap_or(path);
    let path = path.rsplit_once('.').map_or(path, |(stem, end)| if end.contains('/') { path } else { stem });
    last_two(path)
}

fn last_two(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/').map(|(at, _)| at);
    let start = slashes.nth(1).map_or(0, |at| at.saturating_add(1));
    path.get(start..).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_mean_files() {
        let files: Vec<Arc<str>> =
            ["src/app.ts", "src/db/index.ts", "src/lib/sql.ts", "shop/views.py", "shop/db/__init__.py"]
                .into_iter()
                .map(Arc::from)
                .collect();
        let paths = Paths::new(files.iter());
        let script = |from, module| paths.find(Language::TypeScript, from, module, 0);
        assert_eq!(script("src/app.ts", "./db"), Some(1));
        assert_eq!(script("src/app.ts", "./lib/sql.js"), Some(2));
        assert_eq!(script("src/db/index.ts", "../lib/sql"), Some(2));
        assert_eq!(script("src/db/index.ts", "@/lib/sql"), Some(2));
        assert_eq!(script("src/app.ts", "express"), None);
        assert_eq!(script("src/app.ts", "../../../etc/passwd"), None);
        let python = |from, module, level| paths.find(Language::Python, from, module, level);
        assert_eq!(python("shop/views.py", "db", 1), Some(4));
        assert_eq!(python("shop/views.py", "shop.db", 0), Some(4));
        assert_eq!(python("other/views.py", "shop.views", 0), Some(3));
        assert_eq!(python("shop/views.py", "os", 0), None);
    }
}
