//! A vault: tokens that end and are renewed, a second factor, and a key of a machine. Each hole has a name; without any it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_model::{Clock as _, Period, Secret, SystemClock};
use gabion_probe::facts::{Identity, Login, Second, Text};
use gabion_probe::{Facts, Report};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::{hmac_sha1, hmac_sha256};
use serde_json::{Value, json};

use crate::club::{attack, passed, sure};

/// In Base32: `GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ`.
const SECRET: &[u8] = b"12345678901234567890";
const KEY: &str = "robot-9f3a7c51e2d84b60x";

/// Codes of somebody who lost the device.
const RECOVERY: [&str; 3] = ["rc-4417-8820", "rc-9920-1174", "rc-3081-5527"];

#[derive(Default)]
struct Data {
    /// Ids of sessions by name, the oldest first.
    sessions: BTreeMap<String, Vec<u64>>,
    /// Refresh tokens and whose they are.
    refresh: BTreeMap<String, String>,
    /// Codes for a lost device that were taken.
    recovered: BTreeSet<String>,
    /// Steps of codes that were taken.
    codes: BTreeSet<i64>,
    wrong: usize,
    counter: u64,
}

#[derive(Clone)]
struct Vault {
    holes: &'static [&'static str],
    data: Arc<Mutex<Data>>,
}

type Answered = Result<Json<Value>, StatusCode>;

fn code(step: i64) -> String {
    let sum = hmac_sha1(SECRET, &u64::try_from(step).unwrap().to_be_bytes());
    let at = usize::from(sum[19] & 15);
    let word = u32::from_be_bytes(sum[at..at + 4].try_into().unwrap()) & 0x7FFF_FFFF;
    format!("{:06}", word % 1_000_000)
}

