//! Userinfo (OpenID Connect Core 1.0, 5.3): what an application may know about whoever signed in.

use gabion_identity::oauth::token::{Confirmation, userinfo_claims};
use gabion_identity::oauth::{ErrorCode, OAuthError, scope};
use gabion_model::Secret;
use serde_json::{Map, Value};

use super::Failed;
use crate::Service;
use crate::service::Inner;

/// The claims, as the client wants them.
#[derive(Debug)]
pub enum Userinfo {
    Json(Map<String, Value>),
    Jwt(Secret<String>),
}

impl Service {
    /// The claims behind an access token.
    ///
    /// # Errors
    /// `invalid_token`, or `insufficient_scope` without `openid`.
    pub async fn userinfo(
        &self,
        token: Secret<String>,
        proven: Confirmation,
    ) -> Result<Userinfo, OAuthError> {
        let now = self.0.clock.now();
        let claims = self.0.bearer(&token, &proven, now)?;
        if !claims.scope.has(scope::OPENID) {
            return Err(OAuthError::new(ErrorCode::InsufficientScope, "the token lacks the scope openid"));
        }
        let client = self.known_client(&claims.client_id).await.map_err(|Failed(error)| error)?;
        let client = client.ok_or_else(OAuthError::invalid_token)?;
        let work = move |inner: &Inner| {
            let id = claims.gid.as_ref().ok_or_else(OAuthError::invalid_token)?;
            let grant = inner.storage.grant(id)?.filter(|grant| grant.ended.is_none());
            let grant = grant.ok_or_else(OAuthError::invalid_token)?;
            let account = inner.account_of(&grant, now).map_err(|_| OAuthError::invalid_token())?;
            let (rules, groups) = (inner.rules(), inner.groups_of(&account));
            let of_scopes = rules.provider.scopes.claims(&claims.scope);
            let mut answer = userinfo_claims(&account, &groups, &of_scopes, &grant.terms.claims);
            let Some(alg) = client.metadata.userinfo_signed_response_alg else {
                return Ok(Userinfo::Json(answer));
            };
            answer.insert("iss".to_owned(), (*inner.issuer()).into());
            answer.insert("aud".to_owned(), client.id.as_str().into());
            Ok(Userinfo::Jwt(inner.sign_for(Some(alg), "JWT", &answer)?))
        };
        self.blocking_or(work).await.map_err(|Failed(error)| error)
    }
}
