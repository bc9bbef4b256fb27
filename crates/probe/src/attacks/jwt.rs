//! Whether a JSON Web Token is believed that nobody signed who should (RFC 8725, CWE-347).
//!
//! 1. Tokens are found in sessions and in answers, and for each kind an operation that wants one. Positive control: the valid
//!    token opens it, twice, with the same answer. Negative twin: the same token with noise for a signature does not.
//! 2. Tokens with the same claims are made without the key: no algorithm, no signature, other claims under the old signature,
//!    zeros, a key of our own (with its id or with the key itself in the head), the published key as a secret, an empty secret,
//!    ids of keys that lead to one.
//! 3. It is proven when such a token gets the answer of the control, twice.
//! 4. A token brings a certificate of our own along (`x5c`, `x5t`), whose key signed it.
//! 5. A token names our listener for its key ([`super::jwt_address`]).
//! 6. A token with a shared secret (HS256, HS384, HS512) is held against a few thousand weak ones without asking anybody; one that fits signs
//!    a token with another claim, which must then be believed.
//! 7. Whether what a signed token says is looked at ([`super::jwt_claims`]).

use gabion_model::outbound::BoxFuture;
use gabion_vault::encoding::{base64_encode, base64url_encode};
use gabion_vault::jose::SigningKey;
use gabion_vault::{sha1, sha256};
use serde_json::{Map, Value, json};

use super::compact::{Token, certified, compact, hmac, texts_of_key, tokens_in};
use super::jwt_claims::{self, Signer};
use super::{Attack, Phase, usable};
use crate::call::Call;
use crate::compare::Profile;
use crate::control::Control;
use crate::field::Field;
use crate::learn::{candidates, works};
use crate::matrix::Access;
use crate::operation::Place;
use crate::standing::standing;
use crate::surface::{is_ending, is_spared};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Jwt;

pub(super) const ID: &str = "jwt";

impl Attack for Jwt {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// A token that somebody has, and how it is sent.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) who: usize,
    pub(super) token: Token,
    pub(super) carrier: Carrier,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carrier {
    /// Name of the field and what stands before the token.
    Header(String, String),
    Cookie(String),
}

impl Carrier {
    pub(super) fn carry(&self, request: &Request, token: &str) -> Request {
        match self {
            Self::Header(name, before) => request.clone().with(name, &format!("{before}{token}")),
            Self::Cookie(name) => request.clone().with("Cookie", &format!("{name}={token}")),
        }
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let held = held(field).await?;
    if held.is_empty() {
        field.not_tested(ID, "no token was seen, in sessions and in answers");
        return Ok(());
    }
    let keys = published(field).await?;
    let mut done: Vec<(String, Carrier)> = Vec::new();
    for one in held {
        // One test for each kind of token.
        let kind = one.token.claims.get("iss").map(Value::to_string).unwrap_or_default();
        if done.contains(&(kind.clone(), one.carrier.clone())) {
            continue;
        }
        if let Some(aim) = aim(field, one).await? {
            done.push((kind, aim.held.carrier.clone()));
            attack(&aim, &keys).await?;
        }
    }
    let said = field.outcomes().iter().any(|outcome| outcome.test == ID);
    if done.is_empty() && !said {
        field.not_tested(ID, "tokens were seen, and no operation that wants one");
    }
    Ok(())
}

/// Tokens of sessions, and of answers that give them: of the highest first, since theirs open most.
async fn held(field: &Field) -> Result<Vec<Held>, WireError> {
    let mut found = Vec::new();
    let mut people: Vec<usize> = field.signed_in().collect();
    people.sort_by_key(|who| std::cmp::Reverse(standing(field, *who)));
    for who in &people {
        let session = field.person(*who).session();
        for (name, value) in &session.headers {
            let (before, text) =
                value.rsplit_once(' ').map_or(("", value.as_str()), |(scheme, text)| (scheme, text));
            let before = if before.is_empty() { String::new() } else { format!("{before} ") };
            if let Some(token) = Token::parse(text) {
                found.push(Held { who: *who, token, carrier: Carrier::Header(name.clone(), before) });
            }
        }
        for (name, value) in &session.cookies {
            if let Some(token) = Token::parse(value) {
                found.push(Held { who: *who, token, carrier: Carrier::Cookie(name.clone()) });
            }
        }
    }
    let bearer = Carrier::Header("Authorization".to_owned(), "Bearer ".to_owned());
    let giving =
        field.examples().filter(|known| known.who != 0 && !tokens_in(&known.answer.text()).is_empty());
    for known in giving.take(GIVING) {
        for who in &people {
            let Some(answer) = usable(field.call(*who, &known.call).await)? else { continue };
            for token in tokens_in(&answer.text()) {
                found.push(Held { who: *who, token, carrier: bearer.clone() });
            }
        }
    }
    Ok(found)
}

/// Operations that give tokens and are asked for one for everybody.
const GIVING: usize = 2;
/// Operations that are tried with a token.
const TRIED: usize = 12;

/// An operation that wants the token, with what shows that it does.
pub(super) struct Aim<'a> {
    pub(super) field: &'a Field,
    pub(super) held: Held,
    pub(super) operation: String,
    pub(super) request: Request,
    profile: Profile,
    pub(super) control: Answer,
    pub(super) twin: (Request, Answer),
}

impl Aim<'_> {
    pub(super) async fn send(&self, token: &str) -> Result<Option<(Request, Answer)>, WireError> {
        let request = self.held.carrier.carry(&self.request, token);
        let answer = usable(self.field.request(self.held.who, &request).await)?;
        Ok(answer.map(|answer| (request, answer)))
    }

