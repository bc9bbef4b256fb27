//! The provider's acts: what an application gets, what ends it, and what nobody gets.

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::oauth::client::{AuthenticationMethod, GrantType, Metadata};
use gabion_identity::oauth::token::Confirmation;
use gabion_identity::oauth::{ErrorCode, OAuthError, Parameters, ProviderSettings};
use gabion_identity::storage::{AccountChange, AccountStorage as _};
use gabion_model::outbound::{BoxFuture, FetchError, FetchResponse};
use gabion_model::{Outcome, Secret};
use gabion_service::oauth::{Authorization, ClientCredentials, Decision, NewClient, TokenRequest, Userinfo};
use gabion_service::{Caller, Settings, SignedIn};
use gabion_vault::encoding::base64url_encode;
use serde_json::Value;

use crate::world::{World, anonymous, secret, signed_in};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CALLBACK: &str = "https://shop.example/cb";

/// A world with the clients `shop` (public) and `blog` (public), and ada signed in.
pub(crate) struct House {
    world: World,
    ada: SignedIn,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(ProviderSettings::default()).await
    }

    async fn with(provider: ProviderSettings) -> Self {
        Self::of(World::with(Settings { provider, ..Settings::default() }, 4)).await
    }

    async fn of(world: World) -> Self {
        for id in ["shop", "blog"] {
            let metadata = Metadata {
                name: id.to_owned(),
                authentication: AuthenticationMethod::None,
                redirect_uris: vec![CALLBACK.parse().unwrap()],
                grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
                scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
                backchannel_logout_uri: Some(format!("https://{id}.example/logout")),
                ..Metadata::default()
            };
            let new = NewClient { id: Some(id.to_owned()), metadata, tenant: None, secret: None };
            world.service.add_client(&Caller::operator(), new).await.unwrap();
        }
        let ada = world.guest("ada", &[]).await;
        Self { world, ada }
    }

    fn ada(&self) -> Caller {
        signed_in(&self.ada.session)
    }

    fn request(&self, client: &str, scope: &str, more: &str) -> Parameters {
        let challenge = base64url_encode(&gabion_vault::sha256(VERIFIER.as_bytes()));
        Parameters::parse(&format!(
            "client_id={client}&redirect_uri={CALLBACK}&response_type=code&state=s&scope={scope}\
             &code_challenge={challenge}&code_challenge_method=S256&{more}"
        ))
        .unwrap()
    }

    async fn ask(&self, caller: &Caller, parameters: Parameters) -> Authorization {
        self.world.service.authorize(caller, parameters, Vec::new()).await.unwrap()
    }

    /// A code for ada, who is asked and allows it.
    pub(crate) async fn code(&self, client: &str, scope: &str) -> String {
        let answer = match self.ask(&self.ada(), self.request(client, scope, "")).await {
            Authorization::Ask(asked) => self
                .world
                .service
                .decide_authorization(
                    &self.ada(),
                    asked.flow.clone(),
                    vec![asked.browser.clone()],
                    &asked.session,
                    Decision::Allow,
                )
                .await
                .unwrap(),
            other => other,
        };
        field(&answer, "code")
    }

    async fn exchange(&self, client: &str, code: &str, verifier: &str) -> Result<Value, OAuthError> {
        let text = format!(
            "grant_type=authorization_code&client_id={client}&code={code}&redirect_uri={CALLBACK}\
             &code_verifier={verifier}"
        );
        self.token(&text).await
    }

    async fn tokens(&self, client: &str, scope: &str) -> Value {
        let code = self.code(client, scope).await;
        self.exchange(client, &code, VERIFIER).await.unwrap()
    }

    async fn refresh(&self, client: &str, token: &str) -> Result<Value, OAuthError> {
        self.token(&format!("grant_type=refresh_token&client_id={client}&refresh_token={token}")).await
    }

    async fn token(&self, text: &str) -> Result<Value, OAuthError> {
        self.token_holding(text, None).await
    }

    pub(crate) async fn token_holding(
        &self,
        text: &str,
        confirmation: Option<Confirmation>,
    ) -> Result<Value, OAuthError> {
        let (service, caller) = (&self.world.service, anonymous("198.51.100.9"));
        let parameters = Parameters::parse(text).unwrap();
        let client = service.authenticate_client(&caller, &ClientCredentials::default(), &parameters).await?;
        let answer = service.token(&caller, TokenRequest { client, parameters, confirmation }).await?;
        Ok(serde_json::from_str(answer.expose()).unwrap())
    }

    /// Whether userinfo believes the access token.
    async fn believes(&self, tokens: &Value) -> bool {
        let token = Secret::new(text(tokens, "access_token"));
        match self.world.service.userinfo(token, Confirmation::default()).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.code, ErrorCode::InvalidToken);
                false
            }
        }
    }
}

