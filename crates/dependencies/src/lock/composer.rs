//! `composer.lock` and `composer.json`.

use gabion_finding::{Ecosystem, Source};

use super::{is_commit, mark};
use crate::document::{self, Malformed, Node};
use crate::package::{Integrity, Inventory, Origin, Package, Registry, Requirement, Spot};

pub(super) fn lock(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    for (list, development) in [("packages", false), ("packages-dev", true)] {
        for entry in node.items_of(list) {
            let (Some(name), Some(version)) = (entry.get("name"), entry.text_of("version")) else { continue };
            let spot = Spot::of(source, name.span);
            let called = name.text().unwrap_or_default();
            let mut package = Package::new(Ecosystem::Composer, called, version, spot);
            package.key.clone_from(&package.name);
            package.development = Some(development);
            package.origin = match entry.get("dist") {
                Some(dist) if dist.text_of("type") == Some("path") => continue,
                Some(dist) => Origin::Registry(dist.text_of("url").unwrap_or_default().to_owned()),
                None => {
                    let git = entry.get("source");
                    let pinned = git.and_then(|it| it.text_of("reference")).is_some_and(is_commit);
                    let address = git.and_then(|it| it.text_of("url")).unwrap_or_default();
                    Origin::Git { address: address.to_owned(), pinned }
                }
            };
            package.integrity = match entry.get("dist").and_then(|it| it.text_of("shasum")) {
                Some(sum) if !sum.is_empty() => Integrity::Present(sum.to_owned()),
                // Packagist leaves it empty: archives come from a commit.
                _ => Integrity::Absent,
            };
            let licences: Vec<&str> = entry.items_of("license").iter().filter_map(Node::text).collect();
            package.licence = (!licences.is_empty()).then(|| licences.join(" OR "));
            package.deprecated = match entry.get("abandoned") {
                Some(node) => match node.text() {
                    Some(instead) => Some(format!("abandoned; `{instead}` is named in its place")),
                    None if entry.is_true("abandoned") => Some("abandoned".to_owned()),
                    None => None,
                },
                None => None,
            };
            let needs = entry.members_of("require").iter().filter(|it| it.key.contains('/'));
            package.needs = needs.map(|it| it.key.to_lowercase()).collect();
            out.packages.push(package);
        }
    }
    Ok(())
}

pub(super) fn manifest(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    node.text_of("name").unwrap_or_default().clone_into(&mut out.project);
    out.application = matches!(node.text_of("type"), Some("project"));
    for (list, development) in [("require", false), ("require-dev", true)] {
        for member in node.members_of(list).iter().filter(|it| it.key.contains('/')) {
            let range = member.node.text().unwrap_or_default();
            let mut requirement =
                Requirement::new(Ecosystem::Composer, &member.key, range, Spot::of(source, member.at));
            requirement.development = development;
            out.requirements.push(requirement);
        }
    }
    let repositories = node.get("repositories");
    let listed = repositories.map_or(&[][..], Node::items).iter();
    let named = repositories.map_or(&[][..], Node::members).iter().map(|it| &it.node);
    for repository in listed.chain(named) {
        if let Some(address) = repository.get("url").filter(|_| repository.text_of("type") != Some("path")) {
            out.registries.push(Registry {
                ecosystem: Ecosystem::Composer,
                address: address.text().unwrap_or_default().to_owned(),
                scope: String::new(),
                // Composer 2 asks the next only for what the ones before it do not have.
                mixed: false,
                spot: Spot::of(source, address.span),
            });
        }
    }
    Ok(())
}

/// Puts what the manifest beside it asks for into what the lock file has.
pub(crate) fn direct(lock: &mut [Package], asked: &[Requirement]) {
    let names = |development: bool| {
        let of = asked.iter().filter(move |it| it.development == development);
        of.map(|it| it.name.clone()).collect::<Vec<_>>()
    };
    let groups: Vec<Option<bool>> = lock.iter().map(|package| package.development).collect();
    mark(lock, &names(false), &names(true));
    for (package, group) in lock.iter_mut().zip(groups) {
        package.development = group.or(package.development);
    }
}
