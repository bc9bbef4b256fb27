//! Collectors, search clusters and Sentry as they are documented to answer, and as they should not. That what they get can
//! be read is shown by their own readers, in the end-to-end tests.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::time::Duration;

use gabion_courier::{SinkError, Sinks};
use gabion_ledger::Position;
use gabion_model::Event;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, field, receiver, settings, status};

fn answer(status: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{fields}\r\n{body}")
        .into_bytes()
}

/// What the ledger says of records that were left out.
async fn rejected(world: &World) -> Vec<Event> {
    let mut follow = world.ledger.follow(Some(Position(0)));
    let mut found = Vec::new();
    while let Some(record) = follow.next().await.unwrap() {
        if record.event.action == "sink.rejected" {
            found.push(record.event);
        }
        if Some(record.position) == world.ledger.last() {
            break;
        }
    }
    found
}

fn log_positions(body: &[u8]) -> Vec<u64> {
    let request: Value = serde_json::from_slice(body).unwrap();
    let records = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap().clone();
    let position = |record: &Value| {
        let attributes = record["attributes"].as_array().unwrap();
        let found = attributes.iter().find(|attribute| attribute["key"] == "gabion.position").unwrap();
        found["value"]["intValue"].as_str().unwrap().parse().unwrap()
    };
    records.iter().map(position).collect()
}

#[tokio::test]
async fn a_collector_that_fails_lies_and_limits_gets_every_record_in_order() {
    let world = World::new();
    let answers = vec![
        answer("503 No", "retry-after: 1\r\n", ""),
        answer("429 Slower", "retry-after: soon\r\n", ""),
        answer("200 OK", "", "<html>not a collector</html>"),
        answer("307 Elsewhere", "location: http://127.0.0.1:1/\r\n", ""),
        answer("401 Who", "", ""),
        answer("200 OK", "content-encoding: gzip\r\n", "x"),
        answer("200 OK", "", &"x".repeat(900_000)),
        b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nhalf".to_vec(),
        answer("200 OK", "", "{}"),
    ];
    let (url, arrived) = receiver(answers).await;
    let secret = world.file("token", "a-token");
    let sink = json!({
        "type": "otlp", "url": url, "encoding": "json", "from_start": true, "gzip": true,
        "auth": "bearer", "secret_file": secret,
    });
    let last = world.record(20).await;
    let begun = tokio::time::Instant::now();
    let sinks = world.start(&[("otel", sink)]);
    world.kept.reaches("otel", last).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "the server asked for a second");
    sinks.close(PATIENCE).await;
    let arrived = arrived.lock().unwrap().clone();
    assert_eq!(arrived.len(), 9, "eight tries failed");
    for (head, body) in &arrived {
        assert_eq!(field(head, "content-type"), "application/json");
        assert_eq!(field(head, "authorization"), "bearer a-token");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&**body).read_to_end(&mut unpacked).unwrap();
        assert_eq!(log_positions(&unpacked), (1..=20).collect::<Vec<_>>());
    }
    assert_eq!(world.kept.0.lock().unwrap()["otel"], [20], "kept when it was taken, and not before");
    assert!(rejected(&world).await.is_empty());
}

