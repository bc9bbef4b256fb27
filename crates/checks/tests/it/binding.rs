//! Tokens that are bound to a key or a certificate, and who may say what certificate a client has.

use std::sync::Arc;
use std::time::Duration;

use gabion_checks::{Access, Connection, Life, Parts, PeerCertificate, Pipeline, Route, Settings};
use gabion_identity::oauth::{GrantId, Revocations};
use gabion_identity::storage::SessionStorage;
use gabion_identity::{
    AccessTokens, Account, Accounts, ApiKeys, CertificateBinding, Certificates, CredentialKind, Keyring,
    MachineSettings, Machines, MemoryStorage, NewAccount, SessionSettings, Sessions,
};
use gabion_ledger::Ledger;
use gabion_model::random::SeededRng;
use gabion_model::{Clock as _, ManualClock, Timestamp};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jwt::SigningKey;
use gabion_vault::sha256;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::{ISSUER, START, plain, secure};

struct World {
    pipeline: Pipeline,
    clock: Arc<ManualClock>,
    signing: Arc<SigningKey>,
    /// The client's.
    key: SigningKey,
    revocations: Arc<Revocations>,
    bot: Account,
}

const PROXY: &str = "10.0.0.7";

fn routes() -> Vec<Route> {
    let programs = vec![CredentialKind::Bearer, CredentialKind::Certificate];
    let mut api = Route::new("/api/*", Access::SignedIn, "app");
    api.credentials = Some(programs.clone());
    let mut named = Route::new("/named/*", Access::SignedIn, "app");
    named.hosts = vec!["api.example".to_owned()];
    named.credentials = Some(programs.clone());
    named.resource = Some("https://api.example/named".to_owned());
    named.scopes = vec!["orders".to_owned()];
    let mut open = Route::new("/open/*", Access::Public, "app");
    open.credentials = Some(programs);
    vec![api, named, open]
}

fn world(change: impl FnOnce(&mut Settings)) -> World {
    let clock = Arc::new(ManualClock::at(START));
    let storage = Arc::new(MemoryStorage::default());
    let sessions =
        Sessions::open(Arc::clone(&storage) as Arc<dyn SessionStorage>, &SessionSettings::default(), START)
            .unwrap();
    let accounts = Accounts::new(storage.clone(), Arc::clone(&sessions));
    let new = NewAccount::person("billing".parse().unwrap());
    let bot = accounts.create(new, START, &SeededRng::new(3)).unwrap();
    let signing = Arc::new(SigningKey::generate().unwrap());
    let keys = Keyring::of(Arc::clone(&signing));
    let revocations = Arc::new(Revocations::new(Duration::from_secs(3600)));
    let binding = CertificateBinding {
        account: "billing".to_owned(),
        scopes: vec!["orders".to_owned()],
        dns: Some("billing.internal".to_owned()),
        ..CertificateBinding::default()
    };
    let machines = Machines {
        keys: ApiKeys::open(storage.clone(), &MachineSettings::default(), START).unwrap(),
        tokens: AccessTokens::new(Arc::clone(&keys), Arc::clone(&revocations), ISSUER),
        certificates: Certificates::open(storage, &[binding]).unwrap(),
    };
    let parts = Parts {
        sessions,
        machines: Some(machines),
        shield: None,
        webhooks: Arc::default(),
        keys,
        ledger: Ledger::in_memory(clock.clone()),
        policies: None,
        resources: None,
        clock: clock.clone(),
        rng: Arc::new(SeededRng::new(1)),
        issuer: ISSUER.to_owned(),
        https_port: Some(443),
        contracts: Default::default(),
        access_log: None,
        fault_log: None,
        outside: None,
        previous: None,
    };
    let mut settings = Settings::default();
    settings.client_address.trusted_proxies = vec![PROXY.to_owned()];
    change(&mut settings);
    let pipeline = Pipeline::new(&settings, &routes(), parts).unwrap();
    World { pipeline, clock, signing, key: SigningKey::generate().unwrap(), revocations, bot }
}

/// What is shown beside a token.
#[derive(Default, Clone)]
struct Beside<'a> {
    proofs: Vec<String>,
    certificate: Option<PeerCertificate>,
    host: Option<&'a str>,
    fields: Vec<(&'a str, String)>,
    peer: Option<&'a str>,
}