    /// What came back, where the token was believed, twice.
    pub(super) async fn believed(&self, token: &str) -> Result<Option<(Request, Answer)>, WireError> {
        for _ in 0..2 {
            match self.send(token).await? {
                Some((_, answer)) if self.profile.fits(&answer, "", "") => {}
                _ => return Ok(None),
            }
        }
        self.send(token).await
    }
}

async fn aim<'a>(field: &'a Field, held: Held) -> Result<Option<Aim<'a>>, WireError> {
    // What nothing but a token opens was not learned; what the session's own token opens was.
    let mut calls: Vec<(String, Call)> = Vec::new();
    for (at, operation) in field.operations.iter().enumerate() {
        let skipped = is_spared(field, &operation.path) || is_ending(&operation.path) || operation.websocket;
        if operation.method != "GET" || skipped {
            continue;
        }
        let known = field.known_of(at).find(|known| known.who == held.who);
        let parametrised = operation.parameters.iter().any(|parameter| parameter.place == Place::Path);
        match known {
            Some(known) => {
                let refused = known.anonymous.as_ref().is_some_and(|answer| field.is_refusal(answer));
                if refused {
                    calls.push((operation.id(), known.call.clone()));
                }
            }
            None if !parametrised && field.known_of(at).next().is_none() => {
                let call = candidates(field, operation, held.who).into_iter().next();
                calls.splice(0..0, call.map(|call| (operation.id(), call)));
            }
            None => {}
        }
    }
    let noise: Vec<u8> = held.token.signature.iter().map(|byte| byte ^ 0x5a).collect();
    for (operation, call) in calls.into_iter().take(TRIED) {
        let request = call.request();
        let valid = held.carrier.carry(&request, &held.token.text);
        let Some(first) = usable(field.request(held.who, &valid).await)? else { continue };
        if !works(field, &first) {
            continue;
        }
        let Some(control) = usable(field.request(held.who, &valid).await)? else { continue };
        let Some(profile) = Profile::of(&[&first, &control]).filter(Profile::is_calm) else { continue };
        if noise.is_empty() {
            continue;
        }
        let broken = held.carrier.carry(&request, &held.token.with_signature(&noise));
        let Some(refused) = usable(field.request(held.who, &broken).await)? else { continue };
        // Without any token it must not open either: then something else does.
        let bare = held.carrier.carry(&request, "");
        let Some(without) = usable(field.request(held.who, &bare).await)? else { continue };
        if profile.fits(&without, "", "") {
            continue;
        }
        field.saw(&operation, held.who, Access::Allowed, "with their token");
        if profile.fits(&refused, "", "") {
            // Noise is believed: that is the finding, and no token is the twin.
            let says = "a token is believed whatever its signature is";
            let proof = Proof::new(
                field.evidence(held.who, &broken, &refused),
                "the answer is the one of the valid token",
            )
            .twin(field.evidence(held.who, &bare, &without))
            .shown(field.evidence(held.who, &valid, &control));
            field.say(Outcome::new(ID, &operation, Verdict::Proven, says).aspect("unverified").proof(proof));
            field.saw(&operation, 0, Access::Violation, says);
            return Ok(None);
        }
        return Ok(Some(Aim { field, held, operation, request, profile, control, twin: (broken, refused) }));
    }
    Ok(None)
}

