//! Any lock file, manifest, list of components or advisory is read: packages stand inside of it, and nothing panics.
#![no_main]

use std::sync::{Arc, LazyLock};

use gabion_dependencies::{Advisories, AdvisoryBuilder, Database, DependencyScanner, Settings, Stamp};
use gabion_finding::{Scanner, Source, Tree};
use libfuzzer_sys::fuzz_target;

const ADVISORY: &[u8] = br#"{"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER",
    "events": [{"introduced": "0"}, {"fixed": "1.0.0"}]}]}]}"#;

static SCANNER: LazyLock<DependencyScanner> = LazyLock::new(|| {
    let mut builder = AdvisoryBuilder::new();
    builder.add("a.json", ADVISORY).expect("an advisory");
    let advisories = Advisories::judge(builder.build("a fuzz target", 0), 0, 14);
    DependencyScanner::new(Settings::default(), advisories).expect("its own rules")
});

/// The first byte chooses what the rest is taken for.
const NAMES: &[&str] = &[
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "package.json",
    ".npmrc",
    "poetry.lock",
    "uv.lock",
    "pylock.toml",
    "Pipfile",
    "Pipfile.lock",
    "pyproject.toml",
    "requirements.txt",
    "Cargo.lock",
    "Cargo.toml",
    "go.mod",
    "go.sum",
    "pom.xml",
    "build.gradle",
    "gradle.lockfile",
    "libs.versions.toml",
    "Gemfile",
    "Gemfile.lock",
    "composer.json",
    "composer.lock",
    "packages.lock.json",
    "a.csproj",
    "NuGet.config",
    "bom.json",
    "bom.xml",
    "a.spdx",
    "a.spdx.json",
    "a.spdx3.json",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let mut builder = AdvisoryBuilder::new();
    for name in ["a.json", "A-1.yaml", "RUSTSEC-1.md"] {
        let _ = builder.add(name, rest);
    }
    let built = builder.build("a fuzz target", 0);
    assert!(Database::read(built.bytes()).is_ok());
    let _ = Database::read(rest);
    let text = String::from_utf8_lossy(rest);
    let path = NAMES[*first as usize % NAMES.len()];
    let report = SCANNER.file(&Source::new(path, &text));
    let paths: Vec<Arc<str>> = vec![path.into()];
    let facts: Vec<(Arc<str>, Arc<[u8]>)> = vec![(path.into(), report.facts.clone().into())];
    let tree = Tree { paths: &paths, facts: &facts, uses: &[] };
    let verdict = SCANNER.tree(&tree);
    for finding in report.verdict.findings.iter().chain(&verdict.findings) {
        assert!(finding.place.span.end as usize <= text.len(), "{finding:?}");
    }
    let stamp = Stamp { time: "2026-01-31T12:00:00Z", uuid: "00000000-0000-4000-8000-000000000000", tool: "0" };
    let bom = SCANNER.bom(&tree, "a", "1");
    let _ = (bom.cyclonedx(stamp), bom.spdx2(stamp), bom.spdx3(stamp));
});
