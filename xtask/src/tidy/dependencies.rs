//! What `deny.toml` says about the lock file, by our own reading of it, so that the bans hold where
//! cargo-deny is not installed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::finding::Finding;
use super::workspace::{Package, Workspace};

const FILE: &str = "deny.toml";
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[derive(Debug, Deserialize)]
struct Deny {
    bans: Bans,
    licenses: Licenses,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences that single packages may have besides.
#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

impl Licenses {
    fn admit(&self, package: &str, license: &str) -> bool {
        let own = self.exceptions.iter().filter(|one| one.name == package).flat_map(|one| &one.allow);
        let allowed: Vec<String> = self.allow.iter().chain(own).cloned().collect();
        is_allowed(license, &allowed)
    }
}

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let Some(file) = workspace.file(FILE) else {
        return vec![Finding::new(
            FILE,
            "does not exist",
            "restore it: it says what may be in the lock file",
        )];
    };
    let deny: Deny = match toml::from_str(&file.text) {
        Ok(deny) => deny,
        Err(error) => return vec![Finding::new(FILE, error.message().to_owned(), "repair the file")],
    };
    let mut findings = Vec::new();
    let place = |package: &Package| format!("Cargo.lock: {} {}", package.name, package.version);
    for ban in &deny.bans.deny {
        let found: Vec<&Package> =
            workspace.packages.iter().filter(|package| package.name == ban.name).collect();
        if ban.deny_multiple_versions {
            let versions: Vec<&str> = found
                .iter()
                .filter(|package| package.shipped)
                .map(|package| package.version.as_str())
                .collect();
            if versions.len() > 1 {
                findings.push(Finding::new(
                    format!("Cargo.lock: {}", ban.name),
                    format!("{} versions of one stack: {}", versions.len(), versions.join(", ")),
                    "`cargo tree -i` says who brings the second; bring both to one version",
                ));
            }
        } else if let Some(package) = found.first() {
            findings.push(Finding::new(
                place(package),
                format!("is banned: {}", ban.reason),
                "`cargo tree -i` says who brings it",
            ));
        }
    }
    let mut unlicensed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &workspace.packages {
        let license = package.license.as_deref().unwrap_or("none");
        if package.shipped && !deny.licenses.admit(&package.name, license) {
            unlicensed.entry(license).or_default().push(&package.name);
        }
        if package.source.as_deref().is_some_and(|source| source != CRATES_IO) {
            findings.push(Finding::new(
                place(package),
                "does not come from crates.io",
                "depend on a published version",
            ));
        }
    }
    for (license, packages) in unlicensed {
        findings.push(Finding::new(
            format!("Cargo.lock: {}", packages.join(", ")),
            format!("the licence `{license}` is not allowed"),
            "choose another dependency, or allow the licence in deny.toml and say why in the commit",
        ));
    }
    findings
}

/// Whether an SPDX expression can be satisfied by allowed licences. `/` is the old way to write `OR`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (value, rest) = any_of(&words, allowed);
    value && rest.is_empty()
}

fn any_of<'a, 'b>(words: &'b [&'a str], allowed: &[String]) -> (bool, &'b [&'a str]) {
    let (mut value, mut rest) = all_of(words, allowed);
    while let [first, tail @ ..] = rest
        && first.eq_ignore_ascii_case("or")
    {
        let (next, after) = all_of(tail, allowed);
        value |= next;
        rest = after;
    }
    (value, rest)
}

fn all_of<'a, 'b>(words: &'b [&'a str], allowed: &[String]) -> (bool, &'b [&'a str]) {
    let (mut value, mut rest) = one(words, allowed);
    while let [first, tail @ ..] = rest
        && first.eq_ignore_ascii_case("and")
    {
        let (next, after) = one(tail, allowed);
        value &= next;
        rest = after;
    }
    (value, rest)
}

fn one<'a, 'b>(words: &'b [&'a str], allowed: &[String]) -> (bool, &'b [&'a str]) {
    match words {
        ["(", tail @ ..] => {
            let (value, rest) = any_of(tail, allowed);
            match rest {
                [")", after @ ..] => (value, after),
                _ => (false, rest),
            }
        }
        [license, with, exception, tail @ ..] if with.eq_ignore_ascii_case("with") => {
            (allowed.contains(&format!("{license} WITH {exception}")), tail)
        }
        [license, tail @ ..] => (allowed.iter().any(|allowed| allowed == license), tail),
        [] => (false, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[bans]\ndeny = [{ crate = \"ring\", reason = \"one stack\" }, \
                        { crate = \"rustls\", deny-multiple-versions = true }]\n[licenses]\nallow = [\"MIT\"]\n\
                        exceptions = [{ crate = \"css\", allow = [\"MPL-2.0\"] }]\n";

    fn package(name: &str, version: &str, license: &str) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
            license: Some(license.into()),
            source: Some(CRATES_IO.into()),
            shipped: true,
        }
    }

    fn what(packages: Vec<Package>) -> Vec<String> {
        let workspace = Workspace { packages, ..Workspace::of(&[(FILE, DENY)]) };
        check(&workspace).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn bans_second_versions_licences_and_sources_are_found() {
        assert_eq!(what(vec![package("http", "1.0.0", "MIT OR Apache-2.0")]), [""; 0]);
        assert_eq!(what(vec![package("ring", "0.17.0", "MIT")]), ["is banned: one stack"]);
        assert_eq!(
            what(vec![package("rustls", "0.22.0", "MIT"), package("rustls", "0.23.0", "MIT")]),
            ["2 versions of one stack: 0.22.0, 0.23.0"]
        );
        assert_eq!(what(vec![package("a", "1.0.0", "GPL-3.0")]), ["the licence `GPL-3.0` is not allowed"]);
        assert_eq!(what(vec![package("css", "1.0.0", "MPL-2.0")]), [""; 0]);
        assert_eq!(what(vec![package("a", "1.0.0", "MPL-2.0")]), ["the licence `MPL-2.0` is not allowed"]);
        let git =
            Package { source: Some("git+https://example.org/a".into()), ..package("a", "1.0.0", "MIT") };
        assert_eq!(what(vec![git]), ["does not come from crates.io"]);
    }

    #[test]
    fn licence_expressions_are_understood() {
        let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in ["Apache-2.0", "MIT AND GPL-3.0", "(MIT", "", "MIT GPL-3.0", "none"] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }
}
