//! Tests of one's own: the examples against the straw man both ways, and what only looks like a finding.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::own::{Own, Problem};
use gabion_probe::{Facts, Report, Verdict, run};
use gabion_strawman::{Options, serve};
use serde_json::{Value, json};

use crate::ground::{Silent, facts, print, world};

fn own(files: &[(&str, String)]) -> Own {
    let mut own = Own::default();
    for (name, text) in files {
        own.add(name, text).unwrap();
    }
    own
}

/// The files of the example.
fn examples() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop/probe.d");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.display().to_string(), std::fs::read_to_string(&file).unwrap())).collect()
}

async fn shop(options: Options) -> Report {
    let mut own = Own::default();
    for (name, text) in examples() {
        own.add(&name, &text).unwrap();
    }
    let ids: Vec<String> = own.abouts().map(|about| about.id.clone()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(ids.len() >= 3);
    let application = serve(options).await.unwrap();
    let mut world = world(&ids);
    world.own = own;
    let report = run(facts(&application.base()), &world, &Silent).await.unwrap();
    application.shutdown().await;
    print(&report);
    report
}

#[tokio::test]
async fn the_examples_prove_what_is_wrong_with_the_shop() {
    let report = shop(Options::vulnerable()).await;
    let found: Vec<_> =
        report.findings.iter().map(|one| (one.about.id.as_str(), one.outcome.verdict)).collect();
    for id in ["note-of-somebody-else", "label-computes", "preview-fetches-anything"] {
        assert!(found.contains(&(id, Verdict::Proven)), "{id}: {found:?}");
    }
    for one in &report.findings {
        let proof = one.outcome.proof.as_ref().unwrap();
        assert!(proof.twin.is_some() && !proof.shown.is_empty(), "{}", one.about.id);
    }
    // The lists of every form know them.
    let sarif = gabion_probe::format::write(&report, gabion_probe::format::Format::Sarif);
    let json = gabion_probe::format::write(&report, gabion_probe::format::Format::Json);
    assert!(sarif.contains("\"ruleId\": \"label-computes\"") && json.contains("label-computes"));
    let evidence = gabion_probe::evidence::evidence(&report);
    assert!(evidence.values().any(|of| of.tests.contains("label-computes") && !of.findings.is_empty()));
}

#[tokio::test]
async fn the_examples_pass_the_repaired_shop() {
    let report = shop(Options::repaired()).await;
    assert!(report.findings.is_empty());
    let passed = report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Passed).count();
    assert_eq!(passed, 3);
}

/// What is wrong with a small application.
#[derive(Debug, Default)]
struct Small {
    /// A voucher is looked at, and only later crossed out.
    slow: bool,
    used: AtomicBool,
    vouchers: AtomicUsize,
    removed: AtomicUsize,
}

type App = Arc<Small>;

async fn voucher(State(app): State<App>) -> (StatusCode, Json<Value>) {
    app.used.store(false, Ordering::SeqCst);
    let number = app.vouchers.fetch_add(1, Ordering::SeqCst);
    (StatusCode::CREATED, Json(json!({ "code": format!("v{number}") })))
}

async fn redeem(State(app): State<App>) -> StatusCode {
    if app.slow {
        if app.used.load(Ordering::SeqCst) {
            return StatusCode::CONFLICT;
        }
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
        app.used.store(true, Ordering::SeqCst);
        return StatusCode::OK;
    }
    if app.used.swap(true, Ordering::SeqCst) { StatusCode::CONFLICT } else { StatusCode::OK }
}

async fn search(Query(query): Query<Vec<(String, String)>>) -> Html<String> {
    let q = query.iter().find(|(name, _)| name == "q").map_or("", |(_, value)| value.as_str());
    Html(format!("<p>Nothing was found for {}</p>", q.replace('<', "&lt;")))
}

