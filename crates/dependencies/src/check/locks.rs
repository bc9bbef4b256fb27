//! Lock files: missing, or not what the manifest beside them asks for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use gabion_finding::{Ecosystem, Finding};

use crate::Version;
use crate::name;
use crate::package::{Format, Inventory, Origin, Requirement};
use crate::say::{Rules, names};
use crate::version::range::Range;

pub(crate) type Files = [(Arc<str>, Inventory)];

/// The folder of a path, without the `/` at its end; empty for the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folder itself, then each one above it.
fn above(folder: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(folder);
    std::iter::from_fn(move || {
        let now = next?;
        next = (!now.is_empty()).then(|| self::folder(now));
        Some(now)
    })
}

/// Which lock files hold what a manifest asks for.
fn locks_of(manifest: Format) -> &'static [Format] {
    match manifest {
        Format::PackageJson => &[Format::NpmLock, Format::YarnLock, Format::PnpmLock, Format::BunLock],
        Format::PyprojectToml => &[
            Format::PoetryLock,
            Format::UvLock,
            Format::PdmLock,
            Format::PylockToml,
            Format::PipfileLock,
            Format::Requirements,
        ],
        Format::Pipfile => &[Format::PipfileLock],
        Format::CargoToml => &[Format::CargoLock],
        Format::GoMod => &[Format::GoSum],
        Format::Gemfile => &[Format::Bundler],
        Format::ComposerJson => &[Format::ComposerLock],
        _ => &[],
    }
}

pub(crate) fn check(rules: &Rules, paths: &[Arc<str>], files: &Files, out: &mut Vec<Finding>) {
    let mut by_folder: HashMap<&str, Vec<&(Arc<str>, Inventory)>> = HashMap::new();
    for file in files {
        by_folder.entry(folder(&file.0)).or_default().push(file);
    }
    // Files that were too large or broken are there all the same.
    let mut present: HashSet<(&str, Format)> = HashSet::new();
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or(path);
        present.extend(Format::of(path).map(|format| (folder(path), format)));
        if name == "bun.lockb" {
            present.insert((folder(path), Format::BunLock));
        }
    }
    let source: HashSet<&str> = paths.iter().map(AsRef::as_ref).collect();
    for (path, it) in files {
        let locks = locks_of(it.format);
        if locks.is_empty() {
            continue;
        }
        let found = above(folder(path)).find(|up| locks.iter().any(|lock| present.contains(&(*up, *lock))));
        match found {
            None => missing(rules, path, it, &source, out),
            Some(up) if up == folder(path) => {
                for (_, lock) in
                    by_folder.get(up).into_iter().flatten().filter(|(_, lock)| locks.contains(&lock.format))
                {
                    step(rules, path, it, lock, out);
                }
            }
            // The lock file of a workspace stands with its root, which is held against it.
            Some(_) => {}
        }
    }
}

