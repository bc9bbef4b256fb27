//! Verdicts that mean something: no pass where the honest request was refused as well, and heads that are lacking for browsers, too.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::{Facts, Report, Verdict, run};
use serde_json::json;

use crate::ground::{Silent, print, world};

async fn probe(app: Router, only: &[&str]) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let report = run(Facts::of(&base), &world(only), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

/// An operation that takes a text: anything, or nothing at all.
fn search(answers: StatusCode) -> Router {
    let schema =
        json!({ "type": "object", "properties": { "name": { "type": "string", "example": "lamp" } } });
    let contract = json!({ "openapi": "3.0.3", "info": { "title": "search", "version": "1" }, "paths": { "/search": { "post": {
        "requestBody": { "content": { "application/json": { "schema": schema } } },
        "responses": { "200": { "description": "found" } } } } } });
    let take = move |Json(_): Json<serde_json::Value>| async move { (answers, Json(json!({ "found": [] }))) };
    Router::new()
        .route("/openapi.json", get(move || async move { Json(contract) }))
        .route("/search", post(take))
}

#[tokio::test]
async fn what_refuses_everything_has_passed_nothing() {
    let tests =
        ["command-injection", "deserialisation", "path-traversal", "sql-injection", "template-injection"];
    let at = |report: &Report, verdict| {
        let own =
            report.outcomes.iter().filter(|one| one.operation == "POST /search" && one.verdict == verdict);
        own.map(|one| one.says.clone()).collect::<Vec<_>>()
    };
    // The same that takes everything shows that these tests do pass.
    let report = probe(search(StatusCode::OK), &tests).await;
    assert!(at(&report, Verdict::Passed).len() >= 3, "{:?}", at(&report, Verdict::Passed));
    let report = probe(search(StatusCode::UNPROCESSABLE_ENTITY), &tests).await;
    assert_eq!(at(&report, Verdict::Passed), [""; 0]);
    let open = at(&report, Verdict::Inconclusive);
    assert!(open.iter().any(|says| says.contains("an honest one was refused")), "{open:?}");
}

const SAFE: &[(&str, &str)] = &[
    ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// Two pages: what the first one says to programs and to browsers.
fn pages(program: bool, browser: bool) -> Router {
    let first = move |headers: HeaderMap| async move {
        let goes = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
        let mut answer = Html("<h1>one</h1>").into_response();
        for (name, value) in SAFE.iter().filter(|_| if goes { browser } else { program }) {
            answer.headers_mut().insert(*name, value.parse().unwrap());
        }
        answer
    };
    let second = || async {
        let mut answer = Html("<h1>two</h1>").into_response();
        for (name, value) in SAFE {
            answer.headers_mut().insert(*name, value.parse().unwrap());
        }
        answer
    };
    let home = || async { Html("<a href=/one>one</a> <a href=/two>two</a>") };
    Router::new().route("/", get(home)).route("/one", get(first)).route("/two", get(second))
}

fn aspects(report: &Report) -> Vec<(&str, Verdict)> {
    let mut all: Vec<_> = report.outcomes.iter().map(|one| (one.aspect.as_str(), one.verdict)).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn heads_that_lack_something_do_so_for_browsers_and_beside_a_page_that_does_not() {
    let of = |verdict| {
        let all = ["framing", "referrer", "scripts", "sniffing"].into_iter().map(|aspect| (aspect, verdict));
        all.chain([("transport", Verdict::NotTested)]).collect::<Vec<_>>()
    };
    let report = probe(pages(false, false), &["headers"]).await;
    assert_eq!(aspects(&report), of(Verdict::Proven));
    for finding in &report.findings {
        let proof = finding.outcome.proof.as_ref().unwrap();
        let twin = proof.twin.as_ref().unwrap();
        assert!(twin.request.target == "/two" && twin.answer.contains("nosniff"));
        assert_eq!(proof.shown[0].request.field("sec-fetch-mode"), Some("navigate"));
        assert!(finding.outcome.control.is_some());
    }
    // Said to browsers alone, or to everybody.
    for program in [false, true] {
        let report = probe(pages(program, true), &["headers"]).await;
        assert_eq!(aspects(&report), of(Verdict::Passed));
    }
    // Where there is no page there is nothing to say of frames.
    let report = probe(search(StatusCode::OK), &["headers"]).await;
    assert!(!aspects(&report).contains(&("framing", Verdict::Passed)), "{:?}", aspects(&report));
}
