//! Around the code flow: how clients prove themselves, what they make this server fetch, codes for devices.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gabion_identity::MemoryStorage;
use gabion_identity::oauth::registration::{
    ClientDocumentMode, ClientDocumentSettings, RegistrationMode, RegistrationSettings,
};
use gabion_identity::oauth::{ErrorCode, Parameters, ProviderSettings};
use gabion_ledger::Ledger;
use gabion_model::outbound::{BoxFuture, Fetch, FetchError, FetchRequest, FetchResponse};
use gabion_model::random::SeededRng;
use gabion_model::{Clock as _, ManualClock, Secret, Timestamp};
use gabion_service::client::{AuthenticationMethod, GrantType, Metadata};
use gabion_service::oauth::{ClientCredentials, TokenRequest};
use gabion_service::{Caller, NewClient, Parts, Service, Settings};
use gabion_vault::jose::SigningKey;
use serde_json::{Value, json};

use crate::world::{World, anonymous};

/// Answers every fetch with one document, and remembers what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Web {
    pub(crate) document: Mutex<String>,
    asked: AtomicUsize,
}

impl Fetch for Web {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        assert_eq!(request.redirects, 0, "nobody is sent on to another address");
        self.asked.fetch_add(1, Ordering::SeqCst);
        let body = self.document.lock().unwrap().clone().into_bytes();
        Box::pin(async move {
            if body.is_empty() {
                return Err(FetchError::Forbidden("a private address".to_owned()));
            }
            Ok(FetchResponse { status: 200, headers: Vec::new(), body })
        })
    }
}

fn service(provider: ProviderSettings) -> (Service, Arc<Web>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_286_828)));
    let ledger = Ledger::in_memory(clock.clone());
    let rng = Arc::new(SeededRng::new(1));
    let web = Arc::new(Web::default());
    let parts = Parts::fresh(Arc::new(MemoryStorage::new()), ledger, clock, rng).unwrap();
    let settings = Settings { provider, ..Settings::default() };
    let parts = Parts { fetch: web.clone(), settings, origin: "https://id.example".to_owned(), ..parts };
    (Service::open(parts).unwrap(), web)
}

async fn add(service: &Service, id: &str, change: impl FnOnce(&mut Metadata)) -> Option<Secret<String>> {
    let mut metadata = Metadata {
        name: id.to_owned(),
        redirect_uris: vec!["https://app.example/cb".parse().unwrap()],
        ..Metadata::default()
    };
    change(&mut metadata);
    let new = NewClient { id: Some(id.to_owned()), metadata, ..NewClient::default() };
    service.add_client(&Caller::operator(), new).await.unwrap().secret
}

async fn authenticated(service: &Service, fields: &[(&str, &str)]) -> Result<String, ErrorCode> {
    let parameters = Parameters::from_pairs(fields.iter().copied());
    let done = service
        .authenticate_client(&anonymous("203.0.113.9"), &ClientCredentials::default(), &parameters)
        .await;
    done.map(|client| client.id.to_string()).map_err(|error| error.code)
}

/// identity.md 2b: secrets compared in constant time; and nobody learns which clients there are.
#[tokio::test]
async fn a_wrong_secret_and_an_unknown_client_are_one_answer() {
    let (service, _) = service(ProviderSettings::default());
    let secret =
        add(&service, "shop", |one| one.authentication = AuthenticationMethod::SecretPost).await.unwrap();
    add(&service, "app", |one| one.authentication = AuthenticationMethod::None).await;
    let right = [("client_id", "shop"), ("client_secret", secret.expose().as_str())];
    assert_eq!(authenticated(&service, &right).await, Ok("shop".to_owned()));
    assert_eq!(authenticated(&service, &[("client_id", "app")]).await, Ok("app".to_owned()));
    for wrong in [
        &[("client_id", "shop"), ("client_secret", "wrong")][..],
        &[("client_id", "nobody"), ("client_secret", "wrong")],
        &[("client_id", "shop")],
        &[("client_id", "nobody")],
        &[("client_id", "app"), ("client_secret", "wrong")],
        &[],
    ] {
        assert_eq!(authenticated(&service, wrong).await, Err(ErrorCode::InvalidClient), "{wrong:?}");
    }
    service.disable_client(&Caller::operator(), "shop").await.unwrap();
    assert_eq!(authenticated(&service, &right).await, Err(ErrorCode::InvalidClient));
}

