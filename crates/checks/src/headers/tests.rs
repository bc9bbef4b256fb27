use bytes::Bytes;
use http::{HeaderMap, Response};
use proptest::prelude::*;

use super::*;
use crate::route::Route;

const DEFAULTS: [&str; 6] = [
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "content-security-policy",
];

struct World {
    check: Headers,
}

impl World {
    fn new(settings: &Settings, route: Route) -> Self {
        Self { check: Headers::new(settings, &Routes::compile(&[route]).unwrap()) }
    }

    fn dress(&self, sent: &[(&'static str, &str)], secure: bool, host: &str) -> HeaderMap {
        let mut answer = Response::new(Bytes::new());
        for (name, value) in sent {
            answer.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
        }
        let (mut head, _) = answer.into_parts();
        let (request, ()) = http::Request::new(()).into_parts();
        let mut exchange = crate::exchange::tests::exchange(&request);
        exchange.route = Some(0);
        exchange.secure = secure;
        exchange.host = Some(HeaderValue::from_str(host).unwrap());
        let mut answer = Answer { head: &mut head, source: Source::Upstream, replacement: None };
        self.check.response(&mut exchange, &mut answer);
        head.headers
    }
}

fn signed_in() -> Route {
    Route::new("/*", Access::SignedIn, "app")
}

#[test]
fn an_answer_without_any_gets_them_all() {
    let headers = World::new(&Settings::default(), signed_in()).dress(&[("server", "x")], true, "a.example");
    for name in DEFAULTS {
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
    }
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["x-xss-protection"], "0");
    assert_eq!(headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
    assert!(
        headers["content-security-policy"].to_str().unwrap().ends_with("; report-uri /.gabion/csp-report")
    );
    assert!(!headers.contains_key("server"));
}

#[test]
fn hsts_needs_tls_and_a_name_of_its_own() {
    let world = World::new(&Settings::default(), signed_in());
    for (secure, host) in
        [(false, "a.example"), (true, "localhost:8443"), (true, "127.0.0.1"), (true, "[::1]")]
    {
        assert!(!world.dress(&[], secure, host).contains_key("strict-transport-security"), "{host}");
    }
}

#[test]
fn unsafe_words_of_the_application_are_replaced_and_safe_ones_kept() {
    let world = World::new(&Settings::default(), signed_in());
    let headers = world.dress(
        &[
            ("x-frame-options", "ALLOWALL"),
            ("referrer-policy", "unsafe-url"),
            ("x-xss-protection", "1; mode=block"),
            ("content-security-policy", "script-src 'self'"),
            ("cross-origin-opener-policy", "same-origin"),
        ],
        false,
        "a.example",
    );
    assert_eq!(headers["x-frame-options"], "SAMEORIGIN");
    assert_eq!(headers["referrer-policy"], "strict-origin-when-cross-origin");
    assert_eq!(headers["x-xss-protection"], "0");
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    assert_eq!(headers.get_all("content-security-policy").iter().count(), 2);
    assert_eq!(world.dress(&[("x-frame-options", "deny")], false, "a")["x-frame-options"], "deny");
}

#[test]
fn a_route_has_the_last_word() {
    let mut route = signed_in();
    route.csp = Some("frame-ancestors https://partner.example".into());
    route.headers.insert("X-Frame-Options".into(), String::new());
    route.headers.insert("Referrer-Policy".into(), "no-referrer".into());
    let headers = World::new(&Settings::default(), route).dress(&[("x-frame-options", "DENY")], false, "a");
    assert!(!headers.contains_key("x-frame-options"));
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert!(
        headers["content-security-policy"].to_str().unwrap().starts_with("frame-ancestors https://partner")
    );
}

proptest! {
    #[test]
    fn no_application_header_takes_protection_away(
        name in prop::sample::select(vec!["x-content-type-options", "x-xss-protection", "x-frame-options", "referrer-policy", "content-security-policy"]),
        values in proptest::collection::vec("[a-zA-Z0-9 ;=*-]{0,20}", 0..3),
    ) {
        let sent: Vec<_> = values.iter().map(|value| (name, value.as_str())).collect();
        let headers = World::new(&Settings::default(), signed_in()).dress(&sent, false, "a");
        prop_assert_eq!(&headers["x-content-type-options"], "nosniff");
        prop_assert_eq!(headers.get_all("x-xss-protection").iter().collect::<Vec<_>>(), ["0"]);
        let frame = headers["x-frame-options"].to_str().unwrap().to_ascii_uppercase();
        prop_assert!(frame == "DENY" || frame == "SAMEORIGIN");
        let policies = headers.get_all("content-security-policy");
        prop_assert!(policies.iter().any(|policy| policy.to_str().unwrap().contains("frame-ancestors 'self'")));
    }
}
