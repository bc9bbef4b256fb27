//! What people write themselves: `package.json`, `.npmrc`, `pyproject.toml`, `Cargo.toml`.

use gabion_finding::{Ecosystem, Source};

use crate::document::{self, Malformed, Member, Node};
use crate::lock::{is_commit, origin, pep508};
use crate::package::{Inventory, Origin, Registry, Requirement, Spot};

pub(crate) fn package_json(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    node.text_of("name").unwrap_or_default().clone_into(&mut out.project);
    let library =
        ["main", "module", "exports", "types", "files", "bin"].iter().any(|key| node.get(key).is_some());
    out.application = node.is_true("private") || !library;
    for (list, development) in
        [("dependencies", false), ("optionalDependencies", false), ("devDependencies", true)]
    {
        for member in node.members_of(list) {
            let Some(range) = member.node.text() else { continue };
            let spot = Spot::of(source, member.at);
            let mut requirement = Requirement::new(Ecosystem::Npm, &member.key, range, spot);
            if let Some((name, range)) = range.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
                requirement = Requirement::new(Ecosystem::Npm, name, range, spot);
            }
            requirement.development = development;
            requirement.optional = list == "optionalDependencies";
            requirement.origin = npm_origin(range);
            out.requirements.push(requirement);
        }
    }
    let workspaces = node.get("workspaces");
    let members =
        workspaces.map_or(&[][..], |it| if it.is_list() { it.items() } else { it.items_of("packages") });
    out.refers.extend(members.iter().filter_map(Node::text).map(str::to_owned));
    Ok(())
}

fn npm_origin(range: &str) -> Origin {
    match origin(range) {
        // `owner/repository` is GitHub's.
        Origin::Unknown
            if range.contains('/') && !range.contains(':') && !range.starts_with(['@', '^', '~']) =>
        {
            let pinned = range.rsplit_once('#').is_some_and(|(_, commit)| is_commit(commit));
            Origin::Git { address: format!("github:{range}"), pinned }
        }
        // An address in a manifest is an archive, whatever its path.
        Origin::Registry(address) => Origin::Archive(address),
        other => other,
    }
}

pub(crate) fn npmrc(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let mut offset = 0;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim();
        if content.starts_with(['#', ';']) {
            continue;
        }
        let Some((key, value)) = content.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        let scope = match key.strip_suffix(":registry") {
            Some(scope) if scope.starts_with('@') => scope,
            _ if key == "registry" => "",
            _ => continue,
        };
        out.registries.push(Registry {
            ecosystem: Ecosystem::Npm,
            address: value.to_owned(),
            scope: scope.to_owned(),
            mixed: false,
            spot: Spot::of(source, document::span(start, start + line.trim_end().len())),
        });
    }
    Ok(())
}

pub(crate) fn pyproject(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::toml(source.text())?;
    let project = node.get("project");
    let poetry = node.at(&["tool", "poetry"]);
    let name = project.and_then(|it| it.text_of("name")).or_else(|| poetry.and_then(|it| it.text_of("name")));
    name.unwrap_or_default().clone_into(&mut out.project);
    // A tool that writes lock files is in use.
    out.application = ["poetry", "uv", "pdm"].iter().any(|tool| node.at(&["tool", tool]).is_some());
    let specifiers = |items: &[Node], development: bool, optional: bool, out: &mut Inventory| {
        for item in items {
            let Some(mut requirement) = item.text().and_then(|it| pep508(it, Spot::of(source, item.span)))
            else {
                continue;
            };
            requirement.development = development;
            requirement.optional |= optional;
            out.requirements.push(requirement);
        }
    };
    if let Some(project) = project {
        specifiers(project.items_of("dependencies"), false, false, out);
        for member in project.members_of("optional-dependencies") {
            specifiers(member.node.items(), false, true, out);
        }
    }
    for member in node.members_of("dependency-groups") {
        specifiers(member.node.items(), true, false, out);
    }
    if let Some(poetry) = poetry {
        poetry_list(source, poetry.members_of("dependencies"), false, out);
        poetry_list(source, poetry.members_of("dev-dependencies"), true, out);
        for group in poetry.members_of("group") {
            poetry_list(source, group.node.members_of("dependencies"), true, out);
        }
        for index in poetry.items_of("source") {
            let mixed = !matches!(index.text_of("priority"), Some("explicit" | "primary" | "default"))
                && !index.is_true("default");
            registry(source, index, mixed, out);
        }
    }
    let strategy = node.at(&["tool", "uv", "index-strategy"]).and_then(Node::text).unwrap_or_default();
    for index in node.at(&["tool", "uv", "index"]).map_or(&[][..], Node::items) {
        registry(source, index, strategy.starts_with("unsafe") && !index.is_true("explicit"), out);
    }
    for index in node.at(&["tool", "pdm", "source"]).map_or(&[][..], Node::items) {
        registry(source, index, false, out);
    }
    Ok(())
}

