use gabion_service::Caller;
use http::StatusCode;

use crate::site::{PASSWORD, Site, settings};

const WELCOME: &str = "/.gabion/welcome";

#[tokio::test]
async fn the_first_administrator_sets_a_password_and_signs_in() {
    let site = Site::new();
    let link = site.service.first_administrator_link(&Caller::gate()).await.unwrap().unwrap();
    let mut browser = site.browser();

    // Looking, also often, does not use the link up.
    for _ in 0..3 {
        assert_eq!(browser.get(link.path().expose()).await.status, StatusCode::OK);
    }
    let page = browser.get(link.path().expose()).await;
    settings().bind(|| insta::assert_snapshot!("welcome-first-administrator", page.body));
    let token = link.token.expose().as_str();
    let fields = [("token", token), ("password", PASSWORD), ("repeat", PASSWORD)];
    let answer = browser.post(WELCOME, &fields).await;

    assert_eq!(answer.location(), "/.gabion/login?notice=password-set");
    assert!(browser.get(answer.location()).await.body.contains("Your password is set."));
    browser.sign_in("admin").await;
    assert!(browser.get("/.gabion/account").await.body.contains("administrator"));
}

#[tokio::test]
async fn the_page_speaks_to_whom_it_is_for() {
    let site = Site::new();
    let link = site.invite("ada", None, &[]).await;
    let page = site.browser().get(link.path().expose()).await.body;
    assert!(page.contains("<h1>Welcome, ada</h1>") && page.contains("in 3 days"), "{page}");
    let link = site.service.reset_account(&Caller::operator(), "ada").await.unwrap();
    let page = site.browser().get(link.path().expose()).await.body;
    assert!(page.contains("<h1>Choose a new password</h1>") && page.contains("in 1 hour"), "{page}");
}

#[tokio::test]
async fn all_broken_rules_are_listed_and_the_link_stays_good() {
    let site = Site::new();
    let link = site.invite("grace", None, &[]).await;
    let token = link.token.expose().as_str();
    let mut browser = site.browser();

    let answer = browser.post(WELCOME, &[("token", token), ("password", "grace"), ("repeat", "grace")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    settings().bind(|| insta::assert_snapshot!("welcome-violations", answer.body));
    let fields = [("token", token), ("password", PASSWORD), ("repeat", "different")];
    let answer = browser.post(WELCOME, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("The two entries are not the same."));

    // A program need not repeat.
    let answer = browser.post(WELCOME, &[("token", token), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/.gabion/login?notice=password-set");
}

#[tokio::test]
async fn a_link_that_does_not_work_says_what_to_do() {
    let site = Site::new();
    let link = site.invite("ada", None, &[]).await;
    let token = link.token.expose().as_str();
    let mut browser = site.browser();
    browser.post(WELCOME, &[("token", token), ("password", PASSWORD)]).await;

    let used = browser.get(link.path().expose()).await;
    assert_eq!(used.status, StatusCode::NOT_FOUND);
    settings().bind(|| insta::assert_snapshot!("welcome-used", used.body));
    for path in [WELCOME, "/.gabion/welcome?token=", "/.gabion/welcome?token=%00", "/.gabion/welcome?x=y"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (used.status, used.body.as_str()), "{path}");
    }
    let answer = browser.post(WELCOME, &[("token", token), ("password", "another wire basket")]).await;
    assert_eq!((answer.status, answer.body), (used.status, used.body));
}

#[tokio::test]
async fn setting_a_password_signs_out_whoever_was_signed_in_here() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let link = site.invite("bob", None, &[]).await;
    browser.post(WELCOME, &[("token", link.token.expose()), ("password", PASSWORD)]).await;
    assert!(browser.cookie.is_none());
}
