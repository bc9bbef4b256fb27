use proptest::prelude::*;

use super::*;

const LODASH: &str = r#"{
  "id": "GHSA-35jh-r3h4-6jhm", "summary": "Command Injection in lodash", "aliases": ["CVE-2021-23337"],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"}],
  "affected": [{"package": {"ecosystem": "npm", "name": "lodash"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "4.17.21"}]}]}],
  "references": [{"type": "WEB", "url": "https://example.org/a"}],
  "database_specific": {"cwe_ids": ["CWE-77", "CWE-94"], "severity": "HIGH", "kev": true, "epss": {"percentage": 0.0412}}
}"#;

const CVE: &str = r#"{
  "id": "CVE-2021-23337", "details": "Text.",
  "affected": [{"package": {"ecosystem": "npm", "name": "lodash"}, "versions": ["4.17.19", "4.17.20"]}]
}"#;

fn database(files: &[(&str, &str)]) -> Database {
    let mut builder = AdvisoryBuilder::new();
    for (name, text) in files {
        builder.add(name, text.as_bytes()).unwrap();
    }
    builder.build("tests", 1_700_000_000)
}

fn names(database: &Database, ecosystem: Ecosystem, name: &str, version: &str) -> Vec<String> {
    hits(database, ecosystem, name, version).hits.into_iter().map(|hit| hit.names.join(" ")).collect()
}

fn ranged(ecosystem: &str, events: &str) -> Database {
    let text = format!(
        r#"{{"id": "X-1", "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "a"}},
        "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}]}}]}}"#
    );
    database(&[("x.json", &text)])
}

#[test]
fn two_advisories_of_one_flaw_are_one_finding() {
    let database = database(&[("a.json", LODASH), ("b.json", CVE)]);
    let found = hits(&database, Ecosystem::Npm, "lodash", "4.17.20");
    assert_eq!(found.hits.len(), 1);
    let hit = &found.hits[0];
    assert_eq!(hit.names, ["GHSA-35jh-r3h4-6jhm", "CVE-2021-23337"]);
    assert_eq!((hit.fixed.as_deref(), found.upgrade.as_deref()), (Some("4.17.21"), Some("4.17.21")));
    assert_eq!((hit.advisory.severity, hit.advisory.score.get(..3)), (Severity::High, Some("7.2")));
    assert!(hit.advisory.exploited);
    assert_eq!((hit.advisory.epss, &hit.advisory.cwe[..]), (Some(412), &[77, 94][..]));
    assert!(hits(&database, Ecosystem::Npm, "lodash", "4.17.21").hits.is_empty());
    assert!(hits(&database, Ecosystem::Npm, "lodash-es", "4.17.20").hits.is_empty());
    assert!(hits(&database, Ecosystem::PyPi, "lodash", "4.17.20").hits.is_empty());
}

#[test]
fn ranges_begin_and_end_where_the_schema_says() {
    let fixed = ranged(
        "npm",
        r#"{"introduced": "1.0.0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}"#,
    );
    for (version, hit) in [
        ("0.9.0", false),
        ("1.0.0", true),
        ("1.1.9", true),
        ("1.2.0", false),
        ("2.0.5", true),
        ("2.1.0", false),
    ] {
        assert_eq!(!names(&fixed, Ecosystem::Npm, "a", version).is_empty(), hit, "{version}");
    }
    assert!(names(&fixed, Ecosystem::Npm, "a", "1.0.0-rc.1").is_empty());
    let last = ranged("Maven", r#"{"introduced": "0"}, {"last_affected": "2.14.1"}"#);
    assert!(names(&last, Ecosystem::Maven, "a", "2.14.1").len() == 1);
    assert!(names(&last, Ecosystem::Maven, "a", "2.14.2").is_empty());
    let open = ranged("PyPI", r#"{"introduced": "1!0"}"#);
    assert!(names(&open, Ecosystem::PyPi, "a", "1!0.post1").len() == 1);
    assert!(names(&open, Ecosystem::PyPi, "a", "99").is_empty());
    // The order in which they stand does not matter.
    let mixed = ranged("Go", r#"{"fixed": "1.5.0"}, {"introduced": "0"}"#);
    assert!(names(&mixed, Ecosystem::Go, "a", "v1.4.9").len() == 1);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let database = ranged("npm", r#"{"introduced": "0"}, {"fixed": "1.0.0"}"#);
    let found = hits(&database, Ecosystem::Npm, "a", "git+ssh://x");
    assert!(found.undecided && found.hits.is_empty());
    let wrong = ranged("npm", r#"{"introduced": "a b"}, {"fixed": "1.0.0"}"#);
    assert!(hits(&wrong, Ecosystem::Npm, "a", "2.0.0").hits[0].uncertain);
    let withdrawn = LODASH.replacen("\"summary\"", "\"withdrawn\": \"2022-01-01T00:00:00Z\", \"summary\"", 1);
    assert!(self::database(&[("a.json", &withdrawn)]).of(Ecosystem::Npm, "lodash").is_empty());
}

#[test]
fn the_upgrade_is_free_of_everything_known() {
    let one = r#"{"id": "A", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER",
        "events": [{"introduced": "0"}, {"fixed": "1.1.0"}]}]}]}"#;
    let two = r#"{"id": "B", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER",
        "events": [{"introduced": "1.0.0"}, {"fixed": "1.2.0-rc.1"}, {"fixed": "1.3.0"}]}]}]}"#;
    let three = r#"{"id": "C", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.3.0"],
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.3.0"}, {"fixed": "1.3.1"}]}]}]}"#;
    let database = database(&[("a.json", one), ("b.json", two), ("c.json", three)]);
    let found = hits(&database, Ecosystem::Npm, "a", "1.0.5");
    assert_eq!(found.hits.len(), 2);
    // 1.1.0 has B, 1.3.0 has C; 1.2.0-rc.1 is free, and no release.
    assert_eq!(found.upgrade.as_deref(), Some("1.3.1"));
    assert_eq!(found.hits[1].fixed.as_deref(), Some("1.3.0"));
}

