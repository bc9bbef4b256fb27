//! Declared limits, against small servers that count in different ways.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use gabion_model::Period;
use gabion_probe::facts::Throttle;
use gabion_probe::{Facts, Report, Verdict, run};

use crate::ground::{Silent, assert_proven, print, world};

/// How a server tells one caller from another.
type Key = fn(&Request) -> String;

/// A server that answers `limit` requests of each caller.
async fn limited(limit: usize, key: Key) -> String {
    let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let answer = move |request: Request| {
        let counts = Arc::clone(&counts);
        async move {
            if !request.uri().path().trim_matches('/').eq_ignore_ascii_case("things") {
                return StatusCode::NOT_FOUND.into_response();
            }
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(key(&request)).or_default();
            *count += 1;
            if *count > limit {
                StatusCode::TOO_MANY_REQUESTS.into_response()
            } else {
                "things".into_response()
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    base
}

async fn probe(base: String) -> Report {
    let mut facts = Facts::of(&base);
    facts.throttles =
        vec![Throttle { operation: "GET /things".to_owned(), requests: 20, per: Period::from_secs(60) }];
    let report = run(facts, &world(&["rate-limit"]), &Silent).await.unwrap();
    print(&report);
    report
}

fn proven(report: &Report) -> Vec<&str> {
    let all = report.findings.iter().filter(|finding| finding.outcome.verdict == Verdict::Proven);
    all.map(|finding| finding.outcome.aspect.as_str()).collect()
}

#[tokio::test]
async fn a_limit_that_is_not_there_is_missed() {
    let report = probe(limited(usize::MAX, |_| String::new()).await).await;
    assert_proven(&report, &[("rate-limit", "GET /things", "")]);
}

#[tokio::test]
async fn a_limit_that_holds_is_left_in_peace() {
    assert_eq!(proven(&probe(limited(20, |_| String::new()).await).await), [""; 0]);
}

#[tokio::test]
async fn ways_around_a_limit_are_found() {
    let by_header: Key = |request| {
        let address = request.headers().get("x-forwarded-for");
        address.and_then(|address| address.to_str().ok()).unwrap_or_default().to_owned()
    };
    assert_eq!(proven(&probe(limited(20, by_header).await).await), ["forwarded"]);
    let by_path: Key = |request| request.uri().path().to_owned();
    let report = probe(limited(20, by_path).await).await;
    let mut found = proven(&report);
    found.sort_unstable();
    assert_eq!(found, ["case", "doubled", "slash"]);
    let by_query: Key = |request| request.uri().query().unwrap_or_default().to_owned();
    assert_eq!(proven(&probe(limited(20, by_query).await).await), ["query"]);
}
