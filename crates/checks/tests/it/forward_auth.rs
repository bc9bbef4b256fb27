//! What proxies are told, dialect by dialect, and the advisories of others.

use gabion_checks::forward_auth::{Dialect, Preflights, Settings as ForwardAuth};
use gabion_checks::{Access, Route, Settings};
use http::{Request, StatusCode};

use crate::world::{Sent, World, plain, request, routes, secure};

const PROXY: &str = "10.0.0.7";

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.client_address.trusted_proxies = vec![PROXY.to_owned()];
    settings
}

fn world() -> World {
    world_with(Preflights::Refuse)
}

fn world_with(preflights: Preflights) -> World {
    let asked = ForwardAuth {
        preflights,
        dialects: vec![Dialect::Nginx, Dialect::Caddy, Dialect::Traefik, Dialect::Haproxy, Dialect::Envoy],
        name_header: Some("Remote-User".to_owned()),
        roles_header: Some("Remote-Groups".to_owned()),
        ..ForwardAuth::default()
    };
    let mut world = World::with(&settings(), &routes());
    let pipeline = std::mem::replace(&mut world.pipeline, World::new().pipeline);
    world.pipeline = pipeline.with_forward_auth(&asked, &settings().client_address).unwrap();
    world
}

/// What a proxy of a dialect sends about `GET https://shop.example{target}`.
fn ask(dialect: &str, target: &str, more: &[(&str, &str)]) -> Request<()> {
    let url = format!("https://shop.example{target}");
    let mut fields = vec![("x-forwarded-for", "203.0.113.9")];
    let mut path = format!("/.gabion/forward-auth/{dialect}");
    match dialect {
        "nginx" => {
            fields.extend([
                ("x-original-url", url.as_str()),
                ("x-original-method", "GET"),
                ("host", "gabion"),
            ]);
        }
        "envoy" => {
            path.push_str(target);
            fields.extend([("x-forwarded-proto", "https"), ("host", "shop.example")]);
        }
        _ => fields.extend([
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-uri", target),
            ("x-forwarded-method", "GET"),
            ("host", "gabion"),
        ]),
    }
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    fields.extend_from_slice(more);
    request("GET", &path, &fields)
}

const DIALECTS: [&str; 5] = ["nginx", "caddy", "traefik", "haproxy", "envoy"];

fn cookie(ticket: &str) -> String {
    format!("__Host-gabion={ticket}")
}

#[test]
fn every_dialect_says_yes_to_whoever_may() {
    let world = world();
    let (ticket, _) = world.sign_in("alice", &["clerk"]);
    for dialect in DIALECTS {
        let asked = ask(dialect, "/account/orders?page=2", &[("cookie", &cookie(&ticket))]);
        let answer = world.send_from(plain(PROXY), asked).answer();
        assert_eq!(answer.status(), StatusCode::OK, "{dialect}: {answer:?}");
        assert_eq!(answer.headers()["remote-user"], "alice");
        assert_eq!(answer.headers()["remote-groups"], "clerk");
        assert!(answer.headers()["gabion-identity"].len() > 100);
        let public = world.send_from(plain(PROXY), ask(dialect, "/shop/", &[])).answer();
        assert_eq!(
            (public.status(), public.headers()["remote-user"].len()),
            (StatusCode::OK, 0),
            "{dialect}"
        );
    }
}

#[test]
fn strangers_are_sent_to_sign_in_as_the_proxy_can_tell_them() {
    let world = world();
    for dialect in DIALECTS {
        let page = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
        let answer = world.send_from(plain(PROXY), ask(dialect, "/account/orders?a=b", &page)).answer();
        let expected = if dialect == "nginx" { StatusCode::UNAUTHORIZED } else { StatusCode::SEE_OTHER };
        assert_eq!(answer.status(), expected, "{dialect}");
        assert_eq!(answer.headers()["location"], "/.gabion/login?next=/account/orders%3Fa%3Db");
        let program = world.send_from(plain(PROXY), ask(dialect, "/account/", &[])).answer();
        assert_eq!(program.status(), StatusCode::UNAUTHORIZED, "{dialect}");
        assert!(program.headers().contains_key("www-authenticate"));
        let nowhere = world.send_from(plain(PROXY), ask(dialect, "/nowhere", &[])).answer();
        let expected = if dialect == "nginx" { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
        assert_eq!(nowhere.status(), expected, "{dialect}");
    }
}

fn refused(sent: Sent) -> bool {
    !sent.answer().status().is_success()
}

/// oauth2-proxy CVE-2026-40575: a client's own `X-Forwarded-Uri` decided.
#[test]
fn cve_2026_40575_only_trusted_proxies_say_what_is_asked() {
    let world = world();
    let (ticket, _) = world.sign_in("alice", &[]);
    for dialect in DIALECTS {
        for target in ["/shop/", "/account/"] {
            let asked = ask(dialect, target, &[("cookie", &cookie(&ticket))]);
            assert!(refused(world.send_from(secure("203.0.113.9"), asked)), "{dialect} {target}");
        }
    }
}

/// oauth2-proxy CVE-2026-76835: the default trusted everybody.
#[test]
fn cve_2026_76835_without_a_trusted_proxy_forward_auth_does_not_start() {
    let asked = ForwardAuth { dialects: vec![Dialect::Nginx], ..ForwardAuth::default() };
    let problems =
        World::new().pipeline.with_forward_auth(&asked, &Settings::default().client_address).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, "forward_auth.dialects");
    assert!(Settings::default().client_address.trusted_proxies.is_empty());
    let (world, page) = (World::new(), ask("nginx", "/shop/", &[("host", "shop.example")]));
    assert!(
        !matches!(world.send_from(plain(PROXY), page), Sent::Answered(answer) if answer.status().is_success())
    );
}

