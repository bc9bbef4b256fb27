//! Where packages come from: addresses that anybody on the way can change, repositories without a commit, lock files that point a name
//! at something else, packages from a registry that the others are not from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gabion_finding::{Ecosystem, Finding};

use super::{host, is_loopback};
use crate::package::{Format, Inventory, Origin, Package, Spot};
use crate::say::{Rules, names};
use crate::settings::Settings;

pub(crate) fn check(
    rules: &Rules,
    settings: &Settings,
    path: &Arc<str>,
    it: &Inventory,
    out: &mut Vec<Finding>,
) {
    plain(rules, path, it, out);
    repositories(rules, path, it, out);
    tampered(rules, path, it, out);
    mixed(rules, settings, path, it, out);
    for registry in it.registries.iter().filter(|registry| registry.mixed) {
        let message = format!(
            "`{}` is asked beside another registry, and the higher version wins",
            hidden(&registry.address)
        );
        out.extend(rules.say("dep.registry-confusion", path, registry.spot, &registry.address, message));
    }
}

/// An address without the name and password that may stand in it.
fn hidden(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) =
                rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
            match authority.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://…@{host}{path}"),
                None => address.to_owned(),
            }
        }
        None => address.to_owned(),
    }
}

/// One finding per host: a registry behind plain HTTP is one mistake, however many packages come from it.
fn plain(rules: &Rules, path: &Arc<str>, it: &Inventory, out: &mut Vec<Finding>) {
    let mut hosts: BTreeMap<String, (Spot, Vec<&str>)> = BTreeMap::new();
    let packages = it.packages.iter().map(|it| (&it.origin, it.spot, it.name.as_str()));
    let requirements = it.requirements.iter().map(|it| (&it.origin, it.spot, it.name.as_str()));
    for (origin, spot, name) in packages.chain(requirements) {
        let (Origin::Registry(address) | Origin::Archive(address) | Origin::Git { address, .. }) = origin
        else {
            continue;
        };
        if let Some(host) = unprotected(address) {
            hosts.entry(host).or_insert_with(|| (spot, Vec::new())).1.push(name);
        }
    }
    for registry in &it.registries {
        if let Some(host) = unprotected(&registry.address) {
            hosts.entry(host).or_insert_with(|| (registry.spot, Vec::new()));
        }
    }
    for (host, (spot, packages)) in hosts {
        let what = if packages.is_empty() {
            "packages come".to_owned()
        } else {
            format!("{} come", names(&packages))
        };
        let message = format!("{what} from `{host}` without TLS: whoever stands between changes them");
        out.extend(rules.say("dep.insecure-source", path, spot, &host, message));
    }
}

fn unprotected(address: &str) -> Option<String> {
    let address = address.trim_start_matches("git+");
    let plain = address.starts_with("http://") || address.starts_with("git://");
    // `http://repo1.maven.org/…` as the name of a namespace is no address; those of registries are.
    host(address).filter(|host| plain && !is_loopback(host))
}

fn repositories(rules: &Rules, path: &Arc<str>, it: &Inventory, out: &mut Vec<Finding>) {
    let packages = it.packages.iter().map(|it| (&it.origin, it.spot, it.name.as_str()));
    // Elsewhere a lock file beside the manifest holds the commit.
    let asked = if it.format == Format::Requirements { it.requirements.as_slice() } else { &[] };
    let requirements = asked.iter().map(|it| (&it.origin, it.spot, it.name.as_str()));
    for (origin, spot, name) in packages.chain(requirements) {
        if let Origin::Git { address, pinned: false } = origin {
            let message = format!(
                "`{name}` is built from `{}` as it is at that moment: no commit is named",
                hidden(address)
            );
            out.extend(rules.say("dep.git-unpinned", path, spot, name, message));
        }
    }
}

/// npm, yarn and pnpm take the archive from the address, and the name from the key beside it.
fn tampered(rules: &Rules, path: &Arc<str>, it: &Inventory, out: &mut Vec<Finding>) {
    if !matches!(it.format, Format::NpmLock | Format::YarnLock | Format::PnpmLock) {
        return;
    }
    for package in &it.packages {
        let Origin::Registry(address) = &package.origin else { continue };
        let Some((before, _)) = address.split_once("/-/") else { continue };
        let before = before.replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
        if before.ends_with(&format!("/{}", package.name)) {
            continue;
        }
        let shown: String = hidden(address).chars().take(120).collect();
        let message = format!("`{}` is taken from the address of another package: `{shown}`", package.name);
        out.extend(rules.say("dep.lock-tampered", path, package.spot, &package.key, message));
    }
}

/// The public registries, and what serves their archives.
const PUBLIC: &[&str] = &[
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "registry.npmmirror.com",
    "npm.jsr.io",
    "npm.pkg.github.com",
    "pypi.org",
    "files.pythonhosted.org",
    "github.com",
    "index.crates.io",
    "crates.io",
    "rubygems.org",
    "repo.maven.apache.org",
    "repo1.maven.org",
    "api.github.com",
    "codeload.github.com",
    "gitlab.com",
    "bitbucket.org",
];

pub(crate) fn is_public(host: &str) -> bool {
    PUBLIC.contains(&host)
}

fn mixed(rules: &Rules, settings: &Settings, path: &Arc<str>, it: &Inventory, out: &mut Vec<Finding>) {
    if !it.format.is_lock() {
        return;
    }
    let mut hosts: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    for package in &it.packages {
        let (Origin::Registry(address) | Origin::Archive(address)) = &package.origin else { continue };
        // A scope is bound to its registry by configuration.
        if package.ecosystem == Ecosystem::Npm && package.name.starts_with('@') {
            continue;
        }
        if let Some(host) = host(address.trim_start_matches("sparse+")) {
            hosts.entry(host).or_default().push(package);
        }
    }
    let public = hosts.keys().any(|host| is_public(host));
    let foreign: BTreeSet<&String> =
        hosts.keys().filter(|host| !is_public(host) && !settings.registries.contains(host)).collect();
    if !public && foreign.len() < 2 {
        return;
    }
    for host in foreign {
        let Some(first) = hosts.get(host).and_then(|all| all.first()) else { continue };
        let all: Vec<&str> = hosts.get(host).into_iter().flatten().map(|it| it.name.as_str()).collect();
        // A mirror that most come from is the registry of the project.
        if all.len() * 2 > it.packages.len() {
            continue;
        }
        let message = format!("{} come from `{host}`, the others from elsewhere", names(&all));
        out.extend(rules.say("dep.foreign-registry", path, first.spot, host, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_taken_out_of_addresses() {
        for (address, expected) in [
            ("https://registry.npmjs.org/a/-/a-1.tgz", Some("registry.npmjs.org")),
            ("git+ssh://git@GitHub.com/a/b.git", Some("github.com")),
            ("http://user:pass@host:8080/x", Some("host")),
            ("http://[::1]:4873/", Some("::1")),
            ("./x", None),
        ] {
            assert_eq!(host(address).as_deref(), expected, "{address}");
        }
        assert_eq!(hidden("https://user:pass@host/x"), "https://…@host/x");
        assert_eq!(unprotected("http://localhost:4873/a"), None);
        assert_eq!(unprotected("git://a.org/b").as_deref(), Some("a.org"));
    }
}
