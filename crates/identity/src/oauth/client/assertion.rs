//! Client authentication by a signed assertion: `private_key_jwt` (RFC 7523, 3; OpenID Connect Core 1.0, 9).
//!
//! 1. It is signed with a key of the client; the key says the algorithm, and a registered
//!    `token_endpoint_auth_signing_alg` must be it.
//! 2. `iss` and `sub` are the client.
//! 3. `aud` is this server and nobody else: its issuer or one of its endpoints, as one text. A list of
//!    several would let another server that the client also talks to use the assertion here.
//! 4. It expires, within [`LONGEST_LIFE`], and was not made before this server began to remember.
//! 5. Its `jti` is used once.

use std::time::Duration;

use gabion_model::Timestamp;
use gabion_vault::encoding::base64url_decode;
use gabion_vault::jwt::{self, Algorithm, Foreign, Jwks, TokenError};
use serde::Deserialize;

use super::{Client, ClientId};
use crate::oauth::replay::{Replay, ReplayError};

/// The `client_assertion_type` of what this module reads.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far in the future an assertion may expire.
pub const LONGEST_LIFE: Duration = Duration::from_secs(10 * 60);

/// How far the client's clock may be off.
const LEEWAY: Duration = Duration::from_secs(15);

/// Why an assertion proves nothing. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    #[error("the assertion's audience is not this server alone")]
    Audience,
    #[error("the assertion was made before this server began to remember which were used")]
    Forgotten,
    #[error("the assertion has no usable jti")]
    Id,
    #[error("the assertion lives too long")]
    Life,
    #[error("the assertion was used before")]
    Replayed,
    #[error("the assertion's subject is not its issuer")]
    Subject,
    #[error(transparent)]
    Token(#[from] TokenError),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: serde_json::Value,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    jti: Option<String>,
}

/// The client an assertion speaks of. Nobody has vouched for it yet: it is for finding the keys.
#[must_use]
pub fn client_of(assertion: &str) -> Option<ClientId> {
    #[derive(Deserialize)]
    struct Named {
        iss: String,
        sub: String,
    }
    if assertion.len() > jwt::LONGEST_TOKEN {
        return None;
    }
    let payload = base64url_decode(assertion.split('.').nth(1)?).ok()?;
    let named: Named = serde_json::from_slice(&payload).ok()?;
    if named.iss == named.sub { named.iss.parse().ok() } else { None }
}

/// Judges an assertion by the client's keys. `audiences` are the names of this server.
///
/// # Errors
/// The first reason not to believe it. After [`TokenError::UnknownKey`] it may help to fetch the keys again.
pub fn verify(
    assertion: &str,
    client: &Client,
    keys: &Jwks,
    audiences: &[&str],
    seen: &Replay,
    now: Timestamp,
) -> Result<(), AssertionError> {
    let wanted = client.metadata.token_endpoint_auth_signing_alg.as_deref();
    let only = wanted.map(|word| word.parse::<Algorithm>().map_err(|_| TokenError::Algorithm)).transpose()?;
    let only = only.map(|algorithm| [algorithm]);
    let allowed = only.as_ref().map_or(Algorithm::ASYMMETRIC, |one| one.as_slice());
    if allowed.iter().any(|algorithm| algorithm.is_symmetric()) {
        return Err(TokenError::Algorithm.into());
    }
    let expected = Foreign {
        allowed,
        types: &["JWT", "client-authentication+jwt"],
        issuer: client.id.as_str(),
        audiences,
        now,
        leeway: LEEWAY,
    };
    let claims: Claims = jwt::verify_foreign(assertion, keys, &expected)?;
    if claims.sub != client.id.as_str() {
        return Err(AssertionError::Subject);
    }
    let alone = match &claims.aud {
        serde_json::Value::String(_) => true,
        serde_json::Value::Array(many) => many.len() == 1,
        _ => false,
    };
    if !alone {
        return Err(AssertionError::Audience);
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a NumericDate may have a fraction; seconds fit in 53 bits"
    )]
    let seconds = |time: Timestamp| time.as_secs() as f64;
    let latest = seconds(now) + (LONGEST_LIFE + LEEWAY).as_secs_f64();
    if claims.exp > latest || claims.iat.is_some_and(|made| made > seconds(now) + LEEWAY.as_secs_f64()) {
        return Err(AssertionError::Life);
    }
    if claims.iat.is_some_and(|made| made < seconds(seen.began()) - LEEWAY.as_secs_f64()) {
        return Err(AssertionError::Forgotten);
    }
    let jti = claims.jti.filter(|jti| (1..=256).contains(&jti.len())).ok_or(AssertionError::Id)?;
    seen.first_use(client.id.as_str(), &jti, now).map_err(|_: ReplayError| AssertionError::Replayed)
}

