//! NuGet: `packages.lock.json`, projects with `PackageReference`, `Directory.Packages.props`, `packages.config`, `NuGet.config`.

use std::collections::HashMap;

use gabion_finding::{Ecosystem, Source};

use super::maven::expand;
use crate::document::xml::{self, Element};
use crate::document::{self, Malformed};
use crate::package::{Integrity, Inventory, Origin, Package, Registry, Requirement, Spot};

pub(super) fn lock(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    let mut seen = std::collections::HashSet::new();
    let mut asked = Vec::new();
    for framework in node.members_of("dependencies") {
        for member in framework.node.members() {
            let kind = member.node.text_of("type").unwrap_or_default();
            let Some(version) = member.node.text_of("resolved").filter(|_| kind != "Project") else {
                continue;
            };
            let mut package =
                Package::new(Ecosystem::NuGet, &member.key, version, Spot::of(source, member.at));
            if !seen.insert(package.key.clone()) {
                continue;
            }
            package.key.clone_from(&package.name);
            package.direct = Some(kind == "Direct");
            package.origin = Origin::Registry(String::new());
            package.integrity = Integrity::of(member.node.text_of("contentHash"));
            package.needs =
                member.node.members_of("dependencies").iter().map(|it| it.key.to_lowercase()).collect();
            if kind == "Direct" {
                asked.push((
                    package.name.clone(),
                    member.node.text_of("requested").unwrap_or_default().to_owned(),
                ));
            }
            out.packages.push(package);
        }
    }
    out.asked = Some(asked);
    Ok(())
}

pub(super) fn project(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let root = xml::read(source.text())?;
    let mut properties = HashMap::new();
    let mut found: Vec<&Element> = Vec::new();
    root.walk(&mut |element| match element.name.as_str() {
        "PropertyGroup" => {
            properties.extend(element.children.iter().map(|it| (it.name.clone(), it.text.clone())));
        }
        "PackageReference" | "PackageVersion" | "GlobalPackageReference" | "package" => found.push(element),
        _ => {}
    });
    out.application = true;
    for element in found {
        let named = ["Include", "Update", "id"].iter().find_map(|key| element.attribute(key));
        let Some(named) = named else { continue };
        let version = ["Version", "VersionOverride"]
            .iter()
            .find_map(|key| element.attribute(key).or_else(|| element.text_of(key)));
        // `$(Name)` is MSBuild's way to write a property.
        let version = version.unwrap_or_default().replace("$(", "${").replace(')', "}");
        let version = if version.contains("${") { expand(&version, &properties) } else { version };
        let version = version.replace('}', ")");
        let spot = super::line(source, element.span);
        let development = element.attribute("PrivateAssets").or_else(|| element.text_of("PrivateAssets"));
        let development = development.is_some_and(|it| it.eq_ignore_ascii_case("all"));
        if element.name != "PackageVersion" {
            let mut requirement = Requirement::new(Ecosystem::NuGet, named, &version, spot);
            requirement.development = development;
            out.requirements.push(requirement);
        }
        let exact = version.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(&version);
        if exact.is_empty() || exact.contains(['*', ',', '$', '[', '(']) {
            continue;
        }
        let mut package = Package::new(Ecosystem::NuGet, named, exact, spot);
        package.key.clone_from(&package.name);
        package.direct = Some(true);
        package.development = Some(development);
        package.origin = Origin::Registry(String::new());
        out.packages.push(package);
    }
    Ok(())
}

pub(super) fn config(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let root = xml::read(source.text())?;
    let mapped = root.child("packageSourceMapping").is_some_and(|it| !it.children.is_empty());
    let sources = root.child("packageSources").into_iter().flat_map(|it| it.all("add"));
    let mut remote = 0;
    for element in sources {
        let Some(address) = element.attribute("value") else { continue };
        let is_remote = address.contains("://");
        out.registries.push(Registry {
            ecosystem: Ecosystem::NuGet,
            address: address.to_owned(),
            scope: String::new(),
            mixed: is_remote && remote > 0 && !mapped,
            spot: super::line(source, element.span),
        });
        remote += usize::from(is_remote);
    }
    Ok(())
}