#[tokio::test]
async fn an_assertion_works_once_and_beside_nothing_else() {
    let (service, _) = service(ProviderSettings::default());
    let key = SigningKey::generate().unwrap();
    let keys = json!({ "keys": [key.public()] });
    add(&service, "shop", |one| {
        one.authentication = AuthenticationMethod::PrivateKeyJwt;
        one.jwks = Some(keys);
    })
    .await;
    let claims = json!({
        "iss": "shop", "sub": "shop", "aud": "https://id.example/.gabion/oauth/token",
        "iat": 1_795_286_828, "exp": 1_795_286_888, "jti": "1",
    });
    let assertion = key.sign("JWT", &claims).unwrap();
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let fields = [kind, ("client_assertion", assertion.as_str())];
    let two = [kind, ("client_assertion", assertion.as_str()), ("client_secret", "x"), ("client_id", "shop")];
    assert_eq!(authenticated(&service, &two).await, Err(ErrorCode::InvalidRequest));
    assert_eq!(authenticated(&service, &fields).await, Ok("shop".to_owned()));
    assert_eq!(authenticated(&service, &fields).await, Err(ErrorCode::InvalidClient), "a replay");
}

/// identity.md 2b: what a stranger's client id makes this server fetch.
#[tokio::test]
async fn client_documents_are_fetched_only_where_they_are_let_in_and_seldom() {
    let id = "https://app.example/client.json";
    let (service_off, web) = service(ProviderSettings::default());
    assert_eq!(authenticated(&service_off, &[("client_id", id)]).await, Err(ErrorCode::InvalidClient));
    assert_eq!(web.asked.load(Ordering::SeqCst), 0, "off by default");

    let documents =
        ClientDocumentSettings { mode: ClientDocumentMode::Any, ..ClientDocumentSettings::default() };
    let (service, web) =
        service(ProviderSettings { client_documents: documents, ..ProviderSettings::default() });
    for _ in 0..5 {
        assert_eq!(authenticated(&service, &[("client_id", id)]).await, Err(ErrorCode::InvalidClient));
    }
    assert_eq!(web.asked.load(Ordering::SeqCst), 1, "what the guard refuses is not asked for again");
    for wrong in
        ["https://app.example/a/../client.json", "https://user@app.example/x", "https://app.example/"]
    {
        assert_eq!(authenticated(&service, &[("client_id", wrong)]).await, Err(ErrorCode::InvalidClient));
    }
    assert_eq!(web.asked.load(Ordering::SeqCst), 1, "what is no such address is never fetched");
    let other = "https://other.example/client.json";
    *web.document.lock().unwrap() =
        json!({ "client_id": other, "redirect_uris": ["https://other.example/cb"] }).to_string();
    assert_eq!(authenticated(&service, &[("client_id", other)]).await, Ok(other.to_owned()));
    let foreign = "https://third.example/client.json";
    assert_eq!(authenticated(&service, &[("client_id", foreign)]).await, Err(ErrorCode::InvalidClient));
}

#[tokio::test]
async fn a_program_gets_tokens_for_itself_and_no_more_than_its_own() {
    let scopes = [(
        "orders".to_owned(),
        gabion_identity::oauth::ScopeSettings { description: "Orders".to_owned(), claims: Vec::new() },
    )];
    let (service, _) = service(ProviderSettings { scopes: scopes.into(), ..ProviderSettings::default() });
    let secret = add(&service, "batch", |one| {
        one.authentication = AuthenticationMethod::SecretPost;
        one.grant_types = vec![GrantType::ClientCredentials];
        one.redirect_uris.clear();
        one.response_types.clear();
        one.scopes = vec!["orders".to_owned(), "openid".to_owned()];
    })
    .await
    .unwrap();
    let caller = anonymous("203.0.113.9");
    let ask = async |scope: &str| {
        let fields = [
            ("client_id", "batch"),
            ("client_secret", secret.expose().as_str()),
            ("grant_type", "client_credentials"),
            ("scope", scope),
        ];
        let parameters = Parameters::from_pairs(fields);
        let client = service.authenticate_client(&caller, &ClientCredentials::default(), &parameters).await?;
        service.token(&caller, TokenRequest { client, parameters, confirmation: None }).await
    };
    let answer: Value = serde_json::from_str(ask("orders").await.unwrap().expose()).unwrap();
    assert_eq!(
        (answer["scope"].as_str(), answer.get("refresh_token"), answer.get("id_token")),
        (Some("orders"), None, None)
    );
    for wrong in ["openid", "orders admin"] {
        assert_eq!(ask(wrong).await.unwrap_err().code, ErrorCode::InvalidScope, "{wrong}");
    }
}

