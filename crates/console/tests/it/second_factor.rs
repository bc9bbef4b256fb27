//! Second factors, as browsers without JavaScript meet them.

use gabion_identity::FactorSettings;
use gabion_identity::factors::totp;
use gabion_model::{Clock as _, Secret};
use gabion_service::Settings;
use http::StatusCode;

use crate::site::{Answer, Browser, PASSWORD, Site};

const SECOND: &str = "/.gabion/login/second-factor";

/// An authenticator app that scanned a page.
pub(crate) struct App {
    secret: Secret<Vec<u8>>,
    sealed: String,
    action: String,
}

impl App {
    pub(crate) fn of(page: &Answer) -> Self {
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let between = |start: &str, end: &str| {
            let (_, rest) = page.body.split_once(start).expect(start);
            rest.split_once(end).expect(end).0.to_owned()
        };
        let text = between("<code id=\"secret\">", "</code>").replace(' ', "");
        Self {
            secret: base32(&text),
            sealed: between("name=\"enrolment\" value=\"", "\""),
            action: between("<form method=\"post\" action=\"", "\""),
        }
    }

    pub(crate) fn code(&self, site: &Site) -> String {
        totp::code(&self.secret, totp::step(site.clock.now())).expose().clone()
    }

    pub(crate) async fn confirm(&self, browser: &mut Browser<'_>, code: &str) -> Answer {
        let fields =
            [("enrolment", self.sealed.as_str()), ("code", code), ("name", "phone"), ("next", "/notes")];
        browser.post(&self.action, &fields).await
    }
}

fn base32(text: &str) -> Secret<Vec<u8>> {
    let (mut out, mut buffer, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        (buffer, held) = (buffer << 5 | u32::from(value), held + 5);
        if held >= 8 {
            held -= 8;
            out.push((buffer >> held) as u8);
            buffer &= (1 << held) - 1;
        }
    }
    Secret::new(out)
}

