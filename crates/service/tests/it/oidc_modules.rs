//! Modules of the OpenID conformance plans that need another clock or another web than the real ones. The list is
//! `conformance/oidc/modules.toml`; its other tests run against the binary.

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::oauth::registration::{RegistrationMode, RegistrationSettings};
use gabion_identity::oauth::token::Confirmation;
use gabion_identity::oauth::{ErrorCode, Parameters, ProviderSettings};
use gabion_model::{Clock as _, Secret};
use gabion_service::oauth::{Authorization, ClientCredentials, Decision, TokenRequest};
use gabion_service::{Settings, SignedIn};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jose::{Jwks, SigningKey};
use serde_json::{Map, Value, json};

use crate::protocols::Web;
use crate::world::{World, anonymous, signed_in};

const CALLBACK: &str = "https://app.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A provider where applications register themselves, the web they live in, and ada signed in.
struct Stage {
    world: World,
    web: Arc<Web>,
    ada: SignedIn,
}

impl Stage {
    async fn new() -> Self {
        let registration =
            RegistrationSettings { mode: RegistrationMode::Open, ..RegistrationSettings::default() };
        let provider = ProviderSettings { registration, ..ProviderSettings::default() };
        let web = Arc::new(Web::default());
        let world = World::reaching(Settings { provider, ..Settings::default() }, web.clone());
        let ada = world.guest("ada", &[]).await;
        Self { world, web, ada }
    }

    fn publishes(&self, document: &Value) {
        *self.web.document.lock().unwrap() = document.to_string();
    }

    /// Registers an application; what it was told.
    async fn register(&self, more: Value) -> Result<Map<String, Value>, ErrorCode> {
        let mut document = json!({
            "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"],
            "id_token_signed_response_alg": "ES256",
            "token_endpoint_auth_method": "none",
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let Value::Object(document) = document else { panic!() };
        let done = self.world.service.register_client(&anonymous("203.0.113.9"), None, document).await;
        done.map_err(|error| error.code)
    }

    /// A code for ada, who allows it.
    async fn code(&self, client: &str) -> String {
        let challenge = base64url_encode(&gabion_vault::sha256(VERIFIER.as_bytes()));
        let fields = [
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid offline_access"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let (service, ada) = (&self.world.service, signed_in(&self.ada.session));
        let asked = service.authorize(&ada, Parameters::from_pairs(fields), Vec::new()).await.unwrap();
        let Authorization::Ask(asked) = asked else { panic!("{asked:?}") };
        let (flow, browser) = (asked.flow.clone(), vec![asked.browser.clone()]);
        let answer =
            service.decide_authorization(&ada, flow, browser, &asked.session, Decision::Allow).await.unwrap();
        let Authorization::Answer(answer) = answer else { panic!("{answer:?}") };
        answer.fields().find(|(name, _)| *name == "code").unwrap().1.to_owned()
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Result<Value, ErrorCode> {
        let (service, caller) = (&self.world.service, anonymous("198.51.100.9"));
        let parameters = Parameters::from_pairs(fields.iter().copied());
        let client = service.authenticate_client(&caller, &ClientCredentials::default(), &parameters).await;
        let client = client.map_err(|error| error.code)?;
        let answer = service.token(&caller, TokenRequest { client, parameters, confirmation: None }).await;
        Ok(serde_json::from_str(answer.map_err(|error| error.code)?.expose()).unwrap())
    }

    fn assertion(&self, client: &str, key: &SigningKey, id: &str) -> String {
        let now = self.world.clock.now().as_secs();
        let claims = json!({
            "iss": client, "sub": client, "aud": "https://gate.example/.gabion/oauth/token",
            "iat": now, "exp": now + 60, "jti": id,
        });
        key.sign("JWT", &claims).unwrap()
    }
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

/// Half a minute after its first use a code is still known, and its second use ends what came of the first.
#[tokio::test]
async fn codereuse_30seconds() {
    let stage = Stage::new().await;
    let client = stage.register(json!({})).await.unwrap();
    let client = client["client_id"].as_str().unwrap();
    let code = stage.code(client).await;
    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = stage.token(&exchange).await.unwrap();
    stage.world.clock.advance(Duration::from_secs(30));
    assert_eq!(stage.token(&exchange).await, Err(ErrorCode::InvalidGrant));
    let access = Secret::new(text(&tokens, "access_token").to_owned());
    let believed = stage.world.service.userinfo(access, Confirmation::default()).await;
    assert_eq!(believed.unwrap_err().code, ErrorCode::InvalidToken);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", text(&tokens, "refresh_token")),
    ];
    assert_eq!(stage.token(&refresh).await, Err(ErrorCode::InvalidGrant));
}

/// The application puts another key at its `jwks_uri`, and a minute later signs with it.
#[tokio::test]
async fn refresh_token_rp_key_rotation() {
    let stage = Stage::new().await;
    let (former, next) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    stage.publishes(&serde_json::to_value(Jwks::of([&former])).unwrap());
    let client = stage
        .register(json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/jwks.json",
        }))
        .await
        .unwrap();
    let client = client["client_id"].as_str().unwrap();
    let code = stage.code(client).await;
    let assertion = stage.assertion(client, &former, "1");
    let tokens = stage
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", &assertion),
        ])
        .await
        .unwrap();

    stage.publishes(&serde_json::to_value(Jwks::of([&next])).unwrap());
    stage.world.pass(1);
    let refresh = async |token: &str, assertion: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion),
        ];
        stage.token(&fields).await
    };
    let assertion = stage.assertion(client, &next, "2");
    let tokens = refresh(text(&tokens, "refresh_token"), &assertion).await.unwrap();
    let assertion = stage.assertion(client, &former, "3");
    let with_former = refresh(text(&tokens, "refresh_token"), &assertion).await;
    assert_eq!(with_former, Err(ErrorCode::InvalidClient), "the key that was taken away");
}

#[tokio::test]
async fn registration_sector_uri() {
    let stage = Stage::new().await;
    stage.publishes(&json!([CALLBACK, "https://app.example/other"]));
    let sector = json!({ "sector_identifier_uri": "https://app.example/sector.json" });
    let client = stage.register(sector).await.unwrap();
    assert_eq!(client["subject_type"], "public");
}

#[tokio::test]
async fn registration_sector_bad() {
    let stage = Stage::new().await;
    let sector = json!({ "sector_identifier_uri": "https://app.example/sector.json" });
    for found in [json!(["https://app.example/other"]), json!({}), Value::Null] {
        stage.publishes(&found);
        assert_eq!(stage.register(sector.clone()).await, Err(ErrorCode::InvalidClientMetadata), "{found}");
    }
    stage.web.document.lock().unwrap().clear();
    let unreachable = stage.register(sector).await;
    assert_eq!(unreachable, Err(ErrorCode::InvalidClientMetadata), "it cannot be fetched");
    let private = json!({ "sector_identifier_uri": "http://app.example/sector.json" });
    assert_eq!(stage.register(private).await, Err(ErrorCode::InvalidClientMetadata), "not over TLS");
}
