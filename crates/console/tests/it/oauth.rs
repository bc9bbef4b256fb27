//! The provider's endpoints, as an application and a browser see them.

use gabion_checks::PeerCertificate;
use gabion_identity::oauth::client::{AuthenticationMethod, CertificateSubject, GrantType, Metadata};
use gabion_model::{Clock as _, Timestamp};
use gabion_service::Caller;
use gabion_service::oauth::NewClient;
use gabion_vault::encoding::base64url_encode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use serde_json::Value;

use crate::site::{Answer, Browser, Site};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CALLBACK: &str = "https://shop.example/cb";
pub(crate) const SECRET: &str = "a secret of thirty-two characters";

pub(crate) fn metadata(name: &str) -> Metadata {
    Metadata {
        name: name.to_owned(),
        authentication: AuthenticationMethod::SecretBasic,
        redirect_uris: vec![CALLBACK.parse().unwrap()],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
        ..Metadata::default()
    }
}

async fn site(metadata: Metadata) -> Site {
    let site = Site::new();
    site.person("ada").await;
    let secret = metadata.authentication.has_secret().then(|| SECRET.to_owned().into());
    let new = NewClient { id: Some("shop".to_owned()), metadata, tenant: None, secret };
    site.service.add_client(&Caller::operator(), new).await.unwrap();
    site
}

pub(crate) fn authorize(more: &str) -> String {
    let challenge = base64url_encode(&gabion_vault::sha256(VERIFIER.as_bytes()));
    format!(
        "/.gabion/oauth/authorize?client_id=shop&redirect_uri={CALLBACK}&response_type=code&scope=openid%20profile\
         &state=a%20state&nonce=n&code_challenge={challenge}&code_challenge_method=S256{more}"
    )
}

/// What a form field of the page holds.
fn input<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap()
}

pub(crate) async fn decide(browser: &mut Browser<'_>, page: &str, decision: &str) -> Answer {
    let fields = [("flow", input(page, "flow")), ("session", input(page, "session")), ("decision", decision)];
    browser.post("/.gabion/oauth/consent", &fields).await
}

pub(crate) async fn token(site: &Site, secret: &str, form: &str) -> Answer {
    let basic = format!("Basic {}", base64(&format!("shop:{}", secret.replace(' ', "+"))));
    let request = Request::post("/.gabion/oauth/token")
        .header(AUTHORIZATION, basic)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    site.browser().send(request.body(form.to_owned().into()).unwrap()).await
}

