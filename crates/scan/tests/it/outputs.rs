//! Every form: no secret in it, nothing that moves a terminal, well formed.

use std::fs;

use gabion_scan::Report;
use gabion_scan::format::{Format, TextOptions, read_previous, text, write};
use serde_json::Value;

use crate::harness::{Project, SECRET};

const ALL: &[Format] = &[
    Format::Github,
    Format::GitlabSast,
    Format::GitlabSecrets,
    Format::Html,
    Format::Json,
    Format::Junit,
    Format::Markdown,
    Format::Sarif,
];

/// Names and lines of somebody who wants to be somewhere else.
fn hostile() -> Project {
    let line = format!(
        "eval(1); key = \"{SECRET}\" // \u{1b}[31m\u{202e}</pre><script>alert(1)</script>]]>&\u{7}\n\
         eval(\"{SECRET}\")\n\
         maybe\n"
    );
    Project::new(&[
        ("a\u{1b}[2J<b>&\"'|`](x).js", line.as_str()),
        ("dir::error file=x,line=1::y/b%0A.js", "eval(2) // gabion:allow test.eval <i>reason\u{1b}\n"),
        ("c.js", &format!("eval(3)\nkey = \"{SECRET}\"\neval(4)\n")),
    ])
}

fn everything(report: &Report) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        ALL.iter().map(|format| (format!("{format:?}"), write(report, *format, &[]))).collect();
    all.push(("Text".to_owned(), text(report, TextOptions { all: true })));
    all
}

/// Without the colours the report itself sets.
fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let end = after.find(|character: char| !character.is_ascii_digit() && character != ';').unwrap_or(0);
        assert!(after[end..].starts_with('m'), "not a colour");
        rest = &after[end + 1..];
    }
    out + rest
}

#[test]
fn no_secret_is_printed_or_kept() {
    let project = hostile();
    let report = project.report();
    assert_eq!(report.findings.len(), 6);
    for (format, text) in everything(&report) {
        assert!(!text.contains(SECRET), "{format}: {text}");
    }
    assert!(text(&report, TextOptions::default()).contains("key = \"…\""));
    assert!(!format!("{report:?}").contains(SECRET));
    let mut kept = 0;
    for entry in fs::read_dir(project.cache.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        kept += 1;
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
    assert_eq!(kept, 1);
}

#[test]
fn nothing_of_a_repository_reaches_the_terminal_or_the_page() {
    let report = hostile().report();
    for (format, text) in everything(&report) {
        let plain = strip(&text);
        assert!(!plain.contains('\u{202e}'), "{format}");
        assert!(!plain.contains('\u{7}') && !plain.contains('\u{1b}'), "{format}: {plain}");
    }
    let html = write(&report, Format::Html, &[]);
    assert!(!html.contains("<script>") && !html.contains("<b>&") && !html.contains("<i>reason"));
    let markdown = write(&report, Format::Markdown, &[]);
    assert!(!markdown.contains("](x)") && !markdown.contains("<script>"));
    for line in write(&report, Format::Github, &[]).lines() {
        let level = ["::error ", "::warning ", "::notice "].iter().any(|level| line.starts_with(level));
        assert!(level && line.matches("::").count() == 2, "{line}");
    }
    let junit = write(&report, Format::Junit, &[]);
    assert!(!junit.contains("<script>") && junit.matches("<testcase").count() == 6);
}

#[test]
fn sarif_says_what_the_report_does() {
    let report = hostile().report();
    let sarif: Value = serde_json::from_str(&write(&report, Format::Sarif, &[])).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 7);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"`|:".contains(&byte)), "{uri}");
    }
    let suppressed = results.iter().filter(|result| result.get("suppressions").is_some()).count();
    assert_eq!(suppressed, 1);
    assert!(results.iter().any(|result| result["codeFlows"][0]["threadFlows"][0]["locations"].is_array()));
    assert!(results.iter().any(|result| result["fixes"][0]["artifactChanges"].is_array()));
}

#[test]
fn a_former_report_makes_a_trend() {
    let project = Project::new(&[("a.js", "eval(1)\n")]);
    let former = read_previous(&write(&project.report(), Format::Json, &[])).unwrap();
    project.write("a.js", "eval(2)\neval(3)\n");
    let page = write(&project.report(), Format::Html, &[former]);
    assert!(page.contains("2 new, 1 gone") && page.contains("<svg"), "{page}");
    assert_eq!(page.matches(">new</span>").count(), 2);
}

#[test]
fn text_has_frames_people_read() {
    let project = Project::new(&[("src/a.js", "let a = 1\n\tlet b = eval(a) + 1\nlet c\n")]);
    let text = strip(&text(&project.report(), TextOptions::default()));
    let expected = "high[test.eval]: `eval` runs text as code\n --> src/a.js:2:10\n  |\n1 | let a = 1\n\
                    2 |     let b = eval(a) + 1\n  |             ^^^^^^^\n3 | let c\n  |\n  = 1. src/a.js:2: here it is run\n  \
                    = fix: Parse it.\n  = --fix: parse it\n\n1 finding in 1 file, 3 lines: 1 high\n  \
                    `gabion explain test.eval` tells what it is and what to do\n";
    assert_eq!(text, expected);
}
