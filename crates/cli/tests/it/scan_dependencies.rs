//! `gabion scan` of packages, `gabion scan db` and `gabion scan sbom`: what there is no verdict without, from a server of our own.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpListener;

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::told;
use crate::scanned::{ends, json, scan, write};

const ADVISORY: &str = r#"{"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2021-1"], "summary": "Everybody is let in",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
  "affected": [{"package": {"ecosystem": "npm", "name": "door"}, "ecosystem_specific": {"affected_functions": ["door.open"]},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]}]}"#;

pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("begun");
        writer.write_all(text.as_bytes()).expect("written");
    }
    writer.finish().expect("an archive").into_inner()
}

/// A project that opens a door of before its repair.
fn project() -> TempDir {
    let folder = TempDir::new().expect("a temporary directory");
    let lock = r#"{"name": "it", "lockfileVersion": 3, "packages": {"": {"name": "it", "dependencies": {"door": "^1.0.0"}},
  "node_modules/door": {"version": "1.4.0", "license": "MIT",
    "resolved": "https://registry.npmjs.org/door/-/door-1.4.0.tgz", "integrity": "sha512-AAAA"}}}"#;
    write(folder.path(), "it/package-lock.json", lock);
    write(
        folder.path(),
        "it/package.json",
        r#"{"name": "it", "private": true, "dependencies": {"door": "^1.0.0"}}"#,
    );
    write(folder.path(), "it/main.js", "const door = require(\"door\");\n\ndoor.open();\n");
    folder
}

/// Serves these files until the test ends; gives its address.
pub(crate) fn serve(files: Vec<(&'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let file = files.iter().find(|(name, _)| *name == path);
            let status = if file.is_some() { "200 OK" } else { "404 Not Found" };
            let body = file.map_or(&b"nothing"[..], |(_, body)| body);
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(body);
        }
    });
    format!("http://{address}")
}

#[test]
fn without_advisories_there_is_no_verdict_and_everything_else() {
    let folder = project();
    let secret = ["sk_", "live_", "lFanagcDObwFZHbKoIFxYjzuK9"].concat();
    write(folder.path(), "it/settings.py", &format!("STRIPE = \"{secret}\"\n"));
    assert!(ends(&scan(folder.path(), &["it"]), 1).contains("stripe.secret-key"));
    let text = ends(&scan(folder.path(), &["it", "--skip", "stripe"]), 3);
    assert_eq!(text.matches("gabion scan db update").count(), 1, "{text}");
    ends(&scan(folder.path(), &["it", "--skip", "stripe,dependencies"]), 0);
    ends(&scan(folder.path(), &["it", "--skip", "stripe,dep"]), 0);
    ends(&scan(folder.path(), &["it", "--skip", "stripe", "--no-advisories"]), 0);
    ends(&scan(folder.path(), &["it/settings.py", "--skip", "stripe"]), 0);
    write(folder.path(), "data/gabion/advisories.db", "damaged");
    assert!(ends(&scan(folder.path(), &["it", "--skip", "stripe"]), 3).contains("cannot be used"));
    assert_eq!(scan(folder.path(), &["db", "info"]).status.code(), Some(1));
}

#[test]
fn advisories_are_fetched_and_say_what_is_called() {
    let folder = project();
    let epss = "#v1\ncve,epss,percentile\nCVE-2021-1,0.5,0.9\n".as_bytes().to_vec();
    let kev = br#"{"title": "x", "vulnerabilities": [{"cveID": "CVE-2021-1"}]}"#.to_vec();
    let good = archive(&[("GHSA-aaaa-bbbb-cccc.json", ADVISORY)]);
    let base = serve(vec![
        ("/npm/all.zip", good),
        ("/PyPI/all.zip", archive(&[("x.txt", "")])),
        ("/epss.csv", epss),
        ("/kev.json", kev),
    ]);
    let update = |more: &[&str]| {
        let mut arguments = vec!["db", "update", "--from", base.as_str()];
        arguments.extend(more);
        scan(folder.path(), &arguments)
    };
    let scores = [format!("{base}/epss.csv"), format!("{base}/kev.json")];
    ends(&update(&["--ecosystem", "npm", "--epss", &scores[0], "--kev", &scores[1]]), 0);
    let info = json(&scan(folder.path(), &["db", "info", "--format", "json"]), 0);
    assert_eq!(
        (&info["advisories"], &info["ecosystems"]["npm"], &info["age_days"]),
        (&1.into(), &1.into(), &0.into())
    );
    // One that lacks, or is empty, leaves what is there.
    ends(&update(&[]), 1);
    assert!(told(&update(&["--ecosystem", "PyPI"])).contains("no advisory"));
    assert_eq!(json(&scan(folder.path(), &["db", "info", "--format", "json"]), 0), info);

    let report = json(&scan(folder.path(), &["it", "--format", "json"]), 1);
    let finding = &report["findings"][0];
    assert_eq!((&finding["rule"], &finding["severity"]), (&"dep.known-vuln".into(), &"critical".into()));
    let properties = &finding["properties"];
    for (key, value) in [("reach", "called"), ("fixed", "2.0.0"), ("epss", "50.00%"), ("exploited", "true")] {
        assert_eq!(properties[key], value, "{properties}");
    }
    assert_eq!(
        (&finding["trace"][0]["place"]["path"], &finding["trace"][0]["place"]["line"]),
        (&"main.js".into(), &3.into())
    );
    let by = report["tool"]["judged_by"]["dependencies"].as_str().unwrap_or_default();
    assert!(by.contains("1 advisory") && by.contains("of today"), "{by}");
    // Another database changes the verdict, although no file changed.
    write(folder.path(), "other.json", &ADVISORY.replace("\"2.0.0\"", "\"1.3.0\""));
    ends(&scan(folder.path(), &["db", "import", "other.json"]), 0);
    ends(&scan(folder.path(), &["it"]), 0);
    assert_eq!(scan(folder.path(), &["db", "update", "--from", "http://example.org"]).status.code(), Some(2));
    assert_eq!(scan(folder.path(), &["db", "update", "--ecosystem", "nmp"]).status.code(), Some(2));
}

