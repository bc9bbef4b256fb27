//! What a manifest asks for: versions that are none, and names that look like others.

use std::sync::Arc;

use gabion_finding::{Ecosystem, Finding};

use super::typos;
use crate::package::{Format, Inventory, Origin, Requirement};
use crate::say::{Rules, names};
use crate::settings::Settings;
use crate::version::range::Range;

pub(crate) fn check(
    rules: &Rules,
    settings: &Settings,
    path: &Arc<str>,
    it: &Inventory,
    out: &mut Vec<Finding>,
) {
    for requirement in &it.requirements {
        if !matches!(requirement.origin, Origin::Unknown | Origin::Registry(_)) {
            continue;
        }
        if is_anything(requirement) {
            let range = if requirement.range.is_empty() { "no version" } else { &requirement.range };
            let message =
                format!("`{}` is taken in whatever version is the newest: `{range}`", requirement.name);
            out.extend(rules.say("dep.wildcard", path, requirement.spot, &requirement.name, message));
        }
        if settings.is_private(&requirement.name) {
            continue;
        }
        if let Some(meant) = typos::meant(requirement.ecosystem, &requirement.name) {
            let message =
                format!("`{}` is one slip away from `{meant}`, which everybody knows", requirement.name);
            out.extend(rules.say("dep.typosquat", path, requirement.spot, &requirement.name, message));
        }
    }
    unpinned(rules, path, it, out);
}

/// No version, as each ecosystem writes that.
fn is_anything(it: &Requirement) -> bool {
    let range = it.range.trim();
    match it.ecosystem {
        Ecosystem::Npm => {
            matches!(range, "latest" | "next") || Range::npm(range).is_some_and(|range| range.is_anything())
        }
        // A dependency without a version that comes from nowhere else is refused by Cargo.
        Ecosystem::Cargo => !range.is_empty() && Range::cargo(range).is_some_and(|range| range.is_anything()),
        Ecosystem::Composer => matches!(range, "*" | "dev-master" | "dev-main" | "@dev"),
        Ecosystem::Maven => {
            matches!(range, "LATEST" | "RELEASE" | "+" | "latest.release" | "latest.integration")
        }
        Ecosystem::NuGet => matches!(range, "*" | "*-*"),
        // No range is how most Gemfiles and manifests of Python are written; their lock files hold the version.
        Ecosystem::Go | Ecosystem::PyPi | Ecosystem::RubyGems => range == "*",
    }
}

/// One finding per file of pip: what is installed from it is not the same tomorrow.
fn unpinned(rules: &Rules, path: &Arc<str>, it: &Inventory, out: &mut Vec<Finding>) {
    let name = path.rsplit('/').next().unwrap_or(path);
    if it.format != Format::Requirements || name.ends_with(".in") || name.contains("constraints") {
        return;
    }
    let from_registry = |it: &&Requirement| matches!(it.origin, Origin::Unknown | Origin::Registry(_));
    let exact = |it: &&Requirement| crate::lock::exact(&it.range).is_some() || it.hashed;
    let all: Vec<&Requirement> = it.requirements.iter().filter(from_registry).collect();
    let open: Vec<&&Requirement> = all.iter().filter(|it| !exact(it)).collect();
    let Some(first) = open.first() else { return };
    // A file of constraints may hold the versions.
    if it.refers.iter().any(|it| it.contains("constraint")) {
        return;
    }
    let shown: Vec<&str> = open.iter().map(|it| it.name.as_str()).collect();
    let message =
        format!("{} of {} requirements name no exact version: {}", open.len(), all.len(), names(&shown));
    out.extend(rules.say("dep.unpinned", path, first.spot, "", message));
}