impl Vault {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    /// What signs somebody in.
    fn tokens(&self, name: &str) -> Value {
        let mut data = self.data.lock().unwrap();
        data.counter += 1;
        let id = data.counter;
        let own = data.sessions.entry(name.to_owned()).or_default();
        own.push(id);
        if own.len() > 3 && name == "alice" && !self.has("many") {
            own.remove(0);
        }
        let now = SystemClock.now().as_secs();
        let mut claims = json!({ "sub": name, "sid": id, "iat": now });
        if !self.has("never") {
            claims["exp"] = json!(now + if self.has("long") { 40_000 } else { 900 });
        }
        let refresh = format!("r{:032x}", id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        data.refresh.insert(refresh.clone(), name.to_owned());
        let signed = format!(
            "{}.{}",
            base64url_encode(br#"{"alg":"HS256"}"#),
            base64url_encode(claims.to_string().as_bytes())
        );
        let signature = hmac_sha256(b"w2Yl0pB7Zr8QnG4tVb1KcXs9HdJ6mFaE", signed.as_bytes());
        json!({ "access_token": format!("{signed}.{}", base64url_encode(&signature)), "refresh_token": refresh })
    }

    fn who(&self, headers: &HeaderMap, query: &BTreeMap<String, String>) -> Option<String> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let key = text("x-api-key");
        let same = key == KEY
            || self.has("truncated") && !key.is_empty() && KEY.starts_with(key)
            || self.has("case") && key.eq_ignore_ascii_case(KEY);
        if same {
            return Some("robot".to_owned());
        }
        let own = query.get("access_token").filter(|_| self.has("url"));
        let token = own.map_or_else(
            || text("authorization").strip_prefix("Bearer ").unwrap_or_default(),
            String::as_str,
        );
        let data = self.data.lock().unwrap();
        if let Some(name) = data.refresh.get(token).filter(|_| self.has("confused")) {
            return Some(name.clone());
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let right = hmac_sha256(b"w2Yl0pB7Zr8QnG4tVb1KcXs9HdJ6mFaE", signed.as_bytes());
        let claims: Value =
            serde_json::from_slice(&base64url_decode(signed.split_once('.')?.1).ok()?).ok()?;
        let name = claims["sub"].as_str()?;
        let half = claims["sid"].as_u64()? == 0 && !self.has("half");
        let there =
            claims["sid"].as_u64()? == 0 || data.sessions.get(name)?.contains(&claims["sid"].as_u64()?);
        (base64url_decode(signature).ok()? == right && there && !half).then(|| name.to_owned())
    }

    /// Whether a code is right now.
    fn takes(&self, given: &str) -> Result<(), StatusCode> {
        let mut data = self.data.lock().unwrap();
        let lost = given.starts_with("rc-");
        let unlimited = if lost { self.has("recovery-rate") } else { self.has("rate") };
        if data.wrong > 12 && !unlimited {
            return Err(StatusCode::TOO_MANY_REQUESTS);
        }
        // The first one was used long ago.
        if RECOVERY.iter().skip(1).any(|code| *code == given) {
            let first = data.recovered.insert(given.to_owned());
            return if first || self.has("recovery") { Ok(()) } else { Err(StatusCode::UNAUTHORIZED) };
        }
        let now = SystemClock.now().as_secs() / 30;
        let wide = if self.has("window") { 20 } else { 1 };
        let step = (now - wide..=now + wide).find(|step| code(*step) == given);
        match step {
            Some(step) if data.codes.insert(step) || self.has("replay") => Ok(()),
            _ if self.has("ignored") && !given.is_empty() => Ok(()),
            _ => {
                data.wrong += 1;
                Err(StatusCode::UNAUTHORIZED)
            }
        }
    }
}

async fn login(State(vault): State<Vault>, Json(body): Json<Value>) -> Answered {
    let name = body["username"].as_str().unwrap_or_default();
    if !["alice", "bob"].contains(&name) || body["password"] != format!("{name}-Harbour-41") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let given = body["code"].as_str().unwrap_or_default();
    if name == "bob" && !(vault.has("skipped") && given.is_empty()) {
        vault.takes(given)?;
    }
    Ok(Json(vault.tokens(name)))
}

/// The password first: the token it gives is good for the code alone.
async fn first(State(vault): State<Vault>, Json(body): Json<Value>) -> Answered {
    let name = body["username"].as_str().unwrap_or_default();
    if !["alice", "bob"].contains(&name) || body["password"] != format!("{name}-Harbour-41") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if name == "alice" {
        return Ok(Json(vault.tokens(name)));
    }
    let claims = json!({ "sub": name, "sid": 0 });
    let signed = format!(
        "{}.{}",
        base64url_encode(br#"{"alg":"HS256"}"#),
        base64url_encode(claims.to_string().as_bytes())
    );
    let signature = hmac_sha256(b"w2Yl0pB7Zr8QnG4tVb1KcXs9HdJ6mFaE", signed.as_bytes());
    Ok(Json(json!({ "access_token": format!("{signed}.{}", base64url_encode(&signature)) })))
}

async fn second(State(vault): State<Vault>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let claims = token.split('.').nth(1).and_then(|part| base64url_decode(part).ok()).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    vault.takes(body["code"].as_str().unwrap_or_default())?;
    Ok(Json(vault.tokens(claims["sub"].as_str().unwrap_or_default())))
}

async fn renew(State(vault): State<Vault>, Json(body): Json<Value>) -> Answered {
    let token = body["refresh_token"].as_str().unwrap_or_default();
    let name = {
        let mut data = vault.data.lock().unwrap();
        let name = data.refresh.get(token).cloned().ok_or(StatusCode::UNAUTHORIZED)?;
        if !vault.has("reuse") {
            data.refresh.remove(token);
        }
        name
    };
    Ok(Json(vault.tokens(&name)))
}

async fn me(
    State(vault): State<Vault>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answered {
    let name = vault.who(&headers, &query).ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(json!({ "username": name })))
}

fn document() -> Value {
    let body = |names: &[&str]| {
        let fields: BTreeMap<&str, Value> =
            names.iter().map(|name| (*name, json!({ "type": "string" }))).collect();
        json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } })
    };
    let ok = json!({ "200": { "description": "" } });
    json!({ "openapi": "3.0.0", "paths": {
        "/login": { "post": { "requestBody": body(&["username", "password", "code"]), "responses": ok } },
        "/token/refresh": { "post": { "requestBody": body(&["refresh_token"]), "responses": ok } },
        "/me": { "get": { "responses": ok } },
    } })
}