/// A key set that the application publishes, as it stands, and its keys.
async fn published(field: &Field) -> Result<Vec<(String, Value)>, WireError> {
    let mut texts: Vec<String> = field.examples().map(|known| known.answer.text()).collect();
    for path in ["/.well-known/jwks.json", "/jwks.json", "/oauth/jwks"] {
        if let Some(answer) = usable(field.request(0, &Request::get(path)).await)?
            && answer.is_success()
        {
            texts.push(answer.text());
        }
    }
    let mut found = Vec::new();
    for text in texts {
        let body: Option<Value> =
            text.contains("\"kty\"").then(|| serde_json::from_str(&text).ok()).flatten();
        let keys = body.as_ref().and_then(|body| body.get("keys")).and_then(Value::as_array);
        for key in keys.into_iter().flatten().take(4) {
            found.push((text.clone(), key.clone()));
        }
    }
    found.dedup();
    Ok(found)
}

/// A token that no key signed, and what it is an example of.
struct Forged {
    aspect: &'static str,
    says: String,
    token: String,
}

fn forgeries(field: &Field, token: &Token, keys: &[(String, Value)]) -> Vec<Forged> {
    let mut claims = token.claims.clone();
    claims.insert("jti".to_owned(), Value::String(field.canary()));
    let claims = Value::Object(claims);
    let mut all = Vec::new();
    let mut add = |aspect: &'static str, says: &str, token: String| {
        all.push(Forged { aspect, says: says.to_owned(), token });
    };
    let head = |algorithm: &str, kid: Option<&str>| {
        let mut head = Map::new();
        head.insert("alg".to_owned(), json!(algorithm));
        head.insert("typ".to_owned(), token.head.get("typ").cloned().unwrap_or_else(|| json!("JWT")));
        head.extend(kid.map(|kid| ("kid".to_owned(), json!(kid))));
        Value::Object(head)
    };
    let kid = token.head.get("kid").and_then(Value::as_str);
    for casing in ["none", "None", "NONE", "nOnE"] {
        let says = format!("a token that says its algorithm is `{casing}` is believed");
        add("none", &says, compact(&head(casing, None), &claims, |_| Vec::new()));
    }
    let own = Value::Object(token.head.clone());
    add("no-signature", "a token without a signature is believed", compact(&own, &claims, |_| Vec::new()));
    let kept = token.signature.clone();
    add(
        "other-claims",
        "a token with other claims under an old signature is believed",
        compact(&own, &claims, |_| kept),
    );
    if token.algorithm().starts_with("ES") {
        add(
            "zeros",
            "a token whose signature is all zeros is believed",
            compact(&own, &claims, |_| vec![0; 64]),
        );
    }
    for (set, key) in keys {
        let says = "a token is believed whose secret is the published key";
        for secret in texts_of_key(set, key) {
            for kid in [None, kid] {
                let sign = |text: &[u8]| hmac("HS256", &secret, text).unwrap_or_default();
                add("published-key", says, compact(&head("HS256", kid), &claims, sign));
            }
        }
    }
    // Who takes one size of sum alone has to be asked with it.
    let shared = Some(token.algorithm()).filter(|own| own.starts_with("HS")).unwrap_or("HS256");
    let unknown = field.canary();
    let device = "../../../../../../../../dev/null";
    let query = "x' UNION SELECT 'gabion' -- ";
    for (id, secret, says) in [
        (None, "", "a token under an empty secret is believed"),
        (kid, "", "a token under an empty secret is believed"),
        (Some(unknown.as_str()), "", "a token under the empty secret of an unknown key is believed"),
        (Some(device), "", "a token names an empty file as its key and is believed"),
        (Some(query), "gabion", "a token brings its secret along in the query for its key and is believed"),
    ] {
        let sign = |text: &[u8]| hmac(shared, secret.as_bytes(), text).unwrap_or_default();
        add("empty-key", says, compact(&head(shared, id), &claims, sign));
    }
    if let Ok(key) = SigningKey::generate() {
        let typ = token.head.get("typ").and_then(Value::as_str).unwrap_or("JWT");
        if let Ok(made) = key.sign(typ, &claims) {
            add("own-key", "a token that anybody signed is believed", made);
        }
        if let Ok(made) = key.prove(typ, &claims) {
            add("own-key", "a token that brings its key along is believed", made);
        }
    }
    if let Some((key, chain)) = certified(token.algorithm(), field.clock.now())
        && let Some(first) = chain.first()
    {
        let mut own = head(json!(key.algorithm()).as_str().unwrap_or_default(), None);
        let chain: Vec<String> = chain.iter().map(|one| base64_encode(one)).collect();
        let more = json!({ "x5c": chain, "x5t": base64url_encode(&sha1(first)), "x5t#S256": base64url_encode(&sha256(first)) });
        if let (Some(own), Some(more)) = (own.as_object_mut(), more.as_object()) {
            own.extend(more.clone());
        }
        for kid in [None, kid] {
            if let (Some(own), Some(kid)) = (own.as_object_mut(), kid) {
                own.insert("kid".to_owned(), json!(kid));
            }
            if let Ok(made) = key.sign_as(&own, &claims) {
                add(
                    "own-certificate",
                    "a token that brings a certificate of anybody's along is believed",
                    made,
                );
            }
        }
    }
    let mut met = std::collections::BTreeSet::new();
    all.retain(|forged| met.insert(forged.token.clone()));
    all
}

