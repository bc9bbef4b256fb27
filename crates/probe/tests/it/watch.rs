//! A door with a guard: wrong passwords are counted, and what happens is written down. Each hole has a name; without any it is whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_model::Period;
use gabion_probe::facts::{Monitoring, Watched};
use gabion_probe::{Facts, Report, Verdict};
use serde_json::{Value, json};

use crate::club::{attack, passed, sure};

#[derive(Default)]
struct Data {
    wrong: BTreeMap<String, usize>,
    wrong_in_all: usize,
    log: String,
    /// Of each name, and of attacks in addresses: how often.
    seen: BTreeMap<String, usize>,
    alerts: Vec<Value>,
    incidents: Vec<Value>,
}

#[derive(Clone)]
struct Door {
    holes: &'static [&'static str],
    data: Arc<Mutex<Data>>,
}

impl Door {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    /// Somebody is told, once, when something was seen often enough.
    fn ring(&self, rule: &str, about: &str, often: usize) {
        let mut data = self.data.lock().unwrap();
        let count = data.seen.entry(format!("{rule} {about}")).or_default();
        *count += 1;
        if *count == often && !self.has("nobody-told") {
            let id = data.alerts.len() + 1;
            let level = if self.has("mild") { "low" } else { "high" };
            data.alerts.push(json!({ "id": id, "rule": rule, "about": about, "level": level }));
            if !self.has("no-incident") && level == "high" {
                data.incidents.push(json!({ "id": id, "class": "P1", "alert": id }));
            }
        }
    }

    fn note(&self, what: &str, detail: &str) {
        let detail = if self.has("forged") { detail.to_owned() } else { detail.escape_debug().to_string() };
        self.data.lock().unwrap().log.push_str(&format!("event={what} {detail}\n"));
    }
}

async fn login(State(door): State<Door>, Json(body): Json<Value>) -> Response {
    let given = body["username"].as_str().unwrap_or_default().to_owned();
    let password = body["password"].as_str().unwrap_or_default().to_owned();
    let name = given.to_ascii_lowercase();
    let counted = if door.has("case") { given.clone() } else { name.clone() };
    let blocked = {
        let mut data = door.data.lock().unwrap();
        let all = data.wrong_in_all;
        let count = data.wrong.entry(counted.clone()).or_default();
        let over = *count >= 6 || all >= 300;
        // Counted before it is looked at, so that many at once are many.
        if !door.has("parallel") {
            *count += 1;
            data.wrong_in_all += 1;
        }
        over
    };
    if blocked {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let there = ["alice", "bob", "carol", "dora"].contains(&name.as_str());
    if there && password == format!("{name}-Harbour-41") {
        let mut data = door.data.lock().unwrap();
        if !door.has("parallel") {
            data.wrong.remove(&counted);
        }
        return Json(json!({ "token": format!("session-of-{name}") })).into_response();
    }
    if door.has("parallel") {
        *door.data.lock().unwrap().wrong.entry(counted).or_default() += 1;
    }
    door.ring("guessing", &name, 5);
    if !door.has("silent") {
        let detail = if door.has("secret") {
            format!("name={given} password={password}")
        } else {
            format!("name={given}")
        };
        let what = if door.has("forged") { "sign-in-refused\nevent=x" } else { "sign-in-refused" };
        door.note(what.split('\n').next().unwrap(), &detail);
    }
    StatusCode::UNAUTHORIZED.into_response()
}

async fn me(headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let field = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = field.strip_prefix("Bearer session-of-").ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(json!({ "username": name })))
}

async fn audit(State(door): State<Door>, headers: HeaderMap) -> Result<String, StatusCode> {
    let _ = me(headers).await?;
    Ok(door.data.lock().unwrap().log.clone())
}

async fn alerts(State(door): State<Door>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let _ = me(headers).await?;
    Ok(Json(json!({ "items": door.data.lock().unwrap().alerts })))
}

async fn incidents(State(door): State<Door>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let _ = me(headers).await?;
    Ok(Json(json!({ "items": door.data.lock().unwrap().incidents })))
}

/// Refusals and attacks are written down.
async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let uri = request.uri().to_string();
    let noise = request.headers().get("x-probe").and_then(|value| value.to_str().ok()).map(str::to_owned);
    if uri.contains("passwd") || uri.contains("UNION") || uri.contains("script") {
        door.ring("payload", "", 3);
    }
    if door.has("alarmist") && !uri.contains("alerts") {
        door.ring("request", &uri, 20);
    }
    let answer = next.run(request).await;
    if !door.has("silent") && (answer.status() == StatusCode::UNAUTHORIZED || uri.contains("UNION")) {
        door.note("refused", &uri);
    }
    if let Some(noise) = noise.filter(|_| door.has("noise")) {
        door.note("request", &noise);
    }
    answer
}

/// Where the facts say that alerts are.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nowhere,
    Declared,
    /// Where a gate of Gabion's has them; the facts say nothing.
    ByGate,
}

async fn probe(holes: &'static [&'static str], only: &[&str]) -> Report {
    probe_told(holes, only, Told::Nowhere).await
}

