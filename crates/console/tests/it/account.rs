use http::StatusCode;

use crate::site::{PASSWORD, Site, settings};

const ACCOUNT: &str = "/.gabion/account";
const CHANGE: &str = "/.gabion/account/password";
const NEW: &str = "gravel under every wheel";

#[tokio::test]
async fn the_page_lists_where_one_is_signed_in() {
    let site = Site::new();
    let link = site.invite("ada", Some("acme"), &["administrator", "editor"]).await;
    let fields = [("token", link.token.expose().as_str()), ("password", PASSWORD)];
    site.browser().post("/.gabion/welcome", &fields).await;
    let mut phone = site.browser();
    phone.address = "2001:db8::7".parse().unwrap();
    phone.user_agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1".to_owned();
    phone.sign_in("ada").await;
    site.pass(1000);
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    site.pass(61);

    let page = browser.get(ACCOUNT).await;

    assert_eq!(page.status, StatusCode::OK);
    settings().bind(|| insta::assert_snapshot!("account", page.body));
}

#[tokio::test]
async fn a_device_is_signed_out_from_another_one() {
    let site = Site::new();
    site.person("ada").await;
    let (mut phone, mut browser) = (site.browser(), site.browser());
    phone.sign_in("ada").await;
    browser.sign_in("ada").await;

    let page = browser.get(ACCOUNT).await.body;
    let action = page.split("action=\"").find(|part| part.contains("/revoke\"")).unwrap();
    let action = action.split('"').next().unwrap();
    let answer = browser.post(action, &[]).await;

    assert_eq!(answer.location(), "/.gabion/account?notice=session-revoked");
    assert!(browser.get(answer.location()).await.body.contains("The device is signed out."));
    assert!(phone.get(ACCOUNT).await.location().starts_with("/.gabion/login"));
    let again = browser.post(action, &[]).await;
    assert_eq!(again.location(), "/.gabion/account?notice=session-gone");
}

#[tokio::test]
async fn all_others_are_signed_out_at_once() {
    let site = Site::new();
    site.person("ada").await;
    let (mut one, mut two, mut own) = (site.browser(), site.browser(), site.browser());
    for browser in [&mut one, &mut two, &mut own] {
        browser.sign_in("ada").await;
    }
    let answer = own.post("/.gabion/account/sessions/revoke-others", &[]).await;
    assert_eq!(answer.location(), "/.gabion/account?notice=others-revoked");
    for browser in [&mut one, &mut two] {
        assert!(browser.get(ACCOUNT).await.location().starts_with("/.gabion/login"));
    }
    assert_eq!(own.get(ACCOUNT).await.status, StatusCode::OK);
}

/// CWE-639.
#[tokio::test]
async fn somebody_elses_session_is_not_there() {
    let site = Site::new();
    site.person("ada").await;
    site.person("bob").await;
    let (mut ada, mut bob) = (site.browser(), site.browser());
    ada.sign_in("ada").await;
    bob.sign_in("bob").await;
    let account = site.service.live_sessions();
    let ticket = ada.cookie.as_deref().and_then(|cookie| cookie.split('=').nth(1)).unwrap();
    let session = account.resolve(ticket, gabion_model::Clock::now(&*site.clock)).unwrap();

    let path = |id: &str| format!("/.gabion/account/sessions/{id}/revoke");
    let theirs = bob.post(&path(session.id.as_str()), &[]).await;
    let none = bob.post(&path("AAAAAAAAAAAAAAAAAAAAAA"), &[]).await;

    assert_eq!(theirs.location(), none.location());
    assert_eq!(ada.get(ACCOUNT).await.status, StatusCode::OK);
}

#[tokio::test]
async fn strangers_are_asked_to_sign_in_and_come_back() {
    let site = Site::new();
    for path in [ACCOUNT, CHANGE] {
        assert_eq!(site.browser().get(path).await.location(), format!("/.gabion/login?next={path}"));
    }
    for path in [CHANGE, "/.gabion/account/sessions/x/revoke", "/.gabion/account/sessions/revoke-others"] {
        assert_eq!(site.browser().post(path, &[]).await.location(), "/.gabion/login", "{path}");
    }
}

#[tokio::test]
async fn the_password_is_changed_and_other_devices_are_out() {
    let site = Site::new();
    site.person("ada").await;
    let (mut phone, mut browser) = (site.browser(), site.browser());
    phone.sign_in("ada").await;
    browser.sign_in("ada").await;
    let page = browser.get(CHANGE).await;
    settings().bind(|| insta::assert_snapshot!("password", page.body));

    let fields = [("current", PASSWORD), ("password", NEW), ("repeat", NEW)];
    let answer = browser.post(CHANGE, &fields).await;

    assert_eq!(answer.location(), "/.gabion/account?notice=password-changed");
    assert!(browser.get(answer.location()).await.body.contains("Your password is changed"));
    assert!(phone.get(ACCOUNT).await.location().starts_with("/.gabion/login"));
    let mut fresh = site.browser();
    let old = fresh.post("/.gabion/login", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
    let new = fresh.post("/.gabion/login", &[("name", "ada"), ("password", NEW)]).await;
    assert_eq!(new.location(), "/");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_password_is_said_at_once() {
    let site = Site::new();
    site.person("adalovelace").await;
    let mut browser = site.browser();
    browser.sign_in("adalovelace").await;

    let weak = "adalovelace\u{1}".replace("lovelace", "").repeat(2);
    let fields = [("current", PASSWORD), ("password", weak.as_str()), ("repeat", weak.as_str())];
    let answer = browser.post(CHANGE, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for rule in ["Use at least 12 characters.", "Leave out characters that cannot be seen."] {
        assert!(answer.body.contains(rule), "{}", answer.body);
    }
    assert!(answer.body.contains("aria-invalid=\"true\"") && answer.body.contains("role=\"alert\""));

    let fields = [("current", PASSWORD), ("password", NEW), ("repeat", "something else entirely")];
    let answer = browser.post(CHANGE, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("The two entries are not the same."));

    let fields = [("current", "wrong"), ("password", NEW), ("repeat", NEW)];
    let answer = browser.post(CHANGE, &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("The current password is wrong."));
    assert!(!answer.body.contains(NEW) && !answer.body.contains(PASSWORD));
    site.browser().sign_in("adalovelace").await;
}

#[tokio::test]
async fn guessing_the_current_password_is_slowed() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let fields = [("current", "wrong"), ("password", NEW)];
    for _ in 0..5 {
        assert_eq!(browser.post(CHANGE, &fields).await.status, StatusCode::FORBIDDEN);
    }
    let answer = browser.post(CHANGE, &fields).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "900");
}

/// The gate still hands over a session that an administrator ended a moment ago.
#[tokio::test]
async fn a_disabled_account_is_out_at_once() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    site.service.disable_account(&gabion_service::Caller::operator(), "ada").await.unwrap();
    assert!(browser.get(ACCOUNT).await.location().starts_with("/.gabion/login"));
}