impl World {
    fn token(&self, cnf: Value) -> String {
        self.token_for(ISSUER, cnf)
    }

    fn token_for(&self, audience: &str, cnf: Value) -> String {
        let now = self.clock.now().as_secs();
        let mut claims = json!({
            "iss": ISSUER, "sub": self.bot.id.as_str(), "aud": audience, "exp": now + 600, "iat": now,
            "jti": "t1", "client_id": "shop", "scope": "orders", "gid": "g1",
        });
        if !cnf.is_null() {
            claims["cnf"] = cnf;
        }
        self.signing.sign("at+jwt", &claims).unwrap()
    }

    fn bound(&self) -> String {
        self.token(json!({ "jkt": self.key.public().thumbprint() }))
    }

    fn proof(&self, key: &SigningKey, jti: &str, (method, url): (&str, &str), token: &str) -> String {
        let claims = json!({
            "jti": jti, "htm": method, "htu": url, "iat": self.clock.now().as_secs(),
            "ath": base64url_encode(&sha256(token.as_bytes())),
        });
        key.prove("dpop+jwt", &claims).unwrap()
    }

    /// A good proof for `GET https://shop.example/api/orders`.
    fn own(&self, jti: &str, token: &str) -> Beside<'static> {
        let proof = self.proof(&self.key, jti, ("GET", "https://shop.example/api/orders"), token);
        Beside { proofs: vec![proof], ..Beside::default() }
    }

    fn send(
        &self,
        path: &str,
        authorization: &[&str],
        beside: &Beside<'_>,
    ) -> Result<Life, Box<Response<bytes::Bytes>>> {
        let mut request = Request::get(path).header("host", beside.host.unwrap_or("shop.example"));
        for value in authorization {
            request = request.header("authorization", *value);
        }
        for proof in &beside.proofs {
            request = request.header("dpop", proof);
        }
        for (name, value) in &beside.fields {
            request = request.header(*name, value);
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        if let Some(certificate) = &beside.certificate {
            head.extensions.insert(Arc::new(certificate.clone()));
        }
        let connection: Connection = match beside.peer {
            Some(peer) => plain(peer),
            None => secure("203.0.113.9"),
        };
        match self.pipeline.request(connection, head) {
            Ok(admitted) => {
                for name in ["authorization", "dpop", "client-cert"] {
                    assert!(!admitted.head.headers.contains_key(name), "the application sees no {name}");
                }
                Ok(admitted.exchange.life().expect("authorized by something"))
            }
            Err(refused) => Err(Box::new(self.pipeline.answer(refused))),
        }
    }

    #[track_caller]
    fn refused(&self, path: &str, authorization: &[&str], beside: &Beside<'_>) -> (StatusCode, String) {
        let answer = self.send(path, authorization, beside).expect_err("refused");
        let challenges = answer.headers().get_all("www-authenticate").iter();
        let challenges: Vec<_> = challenges.map(|value| value.to_str().unwrap()).collect();
        (answer.status(), challenges.join("\n"))
    }
}

fn certificate(number: u8) -> PeerCertificate {
    PeerCertificate {
        vouched_for: true,
        thumbprint: [number; 32],
        subject: "CN=billing".parse().unwrap(),
        key: None,
        issuer: "CN=ca".to_owned(),
        is_self_issued: false,
        serial: "01".to_owned(),
        dns: vec!["billing.internal".to_owned()],
        uris: Vec::new(),
        emails: Vec::new(),
        addresses: Vec::new(),
        not_before: Timestamp::from_secs(0),
        not_after: Timestamp::from_secs(START.as_secs() + 60),
        der: Vec::new(),
    }
}

fn bound_to(number: u8) -> Value {
    json!({ "x5t#S256": base64url_encode(&[number; 32]) })
}

const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

