//! What a file leaves to others of the tree: versions that a parent `pom.xml` or `Directory.Packages.props` gives, and which packages of
//! a lock file the manifest beside it asks for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gabion_finding::Ecosystem;

use crate::check::locks::{Files, folder};
use crate::lock;
use crate::package::{Format, Inventory, Package, Requirement};

/// No chain of parents is longer.
const GENERATIONS: usize = 16;

pub(crate) fn complete(files: &mut [(Arc<str>, Inventory)]) {
    let mut added: Vec<(usize, Vec<Package>)> = Vec::new();
    let index: HashMap<&str, usize> =
        files.iter().enumerate().map(|(at, (path, _))| (path.as_ref(), at)).collect();
    for (at, (path, it)) in files.iter().enumerate() {
        match it.format {
            Format::Pom => added.push((at, inherited(files, &index, path, it))),
            Format::NugetProject => added.push((at, central(files, &index, path, it))),
            _ => {}
        }
    }
    let asked: HashMap<(String, Format), Vec<Requirement>> = (files.iter())
        .filter(|(_, it)| !it.requirements.is_empty())
        .map(|(path, it)| ((folder(path).to_owned(), it.format), it.requirements.clone()))
        .collect();
    for (at, packages) in added {
        if let Some((_, it)) = files.get_mut(at) {
            it.packages.extend(packages);
        }
    }
    for (path, it) in files.iter_mut() {
        let manifests: &[Format] = match it.format {
            Format::ComposerLock => &[Format::ComposerJson],
            Format::PdmLock | Format::PoetryLock | Format::PylockToml => &[Format::PyprojectToml],
            Format::PipfileLock => &[Format::Pipfile],
            Format::NpmLock | Format::YarnLock => &[Format::PackageJson],
            _ => continue,
        };
        // Yarn 2 has said it itself.
        if it.packages.iter().any(|package| package.direct.is_some()) {
            continue;
        }
        let found = manifests.iter().find_map(|format| asked.get(&(folder(path).to_owned(), *format)));
        let Some(found) = found else { continue };
        match it.format {
            Format::NpmLock => npm(it, found),
            Format::YarnLock => yarn(it, found),
            _ => lock::direct(&mut it.packages, found),
        }
    }
}

/// Version 1 of npm says which folder a package is in, and not who asked for it.
fn npm(it: &mut Inventory, asked: &[Requirement]) {
    let wanted: HashSet<&str> = asked.iter().map(|it| it.name.as_str()).collect();
    for package in &mut it.packages {
        let top = package.key.matches("node_modules/").count() == 1;
        package.direct = Some(top && wanted.contains(package.name.as_str()));
    }
}

/// Keys of yarn are name and version; what a manifest asks for is a name and a range.
fn yarn(it: &mut Inventory, asked: &[Requirement]) {
    let resolve = |development: bool| {
        let wanted: HashSet<&str> =
            asked.iter().filter(|it| it.development == development).map(|it| it.name.as_str()).collect();
        let keys = it.packages.iter().filter(|package| wanted.contains(package.name.as_str()));
        keys.map(|package| package.key.clone()).collect::<Vec<_>>()
    };
    let (runtime, development) = (resolve(false), resolve(true));
    lock::mark(&mut it.packages, &runtime, &development);
}

fn beside(path: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder(path).split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Versions that the parents of a `pom.xml` manage, with their properties.
fn inherited(files: &Files, index: &HashMap<&str, usize>, path: &str, it: &Inventory) -> Vec<Package> {
    let open = |it: &&Requirement| it.range.is_empty() || it.range.contains("${");
    let open: Vec<&Requirement> = it.requirements.iter().filter(open).collect();
    if open.is_empty() {
        return Vec::new();
    }
    // The nearest counts.
    let mut known: HashMap<String, String> = it.asked.iter().flatten().cloned().collect();
    let (mut path, mut now) = (path.to_owned(), it);
    for _ in 0..GENERATIONS {
        let Some(parent) = now.refers.first().and_then(|relative| beside(&path, relative)) else { break };
        let Some((_, found)) = index.get(parent.as_str()).and_then(|at| files.get(*at)) else { break };
        for (name, value) in found.asked.iter().flatten() {
            known.entry(name.clone()).or_insert_with(|| value.clone());
        }
        (path, now) = (parent, found);
    }
    let version = |it: &Requirement| {
        let text = if it.range.is_empty() { known.get(&format!("managed {}", it.name))? } else { &it.range };
        let text = lock::expand(text, &known);
        (!text.is_empty() && !text.contains("${") && !lock::is_range(&text)).then_some(text)
    };
    let package = |it: &&Requirement| {
        let mut package = Package::new(Ecosystem::Maven, &it.name, &version(it)?, it.spot);
        package.direct = Some(true);
        package.development = Some(it.development);
        Some(package)
    };
    open.iter().filter_map(package).collect()
}

/// Versions that stand in the nearest `Directory.Packages.props`; each project is judged where it names the package.
fn central(files: &Files, index: &HashMap<&str, usize>, path: &str, it: &Inventory) -> Vec<Package> {
    let open: Vec<&Requirement> = it.requirements.iter().filter(|it| it.range.is_empty()).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let mut at = folder(path);
    let found = loop {
        let name = "Directory.Packages.props";
        let file = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
        if let Some((_, found)) = index.get(file.as_str()).and_then(|at| files.get(*at)) {
            break found;
        }
        if at.is_empty() {
            return Vec::new();
        }
        at = folder(at);
    };
    let versions: HashMap<&str, &str> =
        found.packages.iter().map(|package| (package.name.as_str(), package.version.as_str())).collect();
    let package = |it: &&Requirement| {
        let mut package = Package::new(Ecosystem::NuGet, &it.name, versions.get(it.name.as_str())?, it.spot);
        package.direct = Some(true);
        package.development = Some(it.development);
        Some(package)
    };
    open.iter().filter_map(package).collect()
}
