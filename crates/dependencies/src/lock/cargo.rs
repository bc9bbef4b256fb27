//! `Cargo.lock`, versions 1 to 4 (<https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>).

use std::collections::HashMap;

use gabion_finding::{Ecosystem, Source};

use super::{is_commit, mark};
use crate::document::{self, Malformed, Node};
use crate::package::{Integrity, Inventory, Origin, Package, Spot};

pub(super) fn lock(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::toml(source.text())?;
    // Version 1 keeps checksums in a table of their own.
    let sums: HashMap<String, &str> = (node.members_of("metadata").iter())
        .filter_map(|it| {
            let mut words = it.key.strip_prefix("checksum ")?.split(' ');
            Some((format!("{}@{}", words.next()?, words.next()?), it.node.text()?))
        })
        .collect();
    let entries: Vec<&Node> = node.get("root").into_iter().chain(node.items_of("package")).collect();
    let mut single: HashMap<&str, Option<&str>> = HashMap::new();
    for entry in &entries {
        if let (Some(name), Some(version)) = (entry.text_of("name"), entry.text_of("version")) {
            single.entry(name).and_modify(|it| *it = None).or_insert(Some(version));
        }
    }
    let mut direct = Vec::new();
    for entry in entries {
        let (Some(name), Some(version)) = (entry.text_of("name"), entry.text_of("version")) else { continue };
        let needs: Vec<String> = (entry.items_of("dependencies").iter())
            .filter_map(Node::text)
            .filter_map(|need| {
                let mut words = need.split(' ');
                let name = words.next()?;
                let version = words.next().or_else(|| single.get(name).copied().flatten())?;
                Some(format!("{name}@{version}"))
            })
            .collect();
        let Some(address) = entry.text_of("source") else {
            // A member of the workspace, or a path: the project itself.
            direct.extend(needs);
            continue;
        };
        let at = entry.get("name").map_or(entry.span, |it| it.span);
        let mut package = Package::new(Ecosystem::Cargo, name, version, Spot::of(source, at));
        package.needs = needs;
        let sum = entry.text_of("checksum").or_else(|| sums.get(&package.key).copied());
        if let Some(git) = address.strip_prefix("git+") {
            let pinned = git.rsplit_once('#').is_some_and(|(_, commit)| is_commit(commit));
            package.origin = Origin::Git { address: git.to_owned(), pinned };
        } else {
            let registry = address.trim_start_matches("registry+").trim_start_matches("sparse+");
            package.origin = Origin::Registry(registry.to_owned());
            package.integrity = Integrity::of(sum.filter(|it| *it != "<none>"));
        }
        out.packages.push(package);
    }
    mark(&mut out.packages, &direct, &[]);
    for package in &mut out.packages {
        // Cargo writes both kinds into one list.
        package.development = None;
    }
    Ok(())
}
