//! An authorization server that gives codes and tokens. Each hole has a name; without any it is whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::facts::OAuth;
use gabion_probe::{Facts, Report};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256_of;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::club::{attack, passed, sure};

const REDIRECT: &str = "http://127.0.0.1:9999/callback";

type Fields = BTreeMap<String, String>;

#[derive(Clone)]
struct Server {
    holes: &'static [&'static str],
    /// By code: what was asked for.
    codes: Arc<Mutex<BTreeMap<String, Fields>>>,
}

impl Server {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    fn is_registered(&self, redirect: &str) -> bool {
        redirect == REDIRECT || self.has("prefix") && redirect.starts_with(REDIRECT) || self.has("any")
    }

    /// Sends a code.
    fn give(&self, asked: &Fields) -> Response {
        let field = |name: &str| asked.get(name).map_or("", String::as_str);
        let mut codes = self.codes.lock().unwrap();
        let random = (codes.len() as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let code = format!("c{random:016x}");
        codes.insert(code.clone(), asked.clone());
        let state = if self.has("state") { "none" } else { field("state") };
        let state = utf8_percent_encode(state, NON_ALPHANUMERIC);
        let redirect = field("redirect_uri");
        let sign = if redirect.contains('?') { '&' } else { '?' };
        (StatusCode::FOUND, [(header::LOCATION, format!("{redirect}{sign}code={code}&state={state}"))])
            .into_response()
    }
}

fn signed_in(headers: &HeaderMap) -> bool {
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    cookie.contains("who=alice") || cookie.contains("who=bob")
}

async fn authorize(
    State(server): State<Server>,
    headers: HeaderMap,
    Query(asked): Query<Fields>,
) -> Response {
    let field = |name: &str| asked.get(name).map_or("", String::as_str);
    if !signed_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let method = field("code_challenge_method");
    let challenged = method == "S256"
        || method == "plain" && server.has("plain")
        || server.has("no-pkce") && method.is_empty();
    if field("client_id") != "probe" || !server.is_registered(field("redirect_uri")) || !challenged {
        return StatusCode::BAD_REQUEST.into_response();
    }
    if server.has("consent") {
        let hidden = asked.iter().map(|(name, value)| {
            format!(
                "<input type=hidden name=\"{name}\" value=\"{}\">",
                value.replace('&', "&amp;").replace('"', "&quot;")
            )
        });
        let hidden: String = hidden.collect();
        return Html(format!("<form method=post action=/agree>{hidden}<button name=decision value=deny>No</button><button name=decision value=allow>Yes</button></form>")).into_response();
    }
    server.give(&asked)
}

async fn agree(State(server): State<Server>, headers: HeaderMap, Form(asked): Form<Fields>) -> Response {
    if !signed_in(&headers) || asked.get("decision").map(String::as_str) != Some("allow") {
        return StatusCode::FORBIDDEN.into_response();
    }
    server.give(&asked)
}

async fn token(State(server): State<Server>, Form(sent): Form<Fields>) -> Result<Json<Value>, StatusCode> {
    let field = |name: &str| sent.get(name).cloned().unwrap_or_default();
    let mut codes = server.codes.lock().unwrap();
    let asked = codes.get(&field("code")).cloned().ok_or(StatusCode::BAD_REQUEST)?;
    if !server.has("replay") {
        codes.remove(&field("code"));
    }
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let same = field("client_id") == of("client_id") || server.has("client");
    let verifier = field("code_verifier");
    let right = match of("code_challenge_method").as_str() {
        "S256" => base64url_encode(&sha256_of(&[verifier.as_bytes()])) == of("code_challenge"),
        "plain" => verifier == of("code_challenge"),
        _ => true,
    };
    if !same || field("redirect_uri") != of("redirect_uri") || !right && !server.has("verifier") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let scope = if server.has("scope") { of("scope") } else { "profile".to_owned() };
    Ok(Json(
        json!({ "access_token": format!("token-for-{}", field("code")), "token_type": "Bearer", "scope": scope }),
    ))
}

async fn login(Json(body): Json<Value>) -> Response {
    let name = body["username"].as_str().unwrap_or_default();
    if !["alice", "bob"].contains(&name) || body["password"] != format!("{name}-Harbour-41") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    ([(header::SET_COOKIE, format!("who={name}"))], "welcome").into_response()
}

async fn probe(holes: &'static [&'static str]) -> Report {
    let server = Server { holes, codes: Arc::default() };
    let fields = json!({ "username": { "type": "string" }, "password": { "type": "string" } });
    let body = json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } });
    let document = json!({ "openapi": "3.0.0", "paths": { "/login": { "post": { "requestBody": body, "responses": { "200": { "description": "" } } } } } });
    let metadata =
        json!({ "issuer": "x", "authorization_endpoint": "/authorize", "token_endpoint": "/token" });
    let router = Router::new()
        .route("/openapi.json", get(|| async move { Json(document) }))
        .route("/.well-known/oauth-authorization-server", get(|| async move { Json(metadata) }))
        .route("/login", post(login))
        .route("/authorize", get(authorize))
        .route("/agree", post(agree))
        .route("/token", post(token))
        .with_state(server);
    let known = |mut facts: Facts| {
        facts.oauth = Some(OAuth {
            client: "probe".to_owned(),
            secret: None,
            redirect: REDIRECT.to_owned(),
            scope: Some("profile".to_owned()),
            identity: "alice".to_owned(),
            authorize: None,
            token: None,
            other: Some("other".to_owned()),
        });
        facts
    };
    attack(router, &["oauth"], known).await
}

#[tokio::test]
async fn codes_and_tokens_go_to_whom_they_belong_or_it_is_proven() {
    let all = ["client", "no-pkce", "plain", "redirect", "replay", "scope", "state", "verifier"];
    for whole in [&[] as &'static [&'static str], &["consent"]] {
        let report = probe(whole).await;
        assert_eq!(sure(&report), [""; 0]);
        assert_eq!(passed(&report, "oauth"), all, "{whole:?}");
    }
    for (holes, found) in [
        (&["client"] as &'static [&'static str], "client"),
        (&["no-pkce"], "no-pkce"),
        (&["plain"], "plain"),
        (&["any"], "redirect"),
        (&["prefix"], "redirect"),
        (&["any", "consent"], "redirect"),
        (&["replay"], "replay"),
        (&["scope"], "scope"),
        (&["state"], "state"),
        (&["verifier"], "verifier"),
    ] {
        assert_eq!(sure(&probe(holes).await), [format!("oauth {found}")], "{holes:?}");
    }
}
