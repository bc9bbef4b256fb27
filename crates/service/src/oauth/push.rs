//! Pushed authorization requests (RFC 9126): judged now, used once, by the client that pushed them.

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::oauth::client::Client;
use gabion_identity::oauth::request::{AuthorizationRequest, Target};
use gabion_identity::oauth::{ErrorCode, OAuthError, Parameters};
use gabion_model::{Secret, random};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;

use super::Failed;
use crate::Service;
use crate::service::Inner;

/// Where a pushed request can be found.
#[derive(Debug)]
pub struct Pushed {
    pub request_uri: Secret<String>,
    /// In seconds.
    pub expires_in: u64,
}

impl Service {
    /// Takes a request of an authenticated client. `key` is the thumbprint of the key it proved to hold.
    ///
    /// # Errors
    /// What the authorization endpoint would say, directly.
    pub fn push_request(
        &self,
        client: &Arc<Client>,
        parameters: &Parameters,
        key: Option<&str>,
    ) -> Result<Pushed, OAuthError> {
        let inner = &self.0;
        let rules = inner.rules();
        let settings = &rules.provider.settings;
        if !settings.enabled {
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the provider is switched off"));
        }
        // RFC 9126, 2.1: a pushed request does not itself refer to a pushed request.
        if parameters.has("request_uri") {
            return Err(OAuthError::invalid_request("request_uri may not be pushed"));
        }
        let target = Target::of(parameters, Some(client))
            .map_err(|error| OAuthError::invalid_request(error.to_string()))?;
        let issuer = inner.issuer();
        let mut request = AuthorizationRequest::validate(
            target,
            parameters,
            client,
            settings,
            &rules.provider.scopes,
            &issuer,
        )?;
        if let Some(key) = key {
            // RFC 9449, 10.1: the proof and the parameter must agree.
            if request.dpop_jkt.as_deref().is_some_and(|named| named != key) {
                return Err(OAuthError::new(ErrorCode::InvalidDpopProof, "dpop_jkt names another key"));
            }
            request.dpop_jkt = Some(key.to_owned());
        }
        let name = base64url_encode(&random::bytes::<32>(&*inner.rng));
        let now = inner.clock.now();
        let (hash, until) = (sha256(name.as_bytes()), now.saturating_add(LIFE));
        inner.protocols.pushed.put(hash, client.id.as_str(), request, until, now).map_err(|_| {
            OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "too many requests wait, try again in a minute",
            )
        })?;
        Ok(Pushed { request_uri: Secret::new(format!("{PREFIX}{name}")), expires_in: LIFE.as_secs() })
    }
}

impl Inner {
    /// A request that was pushed before, by its `request_uri`; taken away by that. None when there is no
    /// such parameter.
    pub(super) fn pushed(
        &self,
        parameters: &Parameters,
        client: &Client,
    ) -> Result<Option<AuthorizationRequest>, Failed> {
        let Some(uri) = parameters.get("request_uri") else { return Ok(None) };
        let Some(name) = uri.strip_prefix(PREFIX) else { return Ok(None) };
        let (hash, now) = (sha256(name.as_bytes()), self.clock.now());
        // Another client's is left alone: knowing the name is not enough to use it up.
        let own = |request: &mut AuthorizationRequest, _| request.target.client == client.id;
        if self.protocols.pushed.with(&hash, now, own) != Some(true) {
            return Ok(None);
        }
        Ok(self.protocols.pushed.take(&hash, now))
    }
}

const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
const LIFE: Duration = Duration::from_secs(90);