fn registry(source: &Source, index: &Node, mixed: bool, out: &mut Inventory) {
    if let Some(address) = index.get("url") {
        out.registries.push(Registry {
            ecosystem: Ecosystem::PyPi,
            address: address.text().unwrap_or_default().to_owned(),
            scope: String::new(),
            mixed,
            spot: Spot::of(source, address.span),
        });
    }
}

fn poetry_list(source: &Source, members: &[Member], development: bool, out: &mut Inventory) {
    for member in members.iter().filter(|it| it.key != "python") {
        let node = &member.node;
        let range = node.text().or_else(|| node.text_of("version")).unwrap_or_default();
        let mut requirement =
            Requirement::new(Ecosystem::PyPi, &member.key, range, Spot::of(source, member.at));
        requirement.development = development;
        requirement.optional = node.is_true("optional");
        if let Some(address) = node.text_of("git") {
            let pinned = node.text_of("rev").is_some_and(is_commit);
            requirement.origin = Origin::Git { address: address.to_owned(), pinned };
        } else if node.get("path").is_some() {
            requirement.origin = Origin::Local;
        } else if let Some(address) = node.text_of("url") {
            requirement.origin = Origin::Archive(address.to_owned());
        }
        out.requirements.push(requirement);
    }
}

pub(crate) fn cargo(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::toml(source.text())?;
    let name = node.at(&["package", "name"]).and_then(Node::text);
    name.unwrap_or_default().clone_into(&mut out.project);
    out.application = node.get("bin").is_some() || node.get("workspace").is_some();
    let mut tables = vec![(&node, false)];
    tables.extend(node.members_of("target").iter().map(|it| (&it.node, false)));
    // What a workspace lists for its members may be used by none of them.
    tables.extend(node.get("workspace").map(|it| (it, true)));
    for (table, perhaps) in tables {
        for (list, development) in
            [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            for member in table.members_of(list) {
                let known = out.requirements.len();
                cargo_one(source, member, development, out);
                for requirement in out.requirements.iter_mut().skip(known) {
                    requirement.optional |= perhaps;
                }
            }
        }
    }
    let members = node.at(&["workspace", "members"]).map_or(&[][..], Node::items);
    out.refers.extend(members.iter().filter_map(Node::text).map(str::to_owned));
    Ok(())
}

fn cargo_one(source: &Source, member: &Member, development: bool, out: &mut Inventory) {
    let node = &member.node;
    if node.is_true("workspace") {
        return;
    }
    let name = node.text_of("package").unwrap_or(&member.key);
    let range = node.text().or_else(|| node.text_of("version")).unwrap_or_default();
    let mut requirement = Requirement::new(Ecosystem::Cargo, name, range, Spot::of(source, member.at));
    requirement.development = development;
    requirement.optional = node.is_true("optional");
    if let Some(address) = node.text_of("git") {
        let pinned = node.text_of("rev").is_some_and(is_commit);
        requirement.origin = Origin::Git { address: address.to_owned(), pinned };
    } else if node.get("path").is_some() {
        requirement.origin = Origin::Local;
    } else {
        requirement.origin = Origin::Registry(node.text_of("registry").unwrap_or_default().to_owned());
    }
    out.requirements.push(requirement);
}
