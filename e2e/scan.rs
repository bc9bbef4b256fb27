//! `gabion scan` over a repository of somebody who is not trusted, its reports and lists under the tools they are for.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::clients::{self, node, python};
use crate::gate;

/// Put together, so that no scan of this repository finds it.
fn secret() -> String {
    ["sk_", "live_", "lFanagcDObwFZHbKoIFxYjzuK9"].concat()
}

fn write(folder: &Path, path: &str, text: &str) {
    let at = folder.join(path);
    fs::create_dir_all(at.parent().expect("a folder")).expect("made");
    fs::write(at, text).expect("written");
}

async fn git(folder: &Path, arguments: &[&str]) {
    let mut command = clients::program("git");
    command
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .current_dir(folder);
    clients::run(&mut command).await;
}

async fn scan(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = gate::command(folder);
    command.arg("scan").args(arguments).output().await.expect("gabion runs")
}

#[tokio::test]
async fn reports_are_what_their_readers_expect() {
    let folder = TempDir::new().expect("a temporary directory");
    let key = format!("STRIPE_SECRET_KEY = \"{}\"\n", secret());
    write(folder.path(), "old.py", &key);
    git(folder.path(), &["init", "--quiet"]).await;
    git(folder.path(), &["add", "--all"]).await;
    git(folder.path(), &["commit", "--quiet", "--message", "one"]).await;
    write(folder.path(), "old.py", "pass\n");
    write(folder.path(), "a b/\u{fc}<'&>\u{1b}[2J.py", &key);
    let allowed = format!("KEY = \"{}\"  # gabion:allow stripe the account is closed\n", secret());
    write(folder.path(), "allowed.py", &allowed);
    write(folder.path(), "bad.py", "x = 1  # gabion:allow stripe\n");
    fs::write(folder.path().join("strange.txt"), b"na\xEFve words in latin-1, and more of them")
        .expect("written");
    let targets = ["sarif", "json", "gitlab-sast", "gitlab-secrets", "junit", "html"];
    let outputs: Vec<String> = targets.iter().map(|form| format!("{form}=report.{form}")).collect();
    let mut arguments = vec!["--history", "--no-cache"];
    arguments.extend(outputs.iter().flat_map(|output| ["--output", output]));
    let output = scan(folder.path(), &arguments).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("ada@example.org") && said.contains("old.py"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains(&secret()));
    let report = folder.path().join("report.sarif").display().to_string();
    let verdict = clients::run(&mut node("sarif_validate.mjs", &[&report])).await;
    assert!(verdict.contains("0 errors"), "{verdict}");
    // Another reader of XML: it is well formed whatever the names are.
    let junit = fs::read_to_string(folder.path().join("report.junit")).expect("a report");
    let count =
        "import sys, xml.dom.minidom as m; print(len(m.parse(sys.argv[1]).getElementsByTagName('failure')))";
    let mut parser = clients::program("python3");
    parser.args(["-c", count]).arg(folder.path().join("report.junit"));
    assert_eq!(clients::run(&mut parser).await.trim(), "3", "{junit}");
}

