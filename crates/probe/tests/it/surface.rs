//! Knowing the surface: what is found of sites made for it, and what it costs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use gabion_probe::field::Field;
use gabion_probe::operation::Provenance;
use gabion_probe::{Chromium, Facts, World, run, survey};

use tokio::time::Instant;

use crate::crawl_cases::{READ, RENDERED, TOLD, site};
use crate::ground::{Silent, print, world};
use crate::shop_of_scripts::{PEOPLE, shop};

/// A server of its own, until the end of the test.
pub(crate) struct Served {
    pub(crate) base: String,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, task }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether the browser that was wanted is there; a test without one says that it was skipped.
pub(crate) fn has_browser(field: &Field) -> bool {
    let missing = field.browser.as_ref().err();
    if let Some(reason) = missing {
        println!("skipped: {}: {reason}", std::thread::current().name().unwrap_or("test"));
    }
    missing.is_none()
}

pub(crate) fn browsing() -> World {
    World { browser: Some(Chromium::default()), ..world(&["headers"]) }
}

pub(crate) fn facts_of(base: &str) -> Facts {
    let mut facts = Facts::of(base);
    facts.limits.rate = 2_000;
    facts
}

pub(crate) fn notes(field: &Field) -> Vec<String> {
    field.notes.lock().unwrap().clone()
}

#[tokio::test]
async fn every_way_that_pages_lead_on_is_gone() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let served = Served::start(site(Arc::clone(&asked))).await;
    let mut all_missed: Vec<String> = Vec::new();
    for browser in [false, true] {
        asked.lock().unwrap().clear();
        let world = if browser { browsing() } else { world(&["headers"]) };
        let began = Instant::now();
        let field = survey(facts_of(&served.base), &world, &Silent).await.unwrap();
        if browser && !has_browser(&field) {
            return;
        }
        let all = asked.lock().unwrap().clone();
        let wanted: Vec<&str> = READ
            .iter()
            .map(|(name, _)| *name)
            .chain(TOLD.iter().copied())
            .chain(RENDERED.iter().map(|(name, _)| *name).filter(|_| browser))
            .collect();
        let reached = |name: &&&str| {
            all.iter().any(|line| line.split([' ', '?']).nth(1) == Some(&format!("/found/{name}")))
        };
        let missed: Vec<&str> = wanted.iter().filter(|name| !reached(name)).copied().collect();
        println!(
            "{}: {} of {} found, {} requests, {:.1} s; missed {missed:?}",
            if browser { "browser" } else { "pages" },
            wanted.len() - missed.len(),
            wanted.len(),
            all.len(),
            began.elapsed().as_secs_f64()
        );
        for note in notes(&field) {
            println!("note: {note}");
        }
        all_missed.extend(missed.iter().map(|name| format!("{name} (browser: {browser})")));
        let calendar = all.iter().filter(|line| line.contains("/calendar")).count();
        assert!(calendar < 40, "{calendar} pages of a calendar");
        let twice: BTreeSet<&String> = all.iter().filter(|line| line.starts_with("GET /case/")).collect();
        assert!(all.len() < 900 && twice.len() < 80, "{} requests", all.len());
        assert!(began.elapsed() < Duration::from_secs(200), "{:?}", began.elapsed());
    }
    assert_eq!(all_missed, [""; 0]);
}

