use gabion_finding::{Confidence, Ecosystem, Finding, Span, Use};

use super::*;
use crate::advisory::{AdvisoryBuilder, Database};

pub(super) fn database(advisories: &[&str]) -> Database {
    let mut builder = AdvisoryBuilder::new();
    for (at, advisory) in advisories.iter().enumerate() {
        builder.add(&format!("{at}.json"), advisory.as_bytes()).unwrap();
    }
    builder.build("tests", 0)
}

pub(super) fn used(module: &str, ecosystem: Ecosystem, symbol: Option<&str>) -> Use {
    let place = Source::new("src/a", "x").place(Span::new(0, 1));
    Use { ecosystem, module: module.into(), symbol: symbol.map(Into::into), called: symbol.is_some(), place }
}

/// Reads files and judges the tree, as whoever runs scanners does.
pub(super) fn scan(scanner: &DependencyScanner, files: &[(&str, &str)], uses: &[Use]) -> Verdict {
    let mut files = files.to_vec();
    files.sort_unstable();
    let files: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    scanner.look(&files, uses)
}

fn ready(advisories: &[&str]) -> DependencyScanner {
    let advisories = Advisories::Ready { database: database(advisories), days: 0 };
    DependencyScanner::new(Settings::default(), advisories).unwrap()
}

fn of<'a>(verdict: &'a Verdict, rule: &str) -> Vec<&'a Finding> {
    verdict.findings.iter().filter(|it| it.rule.as_str() == rule).collect()
}

#[test]
fn every_rule_fires_on_its_vulnerable_example_and_not_on_the_repaired_one() {
    let scanner = ready(&[]);
    for (rule, own) in pack::rules().unwrap() {
        assert!(!rule.examples.is_empty() && !rule.references.is_empty(), "{}", rule.id);
        for example in &rule.examples {
            for (side, text) in [(Side::Vulnerable, &example.vulnerable), (Side::Repaired, &example.repaired)]
            {
                let source = Source::new(&example.file, text);
                let findings = scanner.example(&rule.id, side, &source).unwrap();
                let fired = findings.iter().any(|it| it.rule == rule.id);
                assert_eq!(
                    fired,
                    side == Side::Vulnerable,
                    "{} {} {side:?}: {findings:#?}",
                    rule.id,
                    example.file
                );
                for (path, text) in
                    own.beside.iter().map(|it| (&it.file, &it.text)).chain([(&example.file, text)])
                {
                    let unread = scanner.file(&Source::new(path, text)).verdict.unread;
                    assert_eq!(unread, [], "{} {path}", rule.id);
                }
            }
        }
    }
}

const FLAW: &str = r#"{"id": "GHSA-1", "summary": "Bad.", "affected": [{"package": {"ecosystem": "npm", "name": "qs"},
  "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "6.11.0"}]}]}]}"#;

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
  "": {"dependencies": {"express": "^4.0.0"}},
  "node_modules/express": {"version": "4.18.0", "dependencies": {"body-parser": "1.20.0"},
    "resolved": "https://registry.npmjs.org/express/-/express-4.18.0.tgz", "integrity": "sha512-AAAA"},
  "node_modules/body-parser": {"version": "1.20.0", "dependencies": {"qs": "6.10.3"},
    "resolved": "https://registry.npmjs.org/body-parser/-/body-parser-1.20.0.tgz", "integrity": "sha512-AAAA"},
  "node_modules/qs": {"version": "6.10.3",
    "resolved": "https://registry.npmjs.org/qs/-/qs-6.10.3.tgz", "integrity": "sha512-AAAA"}
}}"#;

#[test]
fn a_flaw_says_who_brings_it_in_and_what_repairs_it() {
    let verdict = scan(&ready(&[FLAW]), &[("package-lock.json", LOCK)], &[]);
    let [finding] = verdict.findings.as_slice() else { panic!("{verdict:#?}") };
    assert_eq!(
        finding.message,
        "`qs` 6.10.3: Bad (GHSA-1); 6.11.0 is free of all that is known; `express` brings it in"
    );
    let property = |key: &str| finding.properties.get(key).map_or("", String::as_str);
    assert_eq!(property("path"), "express > body-parser > qs");
    assert_eq!((property("upgrade"), property("direct"), property("reach")), ("6.11.0", "false", "unknown"));
    assert_eq!(property("purl"), "pkg:npm/qs@6.10.3");
    assert_eq!((finding.place.start.line, finding.place.span.of(LOCK)), (7, "\"node_modules/qs\""));
    assert_eq!(finding.confidence, Confidence::High);
    assert!(verdict.unread.is_empty());
}

#[test]
fn what_code_imports_says_how_sure_it_is_and_hides_nothing() {
    let scanner = ready(&[FLAW]);
    let reach = |uses: &[Use]| {
        let verdict = scan(&scanner, &[("package-lock.json", LOCK)], uses);
        let found = of(&verdict, "dep.known-vuln");
        (found[0].properties["reach"].clone(), found[0].confidence, found[0].trace.len())
    };
    assert_eq!(reach(&[used("qs", Ecosystem::Npm, None)]), ("imported".to_owned(), Confidence::High, 1));
    assert_eq!(reach(&[used("express", Ecosystem::Npm, None)]), ("through".to_owned(), Confidence::High, 1));
    assert_eq!(
        reach(&[used("other", Ecosystem::Npm, None)]),
        ("not_imported".to_owned(), Confidence::Medium, 0)
    );
}