#[tokio::test]
async fn registration_is_off_slow_and_bounded() {
    let document = json!({ "redirect_uris": ["https://app.example/cb"] });
    let Value::Object(document) = document else { panic!() };
    let caller = anonymous("203.0.113.9");
    let (off, _) = service(ProviderSettings::default());
    let refused = off.register_client(&caller, None, document.clone()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RegistrationNotSupported);

    let registration =
        RegistrationSettings { mode: RegistrationMode::Open, ..RegistrationSettings::default() };
    let (open, _) = service(ProviderSettings { registration, ..ProviderSettings::default() });
    let made = open.register_client(&caller, None, document.clone()).await.unwrap();
    let id = made["client_id"].as_str().unwrap().to_owned();
    let token = Some(Secret::new(made["registration_access_token"].as_str().unwrap().to_owned()));
    assert!(open.registration(&id, token.clone()).await.unwrap().get("client_secret").is_none());
    let foreign = Some(Secret::new("a guess".to_owned()));
    assert_eq!(open.registration(&id, foreign).await.unwrap_err().code, ErrorCode::InvalidToken);
    assert_eq!(open.registration("nobody", token.clone()).await.unwrap_err().code, ErrorCode::InvalidToken);
    let mut refused = None;
    for _ in 0..40 {
        refused = open.register_client(&caller, None, document.clone()).await.err().or(refused);
    }
    assert_eq!(refused.unwrap().code, ErrorCode::TemporarilyUnavailable);
    open.remove_registration(&caller, &id, token.clone()).await.unwrap();
    assert_eq!(open.registration(&id, token).await.unwrap_err().code, ErrorCode::InvalidToken);
}

#[tokio::test]
async fn user_codes_cannot_be_guessed_for_long() {
    let world = World::new();
    let ada = world.guest("ada", &[]).await;
    let caller = crate::world::signed_in(&ada.session);
    let mut throttled = 0;
    for _ in 0..60 {
        match world.service.device(&caller, "BCDF-GHJK").await {
            Err(gabion_service::oauth::DeviceError::Throttled) => throttled += 1,
            Err(gabion_service::oauth::DeviceError::Unknown) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(throttled, 30);
}

/// What a program was given for itself has no grant by which its end could be remembered.
#[tokio::test]
async fn the_tokens_of_ended_programs_stay_dead_after_a_restart() {
    let world = World::new();
    let caller = anonymous("203.0.113.9");
    let mut tokens = Vec::new();
    for id in ["disabled", "removed", "kept"] {
        let secret = add(&world.service, id, |one| {
            one.authentication = AuthenticationMethod::SecretPost;
            one.grant_types = vec![GrantType::ClientCredentials];
            one.redirect_uris.clear();
            one.response_types.clear();
        })
        .await
        .unwrap();
        let fields = [
            ("client_id", id),
            ("client_secret", secret.expose().as_str()),
            ("grant_type", "client_credentials"),
        ];
        let parameters = Parameters::from_pairs(fields);
        let service = &world.service;
        let client =
            service.authenticate_client(&caller, &ClientCredentials::default(), &parameters).await.unwrap();
        let answer = service.token(&caller, TokenRequest { client, parameters, confirmation: None }).await;
        let answer: Value = serde_json::from_str(answer.unwrap().expose()).unwrap();
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    let believed = |service: &Service| {
        let (machines, now) = (service.machines(), world.clock.now());
        tokens.iter().map(|token| machines.tokens.resolve(token, now).is_ok()).collect::<Vec<_>>()
    };
    assert_eq!(believed(&world.service), [true, true, true]);
    world.service.disable_client(&Caller::operator(), "disabled").await.unwrap();
    world.service.remove_client(&Caller::operator(), "removed").await.unwrap();
    assert_eq!(believed(&world.service), [false, false, true]);
    world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(believed(&world.restart()), [false, false, true]);
}
