//! The ID token: whether it is this provider's word about this sign-in, to us, now (OpenID Connect Core
//! 1.0, section 3.1.3.7).

use gabion_model::Timestamp;
use gabion_vault::constant_time_eq;
use gabion_vault::jose::{
    Algorithm, Jwk, TokenError, UnverifiedHeader, left_half_hash, verify as verify_with,
};
use serde_json::{Map, Value};

/// What it must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    /// When the browser was sent to the provider.
    pub started: Timestamp,
    /// The person was to prove anew who they are.
    pub fresh: bool,
    pub now: Timestamp,
}

/// What it says: all of it is the provider's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdToken {
    pub subject: String,
    pub claims: Map<String, Value>,
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    #[error("the ID token belongs to another access token (`at_hash`)")]
    AccessToken,
    #[error("the ID token is not for us alone (`aud`, `azp`)")]
    Audience,
    #[error("the person did not prove anew who they are (`auth_time`)")]
    AuthTime,
    #[error("the ID token has expired or does not say when it does (`exp`)")]
    Expired,
    #[error("the ID token is from another time or does not say when it was issued (`iat`)")]
    IssuedAt,
    #[error("the ID token is another issuer's (`iss`)")]
    Issuer,
    #[error("the ID token is of another sign-in (`nonce`)")]
    Nonce,
    #[error("the ID token names nobody (`sub`)")]
    Subject,
    /// Its signature, algorithm or key.
    #[error("{0}")]
    Token(#[from] TokenError),
}

/// The key an ID token was signed with. By `kid`, which must name one; without `kid` the set must have
/// exactly one key for the algorithm (OpenID Connect Core 1.0, section 10.1).
///
/// # Errors
/// [`TokenError::UnknownKey`]: the provider may have rotated its keys.
pub fn key<'a>(header: &UnverifiedHeader, keys: &'a [Jwk]) -> Result<&'a Jwk, TokenError> {
    let mut fitting = keys.iter().filter(|key| {
        key.is_public()
            && key.is_for(header.alg)
            && (header.kid.is_none() || key.kid() == header.kid.as_deref())
    });
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(TokenError::UnknownKey),
    }
}

/// The algorithms to accept of a provider: those it says it signs with, of those verified by a public
/// key. `none` and shared secrets are never among them.
#[must_use]
pub fn allowed(stated: &[String]) -> Vec<Algorithm> {
    let known = stated.iter().filter_map(|name| name.parse().ok());
    known.filter(|algorithm| Algorithm::ASYMMETRIC.contains(algorithm)).collect()
}

/// Verifies an ID token by the provider's keys.
///
/// # Errors
/// The first rule it breaks.
pub fn verify(
    token: &str,
    keys: &[Jwk],
    allowed: &[Algorithm],
    access_token: Option<&str>,
    expected: &Expected<'_>,
) -> Result<IdToken, IdTokenError> {
    let header = UnverifiedHeader::of(token)?;
    if !allowed.contains(&header.alg) {
        return Err(TokenError::Algorithm.into());
    }
    let verified = verify_with(token, key(&header, keys)?, allowed)?;
    let claims = verified.members()?;
    let subject = judge(&claims, expected)?;
    if let Some(at_hash) = claims.get("at_hash") {
        // It may be left out of the code flow's ID token; where it is there, it must be right (3.1.3.8).
        let own = access_token.map(|access_token| left_half_hash(header.alg, access_token.as_bytes()));
        let right = match (at_hash, own) {
            (Value::String(found), Some(own)) => constant_time_eq(found.as_bytes(), own.as_bytes()),
            _ => false,
        };
        if !right {
            return Err(IdTokenError::AccessToken);
        }
    }
    Ok(IdToken { subject, claims })
}

