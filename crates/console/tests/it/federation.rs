//! Signing in with other providers, as pages show it. What providers answer is in the service's tests.

use gabion_service::Settings;
use gabion_service::federation::{Credential, Provider, ProviderSettings};
use http::StatusCode;

use crate::site::{PASSWORD, Site};

pub(crate) fn site() -> Site {
    let provider = |name: &str, display_name: &str, domains: &[&str]| Provider {
        name: name.into(),
        settings: ProviderSettings {
            issuer: format!("https://{name}.example"),
            client_id: "gabion".to_owned(),
            display_name: Some(display_name.to_owned()),
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            ..ProviderSettings::default()
        },
        credential: Credential::None,
    };
    let federation =
        vec![provider("corp", "Corp", &["corp.example"]), provider("odd", "<script>alert(1)</script>", &[])];
    Site::with(Settings { federation, ..Settings::default() }, 1)
}

#[tokio::test]
async fn the_sign_in_page_has_a_way_to_each_provider() {
    let site = site();
    let mut browser = site.browser();
    let page = browser.get("/.gabion/login?next=/notes%3Fa%3Db&acr=urn:gabion:acr:2fa").await.body;
    assert!(page.contains("Continue with Corp"), "{page}");
    let href = "/.gabion/federation/corp/start?next=%2Fnotes%3Fa%3Db&#38;acr=urn%3Agabion%3Aacr%3A2fa";
    assert!(page.contains(href), "the way on is kept: {page}");
    assert!(!page.contains("<script>alert"), "names are texts");
    let plain = Site::new();
    assert!(!plain.browser().get("/.gabion/login").await.body.contains("Continue with"));
}

/// The same for everybody: the configuration decides, not whether there is such an account.
#[tokio::test]
async fn an_address_leads_to_its_provider() {
    let site = site();
    site.person("ada@corp.example").await;
    let mut pages = Vec::new();
    for name in ["ada@corp.example", "zoe@corp.example"] {
        let fields = [("name", name), ("password", ""), ("next", "/notes")];
        let answer = site.browser().post("/.gabion/login", &fields).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.contains("http-equiv=\"refresh\""), "{}", answer.body);
        assert!(answer.body.contains("/.gabion/federation/corp/start?next=%2Fnotes"), "{}", answer.body);
        pages.push(answer.body.replace(&name.replace('@', "%40"), "…"));
    }
    assert_eq!(pages[0], pages[1]);
    // With a password it is a sign-in like any.
    let fields = [("name", "ada@corp.example"), ("password", PASSWORD), ("next", "/notes")];
    assert_eq!(site.browser().post("/.gabion/login", &fields).await.location(), "/notes");
    let other = [("name", "ada@other.example"), ("password", "")];
    assert_eq!(site.browser().post("/.gabion/login", &other).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_comes_to_nothing_says_so_in_our_words() {
    let site = site();
    let mut browser = site.browser();
    let down = browser.get("/.gabion/federation/corp/start?next=/notes").await;
    assert_eq!(down.status, StatusCode::BAD_GATEWAY);
    assert!(
        down.body.contains("sign in another way") && down.body.contains("/.gabion/login"),
        "{}",
        down.body
    );
    assert_eq!(browser.get("/.gabion/federation/nobody/start").await.status, StatusCode::NOT_FOUND);
    for query in [
        "",
        "?code=x",
        "?state=x",
        "?code=x&state=y",
        "?code=x&code=x&state=y",
        "?error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=call+this+number&state=x",
    ] {
        let answer = browser.get(&format!("/.gabion/federation/corp/callback{query}")).await;
        assert!(answer.status.is_client_error() || answer.status == StatusCode::BAD_GATEWAY, "{query}");
        assert!(!answer.body.contains("alert(1)") && !answer.body.contains("call this number"), "{query}");
        assert_eq!(answer.header("set-cookie"), "", "{query}");
    }
    for (method, path) in
        [("GET", "/.gabion/federation/choose"), ("GET", "/.gabion/federation/choose?ticket=x")]
    {
        assert_eq!(browser.get(path).await.status, StatusCode::BAD_REQUEST, "{method} {path}");
    }
    let logout = [("logout_token", "x")];
    let refused = browser.post("/.gabion/federation/nobody/backchannel-logout", &logout).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_account_page_offers_to_link() {
    let site = site();
    site.person("ada").await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    let page = ada.get("/.gabion/account/identities").await.body;
    assert!(page.contains("Link Corp") && page.contains("start?link=1"), "{page}");
    assert!(ada.get("/.gabion/account").await.body.contains("/.gabion/account/identities"));
    let gone = ada.post("/.gabion/account/identities/nothing/unlink", &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}