async fn attack(aim: &Aim<'_>, keys: &[(String, Value)]) -> Result<(), WireError> {
    let field = aim.field;
    let mut found: Vec<&str> = Vec::new();
    let mut all = forgeries(field, &aim.held.token, keys);
    let weak = weak_secret(&aim.held.token, field);
    if let Some(secret) = &weak {
        let mut claims = aim.held.token.claims.clone();
        claims.insert("jti".to_owned(), Value::String(field.canary()));
        let algorithm = aim.held.token.algorithm();
        let sign = |text: &[u8]| hmac(algorithm, secret.as_bytes(), text).unwrap_or_default();
        let token = compact(&Value::Object(aim.held.token.head.clone()), &Value::Object(claims), sign);
        let says = format!("tokens are signed with a secret that is guessed: {} letters long", secret.len());
        all.push(Forged { aspect: "weak-key", says, token });
    }
    for forged in &all {
        if found.contains(&forged.aspect) {
            continue;
        }
        let Some((request, answer)) = aim.believed(&forged.token).await? else { continue };
        found.push(forged.aspect);
        field.saw(&aim.operation, 0, Access::Violation, forged.says.as_str());
        let valid = aim.held.carrier.carry(&aim.request, &aim.held.token.text);
        let evidence = "the answer is the one of the valid token, which noise for a signature does not get";
        let proof = Proof::new(field.evidence(aim.held.who, &request, &answer), evidence)
            .twin(field.evidence(aim.held.who, &aim.twin.0, &aim.twin.1))
            .shown(field.evidence(aim.held.who, &valid, &aim.control));
        let outcome = Outcome::new(ID, &aim.operation, Verdict::Proven, forged.says.as_str());
        let believed =
            Control::shown("the valid token is believed", field.evidence(aim.held.who, &valid, &aim.control));
        field.say(outcome.aspect(forged.aspect).proof(proof).control(believed));
    }
    let signer = Signer::of(field, &aim.held.token, weak.as_deref());
    let believing = jwt_claims::claims(aim, signer.as_ref()).await?;
    if !super::jwt_address::address(aim).await? && found.is_empty() && !believing {
        // The valid token has to be believed still, else nothing was tested.
        let still = aim.believed(&aim.held.token.text).await?.is_some();
        let (verdict, says) = if still {
            (Verdict::Passed, "tokens that were made without the key are not believed")
        } else {
            (Verdict::Inconclusive, "the valid token is not believed any more")
        };
        let valid = aim.held.carrier.carry(&aim.request, &aim.held.token.text);
        let valid = field.evidence(aim.held.who, &valid, &aim.control);
        let outcome = Outcome::new(ID, &aim.operation, verdict, says);
        field.say(outcome.control(Control::shown("the valid token is believed", valid)));
    }
    Ok(())
}