/// Authelia CVE-2021-32637: an address that cannot be parsed was let pass.
#[test]
fn cve_2021_32637_what_cannot_be_read_is_refused() {
    let world = world();
    for target in
        ["/shop/%", "/shop/%zz", "/shop/%00", "shop", "", "/shop/\t", "/shop/..", "/shop/%2e%2e/account"]
    {
        for dialect in ["nginx", "caddy", "traefik", "haproxy"] {
            let more = match dialect {
                "nginx" => ("x-original-url", format!("https://shop.example{target}")),
                _ => ("x-forwarded-uri", target.to_owned()),
            };
            let asked = ask(dialect, "/shop/", &[(more.0, &more.1)]);
            assert!(refused(world.send_from(plain(PROXY), asked)), "{dialect} {target:?}");
        }
    }
    let rows: [(&str, &[(&str, &str)]); 9] = [
        ("nginx", &[("x-original-url", "shop.example/shop/")]),
        ("nginx", &[("x-original-url", "ftp://shop.example/shop/")]),
        ("nginx", &[("x-original-url", "https:///shop/")]),
        ("nginx", &[("x-forwarded-proto", "http")]),
        ("nginx", &[("x-original-method", "")]),
        ("caddy", &[("x-forwarded-host", "shop.example@evil.example")]),
        ("caddy", &[("x-forwarded-proto", "gopher")]),
        ("traefik", &[("x-forwarded-method", "TRACE")]),
        ("traefik", &[("x-forwarded-for", "not an address")]),
    ];
    for (dialect, more) in rows {
        assert!(refused(world.send_from(plain(PROXY), ask(dialect, "/shop/", more))), "{dialect} {more:?}");
    }
}

/// What is missing or there twice decides nothing.
#[test]
fn missing_and_repeated_fields_are_refused() {
    let world = world();
    for name in
        ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri", "x-forwarded-method"]
    {
        let mut without = ask("caddy", "/shop/", &[]);
        without.headers_mut().remove(name);
        assert!(refused(world.send_from(plain(PROXY), without)), "{name}");
        if name != "x-forwarded-for" {
            let mut twice = ask("caddy", "/shop/", &[]);
            let value = twice.headers()[name].clone();
            twice.headers_mut().append(name, value);
            assert!(refused(world.send_from(plain(PROXY), twice)), "{name}");
        }
    }
}

/// oauth2-proxy GHSA-pxq7-h93f-9jrg: the fragment was part of what was matched.
#[test]
fn ghsa_pxq7_a_fragment_matches_nothing() {
    let world = world();
    for target in ["/account/#/shop/", "/shop/#", "/account%23/shop/"] {
        for dialect in ["nginx", "caddy"] {
            assert!(refused(world.send_from(plain(PROXY), ask(dialect, target, &[]))), "{dialect} {target}");
        }
    }
}

/// oauth2-proxy GHSA-5hvv-m4w4-gf6v: a health check's user agent let anybody in.
#[test]
fn ghsa_5hvv_no_field_of_a_health_check_lets_in() {
    let world = world();
    for agent in ["GoogleHC/1.0", "kube-probe/1.29", "ELB-HealthChecker/2.0"] {
        let asked = ask("nginx", "/account/", &[("user-agent", agent)]);
        assert!(refused(world.send_from(plain(PROXY), asked)), "{agent}");
    }
}