#[test]
fn a_token_that_is_bound_to_a_key_opens_with_a_proof_each_time() {
    let world = world(|_| {});
    let token = world.bound();
    let dpop = format!("DPoP {token}");
    for jti in ["1", "2"] {
        world.send("/api/orders?page=2", &[&dpop], &world.own(jti, &token)).unwrap();
    }
    let (status, challenge) = world.refused("/api/orders", &[&dpop], &world.own("2", &token));
    assert_eq!(status, UNAUTHORIZED, "a replay, although the token is known");
    assert!(
        challenge.starts_with("DPoP ") && challenge.contains("error=\"invalid_dpop_proof\""),
        "{challenge}"
    );
    assert!(challenge.contains("algs=\"EdDSA ES256 "), "{challenge}");

    let url = "https://shop.example/api/orders";
    let by = |key: &SigningKey, jti: &str, request: (&str, &str), token: &str| Beside {
        proofs: vec![world.proof(key, jti, request, token)],
        ..Beside::default()
    };
    let two = Beside {
        proofs: [world.own("5", &token).proofs, world.own("6", &token).proofs].concat(),
        ..Beside::default()
    };
    let stranger = SigningKey::generate().unwrap();
    for (why, beside) in [
        ("no proof", Beside::default()),
        ("two proofs", two),
        ("another key", by(&stranger, "7", ("GET", url), &token)),
        ("another method", by(&world.key, "8", ("POST", url), &token)),
        ("another address", by(&world.key, "9", ("GET", "https://shop.example/api/other"), &token)),
        ("another host", by(&world.key, "10", ("GET", "https://evil.example/api/orders"), &token)),
        ("plain HTTP", by(&world.key, "11", ("GET", "http://shop.example/api/orders"), &token)),
        ("another token", by(&world.key, "12", ("GET", url), "another")),
        ("no token at all", Beside { proofs: vec![String::new()], ..Beside::default() }),
    ] {
        let (status, challenge) = world.refused("/api/orders", &[&dpop], &beside);
        assert!(status == UNAUTHORIZED && challenge.contains("invalid_dpop_proof"), "{why}: {challenge}");
    }
    let late = world.own("13", &token);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.refused("/api/orders", &[&dpop], &late).0, UNAUTHORIZED, "made too long ago");
}