#[test]
fn old_advisories_give_no_whole_verdict() {
    let folder = project();
    write(folder.path(), "osv/GHSA-aaaa-bbbb-cccc.json", ADVISORY);
    ends(&scan(folder.path(), &["db", "import", "osv", "--as-of", "2020-01-31", "--source", "a copy"]), 0);
    let text = ends(&scan(folder.path(), &["db", "info"]), 1);
    assert!(text.contains("2020-01-31") && text.contains("a copy"), "{text}");
    let text = ends(&scan(folder.path(), &["it", "--fail-on", "never"]), 3);
    assert!(text.contains("dep.known-vuln") && text.contains("days old"), "{text}");
    ends(&scan(folder.path(), &["it", "--fail-on", "never", "--db-max-age", "100000"]), 0);
    // What is added does not make the rest younger.
    write(folder.path(), "more.json", &ADVISORY.replace("GHSA-aaaa-bbbb-cccc", "GHSA-dddd-eeee-ffff"));
    ends(&scan(folder.path(), &["db", "import", "more.json", "--add"]), 0);
    let info = json(&scan(folder.path(), &["db", "info", "--format", "json"]), 1);
    assert!(
        info["fetched"].as_str().unwrap_or_default().starts_with("2020-01-31") && info["advisories"] == 2,
        "{info}"
    );
    ends(&scan(folder.path(), &["db", "import", "it"]), 1);
    assert_eq!(scan(folder.path(), &["db", "import", "nowhere"]).status.code(), Some(2));
    assert_eq!(scan(folder.path(), &["db", "import", "osv", "--as-of", "soon"]).status.code(), Some(2));
}

#[test]
fn what_a_project_is_built_of_is_listed() {
    let folder = project();
    let bom = json(&scan(folder.path(), &["sbom", "it"]), 0);
    assert_eq!(
        (&bom["bomFormat"], &bom["components"][0]["purl"]),
        (&"CycloneDX".into(), &"pkg:npm/door@1.4.0".into())
    );
    let bom = json(&scan(folder.path(), &["sbom", "it", "--format", "spdx", "--release", "1.0.0"]), 0);
    assert_eq!(bom["spdxVersion"], "SPDX-2.3");
    assert!(json(&scan(folder.path(), &["sbom", "it", "--format", "spdx3"]), 0)["@graph"].is_array());
    let text = ends(&scan(folder.path(), &["sbom", "it", "--licenses"]), 0);
    assert!(text.contains("MIT 1") && text.contains("door@1.4.0"), "{text}");
    ends(&scan(folder.path(), &["sbom", "data"]), 2);
    fs::create_dir(folder.path().join("empty")).expect("made");
    ends(&scan(folder.path(), &["sbom", "empty"]), 3);
    write(folder.path(), "it/.gabion/scan.toml", "[dependencies]\ndenied_licences = [\"MIT\"]\n");
    assert!(
        ends(&scan(folder.path(), &["it", "--no-advisories", "--fail-on", "never"]), 0)
            .contains("dep.licence")
    );
    write(folder.path(), "it/.gabion/scan.toml", "[dependencies]\ndenied = [\"MIT\"]\n");
    assert!(told(&scan(folder.path(), &["it"])).contains("denied"));
}
