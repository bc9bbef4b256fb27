//! Sessions, tokens, keys and certificates at the whole pipeline: one at a time, worth what it is worth, for as long
//! as it is, and never handed on.

use std::sync::Arc;
use std::time::Duration;

use gabion_checks::{Access, PeerCertificate, Route, Settings};
use gabion_identity::oauth::revocation::Revocations;
use gabion_identity::storage::{AccountStorage, ApiKeyStorage};
use gabion_identity::{
    AccessTokens, Account, ApiKeys, CertificateBinding, Certificates, CredentialKind, MachineSettings,
    Machines, NewApiKey, Scopes,
};
use gabion_model::random::SeededRng;
use gabion_model::{AccountId, Acr, Clock as _, Methods, Period, Timestamp};
use http::Request;
use serde_json::{Value, json};

use crate::world::*;

/// A gate with a service account that has a key and a certificate, and routes that take everything.
struct House {
    world: World,
    bot: Account,
    keys: Arc<ApiKeys>,
    key: String,
}

fn all(path: &str) -> Route {
    let mut route = Route::new(path, Access::SignedIn, "app");
    route.credentials = Some(CredentialKind::ALL.to_vec());
    route
}

fn every_kind() -> Vec<Route> {
    let (mut scoped, mut passing, mut second, mut phishing, mut fresh) =
        (all("/scoped/*"), all("/passing/*"), all("/second/*"), all("/phr/*"), all("/fresh/*"));
    scoped.scopes = vec!["read".to_owned(), "write".to_owned()];
    passing.pass_authorization = true;
    second.second_factor = true;
    phishing.acr = Some(Acr::PhishingResistant);
    fresh.max_age = Some(Period::from_secs(60));
    vec![
        all("/all/*"),
        scoped,
        passing,
        second,
        phishing,
        fresh,
        Route::new("/people/*", Access::SignedIn, "app"),
        Route::new("/open/*", Access::Public, "app"),
    ]
}

impl House {
    fn new() -> Self {
        let bot = Account::new(AccountId::new("id-bot"), "bot".parse().unwrap(), START);
        let mut made = None;
        let world = World::build(&Settings::default(), &every_kind(), |storage, signing| {
            AccountStorage::insert(&**storage, &bot).unwrap();
            let kept = Arc::clone(storage) as Arc<dyn ApiKeyStorage>;
            let keys = ApiKeys::open(kept, &MachineSettings::default(), START).unwrap();
            made = Some(Arc::clone(&keys));
            let revocations = Arc::new(Revocations::new(Duration::from_secs(900)));
            let binding = CertificateBinding {
                account: "bot".to_owned(),
                scopes: vec!["read".to_owned()],
                dns: Some("bot.internal".to_owned()),
                ..CertificateBinding::default()
            };
            let accounts = Arc::clone(storage) as Arc<dyn AccountStorage>;
            Some(Machines {
                keys,
                tokens: AccessTokens::new(Arc::clone(signing), revocations, ISSUER),
                certificates: Certificates::open(accounts, &[binding]).unwrap(),
            })
        });
        let keys = made.unwrap();
        let (key, _) = keys.create(&bot, new_key(), START, &SeededRng::new(3)).unwrap();
        Self { world, bot, keys, key: key.expose().clone() }
    }

    fn token(&self, more: Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "sub": "id-ada", "aud": ISSUER, "exp": START.as_secs() + 900, "iat": START.as_secs(),
            "jti": "t1", "client_id": "shop", "scope": "read write", "auth_time": START.as_secs(),
            "acr": "urn:gabion:acr:1fa",
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        format!("Bearer {}", self.world.key.sign("at+jwt", &claims).unwrap())
    }

    fn status(&self, request: Request<()>) -> u16 {
        self.world.send(request).status().as_u16()
    }

    fn get(&self, path: &str, fields: &[(&str, &str)]) -> u16 {
        self.status(request("GET", path, fields))
    }
}

fn new_key() -> NewApiKey {
    NewApiKey {
        label: "ci".to_owned(),
        scopes: Scopes::parse("read").unwrap(),
        life: Some(Period::from_secs(3600)),
    }
}

