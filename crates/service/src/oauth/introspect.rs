//! Introspection (RFC 7662) of access tokens, refresh tokens and API keys. For clients that authenticate, about what
//! was issued to them or is for them; about what is not good, or not theirs to know (RFC 7662, 4), it says `inactive`
//! and nothing else.

use gabion_identity::Credential;
use gabion_identity::api_key::is_key;
use gabion_identity::oauth::client::Client;
use gabion_identity::oauth::token::AccessClaims;
use gabion_identity::oauth::{OAuthError, Parameters, refresh};
use serde_json::{Map, Value, json};

use super::Failed;
use crate::Service;
use crate::service::Inner;

impl Service {
    /// What is known about a token. An access token is answered from memory, without waiting for anybody.
    ///
    /// # Errors
    /// `unauthorized_client` for a client that does not authenticate.
    pub async fn introspect(
        &self,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<Map<String, Value>, OAuthError> {
        let token = parameters.require("token")?;
        if !client.is_confidential() {
            return Err(OAuthError::invalid_client());
        }
        if is_key(token) {
            // Keys open this site; whoever asks about them must be it, or be let ask about all.
            let issuer = self.0.issuer();
            let theirs = client.introspects(std::iter::once(&*issuer));
            let key = self.0.machines.keys.resolve(token, self.0.clock.now()).filter(|_| theirs);
            return Ok(key.map_or_else(inactive, |key| active_key(&key, &issuer)));
        }
        if let Some(claims) = self.0.access_token(token, self.0.clock.now()) {
            let theirs = claims.client_id == client.id.as_str() || client.introspects(claims.aud.iter());
            return Ok(if theirs { active(&claims) } else { inactive() });
        }
        // Whatever the hint says (RFC 7662, 2.1: it may be wrong).
        let Some(token) = refresh::read(token) else { return Ok(inactive()) };
        let client = client.id.clone();
        let work = move |inner: &Inner| {
            let now = inner.clock.now();
            let Some(grant) = inner.storage.grant(&token.grant)? else { return Ok(inactive()) };
            let authentic = grant.refresh.as_ref().is_some_and(|state| {
                state.counter == token.counter
                    && inner.open_refresh_key(&grant.id, state).is_some_and(|key| token.is_authentic(&key))
            });
            if !authentic || grant.client != client || grant.redeemed.is_none() || !grant.is_alive(now) {
                return Ok(inactive());
            }
            match inner.account_of(&grant, now) {
                Ok(account) => {
                    let mut answer = Map::new();
                    answer.insert("active".to_owned(), true.into());
                    answer.insert("client_id".to_owned(), client.as_str().into());
                    answer.insert("scope".to_owned(), grant.terms.scope.to_string().into());
                    answer.insert("sub".to_owned(), account.id.as_str().into());
                    answer.insert("iss".to_owned(), (*inner.issuer()).into());
                    answer.insert("iat".to_owned(), grant.last_used.as_secs().into());
                    answer.insert("exp".to_owned(), grant.expires.as_secs().into());
                    Ok(answer)
                }
                Err(_) => Ok(inactive()),
            }
        };
        self.blocking_or(work).await.map_err(|Failed(error)| error)
    }
}

fn active(claims: &AccessClaims) -> Map<String, Value> {
    let mut answer = match serde_json::to_value(claims) {
        Ok(Value::Object(object)) => object,
        _ => return inactive(),
    };
    answer.insert("active".to_owned(), true.into());
    answer.insert("token_type".to_owned(), claims.token_type().into());
    answer
}

/// An API key: what a token of the same account would say.
fn active_key(key: &Credential, issuer: &str) -> Map<String, Value> {
    let principal = &key.principal;
    let roles: Vec<_> = principal.roles.iter().map(gabion_model::Role::as_str).collect();
    let answer = json!({
        "active": true, "token_type": key.kind.as_str(), "iss": issuer, "jti": *key.id,
        "sub": principal.account.as_str(), "username": *principal.name, "tenant": principal.tenant.as_str(),
        "roles": roles, "groups": &*principal.groups, "scope": key.scopes.to_string(),
        "exp": key.expires().as_secs(),
    });
    match answer {
        Value::Object(answer) => answer,
        _ => inactive(),
    }
}

fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), Value::Bool(false))])
}