fn missing(rules: &Rules, path: &Arc<str>, it: &Inventory, source: &HashSet<&str>, out: &mut Vec<Finding>) {
    let fetched = |it: &&Requirement| !matches!(it.origin, Origin::Local) && !it.optional;
    let Some(first) = it.requirements.iter().find(fetched) else { return };
    let folder = folder(path);
    let beside = |name: &str| {
        if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
    };
    // Libraries leave the choice to whoever builds upon them.
    let application = match it.format {
        Format::CargoToml => it.application || source.contains(beside("src/main.rs").as_str()),
        _ => it.application,
    };
    if !application {
        return;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let message = format!("`{name}` has no lock file: each installation may take other versions");
    out.extend(rules.say("dep.no-lockfile", path, first.spot, "", message));
}

/// What the manifest asks for and the lock file does not have.
fn step(rules: &Rules, path: &Arc<str>, manifest: &Inventory, lock: &Inventory, out: &mut Vec<Finding>) {
    let mut wrong: Vec<(&Requirement, String)> = Vec::new();
    let asked: Option<BTreeMap<&str, Vec<&str>>> = lock.asked.as_ref().map(|asked| {
        let mut map: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, range) in asked {
            map.entry(name).or_default().push(range);
        }
        map
    });
    let mut locked: HashMap<&str, Vec<&str>> = HashMap::new();
    for package in &lock.packages {
        locked.entry(&package.name).or_default().push(&package.version);
    }
    for it in manifest.requirements.iter().filter(|it| it.origin != Origin::Local) {
        let reason = match lock.format {
            Format::NpmLock | Format::PnpmLock | Format::BunLock | Format::YarnLock => {
                npm(it, lock, asked.as_ref(), &locked)
            }
            Format::GoSum => {
                let has = asked.as_ref().and_then(|it_asked| it_asked.get(it.name.as_str()));
                // `replace` puts another module in its place.
                let replaced = !manifest
                    .packages
                    .iter()
                    .any(|package| package.name == it.name && package.version == it.range);
                let there = has.is_some_and(|all| {
                    all.iter().any(|version| version.trim_end_matches("/go.mod") == it.range)
                });
                (!there && !replaced).then(|| "has no checksum of it".to_owned())
            }
            Format::CargoLock => cargo(it, &locked),
            Format::PoetryLock | Format::UvLock | Format::PdmLock | Format::PipfileLock if !it.optional => {
                python(it, lock, &locked)
            }
            Format::ComposerLock | Format::Bundler => (!it.development
                && !locked.contains_key(it.name.as_str()))
            .then(|| "does not have it".to_owned()),
            _ => None,
        };
        wrong.extend(reason.map(|reason| (it, reason)));
    }
    let Some((first, reason)) = wrong.first() else { return };
    let shown: Vec<&str> = wrong.iter().map(|(it, _)| it.name.as_str()).collect();
    let message = format!("the lock file is not in step with {}: it {reason}", names(&shown));
    out.extend(rules.say("dep.lock-out-of-step", path, first.spot, "", message));
}

fn npm(
    it: &Requirement,
    lock: &Inventory,
    asked: Option<&BTreeMap<&str, Vec<&str>>>,
    locked: &HashMap<&str, Vec<&str>>,
) -> Option<String> {
    if it.optional {
        return None;
    }
    // Aliases stand under their own name in what was asked for.
    if let Some(asked) = asked {
        if let Some(ranges) = asked.get(it.name.as_str()) {
            let range = it.range.as_str();
            let same =
                ranges.iter().any(|other| *other == range || other.trim_start_matches("npm:") == range);
            // Catalogues and overrides of pnpm put another text there.
            let written = range.starts_with("catalog:")
                || ranges.iter().any(|it| it.is_empty() || it.contains("catalog:"));
            if same || written {
                return None;
            }
            let semantic = Range::npm(range)?;
            let installed = locked.get(it.name.as_str())?;
            let fits = installed
                .iter()
                .filter_map(|text| Version::read(Ecosystem::Npm, text))
                .any(|it| semantic.holds(&it));
            return (!fits).then(|| {
                format!("was made for `{}`, not `{range}`", ranges.first().copied().unwrap_or_default())
            });
        }
        let known = locked.contains_key(it.name.as_str());
        return (!known).then(|| "does not have it".to_owned());
    }
    if lock.packages.is_empty() || locked.contains_key(it.name.as_str()) {
        None
    } else {
        Some("does not have it".to_owned())
    }
}

fn cargo(it: &Requirement, locked: &HashMap<&str, Vec<&str>>) -> Option<String> {
    let Some(installed) = locked.get(it.name.as_str()) else {
        // Members of the workspace are no packages of it; a name without a version is one.
        return (!it.range.is_empty() && !it.optional).then(|| "does not have it".to_owned());
    };
    if it.range.is_empty() {
        return None;
    }
    let range = Range::cargo(&it.range)?;
    let fits =
        installed.iter().filter_map(|text| Version::read(Ecosystem::Cargo, text)).any(|it| range.holds(&it));
    (!fits).then(|| format!("has {}, not `{}`", installed.join(", "), it.range))
}

fn python(it: &Requirement, lock: &Inventory, locked: &HashMap<&str, Vec<&str>>) -> Option<String> {
    // Members of a workspace.
    let own = name::normal(Ecosystem::PyPi, &lock.project);
    let there = locked.contains_key(it.name.as_str()) || it.name == own;
    (!there && !lock.packages.is_empty()).then(|| "does not have it".to_owned())
}