/// The standard alphabet, for `Basic`.
fn base64(text: &str) -> String {
    let mut out = base64url_encode(text.as_bytes()).replace('-', "+").replace('_', "/");
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

pub(crate) fn parameter(location: &str, name: &str) -> String {
    let (_, query) = location.split_once('?').unwrap();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Signs in, allows, and comes back with a code.
async fn code(site: &Site, browser: &mut Browser<'_>) -> String {
    let answer = browser.get(&authorize("")).await;
    let location = answer.location().to_owned();
    let page = browser.get(&location).await.body;
    let answer = decide(browser, &page, "allow").await;
    let _ = site;
    parameter(answer.location(), "code")
}

/// The provider's pages, for what is asked of every page: consent, the choice of an account, and both ways
/// back.
pub(crate) async fn pages(site: &Site, browser: &mut Browser<'_>) -> [Answer; 4] {
    let secret = Some(SECRET.to_owned().into());
    let new = NewClient { id: Some("shop".to_owned()), metadata: metadata("Shop"), tenant: None, secret };
    site.service.add_client(&Caller::operator(), new).await.unwrap();
    let location = browser.get(&authorize("&claims=%7B%22userinfo%22:%7B%22email%22:null%7D%7D")).await;
    let consent = browser.get(location.location()).await;
    site.pass(1);
    let location = browser.get(&authorize("&prompt=select_account")).await;
    let select = browser.get(location.location()).await;
    decide(browser, &consent.body, "allow").await;
    let form_post = browser.get(&authorize("&response_mode=form_post")).await;
    let mut stranger = site.browser();
    let next = parameter(stranger.get(&authorize("")).await.location(), "next");
    stranger.sign_in("ada").await;
    let request = Request::get(&next).header("sec-fetch-mode", "navigate");
    let back = stranger.send(request.body(Default::default()).unwrap()).await;
    [consent, select, back, form_post]
}

#[tokio::test]
async fn from_the_application_and_back() {
    let site = site(metadata("Shop <b>&")).await;
    let mut browser = site.browser();

    let answer = browser.get(&authorize("&login_hint=ada")).await;
    let login = answer.location().to_owned();
    assert!(login.starts_with("/.gabion/login?next=%2F.gabion%2Foauth%2Fconsent%3Fflow%3D"), "{login}");
    assert_eq!(parameter(&login, "login_hint"), "ada");
    let next = parameter(&login, "next");
    browser.sign_in("ada").await;

    let page = browser.get(&next).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-security-policy").contains("form-action 'self' https://shop.example;"));
    assert!(page.body.contains("Shop &#60;b&#62;&#38;") && !page.body.contains("<b>"), "{}", page.body);
    for words in ["Know who you are here", "See your name and profile", "shop.example", "ada"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let answer = decide(&mut browser, &page.body, "allow").await;
    let location = answer.location().to_owned();
    assert!(location.starts_with("https://shop.example/cb?code="), "{location}");
    assert_eq!(parameter(&location, "state"), "a state");
    assert_eq!(parameter(&location, "iss"), &*site.service.origin());
    assert_eq!(answer.header("referrer-policy"), "no-referrer");

    let form = format!(
        "grant_type=authorization_code&code={}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}",
        parameter(&location, "code")
    );
    let answer = token(&site, SECRET, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(
        [answer.header("cache-control"), answer.header("pragma"), answer.header("content-type")],
        ["no-store", "no-cache", "application/json"]
    );
    let tokens: Value = serde_json::from_str(&answer.body).unwrap();
    let access = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    assert!(tokens["id_token"].is_string() && tokens["refresh_token"].is_string());

    let request = Request::get("/.gabion/oauth/userinfo").header(AUTHORIZATION, &access);
    let answer = site.browser().send(request.body(Default::default()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let claims: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(claims["preferred_username"], "ada");

    // Allowed once, nobody is asked again.
    let answer = browser.get(&authorize("&prompt=none")).await;
    assert!(answer.location().starts_with("https://shop.example/cb?code="));
    let form =
        format!("grant_type=refresh_token&refresh_token={}", tokens["refresh_token"].as_str().unwrap());
    assert_eq!(token(&site, SECRET, &form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_browser_amid_a_form_is_sent_on_by_a_page() {
    let site = site(Metadata { first_party: true, ..metadata("Shop") }).await;
    let mut browser = site.browser();
    let next = parameter(browser.get(&authorize("")).await.location(), "next");
    browser.sign_in("ada").await;
    let request = Request::get(&next).header("sec-fetch-mode", "navigate");
    let answer = browser.send(request.body(Default::default()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("http-equiv=\"refresh\" content=\"0; url=https://shop.example/cb?code="));
}

#[tokio::test]
async fn form_post_sends_a_form_that_needs_no_script() {
    let site = site(Metadata { first_party: true, ..metadata("Shop") }).await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let answer = browser.get(&authorize("&response_mode=form_post")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.body.contains("<form method=\"post\" action=\"https://shop.example/cb\""),
        "{}",
        answer.body
    );
    assert_eq!(input(&answer.body, "state"), "a state");
    assert!(input(&answer.body, "code").len() > 40 && answer.body.contains("<button"));
    assert!(answer.header("content-security-policy").contains("form-action 'self' https://shop.example;"));
    assert!(answer.header("content-security-policy").contains("script-src 'self';"));
}

#[tokio::test]
async fn denying_and_choosing() {
    let site = site(metadata("Shop")).await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let location = browser.get(&authorize("")).await.location().to_owned();
    let page = browser.get(&location).await.body;
    let answer = decide(&mut browser, &page, "deny").await;
    assert_eq!(parameter(answer.location(), "error"), "access_denied");
    assert_eq!(decide(&mut browser, &page, "allow").await.status, StatusCode::GONE, "answered once");

    site.pass(1);
    let location = browser.get(&authorize("&prompt=select_account")).await.location().to_owned();
    let page = browser.get(&location).await.body;
    assert!(page.contains("Go on as ada?") && !page.contains("value=\"allow\""), "{page}");
    let switch = decide(&mut browser, &page, "switch").await;
    assert!(switch.location().starts_with("/.gabion/login?") && parameter(switch.location(), "fresh") == "1");
    let page = decide(&mut browser, &page, "continue").await;
    assert!(page.body.contains("value=\"allow\""), "{}", page.body);
    let nonsense = decide(&mut browser, &page.body, "whatever").await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
}

/// RFC 6749, 3.1: an authorization server must support GET and may support POST; OpenID Connect wants both.
#[tokio::test]
async fn a_posted_request_becomes_the_same_as_get() {
    let site = site(metadata("Shop")).await;
    let path = authorize("");
    let (_, form) = path.split_once('?').unwrap();
    let request = Request::post("/.gabion/oauth/authorize")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.to_owned().into())
        .unwrap();
    assert_eq!(site.browser().send(request).await.location(), path);
    let other = Request::post("/.gabion/oauth/authorize").body(form.to_owned().into()).unwrap();
    assert_eq!(site.browser().send(other).await.status, StatusCode::BAD_REQUEST);
}

/// RFC 6749, 4.1.2.1: an unknown client or address is told to the person, and nobody is redirected.
/// Hydra GO-2026-4861: nothing of what was sent stands in the page.
#[tokio::test]
async fn hydra_go_2026_4861_nobody_is_redirected_for_a_stranger() {
    let site = site(metadata("Shop")).await;
    for query in [
        "client_id=nobody&redirect_uri=https://evil.example/",
        "client_id=shop&redirect_uri=https://evil.example/",
        "client_id=shop&redirect_uri=https://shop.example/cb/../x",
        "client_id=shop",
        "client_id=%3Cscript%3Ealert(1)%3C/script%3E&error_hint=%3Cscript%3E",
        "",
        "client_id=%ff",
    ] {
        let answer =
            site.browser().get(&format!("/.gabion/oauth/authorize?{query}&response_type=code")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.header("location"), "");
        assert!(!answer.body.contains("evil.example") && !answer.body.contains("alert"), "{}", answer.body);
    }
}

/// RFC 6749, 5.2; identity.md 4: `invalid_grant` is 400, `invalid_client` 401 with a challenge.
#[tokio::test]
async fn errors_are_in_oauths_words_and_never_kept() {
    let site = site(metadata("Shop")).await;
    let rows = [
        (SECRET, "grant_type=authorization_code&code=nonsense&redirect_uri=x", 400, "invalid_grant"),
        (SECRET, "grant_type=refresh_token&refresh_token=nonsense", 400, "invalid_grant"),
        (SECRET, "grant_type=password&username=ada&password=x", 400, "unsupported_grant_type"),
        (SECRET, "grant_type=implicit", 400, "unsupported_grant_type"),
        (SECRET, "grant_type=authorization_code", 400, "invalid_request"),
        (SECRET, "grant_type=refresh_token&grant_type=refresh_token", 400, "invalid_request"),
        (SECRET, "", 400, "invalid_request"),
        (SECRET, "grant_type=client_credentials", 400, "unauthorized_client"),
        (SECRET, "grant_type=refresh_token&client_secret=twice", 400, "invalid_request"),
        (SECRET, "grant_type=refresh_token&client_id=blog", 400, "invalid_request"),
        ("a guess", "grant_type=refresh_token&refresh_token=x", 401, "invalid_client"),
    ];
    for (secret, form, status, code) in rows {
        let answer = token(&site, secret, form).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (answer.status.as_u16(), &body["error"]),
            (status, &code.into()),
            "{form}: {}",
            answer.body
        );
        assert_eq!([answer.header("cache-control"), answer.header("pragma")], ["no-store", "no-cache"]);
        assert_eq!(answer.headers.contains_key(WWW_AUTHENTICATE), status == 401, "{form}");
    }
    let answer = site.browser().get("/.gabion/oauth/token").await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let json = Request::post("/.gabion/oauth/token").header(CONTENT_TYPE, "application/json");
    let answer = site.browser().send(json.body("{}".into()).unwrap()).await;
    assert!(answer.body.contains("invalid_request"));
}

/// RFC 6750, 2 and 3.
#[tokio::test]
async fn userinfo_wants_one_good_token_and_says_so() {
    let site = site(metadata("Shop")).await;
    let bare = site.browser().get("/.gabion/oauth/userinfo").await;
    assert_eq!(bare.status, StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> =
        bare.headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.to_str().unwrap()).collect();
    let metadata = "resource_metadata=\"http://localhost/.well-known/oauth-protected-resource\"";
    assert_eq!(challenges[0], format!("Bearer realm=\"gabion\", {metadata}"), "no error without a token");
    assert!(challenges[1].starts_with("DPoP ") && challenges[1].ends_with(metadata), "{challenges:?}");
    assert!(challenges[1].contains("algs=\"EdDSA ES256 "), "{challenges:?}");
    let wrong = Request::get("/.gabion/oauth/userinfo").header(AUTHORIZATION, "Bearer nonsense");
    let answer = site.browser().send(wrong.body(Default::default()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    let in_query = site.browser().get("/.gabion/oauth/userinfo?access_token=x").await;
    assert_eq!(in_query.status, StatusCode::UNAUTHORIZED);

    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let code = code(&site, &mut browser).await;
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}");
    let tokens: Value = serde_json::from_str(&token(&site, SECRET, &form).await.body).unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    for (field, body, status) in [
        (Some(access), "", 200),
        (None, &*format!("access_token={access}"), 200),
        (Some(access), &*format!("access_token={access}"), 400),
        (None, "", 401),
        (tokens["id_token"].as_str(), "", 401),
        (tokens["refresh_token"].as_str(), "", 401),
    ] {
        let mut request = Request::post("/.gabion/oauth/userinfo");
        if let Some(token) = field {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let answer = site.browser().send(request.body(body.to_owned().into()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    }
}

/// RFC 8705, 2: wherever a client authenticates, its certificate is what the gate judged, and no field of a request.
#[tokio::test]
async fn a_certificate_authenticates_at_every_endpoint() {
    let shop = Metadata {
        authentication: AuthenticationMethod::Tls,
        certificate_subject: Some(CertificateSubject::SanDns("billing.internal".to_owned())),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::DeviceCode],
        certificate_bound_access_tokens: true,
        ..metadata("Shop")
    };
    let site = site(shop).await;
    let own = certificate(&site);
    let challenge = base64url_encode(&gabion_vault::sha256(VERIFIER.as_bytes()));
    let pushed = format!(
        "client_id=shop&redirect_uri={CALLBACK}&response_type=code&scope=openid&code_challenge={challenge}\
         &code_challenge_method=S256"
    );
    for (endpoint, form, status) in [
        ("par", pushed.as_str(), 201),
        ("introspect", "client_id=shop&token=x", 200),
        ("revoke", "client_id=shop&token=x", 200),
        ("device_authorization", "client_id=shop&scope=openid", 200),
        ("token", "client_id=shop&grant_type=authorization_code&code=x", 400),
    ] {
        let ask = async |shown: Option<PeerCertificate>| {
            let mut browser = site.browser();
            browser.certificate = shown;
            let request = Request::post(format!("/.gabion/oauth/{endpoint}"))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("client-cert", ":AAAA:");
            browser.send(request.body(form.to_owned().into()).unwrap()).await
        };
        let answer = ask(Some(own.clone())).await;
        assert_eq!(answer.status.as_u16(), status, "{endpoint}: {}", answer.body);
        for wrong in [
            None,
            Some(PeerCertificate { dns: vec!["other.internal".to_owned()], ..own.clone() }),
            Some(PeerCertificate { vouched_for: false, ..own.clone() }),
        ] {
            let answer = ask(wrong).await;
            assert!(
                answer.status == 401 && answer.body.contains("invalid_client"),
                "{endpoint}: {}",
                answer.body
            );
        }
    }
}

/// From the code to userinfo: what a certificate began goes on with that certificate only.
#[tokio::test]
async fn userinfo_wants_the_certificate_a_token_is_bound_to() {
    let site = site(Metadata { certificate_bound_access_tokens: true, ..metadata("Shop") }).await;
    let own = certificate(&site);
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let code = code(&site, &mut browser).await;
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}");
    let basic = format!("Basic {}", base64(&format!("shop:{}", SECRET.replace(' ', "+"))));
    let mut program = site.browser();
    program.certificate = Some(own.clone());
    let request = Request::post("/.gabion/oauth/token")
        .header(AUTHORIZATION, basic)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let tokens = program.send(request.body(form.into()).unwrap()).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let tokens: Value = serde_json::from_str(&tokens.body).unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    for (shown, status) in [
        (Some(own.clone()), 200),
        (Some(PeerCertificate { vouched_for: false, ..own.clone() }), 200),
        (Some(PeerCertificate { thumbprint: [2; 32], ..own.clone() }), 401),
        (Some(PeerCertificate { not_after: own.not_before, ..own.clone() }), 401),
        (None, 401),
    ] {
        let mut program = site.browser();
        program.certificate = shown;
        let request =
            Request::get("/.gabion/oauth/userinfo").header(AUTHORIZATION, format!("Bearer {access}"));
        let answer = program.send(request.body(Default::default()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    }
}

/// One that an authority vouches for, for `billing.internal`.
fn certificate(site: &Site) -> PeerCertificate {
    let now = site.clock.now().as_secs();
    PeerCertificate {
        vouched_for: true,
        thumbprint: [1; 32],
        subject: "CN=billing".parse().unwrap(),
        key: None,
        issuer: "CN=ca".to_owned(),
        is_self_issued: false,
        serial: "01".to_owned(),
        dns: vec!["billing.internal".to_owned()],
        uris: Vec::new(),
        emails: Vec::new(),
        addresses: Vec::new(),
        not_before: Timestamp::from_secs(now - 60),
        not_after: Timestamp::from_secs(now + 60),
        der: Vec::new(),
    }
}

#[tokio::test]
async fn discovery_promises_what_there_is() {
    let site = site(metadata("Shop")).await;
    let answer = site.browser().get("/.well-known/openid-configuration").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let other = site.browser().get("/.well-known/oauth-authorization-server").await;
    assert_eq!(answer.body, other.body);
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    let issuer = site.service.origin().to_string();
    assert_eq!(document["issuer"], issuer.as_str());
    for (name, value) in document.as_object().unwrap() {
        let Some(path) = value.as_str().and_then(|text| text.strip_prefix(&issuer)) else { continue };
        if name != "issuer" {
            let answer = site.browser().get(path).await;
            assert_ne!(answer.status, StatusCode::NOT_FOUND, "{name}");
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("discovery", serde_json::to_string_pretty(&document).unwrap());
    });
}

#[tokio::test]
async fn pomerium_go_2024_2965_tokens_stand_in_no_page() {
    let site = site(metadata("Shop")).await;
    let mut browser = site.browser();
    browser.sign_in("ada").await;
    let code = code(&site, &mut browser).await;
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}");
    let tokens: Value = serde_json::from_str(&token(&site, SECRET, &form).await.body).unwrap();
    // Pomerium GO-2024-2965: tokens were shown on a page about the user.
    let page = browser.get("/.gabion/account").await.body;
    for name in ["access_token", "id_token", "refresh_token"] {
        assert!(!page.contains(tokens[name].as_str().unwrap()));
    }
    assert!(!page.contains(&code));
}