#[test]
fn functions_that_an_advisory_names_are_looked_for() {
    let advisory = r#"{"id": "GO-1", "affected": [{"package": {"ecosystem": "Go", "name": "example.org/yaml"},
      "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
      "ecosystem_specific": {"imports": [{"path": "example.org/yaml", "symbols": ["Unmarshal"]}]}}]}"#;
    let scanner = ready(&[advisory]);
    let module = "module a\n\ngo 1.24\n\nrequire example.org/yaml v1.0.0\n";
    let sum = "example.org/yaml v1.0.0 h1:x=\n";
    let reach = |symbol: &str| {
        let uses = [used("example.org/yaml", Ecosystem::Go, Some(symbol))];
        let verdict = scan(&scanner, &[("go.mod", module), ("go.sum", sum)], &uses);
        let found = of(&verdict, "dep.known-vuln");
        (found[0].properties["reach"].clone(), found[0].properties["functions"].clone(), found[0].confidence)
    };
    assert_eq!(reach("Unmarshal"), ("called".to_owned(), "called".to_owned(), Confidence::High));
    assert_eq!(reach("Marshal"), ("imported".to_owned(), "not_seen".to_owned(), Confidence::Medium));
}

#[test]
fn without_advisories_there_is_no_verdict() {
    let files = [("package-lock.json", LOCK)];
    let with = |advisories| {
        let scanner = DependencyScanner::new(Settings::default(), advisories).unwrap();
        let verdict = scan(&scanner, &files, &[]);
        assert!(verdict.unread.iter().all(|it| it.reason == UnreadReason::NoVerdict));
        (
            verdict.findings.len(),
            verdict.unread.into_iter().map(|it| it.detail).collect::<Vec<_>>().join("; "),
        )
    };
    let (findings, said) = with(Advisories::Missing);
    assert!(findings == 0 && said.contains("gabion scan db update"), "{said}");
    assert!(with(Advisories::Unusable("no such form".to_owned())).1.contains("no such form"));
    let (findings, said) = with(Advisories::judge(database(&[FLAW]), 40 * 86_400, 14));
    assert!(findings == 1 && said.contains("40 days old"), "{said}");
    let other = FLAW.replace("npm", "PyPI");
    let (findings, said) = with(Advisories::judge(database(&[&other]), 0, 14));
    assert!(findings == 0 && said.contains("nothing about npm: 3 packages"), "{said}");
    assert_eq!(with(Advisories::judge(database(&[FLAW]), 0, 14)), (1, String::new()));
}

#[test]
fn a_parent_gives_versions_to_its_children() {
    let advisory = r#"{"id": "X", "affected": [{"package": {"ecosystem": "Maven", "name": "org.a:b"}, "versions": ["1.0"]}]}"#;
    let parent = "<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version><properties><b>1.0</b></properties>
      <dependencyManagement><dependencies><dependency><groupId>org.a</groupId><artifactId>b</artifactId><version>${b}</version>
      </dependency></dependencies></dependencyManagement></project>";
    let child = "<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent><artifactId>c</artifactId>
      <dependencies><dependency><groupId>org.a</groupId><artifactId>b</artifactId></dependency></dependencies></project>";
    let verdict = scan(&ready(&[advisory]), &[("pom.xml", parent), ("c/pom.xml", child)], &[]);
    let found = of(&verdict, "dep.known-vuln");
    assert_eq!(found.iter().map(|it| &*it.place.path).collect::<Vec<_>>(), ["c/pom.xml", "pom.xml"]);
}

#[test]
fn central_versions_of_nuget_are_judged_where_they_are_used() {
    let advisory = r#"{"id": "X", "affected": [{"package": {"ecosystem": "NuGet", "name": "Newtonsoft.Json"},
      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "13.0.1"}]}]}]}"#;
    let props = "<Project><ItemGroup><PackageVersion Include=\"Newtonsoft.Json\" Version=\"12.0.3\" /></ItemGroup></Project>";
    let project =
        "<Project><ItemGroup><PackageReference Include=\"Newtonsoft.Json\" /></ItemGroup></Project>";
    let verdict = scan(
        &ready(&[advisory]),
        &[("Directory.Packages.props", props), ("src/App/App.csproj", project)],
        &[],
    );
    let found = of(&verdict, "dep.known-vuln");
    assert!(found.iter().any(|it| &*it.place.path == "src/App/App.csproj"), "{verdict:#?}");
}

#[test]
fn broken_files_are_named_and_the_version_tells_settings_apart() {
    let scanner = ready(&[FLAW]);
    let verdict = scan(&scanner, &[("package-lock.json", "{\n\"packages\": {"), ("yarn.lock", "x\n")], &[]);
    let said: Vec<(UnreadReason, &str)> =
        verdict.unread.iter().map(|it| (it.reason, it.detail.as_str())).collect();
    assert_eq!(said[0].0, UnreadReason::Syntax);
    assert!(said[0].1.starts_with("line 2:"), "{said:?}");
    let other = Settings { private: vec!["@acme/".to_owned()], ..Settings::default() };
    let other = DependencyScanner::new(other, Advisories::judge(database(&[FLAW]), 0, 14)).unwrap();
    assert_ne!(scanner.version(), other.version());
    let missing = DependencyScanner::new(Settings::default(), Advisories::Missing).unwrap();
    assert_eq!(scanner.version(), missing.version());
    assert_ne!(scanner.tree_version(), missing.tree_version());
    assert_eq!(missing.judged_by(), None);
    assert_eq!(scanner.judged_by().unwrap(), "1 advisory of tests, of today");
}
