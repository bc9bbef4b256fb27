//! `Pipfile` and `Pipfile.lock` of pipenv.

use std::collections::HashSet;

use gabion_finding::{Ecosystem, Source};

use crate::document::{self, Malformed, Node};
use crate::package::{Integrity, Inventory, Origin, Package, Registry, Requirement, Spot};

pub(super) fn lock(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    let mut seen = HashSet::new();
    for (group, development) in [("default", false), ("develop", true)] {
        for member in node.members_of(group) {
            let spot = Spot::of(source, member.at);
            let pinned = member.node.text_of("version").and_then(|it| it.strip_prefix("=="));
            let mut package = Package::new(
                Ecosystem::PyPi,
                &member.key,
                pinned.unwrap_or_default().trim_start_matches('='),
                spot,
            );
            package.key.clone_from(&package.name);
            package.development = Some(development);
            if let Some(address) = member.node.text_of("git") {
                let pinned = member.node.text_of("ref").is_some_and(super::is_commit);
                package.origin = Origin::Git { address: address.to_owned(), pinned };
            } else if let Some(address) = member.node.text_of("file") {
                package.origin = Origin::Archive(address.to_owned());
            } else if member.node.get("path").is_some() {
                continue;
            } else {
                package.origin = Origin::Registry(String::new());
                let hash = member.node.items_of("hashes").first().and_then(Node::text);
                package.integrity = Integrity::of(hash);
            }
            // A package may stand in both groups.
            if seen.insert((package.name.clone(), package.version.clone())) {
                out.packages.push(package);
            }
        }
    }
    registries(source, node.at(&["_meta", "sources"]).map_or(&[], Node::items), out);
    Ok(())
}

pub(super) fn manifest(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::toml(source.text())?;
    out.application = true;
    for (group, development) in [("packages", false), ("dev-packages", true)] {
        for member in node.members_of(group) {
            let range = member.node.text().or_else(|| member.node.text_of("version")).unwrap_or_default();
            let spot = Spot::of(source, member.at);
            let mut requirement = Requirement::new(Ecosystem::PyPi, &member.key, range, spot);
            requirement.development = development;
            if let Some(address) = member.node.text_of("git") {
                let pinned = member.node.text_of("ref").is_some_and(super::is_commit);
                requirement.origin = Origin::Git { address: address.to_owned(), pinned };
            } else if member.node.get("path").is_some() {
                requirement.origin = Origin::Local;
            } else if let Some(index) = member.node.text_of("index") {
                requirement.origin = Origin::Registry(index.to_owned());
            }
            out.requirements.push(requirement);
        }
    }
    registries(source, node.items_of("source"), out);
    Ok(())
}

fn registries(source: &Source, sources: &[Node], out: &mut Inventory) {
    for (at, node) in sources.iter().enumerate() {
        if let Some(address) = node.get("url") {
            out.registries.push(Registry {
                ecosystem: Ecosystem::PyPi,
                address: address.text().unwrap_or_default().to_owned(),
                scope: String::new(),
                // Pipenv asks only the first one for what names no other.
                mixed: false,
                spot: Spot::of(source, address.span),
            });
        }
        if at > 64 {
            return;
        }
    }
}
