use gabion_identity::LoginSettings;
use gabion_service::Settings;
use http::StatusCode;

use crate::site::{Answer, PASSWORD, Site, settings};

const LOGIN: &str = "/.gabion/login";

#[tokio::test]
async fn signing_in_leads_on_and_sets_the_cookie() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();

    let page = browser.get("/.gabion/login?next=/notes%3Ftab=mine").await;
    assert_eq!(page.status, StatusCode::OK);
    settings().bind(|| insta::assert_snapshot!("login", page.body));
    let fields = [("name", "Ada"), ("password", PASSWORD), ("next", "/notes?tab=mine")];
    let answer = browser.post(LOGIN, &fields).await;

    assert_eq!(answer.location(), "/notes?tab=mine");
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-gabion="), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    // Who is signed in already is not asked again.
    assert_eq!(browser.get("/.gabion/login?next=/notes").await.location(), "/notes");
}

#[tokio::test]
async fn on_plain_loopback_the_cookie_is_the_development_one() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.secure = false;
    let answer = browser.post(LOGIN, &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/");
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("gabion-dev=") && !cookie.contains("Secure"), "{cookie}");
}

/// CWE-204: byte for byte the same answer, but for the name that was typed.
#[tokio::test]
async fn rauthy_audit_2025_unknown_wrong_and_disabled_look_the_same() {
    let site = Site::new();
    for name in ["ada", "bob", "eva"] {
        site.person(name).await;
    }
    let operator = gabion_service::Caller::operator();
    site.service.disable_account(&operator, "bob").await.unwrap();
    let mut browser = site.browser();
    let mut answers: Vec<(StatusCode, Vec<String>, String)> = Vec::new();
    for (name, password) in [("ada", "not-this-one"), ("bob", PASSWORD), ("zoe", PASSWORD)] {
        let Answer { status, headers, body } =
            browser.post(LOGIN, &[("name", name), ("password", password)]).await;
        assert!(body.contains(&format!("value=\"{name}\"")), "the name stays typed");
        assert!(!body.contains(password), "the password does not");
        let headers = headers.iter().map(|pair| format!("{pair:?}")).collect();
        answers.push((status, headers, body.replace(name, "…")));
    }
    assert_eq!(answers[0].0, StatusCode::FORBIDDEN);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert!(browser.cookie.is_none());
    settings().bind(|| insta::assert_snapshot!("login-rejected", answers[0].2));
}

#[tokio::test]
async fn too_many_failures_say_how_long_to_wait() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    for _ in 0..5 {
        browser.post(LOGIN, &[("name", "ada"), ("password", "wrong")]).await;
    }
    site.pass(20);

    let answer = browser.post(LOGIN, &[("name", "ada"), ("password", PASSWORD), ("next", "/notes")]).await;

    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "880");
    assert!(answer.body.contains("Please wait 15 minutes"), "{}", answer.body);
    assert!(answer.body.contains("name=\"next\" value=\"/notes\""), "the way on is kept");
    site.pass(880);
    browser.sign_in("ada").await;
}

#[tokio::test]
async fn a_flood_is_told_to_come_back() {
    let login = LoginSettings { failures_per_account: 100, failures_per_address: 100, ..Default::default() };
    let site = Site::with(Settings { login, ..Settings::default() }, 1);
    let (site, mut tasks) = (std::sync::Arc::new(site), Vec::new());
    for _ in 0..30 {
        let site = site.clone();
        tasks.push(tokio::spawn(async move {
            site.browser().post(LOGIN, &[("name", "ada"), ("password", "wrong")]).await
        }));
    }
    let mut busy = Vec::new();
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            busy.push(answer);
        }
    }
    assert!(!busy.is_empty());
    assert!(busy.iter().all(|answer| answer.header("retry-after") == "5"));
    assert!(busy.iter().all(|answer| answer.body.contains("Too many people are signing in")));
}