fn certificate(dns: &str) -> Arc<PeerCertificate> {
    Arc::new(PeerCertificate {
        thumbprint: [7; 32],
        subject: format!("CN={dns}").parse().unwrap(),
        vouched_for: true,
        key: None,
        is_self_issued: false,
        issuer: "CN=ca".to_owned(),
        serial: "01".to_owned(),
        dns: vec![dns.to_owned()],
        uris: Vec::new(),
        emails: Vec::new(),
        addresses: Vec::new(),
        not_before: START,
        not_after: Timestamp::from_secs(START.as_secs() + 7200),
        der: Vec::new(),
    })
}

fn with_certificate(mut request: Request<()>, dns: &str) -> Request<()> {
    request.extensions_mut().insert(certificate(dns));
    request
}

/// RFC 6750, 2: what could be meant two ways is meant no way.
#[test]
fn two_credentials_at_once_are_refused() {
    let house = House::new();
    let (ticket, _) = house.world.sign_in("ada", &[]);
    let cookie = format!("__Host-gabion={ticket}");
    let (key, token) = (house.key.clone(), house.token(json!({})));
    let bearer = format!("Bearer {key}");
    let alone: [&[(&str, &str)]; 4] = [
        &[("cookie", &cookie)],
        &[("x-api-key", &key)],
        &[("authorization", &bearer)],
        &[("authorization", &token)],
    ];
    for fields in alone {
        assert_eq!(house.get("/all/x", fields), 200, "{fields:?}");
    }
    let together: [&[(&str, &str)]; 11] = [
        &[("cookie", &cookie), ("x-api-key", &key)],
        &[("cookie", &cookie), ("authorization", &bearer)],
        &[("cookie", &cookie), ("authorization", &token)],
        &[("x-api-key", &key), ("authorization", &token)],
        &[("x-api-key", &key), ("authorization", &bearer)],
        &[("x-api-key", &key), ("x-api-key", &key)],
        &[("x-api-key", &key), ("x-api-key", "other")],
        &[("authorization", &token), ("authorization", &token)],
        &[("authorization", &bearer), ("authorization", &bearer)],
        &[("authorization", &bearer), ("authorization", &token)],
        &[("authorization", &token), ("authorization", "Basic eDp5")],
    ];
    for fields in together {
        assert_eq!(house.get("/all/x", fields), 400, "{fields:?}");
    }
    // A certificate is shown by itself: beside its own account's key it adds nothing, beside another's it is a second.
    let own = request("GET", "/all/x", &[("x-api-key", &key)]);
    assert_eq!(house.status(with_certificate(own, "bot.internal")), 200);
    let another = request("GET", "/all/x", &[("cookie", &cookie)]);
    assert_eq!(house.status(with_certificate(another, "bot.internal")), 400);
    let nobodys = request("GET", "/all/x", &[("cookie", &cookie)]);
    assert_eq!(house.status(with_certificate(nobodys, "unbound.internal")), 200);
}

/// CWE-598: whoever puts a key into an address has put it into every log on the way.
#[test]
fn a_key_in_the_query_is_refused_wherever_it_is_sent() {
    let house = House::new();
    let (ticket, _) = house.world.sign_in("ada", &[]);
    for path in ["/all", "/people", "/open"] {
        for name in ["api_key", "key", "access_token", "q"] {
            let target = format!("{path}/x?a=b&{name}={}", house.key);
            assert_eq!(house.get(&target, &[]), 400, "{path} {name}");
            assert_eq!(house.status(with_ticket(get(&target), &ticket)), 400, "{path} {name}");
        }
        assert_eq!(
            house.get(&format!("{path}/x?key=gab_live_nothing"), &[]),
            if path == "/open" { 200 } else { 401 }
        );
    }
    // A token in the query is nobody's (RFC 6750, 2.3 is not taken).
    let token = house.token(json!({})).replace("Bearer ", "");
    assert_eq!(house.get(&format!("/all/x?access_token={token}"), &[]), 401);
}