async fn probe_told(holes: &'static [&'static str], only: &[&str], told: Told) -> Report {
    let door = Door { holes, data: Arc::default() };
    let fields = json!({ "username": { "type": "string" }, "password": { "type": "string" } });
    let body = json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } });
    let ok = json!({ "200": { "description": "" } });
    let document = json!({ "openapi": "3.0.0", "paths": {
        "/login": { "post": { "requestBody": body, "responses": ok } },
        "/me": { "get": { "responses": ok } },
    } });
    let router = Router::new()
        .route("/openapi.json", get(|| async move { Json(document) }))
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/audit", get(audit))
        .route("/alerts", get(alerts))
        .route("/incidents", get(incidents))
        .merge(if told == Told::ByGate {
            let router = Router::new().route("/.gabion/api/v1/alerts", get(alerts));
            router.route("/.gabion/api/v1/incidents", get(incidents))
        } else {
            Router::new()
        })
        .layer(from_fn_with_state(door.clone(), guard))
        .with_state(door);
    let watched = |path: &str| Watched {
        request: Some(format!("GET {path}")),
        identity: Some("alice".to_owned()),
        file: None,
    };
    let declared = told == Told::Declared;
    let known = |facts: Facts| {
        let mut facts = facts.with("carol", "carol-Harbour-41").with("dora", "dora-Harbour-41");
        facts.monitoring = Some(Monitoring {
            request: Some("GET /audit".to_owned()),
            identity: Some("alice".to_owned()),
            file: None,
            within: Period::from_millis(600),
            alerts: declared.then(|| watched("/alerts")),
            incidents: declared.then(|| watched("/incidents")),
        });
        facts
    };
    attack(router, only, known).await
}

#[tokio::test]
async fn attacks_leave_events_or_the_silence_is_told() {
    let report = probe(&[], &["monitoring"]).await;
    assert_eq!(sure(&report), [""; 0]);
    let all = ["forged", "noise", "payload", "refusal", "secret", "sign-in"];
    assert_eq!(passed(&report, "monitoring"), all);
    assert_eq!(sure(&probe(&["secret"], &["monitoring"]).await), ["monitoring secret"]);
    assert_eq!(sure(&probe(&["forged"], &["monitoring"]).await), ["monitoring forged"]);
    let silent = probe(&["silent"], &["monitoring"]).await;
    assert_eq!(sure(&silent), ["monitoring payload", "monitoring refusal", "monitoring sign-in"]);
    let noise = probe(&["noise"], &["monitoring"]).await;
    assert_eq!(sure(&noise), [""; 0]);
    assert!(noise.findings.iter().any(|finding| finding.outcome.aspect == "noise"));
}

fn said(report: &Report, aspect: &str) -> Option<Verdict> {
    report.outcomes.iter().find(|outcome| outcome.aspect == aspect).map(|outcome| outcome.verdict)
}

#[tokio::test]
async fn attacks_ring_and_become_incidents_or_the_silence_is_told() {
    let report = probe_told(&[], &["monitoring"], Told::Declared).await;
    assert_eq!(sure(&report), [""; 0]);
    for aspect in ["alert-noise", "alert-sign-in", "alert-payload", "incident"] {
        assert_eq!(said(&report, aspect), Some(Verdict::Passed), "{aspect}");
    }
    let report = probe_told(&["nobody-told"], &["monitoring"], Told::Declared).await;
    assert_eq!(sure(&report), ["monitoring alert-payload", "monitoring alert-sign-in"]);
    assert_eq!(said(&report, "incident"), Some(Verdict::Inconclusive));
    let report = probe_told(&["no-incident"], &["monitoring"], Told::Declared).await;
    assert_eq!(sure(&report), ["monitoring incident"]);
    // What nobody is woken for needs no incident.
    let report = probe_told(&["mild"], &["monitoring"], Told::Declared).await;
    assert_eq!((sure(&report).len(), said(&report, "incident")), (0, Some(Verdict::Inconclusive)));
    let report = probe_told(&["alarmist"], &["monitoring"], Told::Declared).await;
    assert_eq!(said(&report, "alert-noise"), Some(Verdict::Tentative));
}

#[tokio::test]
async fn a_gate_in_front_is_asked_without_being_named_and_accused_of_nothing_it_did_not_promise() {
    let report = probe_told(&[], &["monitoring"], Told::ByGate).await;
    for aspect in ["alert-sign-in", "alert-payload", "incident"] {
        assert_eq!(said(&report, aspect), Some(Verdict::Passed), "{aspect}");
    }
    let report = probe_told(&["nobody-told"], &["monitoring"], Told::ByGate).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(said(&report, "alert-sign-in"), Some(Verdict::Tentative));
    let report = probe(&[], &["monitoring"]).await;
    assert_eq!(said(&report, "alert"), Some(Verdict::NotTested));
}

#[tokio::test]
async fn ways_around_the_limit_of_passwords_are_found() {
    let report = probe(&[], &["login-rate"]).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "login-rate"), ["", "forwarded", "parallel", "spelling"]);
    assert_eq!(sure(&probe(&["case"], &["login-rate"]).await), ["login-rate spelling"]);
    assert_eq!(sure(&probe(&["parallel"], &["login-rate"]).await), ["login-rate parallel"]);
}
