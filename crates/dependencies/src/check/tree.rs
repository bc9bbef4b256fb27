//! What only the whole tree shows: names of ours that come from elsewhere, updates nobody proposes, packages nobody imports.

use std::collections::HashMap;
use std::sync::Arc;

use gabion_finding::{Ecosystem, Finding, Tree};

use super::locks::Files;
use super::{host, origins};
use crate::package::{Format, Inventory, Origin};
use crate::reach::{Reach, Uses};
use crate::say::Rules;
use crate::settings::Settings;

pub(crate) fn check(
    rules: &Rules,
    settings: &Settings,
    tree: &Tree<'_>,
    files: &Files,
    uses: &Uses<'_>,
    out: &mut Vec<Finding>,
) {
    scopes(rules, settings, files, out);
    updates(rules, tree, files, out);
    for (path, it) in files.iter().filter(|(_, it)| it.format == Format::PackageJson) {
        unused(rules, path, it, uses, out);
    }
}

/// A scope that `.npmrc` binds to a registry, or a name that settings call ours, taken from a public one.
fn scopes(rules: &Rules, settings: &Settings, files: &Files, out: &mut Vec<Finding>) {
    let mut bound: HashMap<&str, String> = HashMap::new();
    for registry in files.iter().flat_map(|(_, it)| &it.registries).filter(|it| it.scope.starts_with('@')) {
        let own = host(&registry.address).filter(|host| !origins::is_public(host));
        bound.extend(own.map(|host| (registry.scope.as_str(), host)));
    }
    for (path, it) in files.iter().filter(|(_, it)| it.format.is_lock()) {
        for package in &it.packages {
            let Origin::Registry(address) = &package.origin else { continue };
            let from = host(address);
            let scope = package.name.split('/').next().unwrap_or_default();
            let ours = settings.is_private(&package.name) || bound.contains_key(scope);
            if let Some(from) = from.filter(|from| ours && origins::is_public(from)) {
                let message =
                    format!("`{}` is ours, and comes from the public registry `{from}`", package.name);
                out.extend(rules.say("dep.private-name-public", path, package.spot, &package.key, message));
            }
        }
    }
}

/// Files that make something propose updates.
const PROPOSERS: &[&str] = &[
    ".github/dependabot.yml",
    ".github/dependabot.yaml",
    "renovate.json",
    "renovate.json5",
    ".renovaterc",
    ".renovaterc.json",
    ".github/renovate.json",
    ".github/renovate.json5",
    ".gitlab/renovate.json",
    ".gitlab/renovate.json5",
    ".mend/config.json",
];

fn updates(rules: &Rules, tree: &Tree<'_>, files: &Files, out: &mut Vec<Finding>) {
    let hosted = tree.paths.iter().any(|path| path.starts_with(".github/") || **path == *".gitlab-ci.yml");
    let proposed = tree.paths.iter().any(|path| PROPOSERS.contains(&path.as_ref()));
    let first = files.iter().find(|(_, it)| it.format.is_lock() || it.format == Format::GoMod);
    if let (true, false, Some((path, it))) = (hosted, proposed, first) {
        let message =
            "nothing proposes updates of dependencies: a known flaw stays until somebody looks".to_owned();
        out.extend(rules.say("dep.dependabot-missing", path, it.head, "", message));
    }
}

/// Ends and beginnings of names that are used by configuration, by a command, or by the compiler.
fn is_tool(name: &str) -> bool {
    name.starts_with("@types/")
        || [
            "cli", "loader", "plugin", "preset", "config", "polyfill", "eslint", "babel", "webpack", "font",
            "icon", "css",
        ]
        .iter()
        .any(|word| name.contains(word))
        || [
            "typescript",
            "react-dom",
            "next",
            "sharp",
            "pg",
            "mysql2",
            "core-js",
            "tslib",
            "prisma",
            "nodemon",
            "pm2",
        ]
        .contains(&name)
}

fn unused(rules: &Rules, path: &Arc<str>, it: &Inventory, uses: &Uses<'_>, out: &mut Vec<Finding>) {
    // In a workspace the code that imports may stand anywhere; a manifest that nothing is imported under is not judged.
    if !uses.has(Ecosystem::Npm) || !it.refers.is_empty() {
        return;
    }
    let runtime: Vec<_> = it
        .requirements
        .iter()
        .filter(|it| !it.development && !it.optional && it.origin != Origin::Local)
        .collect();
    let idle: Vec<_> = runtime
        .iter()
        .filter(|it| !is_tool(&it.name) && uses.reach(it.ecosystem, &it.name, &[]) == Reach::Not)
        .collect();
    // Where most are not seen, the code was not.
    if idle.len() * 2 > runtime.len() && runtime.len() > 1 {
        return;
    }
    for it in idle {
        let message = format!("no file imports `{}`", it.name);
        out.extend(rules.say("dep.unused", path, it.spot, &it.name, message));
    }
}
