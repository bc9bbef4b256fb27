//! Headers everywhere, and the endpoints that are no pages.

use axum::body::Body;
use gabion_console::page::CONTENT_POLICY;
use gabion_model::{ControlId, EventKind};
use gabion_service::Caller;
use http::{Request, StatusCode};

use crate::site::{PASSWORD, Site};

#[tokio::test]
async fn every_answer_is_strict() {
    let site = Site::new();
    site.person("ada").await;
    let link = site.service.first_administrator_link(&Caller::gate()).await.unwrap().unwrap();
    let (mut stranger, mut ada) = (site.browser(), site.browser());
    ada.sign_in("ada").await;
    let welcome = link.path();
    let mut answers = Vec::new();
    for path in [
        "/.gabion/login",
        "/.gabion/logout",
        welcome.expose(),
        "/.gabion/welcome",
        "/.gabion/account",
        "/.gabion/account/password",
        "/.gabion/account/email",
        "/.gabion/account/profile",
        "/.gabion/account/applications",
        "/.gabion/account/keys",
        "/.gabion/account/keys/new",
        "/.gabion/account/data",
        "/.gabion/account/delete",
        "/.gabion/account/security",
        "/.gabion/account/identities",
        "/.gabion/forgot",
        "/.gabion/email",
        "/.gabion/nowhere",
        "/.gabion/csp-report",
        "/.gabion/account/sessions/x/revoke",
    ] {
        answers.push((path, stranger.get(path).await));
        answers.push((path, ada.get(path).await));
    }
    let login = [("name", "ada"), ("password", PASSWORD)];
    answers.push(("sign in", stranger.post("/.gabion/login", &login).await));
    answers.push(("wrong", site.browser().post("/.gabion/login", &[("name", "x"), ("password", "y")]).await));
    answers.push(("no form", site.browser().post("/.gabion/login", &[]).await));
    answers.push(("sign out", ada.post("/.gabion/logout", &[]).await));
    answers.push(("report", ada.post("/.gabion/csp-report", &[]).await));

    for (what, answer) in &answers {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-security-policy", CONTENT_POLICY),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "strict-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{what}: {} {name}", answer.status);
        }
        let own = "<script type=\"module\" src=\"/.gabion/assets/";
        let page = answer.body.to_lowercase().replace(own, "");
        for forbidden in
            ["<script", "<style", " style=", " onclick", " onload", "javascript:", "http://", "https://"]
        {
            assert!(!page.contains(forbidden), "{what}: {forbidden}");
        }
    }
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
        connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    assert_eq!(CONTENT_POLICY, policy);
}

#[tokio::test]
async fn assets_are_kept_by_browsers_until_they_change() {
    let site = Site::new();
    let page = site.browser().get("/.gabion/login").await.body;
    for (name, media_type) in [("gabion.css", "text/css; charset=utf-8"), ("gabion.svg", "image/svg+xml")] {
        let path = format!("/.gabion/assets/{name}?v=");
        let url = page.split('"').find(|part| part.starts_with(&path)).expect("linked from the page");
        let answer = site.browser().get(url).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, media_type));
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        let other = site.browser().get(&format!("/.gabion/assets/{name}?v=0000000000000000")).await;
        assert_eq!(other.header("cache-control"), "no-cache");
    }
    for missing in ["", "gabion.js", "..%2f..%2fCargo.toml", "%00"] {
        let answer = site.browser().get(&format!("/.gabion/assets/{missing}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn the_key_set_is_cacheable_and_holds_no_private_part() {
    let site = Site::new();
    let answer = site.browser().get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let keys: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let key = &keys["keys"][0];
    assert_eq!((key["kty"].as_str(), key["alg"].as_str()), (Some("EC"), Some("ES256")));
    assert!(key.get("d").is_none());

    let known = Request::get("/.well-known/jwks.json").header("if-none-match", answer.header("etag"));
    let answer = site.browser().send(known.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test]
async fn reports_are_counted_in_the_ledger() {
    let site = Site::new();
    let body = r#"{"csp-report":{"document-uri":"https://notes.example/notes?token=PLANTED","effective-directive":"script-src-elem","blocked-uri":"https://evil.example/x.js?PLANTED"}}"#;
    let mut browser = site.browser();
    for _ in 0..50 {
        let report = Request::post("/.gabion/csp-report").header("content-type", "application/csp-report");
        let answer = browser.send(report.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    site.ledger.close().await.unwrap();
    let events = site.ledger.tail(1000).unwrap();
    let events: Vec<_> =
        events.iter().map(|record| &record.event).filter(|event| event.action == "csp.report").collect();
    assert!(!events.is_empty() && events.len() < 10, "folded: {}", events.len());
    assert_eq!(events.iter().map(|event| event.count).sum::<u64>(), 50);
    assert_eq!((events[0].kind, events[0].control), (EventKind::Refusal, ControlId::WEB_CSP));
    assert_eq!(
        (events[0].resource.as_str(), events[0].reason.as_deref()),
        ("/notes", Some("script-src-elem"))
    );
    assert!(!format!("{events:?}").contains("PLANTED"));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let site = Site::new();
    let long = "x".repeat(17 * 1024);
    for path in ["/.gabion/login", "/.gabion/welcome", "/.gabion/csp-report"] {
        let answer = site.browser().post(path, &[("name", &long), ("password", "x"), ("token", "x")]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    assert!(site.events().await.iter().all(|event| event.action != "account.sign-in"));
}

#[tokio::test]
async fn a_request_that_nobody_judged_is_refused() {
    let site = Site::new();
    for path in ["/.gabion/login", "/.gabion/account"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(site.router.clone(), request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
