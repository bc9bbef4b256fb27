//! What .NET reads: its streams of objects, the state of pages and type hints in JSON, by readers that do of each format what these
//! tests are about. YAML, whose tags each language reads in its own way, is read by such as well.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::{Facts, Report, Verdict, run};
use gabion_vault::encoding::{base64_decode, base64_encode};
use serde_json::{Value, json};

use crate::ground::{Silent, print, world};

async fn probe(app: Router) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let report = run(Facts::of(&base), &world(&["deserialisation"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn said(report: &Report) -> Vec<(Verdict, &str)> {
    report.outcomes.iter().map(|outcome| (outcome.verdict, outcome.says.as_str())).collect()
}

/// An application that keeps its state in an address.
async fn kept(value: &[u8], read: impl Fn(&[u8]) -> Option<String> + Send + Sync + 'static) -> Report {
    let state = base64_encode(value).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let read = Arc::new(read);
    let load = move |Query(query): Query<Vec<(String, String)>>| async move {
        let bytes = query.first().and_then(|(_, value)| base64_decode(value).ok()).unwrap_or_default();
        match read(&bytes) {
            Some(user) => format!("hello {user}, go on where you were").into_response(),
            None => (StatusCode::INTERNAL_SERVER_ERROR, "Runtime Error").into_response(),
        }
    };
    let home = move || async move { Html(format!("<a href=\"/load?state={state}\">go on</a>")) };
    probe(Router::new().route("/", get(home)).route("/load", get(load))).await
}

const HEAD: &[u8] = &[0, 1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0];

fn stream() -> Vec<u8> {
    [HEAD, b"\x06\x01\0\0\0\x05alice\x0b"].concat()
}

/// Reads a stream of records: the root, a text, and whatever else is in it, of classes that `makes` lets through.
fn records(bytes: &[u8], makes: fn(&str) -> bool) -> Option<String> {
    let mut rest = bytes.strip_prefix(HEAD)?;
    let mut root = None;
    let text = |rest: &mut &[u8]| -> Option<String> {
        let (length, behind) = rest.split_first()?;
        let (own, behind) = behind.split_at_checked(usize::from(*length))?;
        *rest = behind;
        String::from_utf8(own.to_vec()).ok()
    };
    let number = |rest: &mut &[u8]| -> Option<u32> {
        let (own, behind) = rest.split_first_chunk::<4>()?;
        *rest = behind;
        Some(u32::from_le_bytes(*own))
    };
    loop {
        let (kind, behind) = rest.split_first()?;
        rest = behind;
        match kind {
            6 => {
                let id = number(&mut rest)?;
                let own = text(&mut rest)?;
                if id == 1 {
                    root = Some(own);
                }
            }
            4 => {
                number(&mut rest)?;
                let class = text(&mut rest)?;
                if !makes(&class) {
                    return None;
                }
                let members = usize::try_from(number(&mut rest)?).ok()?;
                for _ in 0..members {
                    text(&mut rest)?;
                }
                rest = rest.get(members * 6..)?;
            }
            11 => return root,
            _ => return None,
        }
    }
}

fn installed(class: &str) -> bool {
    matches!(class, "System.Object" | "System.Version" | "System.String")
}

#[tokio::test]
async fn streams_that_make_what_they_name_are_proven_and_lists_are_not() {
    for (makes, verdict, told) in [
        (installed as fn(&str) -> bool, Verdict::Proven, "BinaryFormatter is read"),
        (|_| false, Verdict::Passed, "nothing is made"),
    ] {
        let report = kept(&stream(), move |bytes| records(bytes, makes)).await;
        assert!(
            matches!(said(&report)[..], [(own, says)] if own == verdict && says.contains(told)),
            "{told}"
        );
        let wrapped = |bytes: &[u8]| [&[255, 1, 50, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let value = wrapped(&stream());
        let report = kept(&value, move |bytes| {
            let (length, inner) = bytes.strip_prefix(&[255, 1, 50])?.split_first()?;
            let (length, inner) = match inner.split_first()? {
                (high, inner) if *length >= 128 => {
                    (usize::from(*length & 127) | usize::from(*high) << 7, inner)
                }
                _ => (usize::from(*length), inner),
            };
            // A reader of its kind takes whatever is behind it; this one does not.
            (inner.len() == length).then(|| records(inner, makes))?
        });
        let report = report.await;
        let told = told.replace("Binary", "Los");
        assert!(
            matches!(said(&report)[..], [(own, says)] if own == verdict && says.contains(&told)),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_state_of_a_page_is_proven_where_nothing_signs_it() {
    let state = b"\xff\x01\x05\x05alice".to_vec();
    let user = |bytes: &[u8]| {
        let (length, text) = bytes.strip_prefix(b"\xff\x01\x05")?.split_first()?;
        String::from_utf8(text.get(..usize::from(*length))?.to_vec()).ok()
    };
    let report = kept(&state, user).await;
    assert!(matches!(said(&report)[..], [(Verdict::Proven, says)] if says.contains("page state is read")));
    // Signed to its end, or not read at all.
    let signed = [state.as_slice(), &[7; 20]].concat();
    let whole = signed.clone();
    let report = kept(&signed, move |bytes| (bytes == whole).then(|| "alice".to_owned())).await;
    assert!(matches!(said(&report)[..], [(Verdict::Passed, says)] if says.contains("changed is not taken")));
    let report = kept(&state, |_| Some("alice".to_owned())).await;
    assert!(matches!(said(&report)[..], [(Verdict::Passed, says)] if says.contains("nothing is made")));
}

/// What a reader of YAML knows of tags: the names that it finds.
fn document(bytes: &[u8], sign: &str, knows: &[&str]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default();
        let Some((_, tag)) = line.split_once(": !") else { continue };
        let tag = tag.split(' ').next().unwrap_or_default();
        if !tag.strip_prefix(sign).is_some_and(|name| knows.contains(&name)) {
            return None;
        }
    }
    let user = text.lines().find(|line| line.starts_with("user:"))?;
    user.contains("alice").then(|| "alice".to_owned())
}

#[tokio::test]
async fn documents_with_tags_of_each_language_are_proven_and_plain_readers_are_not() {
    let value = b"user: alice\ntheme: dark\n";
    let cases: [(&str, &'static str, &'static [&'static str]); 4] = [
        ("tags of Python", "!python/object/apply:", &["copy.copy", "copy.deepcopy"]),
        ("tags of Java", "!", &["java.lang.String"]),
        ("tags of Ruby", "ruby/object:", &["Object", "StandardError", "IOError"]),
        ("functions of JavaScript", "!js/", &["function"]),
    ];
    for (told, sign, knows) in cases {
        let report = kept(value, move |bytes| document(bytes, sign, knows)).await;
        assert!(matches!(said(&report)[..], [(Verdict::Proven, says)] if says.contains(told)), "{told}");
        let report = kept(value, move |bytes| document(bytes, sign, &[])).await;
        assert!(matches!(said(&report)[..], [(Verdict::Passed, _)]), "{told}");
    }
}

/// What becomes of type hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hints {
    /// They are followed, and errors say what went wrong.
    Told,
    /// They are followed, and errors say nothing.
    Silent,
    /// They are looked up in a list, and errors say what stood there.
    Listed,
    /// They are members like any other.
    Ignored,
    /// Members that nobody declared are refused.
    Strict,
}

/// Reads an order as a reader that follows hints: `Err` in words.
fn order(body: &Value, hints: Hints) -> Result<i64, String> {
    let class = |value: &Value| -> Result<Option<String>, String> {
        let Some(name) = value.get("$type").and_then(Value::as_str) else { return Ok(None) };
        match hints {
            Hints::Ignored | Hints::Strict => Ok(None),
            Hints::Listed => Err(format!("`{name}` is on no list")),
            _ => match name.strip_suffix(", mscorlib") {
                Some(
                    own @ ("System.Int32"
                    | "System.Int64"
                    | "System.Version"
                    | "System.Collections.Hashtable"),
                ) => Ok(Some(own.to_owned())),
                _ => Err(format!("Error resolving type specified in JSON '{name}'.")),
            },
        }
    };
    if let Some(name) = class(body)? {
        return Err(format!("Type specified in JSON '{name}, mscorlib' is not compatible with 'Order'."));
    }
    let known = |name: &String| ["product", "note"].contains(&name.as_str());
    if hints == Hints::Strict && !body.as_object().unwrap().keys().all(known) {
        return Err("a member that nobody declared".to_owned());
    }
    let product = &body["product"];
    if let Some(name) = class(product)?
        && name != "System.Int32"
    {
        return Err(format!(
            "Type specified in JSON '{name}, mscorlib' is not compatible with 'System.Int32'."
        ));
    }
    product.as_i64().or_else(|| product.get("$value")?.as_i64()).ok_or_else(|| "no number".to_owned())
}

fn shop(hints: Hints) -> Router {
    let take = move |Json(body): Json<Value>| async move {
        match order(&body, hints) {
            Ok(product) => (StatusCode::CREATED, Json(json!({ "ordered": product }))).into_response(),
            Err(_) if hints == Hints::Silent => (StatusCode::BAD_REQUEST, "bad request").into_response(),
            Err(error) => (StatusCode::BAD_REQUEST, error).into_response(),
        }
    };
    let schema = json!({ "type": "object", "properties": {
        "product": { "type": "integer", "example": 7 }, "note": { "type": "string", "example": "soon" } } });
    let contract = json!({ "openapi": "3.0.3", "info": { "title": "shop", "version": "1" }, "paths": { "/orders": { "post": {
        "requestBody": { "content": { "application/json": { "schema": schema } } },
        "responses": { "201": { "description": "ordered" } } } } } });
    Router::new()
        .route("/openapi.json", get(move || async move { Json(contract) }))
        .route("/orders", post(take))
}

#[tokio::test]
async fn type_hints_that_are_followed_are_proven_and_others_are_not() {
    for (hints, verdict, told) in [
        (Hints::Told, Verdict::Proven, "`System.Int32, mscorlib`"),
        (Hints::Silent, Verdict::Proven, "`System.Int32, mscorlib`"),
        (Hints::Listed, Verdict::Inconclusive, "stands on a list"),
        (Hints::Ignored, Verdict::Passed, "changes nothing"),
        (Hints::Strict, Verdict::Passed, "nobody declared are refused"),
    ] {
        let report = probe(shop(hints)).await;
        let [(own, says)] = said(&report)[..] else { panic!("{hints:?}: {:?}", said(&report)) };
        assert!(own == verdict && says.contains(told), "{hints:?}: {own} {says}");
    }
}
