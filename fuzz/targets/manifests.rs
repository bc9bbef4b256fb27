//! Any file of configuration is read: findings stand inside of it, what was not read is named, and nothing panics.
#![no_main]

use std::sync::{Arc, LazyLock};

use gabion_finding::{Scanner, Source, Tree};
use gabion_manifests::Manifests;
use libfuzzer_sys::fuzz_target;

static SCANNER: LazyLock<Manifests> = LazyLock::new(|| Manifests::new().expect("its own rules"));

/// The first byte chooses what the rest is taken for.
const NAMES: &[&str] = &[
    "Dockerfile",
    "docker-compose.yml",
    "deploy/a.yaml",
    ".github/workflows/a.yml",
    ".gitlab-ci.yml",
    "main.tf",
    "nginx.conf",
    "Caddyfile",
    "a.sql",
    "openapi.json",
    "chart/templates/a.yaml",
    ".env",
    "gabion.toml",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let path = NAMES[*first as usize % NAMES.len()];
    let source = Source::new(path, &text);
    let report = SCANNER.file(&source);
    let paths: Vec<Arc<str>> = [path, "chart/Chart.yaml"].map(Arc::from).to_vec();
    let facts: Vec<(Arc<str>, Arc<[u8]>)> = vec![(path.into(), report.facts.clone().into())];
    let facts = if report.facts.is_empty() { &[] } else { facts.as_slice() };
    let verdict = SCANNER.tree(&Tree { paths: &paths, facts, uses: &[] });
    for finding in report.verdict.findings.iter().chain(&verdict.findings) {
        assert!(finding.place.span.end as usize <= text.len(), "{finding:?}");
    }
});
