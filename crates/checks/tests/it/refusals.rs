//! Every refusal, wherever it is made, is a whole answer: headers, request id, record, nothing said.

use gabion_checks::{Connection, Denial, Settings};
use gabion_model::{Actor, ControlId, EventKind, Outcome};
use http::{Request, Response};

use crate::world::*;

/// One request for each way to be refused: what is sent, the status, the control.
fn refusals() -> Vec<(Connection, Request<()>, u16, ControlId)> {
    let tls = secure("203.0.113.9");
    let row = |request, status, control| (tls, request, status, control);
    let same = ("sec-fetch-site", "same-origin");
    vec![
        row(
            request("POST", "/shop/x", &[("content-length", "1"), ("transfer-encoding", "chunked")]),
            400,
            ControlId::INPUT_LIMITS,
        ),
        row(
            request("POST", "/shop/x", &[("content-length", "99999999"), same]),
            413,
            ControlId::INPUT_LIMITS,
        ),
        row(get(&format!("/shop/{}", "a".repeat(9000))), 414, ControlId::INPUT_LIMITS),
        row(request("GET", "/shop/x", &[("x-large", &"a".repeat(40_000))]), 431, ControlId::INPUT_LIMITS),
        row(request("TRACE", "/shop/x", &[]), 405, ControlId::INPUT_PATHS),
        row(get("/shop/%2e%2e/x"), 400, ControlId::INPUT_PATHS),
        row(request("GET", "/shop/x", &[("x_forwarded_for", "1.2.3.4")]), 400, ControlId::INPUT_PATHS),
        (plain("203.0.113.9"), get("/shop/x"), 403, ControlId::WEB_HTTPS),
        row(request("POST", "/shop/x", &[("sec-fetch-site", "cross-site")]), 403, ControlId::WEB_CSRF),
        row(get("/undeclared"), 404, ControlId::AUTHZ_DECLARED_ROUTES),
        row(get("/account/x"), 401, ControlId::AUTHZ_DECLARED_ROUTES),
    ]
}

fn is_whole(answer: &Response<bytes::Bytes>, what: &str) {
    let headers = answer.headers();
    assert_eq!(headers["x-content-type-options"], "nosniff", "{what}");
    assert_eq!(headers["gabion-request-id"].len(), 24, "{what}");
    assert_eq!(headers["cache-control"], "no-store", "{what}");
    for name in ["content-security-policy", "x-frame-options", "referrer-policy"] {
        assert!(headers.contains_key(name), "{what}: {name}");
    }
}

#[test]
fn every_refusal_carries_headers_and_id_and_leaves_a_record() {
    for (connection, request, status, control) in refusals() {
        let world = World::new();
        let what = format!(
            "{} {}",
            request.method(),
            request.uri().path().get(..20).unwrap_or(request.uri().path())
        );
        let path = request.uri().path().to_owned();
        let answer = world.send_from(connection, request).answer();
        assert_eq!(answer.status(), status, "{what}");
        is_whole(&answer, &what);
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{what}");
        let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(problem["status"], status, "{what}");
        assert_eq!(problem["request_id"], answer.headers()["gabion-request-id"].to_str().unwrap());
        let events = world.events();
        assert_eq!(events.len(), 1, "{what}: {events:?}");
        let event = &events[0];
        assert_eq!(
            (event.kind, event.outcome, event.control),
            (EventKind::Refusal, Outcome::Failure, control),
            "{what}"
        );
        assert_eq!(event.actor, Actor::Anonymous);
        assert_eq!(event.address.unwrap().to_string(), "203.0.113.9");
        assert_eq!(event.request_id.unwrap().to_string(), problem["request_id"].as_str().unwrap());
        assert_eq!(event.metadata["status"], status.to_string());
        assert!(
            path.starts_with(event.resource.trim_end_matches('…')) || event.resource.len() < path.len(),
            "{what}"
        );
        let refused = world.pipeline.metrics().into_iter().find(|metric| metric.control == Some(control));
        assert_eq!(
            refused.map(|metric| (metric.verdict.as_str(), metric.count)),
            Some(("refused", 1)),
            "{what}"
        );
        assert_eq!(world.log.all().len(), 1, "{what}");
    }
}

#[test]
fn refusals_of_the_gateway_are_whole_too() {
    let world = World::new();
    let rows = [
        (Denial::upstream_unreachable(), 502),
        (Denial::upstream_malformed(), 502),
        (Denial::upstream_timeout(), 504),
        (Denial::body_too_large(), 413),
        (Denial::request_timeout(), 408),
        (Denial::draining(), 503),
        (Denial::internal("secret detail"), 500),
    ];
    for (denial, status) in rows {
        let admitted = world.send(get("/shop/x")).admitted();
        let id = admitted.exchange.request_id().to_string();
        let answer = world.pipeline.refuse(admitted.exchange, denial);
        assert_eq!(answer.status(), status);
        is_whole(&answer, &status.to_string());
        assert_eq!(answer.headers()["gabion-request-id"], id.as_str());
        assert!(!String::from_utf8_lossy(answer.body()).contains("secret detail"));
    }
    let answer =
        world.pipeline.refuse_connection(secure("203.0.113.9"), Denial::malformed_request("bare cr"));
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["connection"], "close");
    is_whole(&answer, "before a head");
    assert_eq!(world.events().len(), 8);
}