const RUSTSEC: &str = r#"```toml
[advisory]
id = "RUSTSEC-2020-0071"
package = "time"
date = "2020-11-18"
url = "https://example.org"
categories = ["memory-corruption"]
cvss = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H"
aliases = ["CVE-2020-26235"]

[affected.functions]
"time::at" = ["^0.1"]
"time::at_utc" = ["^0.1"]

[versions]
patched = [">= 0.2.23"]
unaffected = ["=0.2.0", "< 0.1.10"]
```

# Potential segfault in the time crate

### Impact
"#;

#[test]
fn rustsec_names_what_is_whole() {
    let database = database(&[("crates/time/RUSTSEC-2020-0071.md", RUSTSEC)]);
    for (version, hit) in [
        ("0.1.9", false),
        ("0.1.10", true),
        ("0.1.43", true),
        ("0.2.0", false),
        ("0.2.22", true),
        ("0.2.23", false),
    ] {
        let found = hits(&database, Ecosystem::Cargo, "time", version);
        assert_eq!(!found.hits.is_empty(), hit, "{version}");
    }
    let found = hits(&database, Ecosystem::Cargo, "time", "0.1.43");
    assert_eq!(found.hits[0].advisory.symbols, ["time at", "time at_utc"]);
    assert_eq!(found.hits[0].advisory.summary, "Potential segfault in the time crate");
    assert_eq!(found.hits[0].advisory.severity, Severity::Medium);
    // Never affected, so that it is the smallest step.
    assert_eq!(found.upgrade.as_deref(), Some("0.2.0"));
}

#[test]
fn rustsec_knows_crates_nobody_cares_for_and_several_lines_of_releases() {
    let text = RUSTSEC.replace("categories = [\"memory-corruption\"]", "informational = \"unmaintained\"");
    let none = text
        .replace("patched = [\">= 0.2.23\"]", "patched = []")
        .replace("unaffected = [\"=0.2.0\", \"< 0.1.10\"]", "");
    let old = database(&[("RUSTSEC-2020-0071.md", &none)]);
    let found = hits(&old, Ecosystem::Cargo, "time", "99.0.0");
    assert_eq!(found.hits[0].advisory.kind, Kind::Unmaintained);
    let lines = RUSTSEC.replace("[\">= 0.2.23\"]", "[\"^0.1.44\", \">= 0.2.23, < 0.3.0\", \">=0.3.5\"]");
    let database = database(&[("RUSTSEC-2020-0071.md", &lines)]);
    for (version, hit) in
        [("0.1.43", true), ("0.1.44", false), ("0.2.1", true), ("0.2.30", false), ("0.3.0", true)]
    {
        assert_eq!(names(&database, Ecosystem::Cargo, "time", version).len() == 1, hit, "{version}");
    }
}

const PYPA: &str = "id: PYSEC-2021-98
details: Django does something.
affected:
- package:
    name: Django
    ecosystem: PyPI
    purl: pkg:pypi/django
  ranges:
  - type: GIT
    repo: https://github.com/django/django
    events:
    - introduced: '0'
    - fixed: 9f75e2e562fa0c0482f3dde6fc7399a9070b4a3d
  - type: ECOSYSTEM
    events:
    - introduced: '2.2'
    - fixed: 2.2.24
    - introduced: '3.0'
    - fixed: 3.1.12
  versions:
  - '2.2'
  - 2.2.1
aliases:
- CVE-2021-33203
";

#[test]
fn pypa_writes_osv_in_yaml() {
    let database = database(&[("vulns/django/PYSEC-2021-98.yaml", PYPA)]);
    assert_eq!(names(&database, Ecosystem::PyPi, "django", "2.2.23"), ["PYSEC-2021-98 CVE-2021-33203"]);
    assert!(names(&database, Ecosystem::PyPi, "django", "2.2.24").is_empty());
    assert!(names(&database, Ecosystem::PyPi, "django", "2.2.0").len() == 1);
}

#[test]
fn go_names_packages_and_symbols_and_malware_is_malware() {
    let text = r#"{"id": "GO-2022-0001", "affected": [{"package": {"ecosystem": "Go", "name": "github.com/a/b"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
        "ecosystem_specific": {"imports": [{"path": "github.com/a/b/c", "symbols": ["Parse", "T.Read"]}]}}]}"#;
    let malware = r#"{"id": "MAL-2024-1", "affected": [{"package": {"ecosystem": "npm", "name": "evil"}, "versions": ["1.0.0"]}]}"#;
    let database = database(&[("a.json", text), ("b.json", malware)]);
    let found = hits(&database, Ecosystem::Go, "github.com/a/b", "v1.0.0");
    assert_eq!(found.hits[0].advisory.symbols, ["github.com/a/b/c Parse", "github.com/a/b/c T.Read"]);
    let found = hits(&database, Ecosystem::Npm, "evil", "1.0.0");
    assert_eq!(
        (found.hits[0].advisory.kind, found.hits[0].advisory.severity),
        (Kind::Malicious, Severity::Critical)
    );
}

#[test]
fn a_database_is_read_as_it_is_written_and_not_when_it_was_changed() {
    let built =
        database(&[("a.json", LODASH), ("b.json", CVE), ("c.yaml-", ""), ("PYSEC-2021-98.yaml", PYPA)]);
    let read = Database::read(built.bytes()).unwrap();
    assert_eq!((read.fetched(), read.source(), read.advisories()), (1_700_000_000, "tests", 3));
    assert_eq!(read.covered(), [(Ecosystem::Npm, 2), (Ecosystem::PyPi, 1)]);
    assert!(read.covers(Ecosystem::Npm) && !read.covers(Ecosystem::Go));
    assert_eq!(read.of(Ecosystem::Npm, "lodash"), built.of(Ecosystem::Npm, "lodash"));
    assert_eq!(read.checksum().len(), 16);
    assert_eq!(Database::read(&b"GABADV"[..]).unwrap_err(), DatabaseError::Form);
    for at in 0..built.bytes().len() {
        let mut changed = built.bytes().to_vec();
        changed[at] ^= 1;
        assert!(Database::read(changed).is_err(), "{at}");
        assert!(Database::read(&built.bytes()[..at]).is_err(), "{at}");
    }
}

#[test]
fn age_is_counted_in_days_and_the_future_is_old() {
    let database = database(&[("a.json", LODASH)]);
    assert_eq!(database.age_days(1_700_000_000 + 3 * 86_400 - 1), 2);
    assert_eq!(database.age_days(1_699_999_000), 0);
    assert_eq!(database.age_days(1_600_000_000), u32::MAX);
    assert!(matches!(
        Advisories::judge(database.clone(), 1_700_086_400, 7),
        Advisories::Ready { days: 1, .. }
    ));
    let stale = Advisories::judge(database, 1_701_000_000, 7);
    assert!(matches!(stale, Advisories::Stale { days: 11, .. }) && stale.database().is_some());
    assert!(Advisories::default().database().is_none());
}

#[test]
fn what_is_no_advisory_is_refused_by_name() {
    let mut builder = AdvisoryBuilder::new();
    for name in ["README.md", "LICENSE", "a.zip", "config.yaml"] {
        assert_eq!(builder.add(name, b"\xff"), Ok(0), "{name}");
    }
    for (name, bytes) in
        [("a.json", &b"\xff"[..]), ("b.json", b"{}"), ("RUSTSEC-2020-0001.md", b"# x"), ("c.json", b"{")]
    {
        let error = builder.add(name, bytes).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
    assert!(builder.is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..400) {
        let _ = Database::read(bytes.clone());
        // With a right checksum, so that what is behind it is read.
        let mut body = database(&[("a.json", LODASH)]).bytes().get(40..).unwrap().to_vec();
        let at = cut.min(body.len());
        body.splice(at..(at + bytes.len().min(8)).min(body.len()), bytes.iter().copied().take(8));
        let mut all = b"GABADV\0\x01".to_vec();
        all.extend(gabion_vault::sha256_of(&[&body]));
        all.extend(body);
        if let Ok(database) = Database::read(all) {
            let _ = hits(&database, Ecosystem::Npm, "lodash", "4.17.20");
        }
    }

    #[test]
    fn no_text_makes_adding_panic(text in "[{}\\[\\]\":,a-z0-9.`\n=<>^ ]{0,200}") {
        let mut builder = AdvisoryBuilder::new();
        let _ = builder.add("a.json", text.as_bytes());
        let _ = builder.add("a-b.yaml", text.as_bytes());
        let _ = builder.add("RUSTSEC-1.md", format!("```toml\n{text}\n```\n# x").as_bytes());
        let range = text.replace(['"', '\n', '\\'], "");
        let front = RUSTSEC.replace(">= 0.2.23", &range);
        let _ = builder.add("RUSTSEC-2.md", front.as_bytes());
    }

    #[test]
    fn what_rustsec_calls_patched_is_patched(patch in 1_u64..50, version in 0_u64..60) {
        let database = database(&[("RUSTSEC-1.md", &RUSTSEC.replace("0.2.23", &format!("0.2.{patch}")))]);
        let found = !names(&database, Ecosystem::Cargo, "time", &format!("0.2.{version}")).is_empty();
        prop_assert_eq!(found, version < patch && version != 0);
    }
}