pub(crate) fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// A field of the answer on its way back.
fn field(answer: &Authorization, name: &str) -> String {
    let Authorization::Answer(response) = answer else { panic!("{answer:?}") };
    let found = response.fields().find(|(own, _)| *own == name);
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

pub(crate) fn invalid_grant<T: std::fmt::Debug>(result: Result<T, OAuthError>) {
    assert_eq!(result.unwrap_err().code, ErrorCode::InvalidGrant);
}

#[tokio::test]
async fn an_application_gets_what_was_allowed_and_no_more() {
    let house = House::new().await;
    let tokens = house.tokens("shop", "openid%20email%20roles%20nonsense").await;
    assert_eq!(tokens["scope"], "email openid", "known, and the client's");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &900.into()));
    let token = secret(&text(&tokens, "access_token"));
    let answer = house.world.service.userinfo(token, Default::default()).await.unwrap();
    let Userinfo::Json(claims) = answer else { panic!("{answer:?}") };
    assert_eq!(claims["sub"], house.ada.session.principal.account.as_str());
    assert!(!claims.contains_key("name") && !claims.contains_key("roles"));
    let grants = house.world.outcomes("oauth.token").await;
    assert_eq!(grants, [(Outcome::Success, None)], "one durable entry for a new grant");
    let consents = house.world.outcomes("oauth.consent").await;
    assert_eq!(consents, [(Outcome::Begun, None), (Outcome::Success, None)]);
}

#[tokio::test]
async fn consent_is_remembered_narrowly_and_can_be_taken_back() {
    let house = House::new().await;
    let tokens = house.tokens("shop", "openid%20email").await;
    let again = house.ask(&house.ada(), house.request("shop", "openid", "")).await;
    assert!(matches!(again, Authorization::Answer(_)), "less than was allowed");
    for more in
        [("shop", "openid%20profile", ""), ("shop", "openid", "prompt=consent"), ("blog", "openid", "")]
    {
        let asked = house.ask(&house.ada(), house.request(more.0, more.1, more.2)).await;
        assert!(matches!(asked, Authorization::Ask(_)), "{more:?}");
    }
    let views = house.world.service.grants(&house.ada(), None).await.unwrap();
    assert_eq!(views.len(), 1);
    assert_eq!((views[0].client.as_str(), views[0].active), ("shop", 1));
    house.world.service.revoke_grant(&house.ada(), None, "shop").await.unwrap();
    assert!(house.world.service.grants(&house.ada(), None).await.unwrap().is_empty());
    assert!(!house.believes(&tokens).await, "at once");
    invalid_grant(house.refresh("shop", &text(&tokens, "refresh_token")).await);
    let asked = house.ask(&house.ada(), house.request("shop", "openid", "")).await;
    assert!(matches!(asked, Authorization::Ask(_)), "asked again");
}