#[test]
fn schemes_are_not_exchanged() {
    let world = world(|_| {});
    let (bound, free) = (world.bound(), world.token(Value::Null));
    world.send("/api/orders", &[&format!("Bearer {free}")], &Beside::default()).unwrap();
    let (status, challenge) =
        world.refused("/api/orders", &[&format!("Bearer {bound}")], &world.own("1", &bound));
    assert_eq!(status, UNAUTHORIZED, "downgraded");
    assert!(challenge.starts_with("DPoP ") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    let (status, challenge) =
        world.refused("/api/orders", &[&format!("DPoP {free}")], &world.own("2", &free));
    assert_eq!(status, UNAUTHORIZED, "a proof beside a token that asks for none");
    assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    for several in [
        [format!("Bearer {free}"), format!("DPoP {bound}")],
        [format!("DPoP {bound}"), format!("DPoP {bound}")],
        [format!("Bearer {free}"), "Basic eDp5".to_owned()],
    ] {
        let several: Vec<&str> = several.iter().map(String::as_str).collect();
        assert_eq!(
            world.refused("/api/orders", &several, &world.own("3", &bound)).0,
            StatusCode::BAD_REQUEST
        );
    }
    // The proof of a refused request was not used up.
    world.send("/api/orders", &[&format!("DPoP {bound}")], &world.own("3", &bound)).unwrap();
    // On a public route too, what is shown and does not count is refused.
    assert_eq!(
        world.refused("/open/page", &[&format!("Bearer {bound}")], &Beside::default()).0,
        UNAUTHORIZED
    );
    let (status, challenges) = world.refused("/api/orders", &[], &Beside::default());
    let schemes: Vec<_> = challenges.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!((status, schemes), (UNAUTHORIZED, vec!["Bearer", "DPoP"]), "{challenges}");
}

/// A client that was lured to an address of somebody else makes its proof for that address. Handed on from there, it
/// must not open anything, whatever `Host` came with it.
#[test]
fn a_host_nobody_declared_vouches_for_no_proof() {
    let world = world(|_| {});
    let token = world.bound();
    let lured = Beside {
        proofs: vec![world.proof(&world.key, "1", ("GET", "https://evil.example/api/orders"), &token)],
        host: Some("evil.example"),
        ..Beside::default()
    };
    assert_eq!(world.refused("/api/orders", &[&format!("DPoP {token}")], &lured).0, UNAUTHORIZED);
    // Behind a proxy that rewrites the host, the gate's own address counts.
    let inside = Beside { host: Some("internal:8080"), ..world.own("2", &token) };
    world.send("/api/orders", &[&format!("DPoP {token}")], &inside).unwrap();
    // A route that names its host takes proofs for that host, and not for the gate's.
    let jkt = json!({ "jkt": world.key.public().thumbprint() });
    let named = world.token_for("https://api.example/named", jkt);
    let proof = |jti, url| Beside {
        proofs: vec![world.proof(&world.key, jti, ("GET", url), &named)],
        host: Some("api.example"),
        ..Beside::default()
    };
    let dpop = format!("DPoP {named}");
    world.send("/named/x", &[&dpop], &proof("3", "https://api.example/named/x")).unwrap();
    let (status, challenge) =
        world.refused("/named/x", &[&dpop], &proof("4", "https://shop.example/named/x"));
    assert_eq!(status, UNAUTHORIZED);
    let metadata = "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/named\"";
    assert!(challenge.contains(metadata) && challenge.contains("scope=\"orders\""), "{challenge}");
    let issued_elsewhere = Beside { host: Some("api.example"), ..Beside::default() };
    let free = world.token(Value::Null);
    assert_eq!(world.refused("/named/x", &[&format!("Bearer {free}")], &issued_elsewhere).0, UNAUTHORIZED);
}

#[test]
fn a_token_that_is_bound_to_a_certificate_opens_beside_it() {
    let world = world(|_| {});
    let bearer = format!("Bearer {}", world.token(bound_to(1)));
    let beside = |number| Beside { certificate: Some(certificate(number)), ..Beside::default() };
    let life = world.send("/api/orders", &[&bearer], &beside(1)).unwrap();
    let last = Timestamp::from_secs(START.as_secs() + 61);
    assert!(!life.is_over(START) && life.is_over(last), "its streams end with the certificate");
    let (status, challenge) = world.refused("/api/orders", &[&bearer], &beside(2));
    assert!(status == UNAUTHORIZED && challenge.contains("invalid_token"), "another's: {challenge}");
    assert_eq!(world.refused("/api/orders", &[&bearer], &Beside::default()).0, UNAUTHORIZED, "none");
    // Nobody need vouch for it: the token names it.
    let unsigned = PeerCertificate { vouched_for: false, dns: Vec::new(), ..certificate(1) };
    let unsigned = Beside { certificate: Some(unsigned), ..Beside::default() };
    world.send("/api/orders", &[&bearer], &unsigned).unwrap();
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(
        world.refused("/api/orders", &[&bearer], &beside(1)).0,
        UNAUTHORIZED,
        "on a connection that outlived it"
    );
}

#[test]
fn a_token_that_is_bound_to_both_wants_both() {
    let world = world(|_| {});
    let mut cnf = bound_to(1);
    cnf["jkt"] = world.key.public().thumbprint().into();
    let token = world.token(cnf);
    let dpop = format!("DPoP {token}");
    let both = |jti: &str| Beside { certificate: Some(certificate(1)), ..world.own(jti, &token) };
    world.send("/api/orders", &[&dpop], &both("1")).unwrap();
    assert_eq!(world.refused("/api/orders", &[&dpop], &world.own("2", &token)).0, UNAUTHORIZED);
    let no_proof = Beside { certificate: Some(certificate(1)), ..Beside::default() };
    assert_eq!(world.refused("/api/orders", &[&dpop], &no_proof).0, UNAUTHORIZED);
    assert_eq!(world.refused("/api/orders", &[&format!("Bearer {token}")], &both("3")).0, UNAUTHORIZED);
}

/// RFC 9440, 4: from everybody but a trusted proxy the field is a lie.
#[test]
fn only_a_trusted_proxy_says_what_certificate_a_client_has() {
    let der = LEAF;
    let own = PeerCertificate::parse(&base64(der)).unwrap();
    let token = json!({ "x5t#S256": base64url_encode(&own.thumbprint) });
    let told = |peer| Beside {
        fields: vec![
            ("client-cert", format!(":{der}:")),
            ("x-forwarded-for", "198.51.100.4".to_owned()),
            ("x-forwarded-proto", "https".to_owned()),
        ],
        peer: Some(peer),
        ..Beside::default()
    };
    for (forwarded, peer, opens) in [(true, PROXY, true), (true, "10.0.0.8", false), (false, PROXY, false)] {
        let world = world(|settings| {
            settings.mtls.forwarded = forwarded;
            settings.redirect_https.mode = gabion_checks::Mode::Off;
        });
        let bearer = format!("Bearer {}", world.token(token.clone()));
        assert_eq!(world.send("/api/orders", &[&bearer], &told(peer)).is_ok(), opens, "{forwarded} {peer}");
    }
    // What the proxy shows for itself is not its clients'.
    for forwarded in [true, false] {
        let world = world(|settings| {
            settings.mtls.forwarded = forwarded;
            settings.redirect_https.mode = gabion_checks::Mode::Off;
        });
        let mut beside = told(PROXY);
        beside.fields.remove(0);
        beside.certificate = Some(certificate(1));
        assert_eq!(world.refused("/api/orders", &[], &beside).0, UNAUTHORIZED);
        let bearer = format!("Bearer {}", world.token(bound_to(1)));
        assert_eq!(world.refused("/api/orders", &[&bearer], &beside).0, UNAUTHORIZED);
    }
    // Twice, or not a certificate: nobody guesses.
    let world = world(|settings| {
        settings.mtls.forwarded = true;
        settings.redirect_https.mode = gabion_checks::Mode::Off;
    });
    let mut twice = told(PROXY);
    twice.fields.push(("client-cert", format!(":{der}:")));
    assert_eq!(world.refused("/api/orders", &[], &twice).0, StatusCode::BAD_REQUEST);
}

/// The names of a certificate that a proxy did not verify, or that signed itself, are nobody's.
#[test]
fn names_count_only_where_an_authority_vouches_for_them() {
    let world = world(|_| {});
    let shown = |vouched_for| {
        let certificate = PeerCertificate { vouched_for, ..certificate(1) };
        Beside { certificate: Some(certificate), ..Beside::default() }
    };
    world.send("/api/orders", &[], &shown(true)).unwrap();
    assert_eq!(world.refused("/api/orders", &[], &shown(false)).0, UNAUTHORIZED);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.refused("/api/orders", &[], &shown(true)).0, UNAUTHORIZED, "expired");
}

