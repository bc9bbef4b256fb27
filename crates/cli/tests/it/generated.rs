//! What is generated from the program and committed is what the program prints.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::harness::succeed;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn the_committed_schema_and_reference_are_current() {
    let directory = TempDir::new().expect("a temporary directory");
    for (path, arguments) in [
        ("schema/gabion.schema.json", ["config", "schema"].as_slice()),
        ("schema/identity.schema.json", &["identity", "schema"]),
        ("schema/rules.schema.json", &["rules", "schema"]),
        ("schema/scan.schema.json", &["rules", "report-schema"]),
        ("schema/probe.schema.json", &["probe", "report-schema"]),
        ("schema/probe-test.schema.json", &["probe", "tests", "schema"]),
        ("schema/endpoints.schema.json", &["rules", "endpoints-schema"]),
        ("docs/cli.md", &["reference"]),
    ] {
        let printed = succeed(directory.path(), arguments);
        let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(committed == printed, "`{path}` is stale: `cargo xtask codegen` writes it");
    }
}

#[test]
fn every_example_is_a_right_configuration() {
    let examples = root().join("examples");
    let mut count = 0;
    for path in crate::harness::files(&examples)
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "toml") && !path.ends_with("Cargo.toml"))
    {
        let folder = path.parent().expect("a folder");
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let own = tempfile::tempdir().expect("a folder");
        for file in crate::harness::files(folder) {
            let to = own.path().join(file.strip_prefix(folder).expect("below it"));
            fs::create_dir_all(to.parent().expect("a folder")).expect("made");
            fs::copy(&file, to).expect("copied");
        }
        // The secret of the shop's payment provider is not in the repository.
        fs::write(own.path().join("payments.secret"), "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0")
            .expect("written");
        succeed(own.path(), &["config", "check", name]);
        count += 1;
    }
    assert!(count >= 3, "only {count} examples");
}
