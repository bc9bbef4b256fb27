//! `yarn.lock`: the format of yarn 1 (its own), and of yarn 2 and later (YAML).

use std::collections::HashMap;

use gabion_finding::{Ecosystem, Source, Span};

use super::{mark, origin};
use crate::document::{self, Malformed};
use crate::package::{Integrity, Inventory, Origin, Package, Spot};

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    if source.text().lines().any(|line| line.starts_with("__metadata:")) {
        return berry(source, out);
    }
    classic(source, out)
}

/// An entry while it is read: the descriptors it answers, and what it needs as descriptors.
struct Entry {
    package: Package,
    answers: Vec<String>,
    needs: Vec<String>,
}

fn finish(entries: Vec<Entry>, out: &mut Inventory) -> HashMap<String, String> {
    let mut keys = HashMap::new();
    for entry in &entries {
        for descriptor in &entry.answers {
            keys.insert(descriptor.clone(), entry.package.key.clone());
        }
    }
    for mut entry in entries {
        entry.package.needs = entry.needs.iter().filter_map(|it| keys.get(it).cloned()).collect();
        out.packages.push(entry.package);
    }
    keys
}

fn classic(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut needing = false;
    let mut asked = Vec::new();
    let mut offset = 0_usize;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let text = line.trim_end();
        let content = text.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match text.len() - content.len() {
            0 => {
                let Some(head) = text.strip_suffix(':') else {
                    return Err(Malformed::new(start, "an entry of yarn.lock ends with `:`"));
                };
                let answers: Vec<String> = head.split(',').map(|it| unquote(it).to_owned()).collect();
                let name = answers.first().and_then(|it| split(it)).map_or("", |(name, range)| {
                    // `alias@npm:name@range`
                    range.strip_prefix("npm:").and_then(split).map_or(name, |(name, _)| name)
                });
                asked.extend(
                    answers
                        .iter()
                        .filter_map(|it| split(it))
                        .map(|(name, range)| (name.to_owned(), range.to_owned())),
                );
                let spot = Spot::of(source, document::span(start, start + text.len() - 1));
                let mut package = Package::new(Ecosystem::Npm, name, "", spot);
                package.integrity = Integrity::Missing;
                entries.push(Entry { package, answers, needs: Vec::new() });
                needing = false;
            }
            2 => {
                let Some(entry) = entries.last_mut() else { continue };
                let (key, value) = content.split_once(' ').unwrap_or((content, ""));
                needing = matches!(key, "dependencies:" | "optionalDependencies:");
                let value = unquote(value);
                match key {
                    "version" => {
                        value.clone_into(&mut entry.package.version);
                        entry.package.key = format!("{}@{value}", entry.package.name);
                    }
                    "resolved" => entry.package.origin = origin(value),
                    "integrity" => entry.package.integrity = Integrity::of(Some(value)),
                    _ => {}
                }
            }
            _ if needing => {
                let (name, range) = word(content);
                if let Some(entry) = entries.last_mut() {
                    entry.needs.push(format!("{name}@{}", unquote(range)));
                }
            }
            _ => {}
        }
    }
    for entry in &mut entries {
        // The hash behind `#` in `resolved` is SHA-1: yarn before 1.10 knew no other.
        let checked = match &entry.package.origin {
            Origin::Registry(address) => address.contains('#'),
            _ => true,
        };
        if checked && entry.package.integrity == Integrity::Missing {
            entry.package.integrity = Integrity::Absent;
        }
    }
    entries.retain(|entry| !entry.package.version.is_empty() && !entry.package.name.is_empty());
    out.asked = Some(asked);
    finish(entries, out);
    Ok(())
}

fn unquote(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// The first word, which may stand in quotes.
fn word(text: &str) -> (&str, &str) {
    match text.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((word, rest)) => (word, rest.trim()),
        None => text.split_once(' ').unwrap_or((text, "")),
    }
}

/// `@scope/name@range` into its two parts.
fn split(descriptor: &str) -> Option<(&str, &str)> {
    let scope = usize::from(descriptor.starts_with('@'));
    let at = descriptor.get(scope..)?.find('@')? + scope;
    Some((descriptor.get(..at)?, descriptor.get(at + 1..)?))
}

fn berry(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::yaml(source.text())?;
    let mut entries = Vec::new();
    let (mut runtime, mut asked) = (Vec::new(), Vec::new());
    for member in node.members() {
        let Some(resolution) = member.node.text_of("resolution") else { continue };
        let Some((name, reference)) = split(resolution) else { continue };
        let needs =
            ["dependencies", "optionalDependencies"].iter().flat_map(|key| member.node.members_of(key));
        let needs: Vec<(String, String)> =
            needs.map(|it| (it.key.clone(), it.node.text().unwrap_or_default().to_owned())).collect();
        let descriptors = needs.iter().flat_map(|(name, range)| {
            // Yarn 2 and 3 leave `npm:` out of what is needed; the key has it.
            [format!("{name}@{range}"), format!("{name}@npm:{range}")]
        });
        let descriptors: Vec<String> = descriptors.collect();
        if reference.starts_with("workspace:") {
            runtime.extend(descriptors);
            asked.extend(needs);
            continue;
        }
        let version = member.node.text_of("version").unwrap_or_default();
        let at = Span::new(member.at.start, member.at.end);
        let mut package = Package::new(Ecosystem::Npm, name, version, Spot::of(source, at));
        let registry = reference.starts_with("npm:");
        package.origin = if registry {
            let archive = reference.split_once("__archiveUrl=").map(|(_, address)| address);
            Origin::Registry(archive.unwrap_or_default().replace("%3A", ":").replace("%2F", "/"))
        } else {
            origin(reference)
        };
        package.integrity = match member.node.text_of("checksum") {
            None if !registry => Integrity::Absent,
            checksum => Integrity::of(checksum),
        };
        if member.node.get("conditions").is_some() {
            // What is for another platform only was not fetched and has no checksum.
            package.integrity = Integrity::Absent;
        }
        let answers = member.key.split(',').map(|it| it.trim().to_owned()).collect();
        entries.push(Entry { package, answers, needs: descriptors });
    }
    let keys = finish(entries, out);
    let direct: Vec<String> = runtime.iter().filter_map(|it| keys.get(it).cloned()).collect();
    mark(&mut out.packages, &direct, &[]);
    for package in &mut out.packages {
        // Yarn writes both kinds into one list.
        package.development = None;
    }
    out.asked = (!asked.is_empty()).then_some(asked);
    Ok(())
}