#[tokio::test]
async fn what_a_collector_will_never_take_is_left_out_and_said() {
    let world = World::new();
    let ok = answer("200 OK", "", "{}");
    let bad = answer("400 Bad", "", "the record at 2 is bad\r\n<13>1 forged");
    // Four records: too many at once; two: one of them is bad; one, which is it; the rest; what says so.
    let partial = r#"{"partialSuccess":{"rejectedLogRecords":"99","errorMessage":"x\ny"}}"#;
    let answers = vec![answer("413 Large", "", ""), bad.clone(), bad, answer("200 OK", "", partial), ok];
    let (url, arrived) = receiver(answers).await;
    world.record(4).await;
    let sinks = world
        .start(&[("otel", json!({ "type": "otlp", "url": url, "encoding": "json", "from_start": true }))]);
    world.kept.reaches("otel", 6).await;
    sinks.close(PATIENCE).await;
    let sent: Vec<_> = arrived.lock().unwrap().iter().map(|(_, body)| log_positions(body)).collect();
    assert_eq!(sent[..4], [vec![1, 2, 3, 4], vec![1, 2], vec![1], vec![2, 3, 4]], "{sent:?}");
    let found = rejected(&world).await;
    let said: Vec<_> = found
        .iter()
        .map(|event| {
            (
                event.reason.clone().unwrap(),
                event.metadata["first"].clone(),
                event.metadata["last"].clone(),
                event.count,
            )
        })
        .collect();
    let row = |reason: &str, first: &str, last: &str, count| {
        (reason.to_owned(), first.to_owned(), last.to_owned(), count)
    };
    assert_eq!(
        said,
        [row("status 400", "1", "1", 1), row("partial_success", "2", "4", 3)],
        "no more than were sent"
    );
    assert_eq!(found[0].resource, "otel");
    assert_eq!(sinks.standings()[0].rejected, 4);
}

#[tokio::test]
async fn a_collector_that_takes_nothing_does_not_write_the_ledger_for_ever() {
    let world = World::new();
    let (url, _) = receiver(vec![answer("400 Bad", "", "")]).await;
    let last = world.record(3).await;
    let sinks = world.start(&[("otel", json!({ "type": "otlp", "url": url, "from_start": true }))]);
    // What says that they were left out is left out itself, without another word.
    world.kept.reaches("otel", last + 3).await;
    world.ledger.close().await.unwrap();
    sinks.close(PATIENCE).await;
    assert_eq!(world.ledger.last(), Some(Position(last + 3)));
    assert_eq!(sinks.standings()[0].rejected, 6);
}

fn bulk_answer(statuses: &[u16]) -> Vec<u8> {
    let item = |status: &u16| match status {
        200..=299 => json!({ "create": { "status": status } }),
        _ => json!({ "create": { "status": status, "error": { "type": "some_exception", "reason": "x" } } }),
    };
    let items: Vec<_> = statuses.iter().map(item).collect();
    // The word is not believed.
    answer(
        "200 OK",
        "content-type: application/json\r\n",
        &json!({ "errors": false, "items": items }).to_string(),
    )
}

fn documents(body: &[u8]) -> Vec<(String, u64)> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.ends_with('\n'), "the last line ends, too");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let one = |pair: &[Value]| {
        assert_eq!(pair[1]["@timestamp"], pair[1]["metadata"]["original_time"]);
        let position = pair[1]["metadata"]["uid"].as_str().unwrap().parse().unwrap();
        (pair[0]["create"]["_id"].as_str().unwrap().to_owned(), position)
    };
    lines.chunks(2).map(one).collect()
}

#[tokio::test]
async fn each_document_of_a_bulk_request_has_its_own_end() {
    let world = World::new();
    let answers = vec![
        answer("429 Full", "", ""),
        bulk_answer(&[429, 429, 503, 429, 429]),
        bulk_answer(&[201, 201]),
        answer("200 OK", "", "[]"),
        bulk_answer(&[201, 400, 429, 409, 503]),
        bulk_answer(&[201, 201]),
        bulk_answer(&[201]),
    ];
    let (url, arrived) = receiver(answers).await;
    let base = url.strip_suffix("/hook").unwrap();
    let sink = json!({
        "type": "elasticsearch", "url": base, "index": "logs-gabion-default", "from_start": true,
        "auth": "basic", "secret_file": world.file("user", "elastic:changeme"),
    });
    world.record(5).await;
    let sinks = world.start(&[("es", sink)]);
    world.kept.reaches("es", 6).await;
    sinks.close(PATIENCE).await;
    let arrived = arrived.lock().unwrap().clone();
    let (head, _) = &arrived[0];
    assert!(head.starts_with("post /logs-gabion-default/_bulk?filter_path="), "{head}");
    assert_eq!(field(head, "content-type"), "application/x-ndjson");
    assert_eq!(field(head, "authorization"), "basic zwxhc3rpyzpjagfuz2vtzq==");
    let sent: Vec<_> = arrived.iter().map(|(_, body)| documents(body)).collect();
    let positions =
        |request: &Vec<(String, u64)>| request.iter().map(|(_, position)| *position).collect::<Vec<_>>();
    let whole = vec![1, 2, 3, 4, 5];
    let seen: Vec<_> = sent.iter().map(positions).collect();
    assert_eq!(
        seen,
        [whole.clone(), whole.clone(), whole.clone(), whole.clone(), whole, vec![3, 5], vec![6]]
    );
    let ids: BTreeMap<u64, &str> = sent[0].iter().map(|(id, position)| (*position, &**id)).collect();
    assert!(
        sent.iter().flatten().all(|(id, position)| *position == 6 || ids[position] == id),
        "an id is kept"
    );
    assert_eq!(ids.values().collect::<std::collections::BTreeSet<_>>().len(), 5);
    let found = rejected(&world).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].reason.as_deref(), &*found[0].metadata["first"]), (Some("some_exception"), "2"));
}

