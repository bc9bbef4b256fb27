//! Requests and answers of a route with a contract, without sockets.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gabion_checks::contract::Contracts;
use gabion_checks::{
    Access, Admitted, ContractSettings, Mode, Parts, Pipeline, Progress, Route, Seen, Settings, Wants,
};
use gabion_identity::storage::SessionStorage;
use gabion_identity::{Keyring, MemoryStorage, SessionSettings, Sessions};
use gabion_ledger::Ledger;
use gabion_model::random::SeededRng;
use gabion_model::{Event, ManualClock};
use gabion_openapi::Contract;
use gabion_vault::jwt::SigningKey;
use http::{HeaderMap, Response, StatusCode};

use crate::world::{ISSUER, START, request, secure};

/// A gate with contracts.
struct World {
    pipeline: Pipeline,
    contracts: Contracts,
    ledger: Ledger,
}

impl World {
    fn new(settings: &Settings, routes: &[Route], contracts: Contracts) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let kept = Arc::new(MemoryStorage::default()) as Arc<dyn SessionStorage>;
        let ledger = Ledger::in_memory(clock.clone());
        let parts = Parts {
            sessions: Sessions::open(kept, &SessionSettings::default(), START).unwrap(),
            machines: None,
            shield: None,
            webhooks: Arc::default(),
            keys: Keyring::of(Arc::new(SigningKey::generate().unwrap())),
            ledger: ledger.clone(),
            policies: None,
            resources: None,
            clock,
            rng: Arc::new(SeededRng::new(1)),
            issuer: ISSUER.to_owned(),
            https_port: Some(443),
            contracts: contracts.clone(),
            access_log: None,
            fault_log: None,
            outside: None,
            previous: None,
        };
        let pipeline = Pipeline::new(settings, routes, parts).unwrap();
        Self { pipeline, contracts, ledger }
    }

    fn events(&self) -> Vec<Event> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.ledger.flush()).unwrap();
        self.ledger.tail(100).unwrap().into_iter().map(|record| record.event).collect()
    }
}

const CONTRACT: &str = "openapi: 3.1.0
info: { title: Notes, version: '1' }
servers: [ { url: /shop } ]
paths:
  /notes/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
      responses:
        '200': { description: d, content: { application/json: { schema: { type: object, properties: { text: { type: string, maxLength: 9 } } } } } }
    put:
      deprecated: true
      x-deprecated-at: '2026-01-01'
      parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
      requestBody: { content: { application/json: { schema: { type: object, properties: { text: { type: string, maxLength: 9 } } } } } }
      responses: { '204': { description: d } }
";

fn contracts(answers: &str) -> Contracts {
    let settings: ContractSettings = serde_json::from_value(
        serde_json::json!({ "file": "notes.yaml", "answers": answers, "answer_limit": "100B" }),
    )
    .unwrap();
    let files = BTreeMap::from([("notes.yaml".to_owned(), CONTRACT.to_owned())]);
    let loaded = Contract::load(&files, "notes.yaml", &settings.options()).unwrap();
    let loaded = BTreeMap::from([("notes".to_owned(), (Arc::new(loaded.contract), 100))]);
    Contracts { loaded, ..Contracts::default() }
}

fn world(mode: Mode, answers: &str) -> World {
    let mut route = Route::new("/shop/*", Access::Public, "app");
    route.contract = Some("notes".to_owned());
    route.csrf_off = Some("for programs".to_owned());
    let mut settings = Settings::default();
    settings.contract.mode = mode;
    World::new(&settings, &[route], contracts(answers))
}

/// Sends a request whose body comes when it is asked for.
#[expect(clippy::result_large_err, reason = "in a test it costs nothing")]
fn send(world: &World, method: &str, path: &str, body: &str) -> Result<Admitted, Response<Bytes>> {
    let length = body.len().to_string();
    let fields: &[(&str, &str)] = match body {
        "" => &[],
        _ => &[("content-length", &length), ("content-type", "application/json")],
    };
    let (head, ()) = request(method, path, fields).into_parts();
    let mut progress = world.pipeline.begin(secure("203.0.113.9"), head);
    loop {
        match progress {
            Progress::Admitted(admitted) => return Ok(admitted),
            Progress::Refused(refused) => return Err(world.pipeline.answer(refused)),
            Progress::Waits(mut waiting) => {
                let Some(Wants::Body { limit }) = waiting.wants() else {
                    panic!("only bodies are waited for")
                };
                if body.len() > limit {
                    waiting.body_is_longer_than(limit + 1);
                } else {
                    waiting.body(Bytes::from(body.to_owned()));
                }
                progress = world.pipeline.resume(waiting);
            }
        }
    }
}