#[test]
fn people_get_pages_and_programs_get_problems() {
    let world = World::new();
    let navigation = [("sec-fetch-mode", "navigate"), ("accept", "text/html")];
    let page = world.send(request("GET", "/undeclared", &navigation)).answer();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let body = std::str::from_utf8(page.body()).unwrap();
    assert!(body.contains("<h1>Not Found</h1>"));
    assert!(body.contains(page.headers()["gabion-request-id"].to_str().unwrap()));
    let policies: Vec<_> = page.headers().get_all("content-security-policy").iter().collect();
    assert_eq!(policies.len(), 1);
    assert!(policies[0].to_str().unwrap().starts_with("default-src 'none'"));
    for fields in [
        [("sec-fetch-mode", "cors"), ("accept", "text/html")],
        [("x-requested-with", "XMLHttpRequest"), ("accept", "text/html")],
    ] {
        let answer = world.send(request("GET", "/account/x", &fields)).answer();
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("www-authenticate"));
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let redirect = world.send(request("GET", "/account/x", &navigation)).answer();
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (303, &"/.gabion/login?next=/account/x".parse().unwrap())
    );
}

#[test]
fn a_missing_role_is_recorded_with_the_account() {
    let world = World::new();
    let (ticket, session) = world.sign_in("alice", &["member"]);
    assert_eq!(world.send(with_ticket(get("/admin/users"), &ticket)).status(), 403);
    let event = world.events().remove(0);
    assert_eq!(event.control, ControlId::AUTHZ_ROLES);
    assert_eq!(
        event.actor,
        Actor::Account {
            id: session.principal.account.clone(),
            name: "alice".to_owned(),
            session: Some(session.id.clone())
        }
    );
    let (ticket, _) = world.sign_in("root", &["administrator"]);
    assert_eq!(world.send(with_ticket(get("/admin/users"), &ticket)).status(), 200);
}

#[test]
fn options_are_answered_only_where_declared() {
    let mut routes = routes();
    routes[0].methods = vec!["GET".to_owned()];
    let world = World::with(&Settings::default(), &routes);
    let answer = world.send(request("OPTIONS", "/shop/x", &[])).answer();
    assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &"GET, HEAD".parse().unwrap()));
    assert_eq!(world.send(request("OPTIONS", "/hooks/x", &[])).status(), 200);
}

#[test]
fn plain_http_redirects_people_only() {
    let world = World::new();
    let navigation = [("sec-fetch-mode", "navigate"), ("accept", "text/html")];
    let answer = world.send_from(plain("203.0.113.9"), request("GET", "/shop/x?y=1", &navigation)).answer();
    assert_eq!(answer.status(), 308);
    assert_eq!(answer.headers()["location"], "https://shop.example/shop/x?y=1");
    assert!(world.events().is_empty(), "a redirect is no refusal");
    assert_eq!(world.send_from(plain("203.0.113.9"), request("POST", "/shop/x", &navigation)).status(), 403);
}

#[test]
fn floods_are_slowed_and_told_when_to_come_back() {
    let mut settings = Settings::default();
    settings.rate.profile = "api".to_owned();
    let world = World::with(&settings, &routes());
    let admitted = world.send(get("/shop/x")).admitted();
    let (mut exchange, (mut head, ())) = (admitted.exchange, Response::new(()).into_parts());
    world.pipeline.response(&mut exchange, &mut head);
    assert_eq!(head.headers["ratelimit"], "\"api\";r=99;t=9");
    assert_eq!(head.headers["ratelimit-policy"], "\"api\";q=100;w=900");
    let passed = (0..200).filter(|_| world.send(get("/shop/x")).status() == 200).count();
    assert_eq!(passed, 99);
    let answer = world.send(get("/shop/x")).answer();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "9");
    assert_eq!(answer.headers()["ratelimit"], "\"api\";r=0;t=9");
    is_whole(&answer, "429");
    assert_eq!(world.send_from(secure("198.51.100.1"), get("/shop/x")).status(), 200, "others pass");
}

#[test]
fn an_account_is_counted_across_addresses() {
    let mut settings = Settings::default();
    settings.rate.profile = "api".to_owned();
    let world = World::with(&settings, &routes());
    let (ticket, _) = world.sign_in("alice", &[]);
    let passed = (0..150_u8)
        .filter(|host| {
            let peer = secure(&format!("198.51.100.{host}"));
            world.send_from(peer, with_ticket(get("/shop/x"), &ticket)).status() == 200
        })
        .count();
    assert_eq!(passed, 100);
}