#[tokio::test]
async fn sentry_gets_what_is_bad_enough_and_its_limits_are_kept() {
    let world = World::new();
    let limited = answer("429 Limited", "x-sentry-rate-limits: 1:error;default:organization\r\n", "{}");
    let ok = answer("200 OK", "", r#"{"id":"x"}"#);
    let (url, arrived) = receiver(vec![limited, ok.clone(), answer("400 Bad", "", ""), ok]).await;
    let authority = url.strip_prefix("http://").unwrap().strip_suffix("/hook").unwrap().to_owned();
    let dsn = world.file("dsn", &format!("http://0123456789abcdef@{authority}/prefix/42"));
    let sink =
        json!({ "type": "sentry", "secret_file": dsn, "severity": "informational", "from_start": true });
    let quiet = json!({ "type": "sentry", "secret_file": dsn, "from_start": true });
    world.record(2).await;
    let begun = tokio::time::Instant::now();
    let sinks = world.start(&[("sentry", sink)]);
    world.kept.reaches("sentry", 3).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "the server asked for a second");
    sinks.close(PATIENCE).await;
    let before = arrived.lock().unwrap().clone();
    assert_eq!(before.len(), 4, "limited, taken, never taken, and the record of that");
    for (head, body) in &before {
        assert!(head.starts_with("post /prefix/api/42/envelope/ "), "{head}");
        assert!(field(head, "x-sentry-auth").ends_with("sentry_key=0123456789abcdef"), "{head}");
        let text = String::from_utf8(body.clone()).unwrap();
        let payload: Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
        assert_eq!(payload["logger"], "gabion.ledger");
    }
    assert_eq!(before[0].1, before[1].1, "the same event keeps its id");
    assert_eq!(rejected(&world).await.len(), 1);

    // Only the record of what was rejected is bad enough for one that does not ask for everything.
    let sinks = world.start(&[("quiet", quiet)]);
    world.kept.reaches("quiet", 3).await;
    assert_eq!(arrived.lock().unwrap().len(), 5);
    sinks.test("quiet").await.unwrap().unwrap();
    assert_eq!(arrived.lock().unwrap().len(), 6, "a test is sent whatever is asked for");
    sinks.close(PATIENCE).await;
}

#[tokio::test]
async fn a_test_says_why_a_sink_does_not_take_a_record() {
    let world = World::new();
    let (otlp, _) = receiver(vec![answer("400 Bad", "", "")]).await;
    let (cluster, _) = receiver(vec![bulk_answer(&[400]), bulk_answer(&[429])]).await;
    let cluster = cluster.strip_suffix("/hook").unwrap();
    let sinks = world.open(&[
        ("es", json!({ "type": "elasticsearch", "url": cluster, "index": "a" })),
        ("otel", json!({ "type": "otlp", "url": otlp })),
    ]);
    let error = sinks.test("otel").await.unwrap().unwrap_err();
    assert!(matches!(&error, SinkError::Rejected(reason) if reason == "status 400"), "{error}");
    let error = sinks.test("es").await.unwrap().unwrap_err();
    assert!(matches!(&error, SinkError::Rejected(reason) if reason == "some_exception"), "{error}");
    assert!(sinks.test("es").await.unwrap().is_err());
}