/// How long assertions must be remembered.
#[must_use]
pub const fn window() -> Duration {
    Duration::from_secs(LONGEST_LIFE.as_secs() + 2 * LEEWAY.as_secs() + 1)
}

#[cfg(test)]
mod tests {
    use super::super::{AuthenticationMethod, Metadata, Registration};
    use super::*;
    use gabion_model::TenantId;
    use gabion_vault::jose::SigningKey;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const ISSUER: &str = "https://id.example";
    const TOKEN: &str = "https://id.example/.gabion/oauth/token";

    fn client() -> Client {
        Client {
            id: "shop".parse().unwrap(),
            metadata: Metadata { authentication: AuthenticationMethod::PrivateKeyJwt, ..Metadata::default() },
            tenant: TenantId::new(TenantId::DEFAULT),
            secrets: Vec::new(),
            account: None,
            registration: Registration::Operator,
            registration_token: None,
            disabled: false,
            created: NOW,
            updated: NOW,
            revision: 0,
        }
    }

    fn claims() -> Value {
        let now = NOW.as_secs();
        json!({"iss": "shop", "sub": "shop", "aud": TOKEN, "exp": now + 60, "iat": now, "jti": "1"})
    }

    fn judged(
        client: &Client,
        key: &SigningKey,
        claims: &Value,
        seen: &Replay,
    ) -> Result<(), AssertionError> {
        let assertion = key.sign("JWT", claims).unwrap();
        verify(&assertion, client, &Jwks::of([key]), &[ISSUER, TOKEN], seen, NOW)
    }

    #[test]
    fn an_assertion_of_the_client_for_this_server_works_once() {
        for algorithm in Algorithm::SIGNING {
            let key = SigningKey::generate_for(*algorithm).unwrap();
            let seen = Replay::new(window(), NOW);
            assert_eq!(judged(&client(), &key, &claims(), &seen), Ok(()));
            assert_eq!(judged(&client(), &key, &claims(), &seen), Err(AssertionError::Replayed));
        }
        let assertion = SigningKey::generate().unwrap().sign("JWT", &claims()).unwrap();
        assert_eq!(client_of(&assertion), Some("shop".parse().unwrap()));
        assert_eq!(client_of("a.b.c"), None);
    }

    #[test]
    fn anything_else_is_refused() {
        let key = SigningKey::generate().unwrap();
        let (now, seen) = (NOW.as_secs(), Replay::new(window(), NOW));
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            claims
        };
        for (claims, why) in [
            (with("iss", "other".into()), AssertionError::Token(TokenError::Issuer)),
            (with("sub", "other".into()), AssertionError::Subject),
            (with("aud", "https://other.example".into()), AssertionError::Token(TokenError::Audience)),
            (with("aud", json!([ISSUER, "https://other.example"])), AssertionError::Audience),
            (with("exp", (now - 60).into()), AssertionError::Token(TokenError::Expired)),
            (with("exp", (now + 3600).into()), AssertionError::Life),
            (with("exp", Value::Null), AssertionError::Token(TokenError::Expired)),
            (with("iat", (now + 60).into()), AssertionError::Life),
            (with("iat", (now - 60).into()), AssertionError::Forgotten),
            (with("jti", Value::Null), AssertionError::Id),
            (with("jti", "".into()), AssertionError::Id),
        ] {
            assert_eq!(judged(&client(), &key, &claims, &seen), Err(why), "{claims}");
        }
        assert_eq!(judged(&client(), &key, &with("aud", json!([ISSUER])), &seen), Ok(()));
        let other = SigningKey::generate().unwrap();
        let assertion = other.sign("JWT", &with("jti", "2".into())).unwrap();
        let refused = verify(&assertion, &client(), &Jwks::of([&key]), &[ISSUER], &seen, NOW);
        assert_eq!(refused, Err(AssertionError::Token(TokenError::UnknownKey)));
        let mut pinned = client();
        pinned.metadata.token_endpoint_auth_signing_alg = Some("RS256".to_owned());
        let refused = judged(&pinned, &key, &with("jti", "3".into()), &seen);
        assert_eq!(refused, Err(AssertionError::Token(TokenError::Algorithm)));
        pinned.metadata.token_endpoint_auth_signing_alg = Some("HS256".to_owned());
        let refused = judged(&pinned, &key, &with("jti", "4".into()), &seen);
        assert_eq!(refused, Err(AssertionError::Token(TokenError::Algorithm)));
    }
}
