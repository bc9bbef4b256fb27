//! `poetry.lock`, `uv.lock`, `pdm.lock` and `pylock.toml` (PEP 751): TOML with a list of packages, each in its own words.

use std::collections::HashMap;

use gabion_finding::{Ecosystem, Source};

use super::{is_commit, mark};
use crate::document::{self, Malformed, Node};
use crate::name;
use crate::package::{Format, Integrity, Inventory, Origin, Package, Spot};

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::toml(source.text())?;
    let list = if out.format == Format::PylockToml { "packages" } else { "package" };
    // Poetry before 1.5 kept files in a table of their own.
    let files: HashMap<String, usize> =
        (node.at(&["metadata", "files"]).map_or(&[][..], Node::members).iter())
            .map(|it| (name::normal(Ecosystem::PyPi, &it.key), it.node.items().len()))
            .collect();
    let mut own: Vec<&Node> = Vec::new();
    for entry in node.items_of(list) {
        let Some(called) = entry.text_of("name") else { continue };
        if is_own(entry) {
            out.project = called.to_owned();
            own.push(entry);
            continue;
        }
        let at = entry.get("name").map_or(entry.span, |it| it.span);
        let version = entry.text_of("version").unwrap_or_default();
        let mut package = Package::new(Ecosystem::PyPi, called, version, Spot::of(source, at));
        package.key.clone_from(&package.name);
        package.origin = origin(entry);
        let has_files = ["files", "wheels", "sdist", "archive"].iter().any(|key| entry.get(key).is_some())
            || files.get(&package.name).is_some_and(|count| *count > 0);
        package.integrity = match &package.origin {
            Origin::Registry(_) if has_files => hash(entry),
            Origin::Registry(_) => Integrity::Missing,
            _ => Integrity::Absent,
        };
        package.development = development(entry);
        package.needs = needs(entry);
        if package.version.is_empty() {
            continue;
        }
        out.packages.push(package);
    }
    if out.format == Format::UvLock && !own.is_empty() {
        uv(&own, out);
    }
    Ok(())
}

/// `uv.lock` has the project itself among the packages.
fn uv(own: &[&Node], out: &mut Inventory) {
    let (mut runtime, mut development, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for entry in own {
        runtime.extend(needs(entry));
        for group in ["optional-dependencies", "dev-dependencies"] {
            for member in entry.members_of(group) {
                let names = member.node.items().iter().filter_map(|it| it.text_of("name"));
                let names = names.map(|it| name::normal(Ecosystem::PyPi, it));
                if group == "dev-dependencies" { development.extend(names) } else { runtime.extend(names) }
            }
        }
        for it in entry.at(&["metadata", "requires-dist"]).map_or(&[][..], Node::items) {
            if let Some(called) = it.text_of("name") {
                let range = it.text_of("specifier").unwrap_or_default().to_owned();
                asked.push((name::normal(Ecosystem::PyPi, called), range));
            }
        }
    }
    mark(&mut out.packages, &runtime, &development);
    out.asked = Some(asked);
}

fn is_own(entry: &Node) -> bool {
    let source = entry.get("source").or_else(|| entry.get("directory"));
    source.is_some_and(|it| {
        ["editable", "virtual", "directory", "path"].iter().any(|key| it.get(key).is_some())
            || it.text_of("type") == Some("directory")
    })
}

fn origin(entry: &Node) -> Origin {
    let text = |node: &Node, key: &str| node.text_of(key).unwrap_or_default().to_owned();
    if let Some(source) = entry.get("source") {
        // uv
        if let Some(address) = source.text_of("git").filter(|_| source.text_of("type").is_none()) {
            let pinned = address.rsplit_once('#').is_some_and(|(_, commit)| is_commit(commit));
            return Origin::Git { address: address.to_owned(), pinned };
        }
        if let Some(address) = source.text_of("registry") {
            return Origin::Registry(address.to_owned());
        }
        // Poetry
        return match source.text_of("type") {
            Some("git") => {
                let pinned = source.text_of("resolved_reference").is_some_and(is_commit);
                Origin::Git { address: text(source, "url"), pinned }
            }
            Some("url") => Origin::Archive(text(source, "url")),
            Some("file" | "directory") => Origin::Local,
            Some(_) => Origin::Registry(text(source, "url")),
            None => source.text_of("url").map_or(Origin::Unknown, |it| Origin::Archive(it.to_owned())),
        };
    }
    // PDM
    if let Some(address) = entry.text_of("git") {
        let pinned = entry.text_of("revision").is_some_and(is_commit);
        return Origin::Git { address: address.to_owned(), pinned };
    }
    if let Some(address) = entry.text_of("url") {
        return Origin::Archive(address.to_owned());
    }
    // PEP 751
    if let Some(source) = entry.get("vcs") {
        let pinned = source.text_of("commit-id").is_some_and(is_commit);
        return Origin::Git { address: text(source, "url"), pinned };
    }
    if let Some(source) = entry.get("archive") {
        return Origin::Archive(text(source, "url"));
    }
    Origin::Registry(entry.text_of("index").unwrap_or_default().to_owned())
}

/// The first checksum of its files; missing when one file has none.
fn hash(entry: &Node) -> Integrity {
    let mut files: Vec<&Node> = entry.items_of("files").iter().chain(entry.items_of("wheels")).collect();
    files.extend(entry.get("sdist"));
    let of = |file: &Node| {
        let hashes = || {
            file.members_of("hashes")
                .first()
                .map(|it| format!("{}:{}", it.key, it.node.text().unwrap_or_default()))
        };
        file.text_of("hash").map(str::to_owned).or_else(hashes)
    };
    let hashes: Vec<Option<String>> = files.into_iter().map(of).collect();
    if hashes.iter().any(Option::is_none) {
        return Integrity::Missing;
    }
    match hashes.into_iter().flatten().next() {
        Some(hash) => Integrity::Present(hash),
        None => Integrity::Absent,
    }
}

fn development(entry: &Node) -> Option<bool> {
    // Poetry 1 says `category`, Poetry 2 and PDM say `groups`.
    if let Some(category) = entry.text_of("category") {
        return Some(category == "dev");
    }
    let groups = entry.items_of("groups");
    if groups.is_empty() {
        return None;
    }
    Some(!groups.iter().filter_map(Node::text).any(|it| matches!(it, "main" | "default")))
}

fn needs(entry: &Node) -> Vec<String> {
    let Some(node) = entry.get("dependencies") else { return Vec::new() };
    let names: Vec<&str> = if node.is_table() {
        node.members().iter().map(|it| it.key.as_str()).collect()
    } else {
        // uv and PEP 751 list tables, PDM lists PEP 508 texts.
        node.items().iter().filter_map(|it| it.text_of("name").or_else(|| it.text())).collect()
    };
    let end = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
    let names = names.into_iter().map(|it| it.split(end).next().unwrap_or_default());
    names.map(|it| name::normal(Ecosystem::PyPi, it)).collect()
}