/// CWE-441: what opens the gate is not the application's to use elsewhere.
#[test]
fn no_credential_reaches_the_application_unless_the_route_says_so() {
    let house = House::new();
    let (ticket, _) = house.world.sign_in("ada", &[]);
    let cookie = format!("theme=dark; __Host-gabion={ticket}");
    let (key, token) = (house.key.clone(), house.token(json!({})));
    let bearer = format!("Bearer {key}");
    let forged = [
        ("gabion-identity", "forged"),
        ("client-cert", ":AAAA:"),
        ("client-cert-chain", ":AAAA:"),
        ("x-forwarded-user", "root"),
        ("remote-user", "root"),
        ("x-ssl-client-verify", "SUCCESS"),
    ];
    for (name, value) in
        [("cookie", &cookie), ("x-api-key", &key), ("authorization", &bearer), ("authorization", &token)]
    {
        let mut fields = forged.to_vec();
        fields.push((name, value.as_str()));
        let sent = house.world.send(request("GET", "/all/x", &fields)).admitted().head.headers;
        for gone in [
            "authorization",
            "x-api-key",
            "client-cert",
            "client-cert-chain",
            "x-forwarded-user",
            "remote-user",
        ] {
            assert!(!sent.contains_key(gone), "{name}: {gone}");
        }
        assert_ne!(sent["gabion-identity"], "forged");
        assert_eq!(
            sent.get("cookie").map(http::HeaderValue::as_bytes),
            (name == "cookie").then_some(&b"theme=dark"[..])
        );
        let text = format!("{sent:?}");
        assert!(!text.contains(&ticket) && !text.contains(&key), "{text}");
    }
    for (name, value) in [("x-api-key", &key), ("authorization", &bearer), ("authorization", &token)] {
        let sent = house.world.send(request("GET", "/passing/x", &[(name, value)])).admitted().head.headers;
        assert_eq!(sent[name], value.as_str(), "the route passes it on");
    }
    let sent = house.world.send(request("GET", "/passing/x", &[("cookie", &cookie)])).admitted().head.headers;
    assert_eq!(sent["cookie"], "theme=dark", "the session never");
    // What is the application's own stays: other schemes, and any token where the route takes sessions only.
    for (path, value) in [("/open/x", "Basic eDp5"), ("/open/x", "Bearer theirs"), ("/open/x", "Digest a=b")]
    {
        let sent =
            house.world.send(request("GET", path, &[("authorization", value)])).admitted().head.headers;
        assert_eq!(sent["authorization"], value);
    }
    // But never a key of ours.
    assert_eq!(house.get("/open/x", &[("authorization", &bearer)]), 403);
    assert_eq!(house.get("/people/x", &[("x-api-key", &key)]), 403);
}

/// RFC 9470: a route that asks for strength or freshness, against each kind.
#[test]
fn step_up_is_asked_of_each_kind_of_credential() {
    let house = House::new();
    let world = &house.world;
    let ticket =
        |name: &str, methods: Methods| format!("__Host-gabion={}", world.sign_in_by(name, &[], methods).0);
    let (one, two, passkey) = (
        ticket("ada", Methods::PASSWORD),
        ticket("bobby", Methods::PASSWORD.with(Methods::TOTP)),
        ticket("celeste", Methods::PASSKEY_USER_VERIFIED),
    );
    let token = |acr: Value, age: i64| house.token(json!({ "acr": acr, "auth_time": START.as_secs() - age }));
    let (weak, strong, strongest, stale) = (
        token(json!("urn:gabion:acr:1fa"), 0),
        token(json!("urn:gabion:acr:2fa"), 60),
        token(json!("phr"), 0),
        token(json!("phr"), 61),
    );
    let service = house.token(json!({ "acr": null, "auth_time": null }));
    // Second factor, phishing-resistant, within a minute.
    let rows: [(&str, &str, [u16; 3]); 9] = [
        ("cookie", &one, [401, 401, 200]),
        ("cookie", &two, [200, 401, 200]),
        ("cookie", &passkey, [200, 200, 200]),
        ("authorization", &weak, [401, 401, 200]),
        ("authorization", &strong, [200, 401, 200]),
        ("authorization", &strongest, [200, 200, 200]),
        ("authorization", &stale, [200, 200, 401]),
        ("authorization", &service, [403, 403, 403]),
        ("x-api-key", &house.key, [403, 403, 403]),
    ];
    for (name, value, expected) in rows {
        for (path, status) in ["/second/x", "/phr/x", "/fresh/x"].into_iter().zip(expected) {
            let sent = world.send(request("GET", path, &[(name, value)]));
            assert_eq!(sent.status().as_u16(), status, "{path} {name} {value:.60}");
            if status == 401 {
                let challenge = sent.answer().headers()["www-authenticate"].to_str().unwrap().to_owned();
                assert!(challenge.contains("error=\"insufficient_user_authentication\""), "{challenge}");
                let asks = if path == "/fresh/x" { "max_age=\"60\"" } else { "acr_values=" };
                assert!(challenge.contains(asks), "{challenge}");
            }
        }
    }
    for path in ["/second/x", "/phr/x", "/fresh/x"] {
        assert_eq!(house.status(with_certificate(get(path), "bot.internal")), 403, "{path}");
    }
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(house.get("/fresh/x", &[("cookie", &passkey)]), 401, "the session has grown old");
    assert_eq!(house.get("/all/x", &[("cookie", &passkey)]), 200);
}

