//! A provider's word that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).

use gabion_model::Timestamp;
use gabion_vault::jose::{Algorithm, Jwk, TokenError, UnverifiedHeader, verify as verify_with};
use serde_json::{Map, Value};

use super::id_token::{LEEWAY, key, numeric_date};

/// Whose sessions end: a session's, or all of a subject's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    pub subject: Option<String>,
    pub sid: Option<String>,
    pub jti: String,
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoutTokenError {
    #[error("the logout token is not for us")]
    Audience,
    #[error("the logout token does not tell of a logout")]
    Event,
    #[error("the logout token has expired or is from another time")]
    Expired,
    #[error("the logout token has no `jti`")]
    Id,
    #[error("the logout token is another issuer's")]
    Issuer,
    /// It is an ID token that somebody tries to use as one.
    #[error("the logout token has a nonce")]
    Nonce,
    #[error("the logout token names neither a subject nor a session")]
    Nobody,
    #[error("{0}")]
    Token(#[from] TokenError),
}

/// Verifies a logout token (section 2.6).
///
/// # Errors
/// The first rule it breaks.
pub fn verify(
    token: &str,
    keys: &[Jwk],
    allowed: &[Algorithm],
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<LogoutToken, LogoutTokenError> {
    let header = UnverifiedHeader::of(token)?;
    if !allowed.contains(&header.alg) {
        return Err(TokenError::Algorithm.into());
    }
    let verified = verify_with(token, key(&header, keys)?, allowed)?;
    judge(&verified.members()?, issuer, client_id, now)
}

fn judge(
    claims: &Map<String, Value>,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<LogoutToken, LogoutTokenError> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(issuer) {
        return Err(LogoutTokenError::Issuer);
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(client_id)),
        _ => false,
    };
    if !for_us {
        return Err(LogoutTokenError::Audience);
    }
    let now = now.as_secs();
    let seconds = |name| claims.get(name).and_then(numeric_date);
    let issued = seconds("iat").ok_or(LogoutTokenError::Expired)?;
    // `exp` is required since errata 1; providers of before leave it out.
    let ended =
        claims.contains_key("exp") && seconds("exp").is_none_or(|end| end.saturating_add(LEEWAY) <= now);
    if ended || issued > now.saturating_add(LEEWAY) || issued < now.saturating_sub(LIFE) {
        return Err(LogoutTokenError::Expired);
    }
    if claims.contains_key("nonce") {
        return Err(LogoutTokenError::Nonce);
    }
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(LogoutTokenError::Event);
    }
    let bounded = |name| text(name).filter(|text| (1..=255).contains(&text.len())).map(str::to_owned);
    let jti = bounded("jti").ok_or(LogoutTokenError::Id)?;
    match (bounded("sub"), bounded("sid")) {
        (None, None) => Err(LogoutTokenError::Nobody),
        (subject, sid) => Ok(LogoutToken { subject, sid, jti }),
    }
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// In seconds: how old one may be.
const LIFE: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_vault::jose::SigningKey;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn claims() -> Value {
        json!({
            "iss": "https://op.example", "aud": "gabion", "sub": "7", "sid": "s", "jti": "1",
            "iat": NOW.as_secs(), "exp": NOW.as_secs() + 120,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        })
    }

    #[test]
    fn each_rule_is_one_error() {
        let key = SigningKey::generate().unwrap();
        let verified = |claims: &Value| {
            let token = key.sign("logout+jwt", claims).unwrap();
            let keys = [key.public().clone()];
            verify(&token, &keys, &[Algorithm::Es256], "https://op.example", "gabion", NOW)
        };
        let right = LogoutToken { subject: Some("7".into()), sid: Some("s".into()), jti: "1".into() };
        assert_eq!(verified(&claims()), Ok(right));
        let rows = [
            ("iss", json!("https://evil.example"), LogoutTokenError::Issuer),
            ("aud", json!("other"), LogoutTokenError::Audience),
            ("iat", json!(NOW.as_secs() - 301), LogoutTokenError::Expired),
            ("iat", Value::Null, LogoutTokenError::Expired),
            ("exp", json!(NOW.as_secs() - 60), LogoutTokenError::Expired),
            ("nonce", json!("n"), LogoutTokenError::Nonce),
            ("events", json!({}), LogoutTokenError::Event),
            ("events", json!([EVENT]), LogoutTokenError::Event),
            ("jti", json!(""), LogoutTokenError::Id),
        ];
        for (name, value, error) in rows {
            let mut claims = claims();
            claims[name] = value;
            assert_eq!(verified(&claims), Err(error), "{name}");
        }
        let mut nobody = claims();
        nobody.as_object_mut().unwrap().retain(|name, _| name != "sub" && name != "sid");
        assert_eq!(verified(&nobody), Err(LogoutTokenError::Nobody));
    }
}
