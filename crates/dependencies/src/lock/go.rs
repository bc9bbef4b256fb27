//! `go.mod` (<https://go.dev/ref/mod#go-mod-file>) and `go.sum`. Since Go 1.17 a `go.mod` names every module that is built, so that it
//! is the list of versions; `go.sum` holds the checksums, also of versions that were only looked at.

use gabion_finding::{Ecosystem, Source};

use crate::document::{self, Malformed};
use crate::package::{Inventory, Origin, Package, Requirement, Spot};

pub(super) fn module(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    out.application = true;
    let mut block = String::new();
    let mut replaced: Vec<(String, String, String, String)> = Vec::new();
    let mut offset = 0;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let (text, remark) = line.split_once("//").map_or((line, ""), |(text, remark)| (text, remark.trim()));
        let content = text.trim();
        if content.is_empty() {
            continue;
        }
        let at = start + (text.len() - text.trim_start().len());
        let spot = Spot::of(source, document::span(at, at + content.len()));
        if block.is_empty() {
            let (verb, rest) = content.split_once([' ', '\t', '(']).unwrap_or((content, ""));
            if content.ends_with('(') {
                verb.clone_into(&mut block);
                continue;
            }
            directive(verb, rest.trim(), remark, spot, &mut replaced, out);
        } else if content == ")" {
            block.clear();
        } else {
            let verb = block.clone();
            directive(&verb, content, remark, spot, &mut replaced, out);
        }
    }
    apply(&replaced, out);
    Ok(())
}

fn directive(
    verb: &str,
    rest: &str,
    remark: &str,
    spot: Spot,
    replaced: &mut Vec<(String, String, String, String)>,
    out: &mut Inventory,
) {
    let mut words = rest.split_whitespace().map(|word| word.trim_matches(['"', '`']));
    match verb {
        "module" => words.next().unwrap_or_default().clone_into(&mut out.project),
        "go" | "toolchain" => {
            let version = words.next().unwrap_or_default().trim_start_matches("go");
            // The standard library is a module of its own to advisories, as old as the compiler; `go 1.22` names no release.
            if verb == "toolchain" || version.matches('.').count() == 2 {
                out.packages.retain(|package| package.name != "stdlib");
                let mut package = Package::new(Ecosystem::Go, "stdlib", version, spot);
                package.direct = Some(true);
                out.packages.push(package);
            }
        }
        "require" => {
            let (Some(name), Some(version)) = (words.next(), words.next()) else { return };
            let mut package = Package::new(Ecosystem::Go, name, version, spot);
            let indirect = remark.split([';', ' ']).any(|word| word == "indirect");
            package.direct = Some(!indirect);
            package.origin = Origin::Registry(String::new());
            package.key.clone_from(&package.name);
            if !indirect {
                out.requirements.push(Requirement::new(Ecosystem::Go, name, version, spot));
            }
            out.packages.push(package);
        }
        "replace" => {
            let words: Vec<&str> = words.collect();
            let Some(arrow) = words.iter().position(|word| *word == "=>") else { return };
            let word = |at: usize| words.get(at).copied().unwrap_or_default().to_owned();
            let only = if arrow > 1 { word(1) } else { String::new() };
            replaced.push((word(0), only, word(arrow + 1), word(arrow + 2)));
        }
        _ => {}
    }
}

/// Another module, or a folder, in the place of one that is required.
fn apply(replaced: &[(String, String, String, String)], out: &mut Inventory) {
    let by_name: std::collections::HashMap<&str, &(String, String, String, String)> =
        replaced.iter().map(|it| (it.0.as_str(), it)).collect();
    for package in &mut out.packages {
        let Some((_, only, name, version)) = by_name.get(package.name.as_str()) else { continue };
        if !only.is_empty() && *only != package.version {
            continue;
        }
        if version.is_empty() {
            package.origin = Origin::Local;
            continue;
        }
        package.name.clone_from(name);
        package.version.clone_from(version);
    }
    out.packages.retain(|package| package.origin != Origin::Local);
}

pub(super) fn sums(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let mut asked = Vec::new();
    for line in source.text().lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version), Some(sum)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if sum.starts_with("h1:") {
            asked.push((name.to_owned(), version.to_owned()));
        }
    }
    out.asked = Some(asked);
    Ok(())
}