#[test]
fn scopes_are_asked_of_programs_and_not_of_people() {
    let house = House::new();
    let (ticket, _) = house.world.sign_in("ada", &[]);
    assert_eq!(house.status(with_ticket(get("/scoped/x"), &ticket)), 200);
    assert_eq!(house.get("/scoped/x", &[("authorization", &house.token(json!({})))]), 200);
    let answer = house.world.send(request("GET", "/scoped/x", &[("x-api-key", &house.key)])).answer();
    assert_eq!(answer.status(), 403);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"read write\""));
    assert_eq!(house.status(with_certificate(get("/scoped/x"), "bot.internal")), 403);
    let narrow = house.token(json!({ "scope": "read" }));
    assert_eq!(house.get("/scoped/x", &[("authorization", &narrow)]), 403);
}

/// The same moment for the clock decides for all of them.
#[test]
fn each_lives_until_its_own_end() {
    let house = House::new();
    let world = &house.world;
    let token = house.token(json!({}));
    let by_key = |key: &str| house.get("/all/x", &[("x-api-key", key)]);
    let by_token = || house.get("/all/x", &[("authorization", &token)]);
    let by_certificate = || house.status(with_certificate(get("/all/x"), "bot.internal"));
    assert_eq!((by_key(&house.key), by_token(), by_certificate()), (200, 200, 200));
    assert!(house.keys.list(&house.bot.id, world.clock.now())[0].last_used.is_some(), "its use is noted");

    world.clock.advance(Duration::from_secs(899));
    assert_eq!(by_token(), 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!((by_token(), by_key(&house.key)), (401, 200));

    // Rotation: both for the overlap, then the successor alone.
    let id = house.keys.list(&house.bot.id, world.clock.now())[0].id.clone();
    let overlap = Some(Period::from_secs(600));
    let (next, _) =
        house.keys.rotate(&house.bot, &id, overlap, world.clock.now(), &SeededRng::new(9)).unwrap();
    assert_eq!((by_key(&house.key), by_key(next.expose())), (200, 200));
    world.clock.advance(Duration::from_secs(599));
    assert_eq!((by_key(&house.key), by_key(next.expose())), (200, 200));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!((by_key(&house.key), by_key(next.expose())), (401, 200));
    world.clock.advance(Duration::from_secs(2999));
    assert_eq!(by_key(next.expose()), 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(by_key(next.expose()), 401, "an hour after it was made");

    world.clock.advance(Duration::from_secs(7200 - 900 - 600 - 3000));
    assert_eq!(by_certificate(), 200, "its last second");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(by_certificate(), 401);
}

/// What a request says about certificates and identities counts from a trusted proxy and from nobody else.
#[test]
fn a_certificate_in_a_field_is_nobodys_word() {
    let house = House::new();
    for (name, value) in [
        ("client-cert", ":AAAA:"),
        ("x-client-cert", "bot.internal"),
        ("x-forwarded-client-cert", "URI=spiffe://bot"),
        ("ssl-client-subject-dn", "CN=bot.internal"),
        ("x-ssl-client-s-dn", "CN=bot.internal"),
    ] {
        assert_eq!(house.get("/all/x", &[(name, value)]), 401, "{name}");
    }
}
