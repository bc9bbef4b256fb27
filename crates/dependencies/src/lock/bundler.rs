//! `Gemfile.lock` and `Gemfile` of Bundler.

use std::collections::{HashMap, HashSet};

use gabion_finding::{Ecosystem, Source};

use super::is_commit;
use crate::document::{self, Malformed};
use crate::package::{Integrity, Inventory, Origin, Package, Registry, Requirement, Spot};

pub(super) fn lock(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let mut section = "";
    let (mut remote, mut revision) = (String::new(), String::new());
    let mut direct = HashSet::new();
    let mut asked = Vec::new();
    let mut sums: HashMap<String, String> = HashMap::new();
    let mut has_sums = false;
    let mut offset = 0;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let text = line.trim_end();
        let content = text.trim_start();
        let indent = text.len() - content.len();
        let at = start + indent;
        match (indent, section) {
            _ if content.is_empty() => {}
            (0, _) => {
                section = content;
                remote.clear();
                revision.clear();
                has_sums |= section == "CHECKSUMS";
            }
            (2, "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE") => {
                let (key, value) = content.split_once(": ").unwrap_or((content, ""));
                match key {
                    "remote" => value.clone_into(&mut remote),
                    "revision" => value.clone_into(&mut revision),
                    _ => {}
                }
            }
            (4, "GEM" | "GIT") => {
                let Some((name, version)) = named(content) else { continue };
                let spot = Spot::of(source, document::span(at, at + content.len()));
                let mut package = Package::new(Ecosystem::RubyGems, name, platform(version), spot);
                package.key.clone_from(&package.name);
                package.origin = if section == "GIT" {
                    Origin::Git { address: remote.clone(), pinned: is_commit(&revision) }
                } else {
                    Origin::Registry(remote.clone())
                };
                out.packages.push(package);
            }
            (6, "GEM" | "GIT") => {
                if let Some(package) = out.packages.last_mut() {
                    package.needs.push(content.split(' ').next().unwrap_or_default().to_owned());
                }
            }
            (2, "DEPENDENCIES") => {
                let (name, range) = content.split_once(" (").unwrap_or((content, ""));
                let name = name.trim_end_matches('!');
                direct.insert(name.to_owned());
                asked.push((name.to_owned(), range.trim_end_matches(')').to_owned()));
            }
            (2, "CHECKSUMS") => {
                if let Some((gem, sum)) = content.rsplit_once(' ')
                    && let Some((name, _)) = named(gem)
                {
                    sums.insert(name.to_owned(), sum.to_owned());
                }
            }
            _ => {}
        }
    }
    // The same gem for several platforms stands there several times.
    let mut seen = HashSet::new();
    out.packages.retain(|package| seen.insert((package.name.clone(), package.version.clone())));
    for package in &mut out.packages {
        package.direct = Some(direct.contains(&package.name));
        if has_sums && matches!(package.origin, Origin::Registry(_)) {
            package.integrity = Integrity::of(sums.get(&package.name).map(String::as_str));
        }
    }
    out.asked = Some(asked);
    Ok(())
}

/// `name (version)`.
fn named(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(" (")?;
    Some((name, rest.split(')').next()?))
}

/// `1.16.5-x86_64-linux` is version 1.16.5 for a platform.
fn platform(version: &str) -> &str {
    version.split_once('-').map_or(version, |(version, _)| version)
}

pub(super) fn gemfile(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    out.application = true;
    let mut development = false;
    let mut registries = 0;
    let mut offset = 0;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.split(" #").next().unwrap_or(line).trim();
        let at = start + (line.len() - line.trim_start().len());
        let spot = Spot::of(source, document::span(at, at + content.len()));
        let (word, rest) = content.split_once([' ', '(']).unwrap_or((content, ""));
        let mut texts = texts(rest);
        match word {
            "source" => {
                let block = content.ends_with(" do");
                if let Some(address) = texts.next() {
                    out.registries.push(Registry {
                        ecosystem: Ecosystem::RubyGems,
                        address: address.to_owned(),
                        scope: if block { "block".to_owned() } else { String::new() },
                        mixed: !block && registries > 0,
                        spot,
                    });
                    registries += usize::from(!block);
                }
            }
            "group" => development = !rest.contains(":production") && !rest.contains(":default"),
            "end" => development = false,
            "gem" => {
                let Some(name) = texts.next() else { continue };
                let option = |key: &str| {
                    let (_, rest) = rest.split_once(key)?;
                    self::texts(rest).next()
                };
                let versions = texts.take_while(|it| {
                    it.starts_with(|letter: char| "~<>=!".contains(letter) || letter.is_ascii_digit())
                });
                let range = versions.collect::<Vec<_>>().join(", ");
                let mut requirement = Requirement::new(Ecosystem::RubyGems, name, &range, spot);
                requirement.development = development;
                let git = option("git:").or_else(|| option(":git")).or_else(|| option("github:"));
                if let Some(address) = git {
                    let pinned = option("ref:").is_some_and(is_commit);
                    requirement.origin = Origin::Git { address: address.to_owned(), pinned };
                } else if option("path:").is_some() {
                    requirement.origin = Origin::Local;
                }
                out.requirements.push(requirement);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The texts in quotes, in order.
fn texts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let open = rest.find(['"', '\''])?;
        let quote = rest.get(open..)?.chars().next()?;
        let (text, after) = rest.get(open + 1..)?.split_once(quote)?;
        rest = after;
        Some(text)
    })
}