#[test]
fn scores_of_others_come_in_any_order_and_upon_what_is_there() {
    let epss =
        "#model_version:v2025\ncve,epss,percentile\nCVE-2021-23337,0.4242,0.97\nCVE-1,x,y\nnone,0.1,0.1\n";
    let kev =
        r#"{"title": "CISA Catalog", "vulnerabilities": [{"cveID": "CVE-2021-23337"}, {"cveID": "x"}]}"#;
    let plain = LODASH.replace(r#", "kev": true, "epss": {"percentage": 0.0412}"#, "");
    let first = database(&[("a.json", &plain)]);
    let found = |database: &Database| {
        let hit = hits(database, Ecosystem::Npm, "lodash", "4.17.20").hits.remove(0);
        (hit.advisory.epss, hit.advisory.exploited)
    };
    assert_eq!(found(&first), (None, false));
    let mut builder = AdvisoryBuilder::upon(&first).unwrap();
    assert_eq!(builder.add("epss_scores-current.csv", epss.as_bytes()), Ok(0));
    assert_eq!(builder.add("known_exploited_vulnerabilities.json", kev.as_bytes()), Ok(0));
    assert_eq!((builder.scored(), builder.len()), ((1, 1), 1));
    assert_eq!(found(&builder.build("tests", 0)), (Some(4242), true));
    let mut builder = AdvisoryBuilder::new();
    assert!(matches!(builder.add("a.csv", b"name,score\n"), Err(AddError::Malformed { .. })));
    let large = vec![b' '; (8 << 20) + 1];
    assert!(matches!(builder.add("a.json", &large), Err(AddError::Large { limit: 8, .. })));
    assert_eq!(AdvisoryBuilder::limit("rust-toolchain.toml"), None);
    assert!(AdvisoryBuilder::limit("crates/a/RUSTSEC-2020-0001.md").is_some());
}

#[test]
fn functions_are_read_as_each_database_names_them() {
    let with = |specific: &str| {
        let text = format!(
            r#"{{"id": "X-1", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "a"}}, "versions": ["1"],
            "ecosystem_specific": {specific}}}]}}"#
        );
        hits(&database(&[("x.json", &text)]), Ecosystem::PyPi, "a", "1").hits.remove(0).advisory.symbols
    };
    let function = r#"{"affected_functions": ["a.web.Static.read()", "", "::ffi::go", "go"]}"#;
    assert_eq!(with(function), ["a.web.Static read", "::ffi go", " go"]);
    assert_eq!(
        with(r#"{"imports": [{"attribute": "load", "modules": ["a", "a.b"]}]}"#),
        ["a load", "a.b load"]
    );
    assert_eq!(
        with(r#"{"imports": [{"path": "a/b", "symbols": ["F", "T.M"]}, {"path": "c"}]}"#),
        ["a/b F", "a/b T.M", "c "]
    );
    assert_eq!(with(r#"{"affects": {"functions": ["a::B::c"]}}"#), ["a::B c"]);
}
