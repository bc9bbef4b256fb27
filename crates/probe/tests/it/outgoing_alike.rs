//! What goes out and is kept, in classes that the straw man lacks: small servers with a hole each, and one that only looks like it.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use gabion_egress::{Dial as _, TcpDial};
use gabion_model::Secret;
use gabion_probe::facts::{Identity, Text};
use gabion_probe::{Facts, Report, Verdict, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::ground::{Silent, assert_proven, assert_quiet, print, world};

type Values = Query<BTreeMap<String, String>>;

/// Somebody whom a cookie signs in, at a server.
async fn probed(router: Router, only: &[&str]) -> Report {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut facts = Facts::of(&base);
    facts.identities.push(Identity {
        name: "alice".to_owned(),
        user: None,
        password: None,
        token: None,
        headers: BTreeMap::from([("Cookie".to_owned(), Text::Plain(Secret::new("sid=1".to_owned())))]),
        totp: None,
        recovery: Vec::new(),
        role: None,
        tenant: None,
        login: None,
    });
    let report = run(facts, &world(only), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn value(values: &Values, name: &str) -> String {
    values.get(name).cloned().unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn page(links: &'static str) -> Html<String> {
    Html(format!("<!doctype html><title>Home</title>{links}"))
}

fn is_alice(headers: &HeaderMap) -> bool {
    headers.get(header::COOKIE).is_some_and(|value| value.as_bytes().starts_with(b"sid=1"))
}

/// Fetches from loopback alone, by whatever name.
async fn fetched(url: &str) -> Option<String> {
    let (authority, path) = url.strip_prefix("http://")?.split_once('/')?;
    let port: u16 = authority.rsplit(':').next()?.parse().ok()?;
    let mut stream = TcpDial.dial(([127, 0, 0, 1], port).into()).await.ok()?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_list_of_forbidden_hosts_is_got_around() {
    let preview = async |values: Values| {
        let url = value(&values, "url");
        if url.contains("127.0.0.1") {
            return (StatusCode::FORBIDDEN, "Not inside.").into_response();
        }
        match fetched(&url).await {
            // It is fetched, and nothing of it is shown.
            Some(_) => "seen".into_response(),
            None => (StatusCode::BAD_GATEWAY, "That page does not answer.").into_response(),
        }
    };
    let home = async || page("<form action=\"/preview\"><input name=\"url\"></form>");
    let report = probed(Router::new().route("/", get(home)).route("/preview", get(preview)), &["ssrf"]).await;
    assert_proven(&report, &[("ssrf", "GET /preview", "")]);
    assert!(report.findings[0].outcome.says.contains("a list of hosts misses it"));
}

#[tokio::test]
async fn what_is_fetched_behind_the_answer_is_met_too() {
    // Each request is looked at when the next one comes.
    static WAITING: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
    let later = async |values: Values| {
        let before = std::mem::replace(&mut *WAITING.lock().unwrap(), value(&values, "feed"));
        fetched(&before).await;
        (StatusCode::ACCEPTED, "We will look at it.")
    };
    let home = async || page("<form action=\"/subscribe\"><input name=\"feed\"></form>");
    let report = probed(Router::new().route("/", get(home)).route("/subscribe", get(later)), &["ssrf"]).await;
    assert_proven(&report, &[("ssrf", "GET /subscribe", "")]);
    assert!(report.findings[0].outcome.says.contains("later"));
}

#[tokio::test]
async fn what_lies_open_is_known_by_its_content() {
    let home = async || {
        page("<a href=\"/out?next=/home\">Out</a><a href=\"/item?id=7\">Item</a><a href=\"/status\">S</a>")
    };
    // Led by the page itself, with everything escaped as it should be.
    let out = async |values: Values| {
        let to = escape(&value(&values, "next"));
        Html(format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0; url={to}\">On your way."))
    };
    let item = async |values: Values| match value(&values, "id").parse::<u32>() {
        Ok(id) => Html(format!("<p>Item {id}</p>")).into_response(),
        Err(_) => {
            let trace = "<pre>Traceback (most recent call last):\n  File &quot;/srv/shop/views.py&quot;, line 12, in item\n\
                         ValueError: invalid literal</pre>";
            (StatusCode::INTERNAL_SERVER_ERROR, Html(trace)).into_response()
        }
    };
    let status = async || ([(header::SERVER, "nginx/1.18.0")], "fine");
    let router = Router::new()
        .route("/", get(home))
        .route("/out", get(out))
        .route("/item", get(item))
        .route("/status", get(status))
        .route("/.git/HEAD", get(async || "ref: refs/heads/main\n"))
        .route("/.env", get(async || "DB_HOST=db\nDB_PASSWORD=not-a-real-one\n"))
        .route("/metrics", get(async || "# HELP up Whether it is up\n# TYPE up gauge\nup 1\n"));
    let all = ["exposed-files", "open-redirect", "verbose-errors", "version-disclosure"];
    let report = probed(router, &all).await;
    assert_proven(
        &report,
        &[
            ("exposed-files", "GET /.env", ""),
            ("exposed-files", "GET /.git/HEAD", ""),
            ("exposed-files", "GET /metrics", ""),
            ("open-redirect", "GET /out", ""),
            ("verbose-errors", "GET /item", ""),
            ("version-disclosure", "GET /status", "server"),
        ],
    );
    // A finding names what is set and not what it is set to.
    let settings = report.findings.iter().find(|finding| finding.outcome.operation == "GET /.env").unwrap();
    assert!(!settings.outcome.proof.as_ref().unwrap().evidence.contains("not-a-real-one"));
}

#[tokio::test]
async fn a_sandboxed_frame_is_an_origin_too() {
    let mine = async |headers: HeaderMap| -> Response {
        if !is_alice(&headers) {
            return (StatusCode::UNAUTHORIZED, "Who are you?").into_response();
        }
        let null = headers.get(header::ORIGIN).is_some_and(|origin| origin == "null");
        let body = "{\"name\":\"alice\",\"account\":\"8841\"}";
        let kind = (header::CONTENT_TYPE, "application/json");
        let kept = (header::CACHE_CONTROL, "max-age=60");
        if null {
            let allowed = [
                kind,
                kept,
                (header::ACCESS_CONTROL_ALLOW_ORIGIN, "null"),
                (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            ];
            return (allowed, body).into_response();
        }
        ([kind, kept], body).into_response()
    };
    let home = async || page("<a href=\"/api/mine\">Mine</a>");
    let router = Router::new().route("/", get(home)).route("/api/mine", get(mine));
    let report = probed(router, &["cors", "cacheable-answer"]).await;
    assert_proven(&report, &[("cors", "GET /api/mine", "null"), ("cacheable-answer", "GET /api/mine", "")]);
}

#[tokio::test]
async fn what_only_looks_like_it_is_left_in_peace() {
    let home = async || {
        page(
            "<a href=\"/go?to=/shop\">Go</a><a href=\"/link?url=https://news.example/\">Link</a>\
             <a href=\"/help?topic=queries\">Help</a><a href=\"/api/mine\">Mine</a><a href=\"/public\">Public</a>",
        )
    };
    // Foreign sites are asked about first: the address is in the text of ours.
    let go = async |values: Values| {
        let to = value(&values, "to");
        if to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\t']) {
            return Redirect::to(&to).into_response();
        }
        let to: String = to.bytes().map(|byte| format!("%{byte:02x}")).collect();
        Redirect::to(&format!("/leave?to={to}")).into_response()
    };
    // Keeps the address and shows it, and fetches nothing.
    let link = async |values: Values| Html(format!("<p>Kept: {}</p>", escape(&value(&values, "url"))));
    // A page about errors, and a refusal that repeats what it was sent.
    let help = async |values: Values| {
        let topic = value(&values, "topic");
        if topic == "queries" {
            return Html(
                "<p>Write <code>SELECT name FROM products</code> and mind the error near \"x\".</p>",
            )
            .into_response();
        }
        (StatusCode::BAD_REQUEST, Html(format!("<p>There is no help on {}.</p>", escape(&topic))))
            .into_response()
    };
    let mine = async |headers: HeaderMap| {
        if !is_alice(&headers) {
            return (StatusCode::UNAUTHORIZED, "Who are you?").into_response();
        }
        let fields = [
            (header::CACHE_CONTROL, "private, max-age=60"),
            // For a page of their own, whoever asks.
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "https://app.example"),
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (header::CONTENT_TYPE, "application/json"),
        ];
        let body = "{\"name\":\"alice\",\"password\":\"********\",\"password_changed\":\"2026-01-02\",\"csrf_token\":\"9f8e7d6c5b4a\"}";
        (fields, body).into_response()
    };
    let public = async || {
        let fields =
            [(header::CACHE_CONTROL, "public, max-age=600"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
        (fields, "News for all, by nginx 1.18.0")
    };
    // Everything else is there as well, as applications made of scripts have it.
    let everything = async || ([(header::SERVER, "nginx")], page("<p>Shop</p>"));
    let router = Router::new()
        .route("/", get(home))
        .route("/go", get(go))
        .route("/link", get(link))
        .route("/help", get(help))
        .route("/api/mine", get(mine))
        .route("/public", get(public))
        .fallback(everything);
    let all = [
        "cacheable-answer",
        "cors",
        "exposed-files",
        "host-header",
        "open-redirect",
        "secrets-in-answers",
        "ssrf",
        "verbose-errors",
        "version-disclosure",
    ];
    let report = probed(router, &all).await;
    assert_quiet(&report);
    assert!(report.findings.is_empty(), "nothing is even worth a look");
    // It is quiet because it was tried.
    for test in ["cacheable-answer", "cors", "exposed-files", "open-redirect", "ssrf", "verbose-errors"] {
        let passed =
            report.outcomes.iter().any(|outcome| outcome.test == test && outcome.verdict == Verdict::Passed);
        assert!(passed, "{test}");
    }
}
