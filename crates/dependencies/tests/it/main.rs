//! Files that the tools themselves wrote, read as a scan reads them.

#![cfg(test)]

mod versions;

use std::path::Path;
use std::sync::Arc;

use gabion_dependencies::{Advisories, AdvisoryBuilder, DependencyScanner, Settings};
use gabion_finding::{Scanner as _, Source, Tree, UnreadReason, Verdict};

/// What is known to be wrong in the files: one advisory for something direct, one for what it brings in.
fn scanner() -> DependencyScanner {
    let mut builder = AdvisoryBuilder::new();
    for (ecosystem, name) in
        [("npm", "ms"), ("npm", "left-pad"), ("npm", "wrappy"), ("PyPI", "click"), ("PyPI", "iniconfig")]
    {
        let advisory = format!(
            r#"{{"id": "X-{name}", "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}},
            "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}]}}]}}]}}"#
        );
        builder.add(&format!("{name}.json"), advisory.as_bytes()).unwrap();
    }
    let advisories = Advisories::judge(builder.build("tests", 0), 0, 14);
    DependencyScanner::new(Settings::default(), advisories).unwrap()
}

fn scan(files: &[(&str, &str)]) -> Verdict {
    let scanner = scanner();
    let mut verdict = Verdict::default();
    let paths: Vec<Arc<str>> = files.iter().map(|(path, _)| (*path).into()).collect();
    let mut facts: Vec<(Arc<str>, Arc<[u8]>)> = Vec::new();
    for (path, text) in files {
        assert!(scanner.reads(path), "{path}");
        let report = scanner.file(&Source::new(path, text));
        verdict.extend(report.verdict);
        facts.push(((*path).into(), report.facts.into()));
    }
    verdict.extend(scanner.tree(&Tree { paths: &paths, facts: &facts, uses: &[] }));
    verdict
}

fn real(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(path)).unwrap()
}

/// Rule, package, and the way to it.
fn said(verdict: &Verdict) -> Vec<String> {
    let property =
        |it: &gabion_finding::Finding, key: &str| it.properties.get(key).cloned().unwrap_or_default();
    let mut all: Vec<String> = (verdict.findings.iter())
        .map(|it| {
            format!("{} {} {}", it.rule, property(it, "package"), property(it, "path")).trim_end().to_owned()
        })
        .collect();
    all.sort();
    all
}

#[test]
fn all_package_managers_of_javascript_say_the_same() {
    let manifest = real("package.json");
    for (folder, file) in [
        ("npm-1", "package-lock.json"),
        ("npm-2", "package-lock.json"),
        ("npm-3", "package-lock.json"),
        ("yarn-1", "yarn.lock"),
        ("yarn-4", "yarn.lock"),
        ("pnpm-8", "pnpm-lock.yaml"),
        ("pnpm-9", "pnpm-lock.yaml"),
        ("bun", "bun.lock"),
    ] {
        let lock = real(&format!("{folder}/{file}"));
        let verdict = scan(&[("package.json", &manifest), (file, &lock)]);
        let mut expected = vec!["dep.known-vuln left-pad"];
        // Version 1 does not say what the project asks for; the manifest beside it does.
        expected.extend(["dep.known-vuln ms debug > ms", "dep.known-vuln wrappy once > wrappy"]);
        let mut found = said(&verdict);
        found.retain(|it| it != "dep.deprecated left-pad");
        assert_eq!(found, expected, "{folder}");
        assert_eq!(verdict.unread, [], "{folder}");
        let lines: Vec<u32> = verdict.findings.iter().map(|it| it.place.start.line).collect();
        assert!(lines.iter().all(|line| *line > 1), "{folder}");
        let development = |name: &str| {
            let found =
                verdict.findings.iter().find(|it| it.properties.get("package").is_some_and(|it| it == name));
            found.unwrap().properties.get("scope").cloned()
        };
        if !folder.starts_with("yarn-4") {
            assert_eq!(development("wrappy").as_deref(), Some("development"), "{folder}");
            assert_eq!(development("ms").as_deref(), Some("runtime"), "{folder}");
        }
    }
}

#[test]
fn all_lists_of_uv_say_the_same() {
    let manifest = real("uv/pyproject.toml");
    for file in ["uv.lock", "pylock.toml", "requirements.txt"] {
        let lock = real(&format!("uv/{file}"));
        let verdict = scan(&[("pyproject.toml", &manifest), (file, &lock)]);
        let mut found = said(&verdict);
        found.retain(|it| it != "dep.known-vuln iniconfig");
        assert_eq!(found, ["dep.known-vuln click"], "{file}: {verdict:#?}");
        assert_eq!(verdict.unread, [], "{file}");
    }
}

#[test]
fn this_very_workspace_is_in_step_with_its_lock_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (lock, manifest) = (read("Cargo.lock"), read("Cargo.toml"));
    let member = read("crates/cli/Cargo.toml");
    let verdict =
        scan(&[("Cargo.lock", &lock), ("Cargo.toml", &manifest), ("crates/cli/Cargo.toml", &member)]);
    assert_eq!(said(&verdict), Vec::<String>::new());
    // Nothing is known about crates by these advisories, and that is said.
    let [unread] = verdict.unread.as_slice() else { panic!("{:?}", verdict.unread) };
    assert_eq!(unread.reason, UnreadReason::NoVerdict);
    assert!(unread.detail.contains("crates.io"));
}
