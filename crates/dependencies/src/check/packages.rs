//! What a lock file says of its packages: checksums, installation programs, what authors withdrew, licences.

use std::collections::BTreeSet;
use std::sync::Arc;

use gabion_finding::Finding;

use crate::licence;
use crate::package::{Integrity, Inventory, Origin, Package};
use crate::say::{Rules, names};
use crate::settings::Settings;

pub(crate) fn check(
    rules: &Rules,
    settings: &Settings,
    path: &Arc<str>,
    it: &Inventory,
    out: &mut Vec<Finding>,
) {
    integrity(rules, path, it, out);
    let mut seen = BTreeSet::new();
    for package in &it.packages {
        // npm keeps a package in several folders.
        if !seen.insert((&package.name, &package.version)) {
            continue;
        }
        if package.script
            && !settings.trusted_scripts.contains(&package.name)
            && !is_known_script(&package.name)
        {
            let message =
                format!("`{}` {} runs a program when it is installed", package.name, package.version);
            let finding = rules.say("dep.install-script", path, package.spot, &package.name, message);
            out.extend(finding.map(|it| describe(it, package)));
        }
        if let Some(reason) = &package.deprecated {
            let reason: String = reason.chars().filter(|it| !it.is_control()).take(160).collect();
            let message = format!("`{}` {} is deprecated: {reason}", package.name, package.version);
            let what = format!("{}@{}", package.name, package.version);
            let finding = rules.say("dep.deprecated", path, package.spot, &what, message);
            out.extend(finding.map(|it| describe(it, package)));
        }
        if let Some(denied) =
            package.licence.as_deref().and_then(|it| licence::denied(it, &settings.denied_licences))
        {
            let message =
                format!("`{}` {} is under `{denied}`, which is denied", package.name, package.version);
            let what = format!("{} {denied}", package.name);
            let finding = rules.say("dep.licence", path, package.spot, &what, message);
            out.extend(finding.map(|it| describe(it, package)));
        }
    }
}

/// Name, version and address, for whoever sorts and counts.
pub(crate) fn describe(mut finding: Finding, package: &Package) -> Finding {
    let mut add = |key: &str, value: String| finding.properties.insert(key.to_owned(), value);
    add("ecosystem", package.ecosystem.as_str().to_owned());
    add("package", package.name.clone());
    add("version", package.version.clone());
    add("purl", crate::purl::write(package.ecosystem, &package.name, &package.version));
    if let Some(direct) = package.direct {
        add("direct", direct.to_string());
    }
    if let Some(development) = package.development {
        add("scope", if development { "development" } else { "runtime" }.to_owned());
    }
    finding
}

/// One finding per file: what lacks is a checksum in the file, not a property of each package.
fn integrity(rules: &Rules, path: &Arc<str>, it: &Inventory, out: &mut Vec<Finding>) {
    let without = |package: &&Package| {
        package.integrity == Integrity::Missing
            && matches!(package.origin, Origin::Registry(_) | Origin::Archive(_))
    };
    let missing: Vec<&Package> = it.packages.iter().filter(without).collect();
    let Some(first) = missing.first() else { return };
    let all: Vec<&str> = missing.iter().map(|package| package.name.as_str()).collect();
    let message = format!("{} without a checksum: a changed archive would not be noticed", names(&all));
    out.extend(rules.say("dep.integrity-missing", path, first.spot, "", message));
}

/// Packages whose program builds or fetches what their platform needs, known to everybody who uses them.
fn is_known_script(name: &str) -> bool {
    const KNOWN: &[&str] = &[
        "@parcel/watcher",
        "@prisma/client",
        "@prisma/engines",
        "@sentry/cli",
        "@swc/core",
        "argon2",
        "bcrypt",
        "better-sqlite3",
        "bufferutil",
        "canvas",
        "core-js",
        "core-js-pure",
        "cpu-features",
        "cypress",
        "electron",
        "esbuild",
        "es5-ext",
        "fsevents",
        "husky",
        "msgpackr-extract",
        "nice-napi",
        "node-sass",
        "nx",
        "playwright",
        "prisma",
        "protobufjs",
        "puppeteer",
        "re2",
        "sharp",
        "sqlite3",
        "ssh2",
        "unrs-resolver",
        "utf-8-validate",
        "vue-demi",
    ];
    KNOWN.contains(&name)
}
