//! The code, redeemed (OpenID Connect Core 1.0, section 3.1.3; RFC 6749, section 4.1.3; RFC 7523).

use std::time::Duration;

use gabion_model::outbound::FetchRequest;
use gabion_model::{Rng, Secret, Timestamp, random};
use gabion_vault::encoding::{base64_encode, base64url_encode};
use gabion_vault::jose::SigningKey;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::attempt::Attempt;
use super::discovery::Metadata;
use super::provider::{Credential, Provider};

/// Why the code cannot be redeemed. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    #[error("the client's secret or key cannot be read")]
    Credential,
    #[error("the token answer is not of the expected form")]
    Malformed,
    /// The error code, reduced to what is safe to keep.
    #[error("the token endpoint refused: `{0}`")]
    Refused(String),
}

/// What the code is worth.
#[derive(Debug)]
pub struct Tokens {
    pub id_token: Secret<String>,
    pub access_token: Option<Secret<String>>,
}

/// The token request.
///
/// # Errors
/// [`ExchangeError::Credential`] when the client cannot prove who it is.
pub fn request(
    metadata: &Metadata,
    provider: &Provider,
    attempt: &Attempt,
    code: &str,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<FetchRequest, ExchangeError> {
    let client_id = provider.settings.client_id.as_str();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &attempt.redirect_uri)
        .append_pair("code_verifier", attempt.verifier.expose());
    let takes = |method: &str| metadata.client_authentication.iter().any(|one| one == method);
    let mut authorization = None;
    match &provider.credential {
        Credential::None => {
            form.append_pair("client_id", client_id);
        }
        Credential::Secret(secret) if takes("client_secret_basic") || !takes("client_secret_post") => {
            authorization = Some(basic(client_id, secret));
        }
        Credential::Secret(secret) => {
            form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
        }
        Credential::Key(pem) => {
            let key = SigningKey::from_pkcs8_pem(pem.expose()).map_err(|_| ExchangeError::Credential)?;
            let assertion = assertion(&key, client_id, metadata, now, rng)?;
            form.append_pair("client_id", client_id)
                .append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", &assertion);
        }
        Credential::Unreadable => return Err(ExchangeError::Credential),
    }
    let mut request = FetchRequest::post_form(&metadata.token_endpoint, Secret::new(form.finish()));
    request = request.header("accept", Secret::new("application/json".to_owned()));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    request.deadline = DEADLINE;
    Ok(request)
}

/// Reads the token answer. Redirects and other kinds of success are none (RFC 6749, section 5.1).
///
/// # Errors
/// When it is a refusal or cannot be read.
pub fn answer(status: u16, body: &[u8]) -> Result<Tokens, ExchangeError> {
    #[derive(Deserialize)]
    struct Granted {
        id_token: Secret<String>,
        access_token: Option<Secret<String>>,
        token_type: Option<String>,
    }
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    if status != 200 {
        let refused: Refused = serde_json::from_slice(body).map_err(|_| ExchangeError::Malformed)?;
        return Err(ExchangeError::Refused(super::callback::safe(&refused.error)));
    }
    let granted: Granted = serde_json::from_slice(body).map_err(|_| ExchangeError::Malformed)?;
    let bearer = granted.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    Ok(Tokens { id_token: granted.id_token, access_token: granted.access_token.filter(|_| bearer) })
}

/// The userinfo request, the token in the header (RFC 6750, section 2.1).
#[must_use]
pub fn userinfo(endpoint: &str, access_token: &Secret<String>) -> FetchRequest {
    let authorization = Secret::new(format!("Bearer {}", access_token.expose()));
    let mut request = FetchRequest::get(endpoint)
        .header("authorization", authorization)
        .header("accept", Secret::new("application/json".to_owned()));
    request.deadline = DEADLINE;
    request
}

/// RFC 6749, section 2.3.1: both halves are form-encoded first.
fn basic(client_id: &str, secret: &Secret<String>) -> Secret<String> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encode(client_id), encode(secret.expose())));
    Secret::new(format!("Basic {}", base64_encode(pair.expose().as_bytes())))
}

/// RFC 7523, section 3. Meant for the issuer and nobody else (RFC 7523bis), for a minute, once.
fn assertion(
    key: &SigningKey,
    client_id: &str,
    metadata: &Metadata,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<String, ExchangeError> {
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": metadata.issuer,
        "jti": base64url_encode(&random::bytes::<16>(rng)),
        "iat": now.as_secs(),
        "exp": now.as_secs().saturating_add(60),
    });
    key.sign("JWT", &claims).map_err(|_| ExchangeError::Credential)
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A person waits.
pub const DEADLINE: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_token_endpoint_says() {
        let tokens =
            answer(200, br#"{"id_token":"a.b.c","access_token":"t","token_type":"Bearer"}"#).unwrap();
        assert_eq!(tokens.id_token.expose(), "a.b.c");
        assert!(tokens.access_token.is_some());
        let odd = answer(200, br#"{"id_token":"a.b.c","access_token":"t","token_type":"mac"}"#).unwrap();
        assert!(odd.access_token.is_none());
        for (status, body, error) in [
            (400, r#"{"error":"invalid_grant"}"#, ExchangeError::Refused("invalid_grant".into())),
            (400, r#"{"error":"<b>"}"#, ExchangeError::Refused("unreadable".into())),
            (500, "<html>", ExchangeError::Malformed),
            (302, "", ExchangeError::Malformed),
            (200, r#"{"access_token":"t"}"#, ExchangeError::Malformed),
            (200, r#"{"id_token":7}"#, ExchangeError::Malformed),
            (200, "", ExchangeError::Malformed),
        ] {
            assert_eq!(answer(status, body.as_bytes()).unwrap_err(), error, "{status} {body}");
        }
    }

    #[test]
    fn the_halves_of_basic_are_encoded_first() {
        let header = basic("a:b", &Secret::new("p w+%".to_owned()));
        // "a%3Ab:p+w%2B%25"
        assert_eq!(header.expose(), "Basic YSUzQWI6cCt3JTJCJTI1");
    }
}
