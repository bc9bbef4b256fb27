//! `bun.lock`, the text form (<https://bun.com/docs/install/lockfile>).

use std::collections::HashSet;

use gabion_finding::{Ecosystem, Source};

use super::{mark, origin};
use crate::document::{self, Malformed};
use crate::package::{Integrity, Inventory, Origin, Package, Spot};

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    for member in node.members_of("packages") {
        let items = member.node.items();
        let Some(identity) = items.first().and_then(document::Node::text) else { continue };
        let scope = usize::from(identity.starts_with('@'));
        let Some(at) = identity.get(scope..).and_then(|rest| rest.find('@')) else { continue };
        let (Some(name), Some(version)) = (identity.get(..at + scope), identity.get(at + scope + 1..)) else {
            continue;
        };
        if version.starts_with("workspace:") || version.starts_with("link:") || version.starts_with("file:") {
            continue;
        }
        let mut package = Package::new(Ecosystem::Npm, name, version, Spot::of(source, member.at));
        package.key.clone_from(&member.key);
        let registry = version.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        package.origin = if registry {
            let address = items.get(1).and_then(document::Node::text).unwrap_or_default();
            Origin::Registry(address.to_owned())
        } else {
            match origin(version) {
                // bun shortens commits.
                Origin::Git { address, .. } => Origin::Git { pinned: address.contains('#'), address },
                other => other,
            }
        };
        package.integrity = match (registry, items.last().and_then(document::Node::text)) {
            (true, Some(hash)) if items.len() >= 4 => Integrity::of(Some(hash)),
            (true, _) => Integrity::Missing,
            (false, _) => Integrity::Absent,
        };
        for table in items.iter().filter(|item| item.is_table()) {
            for key in ["dependencies", "optionalDependencies", "peerDependencies"] {
                package.needs.extend(table.members_of(key).iter().map(|need| need.key.clone()));
            }
        }
        out.packages.push(package);
    }
    let keys: HashSet<String> = out.packages.iter().map(|package| package.key.clone()).collect();
    for package in &mut out.packages {
        let names = std::mem::take(&mut package.needs);
        package.needs = names.iter().filter_map(|name| resolve(&keys, &package.key, name)).collect();
    }
    let (mut runtime, mut development, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for workspace in node.members_of("workspaces") {
        for key in ["dependencies", "optionalDependencies", "devDependencies"] {
            for need in workspace.node.members_of(key) {
                let list = if key == "devDependencies" { &mut development } else { &mut runtime };
                list.extend(resolve(&keys, "", &need.key));
                if workspace.key.is_empty() {
                    asked.push((need.key.clone(), need.node.text().unwrap_or_default().to_owned()));
                }
            }
        }
    }
    mark(&mut out.packages, &runtime, &development);
    out.asked = Some(asked);
    Ok(())
}

/// Keys are paths of names: `a/b` is the `b` that only `a` sees.
fn resolve(keys: &HashSet<String>, from: &str, name: &str) -> Option<String> {
    let mut folder = from;
    loop {
        let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        if keys.contains(&key) {
            return Some(key);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}
