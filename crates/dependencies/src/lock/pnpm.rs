//! `pnpm-lock.yaml`, versions 5 to 9 (<https://github.com/pnpm/spec/tree/master/lockfile>).

use std::collections::HashMap;

use gabion_finding::{Ecosystem, Source};

use super::{mark, origin};
use crate::document::{self, Malformed, Node};
use crate::package::{Integrity, Inventory, Origin, Package, Spot};

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::yaml(source.text())?;
    let snapshots: HashMap<&str, &Node> =
        node.members_of("snapshots").iter().map(|it| (plain(&it.key), &it.node)).collect();
    for member in node.members_of("packages") {
        let Some((name, version)) = identity(&member.key) else {
            other(source, member, out);
            continue;
        };
        let node = &member.node;
        let version = node.text_of("version").unwrap_or(version);
        let name = node.text_of("name").unwrap_or(name);
        let mut package = Package::new(Ecosystem::Npm, name, version, Spot::of(source, member.at));
        let resolution = node.get("resolution");
        let address = resolution.and_then(|it| it.text_of("tarball"));
        package.origin = address.map_or_else(|| Origin::Registry(String::new()), origin);
        package.integrity = Integrity::of(resolution.and_then(|it| it.text_of("integrity")));
        if matches!(package.origin, Origin::Git { .. }) {
            package.integrity = Integrity::Absent;
        }
        package.script = node.is_true("requiresBuild");
        package.deprecated = node.text_of("deprecated").map(str::to_owned);
        let snapshot = snapshots.get(plain(&member.key)).copied().unwrap_or(node);
        for key in ["dependencies", "optionalDependencies"] {
            for need in snapshot.members_of(key) {
                package.needs.extend(need.node.text().map(|version| reference(&need.key, version)));
            }
        }
        out.packages.push(package);
    }
    importers(&node, out);
    Ok(())
}

/// What the project and the members of its workspace ask for.
fn importers(node: &Node, out: &mut Inventory) {
    let importers = node.members_of("importers");
    let all: Vec<&Node> =
        if importers.is_empty() { vec![node] } else { importers.iter().map(|it| &it.node).collect() };
    let (mut runtime, mut development, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for (first, importer) in all.into_iter().enumerate() {
        for key in ["dependencies", "optionalDependencies", "devDependencies"] {
            for member in importer.members_of(key) {
                let version =
                    member.node.text().or_else(|| member.node.text_of("version")).unwrap_or_default();
                let specifier = member.node.text_of("specifier");
                let specifier = specifier.or_else(|| importer.get("specifiers")?.text_of(&member.key));
                if first == 0 {
                    asked.push((member.key.clone(), specifier.unwrap_or_default().to_owned()));
                }
                let list = if key == "devDependencies" { &mut development } else { &mut runtime };
                list.push(reference(&member.key, version));
            }
        }
    }
    mark(&mut out.packages, &runtime, &development);
    out.asked = (!asked.is_empty()).then_some(asked);
}

/// A repository or an archive in the place of a version.
fn other(source: &Source, member: &document::Member, out: &mut Inventory) {
    let node = &member.node;
    let (Some(name), Some(version)) = (node.text_of("name"), node.text_of("version")) else { return };
    let mut package = Package::new(Ecosystem::Npm, name, version, Spot::of(source, member.at));
    let resolution = node.get("resolution");
    package.origin = match resolution.and_then(|it| it.text_of("repo").zip(it.text_of("commit"))) {
        Some((repository, commit)) => {
            Origin::Git { address: repository.to_owned(), pinned: super::is_commit(commit) }
        }
        None => resolution.and_then(|it| it.text_of("tarball")).map_or(Origin::Unknown, origin),
    };
    out.packages.push(package);
}

/// Without the packages that it was resolved beside: `a@1.0.0(react@17.0.2)`, `/a/1.0.0_react@17.0.2`.
fn plain(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}

/// Name and version of `a@1.0.0(…)`, `/a@1.0.0`, `/a/1.0.0_…`, each with or without a scope.
fn identity(key: &str) -> Option<(&str, &str)> {
    let key = plain(key);
    let key = key.strip_prefix('/').unwrap_or(key);
    let scope = usize::from(key.starts_with('@'));
    if let Some(at) = key.get(scope..).and_then(|rest| rest.find('@')) {
        let (name, version) = (key.get(..at + scope)?, key.get(at + scope + 1..)?);
        // `@` behind `_` belongs to the peer of version 5.
        if !name.contains('_') || !name.contains(|letter: char| letter.is_ascii_digit()) || !is_old(name) {
            return begins_with_digit(version).then_some((name, version));
        }
    }
    let (name, version) =
        key.rsplit_once('/').filter(|(_, version)| begins_with_digit(version)).or_else(|| {
            // `/a/1.0.0_@scope/peer@2.0.0`
            let at = key.find('_')?;
            key.get(..at)?.rsplit_once('/')
        })?;
    let version = version.split('_').next().unwrap_or(version);
    begins_with_digit(version).then_some((name, version))
}

/// Whether a number stands behind a `/`, as in the keys of version 5.
fn is_old(name: &str) -> bool {
    name.split('/').skip(1).any(begins_with_digit)
}

fn begins_with_digit(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

/// The key of what a package or an importer names: a version, a whole key (`/b@2.0.0`), or an alias (`b@2.0.0`).
fn reference(name: &str, version: &str) -> String {
    match identity(version).filter(|_| !begins_with_digit(version)) {
        Some((name, version)) => format!("{name}@{version}"),
        None => format!("{name}@{}", plain(version).split('_').next().unwrap_or_default()),
    }
}