/// Whether a secret signed a token.
pub(super) fn is_secret_of(token: &Token, secret: &[u8]) -> bool {
    hmac(token.algorithm(), secret, token.signed().as_bytes()).is_some_and(|sum| sum == token.signature)
}

/// The secret of a token, where it is one that people write down for now and forget.
fn weak_secret(token: &Token, field: &Field) -> Option<String> {
    if !token.algorithm().starts_with("HS") {
        return None;
    }
    let text = |name: &str| token.claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let host = field.wire.origin().host().to_owned();
    let mut words: Vec<String> = WEAK.iter().map(|word| (*word).to_owned()).collect();
    words.extend([text("iss"), text("aud"), text("sub"), host].into_iter().filter(|word| !word.is_empty()));
    for word in words {
        let capital: String = word
            .chars()
            .enumerate()
            .map(|(at, letter)| if at == 0 { letter.to_ascii_uppercase() } else { letter })
            .collect();
        for form in [word.clone(), capital, word.to_ascii_uppercase()] {
            for ending in ENDINGS {
                let secret = format!("{form}{ending}");
                if is_secret_of(token, secret.as_bytes()) {
                    return Some(secret);
                }
            }
        }
    }
    None
}

const WEAK: &[&str] = &[
    "secret",
    "secretkey",
    "secret-key",
    "secret_key",
    "mysecret",
    "my-secret",
    "mysecretkey",
    "my-secret-key",
    "supersecret",
    "super-secret",
    "supersecretkey",
    "super-secret-key",
    "topsecret",
    "your-secret-key",
    "your_secret_key",
    "yoursecretkey",
    "your-256-bit-secret",
    "your-512-bit-secret",
    "jwt",
    "jwtsecret",
    "jwt-secret",
    "jwt_secret",
    "jwtkey",
    "jwt-key",
    "jwt_secret_key",
    "jwt-secret-key",
    "key",
    "mykey",
    "private",
    "privatekey",
    "signingkey",
    "signing-key",
    "token",
    "tokensecret",
    "access",
    "password",
    "passw0rd",
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "test",
    "testing",
    "testkey",
    "dev",
    "develop",
    "development",
    "prod",
    "production",
    "local",
    "demo",
    "example",
    "sample",
    "default",
    "random",
    "admin",
    "root",
    "user",
    "app",
    "api",
    "server",
    "backend",
    "qwerty",
    "letmein",
    "welcome",
    "123456",
    "12345678",
    "123456789",
    "1234567890",
    "0000",
    "abc",
    "hello",
    "keyboard cat",
    "shhhhh",
    "s3cr3t",
    "s3cret",
    "none",
    "null",
    "undefined",
    "todo",
    "insecure",
    "notsecret",
];

const ENDINGS: &[&str] = &[
    "", "1", "12", "123", "1234", "12345", "!", "123!", "2022", "2023", "2024", "2025", "2026", "_key", "key",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_carried_in_place_of_the_sessions() {
        let request = Request::get("/").header("Authorization", "Bearer old");
        let header = Carrier::Header("Authorization".to_owned(), "Bearer ".to_owned());
        assert_eq!(header.carry(&request, "new").field("authorization"), Some("Bearer new"));
        assert_eq!(Carrier::Cookie("t".to_owned()).carry(&request, "new").field("cookie"), Some("t=new"));
    }
}
