//! Small servers that have one mistake, or only look as if they had it.

use std::sync::{Arc, Mutex};

use axum::extract::RawQuery;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gabion_probe::{Facts, Level, Report, Verdict, run};
use serde_json::{Map, Value, json};

use crate::ground::{Silent, print, world};

/// Serves `/?q=VALUE`; the first page has a link with `value`.
async fn serve(value: &'static str, answer: fn(&str) -> Response) -> String {
    let home = move |RawQuery(query): RawQuery| async move {
        match query.as_deref().and_then(|query| query.strip_prefix("q=")) {
            Some(q) => {
                let q = q.replace('+', " ");
                let q = percent_encoding::percent_decode_str(&q).decode_utf8_lossy().into_owned();
                answer(&q)
            }
            None => "missing".into_response(),
        }
    };
    let start = move || async move { Html(format!("<a href=\"/find?q={value}\">find</a>")) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/", get(start)).route("/find", get(home));
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

async fn probe(value: &'static str, answer: fn(&str) -> Response) -> Report {
    let base = serve(value, answer).await;
    let tests = [
        "command-injection",
        "header-injection",
        "input-validation",
        "ldap-injection",
        "nosql-injection",
        "path-traversal",
        "redos",
        "sql-injection",
        "template-injection",
        "xpath-injection",
        "xxe",
    ];
    let report = run(Facts::of(&base), &world(&tests), &Silent).await.unwrap();
    print(&report);
    report
}

fn found(report: &Report) -> Vec<(&str, Verdict)> {
    let found = report.findings.iter().map(|finding| (finding.about.id.as_str(), finding.outcome.verdict));
    found.collect()
}

#[tokio::test]
async fn a_template_that_reckons_is_proven() {
    let report = probe("lamp", |q| {
        // The least of an engine: one product in double braces.
        let product =
            q.split_once("{{").and_then(|(_, rest)| rest.split_once("}}")).and_then(|(inner, _)| {
                let (one, two) = inner.split_once('*')?;
                Some(one.parse::<u64>().ok()? * two.parse::<u64>().ok()?)
            });
        let shown = product.map_or_else(|| q.to_owned(), |product| product.to_string());
        shown.into_response()
    })
    .await;
    assert_eq!(found(&report), [("template-injection", Verdict::Proven)]);
}

#[tokio::test]
async fn an_echo_a_page_of_errors_and_a_search_of_words_are_no_finding() {
    let echo = probe("lamp", |q| format!("you said {q}").into_response()).await;
    assert_eq!(found(&echo), []);
    let words = probe("lamp", |q| {
        // Every word that is not a sign counts, as in the search of many shops.
        let hits = q.split(|letter: char| !letter.is_alphanumeric()).filter(|word| *word == "lamp").count();
        format!("{hits} lamps").into_response()
    })
    .await;
    assert_eq!(found(&words), []);
    let strict = probe("lamp", |q| match q {
        "lamp" => "one lamp".into_response(),
        _ => (http_status(400), "only lamps").into_response(),
    })
    .await;
    assert_eq!(found(&strict), []);
}

#[tokio::test]
async fn a_head_that_can_be_written_is_proven() {
    let report = probe("lamp", |q| {
        let mut response = "set".into_response();
        for line in q.lines().skip(1) {
            if let Some((name, value)) = line.split_once(": ") {
                let name = http::HeaderName::from_bytes(name.as_bytes());
                if let (Ok(name), Ok(value)) = (name, value.parse()) {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        response
    })
    .await;
    assert_eq!(found(&report), [("header-injection", Verdict::Proven)]);
}

#[tokio::test]
async fn a_directory_whose_filter_goes_on_is_proven() {
    let report = probe("lamp", |q| {
        let filter = format!("(&(objectClass=thing)(cn={q}))");
        match fits(&filter) {
            Some((true, "")) => "one lamp of the directory".into_response(),
            Some((false, "")) => "no entry".into_response(),
            _ => (http_status(400), "bad filter").into_response(),
        }
    })
    .await;
    assert_eq!(found(&report), [("ldap-injection", Verdict::Proven)]);
}

/// Whether the only entry there is, a thing called lamp, fits a filter; and what stands behind the filter.
fn fits(filter: &str) -> Option<(bool, &str)> {
    let inner = filter.strip_prefix('(')?;
    let joins = inner.chars().next()?;
    if let '&' | '|' = joins {
        let mut rest = inner.get(1..)?;
        let mut all = Vec::new();
        while rest.starts_with('(') {
            let (fit, behind) = fits(rest)?;
            all.push(fit);
            rest = behind;
        }
        let fit = if joins == '&' { all.iter().all(|fit| *fit) } else { all.contains(&true) };
        return Some((fit, rest.strip_prefix(')')?));
    }
    let (condition, rest) = inner.split_once(')')?;
    if condition.contains('(') {
        return None;
    }
    let (name, value) = condition.split_once('=')?;
    Some((matches!((name, value), ("objectClass", "thing" | "*") | ("cn", "lamp" | "*")), rest))
}

#[tokio::test]
async fn what_fails_on_a_value_is_firm() {
    let report = probe("lamp", |q| {
        if q.contains('\0') { (http_status(500), "oops").into_response() } else { "fine".into_response() }
    })
    .await;
    assert_eq!(found(&report), [("input-validation", Verdict::Firm)]);
}

#[tokio::test]
async fn what_always_fails_and_what_is_slow_by_itself_are_no_finding() {
    let always = probe("lamp", |_| (http_status(500), "oops").into_response()).await;
    assert_eq!(found(&always), []);
}

#[tokio::test]
async fn a_way_up_is_proven_where_only_encodings_pass() {
    let report = probe("guide.txt", |q| {
        // A filter that looks before a second decoding.
        if q.contains("../") {
            return (http_status(403), "no").into_response();
        }
        let path = percent_encoding::percent_decode_str(q).decode_utf8_lossy().into_owned();
        match path.trim_start_matches("../") {
            "guide.txt" => "welcome".into_response(),
            "etc/passwd" if path.starts_with("../") => "root:x:0:0:root:/root:/bin/sh".into_response(),
            _ => (http_status(404), "none").into_response(),
        }
    })
    .await;
    assert_eq!(found(&report), [("path-traversal", Verdict::Proven)]);
}

/// An application in JSON: what is posted under `name` is a member of every later answer.
async fn polluted(name: &'static str) -> Report {
    let all: Arc<Mutex<Map<String, Value>>> = Arc::default();
    let (kept, shown) = (Arc::clone(&all), all);
    let post = move |Json(body): Json<Value>| async move {
        if let Some(more) = body.get(name).and_then(Value::as_object) {
            kept.lock().unwrap().extend(more.clone());
        }
        Json(json!({ "kept": true }))
    };
    let status = move || async move {
        let mut status = shown.lock().unwrap().clone();
        status.insert("fine".to_owned(), json!(true));
        Json(Value::Object(status))
    };
    let document = || async {
        let text = json!({ "type": "string" });
        let schema = json!({ "type": "object", "properties": { "title": text } });
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        Json(json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {
            "/things": { "post": { "requestBody": body, "responses": {} } },
            "/status": { "get": { "responses": {} } },
        } }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new()
        .route("/things", axum::routing::post(post))
        .route("/status", get(status))
        .route("/openapi.json", get(document));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut facts = Facts::of(&base);
    facts.target.level = Level::Destructive;
    let report = run(facts, &world(&["prototype-pollution"]), &Silent).await.unwrap();
    print(&report);
    report
}

#[tokio::test]
async fn a_member_of_every_object_is_proven_and_a_bag_of_extras_is_not() {
    assert_eq!(found(&polluted("__proto__").await), [("prototype-pollution", Verdict::Proven)]);
    assert_eq!(found(&polluted("extras").await), []);
}

/// A reader of XML that answers nothing of a document, and asks at what its entities name where it `fetches`.
#[expect(clippy::disallowed_methods, reason = "the server under test asks where it should not")]
async fn imports(fetches: bool) -> Report {
    let post = move |body: String| async move {
        if let Some((_, rest)) = body.split_once("SYSTEM \"http://").filter(|_| fetches) {
            let place = rest.split('"').next().unwrap_or_default();
            let (authority, path) = place.split_once('/').unwrap_or((place, ""));
            let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
            let request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
            tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await.unwrap();
        }
        "taken"
    };
    let document = || async {
        let body = json!({ "content": { "application/xml": { "schema": { "type": "string" } } } });
        Json(json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {
            "/import": { "post": { "requestBody": body, "responses": {} } },
        } }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/import", axum::routing::post(post)).route("/openapi.json", get(document));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let report = run(Facts::of(&base), &world(&["xxe"]), &Silent).await.unwrap();
    print(&report);
    report
}

#[tokio::test]
async fn a_reader_that_fetches_what_documents_name_is_proven_without_an_answer() {
    assert_eq!(found(&imports(true).await), [("xxe", Verdict::Proven)]);
    assert_eq!(found(&imports(false).await), []);
}

fn http_status(code: u16) -> http::StatusCode {
    http::StatusCode::from_u16(code).unwrap()
}