#[tokio::test]
async fn a_secret_that_cannot_be_sent_is_found_before_anything_changes() {
    let world = World::new();
    let open = |sink: Value| Sinks::prepare(&settings(&[("a", sink)]), ("0", "")).unwrap_err().1.to_string();
    let otlp = |secret: String| json!({ "type": "otlp", "url": "https://c.example/v1/logs", "auth": "bearer", "secret_file": secret });
    assert!(open(otlp(world.path("none"))).contains("cannot read"));
    assert!(open(otlp(world.file("two", "a\nb"))).contains("no secret"));
    assert!(open(otlp(world.file("empty", " "))).contains("no secret"));
    let sentry =
        open(json!({ "type": "sentry", "secret_file": world.file("dsn", "https://sentry.example/hunter2") }));
    assert!(sentry.contains("no public key") && !sentry.contains("hunter2"), "{sentry}");
}

#[tokio::test]
async fn sinks_change_while_they_run_and_lose_and_double_nothing() {
    let world = World::new();
    let (first, at_first) = receiver(vec![answer("200 OK", "", "{}")]).await;
    let (second, at_second) = receiver(vec![answer("200 OK", "", "{}")]).await;
    let otlp = |url: &str| json!({ "type": "otlp", "url": url, "encoding": "json", "from_start": true });
    let file = |name: &str| json!({ "type": "file", "path": world.path(name), "from_start": true });
    let sinks = world.start(&[("otel", otlp(&first)), ("gone", file("gone")), ("stays", file("stays"))]);
    let own = ("0.1.0", "gate-1");
    let mut last = 0;
    // While records come, one sink goes back and forth between two receivers.
    for round in 0..40 {
        last = world.record(5).await;
        let url = if round % 2 == 0 { &second } else { &first };
        let next = settings(&[("otel", otlp(url)), ("stays", file("stays")), ("new", file("new"))]);
        sinks.adopt(Sinks::prepare(&next, own).unwrap());
    }
    for name in ["otel", "stays", "new"] {
        world.kept.reaches(name, last).await;
    }
    let names: Vec<_> = sinks.standings().into_iter().map(|sink| sink.name).collect();
    assert_eq!(names, ["new", "otel", "stays"]);
    world.record(1).await;
    world.ledger.close().await.unwrap();
    sinks.close(PATIENCE).await;
    let bodies = [at_first.lock().unwrap().clone(), at_second.lock().unwrap().clone()].concat();
    let mut seen: Vec<u64> = bodies.iter().flat_map(|(_, body)| log_positions(body)).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=last + 1).collect::<Vec<_>>(), "each once, at one of the two");
    for name in ["stays", "new"] {
        assert_eq!(fs::read_to_string(world.path(name)).unwrap().lines().count() as u64, last + 1);
    }
    assert!(world.kept.of("gone") <= last, "what is gone is followed no more");
}

#[tokio::test]
async fn a_sink_that_hangs_is_replaced_when_its_time_is_up() {
    let world = World::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs = format!("http://{}/", listener.local_addr().unwrap());
    let (url, arrived) = receiver(vec![status("200 OK")]).await;
    let otlp = |url: &str| json!({ "type": "otlp", "url": url, "from_start": true, "timeout": "1s" });
    let last = world.record(3).await;
    let sinks = world.start(&[("otel", otlp(&hangs))]);
    let _held = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    sinks.adopt(Sinks::prepare(&settings(&[("otel", otlp(&url))]), ("0", "")).unwrap());
    world.kept.reaches("otel", last).await;
    assert_eq!(arrived.lock().unwrap().len(), 1);
    sinks.close(PATIENCE).await;
}