const OURS: &[&str] = &["api-key", "mfa", "session-concurrency", "token-lifetime"];

async fn probe(holes: &'static [&'static str]) -> Report {
    let vault = Vault { holes, data: Arc::default() };
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/login", post(login))
        .route("/first", post(first))
        .route("/second", post(second))
        .route("/token/refresh", post(renew))
        .route("/me", get(me))
        .with_state(vault);
    let known = |mut facts: Facts| {
        let plain = |text: &str| Text::Plain(Secret::new(text.to_owned()));
        let bob = facts.identities.last_mut().unwrap();
        bob.totp = Some(plain("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        bob.recovery = RECOVERY.iter().map(|code| plain(code)).collect();
        facts.identities.push(Identity {
            name: "robot".to_owned(),
            user: None,
            password: None,
            token: None,
            headers: BTreeMap::from([("X-API-Key".to_owned(), plain(KEY))]),
            totp: None,
            recovery: Vec::new(),
            role: None,
            tenant: None,
            login: None,
        });
        let two = holes.contains(&"half") || holes.contains(&"two");
        let credentials = json!({ "username": "{user}", "password": "{password}" });
        let second = Second {
            operation: "POST /second".to_owned(),
            form: BTreeMap::new(),
            json: Some(json!({ "code": "{totp}" })),
        };
        facts.login = Some(Login {
            operation: if two { "POST /first" } else { "POST /login" }.to_owned(),
            json: Some(if two {
                credentials
            } else {
                json!({ "username": "{user}", "password": "{password}", "code": "{totp}" })
            }),
            token: Some("/access_token".to_owned()),
            second: two.then(|| Box::new(second)),
            ..Login::default()
        });
        facts.accounts.sessions = Some(3);
        facts.accounts.token = Some(Period::from_secs(3600));
        facts
    };
    attack(router, OURS, known).await
}

#[tokio::test]
async fn a_vault_without_holes_passes_every_test_of_tokens_and_factors() {
    let report = probe(&[]).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "api-key"), ["case", "changed", "longer", "truncated", "url"]);
    assert_eq!(
        passed(&report, "mfa"),
        ["ignored", "rate", "recovery", "recovery-rate", "replay", "skipped", "window"]
    );
    assert_eq!(passed(&report, "session-concurrency"), [""]);
    assert_eq!(passed(&report, "token-lifetime"), ["confused", "long", "reuse"]);
    assert_eq!(sure(&probe(&["two"]).await), [""; 0]);
}

#[tokio::test]
async fn each_hole_of_a_vault_is_found_and_nothing_else() {
    for (holes, found) in [
        (&["case"], "api-key case"),
        (&["truncated"], "api-key truncated"),
        (&["url"], "api-key url"),
        (&["half"], "mfa skipped"),
        (&["ignored"], "mfa ignored"),
        (&["rate"], "mfa rate"),
        (&["recovery"], "mfa recovery"),
        (&["recovery-rate"], "mfa recovery-rate"),
        (&["replay"], "mfa replay"),
        (&["skipped"], "mfa skipped"),
        (&["window"], "mfa window"),
        (&["many"], "session-concurrency "),
        (&["confused"], "token-lifetime confused"),
        (&["long"], "token-lifetime long"),
        (&["never"], "token-lifetime never"),
        (&["reuse"], "token-lifetime reuse"),
    ] as [(&'static [&'static str], &str); 16]
    {
        assert_eq!(sure(&probe(holes).await), [found], "{holes:?}");
    }
}
