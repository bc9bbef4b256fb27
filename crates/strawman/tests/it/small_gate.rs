//! The whole list against a gate in front of the vulnerable application: the smallest there can be. It signs
//! people in, lets the declared routes through and says who calls; that alone must close what it closes, and
//! leave every feature working.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use gabion_model::{Clock, SystemClock};
use gabion_strawman::{Identity, Options, Target, Verdict, accounts, serve};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jwt::{Jwks, SigningKey};
use http::{HeaderMap, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::exploits::outcomes;
use crate::routes::{Access, access};

/// Closed by a login, a list of routes and a genuine assertion, and by nothing else.
const CLOSED: &[&str] = &["missing-login", "forged-identity", "weak-session-cookie", "user-enumeration"];

#[tokio::test]
async fn a_gate_that_only_signs_people_in_closes_what_hangs_on_the_login_and_every_twin_works() {
    let expected = |id: &str| if CLOSED.contains(&id) { Verdict::Closed } else { Verdict::Open };
    behind_the_gate(Options::vulnerable(), expected).await;
}

/// The small gate counts no wrong passwords, and the repaired application has no login to count them at.
#[tokio::test]
async fn the_repaired_application_is_closed_behind_a_gate_and_every_twin_works() {
    let expected = |id: &str| if id == "login-rate" { Verdict::Open } else { Verdict::Closed };
    behind_the_gate(Options::repaired(), expected).await;
}

async fn behind_the_gate(options: Options, expected: impl Fn(&str) -> Verdict) {
    let key = Arc::new(SigningKey::generate().unwrap());
    let identity = Identity::Gate {
        jwks: serde_json::to_string(&Jwks::of([&*key])).unwrap(),
        issuer: "small gate".to_owned(),
        audience: "app".to_owned(),
    };
    let app = serve(Options { identity, ..options }).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let gate = Gate { upstream: app.address(), key, tickets: Arc::default() };
    let router = Router::new()
        .route("/.gabion/login", post(sign_in))
        .route("/.gabion/logout", post(sign_out))
        .fallback(forward)
        .with_state(gate);
    let task = tokio::spawn(async move { axum::serve(listener, router).await });

    let outcomes = outcomes(Target::Gate { base, accounts: accounts() }).await;
    task.abort();
    let wrong: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict() != expected(&outcome.hole.id) || !outcome.twin_works)
        .map(|outcome| format!("{}\n{}", outcome.hole.id, outcome.evidence))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    app.shutdown().await;
}

#[derive(Clone)]
struct Gate {
    upstream: SocketAddr,
    key: Arc<SigningKey>,
    tickets: Arc<Mutex<HashMap<String, String>>>,
}

impl Gate {
    fn name(&self, headers: &HeaderMap) -> Option<String> {
        let cookie = headers.get(header::COOKIE)?.to_str().ok()?;
        self.tickets.lock().unwrap().get(cookie.strip_prefix("gabion-dev=")?).cloned()
    }

    fn assertion(&self, name: &str) -> String {
        let now = SystemClock.now().as_secs();
        let claims = json!({ "iss": "small gate", "aud": "app", "iat": now, "exp": now + 60, "name": name });
        self.key.sign("gabion-identity+jwt", &claims).unwrap()
    }
}

async fn sign_in(State(gate): State<Gate>, Form(form): Form<HashMap<String, String>>) -> Response {
    let right = accounts().into_iter().any(|account| {
        form.get("name") == Some(&account.name) && form.get("password") == Some(&account.password)
    });
    if !right {
        return (StatusCode::UNAUTHORIZED, "name or password is wrong").into_response();
    }
    let ticket = base64url_encode(&gabion_model::random::bytes::<32>(&gabion_vault::SystemRng::new()));
    gate.tickets.lock().unwrap().insert(ticket.clone(), form["name"].clone());
    let cookie = format!("gabion-dev={ticket}; Path=/; HttpOnly; SameSite=Lax");
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())])
        .into_response()
}

async fn sign_out(State(gate): State<Gate>, headers: HeaderMap) -> StatusCode {
    let cookie = headers[header::COOKIE].to_str().unwrap().replace("gabion-dev=", "");
    gate.tickets.lock().unwrap().remove(&cookie);
    StatusCode::SEE_OTHER
}

async fn forward(State(gate): State<Gate>, mut request: Request) -> Response {
    let name = gate.name(request.headers());
    match access(request.uri().path()) {
        None => return StatusCode::FORBIDDEN.into_response(),
        Some(Access::SignedIn) if name.is_none() && request.method() != http::Method::OPTIONS => {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        Some(_) => {}
    }
    request.headers_mut().remove("gabion-identity");
    request.headers_mut().remove(header::COOKIE);
    if let Some(name) = name {
        request.headers_mut().insert("gabion-identity", gate.assertion(&name).parse().unwrap());
    }
    pass(gate.upstream, request).await
}

#[expect(clippy::disallowed_methods, reason = "the small gate's connection to its upstream")]
async fn pass(upstream: SocketAddr, mut request: Request) -> Response {
    let io = TokioIo::new(TcpStream::connect(upstream).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let downstream = hyper::upgrade::on(&mut request);
    let mut response = sender.send_request(request).await.unwrap();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let upstream = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            let (mut down, mut up) =
                (TokioIo::new(downstream.await.unwrap()), TokioIo::new(upstream.await.unwrap()));
            let _ = tokio::io::copy_bidirectional(&mut down, &mut up).await;
        });
    }
    response.map(Body::new)
}
