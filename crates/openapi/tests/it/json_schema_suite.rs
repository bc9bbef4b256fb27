//! The JSON-Schema-Test-Suite, 2020-12 and draft 4. What is judged otherwise than the suite says stands, with its
//! reason, in `conformance/json-schema/expected-failures.toml`; only optional tests may stand there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_openapi::json::{self, Bounds, Document, Value};
use gabion_openapi::schema::{Draft, Options, Program, Registry, Root};
use serde::Deserialize;

#[derive(Deserialize)]
struct Exclusions {
    exclusion: Vec<Exclusion>,
}

#[derive(Deserialize)]
struct Exclusion {
    file: String,
    /// `group / test`.
    cases: Vec<String>,
    reason: String,
}

#[expect(clippy::disallowed_methods, reason = "where the test data lies is the environment's to say")]
fn data() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared =
        std::env::var_os("GABION_SHARED").map_or_else(|| root.join("../../../shared"), PathBuf::from);
    let data = shared.join("data/json-schema");
    if data.is_dir() {
        return Some(data);
    }
    println!("skipped: JSON-Schema-Test-Suite: no test data");
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> Value {
    json::parse(&std::fs::read(path).unwrap(), &Bounds::file()).unwrap()
}

/// The suite's server: documents at `http://localhost:1234/`, those of other drafts left out.
fn remotes(data: &Path, draft: &str) -> Registry {
    let folder = data.join("remotes");
    let mut registry = Registry::new();
    for path in files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        if !name.starts_with(draft) && (name.starts_with("draft") || name.starts_with("v1")) {
            continue;
        }
        registry.add(&format!("http://localhost:1234/{name}"), Arc::new(read(&path)), Root::Schema);
    }
    registry
}

fn excluded(draft: &str) -> BTreeMap<(String, String), String> {
    let list =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/json-schema/expected-failures.toml");
    let list: Exclusions = toml::from_str(&std::fs::read_to_string(list).unwrap()).unwrap();
    let mut excluded = BTreeMap::new();
    for row in list.exclusion {
        assert!(row.file.contains("/optional/"), "{}: required tests have no exceptions", row.file);
        assert!(row.reason.len() > 20, "{}: a reason is a sentence", row.file);
        if row.file.starts_with(draft) {
            for case in row.cases {
                assert!(excluded.insert((row.file.clone(), case), row.reason.clone()).is_none());
            }
        }
    }
    excluded
}

/// Whether each instance is valid; `Err` where the schema is not compiled.
fn judge(
    registry: &Registry,
    options: &Options,
    schema: &Value,
    instances: &[&Value],
) -> Vec<Result<bool, String>> {
    let mut registry = registry.clone();
    registry.add("suite.json", Arc::new(schema.clone()), Root::Schema);
    match Program::compile(&registry, "suite.json", options) {
        Ok(program) => instances
            .iter()
            .map(|instance| {
                let text = instance.to_string();
                let document = Document::parse(text.as_bytes(), &Bounds::default()).unwrap();
                let verdict = program.validate(&document);
                // A tree and its text are one document.
                assert_eq!(program.validate_value(instance).is_ok(), verdict.is_ok());
                Ok(verdict.is_ok())
            })
            .collect(),
        Err(errors) => instances.iter().map(|_| Err(errors.first().unwrap().to_string())).collect(),
    }
}

fn run(folder: &str, draft: Draft, total: usize) {
    let Some(data) = data() else { return };
    let registry = remotes(&data, folder);
    let mut excluded = excluded(folder);
    let (mut judged, mut wrong) = (0, Vec::new());
    for path in files(&data.join("tests").join(folder)) {
        let file = path.strip_prefix(data.join("tests")).unwrap().to_str().unwrap().to_owned();
        let mut options = Options::plain(draft);
        options.formats = file.contains("/format/");
        for group in read(&path).as_array().unwrap() {
            let tests = group.get("tests").unwrap().as_array().unwrap();
            let instances: Vec<&Value> = tests.iter().map(|test| test.get("data").unwrap()).collect();
            let verdicts = judge(&registry, &options, group.get("schema").unwrap(), &instances);
            for (test, verdict) in tests.iter().zip(verdicts) {
                judged += 1;
                let text = |value: &Value| value.get("description").unwrap().as_str().unwrap().to_owned();
                let case = format!("{} / {}", text(group), text(test));
                let expected = test.get("valid").unwrap().as_bool().unwrap();
                let differs = verdict != Ok(expected);
                let known = excluded.remove(&(file.clone(), case.clone())).is_some();
                if differs != known {
                    wrong.push(format!(
                        "{file}: {case}: expected {expected}, got {verdict:?}, excluded {known}"
                    ));
                }
            }
        }
    }
    wrong.extend(excluded.keys().map(|(file, case)| format!("{file}: no such case: {case}")));
    assert!(wrong.is_empty(), "{} of {judged}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(judged, total, "the suite has that many tests");
}

#[test]
fn json_schema_2020_12() {
    run("draft2020-12", Draft::Draft202012, 2225);
}

#[test]
fn json_schema_draft_4() {
    run("draft4", Draft::Draft4, 937);
}
