//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3
//! (<https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>).

use std::collections::HashSet;

use gabion_finding::{Ecosystem, Source};

use super::origin;
use crate::document::{self, Malformed, Member, Node};
use crate::package::{Integrity, Inventory, Origin, Package, Spot};

const ASKS: &[&str] = &["dependencies", "optionalDependencies", "devDependencies"];
const FOLDER: &str = "node_modules/";

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    out.project = node.text_of("name").unwrap_or_default().to_owned();
    let packages = node.members_of("packages");
    if packages.is_empty() {
        nested(source, "", node.members_of("dependencies"), out, 0);
        let paths = paths(&out.packages);
        for package in &mut out.packages {
            let asked = std::mem::take(&mut package.needs);
            package.needs = asked.iter().filter_map(|name| resolve(&paths, &package.key, name)).collect();
        }
        return Ok(());
    }
    flat(source, packages, out);
    Ok(())
}

/// Version 2 and 3: every folder below `node_modules` is a key.
fn flat(source: &Source, members: &[Member], out: &mut Inventory) {
    let mut own: Vec<(&str, &Node)> = Vec::new();
    let mut asked = Vec::new();
    for member in members {
        if member.node.is_true("link") {
            continue;
        }
        let Some((_, folder)) = member.key.rsplit_once(FOLDER) else {
            own.push((&member.key, &member.node));
            if member.key.is_empty() {
                for ask in ASKS {
                    let pairs = member.node.members_of(ask).iter();
                    asked.extend(
                        pairs.map(|it| (it.key.clone(), it.node.text().unwrap_or_default().to_owned())),
                    );
                }
            }
            continue;
        };
        let node = &member.node;
        let Some(version) = node.text_of("version") else { continue };
        let name = node.text_of("name").unwrap_or(folder);
        let mut package = entry(source, member, name, version);
        package.key.clone_from(&member.key);
        package.needs = wants(node);
        package.development = Some(node.is_true("dev") || node.is_true("devOptional"));
        package.script = node.is_true("hasInstallScript");
        package.deprecated = node.text_of("deprecated").map(str::to_owned);
        package.licence = licence(node);
        out.packages.push(package);
    }
    out.asked = Some(asked);
    let paths = paths(&out.packages);
    let mut direct = HashSet::new();
    for (path, node) in own {
        for ask in ASKS {
            direct.extend(node.members_of(ask).iter().filter_map(|it| resolve(&paths, path, &it.key)));
        }
    }
    for package in &mut out.packages {
        let asked = std::mem::take(&mut package.needs);
        package.needs = asked.iter().filter_map(|name| resolve(&paths, &package.key, name)).collect();
        package.direct = Some(direct.contains(&package.key));
    }
}

/// Version 1: a tree as `node_modules` has it.
fn nested(source: &Source, parent: &str, members: &[Member], out: &mut Inventory, depth: usize) {
    if depth > crate::bounds::DEPTH {
        return;
    }
    for member in members {
        let node = &member.node;
        let path = if parent.is_empty() {
            format!("{FOLDER}{}", member.key)
        } else {
            format!("{parent}/{FOLDER}{}", member.key)
        };
        if let Some(version) = node.text_of("version") {
            let alias = version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@'));
            let (name, version) = alias.unwrap_or((&member.key, version));
            let mut package = entry(source, member, name, version);
            if package.origin == Origin::Unknown {
                package.origin = origin(version);
            }
            package.key.clone_from(&path);
            package.development = Some(node.is_true("dev"));
            package.needs = node.members_of("requires").iter().map(|it| it.key.clone()).collect();
            if node.is_true("bundled") {
                package.integrity = Integrity::Absent;
            }
            out.packages.push(package);
        }
        nested(source, &path, node.members_of("dependencies"), out, depth + 1);
    }
}

fn entry(source: &Source, member: &Member, name: &str, version: &str) -> Package {
    let node = &member.node;
    let mut package = Package::new(Ecosystem::Npm, name, version, Spot::of(source, member.at));
    package.origin = node.text_of("resolved").map_or(Origin::Unknown, origin);
    if matches!(package.origin, Origin::Archive(_))
        && version.bytes().next().is_some_and(|it| it.is_ascii_digit())
    {
        // Registries behind other addresses than npm's; the version is the registry's.
        package.origin =
            node.text_of("resolved").map_or(Origin::Unknown, |it| Origin::Archive(it.to_owned()));
    }
    package.integrity = match package.origin {
        Origin::Registry(_) | Origin::Archive(_) => Integrity::of(node.text_of("integrity")),
        _ => node.text_of("integrity").map_or(Integrity::Absent, |it| Integrity::of(Some(it))),
    };
    if node.is_true("inBundle") {
        package.integrity = Integrity::Absent;
    }
    package
}

fn wants(node: &Node) -> Vec<String> {
    let all = ["dependencies", "optionalDependencies", "peerDependencies"];
    all.iter().flat_map(|key| node.members_of(key)).map(|it| it.key.clone()).collect()
}

fn licence(node: &Node) -> Option<String> {
    let licence = node.get("license")?;
    licence.text().or_else(|| licence.text_of("type")).map(str::to_owned)
}

fn paths(packages: &[Package]) -> HashSet<String> {
    packages.iter().map(|package| package.key.clone()).collect()
}

/// As node looks for it: in the own folder first, then in each one above.
fn resolve(paths: &HashSet<String>, from: &str, name: &str) -> Option<String> {
    let mut folder = from;
    loop {
        let path =
            if folder.is_empty() { format!("{FOLDER}{name}") } else { format!("{folder}/{FOLDER}{name}") };
        if paths.contains(&path) {
            return Some(path);
        }
        if folder.is_empty() {
            return None;
        }
        folder = match folder.rfind(FOLDER) {
            Some(at) => folder.get(..at).unwrap_or_default().trim_end_matches('/'),
            None => "",
        };
    }
}