#[tokio::test]
async fn without_a_ledger_nobody_signs_in_and_the_page_says_so() {
    let site = Site::new();
    site.person("ada").await;
    site.ledger.close().await.unwrap();
    let mut browser = site.browser();
    let answer = browser.post(LOGIN, &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("This is not possible right now.") && browser.cookie.is_none());
}

/// CWE-601.
#[tokio::test]
async fn pomerium_go_2022_0783_signing_in_never_leads_elsewhere() {
    let site = Site::new();
    site.person("ada").await;
    for next in
        ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "/a\r\nX: y"]
    {
        let mut browser = site.browser();
        let answer = browser.post(LOGIN, &[("name", "ada"), ("password", PASSWORD), ("next", next)]).await;
        assert_eq!(answer.location(), "/", "{next:?}");
        assert!(!answer.headers.contains_key("x"));
    }
    let page = site.browser().get("/.gabion/login?next=//evil.example").await;
    assert!(!page.body.contains("evil"));
}

/// CWE-384: what was there before the sign-in is worth nothing after it.
#[tokio::test]
async fn oauth2_proxy_ghsa_f24x_the_session_is_new_at_every_sign_in() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let before = browser.clone();
    browser.sign_in("ada").await;
    assert_ne!(before.cookie, browser.cookie);
    assert_eq!(
        before.clone().get("/.gabion/account").await.location(),
        "/.gabion/login?next=/.gabion/account"
    );
    assert_eq!(browser.get("/.gabion/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookie() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let before = browser.clone();

    let page = browser.get("/.gabion/logout").await;
    settings().bind(|| insta::assert_snapshot!("logout", page.body));
    let answer = browser.post("/.gabion/logout", &[]).await;

    assert_eq!(answer.location(), "/.gabion/logout");
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(answer.header("clear-site-data"), "\"cache\"");
    assert!(browser.cookie.is_none());
    assert!(before.clone().get("/.gabion/account").await.location().starts_with("/.gabion/login"));
    let page = browser.get("/.gabion/logout").await;
    settings().bind(|| insta::assert_snapshot!("signed-out", page.body));
    // Once more does no harm.
    assert_eq!(browser.post("/.gabion/logout", &[]).await.location(), "/.gabion/logout");
}

/// authentik CVE-2026-49448: an empty request skipped a stage. Every step of signing in, with nothing sent to it.
#[tokio::test]
async fn authentik_cve_2026_49448_no_step_goes_on_with_nothing() {
    let site = Site::new();
    site.person("ada").await;
    for path in [
        LOGIN,
        "/.gabion/login/passkey",
        "/.gabion/login/second-factor",
        "/.gabion/login/second-factor/passkey",
        "/.gabion/login/enrol",
        "/.gabion/login/enrol/totp",
        "/.gabion/login/enrol/passkey",
        "/.gabion/welcome",
        "/.gabion/forgot",
        "/.gabion/email",
        "/.gabion/federation/choose",
        "/.gabion/federation/corp/start",
        "/.gabion/federation/corp/callback",
        "/.gabion/oauth/authorize",
        "/.gabion/oauth/consent",
        "/.gabion/oauth/device",
        "/.gabion/oauth/token",
    ] {
        let blank = [("name", ""), ("password", ""), ("token", ""), ("flow", ""), ("code", ""), ("next", "")];
        for fields in [&[][..], &blank, &[("name", "ada")], &[("name", "ada"), ("password", "")]] {
            let mut browser = site.browser();
            let answer = browser.post(path, fields).await;
            assert!(browser.cookie.is_none() && browser.login.is_none(), "{path} {fields:?}");
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path} {fields:?}");
            let account = browser.get("/.gabion/account").await;
            assert!(account.location().starts_with(LOGIN), "{path} {fields:?}: signed in");
        }
    }
    assert_eq!(site.service.live_sessions().count(), 0);
}