#[tokio::test]
async fn only_what_changed_is_told_and_no_program_is_started() {
    let folder = TempDir::new().expect("a temporary directory");
    write(folder.path(), "a.py", &format!("ONE = \"{}\"\n", secret()));
    git(folder.path(), &["init", "--quiet"]).await;
    git(folder.path(), &["add", "--all"]).await;
    git(folder.path(), &["commit", "--quiet", "--message", "one"]).await;
    let mark = folder.path().join("started");
    let configuration = fs::read_to_string(folder.path().join(".git/config")).expect("a configuration");
    let program = format!("touch {}", mark.display());
    let more = format!(
        "[core]\n\tfsmonitor = {program}\n[diff]\n\texternal = {program}\n[filter \"x\"]\n\tclean = {program}\n"
    );
    fs::write(folder.path().join(".git/config"), configuration + &more).expect("written");
    write(folder.path(), ".gitattributes", "* filter=x\n");
    assert_eq!(scan(folder.path(), &["--diff", "HEAD", "--no-cache"]).await.status.code(), Some(0));
    assert_eq!(scan(folder.path(), &["--no-cache"]).await.status.code(), Some(1));
    write(folder.path(), "b.py", &format!("TWO = \"{}\"\n", secret()));
    let output = scan(folder.path(), &["--diff", "HEAD", "--no-cache"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("a.py:1"));
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_review_names_the_guard_that_is_gone() {
    let folder = TempDir::new().expect("a temporary directory");
    let routes = |guard: &str| {
        format!(
            "const router = require('express').Router();\n{guard}router.get('/orders', list);\nmodule.exports = router;\n"
        )
    };
    write(folder.path(), "src/orders.js", &routes("router.use(requireAuth);\n"));
    write(folder.path(), "src/gone.js", "exports.isAdmin = (user) => user.role === 'admin';\n");
    write(folder.path(), "src/same.js", "exports.login = () => 1;\n");
    git(folder.path(), &["init", "--quiet"]).await;
    git(folder.path(), &["add", "--all"]).await;
    git(folder.path(), &["commit", "--quiet", "--message", "one"]).await;
    write(folder.path(), "src/orders.js", &routes(""));
    fs::remove_file(folder.path().join("src/gone.js")).expect("removed");
    write(folder.path(), "package.json", "{\"name\": \"shop\", \"private\": true}\n");

    let output =
        scan(folder.path(), &["--review", "HEAD", "--no-cache", "--fail-on", "never", "--format", "json"])
            .await;
    let review: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let state = |path: &str| {
        let files = review["files"].as_array().expect("files");
        files.iter().find(|file| file["path"] == path).map(|file| file["state"].clone())
    };
    assert_eq!(state("src/orders.js"), Some("changed".into()), "{review}");
    assert_eq!(state("src/gone.js"), Some("removed".into()));
    assert_eq!(state("package.json"), Some("new".into()));
    assert_eq!(state("src/same.js"), None);
    let guards = review["touched"].as_array().expect("subjects").iter().find(|one| one["id"] == "guards");
    let guards = guards.expect("guards are touched")["places"].as_array().expect("places");
    let gone = |path: &str| guards.iter().any(|place| place["path"] == path && place["removed"] == true);
    assert!(gone("src/orders.js") && gone("src/gone.js"), "{guards:?}");

    let output = scan(folder.path(), &["--review", "HEAD", "--no-cache", "--fail-on", "never"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("- [ ] Was a check taken out"), "{text}");
}

/// What may stand here although it is found, and why, is in `.gabion/baseline.json`.
#[tokio::test]
async fn this_repository_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root.parent().unwrap_or(root);
    let output = scan(root, &["--no-cache", "--skip", "dependencies"]).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn lists_of_components_are_what_their_readers_expect() {
    let folder = TempDir::new().expect("a temporary directory");
    let beside = TempDir::new().expect("a temporary directory");
    let lock = r#"{"name": "it", "lockfileVersion": 3, "packages": {"": {"name": "it", "dependencies": {"@a/door": "^1.0.0"}},
  "node_modules/@a/door": {"version": "1.4.0", "license": "MIT OR Apache-2.0", "dependencies": {"lock": "2.0.0-rc.1+b"},
    "resolved": "https://registry.npmjs.org/@a/door/-/door-1.4.0.tgz",
    "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="},
  "node_modules/lock": {"version": "2.0.0-rc.1+b", "license": "SEE LICENSE IN <x>", "dev": true}}}"#;
    write(folder.path(), "package-lock.json", lock);
    write(folder.path(), "api/poetry.lock", "[[package]]\nname = \"Flask\"\nversion = \"3.0.0\"\n");
    write(folder.path(), "tool/go.mod", "module x\n\ngo 1.24\n\nrequire github.com/A/b v1.2.3\n");
    write(folder.path(), "tool/go.sum", "github.com/A/b v1.2.3 h1:x=\n");
    for (form, file) in [("cyclonedx", "bom.cdx.json"), ("spdx", "bom.spdx.json"), ("spdx3", "bom3.json")] {
        let output = scan(
            folder.path(),
            &["sbom", "--format", form, "--release", "1.0.0", "--name", "an \u{fc} project"],
        )
        .await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::write(beside.path().join(file), &output.stdout).expect("written");
    }
    let at = |file: &str| beside.path().join(file).display().to_string();
    let mut validator = python("sbom_validate.py", &[&at("bom.cdx.json"), &at("bom.spdx.json")]);
    let counts = clients::run(&mut validator).await;
    // SPDX lists the project itself as a package.
    assert_eq!(counts.trim(), "4 5", "{counts}");
}