/// The claims of a token whose signature is right; who it is about.
///
/// # Errors
/// The first rule they break.
pub fn judge(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<String, IdTokenError> {
    if text(claims, "iss") != Some(expected.issuer) {
        return Err(IdTokenError::Issuer);
    }
    // Another audience is one we do not trust, so there must be none (rule 3).
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == expected.client_id,
        Some(Value::Array(many)) => {
            matches!(many.as_slice(), [Value::String(only)] if only == expected.client_id)
        }
        _ => false,
    };
    let party = claims.get("azp").is_none_or(|azp| azp.as_str() == Some(expected.client_id));
    if !for_us || !party {
        return Err(IdTokenError::Audience);
    }
    let seconds = |name| claims.get(name).and_then(numeric_date);
    let now = expected.now.as_secs();
    if seconds("exp").is_none_or(|end| end.saturating_add(LEEWAY) <= now) {
        return Err(IdTokenError::Expired);
    }
    if claims.contains_key("nbf") && seconds("nbf").is_none_or(|begin| begin > now.saturating_add(LEEWAY)) {
        return Err(IdTokenError::IssuedAt);
    }
    let began = expected.started.as_secs().saturating_sub(LEEWAY);
    if seconds("iat").is_none_or(|issued| issued > now.saturating_add(LEEWAY) || issued < began) {
        return Err(IdTokenError::IssuedAt);
    }
    let nonce = text(claims, "nonce").unwrap_or_default();
    if !constant_time_eq(nonce.as_bytes(), expected.nonce.as_bytes()) {
        return Err(IdTokenError::Nonce);
    }
    if expected.fresh && seconds("auth_time").is_none_or(|proved| proved < began) {
        return Err(IdTokenError::AuthTime);
    }
    if claims.contains_key("auth_time")
        && seconds("auth_time").is_none_or(|proved| proved > now.saturating_add(LEEWAY))
    {
        return Err(IdTokenError::AuthTime);
    }
    match text(claims, "sub") {
        // OpenID Connect Core 1.0, section 2: ASCII, at most 255 characters.
        Some(subject) if (1..=255).contains(&subject.len()) && subject.is_ascii() => Ok(subject.to_owned()),
        _ => Err(IdTokenError::Subject),
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// RFC 7519, section 2: seconds, perhaps with a fraction, which is cut off.
pub(super) fn numeric_date(value: &Value) -> Option<i64> {
    const LAST: f64 = 253_402_300_799.0;
    value.as_i64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| (0.0..=LAST).contains(seconds))?;
        Some(seconds as i64)
    })
}