/// Ada's app, set up half a minute ago.
async fn with_app(site: &Site) -> (App, String) {
    site.person("ada").await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    let app = App::of(&ada.get("/.gabion/account/security/totp").await);
    let codes = app.confirm(&mut ada, &app.code(site)).await;
    assert_eq!(codes.status, StatusCode::OK);
    let code = codes.body.split("<li><code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    site.pass(30);
    (app, code)
}

async fn half(browser: &mut Browser<'_>) {
    let form = [("name", "ada"), ("password", PASSWORD), ("next", "/notes?a=1&b=2")];
    let answer = browser.post("/.gabion/login", &form).await;
    assert_eq!(answer.location(), "/.gabion/login/second-factor?next=%2Fnotes%3Fa%3D1%26b%3D2");
    assert!(browser.cookie.is_none(), "no session yet");
}

#[tokio::test]
async fn the_second_step_leads_on_and_its_cookie_goes() {
    let site = Site::new();
    let (app, _) = with_app(&site).await;
    let mut browser = site.browser();
    half(&mut browser).await;
    let cookie = browser.login.clone().unwrap();
    assert!(cookie.starts_with("__Host-gabion-login="), "{cookie}");
    let page = browser.get("/.gabion/login/second-factor?next=%2Fnotes").await;
    assert!(page.body.contains("name=\"next\" value=\"/notes\""), "{}", page.body);
    let fields = [("factor", "totp"), ("code", &*app.code(&site)), ("next", "/notes")];
    let answer = browser.post(SECOND, &fields).await;
    assert_eq!(answer.location(), "/notes");
    assert!(browser.login.is_none() && browser.cookie.is_some());
    assert_ne!(browser.cookie.as_deref().unwrap().split('=').nth(1), cookie.split('=').nth(1));
    assert_eq!(browser.get("/.gabion/account/security").await.status, StatusCode::OK);
}

/// authentik CVE-2026-49448: sending nothing skipped a stage.
#[tokio::test]
async fn authentik_cve_2026_49448_an_empty_post_skips_no_stage() {
    let site = Site::new();
    with_app(&site).await;
    let mut browser = site.browser();
    half(&mut browser).await;
    for fields in [
        &[][..],
        &[("factor", "totp")],
        &[("code", "")],
        &[("factor", ""), ("code", "")],
        &[("factor", "nothing"), ("code", "")],
        &[("factor", "totp"), ("factor", "passkey"), ("code", "")],
        &[("factor", "passkey"), ("code", "")],
        &[("factor", "totp"), ("code", "")],
        &[("factor", "recovery-code"), ("code", "")],
    ] {
        let answer = browser.post(SECOND, fields).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{fields:?}: {}", answer.status);
        assert!(browser.cookie.is_none(), "{fields:?}");
    }
    // Nor do the doors beside it.
    let redirected = browser.get("/.gabion/login/enrol").await;
    assert!(redirected.location().starts_with(SECOND));
    let gone = browser.get("/.gabion/login/enrol/totp").await;
    assert!(gone.location().starts_with("/.gabion/login?notice=begin-again"));
    for path in ["/.gabion/login/enrol/passkey/options", "/.gabion/login/second-factor/passkey/options"] {
        assert_eq!(browser.post(path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(browser.get("/.gabion/account").await.location(), "/.gabion/login?next=/.gabion/account");
}

/// Keycloak CVE-2026-7507: whoever plants a login cookie, or holds another's address, gets nothing by it.
#[tokio::test]
async fn keycloak_cve_2026_7507_a_login_cookie_is_its_browsers_and_two_of_them_lock_nobody_out() {
    let site = Site::new();
    let (app, _) = with_app(&site).await;
    let mut browser = site.browser();
    half(&mut browser).await;
    let own = browser.login.clone().unwrap();
    let planted = format!("__Host-gabion-login={}", "A".repeat(43));
    let mut other = site.browser();
    for cookie in [None, Some(planted.clone()), Some("gabion-dev-login=".to_owned() + own.get(20..).unwrap())]
    {
        other.login = cookie;
        let fields = [("factor", "totp"), ("code", &*app.code(&site))];
        assert!(other.post(SECOND, &fields).await.location().starts_with("/.gabion/login?"));
        assert!(other.cookie.is_none());
    }
    // oauth2-proxy #2606.
    browser.login = Some(format!("{planted}; {own}"));
    let fields = [("factor", "totp"), ("code", &*app.code(&site))];
    assert_eq!(browser.post(SECOND, &fields).await.location(), "/");
}

#[tokio::test]
async fn a_recovery_code_is_typed_by_hand_and_works_once() {
    let site = Site::new();
    let (_, code) = with_app(&site).await;
    let typed = code.to_lowercase().replace('-', " ");
    let fields = [("factor", "recovery-code"), ("code", &*typed)];
    let (mut one, mut other) = (site.browser(), site.browser());
    half(&mut one).await;
    half(&mut other).await;
    assert_eq!(one.post(SECOND, &fields).await.location(), "/");
    let again = other.post(SECOND, &fields).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(again.body.contains("<details class=\"more\" open>"), "the form that was used stays open");
    assert!(!again.body.contains(&typed), "what was typed is not repeated");
}

#[tokio::test]
async fn who_must_have_a_factor_sets_it_up_in_the_sign_in() {
    let factors = FactorSettings { required_roles: vec!["editor".to_owned()], ..Default::default() };
    let site = Site::with(Settings { factors, ..Settings::default() }, 4);
    let link = site.invite("ada", None, &["editor"]).await;
    let password = Secret::new(PASSWORD.to_owned());
    site.service.accept_invitation(&gabion_service::Caller::operator(), link.token, password).await.unwrap();
    let mut browser = site.browser();
    let form = [("name", "ada"), ("password", PASSWORD), ("next", "/notes")];
    assert_eq!(browser.post("/.gabion/login", &form).await.location(), "/.gabion/login/enrol?next=%2Fnotes");
    let page = browser.get("/.gabion/login/enrol?next=%2Fnotes").await;
    assert!(page.body.contains("/.gabion/login/enrol/totp?next=%2Fnotes"), "{}", page.body);
    let app = App::of(&browser.get("/.gabion/login/enrol/totp?next=%2Fnotes").await);
    assert_eq!(app.confirm(&mut browser, "12345").await.status, StatusCode::FORBIDDEN);
    assert!(browser.cookie.is_none());
    let codes = app.confirm(&mut browser, &app.code(&site)).await;
    assert_eq!(codes.body.matches("<li><code>").count(), 10);
    assert!(codes.body.contains("href=\"/notes\""), "the way on");
    assert!(browser.login.is_none());
    assert_eq!(browser.get("/.gabion/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn critical_pages_ask_again_and_lead_back() {
    let site = Site::new();
    let (app, _) = with_app(&site).await;
    let mut ada = site.browser();
    half(&mut ada).await;
    let fields = [("factor", "totp"), ("code", &*app.code(&site))];
    ada.post(SECOND, &fields).await;
    let before = ada.cookie.clone();
    site.pass(301);
    for page in
        ["/.gabion/account/password", "/.gabion/account/security/passkey", "/.gabion/account/security/totp"]
    {
        let answer = ada.get(page).await;
        let back: String = page.replace('/', "%2F");
        assert_eq!(
            answer.location(),
            format!("/.gabion/login?fresh=1&acr=urn%3Agabion%3Aacr%3A2fa&next={back}")
        );
    }
    let page = ada.get("/.gabion/login?fresh=1&acr=urn%3Agabion%3Aacr%3A2fa&next=%2Fx").await;
    assert!(page.body.contains("Sign in again") && page.body.contains("value=\"ada\""), "{}", page.body);
    let form = [("name", "ada"), ("password", PASSWORD), ("next", "/x"), ("acr", "urn:gabion:acr:2fa")];
    assert!(ada.post("/.gabion/login", &form).await.location().starts_with(SECOND));
    let fields = [("factor", "totp"), ("code", &*app.code(&site)), ("next", "/x")];
    assert_eq!(ada.post(SECOND, &fields).await.location(), "/x");
    assert_ne!(ada.cookie, before, "session fixation: a new ticket");
    assert_eq!(ada.get("/.gabion/account/password").await.status, StatusCode::OK);
}

#[tokio::test]
async fn hints_of_the_login_page_are_hints() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    let page = browser.get("/.gabion/login?login_hint=%3Cb%3Eada&acr=nonsense&next=//evil.example").await;
    assert!(page.body.contains("value=\"&#60;b&#62;ada\"") || page.body.contains("value=\"&lt;b&gt;ada\""));
    assert!(!page.body.contains("evil.example") && !page.body.contains("name=\"acr\""));
    browser.sign_in("ada").await;
    assert_eq!(browser.get("/.gabion/login?next=%2Fx").await.location(), "/x");
    assert_eq!(browser.get("/.gabion/login?next=%2Fx&fresh=1").await.status, StatusCode::OK);
    assert_eq!(browser.get("/.gabion/login?next=%2Fx&acr=phr").await.status, StatusCode::OK);
    assert_eq!(browser.get("/.gabion/login?next=%2Fx&fresh=1&fresh=1").await.location(), "/");
}
