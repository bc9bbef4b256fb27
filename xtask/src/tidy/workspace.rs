//! What the rules look at: the crates, what they depend on, and every tracked text file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use super::source::Source;

#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) crates: Vec<Crate>,
    /// Every package of the lock file that this platform compiles.
    pub(crate) packages: Vec<Package>,
    pub(crate) files: Vec<File>,
    /// Paths of files that are not text: pictures.
    pub(crate) pictures: Vec<String>,
}

/// A member under `crates/`.
#[derive(Debug, Clone)]
pub(crate) struct Crate {
    /// Its directory, for instance `checks`.
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The package's name, for instance `gabion-model` or `aws-lc-rs`.
    pub(crate) name: String,
    /// Only for tests.
    pub(crate) dev: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    /// Part of what is built for users, not only of tests.
    pub(crate) shipped: bool,
}

#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    source: OnceLock<Source>,
}

impl Workspace {
    pub(crate) fn open(root: &Path) -> Result<Self, String> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .other_options(vec!["--filter-platform".into(), env!("TARGET").into(), "--locked".into()])
            .exec()
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let crates = metadata
            .workspace_packages()
            .into_iter()
            .filter_map(|package| {
                let directory = package.manifest_path.parent()?;
                (directory.parent()?.file_name()? == "crates").then(|| Crate {
                    name: directory.file_name().unwrap_or_default().to_owned(),
                    dependencies: package
                        .dependencies
                        .iter()
                        .map(|dependency| Dependency {
                            name: dependency.name.clone(),
                            dev: dependency.kind == DependencyKind::Development,
                        })
                        .collect(),
                })
            })
            .collect();
        let all = reachable(&metadata, true);
        let shipped = reachable(&metadata, false);
        let packages = metadata
            .packages
            .iter()
            .filter(|package| all.contains(&package.id))
            .map(|package| Package {
                name: package.name.to_string(),
                version: package.version.to_string(),
                license: package.license.clone(),
                source: package.source.as_ref().map(|source| source.repr.clone()),
                shipped: shipped.contains(&package.id),
            })
            .collect();
        let (files, pictures) = files(root)?;
        Ok(Self { crates, packages, files, pictures })
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files of the product: neither tests nor xtask.
    pub(crate) fn product(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.crate_name().is_some() && !file.is_test())
    }

    /// The same of one crate.
    pub(crate) fn product_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a File> {
        self.product().filter(move |file| file.crate_name() == Some(name))
    }

    /// The names in a list file: one a line, `#` begins a comment.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let text = self.file(path).map_or("", |file| file.text.as_str());
        text.lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    }
}

impl File {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), source: OnceLock::new() }
    }

    pub(crate) fn source(&self) -> &Source {
        self.source.get_or_init(|| Source::new(&self.text))
    }

    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }

    /// The crate whose product code this is part of.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        let (name, rest) = self.path.strip_prefix("crates/")?.split_once('/')?;
        (rest.starts_with("src/") && self.is_rust()).then_some(name)
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Whether the whole file is test code, by its name or place.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs"
            || name.ends_with("_tests.rs")
            || name == "conformance.rs"
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
    }

    /// The `//!` lines at the top, without their marks.
    pub(crate) fn header(&self) -> String {
        let lines: Vec<&str> = self
            .text
            .lines()
            .skip_while(|line| line.trim().is_empty() || line.starts_with("#!"))
            .take_while(|line| line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        lines.join("\n")
    }
}

/// What the members reach, with or without what only tests need. The metadata also lists packages that
/// no enabled feature asks for.
fn reachable(metadata: &Metadata, tests: bool) -> BTreeSet<PackageId> {
    let nodes = metadata.resolve.as_ref().map_or(&[][..], |resolve| resolve.nodes.as_slice());
    let mut found: BTreeSet<PackageId> = metadata.workspace_members.iter().cloned().collect();
    let mut left: Vec<PackageId> = found.iter().cloned().collect();
    while let Some(id) = left.pop() {
        for dependency in nodes.iter().filter(|node| node.id == id).flat_map(|node| &node.deps) {
            let wanted =
                dependency.dep_kinds.iter().any(|kind| tests || kind.kind != DependencyKind::Development)
                    && is_asked_for(metadata, &id, &dependency.pkg);
            if wanted && found.insert(dependency.pkg.clone()) {
                left.push(dependency.pkg.clone());
            }
        }
    }
    found
}

/// Whether `id` really depends on `on`: cargo's metadata follows a weak feature (`ring?/std`) even where
/// nothing switches the optional dependency on.
fn is_asked_for(metadata: &Metadata, id: &PackageId, on: &PackageId) -> bool {
    let package = |id: &PackageId| metadata.packages.iter().find(|package| package.id == *id);
    let (Some(from), Some(to)) = (package(id), package(on)) else { return true };
    let named: Vec<_> = from.dependencies.iter().filter(|dependency| dependency.name == *to.name).collect();
    if named.is_empty() || named.iter().any(|dependency| !dependency.optional) {
        return true;
    }
    let features = metadata
        .resolve
        .iter()
        .flat_map(|resolve| &resolve.nodes)
        .find(|node| node.id == *id)
        .map_or(&[][..], |node| node.features.as_slice());
    named.iter().any(|dependency| {
        let key = dependency.rename.as_deref().unwrap_or(&dependency.name);
        features.iter().any(|feature| {
            let asks = |what: &String| {
                what == key || *what == format!("dep:{key}") || what.starts_with(&format!("{key}/"))
            };
            feature.as_str() == key
                || from.features.get(feature.as_str()).is_some_and(|all| all.iter().any(asks))
        })
    })
}

/// Tracked and new files, as git sees them, so that what is ignored is not looked at.
fn files(root: &Path) -> Result<(Vec<File>, Vec<String>), String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git ls-files: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let (mut files, mut pictures) = (BTreeMap::new(), Vec::new());
    for path in output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        let path = String::from_utf8_lossy(path).into_owned();
        // Deleted but still in the index: nothing to read.
        let Ok(bytes) = std::fs::read(root.join(&path)) else { continue };
        match String::from_utf8(bytes) {
            Ok(text) => drop(files.insert(path, text)),
            Err(_) => pictures.push(path),
        }
    }
    Ok((files.into_iter().map(|(path, text)| File::new(path, text)).collect(), pictures))
}

#[cfg(test)]
impl Workspace {
    /// A workspace of these files only.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new(*path, *text)).collect(), ..Self::default() }
    }

    /// A workspace of one crate with these dependencies.
    pub(crate) fn with_dependencies(name: &str, dependencies: &[&str]) -> Self {
        let dependencies =
            dependencies.iter().map(|name| Dependency { name: (*name).to_owned(), dev: false }).collect();
        Self { crates: vec![Crate { name: name.to_owned(), dependencies }], ..Self::default() }
    }
}
