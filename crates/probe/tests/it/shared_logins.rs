//! People from a file in the form of Web Fuzzing Commons sign in as it says.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use gabion_probe::wire::Request;
use gabion_probe::{Facts, enter, shared_logins};
use serde_json::{Value, json};

use crate::ground::{Silent, world};

/// Tells who is signed in, by a cookie, a token of the body, a token of the head, or a fixed header.
async fn application() -> (String, tokio::task::JoinHandle<()>) {
    let routes = Router::new()
        .route("/", get(async || Html("<h1>Hello</h1>")))
        .route(
            "/login",
            post(async |Json(body): Json<Value>| {
                if body["pass"] != "right" {
                    return StatusCode::UNAUTHORIZED.into_response();
                }
                let user = body["user"].as_str().unwrap_or_default().to_owned();
                (
                    [(header::SET_COOKIE, format!("sid={user}; Path=/")), (header::AGE, "1".to_owned())],
                    [("x-token", format!("head-{user}"))],
                    Json(json!({ "token": { "auth": format!("body-{user}") } })),
                )
                    .into_response()
            }),
        )
        .route(
            "/session",
            post(async |headers: HeaderMap, Form(form): Form<Vec<(String, String)>>| {
                let known =
                    headers.contains_key("x-client") && form.iter().any(|(_, value)| value == "right");
                if known {
                    [("x-token", "from-the-form")].into_response()
                } else {
                    StatusCode::FORBIDDEN.into_response()
                }
            }),
        )
        .route(
            "/me",
            get(async |headers: HeaderMap| {
                let field = |name: &str| {
                    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
                };
                format!("{} {} {}", field("authorization"), field("x-auth"), field("cookie"))
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (base, tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }))
}

const PEOPLE: &str = r#"
auth:
  - name: fixed
    fixedHeaders: [{ name: Authorization, value: of fixed }]
  - name: raw
    loginEndpointAuth: { endpoint: /login, verb: POST, payloadRaw: '{"user": "raw", "pass": "right"}', expectCookies: true }
  - name: token
    loginEndpointAuth:
      endpoint: /login
      verb: POST
      payloadUserPwd: { username: tim, password: right, usernameField: user, passwordField: pass }
      token: { extractFromField: /token/auth, httpHeaderName: X-Auth, headerPrefix: "T " }
  - name: form
    loginEndpointAuth:
      endpoint: /session
      verb: POST
      contentType: application/x-www-form-urlencoded
      headers: [{ name: X-Client, value: probe }]
      payloadUserPwd: { username: fay, password: right, usernameField: user, passwordField: pass }
      token: { extractFrom: header, extractSelector: X-Token, sendName: X-Auth, sendTemplate: "{token}!" }
  - name: wrong
    loginEndpointAuth:
      endpoint: /login
      verb: POST
      payloadUserPwd: { username: tim, password: other, usernameField: user, passwordField: pass }
      expectCookies: true
"#;

#[tokio::test]
async fn every_shape_signs_in() {
    let (base, server) = application().await;
    let mut facts = Facts::of(&base);
    facts.limits.rate = 2_000;
    facts.add_people(shared_logins::read(PEOPLE).unwrap());
    facts.check().unwrap();
    let field = enter(facts, &world(&["none"]), &Silent).await.unwrap();
    let mut seen = Vec::new();
    for who in 1..field.people.len() {
        seen.push(field.request(who, &Request::get("/me")).await.unwrap().text());
    }
    server.abort();
    assert_eq!(seen, ["of fixed  ", "  sid=raw", " T body-tim sid=tim", " from-the-form! ", "  "]);
    assert!(field.people[5].trouble.as_deref().unwrap_or_default().contains("401"));
    // Where no other password can be put in, none is tried.
    assert!(field.people[2].way.is_none() && field.people[3].way.is_some());
}
