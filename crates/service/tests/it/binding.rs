//! Clients that are known by their certificate, and tokens that are bound to it (RFC 8705).

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::oauth::client::CertificateSubject;
use gabion_identity::oauth::token::Confirmation;
use gabion_identity::oauth::{ErrorCode, OAuthError, Parameters, ProviderSettings, ScopeSettings};
use gabion_model::{Clock as _, Timestamp};
use gabion_service::client::{AuthenticationMethod, GrantType, Metadata};
use gabion_service::oauth::{ClientCredentials, Edge, ProtectedResource, TokenRequest, Userinfo};
use gabion_service::{Caller, NewClient, Settings};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jwt::SigningKey;
use gabion_vault::x509::PeerCertificate;
use serde_json::{Value, json};

use crate::oauth::{CALLBACK, House, VERIFIER, invalid_grant, text};
use crate::world::{World, anonymous, secret};

fn world(edge: Edge) -> World {
    let orders = ScopeSettings { description: "Orders".to_owned(), claims: Vec::new() };
    let provider =
        ProviderSettings { scopes: [("orders".to_owned(), orders)].into(), ..ProviderSettings::default() };
    World::with(Settings { provider, edge, ..Settings::default() }, 4)
}

fn certificate(world: &World) -> PeerCertificate {
    let now = world.clock.now().as_secs();
    PeerCertificate {
        vouched_for: true,
        thumbprint: [1; 32],
        subject: "CN=billing,O=Example".parse().unwrap(),
        key: Some("key".to_owned()),
        issuer: "CN=ca".to_owned(),
        is_self_issued: false,
        serial: "01".to_owned(),
        dns: vec!["billing.internal".to_owned()],
        uris: vec!["spiffe://example/billing".to_owned()],
        emails: vec!["bot@example.org".to_owned()],
        addresses: vec!["192.0.2.1".to_owned()],
        not_before: Timestamp::from_secs(now - 60),
        not_after: Timestamp::from_secs(now + 60),
        der: Vec::new(),
    }
}

/// A program that authenticates by a certificate, or as `change` says.
async fn add(world: &World, id: &str, change: impl FnOnce(&mut Metadata)) {
    let mut metadata = Metadata {
        name: id.to_owned(),
        authentication: AuthenticationMethod::Tls,
        certificate_subject: Some(CertificateSubject::SanDns("billing.internal".to_owned())),
        grant_types: vec![GrantType::ClientCredentials],
        response_types: Vec::new(),
        scopes: vec!["orders".to_owned()],
        ..Metadata::default()
    };
    change(&mut metadata);
    let new = NewClient { id: Some(id.to_owned()), metadata, ..NewClient::default() };
    world.service.add_client(&Caller::operator(), new).await.unwrap();
}

async fn known(world: &World, id: &str, shown: Option<PeerCertificate>) -> Result<String, ErrorCode> {
    let credentials = ClientCredentials { authorization: None, certificate: shown.map(Arc::new) };
    let parameters = Parameters::from_pairs([("client_id", id)]);
    let done = world.service.authenticate_client(&anonymous("203.0.113.9"), &credentials, &parameters).await;
    done.map(|client| client.id.to_string()).map_err(|error| error.code)
}

const NOT_KNOWN: Result<String, ErrorCode> = Err(ErrorCode::InvalidClient);

#[tokio::test]
async fn a_client_is_known_by_the_one_name_it_is_registered_for() {
    let world = world(Edge::default());
    let own = certificate(&world);
    let names = [
        CertificateSubject::Dn("CN=billing, O=Example".to_owned()),
        CertificateSubject::SanDns("Billing.Internal".to_owned()),
        CertificateSubject::SanEmail("bot@example.org".to_owned()),
        CertificateSubject::SanIp("192.0.2.1".to_owned()),
        CertificateSubject::SanUri("spiffe://example/billing".to_owned()),
    ];
    let other = PeerCertificate {
        subject: "O=Example,CN=billing".parse().unwrap(),
        dns: vec![
            "*.internal".to_owned(),
            "evil.billing.internal".to_owned(),
            "spiffe://example/billing".to_owned(),
        ],
        uris: vec!["spiffe://example/billing/2".to_owned()],
        emails: vec!["Bot@example.org".to_owned()],
        addresses: vec!["192.0.2.11".to_owned()],
        ..own.clone()
    };
    for (index, name) in names.into_iter().enumerate() {
        let id = format!("c{index}");
        add(&world, &id, |one| one.certificate_subject = Some(name.clone())).await;
        assert_eq!(known(&world, &id, Some(own.clone())).await, Ok(id.clone()), "{name:?}");
        assert_eq!(known(&world, &id, Some(other.clone())).await, NOT_KNOWN, "{name:?}");
        assert_eq!(known(&world, &id, None).await, NOT_KNOWN, "{name:?}");
    }
}

