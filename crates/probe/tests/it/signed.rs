//! What signed tokens say: whether it is looked at, where the key is known; certificates that tokens bring along.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_model::{Clock as _, Secret, SystemClock};
use gabion_probe::draft::{Files, draft};
use gabion_probe::facts::Text;
use gabion_probe::{Facts, Report, Verdict, survey};
use gabion_vault::encoding::{base64_decode, base64_encode, base64url_decode, base64url_encode};
use gabion_vault::jose::{Algorithm, Jwk, SigningKey, verify};
use gabion_vault::{hmac_sha256, hmac_sha384, hmac_sha512};
use serde_json::{Value, json};

use crate::club::{attack, passed, sure};
use crate::ground::{Silent, world};

const SECRET: &[u8] = b"w2Yl0pB7Zr8QnG4tVb1KcXs9HdJ6mFaE";
const ISSUER: &str = "https://id.harbour.example";

struct Harbour {
    holes: &'static [&'static str],
    /// Without one, the secret signs.
    key: Option<SigningKey>,
    /// How the secret signs, and no other way is believed.
    sum: &'static str,
    secret: &'static [u8],
}

impl Harbour {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    fn sign(&self, claims: &Value) -> String {
        if let Some(key) = &self.key {
            return key.sign("JWT", claims).unwrap();
        }
        let part = |value: &Value| base64url_encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&json!({ "alg": self.sum, "typ": "JWT" })), part(claims));
        format!("{signed}.{}", base64url_encode(&self.sum_of(self.secret, &signed)))
    }

    fn sum_of(&self, secret: &[u8], signed: &str) -> Vec<u8> {
        match self.sum {
            "HS384" => hmac_sha384(secret, signed.as_bytes()).to_vec(),
            "HS512" => hmac_sha512(secret, signed.as_bytes()).to_vec(),
            _ => hmac_sha256(secret, signed.as_bytes()).to_vec(),
        }
    }

    /// Whether the signature is right.
    fn is_signed(&self, token: &str, head: &Value) -> bool {
        let brought = head["x5c"][0].as_str().filter(|_| self.has("certificate"));
        if let Some(key) = brought.and_then(key_of) {
            return verify(token, &key, &[Algorithm::Es256]).is_ok();
        }
        if let Some(key) = &self.key {
            return verify(token, key.public(), &[Algorithm::Es256]).is_ok();
        }
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let right =
            |secret: &[u8]| base64url_decode(signature).is_ok_and(|own| own == self.sum_of(secret, signed));
        head["alg"] == self.sum && (right(self.secret) || (self.has("empty") && right(b"")))
    }

    fn who(&self, headers: &HeaderMap) -> Option<String> {
        let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
        let mut parts = token.split('.');
        let mut part = || serde_json::from_slice::<Value>(&base64url_decode(parts.next()?).ok()?).ok();
        let (head, claims) = (part()?, part()?);
        let now = SystemClock.now().as_secs();
        let right = self.is_signed(token, &head)
            && (head.get("crit").is_none() || self.has("crit"))
            && (claims["exp"].as_i64()? > now || self.has("expired"))
            && (claims["nbf"].as_i64().is_none_or(|begin| begin <= now) || self.has("not-yet"))
            && (claims["aud"] == "harbour" || self.has("audience"))
            && (claims["iss"] == ISSUER || self.has("issuer"));
        right.then(|| claims["sub"].as_str().map(str::to_owned))?
    }
}

/// The key of P-256 in a certificate.
fn key_of(certificate: &str) -> Option<Jwk> {
    let der = base64_decode(certificate).ok()?;
    let at = der.windows(4).position(|bytes| bytes == [3, 66, 0, 4])? + 4;
    let (x, y) = (der.get(at..at + 32)?, der.get(at + 32..at + 64)?);
    let key = json!({ "kty": "EC", "crv": "P-256", "x": base64url_encode(x), "y": base64url_encode(y) });
    Jwk::from_json(&key.to_string()).ok()
}

fn claims(name: &str) -> Value {
    let now = SystemClock.now().as_secs();
    json!({ "sub": name, "iss": ISSUER, "aud": "harbour", "iat": now, "exp": now + 600 })
}

