//! Gradle: `gradle.lockfile` (exact), version catalogues (`libs.versions.toml`), and coordinates that stand as texts in `build.gradle`
//! and `build.gradle.kts`. Nothing is run: what a build script computes stays unknown.

use gabion_finding::{Ecosystem, Source};

use super::maven::is_range;
use crate::document::{self, Malformed, Node};
use crate::package::{Inventory, Origin, Package, Registry, Requirement, Spot};

pub(super) fn lock(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let mut offset = 0;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') || content.starts_with("empty=") {
            continue;
        }
        let (coordinates, configurations) = content.split_once('=').unwrap_or((content, ""));
        let mut parts = coordinates.split(':');
        let (Some(group), Some(artifact), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Malformed::new(
                start,
                "a line of gradle.lockfile is `group:artifact:version=configurations`",
            ));
        };
        let spot = Spot::of(source, document::span(start, start + content.len()));
        let mut package = Package::new(Ecosystem::Maven, &format!("{group}:{artifact}"), version, spot);
        let test = |name: &str| name.to_ascii_lowercase().contains("test");
        package.development = (!configurations.is_empty()).then(|| configurations.split(',').all(test));
        package.origin = Origin::Registry(String::new());
        out.packages.push(package);
    }
    Ok(())
}

pub(super) fn catalogue(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::toml(source.text())?;
    let versions = node.members_of("versions");
    for member in node.members_of("libraries") {
        let it = &member.node;
        let text = it.text().map(|text| text.split(':').collect::<Vec<_>>());
        let (name, version) = match text.as_deref() {
            Some([group, artifact, version]) => (format!("{group}:{artifact}"), (*version).to_owned()),
            Some(_) => continue,
            None => {
                let module = it.text_of("module").map(str::to_owned);
                let parts = || Some(format!("{}:{}", it.text_of("group")?, it.text_of("name")?));
                let Some(name) = module.or_else(parts) else { continue };
                (name, it.get("version").map(|it| version(it, versions)).unwrap_or_default())
            }
        };
        add(&name, &version, Spot::of(source, member.at), false, out);
    }
    Ok(())
}

fn version(node: &Node, versions: &[document::Member]) -> String {
    let rich = |node: &Node| {
        let strict = ["strictly", "require", "prefer"].iter().find_map(|key| node.text_of(key));
        node.text().or(strict).unwrap_or_default().to_owned()
    };
    match node.text_of("ref") {
        Some(name) => {
            let found = versions.iter().take(4096).find(|it| it.key == name);
            found.map(|it| rich(&it.node)).unwrap_or_default()
        }
        None => rich(node),
    }
}

fn add(name: &str, version: &str, spot: Spot, development: bool, out: &mut Inventory) {
    let mut requirement = Requirement::new(Ecosystem::Maven, name, version, spot);
    requirement.development = development;
    out.requirements.push(requirement);
    if version.is_empty() || is_range(version) || version.contains(['+', '$', '{', '<']) {
        return;
    }
    // `1.2!!` is strictly 1.2.
    let mut package = Package::new(Ecosystem::Maven, name, version.trim_end_matches("!!"), spot);
    package.direct = Some(true);
    package.development = Some(development);
    package.origin = Origin::Registry(String::new());
    out.packages.push(package);
}

/// Ends of the names of configurations that put something on a class path.
const CONFIGURATIONS: &[&str] = &[
    "implementation",
    "api",
    "compileonly",
    "runtimeonly",
    "annotationprocessor",
    "classpath",
    "platform",
    "developmentonly",
    "ksp",
    "kapt",
    "compile",
    "providedruntime",
];

pub(super) fn build(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    out.application = true;
    let mut offset = 0;
    let mut remark = false;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim();
        if remark || content.starts_with("/*") {
            remark = !content.contains("*/");
            continue;
        }
        if content.starts_with("//") || line.len() > 2000 {
            continue;
        }
        let Some(open) = content.find(['"', '\'']) else { continue };
        let Some((before, quoted)) = content.split_at_checked(open) else { continue };
        let Some(quote) = quoted.chars().next() else { continue };
        let rest = quoted.get(1..).unwrap_or_default();
        let Some((text, after)) = rest.split_once(quote) else { continue };
        let word = before.split(['(', ' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
        let at = start + (line.len() - line.trim_start().len()) + open + 1;
        if matches!(word.as_str(), "url" | "maven" | "uri") && text.contains("://") {
            out.registries.push(Registry {
                ecosystem: Ecosystem::Maven,
                address: text.to_owned(),
                scope: String::new(),
                mixed: false,
                spot: Spot::of(source, document::span(at, at + text.len())),
            });
            continue;
        }
        if !CONFIGURATIONS.iter().any(|end| word.ends_with(end)) {
            continue;
        }
        let spot = Spot::of(source, document::span(at, at + text.len()));
        let test = word.starts_with("test") || word.starts_with("androidtest");
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            [group, artifact, version, ..] => {
                let version = version.split('@').next().unwrap_or(version);
                add(&format!("{group}:{artifact}"), version, spot, test, out);
            }
            [group, artifact] => add(&format!("{group}:{artifact}"), "", spot, test, out),
            // `group: 'a', name: 'b', version: '1'`
            [group] if before.contains("group") => {
                let value = |key: &str| {
                    let (_, rest) = after.split_once(key)?;
                    rest.trim_start_matches([' ', ':', '=']).strip_prefix(quote)?.split(quote).next()
                };
                if let Some(artifact) = value("name") {
                    add(
                        &format!("{group}:{artifact}"),
                        value("version").unwrap_or_default(),
                        spot,
                        test,
                        out,
                    );
                }
            }
            _ => {}
        }
    }
    Ok(())
}