#[tokio::test]
async fn a_person_who_does_not_allow_it_is_not_signed_in() {
    let house = House::new().await;
    let Authorization::Ask(asked) = house.ask(&house.ada(), house.request("shop", "openid", "")).await else {
        panic!("not asked")
    };
    let caller = house.ada();
    let decide = |decision| {
        house.world.service.decide_authorization(
            &caller,
            asked.flow.clone(),
            vec![asked.browser.clone()],
            &asked.session,
            decision,
        )
    };
    let denied = decide(Decision::Deny).await.unwrap();
    assert_eq!((field(&denied, "error"), field(&denied, "state")), ("access_denied".into(), "s".into()));
    assert_eq!(field(&denied, "iss"), "https://gate.example", "RFC 9207, errors too");
    assert!(matches!(decide(Decision::Allow).await.unwrap(), Authorization::Gone), "answered once");
}

/// Keycloak CVE-2026-7507: a flow begun in one browser and finished in another.
#[tokio::test]
async fn keycloak_cve_2026_7507_a_waiting_request_is_its_browsers_and_its_sessions() {
    let house = House::new().await;
    let Authorization::Ask(asked) = house.ask(&house.ada(), house.request("shop", "openid", "")).await else {
        panic!("not asked")
    };
    let service = &house.world.service;
    let other_browser = vec![secret(&base64url_encode(&[7; 32]))];
    for browsers in [Vec::new(), other_browser] {
        let gone = service.resume_authorization(&house.ada(), asked.flow.clone(), browsers.clone()).await;
        assert!(matches!(gone.unwrap(), Authorization::Gone));
        let decided = service
            .decide_authorization(&house.ada(), asked.flow.clone(), browsers, &asked.session, Decision::Allow)
            .await;
        assert!(matches!(decided.unwrap(), Authorization::Gone));
    }
    // Forged and foreign ids are nobody's.
    for forged in ["", "x", &base64url_encode(&[1; 32])] {
        let gone =
            service.resume_authorization(&house.ada(), secret(forged), vec![asked.browser.clone()]).await;
        assert!(matches!(gone.unwrap(), Authorization::Gone));
    }
    // Bob signed in meanwhile: ada's answer is not his, he is asked himself.
    let bob = house.world.guest("bob", &[]).await;
    let bob = signed_in(&bob.session);
    let decided = service
        .decide_authorization(
            &bob,
            asked.flow.clone(),
            vec![asked.browser.clone()],
            &asked.session,
            Decision::Allow,
        )
        .await
        .unwrap();
    assert!(matches!(decided, Authorization::Ask(again) if again.name == "bob"));
    house.world.pass(16);
    let late = service.resume_authorization(&house.ada(), asked.flow, vec![asked.browser]).await;
    assert!(matches!(late.unwrap(), Authorization::Gone), "expired");
}

#[tokio::test]
async fn sign_in_is_demanded_and_cannot_be_skipped() {
    let house = House::new().await;
    let stranger = anonymous("203.0.113.9");
    let answer = house.ask(&stranger, house.request("shop", "openid", "prompt=none")).await;
    assert_eq!(field(&answer, "error"), "login_required");
    let answer = house.ask(&house.ada(), house.request("shop", "openid", "prompt=none")).await;
    assert_eq!(field(&answer, "error"), "consent_required");
    house.world.pass(5);
    for more in ["prompt=login", "max_age=10", "max_age=0"] {
        let answer = house.ask(&house.ada(), house.request("shop", "openid", more)).await;
        let Authorization::SignIn { flow, browser, fresh: true, .. } = answer else {
            panic!("{more}: {answer:?}")
        };
        // Coming back without having signed in: asked again.
        let back = house
            .world
            .service
            .resume_authorization(&house.ada(), flow.clone(), vec![browser.clone()])
            .await
            .unwrap();
        assert!(matches!(back, Authorization::SignIn { fresh: true, .. }), "{more}");
        // Signed in anew, whoever it is.
        house.world.pass(1);
        let name = format!("new-{}", more.replace('=', "-"));
        let anew = signed_in(&house.world.guest(&name, &[]).await.session);
        let back = house.world.service.resume_authorization(&anew, flow, vec![browser]).await.unwrap();
        assert!(matches!(back, Authorization::Ask(_)), "{more}");
    }
}

