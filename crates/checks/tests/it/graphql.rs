//! GraphQL requests through the whole pipeline, without sockets.

use bytes::Bytes;
use gabion_checks::{Access, Pipeline, Progress, Route, Seen, Settings, Wants};
use http::Response;

use crate::world::{World, request, secure};

fn world(change: impl FnOnce(&mut Settings, &mut Route)) -> World {
    let mut route = Route::new("/graphql", Access::Public, "app");
    route.graphql = Some(Default::default());
    route.csrf_off = Some("for programs".to_owned());
    let mut settings = Settings::default();
    change(&mut settings, &mut route);
    World::with(&settings, &[route])
}

/// The status, and what the application gets of the body.
fn send(pipeline: &Pipeline, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> (u16, String) {
    let (head, ()) = request(method, path, fields).into_parts();
    let mut progress = pipeline.begin(secure("203.0.113.9"), head);
    loop {
        match progress {
            Progress::Admitted(admitted) => {
                let body = admitted.body.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                return (200, body.unwrap_or_else(|| format!("at most {}", admitted.body_limit)));
            }
            Progress::Refused(refused) => {
                let answer = pipeline.answer(refused);
                return (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned());
            }
            Progress::Waits(mut waiting) => {
                let Some(Wants::Body { limit }) = waiting.wants() else {
                    panic!("only bodies are waited for")
                };
                if body.len() > limit {
                    waiting.body_is_longer_than(limit + 1);
                } else {
                    waiting.body(Bytes::from(body.to_owned()));
                }
                progress = pipeline.resume(waiting);
            }
        }
    }
}

fn post(world: &World, media_type: &str, body: &str) -> u16 {
    let length = body.len().to_string();
    send(
        &world.pipeline,
        "POST",
        "/graphql",
        &[("content-type", media_type), ("content-length", &length)],
        body,
    )
    .0
}

#[test]
fn requests_are_judged_whatever_carries_them() {
    let world = world(|_, _| {});
    let good = r#"{"query":"{ me { name } }"}"#;
    let deep = format!(r#"{{"query":"{}"}}"#, "{a".repeat(12) + &"}".repeat(12));
    assert_eq!(post(&world, "application/json", good), 200);
    assert_eq!(post(&world, "application/json", &deep), 400);
    assert_eq!(post(&world, "application/json", &format!("\u{feff}{good}")), 400, "a byte order mark");
    assert_eq!(post(&world, "application/json; charset=utf-16", good), 415);
    assert_eq!(post(&world, "multipart/form-data; boundary=x", good), 415, "graphql-multipart-request-spec");
    assert_eq!(post(&world, "multipart/mixed; boundary=x", good), 415);
    assert_eq!(post(&world, "application/x-www-form-urlencoded", "query=%7Bme%7Bname%7D%7D"), 415);
    let get = |path: &str, fields: &[(&str, &str)]| send(&world.pipeline, "GET", path, fields, "").0;
    assert_eq!(get("/graphql?query=%7Bme%7Bname%7D%7D", &[]), 200);
    assert_eq!(get("/graphql?query=mutation%7Ba%7D", &[]), 405);
    assert_eq!(get("/graphql?query=%7Bme%7Bname%7D%7D&query=%7Ba%7D", &[]), 400);
    // The name of a stored document, hidden from whoever does not read JSON.
    let hidden = "/graphql?query=%7Bme%7Bname%7D%7D&extensions=%7B%22persisted%5Cu0051uery%22%3A%7B%7D%7D";
    assert_eq!(get(hidden, &[]), 400);
    assert_eq!(get("/graphql?query=%7Bme%7Bname%7D%7D&extensions=%7B", &[]), 400);
}

#[test]
fn no_body_beside_a_query_in_the_address() {
    let world = world(|_, _| {});
    for method in ["GET", "HEAD"] {
        let fields = [("content-type", "application/json"), ("content-length", "9")];
        let path = "/graphql?query=%7Bme%7Bname%7D%7D";
        assert_ne!(send(&world.pipeline, method, path, &fields, "{\"a\":\"b\"}").0, 200, "{method}");
        assert_ne!(
            send(&world.pipeline, method, path, &[("transfer-encoding", "chunked")], "{}").0,
            200,
            "{method}"
        );
        // In HTTP/2 it shows only while it comes.
        assert_eq!(send(&world.pipeline, method, path, &[], "").1, "at most 0", "{method}");
    }
}

#[test]
fn websockets_are_refused_unless_they_may_pass() {
    let fields = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "graphql-transport-ws"),
    ];
    let closed = world(|_, _| {});
    for path in ["/graphql", "/graphql?query=%7B__typename%7D"] {
        let (status, body) = send(&closed.pipeline, "GET", path, &fields, "");
        assert_eq!(status, 403, "{body}");
        assert!(body.contains("WebSockets are not taken"), "{body}");
    }
    let open = world(|settings, _| settings.graphql.websockets = gabion_checks::graphql::WebSockets::Pass);
    assert_eq!(send(&open.pipeline, "GET", "/graphql", &fields, "").0, 200);
}

#[test]
fn more_suggestions_than_can_be_cut_are_not_told() {
    let world = world(|_, _| {});
    let (head, ()) = request("GET", "/graphql?query=%7Bme%7Bname%7D%7D", &[]).into_parts();
    let Progress::Admitted(admitted) = world.pipeline.begin(secure("203.0.113.9"), head) else { panic!() };
    let mut exchange = admitted.exchange;
    let (mut answer, ()) =
        Response::builder().header("content-type", "application/json").body(()).unwrap().into_parts();
    let limit = world.pipeline.look(&mut exchange, &answer).unwrap();
    let one = r#"{"message":"Cannot query field \"a\". Did you mean \"secretField\"?"},"#;
    let body = format!(r#"{{"errors":[{}"#, one.repeat(limit / one.len() + 1));
    let seen = Seen { bytes: body.as_bytes(), complete: false };
    let found = world.pipeline.inspect(&mut exchange, &mut answer, &seen).unwrap_err();
    let told = world.pipeline.refuse_answer(exchange, *found);
    assert!(!String::from_utf8_lossy(told.body()).contains("secretField"));
}