async fn login(
    State(harbour): State<Arc<Harbour>>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let name = body["username"].as_str().unwrap_or_default();
    if !["alice", "bob"].contains(&name) || body["password"] != format!("{name}-Harbour-41") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(Json(json!({ "token": harbour.sign(&claims(name)) })))
}

async fn me(State(harbour): State<Arc<Harbour>>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let name = harbour.who(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(json!({ "username": name, "berth": 7 })))
}

fn document() -> Value {
    let text = json!({ "type": "string" });
    let schema = json!({ "type": "object", "properties": { "username": text, "password": text } });
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {
        "/login": { "post": { "requestBody": body, "responses": {} } },
        "/me": { "get": { "responses": {} } },
    } })
}

fn router(harbour: &Arc<Harbour>) -> Router {
    Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/login", post(login))
        .route("/me", get(me))
        .with_state(Arc::clone(harbour))
}

async fn probe(harbour: Harbour, known: impl FnOnce(&Harbour, &mut Facts)) -> Report {
    let harbour = Arc::new(harbour);
    attack(router(&harbour), &["jwt"], |mut facts| {
        known(&harbour, &mut facts);
        facts
    })
    .await
}

fn plain(text: &str) -> Text {
    Text::Plain(Secret::new(text.to_owned()))
}

fn by_secret(holes: &'static [&'static str]) -> Harbour {
    Harbour { holes, key: None, sum: "HS256", secret: SECRET }
}

fn with_key(_: &Harbour, facts: &mut Facts) {
    facts.tokens.key = Some(plain(&base64_encode(SECRET)));
}

const ALL: [&str; 5] = ["audience", "crit", "expired", "issuer", "not-yet"];

#[tokio::test]
async fn signed_tokens_of_which_one_thing_is_wrong_are_refused_or_proven() {
    let report = probe(by_secret(&[]), with_key).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "jwt"), [&[""], &ALL[..]].concat());
    for (holes, found) in [
        (&["expired"], "jwt expired"),
        (&["not-yet"], "jwt not-yet"),
        (&["audience"], "jwt audience"),
        (&["issuer"], "jwt issuer"),
        (&["crit"], "jwt crit"),
        (&["certificate"], "jwt own-certificate"),
    ] as [(&'static [&'static str], &str); 6]
    {
        let report = probe(by_secret(holes), with_key).await;
        assert_eq!(sure(&report), [found], "{holes:?}");
        assert!(report.findings.iter().all(|finding| finding.outcome.verdict == Verdict::Proven));
    }
}

#[tokio::test]
async fn secrets_that_sign_by_a_longer_sum_are_used_as_the_application_does() {
    for sum in ["HS384", "HS512"] {
        let harbour = |holes| Harbour { sum, ..by_secret(holes) };
        let report = probe(harbour(&[]), with_key).await;
        assert_eq!(sure(&report), [""; 0], "{sum}");
        assert_eq!(passed(&report, "jwt"), [&[""], &ALL[..]].concat(), "{sum}");
        assert_eq!(sure(&probe(harbour(&["expired"]), with_key).await), ["jwt expired"], "{sum}");
        assert_eq!(sure(&probe(harbour(&["empty"]), with_key).await), ["jwt empty-key"], "{sum}");
        // Guessed, it needs no facts.
        let weak = |holes| Harbour { secret: b"changeme123", ..harbour(holes) };
        assert_eq!(sure(&probe(weak(&[]), |_, _| {}).await), ["jwt weak-key"], "{sum}");
        assert_eq!(
            sure(&probe(weak(&["audience"]), |_, _| {}).await),
            ["jwt audience", "jwt weak-key"],
            "{sum}"
        );
    }
}

