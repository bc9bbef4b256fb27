//! `pom.xml` (<https://maven.apache.org/pom.html>): properties, `dependencyManagement`, dependencies. What a parent in the same tree
//! says is put in later, by [`crate::parents`]; what only a repository knows stays without a version.

use std::collections::{HashMap, HashSet};

use gabion_finding::{Ecosystem, Source};

use crate::document::Malformed;
use crate::document::xml::{self, Element};
use crate::package::{Inventory, Origin, Package, Registry, Requirement, Spot};

/// What of a property is still open after so many turns goes round in a circle.
const TURNS: usize = 16;

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let root = xml::read(source.text())?;
    if root.name != "project" {
        return Err(Malformed::new(0, "this is no project of Maven"));
    }
    let parent = root.child("parent");
    let text = |name: &str| {
        root.text_of(name).or_else(|| parent.and_then(|it| it.text_of(name))).unwrap_or_default().to_owned()
    };
    let mut properties: HashMap<String, String> = root
        .child("properties")
        .map(|it| it.children.iter().map(|it| (it.name.clone(), it.text.clone())).collect())
        .unwrap_or_default();
    for name in ["groupId", "artifactId", "version"] {
        properties.insert(format!("project.{name}"), text(name));
        properties.insert(format!("pom.{name}"), text(name));
        if let Some(parent) = parent {
            let value = parent.text_of(name).unwrap_or_default().to_owned();
            properties.insert(format!("project.parent.{name}"), value);
        }
    }
    out.project = format!("{}:{}", text("groupId"), text("artifactId"));
    out.application = true;
    if let Some(parent) = parent {
        let path = parent.text_of("relativePath").unwrap_or("../pom.xml");
        out.refers.push(if path.ends_with(".xml") { path.to_owned() } else { format!("{path}/pom.xml") });
        // Frameworks are inherited: `spring-boot-starter-parent` decides what is built.
        if let (Some(group), Some(artifact), Some(version)) =
            (parent.text_of("groupId"), parent.text_of("artifactId"), parent.text_of("version"))
        {
            let spot = Spot::of(source, parent.child("version").unwrap_or(parent).span);
            let mut package = Package::new(Ecosystem::Maven, &format!("{group}:{artifact}"), version, spot);
            package.direct = Some(true);
            out.packages.push(package);
        }
    }
    let managed = root.at(&["dependencyManagement", "dependencies"]);
    let versions: HashMap<String, String> = managed
        .map(|it| {
            it.all("dependency")
                .filter_map(|it| Some((name(it, &properties)?, it.text_of("version")?.to_owned())))
        })
        .into_iter()
        .flatten()
        .map(|(name, version)| (name, expand(&version, &properties)))
        .collect();
    let mut found: Vec<(&Element, bool)> = Vec::new();
    let mut lists: Vec<&Element> = root.child("dependencies").into_iter().collect();
    if let Some(profiles) = root.child("profiles") {
        lists.extend(profiles.all("profile").filter_map(|it| it.child("dependencies")));
    }
    found.extend(lists.iter().flat_map(|it| it.all("dependency")).map(|it| (it, true)));
    found.extend(managed.into_iter().flat_map(|it| it.all("dependency")).map(|it| (it, false)));
    let mut seen = HashSet::new();
    for (element, direct) in found {
        let Some(name) = name(element, &properties) else { continue };
        let own = element.text_of("version").map(|it| expand(it, &properties));
        let version = own.or_else(|| versions.get(&name).cloned()).unwrap_or_default();
        let at = element.child("version").or_else(|| element.child("artifactId")).unwrap_or(element);
        let spot = Spot::of(source, at.span);
        let scope = element.text_of("scope").unwrap_or("compile");
        if scope == "system" {
            continue;
        }
        if direct {
            let mut requirement = Requirement::new(Ecosystem::Maven, &name, &version, spot);
            requirement.development = scope == "test";
            requirement.optional = element.text_of("optional") == Some("true");
            out.requirements.push(requirement);
        }
        // An import brings a list of versions and no code; what is managed and asked for stands above already.
        if scope == "import" || version.is_empty() || version.contains("${") || is_range(&version) {
            continue;
        }
        let mut package = Package::new(Ecosystem::Maven, &name, &version, spot);
        package.direct = Some(direct);
        package.development = Some(scope == "test");
        package.origin = Origin::Registry(String::new());
        if seen.insert(package.key.clone()) || direct {
            out.packages.push(package);
        }
    }
    registries(source, &root, out);
    out.asked = Some(properties.into_iter().filter(|(name, _)| !name.starts_with("pom.")).collect());
    if let Some(asked) = &mut out.asked {
        asked.sort();
        let mut managed: Vec<_> =
            versions.into_iter().map(|(name, version)| (format!("managed {name}"), version)).collect();
        managed.sort();
        asked.extend(managed);
    }
    Ok(())
}

fn registries(source: &Source, root: &Element, out: &mut Inventory) {
    for (list, item) in [("repositories", "repository"), ("pluginRepositories", "pluginRepository")] {
        for element in root.child(list).into_iter().flat_map(|it| it.all(item)) {
            if let Some(address) = element.child("url") {
                out.registries.push(Registry {
                    ecosystem: Ecosystem::Maven,
                    address: address.text.clone(),
                    scope: String::new(),
                    mixed: false,
                    spot: Spot::of(source, address.span),
                });
            }
        }
    }
}

fn name(element: &Element, properties: &HashMap<String, String>) -> Option<String> {
    let group = expand(element.text_of("groupId")?, properties);
    Some(format!("{group}:{}", expand(element.text_of("artifactId")?, properties)))
}

/// `[1,2)` is no version.
pub(crate) fn is_range(version: &str) -> bool {
    version.starts_with(['[', '(']) || version.contains(',') || matches!(version, "LATEST" | "RELEASE")
}

/// Puts properties in the place of `${…}`; a name that nobody gave stays.
pub(crate) fn expand(text: &str, properties: &HashMap<String, String>) -> String {
    let mut text = text.to_owned();
    for _ in 0..TURNS {
        let Some((before, rest)) = text.split_once("${") else { break };
        let Some((name, after)) = rest.split_once('}') else { break };
        let Some(value) = properties.get(name) else { break };
        if value.len() + text.len() > 4096 {
            break;
        }
        text = format!("{before}{value}{after}");
    }
    text
}
