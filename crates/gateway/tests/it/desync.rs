//! The cases of http-desync-guardian: each is refused, or reaches the upstream as exactly one request,
//! followed by nothing.

use std::path::PathBuf;

use gabion_model::Period;
use saphyr_parser::{Event, Parser};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::rig::{Build, Received, Recorder, ok};

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    uri: String,
    method: String,
    version: String,
    headers: Headers,
    expected: Expected,
}

/// An empty list is written as nothing at all.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Headers {
    Some(Vec<Header>),
    None(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct Expected {
    tier: String,
    reason: String,
}

#[tokio::test]
async fn no_desync_case_becomes_two_requests() {
    let Some(cases) = cases() else {
        println!("skipped: no_desync_case_becomes_two_requests: no test data");
        return;
    };
    assert_eq!(cases.len(), 159);
    let (mut refused, mut passed) = (0, 0);
    let mut cases = cases.into_iter().peekable();
    while cases.peek().is_some() {
        let mut running: JoinSet<bool> = cases.by_ref().take(40).map(passes).collect();
        while let Some(done) = running.join_next().await {
            *if done.unwrap() { &mut passed } else { &mut refused } += 1;
        }
    }
    println!("{refused} refused, {passed} passed as one request");
    assert!(passed >= 7 && refused >= 100, "{refused} refused, {passed} passed");
}

/// Sends one case. `true` when it reached the upstream as one request, `false` when it was refused.
async fn passes(case: Case) -> bool {
    let about = format!("{} ({}, {})", case.name, case.expected.tier, case.expected.reason);
    let upstream = Recorder::start(|request| ok(request.line())).await;
    let mut build = Build::before(upstream.address);
    build.settings.head_timeout = Period::from_secs(2);
    build.settings.stall_timeout = Period::from_secs(2);
    let rig = build.start();
    let mut client = rig.connect().await;
    let _ = client.try_send(&case.bytes()).await;
    // What a smuggled request would be made of: bytes that a reader with another idea of the end of the
    // first request takes for the next one.
    let smuggled = format!("0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(2000));
    let _ = client.try_send(smuggled).await;
    let passed = match client.response(&case.method).await {
        Some(answer) if answer.status == 200 => {
            let received = upstream.all();
            assert_eq!(received.len(), 1, "{about}: {received:?}");
            let head = &received[0].head;
            let count = |field| head.matches(field).count();
            assert!(count("\r\ncontent-length:") + count("\r\ntransfer-encoding:") <= 1, "{about}: {head}");
            assert!(!is_framing_attack(&case), "{about}: let through as {head}");
            true
        }
        Some(answer) => {
            assert!(matches!(answer.status, 400..=499 | 501 | 505), "{about}: {}", answer.status);
            answer.assert_is_ours();
            assert!(upstream.all().is_empty(), "{about}: {:?}", upstream.all());
            false
        }
        None => {
            assert!(upstream.all().is_empty(), "{about}: {:?}", upstream.all());
            false
        }
    };
    client.rest().await;
    let smuggled = |request: &Received| request.line().contains("smuggled");
    assert!(!upstream.all().iter().any(smuggled), "{about}: {:?}", upstream.all());
    passed
}

/// The suite's own verdict is that the length of the body cannot be known.
fn is_framing_attack(case: &Case) -> bool {
    let reasons = [
        "BadTransferEncoding",
        "BothTeClPresent",
        "DuplicateContentLength",
        "MultipleContentLength",
        "MultipleTransferEncodingChunked",
    ];
    reasons.contains(&case.expected.reason.as_str())
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [&self.method, " ", &self.uri, " ", &self.version, "\r\n"] {
            bytes.extend(latin1(part));
        }
        let headers = match &self.headers {
            Headers::Some(headers) => headers.as_slice(),
            Headers::None(_) => &[],
        };
        if !headers.iter().any(|header| header.name.eq_ignore_ascii_case("host")) {
            bytes.extend_from_slice(b"Host: a\r\n");
        }
        for header in headers {
            for part in [&header.name, ": ", &header.value, "\r\n"] {
                bytes.extend(latin1(part));
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

/// Code points below 256 are bytes, as the data means them.
fn latin1(text: &str) -> Vec<u8> {
    let byte = |character: char| u8::try_from(u32::from(character)).ok();
    text.chars().map(byte).collect::<Option<Vec<u8>>>().unwrap_or_else(|| text.as_bytes().to_vec())
}

fn cases() -> Option<Vec<Case>> {
    let shared = std::env::var_os("GABION_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let files = std::fs::read_dir(shared.join("data/desync/tests")).ok()?;
    let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    let read = |path: &PathBuf| {
        let cases: Vec<Case> = serde_json::from_value(tree(&std::fs::read_to_string(path).unwrap())).unwrap();
        cases
    };
    Some(paths.iter().flat_map(read).collect())
}

/// A YAML document with every scalar as the text it is written as: `007` must stay `007`.
fn tree(text: &str) -> Value {
    let mut open: Vec<(Value, Option<String>)> = vec![(Value::Array(Vec::new()), None)];
    for event in Parser::new_from_str(text) {
        let done = match event.unwrap().0 {
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::SequenceStart(..) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().unwrap().0,
            _ => continue,
        };
        match (open.last_mut().unwrap(), done) {
            ((Value::Array(items), _), item) => items.push(item),
            ((Value::Object(fields), key), value) => match (key.take(), value) {
                (Some(key), value) => drop(fields.insert(key, value)),
                (None, Value::String(text)) => *key = Some(text),
                (None, other) => panic!("a key is not a text: {other}"),
            },
            other => panic!("{other:?}"),
        }
    }
    let (Value::Array(mut documents), _) = open.pop().unwrap() else { panic!("no documents") };
    documents.pop().unwrap()
}