/// authentik CVE-2024-47070 and CVE-2023-36456: who the client is, is the proxy's word alone.
#[test]
fn cve_2024_47070_a_client_behind_the_proxy_cannot_name_its_address() {
    let world = world();
    let asked = ask("nginx", "/shop/", &[("x-forwarded-for", "10.0.0.1, 198.51.100.4")]);
    match world.pipeline.request(plain(PROXY), asked.into_parts().0) {
        Err(refused) => assert_eq!(refused.exchange().client().to_string(), "198.51.100.4"),
        Ok(_) => panic!("forward-auth never admits"),
    }
}

#[test]
fn pages_of_the_gate_are_not_asked_about_and_websockets_are_judged_as_such() {
    let world = world();
    let (ticket, _) = world.sign_in("alice", &[]);
    let own = ask("caddy", "/.gabion/login", &[]);
    assert!(refused(world.send_from(plain(PROXY), own)));
    let cookie = cookie(&ticket);
    let handshake = [
        ("cookie", cookie.as_str()),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
        ("origin", "https://evil.example"),
    ];
    let answer = world.send_from(plain(PROXY), ask("nginx", "/account/live", &handshake)).answer();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "a handshake begun by another site");
}

#[test]
fn a_dialect_that_is_not_configured_is_not_spoken() {
    let asked = ForwardAuth { dialects: vec![Dialect::Caddy], ..ForwardAuth::default() };
    let mut world = World::with(&settings(), &[Route::new("/*", Access::Public, "app")]);
    let pipeline = std::mem::replace(&mut world.pipeline, World::new().pipeline);
    world.pipeline = pipeline.with_forward_auth(&asked, &settings().client_address).unwrap();
    assert!(refused(world.send_from(plain(PROXY), ask("nginx", "/", &[]))));
    assert!(!refused(world.send_from(plain(PROXY), ask("caddy", "/", &[]))));
}

/// Browsers send no credentials with a preflight, so nobody could be signed in. Refused unless the operator says that
/// the application answers them; then only for what is declared, and with nobody's name.
#[test]
fn preflights_go_nowhere_unless_the_application_answers_them() {
    let preflight = |target: &'static str, method: &'static str| {
        let more = [
            ("origin", "https://other.example"),
            ("access-control-request-method", method),
            ("x-forwarded-method", "OPTIONS"),
            ("remote-user", "root"),
            ("gabion-identity", "forged"),
        ];
        ask("caddy", target, &more)
    };
    let asked = |world: &World, request| world.send_from(plain(PROXY), request).answer();
    assert_eq!(
        asked(&world(), preflight("/account/x", "PUT")).status(),
        StatusCode::FORBIDDEN,
        "the default"
    );
    let mut routes = routes();
    routes[1].methods = vec!["GET".to_owned()];
    let mut passing = world_with(Preflights::Pass);
    let answer = asked(&passing, preflight("/account/x", "PUT"));
    assert_eq!(answer.status(), StatusCode::OK);
    for name in ["remote-user", "remote-groups", "gabion-identity"] {
        assert_eq!(answer.headers()[name], "", "nobody's name goes with it");
    }
    assert_eq!(asked(&passing, preflight("/nowhere", "PUT")).status(), StatusCode::FORBIDDEN, "not declared");
    assert_eq!(asked(&passing, preflight("/.gabion/oauth/token", "POST")).status(), StatusCode::FORBIDDEN);
    // What only looks like one is judged like everything else.
    for missing in ["origin", "access-control-request-method"] {
        let mut request = preflight("/account/x", "PUT");
        request.headers_mut().remove(missing);
        assert_eq!(asked(&passing, request).status(), StatusCode::UNAUTHORIZED, "without {missing}");
    }
    let mut other = preflight("/account/x", "PUT");
    other.headers_mut().insert("x-forwarded-method", "GET".parse().unwrap());
    assert_eq!(asked(&passing, other).status(), StatusCode::UNAUTHORIZED);
    let mut twice = preflight("/account/x", "PUT");
    twice.headers_mut().append("access-control-request-method", "GET".parse().unwrap());
    assert_eq!(asked(&passing, twice).status(), StatusCode::FORBIDDEN);
    // A method the route does not take is not asked for either.
    let narrowed = World::with(&settings(), &routes);
    let passes = ForwardAuth {
        dialects: vec![Dialect::Caddy],
        preflights: Preflights::Pass,
        ..ForwardAuth::default()
    };
    passing.pipeline = narrowed.pipeline.with_forward_auth(&passes, &settings().client_address).unwrap();
    assert_eq!(asked(&passing, preflight("/account/x", "PUT")).status(), StatusCode::FORBIDDEN);
    assert_eq!(asked(&passing, preflight("/account/x", "GET")).status(), StatusCode::OK);
}
