//! Files of pip: requirements and constraints (<https://pip.pypa.io/en/stable/reference/requirements-file-format/>), whose lines are
//! dependency specifiers (<https://packaging.python.org/en/latest/specifications/dependency-specifiers/>) and options.

use gabion_finding::{Ecosystem, Source};

use crate::document::{self, Malformed};
use crate::package::{Integrity, Inventory, Origin, Package, Registry, Requirement, Spot};
use crate::version::Version;

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let text = source.text();
    if text.len() > crate::bounds::FILE {
        return Err(Malformed::bound(0, "the file is larger than 32 MiB"));
    }
    let path = source.path().to_lowercase();
    let development = ["dev", "test", "lint", "doc"].iter().any(|word| {
        path.rsplit('/').next().unwrap_or_default().split(['-', '_', '.']).any(|part| part.starts_with(word))
    });
    let constraints = path.rsplit('/').next().unwrap_or_default().contains("constraints");
    let mut joined = String::new();
    let mut start = 0;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let begin = offset;
        offset += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if joined.is_empty() {
            start = begin + (line.len() - line.trim_start().len());
        }
        if let Some(more) = line.strip_suffix('\\')
            && !line.trim_start().starts_with('#')
        {
            joined.push_str(more);
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let logical = std::mem::take(&mut joined);
        let logical = comment(&logical).trim();
        if !logical.is_empty() {
            let first = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
            let shown = comment(first).trim_end().trim_end_matches('\\').trim_end().len();
            let spot = Spot::of(source, document::span(start, start + shown));
            one(logical, spot, development, constraints, out);
        }
    }
    Ok(())
}

/// Without what stands behind ` #`.
fn comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.split_once(" #").map_or(line, |(before, _)| before)
}

fn one(line: &str, spot: Spot, development: bool, constraints: bool, out: &mut Inventory) {
    if line.starts_with('-') {
        option(line, spot, out);
        return;
    }
    let (specifier, options) =
        line.split_once(" --").map_or((line, ""), |(before, options)| (before, options));
    let hashed = options.contains("hash=") || options.contains("hash ");
    let Some(mut requirement) = requirement(specifier, spot) else {
        out.gaps.push(format!("line {}: `{}` is no requirement", spot.start.line, shorten(specifier)));
        return;
    };
    requirement.development = development;
    requirement.hashed = hashed;
    if let Some(version) = exact(&requirement.range) {
        let mut package = Package::new(Ecosystem::PyPi, &requirement.name, version, spot);
        package.key.clone_from(&package.name);
        package.development = Some(development);
        package.origin = Origin::Registry(String::new());
        if hashed {
            package.integrity =
                Integrity::Present(options.split_whitespace().next().unwrap_or_default().to_owned());
        }
        out.packages.push(package);
    }
    if !constraints {
        out.requirements.push(requirement);
    }
}

fn option(line: &str, spot: Spot, out: &mut Inventory) {
    let (name, value) = line.split_once(['=', ' ', '\t']).unwrap_or((line, ""));
    let value = value.trim().trim_start_matches('=').trim().trim_matches(['"', '\'']);
    match name {
        "-r" | "--requirement" | "-c" | "--constraint" => out.refers.push(value.to_owned()),
        "-i" | "--index-url" | "--extra-index-url" => out.registries.push(Registry {
            ecosystem: Ecosystem::PyPi,
            address: value.to_owned(),
            scope: String::new(),
            mixed: name == "--extra-index-url",
            spot,
        }),
        "--trusted-host" => out.registries.push(Registry {
            ecosystem: Ecosystem::PyPi,
            // Its certificate is not verified: no better than plain HTTP.
            address: format!("http://{value}"),
            scope: String::new(),
            mixed: false,
            spot,
        }),
        "-e" | "--editable" => {
            if let Some(mut requirement) = requirement(value, spot) {
                if requirement.origin == Origin::Unknown {
                    requirement.origin = Origin::Local;
                }
                out.requirements.push(requirement);
            }
        }
        _ if line.starts_with("-r") || line.starts_with("-c") => {
            out.refers.push(line.get(2..).unwrap_or_default().trim().to_owned());
        }
        _ => {}
    }
}

/// The version of `==1.2`, alone; not of `==1.*`.
pub(crate) fn exact(range: &str) -> Option<&str> {
    let version = range.strip_prefix("===").or_else(|| range.strip_prefix("=="))?.trim();
    (!version.contains(['*', ',', '|']) && Version::read(Ecosystem::PyPi, version).is_some())
        .then_some(version)
}

/// A dependency specifier of PEP 508, or an address or a path in its place. None where it is neither.
pub(crate) fn requirement(text: &str, spot: Spot) -> Option<Requirement> {
    let text = text.trim();
    let (text, marker) = text.split_once(" ;").or_else(|| text.split_once(';')).unwrap_or((text, ""));
    let text = text.trim();
    if text.starts_with("git+") || text.starts_with("http://") || text.starts_with("https://") {
        let name = text.rsplit_once("#egg=").map_or(text, |(_, name)| name);
        let name = name.split(['&', '[']).next().unwrap_or(name);
        return Some(address(Requirement::new(Ecosystem::PyPi, name, "", spot), text));
    }
    if text.starts_with(['.', '/']) || text.starts_with("file:") {
        return Some(Requirement {
            origin: Origin::Local,
            ..Requirement::new(Ecosystem::PyPi, text, "", spot)
        });
    }
    let end =
        text.find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')));
    let (name, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    if !name.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let mut rest = rest.trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']')?.1.trim_start();
    }
    if let Some(target) = rest.strip_prefix('@') {
        return Some(address(Requirement::new(Ecosystem::PyPi, name, "", spot), target.trim()));
    }
    let range = rest.trim_start_matches('(').trim_end_matches(')').trim();
    if !range.is_empty() && !range.starts_with(['=', '<', '>', '!', '~']) {
        return None;
    }
    let mut requirement = Requirement::new(Ecosystem::PyPi, name, range, spot);
    requirement.optional = marker.contains("extra");
    Some(requirement)
}

fn address(mut requirement: Requirement, target: &str) -> Requirement {
    let place = target.split('#').next().unwrap_or(target);
    requirement.hashed = target.contains("#sha256=") || target.contains("&sha256=");
    requirement.origin = if let Some(git) = place.strip_prefix("git+") {
        let reference = git.rsplit('/').next().and_then(|last| last.rsplit_once('@')).map(|(_, it)| it);
        Origin::Git { address: git.to_owned(), pinned: reference.is_some_and(super::is_commit) }
    } else if place.starts_with("file:") || place.starts_with('.') {
        Origin::Local
    } else {
        Origin::Archive(place.to_owned())
    };
    requirement
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
