//! Bugs other gates shipped, as tests of this one.

use gabion_checks::Settings;

use crate::world::*;

/// oauth2-proxy CVE-2026-40575, Authelia CVE-2021-32637: what a client says about itself decides nothing.
#[test]
fn oauth2_proxy_cve_2026_40575_forged_forwarding_fields_open_no_door() {
    let world = World::new();
    for (name, value) in [
        ("x-forwarded-uri", "/shop/x"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1;proto=https;host=shop.example"),
        ("x-original-url", "/shop/x"),
        ("x-rewrite-url", "/shop/x"),
        ("x-original-uri", "%zz"),
        ("gabion-identity", "eyJhbGciOiJub25lIn0.e30."),
        ("authorization", "Bearer x"),
    ] {
        assert_eq!(world.send(request("GET", "/account/x", &[(name, value)])).status(), 401, "{name}");
    }
}

/// oauth2-proxy CVE-2026-76835, authentik CVE-2024-47070: nobody is trusted unless named.
#[test]
fn oauth2_proxy_cve_2026_76835_authentik_cve_2023_36456_the_default_trusted_set_is_empty() {
    assert!(Settings::default().client_address.trusted_proxies.is_empty());
    let mut named = Settings::default();
    named.client_address.trusted_proxies = vec!["10.9.9.9".to_owned()];
    for world in [World::new(), World::with(&named, &routes())] {
        for peer in ["127.0.0.1", "10.0.0.1", "192.168.0.1", "::1"] {
            let request =
                request("GET", "/shop/x", &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https")]);
            let sent = world.send_from(secure(peer), request).admitted();
            assert_eq!(sent.exchange.client().to_string(), peer);
        }
    }
}

/// GHSA-5hvv-m4w4-gf6v: no user agent is a health check.
#[test]
fn oauth2_proxy_ghsa_5hvv_no_user_agent_skips_sign_in() {
    let world = World::new();
    for agent in ["GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0", "Pingdom", ""] {
        assert_eq!(
            world.send(request("GET", "/account/x", &[("user-agent", agent)])).status(),
            401,
            "{agent}"
        );
    }
}

/// GHSA-pxq7-h93f-9jrg: routes are matched on the one normal form.
#[test]
fn oauth2_proxy_ghsa_pxq7_no_spelling_of_a_path_leads_past_its_route() {
    let world = World::new();
    let spellings = [
        "/account/x",
        "/%61ccount/x",
        "/account%2Fx",
        "//account/x",
        "/shop/../account/x",
        "/shop/%2e%2e/account/x",
        "/shop/..;/account/x",
        "/shop/..%2faccount/x",
        "/shop/%252e%252e/account/x",
        "/shop\\..\\account",
        "/account/x;/shop/x",
        "/account;x/",
        "/./account/x",
        "/account",
        "/account/",
        "/account?/shop/x",
        "/account#/shop/x",
        "/account%23/shop/x",
        "/account%00/shop/x",
        "/ACCOUNT/x",
    ];
    for path in spellings {
        let Ok(uri) = path.parse::<http::Uri>() else { continue };
        let mut request = get("/");
        *request.uri_mut() = uri;
        assert_ne!(world.send(request).status(), 200, "{path}");
    }
}

/// Host-header injection: with hosts declared, no other is answered.
#[test]
fn undeclared_hosts_are_refused() {
    let mut routes = routes();
    for route in &mut routes {
        route.hosts = vec!["shop.example".to_owned()];
    }
    let world = World::with(&Settings::default(), &routes);
    let rows = [
        ("shop.example", 200),
        ("SHOP.example:443", 200),
        ("evil.example", 421),
        ("shop.example.evil.example", 421),
        ("shop.example@evil.example", 400),
        ("shop.example evil.example", 400),
        ("", 400),
    ];
    for (host, status) in rows {
        assert_eq!(world.send(request("GET", "/shop/x", &[("host", host)])).status(), status, "{host}");
        let login = world.send(request("GET", "/.gabion/login", &[("host", host)])).status();
        assert_eq!(login, status, "{host}: the gate's own pages too");
    }
}

/// Open redirect by way of the login page's `next`.
#[test]
fn the_way_back_from_login_is_local() {
    let world = World::new();
    let navigation = [("sec-fetch-mode", "navigate"), ("accept", "text/html")];
    let next = |method: &str, path: &str| {
        let answer = world.send(request(method, path, &navigation)).answer();
        assert_eq!(answer.status(), 303);
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(next("GET", "/account/a?b=c&d=%2F"), "/.gabion/login?next=/account/a%3Fb%3Dc%26d%3D%252F");
    assert_eq!(next("GET", &format!("/account/{}", "a".repeat(3000))), "/.gabion/login");
}

/// Whatever a client says about who it is, what it asked for or which fields belong to the hop, the application
/// hears the gate.
#[test]
fn the_application_hears_about_the_caller_from_the_gate_alone() {
    let world = World::new();
    for name in [
        "x-webauth-user",
        "x-goog-authenticated-user-email",
        "cf-access-jwt-assertion",
        "x-amzn-oidc-identity",
        "ssl-client-subject-dn",
        "tailscale-user-login",
        "x-http-method-override",
        "x-method-override",
        "x-http-host-override",
        "x-originating-ip",
    ] {
        let admitted = world.send(request("GET", "/shop/x", &[(name, "forged")])).admitted();
        assert!(!admitted.head.headers.contains_key(name), "{name}");
    }
    for name in ["gabion_identity", "gabion.identity", "x.forwarded.for", "x_request~id", "content.length"] {
        assert_eq!(world.send(request("GET", "/shop/x", &[(name, "1")])).status(), 400, "{name}");
    }
    let nominated = "gabion-identity, x-request-id, x-forwarded-for, host";
    let (ticket, _) = world.sign_in("alice", &[]);
    let request = with_ticket(request("GET", "/shop/x", &[("connection", nominated)]), &ticket);
    let sent = world.send(request).admitted().head.headers;
    for name in ["gabion-identity", "x-request-id", "x-forwarded-for", "host"] {
        assert!(sent.contains_key(name), "{name}");
    }
}

/// The token against CSRF is between the browser and the gate.
#[test]
fn the_application_never_sees_the_token() {
    let mut routes = routes();
    for route in &mut routes {
        route.csrf_off = Some("called by machines".into());
    }
    let world = World::with(&Settings::default(), &routes);
    let sent = world.send(request("POST", "/shop/x", &[("x-gabion-csrf", "secret")])).admitted();
    assert!(!sent.head.headers.contains_key("x-gabion-csrf"));
}
