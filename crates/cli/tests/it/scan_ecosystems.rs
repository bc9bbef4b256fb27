//! Packages of every ecosystem beside advisories that a server of our own publishes as OSV does: which versions are meant, which
//! are not, and what is withdrawn or told twice.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::scan_dependencies::{archive, serve};
use crate::scanned::{ends, json, scan, write};

/// One advisory with ranges of one package.
fn advisory(id: &str, more: &str, ecosystem: &str, package: &str, ranges: &str) -> String {
    format!(
        r#"{{"id": "{id}", {more} "summary": "Something is wrong", "severity": [{{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],
        "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{package}"}}, {ranges}}}]}}"#
    )
}

/// `introduced`, and what ends it, in the order they are written.
fn range(kind: &str, events: &[(&str, &str)]) -> String {
    let events: Vec<String> =
        events.iter().map(|(key, version)| format!(r#"{{"{key}": "{version}"}}"#)).collect();
    format!(r#""ranges": [{{"type": "{kind}", "events": [{}]}}]"#, events.join(", "))
}

/// File, its text, and the advisories that are told of it, with package and version.
fn projects() -> Vec<(&'static str, String, Vec<&'static str>)> {
    let npm = |packages: &[(&str, &str)]| {
        let entries: Vec<String> = packages
            .iter()
            .map(|(name, version)| {
                format!(
                    r#""node_modules/{name}": {{"version": "{version}", "resolved": "https://registry.npmjs.org/{name}/-/{name}-{version}.tgz", "integrity": "sha512-AAAA"}}"#
                )
            })
            .collect();
        let wanted: Vec<String> =
            packages.iter().map(|(name, version)| format!(r#""{name}": "{version}""#)).collect();
        format!(
            r#"{{"name": "it", "lockfileVersion": 3, "packages": {{"": {{"name": "it", "dependencies": {{{}}}}}, {}}}}}"#,
            wanted.join(", "),
            entries.join(", ")
        )
    };
    let crates: String = [("lexer", "0.4.9"), ("parser", "2.0.0-beta.1"), ("printer", "1.1.0")]
        .iter()
        .map(|(name, version)| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{}\"\n\n",
                "ab".repeat(32)
            )
        })
        .collect();
    let pom = |version: &str, core: &str| {
        format!(
            "<project><groupId>it</groupId><artifactId>it</artifactId><version>1</version><dependencies>\
             <dependency><groupId>org.door</groupId><artifactId>door-core</artifactId><version>{core}</version></dependency>\
             <dependency><groupId>org.door</groupId><artifactId>door-web</artifactId><version>{version}</version></dependency>\
             </dependencies></project>"
        )
    };
    vec![
        // Pre-releases stand before their release; a second range begins later.
        (
            "npm/package-lock.json",
            npm(&[("door", "2.0.0-rc.1"), ("window", "3.5.0"), ("roof", "1.0.0")]),
            vec!["GHSA-npm-door door 2.0.0-rc.1", "GHSA-npm-window window 3.5.0"],
        ),
        ("npm-fixed/package-lock.json", npm(&[("door", "2.0.0"), ("window", "2.5.0"), ("roof", "1.0.0")]), vec![]),
        // 1.10 is behind 1.9, post-releases are behind their release, names are spelled in many ways.
        (
            "python/requirements.txt",
            "Door_Lib==1.9.post1\nwindow==1!0.5\nroof==3.0\n".to_owned(),
            vec!["GHSA-twin-door door-lib 1.9.post1", "PYSEC-window window 1!0.5"],
        ),
        ("python-fixed/requirements.txt", "door-lib==1.10\nwindow==1!1.0\nroof==3.0\n".to_owned(), vec![]),
        ("rust/Cargo.lock", format!("version = 4\n\n{crates}"), vec!["RUSTSEC-lexer lexer 0.4.9", "RUSTSEC-parser parser 2.0.0-beta.1"]),
        // A pseudo-version stands before the release it is on the way to.
        (
            "go/go.mod",
            "module example.com/it\n\ngo 1.22\n\nrequire (\n\texample.com/door v1.3.0\n\texample.com/window v0.0.0-20240101000000-abcdefabcdef\n\texample.com/roof v1.4.0\n)\n".to_owned(),
            vec!["GO-door example.com/door v1.3.0", "GO-window example.com/window v0.0.0-20240101000000-abcdefabcdef"],
        ),
        (
            "go-fixed/go.mod",
            "module example.com/it\n\ngo 1.22\n\nrequire (\n\texample.com/door v1.3.1\n\texample.com/window v0.1.0\n)\n".to_owned(),
            vec![],
        ),
        // `1.0-alpha` < `1.0-rc` < `1.0` < `1.0-sp`, and `1.0.0` is `1.0`.
        ("maven/pom.xml", pom("2.0-rc1", "1.0-SP1"), vec!["GHSA-maven-core org.door:door-core 1.0-SP1", "GHSA-maven-web org.door:door-web 2.0-rc1"]),
        ("maven-fixed/pom.xml", pom("2.0.0", "1.0.1"), vec![]),
    ]
}

#[test]
fn versions_are_judged_as_each_ecosystem_orders_them() {
    let semver = |events: &[(&str, &str)]| range("SEMVER", events);
    let other = |events: &[(&str, &str)]| range("ECOSYSTEM", events);
    let json_of = |all: &[String]| -> Vec<u8> {
        let names: Vec<String> = (0..all.len()).map(|at| format!("{at}.json")).collect();
        let files: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(all.iter().map(String::as_str)).collect();
        archive(&files)
    };
    let twice = semver(&[
        ("introduced", "1.0.0"),
        ("fixed", "2.0.0"),
        ("introduced", "3.0.0"),
        ("last_affected", "3.5.0"),
    ]);
    let npm = json_of(&[
        advisory(
            "GHSA-npm-door",
            r#""aliases": ["CVE-2024-1"],"#,
            "npm",
            "door",
            &semver(&[("introduced", "0"), ("fixed", "2.0.0")]),
        ),
        advisory("GHSA-npm-window", "", "npm", "window", &twice),
        // Taken back: nothing is wrong with it.
        advisory(
            "GHSA-npm-roof",
            r#""withdrawn": "2024-01-01T00:00:00Z","#,
            "npm",
            "roof",
            &semver(&[("introduced", "0")]),
        ),
    ]);
    let python = json_of(&[
        advisory(
            "PYSEC-door",
            r#""aliases": ["CVE-2024-2", "GHSA-twin-door"],"#,
            "PyPI",
            "door-lib",
            &other(&[("introduced", "0"), ("fixed", "1.10")]),
        ),
        // The same, told by another source: one finding, under the name most know it by.
        advisory(
            "GHSA-twin-door",
            r#""aliases": ["CVE-2024-2", "PYSEC-door"],"#,
            "PyPI",
            "door-lib",
            &other(&[("introduced", "0"), ("fixed", "1.10")]),
        ),
        advisory("PYSEC-window", "", "PyPI", "window", &other(&[("introduced", "2.0"), ("fixed", "1!1.0")])),
        advisory("PYSEC-roof", "", "PyPI", "roof", r#""versions": ["2.9", "3.0.1"]"#),
    ]);
    let rust = json_of(&[
        advisory(
            "RUSTSEC-lexer",
            "",
            "crates.io",
            "lexer",
            &semver(&[("introduced", "0.0.0-0"), ("fixed", "0.4.10")]),
        ),
        advisory(
            "RUSTSEC-parser",
            "",
            "crates.io",
            "parser",
            &semver(&[("introduced", "1.0.0"), ("fixed", "2.0.0")]),
        ),
        advisory("RUSTSEC-printer", "", "crates.io", "printer", &semver(&[("introduced", "1.2.0")])),
    ]);
    let go = json_of(&[
        advisory(
            "GO-door",
            "",
            "Go",
            "example.com/door",
            &semver(&[("introduced", "0"), ("fixed", "1.3.1")]),
        ),
        advisory(
            "GO-window",
            "",
            "Go",
            "example.com/window",
            &semver(&[("introduced", "0"), ("fixed", "0.1.0")]),
        ),
        advisory(
            "GO-roof",
            "",
            "Go",
            "example.com/roof",
            &semver(&[("introduced", "1.0.0"), ("fixed", "1.4.0")]),
        ),
    ]);
    let maven = json_of(&[
        advisory(
            "GHSA-maven-core",
            "",
            "Maven",
            "org.door:door-core",
            &other(&[("introduced", "1.0"), ("fixed", "1.0.1")]),
        ),
        advisory(
            "GHSA-maven-web",
            "",
            "Maven",
            "org.door:door-web",
            &other(&[("introduced", "1.0"), ("fixed", "2.0")]),
        ),
    ]);
    let base = serve(vec![
        ("/npm/all.zip", npm),
        ("/PyPI/all.zip", python),
        ("/crates.io/all.zip", rust),
        ("/Go/all.zip", go),
        ("/Maven/all.zip", maven),
    ]);
    let folder = TempDir::new().expect("a temporary directory");
    let wanted = ["db", "update", "--from", base.as_str(), "--ecosystem", "npm,PyPI,crates.io,Go,Maven"];
    ends(&scan(folder.path(), &wanted), 0);
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text, told) in projects() {
        write(folder.path(), &format!("it/{path}"), &text);
        if !told.is_empty() {
            expected.insert(path.to_owned(), told.into_iter().map(str::to_owned).collect());
        }
    }
    let report = json(&scan(folder.path(), &["it", "--only", "dep.known-vuln", "--format", "json"]), 1);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in report["findings"].as_array().expect("findings") {
        let property = |key: &str| finding["properties"][key].as_str().unwrap_or_default();
        let path = finding["place"]["path"].as_str().unwrap_or_default().to_owned();
        let said = format!("{} {} {}", property("advisory"), property("package"), property("version"));
        found.entry(path).or_default().push(said);
    }
    found.values_mut().for_each(|said| said.sort());
    assert_eq!(found, expected);
}