#[test]
fn what_streams_ends_with_its_token() {
    let world = world(|_| {});
    let bearer = format!("Bearer {}", world.token(Value::Null));
    let life = world.send("/api/orders", &[&bearer], &Beside::default()).unwrap();
    let end = Timestamp::from_secs(START.as_secs() + 600);
    assert!(!life.is_over(Timestamp::from_secs(end.as_secs() - 1)) && life.is_over(end), "at `exp`");
    world.revocations.revoke_grant(&GrantId::new("g1"), START);
    assert!(life.is_over(START), "at its revocation, without anybody looking");
}

fn base64(text: &str) -> Vec<u8> {
    gabion_vault::encoding::base64_decode(text).unwrap()
}

/// A self-signed certificate `CN=client`, good from 2020 to 2099, in DER.
const LEAF: &str = "MIIBEDCBt6ADAgECAgEBMAoGCCqGSM49BAMCMBExDzANBgNVBAMMBmNsaWVudDAgFw0yMDAxMDEwMDAwMDBaGA8yMDk5MDEwMTAwMDAwMFowETEPMA0GA1UEAwwGY2xpZW50MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYgIygE6tgT7riYA/blRI5La/LKA7RXoDc42xznDtjEYL7keng3tBSCyZ7g9LHOuYuTPDsm95/DL1xpHyXox6JzAKBggqhkjOPQQDAgNIADBFAiBFK+hV0lz0qQPaQoc3MfnUvmibxccl4BNCCuNs7LZYNQIhAO6CKNbr0xD5NnihATKNFKCpoKee3PZuj6G2aaK5L72M";
