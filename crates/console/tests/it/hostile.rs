//! What visitors choose is shown as text (CWE-79).

use gabion_identity::Personal;
use gabion_model::{Actor, Clock as _};
use gabion_service::{Caller, EditProfile};

use crate::site::Site;

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onfocus='alert(1)' autofocus='",
    "{{7*7}}{% raw %}",
    "</title><svg/onload=alert(1)>",
    "&lt;b&gt;",
    "\u{202e}\u{0}\u{7f}",
];

#[tokio::test]
async fn hydra_go_2026_4861_a_typed_name_stays_text() {
    let site = Site::new();
    for hostile in HOSTILE {
        let fields = [("name", *hostile), ("password", "x"), ("next", *hostile)];
        let answer = site.browser().post("/.gabion/login", &fields).await;
        harmless(&answer.body, hostile);
    }
}

#[tokio::test]
async fn a_user_agent_stays_text() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let mut other = site.browser();
        if http::HeaderValue::from_str(hostile).is_err() {
            continue;
        }
        other.user_agent = format!("{hostile} Firefox/{number} Linux");
        other.sign_in("ada").await;
        harmless(&browser.get("/.gabion/account").await.body, hostile);
    }
}

#[tokio::test]
async fn hydra_go_2026_4861_queries_stay_out_of_pages() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    for hostile in HOSTILE {
        let query: String = hostile.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in ["login?next=", "login?notice=", "welcome?token=", "account?notice=", "nowhere?"] {
            let path = format!("/.gabion/{path}{query}");
            harmless(&site.browser().get(&path).await.body, hostile);
            harmless(&browser.get(&path).await.body, hostile);
        }
    }
}

#[tokio::test]
async fn forms_that_are_none_are_answered_without_an_echo() {
    let site = Site::new();
    let send = |content_type: &'static str, body: &'static [u8]| {
        let request = http::Request::post("/.gabion/login").header("content-type", content_type);
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let mut browser = site.browser();
        async move { browser.send(request).await }
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    for (content_type, body) in [
        (FORM, &b"name=PLANTED"[..]),
        (FORM, b"name=PLANTED&name=PLANTED&password=PLANTED"),
        (FORM, b"%ff%fe=PLANTED"),
        (FORM, b""),
        ("application/json", br#"{"name":"PLANTED","password":"PLANTED"}"#),
        ("multipart/form-data; boundary=x", b"--x\r\nPLANTED"),
        ("", b"PLANTED"),
    ] {
        let answer = send(content_type, body).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
        assert!(!answer.body.contains("PLANTED"));
        assert!(answer.body.contains("This form cannot be read"), "{}", answer.body);
    }
}

/// No tag, attribute or expression of the attacker's came through.
fn harmless(page: &str, hostile: &str) {
    let page = &page.replace("<script type=\"module\" src=\"/.gabion/assets/", "");
    for sign in ["<script", "<img", "<svg/", "onerror=alert(1)>", "' onfocus='", "49", "</title><"] {
        assert!(!page.contains(sign), "{hostile:?} put `{sign}` into\n{page}");
    }
}

/// kanidm 1.10.0: a display name was markup.
#[tokio::test]
async fn kanidm_1_10_a_display_name_stays_text() {
    let site = Site::new();
    site.person("ada").await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let session = site.service.live_sessions().page(None, 1, site.clock.now()).remove(0);
    let caller = Caller {
        actor: Actor::Account {
            id: session.principal.account.clone(),
            name: "ada".to_owned(),
            session: Some(session.id.clone()),
        },
        ..Caller::operator()
    };
    for hostile in HOSTILE.iter().filter(|text| !text.chars().any(char::is_control)) {
        let text = || Some((*hostile).to_owned());
        let personal = Personal {
            name: text(),
            given_name: text(),
            family_name: text(),
            nickname: text(),
            ..Personal::default()
        };
        site.service.edit_profile(&caller, EditProfile { personal }).await.unwrap();
        for page in ["", "/profile", "/security", "/sessions", "/applications", "/keys", "/email", "/data"] {
            harmless(&browser.get(&format!("/.gabion/account{page}")).await.body, hostile);
        }
    }
}
