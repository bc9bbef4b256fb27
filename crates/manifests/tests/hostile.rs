//! Files made to hurt: what is read stays within its bounds, what is not is named, and nothing takes long.
#![cfg(test)]

use std::sync::{Arc, LazyLock};

use gabion_finding::{Scanner, Source, Tree, Verdict};
use gabion_manifests::Manifests;
use proptest::prelude::*;

fn scan(scanner: &Manifests, file: &str, text: &str) -> Verdict {
    let report = scanner.file(&Source::new(file, text));
    let paths: Vec<Arc<str>> = [file, "c/Chart.yaml"].map(Arc::from).to_vec();
    let facts: Vec<(Arc<str>, Arc<[u8]>)> = vec![(file.into(), report.facts.clone().into())];
    let facts = if report.facts.is_empty() { &[] } else { facts.as_slice() };
    let mut verdict = report.verdict;
    verdict.extend(scanner.tree(&Tree { paths: &paths, facts, uses: &[] }));
    verdict
}

static SCANNER: LazyLock<Manifests> = LazyLock::new(|| Manifests::new().unwrap());

const NAMES: &[&str] = &[
    "Dockerfile",
    "docker-compose.yml",
    "a.yaml",
    ".github/workflows/a.yml",
    ".gitlab-ci.yml",
    "main.tf",
    "nginx.conf",
    "Caddyfile",
    "a.sql",
    "openapi.json",
    "c/templates/a.yaml",
    ".env",
    "gabion.toml",
    ".gitignore",
];

#[test]
fn repetition_and_nesting_are_bounded() {
    let heads = [
        "",
        "apiVersion: v1\nkind: Pod\nspec: ",
        "openapi: ",
        "a = ",
        "FROM a\nRUN ",
        "{\"openapi\": ",
        "a: {{ ",
    ];
    let pieces = [
        "[",
        "{",
        "(",
        "\"",
        "'",
        "a: ",
        "- ",
        "<<E\n",
        "\\\n",
        "$(",
        "${",
        "{{",
        "{{ if a }}",
        "x {\n",
        "/*",
        "$$",
        "&a [*a, ",
        "!",
        "? ",
        "|\n",
        "\u{e4}",
        "a.",
        "a:\n ",
        "RUN a && ",
    ];
    for head in heads {
        for piece in pieces {
            let text = format!("{head}{}", piece.repeat(3_000));
            for name in NAMES {
                scan(&SCANNER, name, &text);
            }
        }
    }
}

#[test]
fn what_is_too_long_is_named() {
    let text = format!("FROM a:1\n{}", "# x\n".repeat(1 << 20));
    let verdict = scan(&SCANNER, "Dockerfile", &text);
    assert_eq!(verdict.unread[0].detail, "longer than 2 MiB");
}

#[test]
fn the_same_file_gives_the_same_findings() {
    let text = "services:\n  a: {image: b, privileged: true, ports: ['5432:5432']}\n  c: {image: d}\n";
    let once = scan(&SCANNER, "compose.yaml", text);
    assert!(once.findings.len() > 3);
    assert_eq!(once, scan(&SCANNER, "compose.yaml", text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_file_of_any_name_is_read(
        name in proptest::sample::select(NAMES),
        text in "(apiVersion: v1\nkind: Pod\n|spec:\n|  containers:\n|    - image: a\n|on: push\njobs:\n|FROM a\n|RUN |resource \"a\" \"b\" \\{\n|\\}\n|server \\{\n|listen 80;\n|CREATE TABLE a \\(tenant_id int\\);\n|GRANT ALL ON a TO public;\n|\\$\\{\\{ github.head_ref \\}\\}|openapi: 3.1.0\n|paths:\n|A_TOKEN=abcdefgh1\n|\u{fc}|\\\\\n| |\n){0,20}",
    ) {
        for finding in scan(&SCANNER, name, &text).findings {
            prop_assert!(finding.place.span.end as usize <= text.len(), "{finding:?}");
        }
    }
}
