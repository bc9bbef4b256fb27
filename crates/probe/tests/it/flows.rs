//! Orders that are made, paid and confirmed, and one that does not look whether it was paid.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::{Facts, Report, Verdict, run};
use serde_json::{Value, json};

use crate::ground::{Silent, print, world};

/// How the last step is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// It wants the order to be paid.
    Paid,
    /// It wants the order to be there.
    There,
    /// It answers alike whatever happened, and confirms what was paid.
    Silent,
    /// It answers alike, and confirms everything.
    SilentAndOpen,
}

#[derive(Clone)]
struct Shop {
    guard: Guard,
    orders: Arc<Mutex<BTreeMap<u64, &'static str>>>,
}

type Answered = Result<Json<Value>, StatusCode>;

fn signed(headers: &HeaderMap) -> Result<(), StatusCode> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    if token == Some("Bearer alice-4f9a7c21") { Ok(()) } else { Err(StatusCode::UNAUTHORIZED) }
}

async fn order(State(shop): State<Shop>, headers: HeaderMap) -> Answered {
    signed(&headers)?;
    let mut orders = shop.orders.lock().unwrap();
    let id = 101 + orders.len() as u64;
    orders.insert(id, "made");
    Ok(Json(json!({ "id": id, "status": "made" })))
}

async fn pay(State(shop): State<Shop>, headers: HeaderMap, Path(id): Path<u64>) -> Answered {
    signed(&headers)?;
    *shop.orders.lock().unwrap().get_mut(&id).ok_or(StatusCode::NOT_FOUND)? = "paid";
    Ok(Json(json!({ "id": id, "status": "paid" })))
}

async fn confirm(State(shop): State<Shop>, headers: HeaderMap, Path(id): Path<u64>) -> Answered {
    signed(&headers)?;
    let mut orders = shop.orders.lock().unwrap();
    let status = orders.get(&id).copied();
    let good = match (shop.guard, status) {
        (_, Some("paid")) | (Guard::There | Guard::SilentAndOpen, Some(_)) => true,
        (Guard::Paid | Guard::There, _) => return Err(StatusCode::CONFLICT),
        (Guard::Silent | Guard::SilentAndOpen, _) => false,
    };
    if good {
        orders.insert(id, "confirmed");
    }
    match shop.guard {
        Guard::Paid | Guard::There => Ok(Json(json!({ "id": id, "status": "confirmed" }))),
        Guard::Silent | Guard::SilentAndOpen => Ok(Json(json!({ "message": "thank you" }))),
    }
}

async fn show(State(shop): State<Shop>, headers: HeaderMap, Path(id): Path<u64>) -> Answered {
    signed(&headers)?;
    let status = shop.orders.lock().unwrap().get(&id).copied().ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "id": id, "status": status })))
}

async fn probe(guard: Guard, effect: bool) -> Report {
    let router = Router::new()
        .route("/orders", post(order))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/pay", post(pay))
        .route("/orders/{id}/confirm", post(confirm))
        .with_state(Shop { guard, orders: Arc::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let shown = r#"effect = { request = "GET /orders/{id}", identity = "alice", holds = "confirmed" }"#;
    let text = format!(
        r#"
        [target]
        url = "{base}"
        [[identities]]
        name = "alice"
        token = "alice-4f9a7c21"
        [[flows]]
        name = "checkout"
        identity = "alice"
        {}
        [[flows.steps]]
        operation = "POST /orders"
        json = {{ product = 1 }}
        [[flows.steps]]
        operation = "POST /orders/{{id}}/pay"
        [[flows.steps]]
        operation = "POST /orders/{{id}}/confirm"
        "#,
        if effect { shown } else { "" }
    );
    let facts = Facts::parse(&text, &|_| None).unwrap();
    let report = run(facts, &world(&["skipped-step"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn found(report: &Report) -> Vec<(&str, Verdict)> {
    let found = report.findings.iter();
    found.map(|finding| (finding.outcome.aspect.as_str(), finding.outcome.verdict)).collect()
}

fn says(report: &Report, verdict: Verdict) -> bool {
    report.outcomes.iter().any(|outcome| outcome.verdict == verdict)
}

const UNPAID: &str = "checkout without POST /orders/{id}/pay";

#[tokio::test]
async fn an_order_that_nobody_paid_is_found_and_its_effect_proves_it() {
    assert_eq!(found(&probe(Guard::There, false).await), [(UNPAID, Verdict::Firm)]);
    assert_eq!(found(&probe(Guard::There, true).await), [(UNPAID, Verdict::Proven)]);
    assert_eq!(found(&probe(Guard::SilentAndOpen, true).await), [(UNPAID, Verdict::Proven)]);
}

#[tokio::test]
async fn steps_that_count_and_answers_that_tell_nothing_are_no_finding() {
    for (guard, effect, verdict) in [
        (Guard::Paid, false, Verdict::Passed),
        (Guard::Paid, true, Verdict::Passed),
        (Guard::Silent, false, Verdict::Inconclusive),
        (Guard::Silent, true, Verdict::Passed),
        (Guard::SilentAndOpen, false, Verdict::Inconclusive),
    ] {
        let report = probe(guard, effect).await;
        assert_eq!(found(&report), [], "{guard:?} {effect}");
        assert!(says(&report, verdict), "{guard:?} {effect}");
    }
}