#[tokio::test]
async fn people_sign_in_where_scripts_keep_their_tokens() {
    let served = Served::start(shop()).await;
    let mut facts = facts_of(&served.base);
    for (name, password) in PEOPLE {
        facts = facts.with(name, password);
    }
    let began = Instant::now();
    let field = survey(facts, &browsing(), &Silent).await.unwrap();
    if !has_browser(&field) {
        return;
    }
    for note in notes(&field) {
        println!("note: {note}");
    }
    println!("{} requests, {:.1} s", field.wire.sent(), began.elapsed().as_secs_f64());
    for (at, operation) in field.operations.iter().enumerate() {
        let known: Vec<&str> =
            field.known_of(at).map(|known| field.person(known.who).name.as_str()).collect();
        println!("{} {:?} {known:?}", operation.id(), operation.sources);
    }
    assert!(field.people.iter().skip(1).all(|person| person.is_signed_in() && person.way.is_some()));
    let known = |id: &str| {
        let at = field.operations.iter().position(|operation| operation.id() == id);
        let at = at.unwrap_or_else(|| panic!("{id} is not known"));
        field.known_of(at).map(|known| known.who).collect::<Vec<_>>()
    };
    for id in
        ["GET /rest/products", "GET /rest/products/{id}", "GET /rest/user/whoami", "GET /rest/basket/{id}"]
    {
        assert!(!known(id).is_empty(), "{id} does not work");
    }
    assert_eq!(known("PUT /rest/basket/{id}/coupon"), [1], "with its token against forgery, as who may");
    assert!(field.operations.iter().any(|operation| operation.id() == "POST /rest/user/login"));
    let hidden = field.operations.iter().find(|operation| operation.path == "/rest/hidden/report");
    assert_eq!(hidden.map(|one| one.sources.clone()), Some(BTreeSet::from([Provenance::Script])));
    assert!(
        !field.operations.iter().any(|operation| operation.path.contains("nowhere")),
        "asked and not there"
    );
    let drawn = field
        .operations
        .iter()
        .filter(|operation| !operation.path.starts_with("/rest") && operation.path != "/");
    assert_eq!(drawn.count(), 0, "what scripts draw is no operation");
    assert!(
        field.pages.iter().any(|(who, page)| *who == 1 && page.ends_with("#/basket")),
        "{:?}",
        field.pages
    );
}

const CONTRACT: &str = r#"{"openapi":"3.1.0","paths":{
    "/api/notes":{"get":{"responses":{"200":{}}},"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"text":{"type":"string"}}}}}},"responses":{"201":{}}}},
    "/api/notes/{id}":{"get":{"parameters":[{"name":"id","in":"path","schema":{"type":"integer"}}],"responses":{"200":{}}}},
    "/api/gone":{"get":{"responses":{"200":{}}}},
    "/api/refused":{"get":{"responses":{"200":{}}}},
    "/api/old":{"get":{"deprecated":true,"responses":{"200":{}}}}}}"#;

/// Its contract, an operation beside it that a script calls, one that is gone, one that is old, one that refuses everybody.
fn with_a_contract() -> Router {
    let json = |text: &'static str| get(async move || ([("content-type", "application/json")], text));
    Router::new()
        .route("/", get(async || axum::response::Html("<a href=/page>x</a><script>fetch('/api/secret-export').then(fetch('/api/notes/7'))</script>")))
        .route("/page", get(async || axum::response::Html("pages stand in no contract")))
        .route("/openapi.json", json(CONTRACT))
        .route("/api/notes", json(r#"[{"id":1,"text":"a"}]"#).post(async || (StatusCode::CREATED, "{}")))
        .route("/api/notes/{id}", json(r#"{"id":1,"text":"a"}"#))
        .route("/api/old", json(r#"{"old":true}"#))
        .route("/api/refused", get(async || (StatusCode::FORBIDDEN, "{}")))
        .route("/api/secret-export", json(r#"{"all":[{"n":1}]}"#))
}

#[tokio::test]
async fn what_answers_is_held_against_the_contract() {
    let served = Served::start(with_a_contract()).await;
    let report = run(facts_of(&served.base), &world(&["inventory"]), &Silent).await.unwrap();
    print(&report);
    let found: BTreeSet<String> = report
        .findings
        .iter()
        .map(|one| format!("{} {}", one.outcome.aspect, one.outcome.operation))
        .collect();
    let wanted = ["shadow GET /api/secret-export", "zombie GET /api/gone", "deprecated GET /api/old"];
    assert_eq!(found, wanted.map(str::to_owned).into());
}