/// How far two clocks may be apart, in seconds.
pub(super) const LEEWAY: i64 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_vault::jose::SigningKey;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    const EXPECTED: Expected<'static> = Expected {
        issuer: "https://op.example",
        client_id: "gabion",
        nonce: "n-1",
        started: Timestamp::from_secs(1_800_000_000 - 120),
        fresh: false,
        now: NOW,
    };

    fn claims() -> Value {
        json!({
            "iss": "https://op.example", "aud": "gabion", "sub": "7", "nonce": "n-1",
            "iat": NOW.as_secs(), "exp": NOW.as_secs() + 300,
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    fn judged(claims: &Value) -> Result<String, IdTokenError> {
        judge(claims.as_object().unwrap(), &EXPECTED)
    }

    #[test]
    fn what_is_right_passes() {
        for right in [
            claims(),
            with("aud", json!(["gabion"])),
            with("azp", json!("gabion")),
            with("exp", json!(NOW.as_secs() - LEEWAY + 1)),
            with("iat", json!(NOW.as_secs() + LEEWAY)),
            with("iat", json!(NOW.as_secs() as f64 + 0.5)),
            with("sub", json!("x".repeat(255))),
            with("auth_time", json!(1)),
        ] {
            assert!(judged(&right).is_ok(), "{right}: {:?}", judged(&right));
        }
    }

    #[test]
    fn each_rule_is_one_error() {
        let now = NOW.as_secs();
        let rows = [
            (with("iss", json!("https://op.example/")), IdTokenError::Issuer),
            (with("iss", json!(["https://op.example"])), IdTokenError::Issuer),
            (without("iss"), IdTokenError::Issuer),
            (with("aud", json!("other")), IdTokenError::Audience),
            (with("aud", json!([])), IdTokenError::Audience),
            (with("aud", json!(["gabion", "other"])), IdTokenError::Audience),
            (with("aud", json!(["gabion", "gabion"])), IdTokenError::Audience),
            (with("aud", json!({"gabion": true})), IdTokenError::Audience),
            (without("aud"), IdTokenError::Audience),
            (with("azp", json!("other")), IdTokenError::Audience),
            (with("azp", json!(null)), IdTokenError::Audience),
            (with("exp", json!(now - LEEWAY)), IdTokenError::Expired),
            (with("exp", json!("never")), IdTokenError::Expired),
            (with("exp", json!(1e300)), IdTokenError::Expired),
            (without("exp"), IdTokenError::Expired),
            (with("iat", json!(now + LEEWAY + 1)), IdTokenError::IssuedAt),
            (with("iat", json!(now - 120 - LEEWAY - 1)), IdTokenError::IssuedAt),
            (with("iat", json!(null)), IdTokenError::IssuedAt),
            (without("iat"), IdTokenError::IssuedAt),
            (with("nbf", json!(now + LEEWAY + 1)), IdTokenError::IssuedAt),
            (with("nonce", json!("n-2")), IdTokenError::Nonce),
            (with("nonce", json!("")), IdTokenError::Nonce),
            (without("nonce"), IdTokenError::Nonce),
            (with("auth_time", json!("x")), IdTokenError::AuthTime),
            (with("auth_time", json!(now + LEEWAY + 1)), IdTokenError::AuthTime),
            (with("sub", json!("")), IdTokenError::Subject),
            (with("sub", json!(7)), IdTokenError::Subject),
            (with("sub", json!("ü")), IdTokenError::Subject),
            (with("sub", json!("x".repeat(256))), IdTokenError::Subject),
            (without("sub"), IdTokenError::Subject),
        ];
        for (wrong, error) in rows {
            assert_eq!(judged(&wrong), Err(error), "{wrong}");
        }
    }

    #[test]
    fn a_fresh_proof_is_asked_for_and_looked_at() {
        let fresh = Expected { fresh: true, ..EXPECTED };
        let judged = |claims: Value| judge(claims.as_object().unwrap(), &fresh);
        assert!(judged(with("auth_time", json!(NOW.as_secs() - 30))).is_ok());
        assert_eq!(judged(claims()), Err(IdTokenError::AuthTime));
        assert_eq!(judged(with("auth_time", json!(NOW.as_secs() - 3600))), Err(IdTokenError::AuthTime));
    }

    #[test]
    fn the_key_is_named_or_the_only_one() {
        let (one, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let token = one.sign("JWT", &claims()).unwrap();
        let allowed = [Algorithm::Es256];
        let verify = |keys: &[&SigningKey], access_token| {
            let keys: Vec<Jwk> = keys.iter().map(|key| key.public().clone()).collect();
            verify(&token, &keys, &allowed, access_token, &EXPECTED)
        };
        assert_eq!(verify(&[&one, &other], None).unwrap().subject, "7");
        assert_eq!(verify(&[&other], None), Err(TokenError::UnknownKey.into()));
        assert_eq!(verify(&[&one, &one], None), Err(TokenError::UnknownKey.into()), "two of one name");
        assert_eq!(verify(&[], None), Err(TokenError::UnknownKey.into()));
        let header = UnverifiedHeader { kid: None, ..UnverifiedHeader::of(&token).unwrap() };
        let keys = [one.public().clone(), other.public().clone()];
        assert!(key(&header, &keys[..1]).is_ok(), "idtoken kid-absent-single-jwks");
        assert!(key(&header, &keys).is_err(), "idtoken kid-absent-multiple-jwks");
    }

    #[test]
    fn an_access_token_that_was_swapped_is_seen() {
        let key = SigningKey::generate().unwrap();
        let at_hash = left_half_hash(Algorithm::Es256, b"mine");
        let token = key.sign("JWT", &with("at_hash", json!(at_hash))).unwrap();
        let keys = [key.public().clone()];
        let verify = |access_token| {
            verify(&token, &keys, &[Algorithm::Es256], access_token, &EXPECTED).map(|token| token.subject)
        };
        assert_eq!(verify(Some("mine")), Ok("7".to_owned()));
        assert_eq!(verify(Some("theirs")), Err(IdTokenError::AccessToken));
        assert_eq!(verify(None), Err(IdTokenError::AccessToken));
    }

    #[test]
    fn only_stated_public_key_algorithms() {
        let stated = ["none", "HS256", "RS256", "ES256", "made-up"].map(str::to_owned);
        assert_eq!(allowed(&stated), [Algorithm::Rs256, Algorithm::Es256]);
        let key = SigningKey::generate().unwrap();
        let token = key.sign("JWT", &claims()).unwrap();
        let keys = [key.public().clone()];
        let error = verify(&token, &keys, &[Algorithm::Rs256], None, &EXPECTED).unwrap_err();
        assert_eq!(error, TokenError::Algorithm.into(), "the header does not choose");
    }
}
