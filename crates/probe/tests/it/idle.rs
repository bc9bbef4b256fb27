//! Sessions that nobody uses, and tokens past their end: against applications that end them, that do not, and that end all at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_model::{Clock, Period, SystemClock, Timestamp};
use gabion_probe::{Facts, Report, Verdict, run};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::hmac_sha256;
use serde_json::{Value, json};

use crate::club::{passed, sure};
use crate::ground::{Silent, print, world};

/// A clock on which a second is as long as twenty.
#[derive(Debug)]
struct Fast(i64);

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        let passed = SystemClock.now().as_micros().saturating_sub(self.0);
        Timestamp::from_micros(self.0 + passed * 20)
    }
}

struct Club {
    holes: &'static [&'static str],
    /// Whether anybody may register.
    open: bool,
    clock: Arc<Fast>,
    passwords: Mutex<BTreeMap<String, String>>,
    /// By number: when it began and when it was used last.
    sessions: Mutex<Vec<(i64, i64)>>,
}

/// In seconds of that clock.
const IDLE: i64 = 100;
const TOKEN: i64 = 60;

impl Club {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    fn now(&self) -> i64 {
        self.clock.now().as_secs()
    }

    /// Claims of a token of ours that is good, by its own end and by the session's.
    fn who(&self, headers: &HeaderMap) -> Option<String> {
        let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
        let (signed, signature) = token.rsplit_once('.')?;
        if base64url_decode(signature).ok()? != hmac_sha256(KEY, signed.as_bytes()) {
            return None;
        }
        let claims: Value =
            serde_json::from_slice(&base64url_decode(signed.split_once('.')?.1).ok()?).ok()?;
        let now = self.now();
        if claims.get("exp").and_then(Value::as_i64).is_some_and(|end| end <= now) && !self.has("expired") {
            return None;
        }
        let mut sessions = self.sessions.lock().unwrap();
        let (began, last) = sessions.get_mut(usize::try_from(claims["sid"].as_u64()?).ok()?)?;
        if now - *last >= IDLE && !self.has("idle") || now - *began >= IDLE && self.has("age") {
            return None;
        }
        *last = now;
        claims["sub"].as_str().map(str::to_owned)
    }
}

const KEY: &[u8] = b"w2Yl0pB7Zr8QnG4tVb1KcXs9HdJ6mFaE";

async fn login(State(club): State<Arc<Club>>, Json(body): Json<Value>) -> Result<Json<Value>, StatusCode> {
    let name = body["username"].as_str().unwrap_or_default();
    if club.passwords.lock().unwrap().get(name).is_none_or(|own| body["password"] != *own) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let now = club.now();
    let mut sessions = club.sessions.lock().unwrap();
    sessions.push((now, now));
    let mut claims = json!({ "sub": name, "sid": sessions.len() - 1 });
    if club.has("tokens") {
        claims["exp"] = json!(now + TOKEN);
    }
    let part = |value: &Value| base64url_encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(&claims));
    let token = format!("{signed}.{}", base64url_encode(&hmac_sha256(KEY, signed.as_bytes())));
    Ok(Json(json!({ "token": token })))
}

async fn register(State(club): State<Arc<Club>>, Json(body): Json<Value>) -> StatusCode {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let mut passwords = club.passwords.lock().unwrap();
    if !club.open || passwords.contains_key(&text("username")) {
        return StatusCode::FORBIDDEN;
    }
    passwords.insert(text("username"), text("password"));
    StatusCode::CREATED
}

async fn me(State(club): State<Arc<Club>>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let name = club.who(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(json!({ "username": name })))
}

fn document() -> Value {
    let text = json!({ "type": "string" });
    let schema = json!({ "type": "object", "properties": { "username": text, "password": text } });
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {
        "/login": { "post": { "requestBody": body, "responses": {} } },
        "/register": { "post": { "requestBody": body, "responses": {} } },
        "/me": { "get": { "responses": {} } },
    } })
}

async fn probe(holes: &'static [&'static str], open: bool, known: impl FnOnce(&mut Facts)) -> Report {
    let clock = Arc::new(Fast(SystemClock.now().as_micros()));
    let passwords = ["alice", "bob"].map(|name| (name.to_owned(), format!("{name}-Harbour-41")));
    let passwords = Mutex::new(BTreeMap::from(passwords));
    let club = Club { holes, open, clock: Arc::clone(&clock), passwords, sessions: Mutex::default() };
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/login", post(login))
        .route("/register", post(register))
        .route("/me", get(me))
        .with_state(Arc::new(club));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut facts = ["alice", "bob"]
        .iter()
        .fold(Facts::of(&base), |facts, name| facts.with(name, &format!("{name}-Harbour-41")));
    facts.limits.rate = 2_000;
    facts.accounts.idle = Some(Period::from_secs(100));
    known(&mut facts);
    let mut world = world(&["session-timeout"]);
    world.clock = clock;
    let report = run(facts, &world, &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn says(report: &Report, verdict: Verdict, aspect: &str, words: &str) -> bool {
    report
        .outcomes
        .iter()
        .any(|one| one.verdict == verdict && one.aspect == aspect && one.says.contains(words))
}

#[tokio::test]
async fn sessions_that_nobody_uses_are_over_or_proven_to_go_on() {
    // Of accounts that the probe makes, and of people where it cannot.
    for open in [true, false] {
        let (whole, hole, age) = tokio::join!(
            probe(&[], open, |_| {}),
            probe(&["idle"], open, |_| {}),
            probe(&["age"], open, |_| {})
        );
        assert_eq!((sure(&whole), passed(&whole, "session-timeout")), (Vec::new(), vec!["idle".to_owned()]));
        assert_eq!(sure(&hole), ["session-timeout idle"]);
        // All end together, the one that was used, too: that is no sign that anybody looks at use.
        assert_eq!(sure(&age), [""; 0]);
        assert!(says(&age, Verdict::Inconclusive, "idle", "both sessions are over"));
    }
}

#[tokio::test]
async fn what_the_runs_time_does_not_allow_is_not_tested() {
    let undeclared = probe(&["idle"], false, |facts| facts.accounts.idle = None).await;
    assert!(says(&undeclared, Verdict::NotTested, "", "no idle time is declared"));
    let long = probe(&["idle"], false, |facts| facts.accounts.idle = Some(Period::from_secs(86_400))).await;
    assert!(says(&long, Verdict::NotTested, "idle", "longer than what is left"));
    assert_eq!([sure(&undeclared), sure(&long)], [[""; 0]; 2]);
}

#[tokio::test]
async fn tokens_that_run_out_on_the_way_open_nothing_or_are_proven_to() {
    let (whole, hole) =
        tokio::join!(probe(&["tokens"], false, |_| {}), probe(&["tokens", "expired", "idle"], false, |_| {}));
    assert_eq!(sure(&whole), [""; 0]);
    assert!(passed(&whole, "session-timeout").contains(&"expired".to_owned()));
    assert_eq!(sure(&hole), ["session-timeout expired", "session-timeout idle"]);
}
