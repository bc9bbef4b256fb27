//! Forgotten passwords and addresses, as pages.

use http::StatusCode;

use crate::site::{PASSWORD, Site};

const NEW: &str = "gravel under every wheel";
const EMAIL: &str = "/.gabion/account/email";

/// Gives `ada` a proven address by the pages.
pub(crate) async fn proven(site: &Site) {
    site.person("ada").await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    let sent = ada.post(EMAIL, &[("email", "ada@example.org")]).await;
    assert_eq!(sent.location(), "/.gabion/account/email?notice=link-sent");
    let link = site.outbox.link().await;
    let shown = ada.get(&link).await;
    assert!(shown.body.contains("ada@example.org") && shown.body.contains("<strong>ada</strong>"));
    let used = ada.post("/.gabion/email", &[("token", token(&link))]).await;
    assert_eq!(used.status, StatusCode::OK, "{}", used.body);
    let again = ada.post("/.gabion/email", &[("token", token(&link))]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "once");
    let page = ada.get(EMAIL).await.body;
    assert!(page.contains("ada@example.org") && !page.contains("not confirmed"), "{page}");
    site.outbox.take();
}

fn token(link: &str) -> &str {
    link.split_once("token=").unwrap().1
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link() {
    let site = Site::new();
    proven(&site).await;
    let mut stranger = site.browser();
    assert!(stranger.get("/.gabion/login").await.body.contains("href=\"/.gabion/forgot\""));
    let known = stranger.post("/.gabion/forgot", &[("name", "ada@example.org")]).await;
    let unknown = stranger.post("/.gabion/forgot", &[("name", "nobody@example.org")]).await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    let link = site.outbox.link().await;
    let page = stranger.get(&link).await.body;
    assert!(page.contains("Your old one works until you do."), "{page}");
    let fields = [("token", token(&link)), ("password", NEW), ("repeat", NEW)];
    let chosen = stranger.post("/.gabion/welcome", &fields).await;
    assert_eq!(chosen.location(), "/.gabion/login?notice=password-set");
    assert_eq!(stranger.post("/.gabion/welcome", &fields).await.status, StatusCode::NOT_FOUND, "once");
    let entered = stranger.post("/.gabion/login", &[("name", "ada@example.org"), ("password", NEW)]).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let site = Site::new();
    let mut stranger = site.browser();
    for _ in 0..5 {
        assert_eq!(stranger.post("/.gabion/forgot", &[("name", "nobody")]).await.status, StatusCode::OK);
    }
    let told = stranger.post("/.gabion/forgot", &[("name", "nobody")]).await;
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!told.header("retry-after").is_empty());
}

#[tokio::test]
async fn an_address_is_changed_only_after_signing_in_again() {
    let site = Site::new();
    site.person("ada").await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    site.pass(5 * 60 + 1);
    let login = "/.gabion/login?fresh=1&acr=urn%3Agabion%3Aacr%3A1fa&next=%2F.gabion%2Faccount%2Femail";
    assert_eq!(ada.post(EMAIL, &[("email", "ada@example.org")]).await.location(), login);
    assert_eq!(ada.get(EMAIL).await.location(), login, "before anything is typed");
    assert!(site.outbox.take().is_empty());
    let again = [("name", "ada"), ("password", PASSWORD), ("next", EMAIL)];
    assert_eq!(ada.post("/.gabion/login", &again).await.location(), EMAIL);
    let sent = ada.post(EMAIL, &[("email", "ada@example.org")]).await;
    assert_eq!(sent.location(), "/.gabion/account/email?notice=link-sent");
}

/// Both ends: the former address takes the change back, also afterwards, and ends every session.
#[tokio::test]
async fn the_former_address_has_the_last_word() {
    let site = Site::new();
    proven(&site).await;
    let mut thief = site.browser();
    thief.sign_in("ada").await;
    site.outbox.take();
    let same = thief.post(EMAIL, &[("email", "ada@example.org")]).await;
    assert_eq!(same.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(same.body.contains("This is your address already."));
    thief.post(EMAIL, &[("email", "eve@example.net")]).await;
    let letters = site.outbox.take();
    let link = |to: &str| {
        let letter = letters.iter().find(|letter| letter.to == to).unwrap();
        let (_, path) = letter.text.expose().split_once("http://localhost").unwrap();
        path.split_whitespace().next().unwrap().to_owned()
    };
    let (confirm, cancel) = (link("eve@example.net"), link("ada@example.org"));
    let mut visitor = site.browser();
    let used = visitor.post("/.gabion/email", &[("token", token(&confirm))]).await;
    assert_eq!(used.status, StatusCode::OK);
    assert!(thief.get(EMAIL).await.body.contains("eve@example.net"));
    assert!(visitor.get(&cancel).await.body.contains("ada@example.org"));
    let kept = visitor.post("/.gabion/email", &[("token", token(&cancel))]).await;
    assert_eq!(kept.status, StatusCode::OK);
    assert!(thief.get("/.gabion/account").await.location().starts_with("/.gabion/login"));
    let password = [("name", "ada"), ("password", PASSWORD)];
    assert_eq!(visitor.post("/.gabion/login", &password).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_typed_is_shown_as_text() {
    let site = Site::new();
    site.person("ada").await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    for typed in ["\"><script>alert(1)</script>", "a@b.example\r\nBcc: c@d.example", "{{7*7}}@x"] {
        let told = ada.post(EMAIL, &[("email", typed)]).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(!told.body.contains("<script>"), "{}", told.body);
    }
    assert!(site.outbox.take().is_empty());
    let link = ada.get("/.gabion/email?token=%3Cscript%3E").await;
    assert_eq!(link.status, StatusCode::NOT_FOUND);
    assert!(!link.body.contains("<script>"));
}
