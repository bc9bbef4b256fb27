//! The ten tests that every release needs stand in every report: each with a verdict, what was asked and succeeded before that
//! was said, and evidence; and where none of an area could say anything, that stands on top.

use gabion_probe::format::{Format, TextOptions, text, write};
use gabion_probe::{Facts, Report, Verdict, run};
use gabion_strawman::{Options, serve};
use serde_json::Value;

use crate::browser::had_browser;
use crate::ground::{Silent, print, world};

/// By the names that reports give them.
const AREAS: [&str; 10] = [
    "input validation",
    "authentication bypass",
    "SQL injection",
    BY_BROWSER,
    "authorization bypass",
    "rate limits",
    "error handling",
    "sessions",
    "headers",
    "webhook signatures",
];
const BY_BROWSER: &str = "cross-site scripting and request forgery";

fn document(report: &Report) -> Value {
    serde_json::from_str(&write(report, Format::Json)).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// The areas with their verdicts, in their order.
fn areas(document: &Value) -> Vec<&Value> {
    let all: Vec<&Value> = list(document, "required").iter().collect();
    let names: Vec<&str> = all.iter().map(|area| area["name"].as_str().unwrap()).collect();
    assert_eq!(names, AREAS);
    all
}

fn has_control(one: &Value) -> bool {
    let control = &one["positive_control"];
    // Where errors are looked at, that one came is what had to succeed.
    let wanted = control["says"].as_str().is_some_and(|says| says.starts_with("an error was provoked"));
    let succeeded = control["exchange"]["status"].as_u64().is_some_and(|status| status < 400 || wanted);
    control["says"].as_str().is_some_and(|says| says.len() > 10)
        && control["exchange"]["curl"].as_str().is_some_and(|curl| curl.starts_with("curl "))
        && succeeded
}

/// What the test is of each area that could be tested here: all but what wants a browser where there is none.
fn each_area(report: &Report, document: &Value, judge: impl Fn(&str, &Value)) {
    let browser = had_browser(report, "csrf");
    for area in areas(document) {
        let name = area["name"].as_str().unwrap();
        if name != BY_BROWSER || browser {
            assert!(has_control(area), "{name}: {}", area["positive_control"]);
            judge(name, area);
        }
    }
}

/// Each area has a proven finding with its control, its twin (or what else shows it) and its evidence.
pub(crate) fn assert_shown(report: &Report) {
    let document = document(report);
    each_area(report, &document, |name, area| {
        assert_eq!(area["verdict"], "proven", "{name}");
        let tests: Vec<&str> =
            list(&area["tests"], "proven").iter().map(|test| test.as_str().unwrap()).collect();
        let finding = list(&document, "findings").iter().find(|one| {
            let proof = &one["proof"];
            let other = proof["twin"]["curl"].is_string() || proof["shown"][0]["curl"].is_string();
            tests.contains(&one["test"].as_str().unwrap())
                && one["verdict"] == "proven"
                && has_control(one)
                && proof["attack"]["curl"].is_string()
                && other
                && proof["evidence"].as_str().is_some_and(|evidence| evidence.len() > 5)
        });
        assert!(finding.is_some(), "{name} has no finding with its control and its evidence");
    });
}

/// Each area passed, and says what succeeded before it was said.
pub(crate) fn assert_withstood(report: &Report) {
    let document = document(report);
    each_area(report, &document, |name, area| {
        // What may be meant so is worth a look, and hides no pass.
        let passed = area["verdict"] == "passed"
            || area["verdict"] == "tentative" && !list(&area["tests"], "passed").is_empty();
        assert!(passed, "{name}: {area}");
    });
}

/// No pass is said without what succeeded before it.
pub(crate) fn assert_controlled(report: &Report) {
    let bare = report.outcomes.iter().filter(|one| {
        (one.verdict == Verdict::Passed || one.verdict == Verdict::Proven) && one.control.is_none()
    });
    let bare: Vec<String> = bare.map(|one| format!("{} at {}", one.test, one.operation)).collect();
    assert_eq!(bare, [""; 0]);
}

#[tokio::test]
async fn what_could_not_be_tested_stands_on_top() {
    let application = serve(Options::repaired()).await.unwrap();
    let world = world(&["headers", "object-access", "webhooks"]);
    let report = run(Facts::of(&application.base()), &world, &Silent).await.unwrap();
    application.shutdown().await;
    print(&report);
    let document = document(&report);
    let by_name = |name: &str| *areas(&document).iter().find(|area| area["name"] == name).unwrap();
    assert_eq!(by_name("headers")["verdict"], "passed");
    assert_eq!(by_name("SQL injection")["verdict"], Value::Null);
    let hooks = by_name("webhook signatures");
    assert_eq!(hooks["verdict"], "not_tested");
    assert!(hooks["reasons"][0].as_str().unwrap().contains("webhooks"), "{hooks}");
    assert!(hooks["positive_control"].is_null());

    assert!(write(&report, Format::Junit).contains("><system-out>\ncontrol: "));

    for written in [
        text(&report, TextOptions::default()),
        write(&report, Format::Markdown),
        write(&report, Format::Html),
    ] {
        let (_, below) = written.split_once("What every release needs").unwrap();
        let (row, _) = below.split_once("What was tested").unwrap();
        assert!(row.contains("webhook signatures") && row.contains("not tested"), "{row}");
        assert!(row.contains("it takes two identities"), "{row}");
        assert!(row.to_lowercase().contains("not chosen: input validation"), "{row}");
    }
}
