//! What an admitted request looks like to the upstream.

use std::time::Duration;

use gabion_checks::{Caller, Destination};
use gabion_vault::jwt::{Expected, Jwks, verify};
use http::Version;
use serde::Deserialize;

use crate::world::*;

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    name: String,
    tenant: String,
    roles: Vec<String>,
    iat: i64,
    exp: i64,
}

fn claims(world: &World, token: &str, audience: &str) -> Claims {
    let expected =
        Expected { typ: "gabion-identity+jwt", issuer: ISSUER, audience, now: START, leeway: Duration::ZERO };
    verify(token, &Jwks::of([&*world.key]), &expected).unwrap()
}

#[test]
fn the_upstream_learns_who_is_calling_and_nothing_the_client_claims() {
    let world = World::new();
    let (ticket, _) = world.sign_in("alice", &["member"]);
    let forged = [
        ("gabion-identity", "forged"),
        ("gabion-anything", "forged"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-uri", "/health"),
        ("x-forwarded-user", "root"),
        ("forwarded", "for=6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("x-user-id", "1"),
        ("x-original-url", "/admin"),
        ("x-request-id", "forged"),
        ("remote-user", "root"),
        ("proxy", "http://evil.example"),
        ("accept", "text/plain"),
    ];
    let admitted =
        world.send(with_ticket(request("GET", "/account/orders?page=2", &forged), &ticket)).admitted();
    let headers = &admitted.head.headers;
    for (name, value) in headers {
        assert!(!value.as_bytes().windows(6).any(|part| part == b"forged"), "{name}");
    }
    assert_eq!(headers["x-forwarded-for"], "203.0.113.9");
    assert_eq!(headers["x-forwarded-host"], "shop.example");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["cookie"], "theme=dark; lang=en");
    assert_eq!(headers["accept"], "text/plain");
    assert_eq!(headers["x-request-id"].len(), 24);
    for name in
        ["x-real-ip", "x-user-id", "x-original-url", "remote-user", "forwarded", "proxy", "x-forwarded-uri"]
    {
        assert!(!headers.contains_key(name), "{name}");
    }
    let claims = claims(&world, headers["gabion-identity"].to_str().unwrap(), "app");
    assert_eq!((claims.sub.as_str(), claims.name.as_str()), ("id-alice", "alice"));
    assert_eq!((claims.tenant.as_str(), claims.roles), ("default", vec!["member".to_owned()]));
    assert_eq!((claims.iat, claims.exp), (START.as_secs(), START.as_secs() + 300));
    assert_eq!(admitted.head.uri, "/account/orders?page=2");
    assert_eq!(admitted.destination, Destination::Upstream(0));
}

#[test]
fn one_token_serves_until_half_its_life_and_one_upstream() {
    let world = World::new();
    let (ticket, _) = world.sign_in("alice", &[]);
    let token = |path: &str| {
        let admitted = world.send(with_ticket(get(path), &ticket)).admitted();
        admitted.head.headers["gabion-identity"].to_str().unwrap().to_owned()
    };
    let first = token("/account/a");
    assert_eq!(token("/account/b"), first);
    assert_ne!(token("/api/b"), first, "another upstream is another audience");
    world.clock.advance(Duration::from_secs(149));
    assert_eq!(token("/account/a"), first);
    world.clock.advance(Duration::from_secs(2));
    assert_ne!(token("/account/a"), first);
}

#[test]
fn a_stranger_has_no_identity() {
    let world = World::new();
    let admitted = world.send(request("GET", "/shop/x", &[("gabion-identity", "x")])).admitted();
    assert!(!admitted.head.headers.contains_key("gabion-identity"));
    assert!(!admitted.head.headers.contains_key("cookie"));
}

#[test]
fn what_belongs_to_one_hop_stays_there() {
    let world = World::new();
    let fields = [
        ("connection", "close, X-Secret-Hop, host, content-length"),
        ("x-secret-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAMAAABkAAQAAP__"),
        ("proxy-authorization", "Basic x"),
        ("content-length", "3"),
        ("sec-fetch-site", "same-origin"),
    ];
    let admitted = world.send(request("POST", "/shop/x", &fields)).admitted();
    let left = names(&admitted.head.headers);
    for name in
        ["connection", "x-secret-hop", "keep-alive", "te", "upgrade", "http2-settings", "proxy-authorization"]
    {
        assert!(!left.contains(&name), "{name}");
    }
    assert!(left.contains(&"host") && left.contains(&"content-length"));
    assert!(!admitted.exchange.is_upgrade());
}

#[test]
fn http2_requests_become_the_same_request() {
    let world = World::new();
    let mut request = get("https://Shop.example/shop/%7Euser?q=%2F");
    request.headers_mut().remove("host");
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().append("cookie", "a=1".parse().unwrap());
    request.headers_mut().append("cookie", "b=2".parse().unwrap());
    let admitted = world.send(request).admitted();
    assert_eq!(admitted.head.uri, "/shop/~user?q=%2F");
    assert_eq!(admitted.head.headers["host"], "shop.example");
    assert_eq!(admitted.head.headers["cookie"], "a=1; b=2");
    assert_eq!(admitted.head.version, Version::HTTP_11);
}

#[test]
fn a_websocket_handshake_passes_from_the_own_site_only() {
    let world = World::new();
    let handshake = |origin: &str, extra: (&str, &str)| {
        request(
            "GET",
            "/shop/live",
            &[
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("sec-websocket-version", "13"),
                ("origin", origin),
                extra,
            ],
        )
    };
    let admitted = world.send(handshake("https://shop.example", ("x-a", "b"))).admitted();
    assert!(admitted.exchange.is_upgrade());
    assert_eq!(admitted.head.headers["upgrade"], "websocket");
    assert_eq!(admitted.head.headers["connection"], "upgrade");
    assert_eq!(world.send(handshake("https://evil.example", ("x-a", "b"))).status(), 403);
    assert_eq!(world.send(handshake("https://shop.example", ("content-length", "5"))).status(), 400);
}

#[test]
fn pages_of_the_gate_learn_their_caller() {
    let world = World::new();
    let (ticket, session) = world.sign_in("alice", &[]);
    let admitted = world.send(with_ticket(get("/.gabion/account"), &ticket)).admitted();
    assert_eq!(admitted.destination, Destination::Local);
    let caller = admitted.head.extensions.get::<Caller>().unwrap();
    assert_eq!(caller.session.as_ref().unwrap().id, session.id);
    assert_eq!(caller.origin, "https://shop.example");
    assert_eq!(caller.host, "shop.example");
    assert!(caller.secure);
    assert_eq!(world.send(get("/.gabion/account")).status(), 401);
    assert_eq!(world.send(get("/.gabion/login")).admitted().destination, Destination::Local);
}

#[test]
fn a_revoked_session_is_a_stranger_with_the_next_request() {
    let world = World::new();
    let (ticket, session) = world.sign_in("alice", &[]);
    assert_eq!(world.send(with_ticket(get("/account/x"), &ticket)).status(), 200);
    world.sessions.revoke(&session.id).unwrap();
    assert_eq!(world.send(with_ticket(get("/account/x"), &ticket)).status(), 401);
}

#[test]
fn of_two_cookies_with_the_name_the_good_one_counts() {
    let world = World::new();
    let (ticket, _) = world.sign_in("alice", &[]);
    let stale = "A".repeat(43);
    for cookie in [
        format!("__Host-gabion={stale}; __Host-gabion={ticket}"),
        format!("__Host-gabion={ticket}; __Host-gabion={stale}"),
    ] {
        let admitted = world.send(request("GET", "/account/x", &[("cookie", &cookie)])).admitted();
        assert!(!admitted.head.headers.contains_key("cookie"), "neither reaches the upstream");
    }
    let wrong_name = format!("gabion-dev={ticket}");
    assert_eq!(world.send(request("GET", "/account/x", &[("cookie", &wrong_name)])).status(), 401);
}

#[test]
fn body_limits_follow_route_and_type() {
    let mut routes = routes();
    routes[0].upload_limit = Some(gabion_model::ByteSize::new(20_000_000));
    let world = World::with(&gabion_checks::Settings::default(), &routes);
    let limit = |path: &str, kind: &str| {
        let fields = [("content-type", kind), ("content-length", "1"), ("sec-fetch-site", "same-origin")];
        world.send(request("POST", path, &fields)).admitted().body_limit
    };
    assert_eq!(limit("/hooks/x", "application/json"), 10_000_000);
    assert_eq!(limit("/hooks/x", "Multipart/Form-Data; boundary=x"), 5_000_000);
    assert_eq!(limit("/shop/x", "multipart/form-data; boundary=x"), 20_000_000);
    assert_eq!(limit("/.gabion/login", "application/x-www-form-urlencoded"), 65_536);
    let long = [("content-length", "10000001"), ("sec-fetch-site", "same-origin")];
    assert_eq!(world.send(request("POST", "/hooks/x", &long)).status(), 413);
    assert_eq!(world.send(get("/shop/x")).admitted().body_limit, 0, "GET has no body");
}