fn status(world: &World, method: &str, path: &str, body: &str) -> u16 {
    send(world, method, path, body).map_or_else(|answer| answer.status().as_u16(), |_| 200)
}

#[test]
fn requests_fit_or_are_refused() {
    let world = world(Mode::Enforce, "off");
    let rows = [
        ("GET", "/shop/notes/7", "", 200),
        ("HEAD", "/shop/notes/7", "", 200),
        ("GET", "/shop/notes/7?x=1", "", 400),
        ("GET", "/shop/notes/x", "", 400),
        ("GET", "/shop/notes/7", "{}", 400),
        ("GET", "/shop/secret", "", 404),
        ("DELETE", "/shop/notes/7", "", 405),
        ("PUT", "/shop/notes/7", "{\"text\":\"hello\"}", 200),
        ("PUT", "/shop/notes/7", "", 200),
        ("PUT", "/shop/notes/7", "{\"text\":\"hello\",\"owner\":1}", 400),
        ("PUT", "/shop/notes/7", "{", 400),
    ];
    for (method, path, body, expected) in rows {
        assert_eq!(status(&world, method, path, body), expected, "{method} {path} {body}");
    }
    let long = format!("{{\"text\":\"{}\"}}", "a".repeat(9_000));
    assert_eq!(status(&world, "PUT", "/shop/notes/7", &long), 413, "longer than the schema lets it be");
    let refused = send(&world, "PUT", "/shop/notes/7", "{\"text\":\"planted-text\"}").unwrap_err();
    let body = String::from_utf8_lossy(refused.body()).into_owned();
    assert!(
        body.contains(r#""errors":[{"place":"body /text","rule":"must have at most 9 characters"}]"#),
        "{body}"
    );
    assert_eq!(refused.headers()["deprecation"], "@1767225600");
    let told: Vec<String> = world.events().iter().map(|event| format!("{event:?}")).collect();
    assert!(told.iter().any(|event| event.contains("PUT /shop/notes/{id} does not fit")), "{told:?}");
    assert!(!told.iter().any(|event| event.contains("planted")), "{told:?}");
}

#[test]
fn observing_lets_everything_pass_and_counts() {
    let world = world(Mode::Observe, "enforce");
    assert_eq!(status(&world, "GET", "/shop/notes/7?x=1", ""), 200);
    assert_eq!(status(&world, "PUT", "/shop/notes/7", "{\"owner\":1}"), 200);
    let admitted = send(&world, "GET", "/shop/secret", "").unwrap();
    let (status, body) = answer(&world, admitted, 200, Some("application/json"), "{}");
    assert_eq!((status, body.as_deref()), (200, None));
    let shadows = world.contracts.inventory.report().shadows;
    assert_eq!((shadows.len(), shadows[0].path.as_str(), shadows[0].answered), (1, "/shop/secret", 1));
    let observed: u64 = world
        .pipeline
        .metrics()
        .iter()
        .filter(|metric| metric.check == "contract" && format!("{:?}", metric.verdict) == "Observed")
        .map(|metric| metric.count)
        .sum();
    assert_eq!(observed, 3);
}

/// Lets an answer of the application pass; the body that goes out instead, if another one does.
fn answer(
    world: &World,
    admitted: Admitted,
    status: u16,
    media_type: Option<&str>,
    body: &str,
) -> (u16, Option<String>) {
    let mut exchange = admitted.exchange;
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::from_u16(status).unwrap();
    head.headers = HeaderMap::new();
    if let Some(media_type) = media_type {
        head.headers.insert("content-type", media_type.parse().unwrap());
    }
    if world.pipeline.look(&mut exchange, &head).is_none() {
        return (status, None);
    }
    let seen = Seen { bytes: body.as_bytes(), complete: true };
    match world.pipeline.inspect(&mut exchange, &mut head, &seen) {
        Ok(replaced) => {
            (head.status.as_u16(), replaced.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        }
        Err(found) => {
            let answer = world.pipeline.refuse_answer(exchange, *found);
            (answer.status().as_u16(), Some(String::from_utf8_lossy(answer.body()).into_owned()))
        }
    }
}

#[test]
fn answers_fit_or_are_stripped_or_refused() {
    let json = Some("application/json");
    let over = r#"{"text":"a","hash":"planted"}"#;
    let long = format!("{{\"text\":\"{}\"}}", " ".repeat(200));
    // Status and body by `off`, `observe`, `strip`, `enforce`; none: as it came.
    type Row<'a> = (u16, Option<&'a str>, &'a str, [(u16, Option<&'a str>); 4]);
    let rows: [Row<'_>; 6] = [
        (200, json, r#"{"text":"a"}"#, [(200, None), (200, None), (200, None), (200, None)]),
        (200, json, over, [(200, None), (200, None), (200, Some(r#"{"text":"a"}"#)), (502, Some(""))]),
        (200, json, "{\"text\":1}", [(200, None), (200, None), (502, Some("")), (502, Some(""))]),
        (200, json, &long, [(200, None), (200, None), (502, Some("")), (502, Some(""))]),
        (200, Some("text/html"), "planted", [(200, None), (200, None), (502, Some("")), (502, Some(""))]),
        (404, json, r#"{"detail":"planted"}"#, [(404, None), (404, None), (404, Some("")), (502, Some(""))]),
    ];
    for (status, media_type, body, expected) in rows {
        for (mode, (expected, other)) in ["off", "observe", "strip", "enforce"].into_iter().zip(expected) {
            let world = world(Mode::Enforce, mode);
            let admitted = send(&world, "GET", "/shop/notes/7", "").unwrap();
            let (found, replaced) = answer(&world, admitted, status, media_type, body);
            assert_eq!(found, expected, "{mode} {status} {body}");
            match (other, replaced) {
                (None, replaced) => assert_eq!(replaced, None, "{mode} {body}"),
                (Some(""), replaced) => assert!(!replaced.unwrap().contains("planted"), "{mode} {body}"),
                (Some(other), replaced) => assert_eq!(replaced.as_deref(), Some(other), "{mode} {body}"),
            }
        }
    }
}

#[test]
fn a_route_whose_contract_is_not_loaded_is_closed() {
    let mut route = Route::new("/shop/*", Access::Public, "app");
    route.contract = Some("lost".to_owned());
    for mode in [Mode::Enforce, Mode::Observe] {
        let mut settings = Settings::default();
        settings.contract.mode = mode;
        let world = World::new(&settings, std::slice::from_ref(&route), contracts("off"));
        assert_eq!(status(&world, "GET", "/shop/notes/7", ""), 500);
    }
}

#[test]
fn a_draft_is_learned_from_what_passes_and_changes_nothing() {
    let mut route = Route::new("/shop/*", Access::Public, "app");
    route.learn = Some("shop".to_owned());
    route.csrf_off = Some("for programs".to_owned());
    let world = World::new(&Settings::default(), &[route], Contracts::default());
    let json = Some("application/json");
    for number in 0..6 {
        let path = format!("/shop/notes/47{number}?token=planted-{number}");
        let admitted = send(&world, "PUT", &path, r#"{"text":"planted text","secret":"planted"}"#).unwrap();
        assert_eq!(answer(&world, admitted, 200, json, r#"{"owner":"planted","id":4711}"#), (200, None));
    }
    // What the application refuses or does not know says nothing of what it takes, and no more does what is too long.
    let admitted = send(&world, "PUT", "/shop/notes/7?refused=1", r#"{"refused":1}"#).unwrap();
    assert_eq!(answer(&world, admitted, 422, json, r#"{"why":"planted"}"#), (422, None));
    let admitted = send(&world, "GET", "/shop/nowhere", "").unwrap();
    answer(&world, admitted, 404, json, "{}");
    let long = format!(r#"{{"overlong":"{}"}}"#, "a".repeat(70_000));
    let admitted = send(&world, "POST", "/shop/notes", &long).unwrap();
    answer(&world, admitted, 201, None, "");
    let admitted = send(&world, "GET", "/shop/notes", "").unwrap();
    assert_eq!(answer(&world, admitted, 200, json, &long), (200, None));

    assert_eq!(world.contracts.drafts.names(), ["shop"]);
    let draft = world.contracts.drafts.draft("shop").unwrap();
    let text = draft.document("Shop").to_string();
    let kept = serde_json::to_string(&world.contracts.drafts.changed().unwrap()).unwrap();
    for value in ["planted", "4711", "471", "refused", "nowhere", "overlong"] {
        assert!(!text.contains(value) && !kept.contains(value), "{value}: {text} {kept}");
    }
    let operation =
        &serde_json::from_str::<serde_json::Value>(&text).unwrap()["paths"]["/shop/notes/{notes_id}"]["put"];
    assert_eq!(operation["parameters"][1]["name"], "token", "{operation}");
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], serde_json::json!(["secret", "text"]), "{body}");
    let answers = &operation["responses"];
    assert_eq!(
        answers["200"]["content"]["application/json"]["schema"]["properties"]["owner"]["type"],
        "string"
    );
    assert!(answers["422"]["content"]["application/json"]["schema"]["properties"]["why"].is_object());
    assert!(world.contracts.drafts.changed().is_none(), "written once");
}

#[test]
fn nothing_is_learned_where_no_route_says_so() {
    let world = world(Mode::Enforce, "off");
    let admitted = send(&world, "GET", "/shop/notes/7", "").unwrap();
    answer(&world, admitted, 200, Some("application/json"), "{}");
    assert!(world.contracts.drafts.names().is_empty());
}