#[tokio::test]
async fn a_name_counts_only_where_an_authority_vouches_for_it_now() {
    let world = world(Edge::default());
    add(&world, "billing", |_| {}).await;
    let own = certificate(&world);
    let unsigned = PeerCertificate { vouched_for: false, ..own.clone() };
    assert_eq!(known(&world, "billing", Some(unsigned)).await, NOT_KNOWN, "what anybody can write");
    let early = PeerCertificate { not_before: own.not_after, ..own.clone() };
    assert_eq!(known(&world, "billing", Some(early)).await, NOT_KNOWN);
    assert_eq!(known(&world, "nobody", Some(own.clone())).await, NOT_KNOWN);
    assert_eq!(known(&world, "billing", Some(own.clone())).await, Ok("billing".to_owned()));
    world.service.disable_client(&Caller::operator(), "billing").await.unwrap();
    assert_eq!(known(&world, "billing", Some(own.clone())).await, NOT_KNOWN);
    world.service.enable_client(&Caller::operator(), "billing").await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(
        known(&world, "billing", Some(own)).await,
        NOT_KNOWN,
        "a connection that outlived its certificate"
    );
}

/// The method a client is registered for is the only one: a certificate is no secret and a secret no certificate.
#[tokio::test]
async fn a_certificate_replaces_no_other_proof() {
    let world = world(Edge::default());
    add(&world, "billing", |_| {}).await;
    add(&world, "keeper", |one| {
        one.authentication = AuthenticationMethod::SecretPost;
        one.certificate_thumbprints = vec![base64url_encode(&[1; 32])];
    })
    .await;
    let own = certificate(&world);
    assert_eq!(known(&world, "keeper", Some(own.clone())).await, NOT_KNOWN);
    let credentials = ClientCredentials { authorization: None, certificate: Some(Arc::new(own)) };
    let parameters = Parameters::from_pairs([("client_id", "billing"), ("client_secret", "x")]);
    let refused =
        world.service.authenticate_client(&anonymous("203.0.113.9"), &credentials, &parameters).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn a_registered_certificate_or_key_needs_no_authority() {
    let world = world(Edge::default());
    let key = SigningKey::generate().unwrap();
    let keys = json!({ "keys": [key.public()] });
    let by_certificate = |one: &mut Metadata| {
        one.authentication = AuthenticationMethod::SelfSignedTls;
        one.certificate_subject = None;
        one.certificate_thumbprints = vec![base64url_encode(&[1; 32])];
    };
    add(&world, "pinned", by_certificate).await;
    add(&world, "keyed", |one| {
        one.authentication = AuthenticationMethod::SelfSignedTls;
        one.certificate_subject = None;
        one.jwks = Some(keys);
    })
    .await;
    let own = PeerCertificate {
        vouched_for: false,
        key: Some(key.public().thumbprint().to_owned()),
        ..certificate(&world)
    };
    let other_key = PeerCertificate { key: Some("another".to_owned()), ..own.clone() };
    let renewed = PeerCertificate { thumbprint: [2; 32], ..own.clone() };
    let expired = PeerCertificate { not_after: own.not_before, ..own.clone() };
    for (id, shown, right) in [
        ("pinned", Some(own.clone()), true),
        ("pinned", Some(other_key.clone()), true),
        ("pinned", Some(renewed.clone()), false),
        ("keyed", Some(own), true),
        ("keyed", Some(renewed), true),
        ("keyed", Some(PeerCertificate { key: None, ..other_key.clone() }), false),
        ("keyed", Some(other_key), false),
        ("pinned", Some(expired.clone()), false),
        ("keyed", Some(expired), false),
        ("keyed", None, false),
    ] {
        let expected = if right { Ok(id.to_owned()) } else { NOT_KNOWN };
        assert_eq!(known(&world, id, shown.clone()).await, expected, "{id} {shown:?}");
    }
}

#[tokio::test]
async fn a_bound_token_says_so_and_is_worth_nothing_without_its_certificate() {
    let world = world(Edge::default());
    add(&world, "billing", |one| one.certificate_bound_access_tokens = true).await;
    let (service, caller) = (&world.service, anonymous("203.0.113.9"));
    let own = Arc::new(certificate(&world));
    let credentials = ClientCredentials { authorization: None, certificate: Some(Arc::clone(&own)) };
    let parameters = Parameters::from_pairs([("client_id", "billing"), ("grant_type", "client_credentials")]);
    let client = service.authenticate_client(&caller, &credentials, &parameters).await.unwrap();
    let refused = |result: Result<_, OAuthError>| result.unwrap_err().code;
    assert_eq!(refused(service.confirmation(&client, &[], None)), ErrorCode::InvalidRequest);
    let expired = Arc::new(PeerCertificate { not_after: own.not_before, ..(*own).clone() });
    assert_eq!(refused(service.confirmation(&client, &[], Some(&expired))), ErrorCode::InvalidRequest);
    let confirmation = service.confirmation(&client, &[], Some(&own)).unwrap();
    let request =
        TokenRequest { client: Arc::clone(&client), parameters, confirmation: confirmation.clone() };
    let answer: Value =
        serde_json::from_str(service.token(&caller, request).await.unwrap().expose()).unwrap();
    assert_eq!(answer["token_type"], "Bearer", "RFC 8705, 3: a bearer token that is bound");
    let token = answer["access_token"].as_str().unwrap();
    let ask = Parameters::from_pairs([("token", token)]);
    let told = service.introspect(&client, &ask).await.unwrap();
    assert_eq!(told["cnf"], json!({ "x5t#S256": base64url_encode(&[1; 32]) }));
    // At userinfo the binding is looked at before the scope.
    let asked = async |shown| match service.userinfo(secret(token), shown).await {
        Ok(Userinfo::Json(_) | Userinfo::Jwt(_)) => None,
        Err(error) => Some(error.code),
    };
    assert_eq!(asked(confirmation.clone().unwrap()).await, Some(ErrorCode::InsufficientScope));
    assert_eq!(asked(Default::default()).await, Some(ErrorCode::InvalidToken));
    let another = PeerCertificate { thumbprint: [2; 32], ..(*own).clone() };
    let another = service.held(Some(&Arc::new(another)));
    let mut shown = confirmation.unwrap();
    shown.x5t_s256 = another;
    assert_eq!(asked(shown).await, Some(ErrorCode::InvalidToken));
    // RFC 7009 for a token without a grant: it alone ends, at once and at the gate too.
    let living = service.machines().tokens.resolve(token, world.clock.now()).unwrap();
    service.revoke_token(&caller, &client, &ask).await.unwrap();
    assert!(living.credential.is_ended());
    assert_eq!(service.introspect(&client, &ask).await.unwrap()["active"], false);
}

#[tokio::test]
async fn discovery_promises_certificates_only_where_they_can_be_shown() {
    let describe = |edge: Edge| world(edge).service.provider_metadata().unwrap();
    let methods = |document: &serde_json::Map<String, Value>| {
        let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap().clone();
        ["tls_client_auth", "self_signed_tls_client_auth"].map(|one| methods.contains(&one.into()))
    };
    let none = describe(Edge::default());
    assert_eq!(methods(&none), [false, false]);
    assert!(!none.contains_key("tls_client_certificate_bound_access_tokens"));
    let host = Some("mtls.example".to_owned());
    assert!(
        !describe(Edge { certificate_host: host.clone(), ..Edge::default() })
            .contains_key("mtls_endpoint_aliases")
    );
    let some = describe(Edge { certificates: true, ..Edge::default() });
    assert_eq!(methods(&some), [true, false]);
    assert!(!some.contains_key("mtls_endpoint_aliases"), "every connection is asked");
    let all = describe(Edge {
        certificates: true,
        self_signed_certificates: true,
        certificate_host: host,
        ..Edge::default()
    });
    assert_eq!(methods(&all), [true, true]);
    assert_eq!(all["tls_client_certificate_bound_access_tokens"], true);
    let alias = &all["mtls_endpoint_aliases"];
    assert_eq!(alias["token_endpoint"], "https://mtls.example/.gabion/oauth/token");
    assert_eq!(alias["userinfo_endpoint"], "https://mtls.example/.gabion/oauth/userinfo");
}

/// A proof names the address it was sent to, and that may be the one for certificates.
#[tokio::test]
async fn a_proof_may_be_for_the_place_of_certificates() {
    let key = SigningKey::generate().unwrap();
    let proof = |world: &World, origin: &str, jti: &str| {
        let claims = json!({
            "jti": jti, "htm": "POST", "htu": format!("{origin}/.gabion/oauth/token"), "iat": world.clock.now().as_secs(),
        });
        key.prove("dpop+jwt", &claims).unwrap()
    };
    let host = Some("mtls.example".to_owned());
    let aside = world(Edge { certificates: true, certificate_host: host, ..Edge::default() });
    let plain = world(Edge::default());
    for (world, origin, right) in [
        (&aside, "https://mtls.example", true),
        (&aside, "https://gate.example", true),
        (&aside, "https://evil.example", false),
        (&plain, "https://mtls.example", false),
    ] {
        let proof = proof(world, origin, &format!("{right}{origin}"));
        let judged = world.service.proven(&[proof.as_str()], "POST", "/.gabion/oauth/token", None);
        assert_eq!(judged.is_ok(), right, "{origin}");
    }
}

/// RFC 9728: each API behind the gate has its own metadata, at its own address.
#[tokio::test]
async fn each_api_has_its_own_metadata() {
    let api = |resource: Option<&str>, scopes: &[&str]| ProtectedResource {
        resource: resource.map(str::to_owned),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let edge = Edge {
        resources: vec![
            api(None, &["orders"]),
            api(Some("https://gate.example/a"), &["orders", "unknown"]),
            api(Some("https://api.example/a"), &[]),
            api(Some("https://api.example/b?c=d"), &[]),
            api(Some("urn:example:api"), &[]),
        ],
        ..Edge::default()
    };
    let world = world(edge);
    let ask = |host: &str, path: &str| world.service.resource_metadata(host, path);
    let named = |host: &str, path: &str| ask(host, path).map(|document| document["resource"].clone());
    for (host, path, resource) in [
        ("gate.example", "", Some("https://gate.example")),
        ("anything.example", "", Some("https://gate.example")),
        ("gate.example", "/a", Some("https://gate.example/a")),
        ("api.example", "/a", Some("https://api.example/a")),
        ("anything.example", "/a", Some("https://gate.example/a")),
        ("gate.example", "/b?c=d", Some("https://api.example/b?c=d")),
        ("api.example", "/b", None),
        ("gate.example", "/none", None),
    ] {
        assert_eq!(named(host, path), resource.map(Value::from), "{host} {path}");
    }
    let own = ask("gate.example", "").unwrap();
    assert_eq!(
        (&own["scopes_supported"], &own["authorization_servers"]),
        (&json!(["orders"]), &json!(["https://gate.example"]))
    );
    assert_eq!(
        ask("gate.example", "/a").unwrap()["scopes_supported"],
        json!(["orders"]),
        "only what can be granted"
    );
    assert!(!own.contains_key("tls_client_certificate_bound_access_tokens"), "nobody could show one");
    assert!(own["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&"ES256".into()));
    let off = ProviderSettings { enabled: false, ..ProviderSettings::default() };
    let off = World::with(Settings { provider: off, ..Settings::default() }, 1);
    assert_eq!(off.service.resource_metadata("gate.example", ""), None);
}

/// RFC 8705, 4 and RFC 9449, 5: a public client has no secret that would keep a stolen refresh token from being used.
#[tokio::test]
async fn a_public_clients_refresh_token_is_bound_to_what_it_held() {
    let house = House::new().await;
    let certificate = |name: &str| Confirmation { jkt: None, x5t_s256: Some(name.to_owned()) };
    let key = |name: &str| Confirmation { jkt: Some(name.to_owned()), x5t_s256: None };
    for (own, others) in [
        (certificate("a"), [None, Some(certificate("b")), Some(key("a"))]),
        (key("a"), [None, Some(key("b")), Some(certificate("a"))]),
    ] {
        for other in others {
            let code = house.code("shop", "openid").await;
            let exchange = format!(
                "grant_type=authorization_code&client_id=shop&code={code}&redirect_uri={CALLBACK}\
                 &code_verifier={VERIFIER}"
            );
            let tokens = house.token_holding(&exchange, Some(own.clone())).await.unwrap();
            let refresh = |tokens: &Value| {
                let token = text(tokens, "refresh_token");
                format!("grant_type=refresh_token&client_id=shop&refresh_token={token}")
            };
            let next = house.token_holding(&refresh(&tokens), Some(own.clone())).await.unwrap();
            invalid_grant(house.token_holding(&refresh(&next), other).await);
            invalid_grant(house.token_holding(&refresh(&next), Some(own.clone())).await);
        }
    }
}
