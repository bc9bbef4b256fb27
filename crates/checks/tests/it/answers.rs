//! What an upstream's answer looks like when it leaves.

use gabion_checks::{Exchange, Seen, Settings};
use http::{HeaderMap, Response, StatusCode, response};

use crate::world::*;

fn upstream(status: u16, fields: &[(&str, &str)]) -> response::Parts {
    let answer = fields
        .iter()
        .fold(Response::builder().status(status), |answer, (name, value)| answer.header(*name, *value));
    answer.body(()).unwrap().into_parts().0
}

fn dress(
    world: &World,
    request: http::Request<()>,
    status: u16,
    fields: &[(&str, &str)],
) -> (HeaderMap, Option<String>, Exchange) {
    let mut exchange = world.send(request).admitted().exchange;
    let mut head = upstream(status, fields);
    let body = world.pipeline.response(&mut exchange, &mut head);
    assert_eq!(head.status, StatusCode::from_u16(status).unwrap());
    (head.headers, body.map(|body| String::from_utf8(body.to_vec()).unwrap()), *exchange)
}

#[test]
fn a_private_answer_is_dressed() {
    let world = World::new();
    let (ticket, _) = world.sign_in("alice", &[]);
    let fields = [
        ("content-type", "text/html"),
        ("server", "Apache/2.4.1"),
        ("x-powered-by", "PHP/5.3"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("cache-control", "public, max-age=3600"),
        ("expires", "Sat, 21 Nov 2027 19:00:00 GMT"),
        ("set-cookie", "sid=1; Path=/"),
        ("set-cookie", "__Host-gabion=planted; Path=/; Secure"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
    ];
    let (headers, body, _) = dress(&world, with_ticket(get("/account/x"), &ticket), 200, &fields);
    assert_eq!(body, None);
    for name in [
        "server",
        "x-powered-by",
        "connection",
        "x-hop",
        "keep-alive",
        "expires",
        "access-control-allow-origin",
        "access-control-allow-credentials",
    ] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert_eq!(headers["cache-control"], "no-store");
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["sid=1; Path=/; HttpOnly; Secure; SameSite=Lax"]);
    assert_eq!(headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
    assert_eq!(headers["content-type"], "text/html");
}

#[test]
fn server_errors_lose_their_body_and_keep_their_status() {
    let world = World::new();
    let fields =
        [("content-type", "text/html"), ("content-length", "5000"), ("etag", "x"), ("set-cookie", "a=b")];
    let (headers, body, exchange) = dress(&world, get("/shop/x"), 503, &fields);
    let body = body.unwrap();
    assert!(body.contains("\"status\":503") && body.contains(&exchange.request_id().to_string()));
    assert_eq!(headers["content-length"], body.len().to_string().as_str());
    assert_eq!(headers["content-type"], "application/problem+json");
    assert!(!headers.contains_key("etag") && headers.contains_key("set-cookie"));
    assert_eq!(headers["gabion-request-id"], exchange.request_id().to_string().as_str());
}

#[test]
fn traces_in_other_errors_are_found_in_the_bodys_beginning() {
    let world = World::new();
    let run = |status: u16, body: &[u8]| {
        let mut exchange = world.send(get("/shop/x")).admitted().exchange;
        let mut head = upstream(status, &[("content-type", "text/plain")]);
        let limit = world.pipeline.look(&mut exchange, &head)?;
        let (bytes, complete) = (body.get(..limit).unwrap_or(body), body.len() <= limit);
        world.pipeline.inspect(&mut exchange, &mut head, &Seen { bytes, complete }).unwrap()
    };
    let trace = b"Traceback (most recent call last):\n  File \"/srv/app.py\", line 3";
    let replaced = run(400, trace).unwrap();
    assert!(!replaced.windows(9).any(|part| part == b"Traceback"));
    assert_eq!(run(404, b"no such product"), None);
    assert_eq!(run(200, trace), None, "good answers are not looked into");
}

#[test]
fn listed_origins_may_read_also_refusals_and_nobody_else_may() {
    let mut settings = Settings::default();
    settings.cors.origins = vec!["https://app.example".to_owned()];
    settings.cors.credentials = true;
    let world = World::with(&settings, &routes());
    let preflight = |origin: &str| {
        let fields = [("origin", origin), ("access-control-request-method", "PUT")];
        world.send(request("OPTIONS", "/account/x", &fields)).answer()
    };
    let good = preflight("https://app.example");
    assert_eq!(good.status(), 204);
    assert_eq!(good.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(good.headers()["access-control-allow-credentials"], "true");
    assert!(good.headers()["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    for origin in ["https://evil.example", "null", "https://app.example.evil.example"] {
        let answer = preflight(origin);
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{origin}");
        assert!(!answer.headers().contains_key("access-control-allow-methods"), "{origin}");
    }
    let refused = world.send(request("GET", "/account/x", &[("origin", "https://app.example")])).answer();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(refused.headers()["vary"], "Origin");
}

#[test]
fn the_token_is_for_clients_that_send_neither_header() {
    let world = World::new();
    let (ticket, _) = world.sign_in("alice", &[]);
    let (headers, _, _) = dress(
        &world,
        with_ticket(request("GET", "/shop/x", &[("x-gabion-csrf", "fetch")]), &ticket),
        200,
        &[("cache-control", "public, max-age=60")],
    );
    assert_eq!(headers["cache-control"], "no-store");
    let token = headers["x-gabion-csrf"].to_str().unwrap().to_owned();
    let post = |token: Option<&str>| {
        let fields: Vec<_> = token.map(|token| ("x-gabion-csrf", token)).into_iter().collect();
        world.send(with_ticket(request("POST", "/account/x", &fields), &ticket))
    };
    assert_eq!(post(None).status(), 403);
    assert_eq!(post(Some("x")).status(), 403);
    assert_eq!(post(Some("fetch")).status(), 403);
    let admitted = post(Some(&token)).admitted();
    assert!(!admitted.head.headers.contains_key("x-gabion-csrf"), "the token stays here");
    let (other, _) = world.sign_in("mallory", &[]);
    let stolen = world.send(with_ticket(request("POST", "/account/x", &[("x-gabion-csrf", &token)]), &other));
    assert_eq!(stolen.status(), 403, "a token of another session");
    let foreign = with_ticket(
        request("GET", "/account/x", &[("x-gabion-csrf", "fetch"), ("sec-fetch-site", "cross-site")]),
        &ticket,
    );
    assert!(!dress(&world, foreign, 200, &[]).0.contains_key("x-gabion-csrf"));
}

#[test]
fn switching_protocols_keeps_its_fields() {
    let world = World::new();
    let fields = [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", "x")];
    let (headers, _, _) = dress(&world, get("/shop/x"), 101, &fields);
    assert_eq!(
        (&headers["connection"], &headers["upgrade"]),
        (&"upgrade".parse().unwrap(), &"websocket".parse().unwrap())
    );
}