#[tokio::test]
async fn an_essential_level_that_is_not_reached_is_an_error() {
    let house = House::new().await;
    let claims =
        r#"claims=%7B%22id_token%22:%7B%22acr%22:%7B%22essential%22:true,%22value%22:%22phr%22%7D%7D%7D"#;
    let answer = house.ask(&house.ada(), house.request("shop", "openid", claims)).await;
    let Authorization::SignIn { flow, browser, acr: Some(_), .. } = answer else { panic!("{answer:?}") };
    let back = house.world.service.resume_authorization(&house.ada(), flow, vec![browser]).await.unwrap();
    assert_eq!(field(&back, "error"), "unmet_authentication_requirements");
    // Voluntary: the person is asked once, then taken as they are.
    let answer = house.ask(&house.ada(), house.request("shop", "openid", "acr_values=phr")).await;
    let Authorization::SignIn { flow, browser, .. } = answer else { panic!("{answer:?}") };
    let back = house.world.service.resume_authorization(&house.ada(), flow, vec![browser]).await.unwrap();
    assert!(matches!(back, Authorization::Ask(_)));
}

#[tokio::test]
async fn an_id_token_hint_decides_who() {
    let house = House::new().await;
    let tokens = house.tokens("shop", "openid").await;
    let hint = format!("prompt=none&id_token_hint={}", text(&tokens, "id_token"));
    let answer = house.ask(&house.ada(), house.request("shop", "openid", &hint)).await;
    assert!(!field(&answer, "code").is_empty(), "{answer:?}");
    let bob = signed_in(&house.world.guest("bob", &[]).await.session);
    let answer = house.ask(&bob, house.request("shop", "openid", &hint)).await;
    assert_eq!(field(&answer, "error"), "login_required");
    let foreign = house.ask(&house.ada(), house.request("blog", "openid", &hint)).await;
    assert_eq!(field(&foreign, "error"), "invalid_request", "another client's");
    let forged = format!("id_token_hint={}", text(&tokens, "access_token"));
    let answer = house.ask(&house.ada(), house.request("shop", "openid", &forged)).await;
    assert_eq!(field(&answer, "error"), "invalid_request", "no ID token");
}

/// RFC 6749, 4.1.2 and 10.5; conformance module oidcc-codereuse.
#[tokio::test]
async fn a_code_that_comes_twice_ends_everything_made_from_it() {
    let house = House::new().await;
    let code = house.code("shop", "openid").await;
    let tokens = house.exchange("shop", &code, VERIFIER).await.unwrap();
    assert!(house.believes(&tokens).await);
    invalid_grant(house.exchange("shop", &code, VERIFIER).await);
    assert!(!house.believes(&tokens).await);
    invalid_grant(house.refresh("shop", &text(&tokens, "refresh_token")).await);
    let ended = house.world.outcomes("oauth.grant-ended").await;
    assert_eq!(ended, [(Outcome::Success, Some("the code was presented a second time".to_owned()))]);
}

#[tokio::test]
async fn a_code_is_burnt_by_a_wrong_try() {
    let house = House::new().await;
    let wrong_verifier = "x".repeat(43);
    let code = house.code("shop", "openid").await;
    invalid_grant(house.exchange("shop", &code, &wrong_verifier).await);
    invalid_grant(house.exchange("shop", &code, VERIFIER).await);
    let code = house.code("shop", "openid").await;
    invalid_grant(house.exchange("blog", &code, VERIFIER).await);
    invalid_grant(house.exchange("shop", &code, VERIFIER).await);
    let code = house.code("shop", "openid").await;
    let other = format!(
        "grant_type=authorization_code&client_id=shop&code={code}&redirect_uri={CALLBACK}/&code_verifier={VERIFIER}"
    );
    invalid_grant(house.token(&other).await);
    invalid_grant(house.exchange("shop", &code, VERIFIER).await);
    let code = house.code("shop", "openid").await;
    house.world.clock.advance(Duration::from_secs(60));
    invalid_grant(house.exchange("shop", &code, VERIFIER).await);
}