async fn small(app: Small, test: String) -> (Report, App) {
    let app = Arc::new(app);
    let routes = Router::new()
        .route("/", get(async || Html("<a href=\"/search?q=a\">search</a>")))
        .route("/search", get(search))
        .route("/vouchers", post(voucher))
        .route(
            "/vouchers/{code}",
            post(redeem).delete(async |State(app): State<App>, Path(_): Path<String>| {
                app.removed.fetch_add(1, Ordering::SeqCst);
                StatusCode::NO_CONTENT
            }),
        )
        .with_state(Arc::clone(&app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let mut world = world(&["mine"]);
    world.own = own(&[("mine.yaml", test)]);
    let mut facts = Facts::of(&base);
    facts.limits.rate = 2_000;
    let report = run(facts, &world, &Silent).await.unwrap();
    server.abort();
    print(&report);
    (report, app)
}

fn verdict(report: &Report) -> (Verdict, &str) {
    let outcome = report.outcomes.iter().find(|outcome| outcome.test == "mine").unwrap();
    (outcome.verdict, &outcome.says)
}

const HEAD: &str =
    "id: mine\ntitle: Something is wrong\ncontrol: input.queries\ncwe: [1]\nseverity: low\nlevel: active\n";

const RACE: &str = "
prepare:
  - { request: POST /vouchers, expect: { status: 201 }, capture: { code: { json: /code } } }
works:
  - { request: 'GET /search?q=a', expect: { status: 200 } }
attack:
  - { request: 'POST /vouchers/{{code}}', at_once: 5 }
oracle: { status: 200, at_least: 2 }
twin:
  steps:
    - { request: 'POST /vouchers' }
    - { request: 'POST /vouchers/{{code}}', at_once: 5 }
  in_turn: true
clean_up:
  - { request: 'DELETE /vouchers/{{code}}', expect: { status: 204 } }
";

#[tokio::test]
async fn a_voucher_is_redeemed_twice_at_one_moment_and_not_in_turn() {
    // The twin uses the voucher up; the attack begins with a new one.
    let race = RACE.replace("attack:\n", "attack:\n  - { request: POST /vouchers }\n");
    let (report, app) = small(Small { slow: true, ..Small::default() }, format!("{HEAD}{race}")).await;
    let (verdict, says) = verdict(&report);
    assert!(verdict == Verdict::Firm && says.contains("of 5 requests at once"), "{verdict} {says}");
    assert!(app.removed.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn a_voucher_that_is_crossed_out_at_once_is_redeemed_once() {
    let race = RACE.replace("attack:\n", "attack:\n  - { request: POST /vouchers }\n");
    let (report, app) = small(Small::default(), format!("{HEAD}{race}")).await;
    assert_eq!(verdict(&report).0, Verdict::Passed);
    assert_eq!(app.removed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_echo_proves_nothing() {
    let test = "
variables: [{ name: word, value: '{{canary()}}' }]
works: [{ request: 'GET /search?q=a', expect: { status: 200 } }]
attack: [{ request: GET /search, query: { q: '{{word}}' } }]
oracle: { body: '{{word}}' }
";
    let twin = "twin: { steps: [{ request: 'GET /search?q=other' }] }\n";
    let (report, _) = small(Small::default(), format!("{HEAD}{test}{twin}")).await;
    assert_eq!(verdict(&report).0, Verdict::Firm);
    let (report, _) = small(Small::default(), format!("{HEAD}{test}")).await;
    assert_eq!(verdict(&report).0, Verdict::Tentative);
    let alike = "twin: { variables: [{ name: word, value: 'x{{canary()}}' }] }\n";
    let (report, _) = small(Small::default(), format!("{HEAD}{test}{alike}")).await;
    let (verdict_of, says) = verdict(&report);
    assert!(verdict_of == Verdict::Inconclusive && says.contains("twin"), "{verdict_of} {says}");
}

#[tokio::test]
async fn silence_without_a_control_is_no_pass() {
    let quiet = "attack: [{ request: GET /search }]\noracle: { body: nothing like it }\n";
    let (report, _) = small(Small::default(), format!("{HEAD}{quiet}")).await;
    assert_eq!(verdict(&report).0, Verdict::Inconclusive);
    let works = "works: [{ request: GET /search, expect: { status: 200 } }]\n";
    let (report, _) = small(Small::default(), format!("{HEAD}{quiet}{works}")).await;
    assert_eq!(verdict(&report).0, Verdict::Passed);
    let broken = "works: [{ request: GET /search, expect: { status: 418 } }]\n";
    let (report, _) = small(Small::default(), format!("{HEAD}{quiet}{broken}")).await;
    let (verdict_of, says) = verdict(&report);
    assert!(verdict_of == Verdict::Inconclusive && says.contains("the status is 200, not 418"), "{says}");
}

#[tokio::test]
async fn what_it_needs_and_is_not_there_is_said() {
    let rest = "attack: [{ as: boss, request: GET /search }]\noracle: { body: found }\n";
    let people = "needs: { people: { boss: { role: admin } } }\n";
    let (report, _) = small(Small::default(), format!("{HEAD}{people}{rest}")).await;
    let (verdict_of, says) = verdict(&report);
    assert!(verdict_of == Verdict::NotTested && says.contains("role `admin`"), "{says}");
    let operations = "needs: { operations: [GET /nothing] }\n";
    let rest = "attack: [{ request: GET /search }]\noracle: { body: found }\n";
    let (report, _) = small(Small::default(), format!("{HEAD}{operations}{rest}")).await;
    assert!(verdict(&report).1.contains("no operation `GET /nothing`"));
}

#[test]
fn mistakes_are_named_by_place_with_a_way_out() {
    let wrong = |rest: &str| -> Vec<Problem> {
        let mut own = Own::default();
        own.add("probe.d/mine.yaml", &format!("{HEAD}{rest}")).unwrap_err()
    };
    for (rest, line, key, says) in [
        ("attack: [{ request: GET /a }]\noracle: { body: x }\nunknown: 1\n", 9, "", "unknown"),
        ("attack: [{ request: GET /a }]\noracle: {}\n", 8, "oracle", "says nothing"),
        (
            "attack:\n  - request: GET a\noracle: { body: x }\n",
            8,
            "attack[0].request",
            "does not begin with `/`",
        ),
        (
            "attack:\n  - request: GET http://other/\noracle: { body: x }\n",
            8,
            "attack[0].request",
            "another place",
        ),
        (
            "attack:\n  - request: GET /{{id}}\noracle: { body: x }\n",
            8,
            "attack[0].request",
            "`{{id}}` is not known",
        ),
        (
            "attack:\n  - request: GET /{{nobody()}}\noracle: { body: x }\n",
            8,
            "attack[0].request",
            "no function `nobody`",
        ),
        ("attack:\n  - request: DELETE /a\noracle: { body: x }\n", 6, "level", "removes"),
        ("attack: [{ request: GET /a }]\noracle: { json: { id: 1 } }\n", 8, "oracle.json", "no JSON pointer"),
        ("attack: [{ request: GET /a }]\noracle: { status: 2xy }\n", 8, "oracle.status", "no status"),
        ("attack: [{ request: GET /a }]\noracle: { body: { haz: x } }\n", 8, "oracle.body", "an object"),
        (
            "attack: [{ request: GET /a }]\noracle: { body: { matches: '(' } }\n",
            8,
            "oracle.body",
            "no pattern",
        ),
        ("attack: [{ request: GET /a }]\noracle: { step: b, body: x }\n", 8, "oracle.step", "no step"),
        ("attack: [{ request: GET /a }]\noracle: { callback: true }\n", 8, "oracle.callback", "{{callback}}"),
        ("attack: [{ request: GET /a }]\noracle: { differs: true }\n", 8, "oracle.differs", "no twin"),
        ("attack: [{ request: GET /a }]\noracle: { body: x }\ntwin: {}\n", 9, "twin", "itself"),
        (
            "attack: [{ request: GET /a, at_once: 90 }]\noracle: { body: x }\n",
            7,
            "attack[0].at_once",
            "between",
        ),
        (
            "attack: [{ request: GET /a, json: 1, form: { a: b } }]\noracle: { body: x }\n",
            7,
            "attack[0]",
            "more than one body",
        ),
        (
            "attack: [{ request: GET /a, capture: { x: { json: /a, header: b } } }]\noracle: { body: x }\n",
            7,
            "attack[0].capture.x",
            "exactly one",
        ),
    ] {
        let problems = wrong(rest);
        let found = problems.iter().find(|problem| problem.key == key && problem.to_string().contains(says));
        let found = found.unwrap_or_else(|| panic!("{rest}: {problems:?}"));
        assert_eq!(found.line, Some(line), "{found}");
        assert!(found.to_string().contains("; hint: "), "{found}");
    }
    let mut twice = Own::default();
    let good = format!("{HEAD}attack: [{{ request: GET /a }}]\noracle: {{ body: x }}\n");
    twice.add("a.yaml", &good).unwrap();
    assert!(twice.add("b.yaml", &good).unwrap_err().iter().any(|one| one.says.contains("`a.yaml`")));
    let built_in = good.replace("id: mine", "id: headers");
    assert!(twice.add("c.yaml", &built_in).unwrap_err().iter().any(|one| one.says.contains("built in")));
    assert!(twice.add("d.yaml", &"a".repeat(1 << 20)).is_err());
    assert!(twice.add("e.yaml", &format!("a: {}", "[".repeat(100_000))).is_err());
}

#[test]
fn the_committed_schema_is_that_of_the_form() {
    let written = serde_json::to_string_pretty(&gabion_probe::own::form::schema()).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/probe-test.schema.json");
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    println!("SCHEMA\n{written}\nSCHEMA");
    assert!(committed == format!("{written}\n"), "`cargo xtask codegen` writes it");
}
