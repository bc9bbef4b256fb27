//! Who a client is: the client authentication of RFC 6749, 2.3 and OpenID Connect Core 1.0, 9.
//!
//! One way only (RFC 6749, 2.3.1), and the one it is registered for. Whatever fails, fails as
//! `invalid_client`, whether or not there is such a client.

use std::sync::Arc;

use gabion_identity::oauth::client::{AuthenticationMethod, Client, ClientId};
use gabion_identity::oauth::{OAuthError, Parameters};
use gabion_model::{Outcome, Secret};

use super::Failed;
use crate::service::Inner;
use crate::{Act, Caller, Service};

/// What a request brought by which its client can be known.
#[derive(Debug, Clone, Default)]
pub struct ClientCredentials {
    /// The value of the `Authorization` field.
    pub authorization: Option<Secret<String>>,
}

impl Service {
    /// The client that asks, if it proves to be it; a public client is believed its name.
    ///
    /// # Errors
    /// `invalid_client`.
    pub async fn authenticate_client(
        &self,
        caller: &Caller,
        credentials: &ClientCredentials,
        parameters: &Parameters,
    ) -> Result<Arc<Client>, OAuthError> {
        parameters.check_unique()?;
        let refused = |inner: &Inner| {
            let mut event = inner.event(Act::IssueTokens, caller, Outcome::Failure);
            event.reason = Some("client authentication failed".to_owned());
            inner.ledger.observe(event);
            OAuthError::invalid_client()
        };
        let in_body = parameters.get("client_secret");
        let (id, secret, method) = match (&credentials.authorization, in_body) {
            (Some(_), Some(_)) => {
                return Err(OAuthError::invalid_request("the client authenticates in more than one way"));
            }
            (Some(authorization), None) => {
                let Some((id, secret)) = basic(authorization) else { return Err(refused(&self.0)) };
                if parameters.get("client_id").is_some_and(|named| named != id) {
                    return Err(OAuthError::invalid_request("client_id names another client"));
                }
                (id, Some(secret), AuthenticationMethod::SecretBasic)
            }
            (None, Some(secret)) => {
                let secret = Secret::new(secret.to_owned());
                (parameters.require("client_id")?.to_owned(), Some(secret), AuthenticationMethod::SecretPost)
            }
            (None, None) => {
                let id = parameters.get("client_id").ok_or_else(|| refused(&self.0))?;
                (id.to_owned(), None, AuthenticationMethod::None)
            }
        };
        let now = self.0.clock.now();
        let client = self.known_client(&id).await.map_err(|Failed(error)| error)?;
        let Some(client) = client.filter(|client| client.metadata.authentication == method) else {
            return Err(refused(&self.0));
        };
        let proven = match secret {
            Some(secret) => client.secrets.iter().any(|own| !own.is_expired(now) && own.is(&secret)),
            None => !client.is_confidential(),
        };
        if proven { Ok(client) } else { Err(refused(&self.0)) }
    }

    /// The client of that name, unless it is disabled.
    pub(crate) async fn known_client(&self, id: &str) -> Result<Option<Arc<Client>>, Failed> {
        let Ok(id) = id.parse::<ClientId>() else { return Ok(None) };
        let client = self.0.clients.find(&id).map_err(|error| {
            tracing::error!(%error, "client not read");
            Failed(OAuthError::unavailable())
        })?;
        Ok(client.filter(|client| !client.disabled))
    }
}

/// Name and secret of `Basic` (RFC 7617), each form-encoded before (RFC 6749, 2.3.1).
fn basic(authorization: &Secret<String>) -> Option<(String, Secret<String>)> {
    let (scheme, encoded) = authorization.expose().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Secret::new(gabion_vault::encoding::base64_decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(bytes.expose()).ok()?.split_once(':')?;
    let decoded = |text: &str| -> Option<String> {
        let parameters = Parameters::parse(&format!("x={}", text.replace('&', "%26"))).ok()?;
        parameters.get("x").map(str::to_owned)
    };
    Some((decoded(id)?, Secret::new(decoded(secret)?)))
}