/// identity.md 2, 9: the most common cause of being "randomly logged out".
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_parallel_refreshes_log_nobody_out() {
    let house = Arc::new(House::new().await);
    let tokens = house.tokens("shop", "openid").await;
    let mut refresh = text(&tokens, "refresh_token");
    for _ in 0..3 {
        let tries: Vec<_> = (0..100)
            .map(|_| {
                let (house, refresh) = (Arc::clone(&house), refresh.clone());
                tokio::spawn(async move { house.refresh("shop", &refresh).await.unwrap() })
            })
            .collect();
        let mut answers = Vec::new();
        for one in tries {
            answers.push(one.await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "the very same answer for all");
        assert!(house.believes(&answers[0]).await);
        let next = text(&answers[0], "refresh_token");
        assert_ne!(next, refresh);
        refresh = next;
    }
    assert_eq!(house.world.outcomes("oauth.grant-ended").await, []);
}

#[tokio::test]
async fn a_replay_by_another_client_ends_the_family() {
    let house = House::new().await;
    let tokens = house.tokens("shop", "openid").await;
    let first = text(&tokens, "refresh_token");
    invalid_grant(house.refresh("blog", &first).await);
    invalid_grant(house.refresh("shop", &first).await);
    assert!(!house.believes(&tokens).await);
    let ended = house.world.outcomes("oauth.grant-ended").await;
    let reason = "a refresh token was presented by another client";
    assert_eq!(ended, [(Outcome::Success, Some(reason.to_owned()))]);
}

#[tokio::test]
async fn a_late_replay_ends_the_family_and_an_early_one_does_not() {
    let house = House::new().await;
    let first = text(&house.tokens("shop", "openid").await, "refresh_token");
    let answer = house.refresh("shop", &first).await.unwrap();
    house.world.clock.advance(Duration::from_secs(29));
    assert_eq!(house.refresh("shop", &first).await.unwrap(), answer, "the lost answer, again");
    house.world.clock.advance(Duration::from_secs(1));
    invalid_grant(house.refresh("shop", &first).await);
    invalid_grant(house.refresh("shop", &text(&answer, "refresh_token")).await);
    // The other way round: what asks for something else is not the same request.
    let first = text(&house.tokens("shop", "openid%20email").await, "refresh_token");
    house.refresh("shop", &first).await.unwrap();
    let other = format!("grant_type=refresh_token&client_id=shop&refresh_token={first}&scope=openid");
    invalid_grant(house.token(&other).await);
}

#[tokio::test]
async fn a_refresh_can_narrow_and_never_widen() {
    let house = House::new().await;
    let token = text(&house.tokens("shop", "openid%20email").await, "refresh_token");
    let ask =
        |scope: &str| format!("grant_type=refresh_token&client_id=shop&refresh_token={token}&scope={scope}");
    assert_eq!(house.token(&ask("openid%20profile")).await.unwrap_err().code, ErrorCode::InvalidScope);
    assert_eq!(house.token(&ask("openid")).await.unwrap()["scope"], "openid");
}

/// Zitadel CVE-2023-22492: refresh tokens outlived the lock of their user.
#[tokio::test]
async fn zitadel_cve_2023_22492_a_locked_user_loses_refresh_and_access_tokens_at_once() {
    let changes: [(&str, AccountChange); 2] =
        [("disabled", AccountChange::Disable), ("revoked", AccountChange::RemovePassword)];
    for (name, change) in changes {
        let house = House::new().await;
        let online = house.tokens("shop", "openid").await;
        let offline = house.tokens("shop", "openid%20offline_access").await;
        if name == "disabled" {
            house.world.service.disable_account(&Caller::operator(), "ada").await.unwrap();
            assert!(!house.believes(&online).await && !house.believes(&offline).await, "{name}");
        } else {
            // Behind the service's back, as another node would: the epoch alone decides.
            house.world.storage.update(&house.ada.session.principal.account, &change).unwrap();
        }
        for tokens in [&online, &offline] {
            invalid_grant(house.refresh("shop", &text(tokens, "refresh_token")).await);
        }
        assert!(!house.believes(&online).await && !house.believes(&offline).await, "{name}");
    }
}

#[tokio::test]
async fn a_session_takes_its_grants_with_it_and_leaves_offline_ones() {
    let house = House::new().await;
    let online = house.tokens("shop", "openid").await;
    let offline = house.tokens("shop", "openid%20offline_access").await;
    house.world.service.sign_out(&house.ada()).await.unwrap();
    assert!(!house.believes(&online).await);
    assert!(house.believes(&offline).await);
    invalid_grant(house.refresh("shop", &text(&online, "refresh_token")).await);
    house.refresh("shop", &text(&offline, "refresh_token")).await.unwrap();
    house.world.service.tick().await.unwrap();
    assert!(!house.believes(&online).await);
}

#[tokio::test]
async fn an_application_gives_its_token_back() {
    let house = House::new().await;
    let tokens = house.tokens("shop", "openid").await;
    let service = &house.world.service;
    let caller = anonymous("198.51.100.9");
    let give_back =
        |client: &str, token: &str| Parameters::from_pairs([("client_id", client), ("token", token)]);
    for (client, ends) in [("blog", false), ("shop", true)] {
        let parameters = give_back(client, &text(&tokens, "refresh_token"));
        let known =
            service.authenticate_client(&caller, &ClientCredentials::default(), &parameters).await.unwrap();
        service.revoke_token(&caller, &known, &parameters).await.unwrap();
        assert_eq!(house.believes(&tokens).await, !ends, "{client}");
    }
    invalid_grant(house.refresh("shop", &text(&tokens, "refresh_token")).await);
    let parameters = give_back("shop", "nonsense");
    let known =
        service.authenticate_client(&caller, &ClientCredentials::default(), &parameters).await.unwrap();
    service.revoke_token(&caller, &known, &parameters).await.unwrap();
}

#[tokio::test]
async fn introspection_tells_those_who_authenticate_and_says_nothing_of_the_dead() {
    let house = House::new().await;
    let service = &house.world.service;
    let metadata = Metadata {
        name: "api".to_owned(),
        authentication: AuthenticationMethod::SecretPost,
        redirect_uris: vec![CALLBACK.parse().unwrap()],
        ..Metadata::default()
    };
    let new = NewClient { id: Some("api".to_owned()), metadata, tenant: None, secret: None };
    let secret_text = service.add_client(&Caller::operator(), new).await.unwrap().secret.unwrap();
    let tokens = house.tokens("shop", "openid").await;
    let access = text(&tokens, "access_token");
    let caller = anonymous("198.51.100.9");
    let parameters = Parameters::from_pairs([
        ("client_id", "api"),
        ("client_secret", secret_text.expose().as_str()),
        ("token", access.as_str()),
    ]);
    let api = service.authenticate_client(&caller, &ClientCredentials::default(), &parameters).await.unwrap();
    let inactive = serde_json::json!({ "active": false });
    let foreign = service.introspect(&api, &parameters).await.unwrap();
    assert_eq!(Value::Object(foreign), inactive, "neither issued to it nor for it (RFC 7662, 4)");
    let may = |introspects: &[&str]| {
        let mut api = (*api).clone();
        api.metadata.introspects = introspects.iter().map(|one| (*one).to_owned()).collect();
        api
    };
    let other = service.introspect(&may(&["https://api.example/"]), &parameters).await.unwrap();
    assert_eq!(Value::Object(other), inactive, "for another API");
    let known = service.introspect(&may(&["https://gate.example"]), &parameters).await.unwrap();
    assert_eq!(known["active"], true, "for the API it is");
    let api = may(&["*"]);
    let known = service.introspect(&api, &parameters).await.unwrap();
    assert_eq!(
        (&known["active"], &known["client_id"], &known["scope"]),
        (&true.into(), &"shop".into(), &"openid".into())
    );
    let ask = |token: &str| Parameters::from_pairs([("token", token)]);
    let refresh = ask(&text(&tokens, "refresh_token"));
    assert_eq!(Value::Object(service.introspect(&api, &refresh).await.unwrap()), inactive, "another's");
    assert_eq!(Value::Object(service.introspect(&api, &ask("nonsense")).await.unwrap()), inactive);
    house.world.service.sign_out(&house.ada()).await.unwrap();
    assert_eq!(Value::Object(service.introspect(&api, &ask(&access)).await.unwrap()), inactive);
    let wrong = Parameters::from_pairs([("client_id", "api"), ("client_secret", "a guess"), ("token", "x")]);
    let refused = service.authenticate_client(&caller, &ClientCredentials::default(), &wrong).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidClient);
    let public = Parameters::from_pairs([("client_id", "shop"), ("token", "x")]);
    let shop = service.authenticate_client(&caller, &ClientCredentials::default(), &public).await.unwrap();
    assert_eq!(service.introspect(&shop, &public).await.unwrap_err().code, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn requests_that_promise_too_little_are_refused_by_redirect() {
    let house = House::new().await;
    let refuse = async |text: &str| {
        let parameters =
            Parameters::parse(&format!("client_id=shop&redirect_uri={CALLBACK}&state=s&{text}")).unwrap();
        field(&house.ask(&house.ada(), parameters).await, "error")
    };
    let challenge = base64url_encode(&gabion_vault::sha256(VERIFIER.as_bytes()));
    let pkce = format!("code_challenge={challenge}&code_challenge_method=S256");
    let good = format!("response_type=code&scope=openid&{pkce}");
    for (text, error) in [
        ("response_type=code&scope=openid".to_owned(), "invalid_request"),
        (format!("response_type=code&code_challenge={challenge}"), "invalid_request"),
        (
            format!("response_type=code&code_challenge={challenge}&code_challenge_method=plain"),
            "invalid_request",
        ),
        ("response_type=code&code_challenge=short&code_challenge_method=S256".to_owned(), "invalid_request"),
        (format!("scope=openid&{pkce}"), "invalid_request"),
        (format!("response_type=token&{pkce}"), "unsupported_response_type"),
        (format!("response_type=code%20id_token&{pkce}"), "unsupported_response_type"),
        (format!("{good}&response_mode=fragment"), "invalid_request"),
        (format!("{good}&prompt=none%20login"), "invalid_request"),
        (format!("{good}&max_age=-1"), "invalid_request"),
        (format!("{good}&nonce=a&nonce=b"), "invalid_request"),
        (format!("{good}&request=eyJ"), "request_not_supported"),
        (format!("{good}&request_uri=https://shop.example/r"), "request_uri_not_supported"),
        (format!("{good}&registration=%7B%7D"), "registration_not_supported"),
        (format!("{good}&resource=https://elsewhere.example/"), "invalid_target"),
        (format!("{good}&claims=nonsense"), "invalid_request"),
        (format!("response_type=code&scope=nonsense&{pkce}"), "invalid_scope"),
    ] {
        assert_eq!(refuse(&text).await, error, "{text}");
    }
    let unknown = format!("{good}&unknown=1&display=popup&ui_locales=de&claims_locales=fr&login_hint=ada");
    let answer = house
        .ask(
            &house.ada(),
            Parameters::parse(&format!("client_id=shop&redirect_uri={CALLBACK}&{unknown}")).unwrap(),
        )
        .await;
    assert!(matches!(answer, Authorization::Ask(_)), "{answer:?}");
}

/// Wildcard redirect URIs: authentik CVE-2024-52289, Keycloak CVE-2024-8883, CVE-2023-6291, better-auth
/// CVE-2025-71403.
#[tokio::test]
async fn keycloak_cve_2024_8883_better_auth_cve_2025_71403_nobody_is_redirected_to_what_is_not_registered() {
    let house = House::new().await;
    for uri in [
        "https://shop.example/cb/",
        "https://shop.example/cb%3Fx=1",
        "https://shop.example/cb%23x",
        "https://shop.example.evil.example/cb",
        "https://evil.example/cb",
        "https://shop.example@evil.example/cb",
        "http://shop.example/cb",
        "javascript:alert(1)",
        "",
    ] {
        let text = format!("client_id=shop&redirect_uri={uri}&response_type=code&scope=openid");
        let answer = house.ask(&house.ada(), Parameters::parse(&text).unwrap()).await;
        assert!(matches!(answer, Authorization::Invalid(_)), "{uri}: {answer:?}");
    }
    for text in [
        format!("client_id=nobody&redirect_uri={CALLBACK}&response_type=code"),
        format!("redirect_uri={CALLBACK}&response_type=code"),
        format!("client_id=shop&client_id=blog&redirect_uri={CALLBACK}"),
        format!("client_id=shop&redirect_uri={CALLBACK}&redirect_uri={CALLBACK}"),
    ] {
        let answer = house.ask(&house.ada(), Parameters::parse(&text).unwrap()).await;
        assert!(matches!(answer, Authorization::Invalid(_)), "{text}: {answer:?}");
    }
}

#[tokio::test]
async fn what_ended_stays_ended_after_a_restart() {
    let house = House::new().await;
    let (revoked, kept) = (house.tokens("shop", "openid").await, house.tokens("blog", "openid").await);
    house.world.service.revoke_grant(&house.ada(), None, "shop").await.unwrap();
    let again = house.world.restart();
    let believes = async |tokens: &Value| {
        again.userinfo(secret(&text(tokens, "access_token")), Default::default()).await.is_ok()
    };
    assert!(!believes(&revoked).await);
    assert!(believes(&kept).await);
}

/// Notes every post, and takes it.
#[derive(Debug, Default)]
struct Posts(std::sync::Mutex<Vec<(String, String)>>);

impl gabion_model::outbound::Fetch for Posts {
    fn fetch(
        &self,
        request: gabion_model::outbound::FetchRequest,
    ) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        let body = String::from_utf8(request.body.expose().clone()).unwrap();
        self.0.lock().unwrap().push((request.url, body));
        Box::pin(async { Ok(FetchResponse { status: 200, headers: Vec::new(), body: Vec::new() }) })
    }
}

/// Back-Channel Logout 1.0, 2.4: what was granted goes with the account, and the applications hear of it
/// nonetheless; also one that is signed in to from no living session.
#[tokio::test]
async fn the_end_of_an_account_is_told_to_applications() {
    for own in [true, false] {
        let posts = Arc::new(Posts::default());
        let house = House::of(World::reaching(Settings::default(), posts.clone())).await;
        let service = &house.world.service;
        house.tokens("blog", "openid").await;
        let account = house.ada.session.principal.account.clone();
        let session = house.ada.session.id.to_string();
        let offline = house.tokens("shop", "openid%20offline_access&prompt=consent").await;
        assert!(offline.get("refresh_token").is_some(), "{offline}");
        if own {
            service.remove_own(&house.ada(), "ada").await.unwrap();
        } else {
            let ada = gabion_service::Which::Name("ada".to_owned());
            service.remove_person(&Caller::operator(), ada, false).await.unwrap();
        }
        let told = async {
            while posts.0.lock().unwrap().len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), told).await.expect("both are told");
        service.tick().await.unwrap();
        let mut told = posts.0.lock().unwrap().clone();
        told.sort();
        let urls: Vec<_> = told.iter().map(|(url, _)| url.as_str()).collect();
        assert_eq!(urls, ["https://blog.example/logout", "https://shop.example/logout"], "each once");
        for (_, body) in told {
            let token = body.strip_prefix("logout_token=").unwrap();
            let claims = token.split('.').nth(1).unwrap();
            let claims = gabion_vault::encoding::base64url_decode(claims).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            assert_eq!(
                (&claims["sub"], &claims["sid"]),
                (&account.as_str().into(), &session.as_str().into())
            );
        }
    }
}