#[tokio::test]
async fn a_private_key_of_the_facts_signs_as_a_secret_does() {
    let key = |holes| Harbour { key: Some(SigningKey::generate().unwrap()), ..by_secret(holes) };
    let known = |harbour: &Harbour, facts: &mut Facts| {
        let pem = harbour.key.as_ref().unwrap().to_pkcs8_pem();
        facts.tokens.key = Some(plain(pem.expose()));
    };
    let report = probe(key(&[]), known).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "jwt"), [&[""], &ALL[..]].concat());
    assert_eq!(sure(&probe(key(&["expired"]), known).await), ["jwt expired"]);
    assert_eq!(sure(&probe(key(&["certificate"]), known).await), ["jwt own-certificate"]);
}

#[tokio::test]
async fn without_a_key_given_tokens_are_sent_and_the_rest_is_not_tested() {
    let not_tested = |report: &Report, aspect: &str| {
        report.outcomes.iter().any(|one| one.aspect == aspect && one.verdict == Verdict::NotTested)
    };
    let report = probe(by_secret(&["expired", "audience"]), |_, _| {}).await;
    assert_eq!(sure(&report), [""; 0]);
    assert!(not_tested(&report, "claims"));

    let given = |harbour: &Harbour, facts: &mut Facts| {
        // Somebody else's, for another application; and one of alice's that ran out.
        let mut foreign = claims("carol");
        foreign["aud"] = json!("warehouse");
        let mut over = claims("alice");
        over["exp"] = json!(1_700_000_000);
        facts.tokens.others = [foreign, over].iter().map(|claims| plain(&harbour.sign(claims))).collect();
    };
    let report = probe(by_secret(&["audience"]), given).await;
    assert_eq!(sure(&report), ["jwt audience"]);
    assert_eq!(passed(&report, "jwt"), ["expired"]);
    let report = probe(by_secret(&[]), given).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "jwt"), ["", "audience", "expired"]);
    assert!(not_tested(&report, "claims"));

    // A key that is another one signs nothing that is believed, and so nothing is said to be refused.
    let wrong = |_: &Harbour, facts: &mut Facts| {
        let pem = SigningKey::generate().unwrap().to_pkcs8_pem();
        facts.tokens.key = Some(plain(pem.expose()));
    };
    let other = Harbour { key: Some(SigningKey::generate().unwrap()), ..by_secret(&["expired"]) };
    let report = probe(other, wrong).await;
    assert!(not_tested(&report, "claims") && passed(&report, "jwt") == [""]);
}

/// The draft of `probe.toml`, of facts that know no more than who signs in.
async fn drafted(known: impl FnOnce(&mut Facts)) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut facts = Facts::of(&format!("http://{}", listener.local_addr().unwrap()));
    let app = router(&Arc::new(by_secret(&[])));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    facts = facts.with("alice", "alice-Harbour-41");
    known(&mut facts);
    let field = survey(facts, &world(&["headers"]), &Silent).await.unwrap();
    server.abort();
    draft(&field, &Files::default(), SystemClock.now())
}

#[tokio::test]
async fn a_draft_asks_for_the_key_where_tokens_are_signed_and_for_the_end_of_idle_sessions() {
    let variable = |name: &str| Some(format!("of {name}"));
    let text = drafted(|_| {}).await;
    // Whoever takes the `#` away has facts.
    let begins = ["# [accounts]", "# idle = ", "# [tokens]", "# key = ", "# others = "];
    for begin in begins {
        assert!(text.lines().any(|line| line.starts_with(begin)), "{begin}\n{text}");
    }
    let taken = text.lines().map(|line| {
        let asked = begins.iter().any(|begin| line.starts_with(begin));
        if asked { line.trim_start_matches("# ") } else { line }
    });
    let read = Facts::parse(&taken.collect::<Vec<_>>().join("\n"), &variable).unwrap();
    assert_eq!(read.accounts.idle.map(|idle| idle.to_string()).as_deref(), Some("15m"));
    assert!(read.tokens.key.is_some() && read.tokens.others.len() == 1);

    let text = drafted(|facts| {
        facts.tokens.key = Some(plain("a"));
        facts.accounts.idle = read.accounts.idle;
    })
    .await;
    assert!(!text.contains("# [tokens]") && !text.contains("# idle"), "{text}");
    assert!(Facts::parse(&text, &variable).unwrap().tokens.key.is_some());
}
