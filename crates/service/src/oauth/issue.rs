//! Making codes and tokens.

use std::sync::Arc;

use gabion_identity::oauth::client::{Client, GrantType};
use gabion_identity::oauth::grant::{Grant, NewGrant, Refresh, Terms};
use gabion_identity::oauth::request::AuthorizationRequest;
use gabion_identity::oauth::response::AuthorizationResponse;
use gabion_identity::oauth::token::{
    ACCESS_TOKEN_TYPE, AccessClaims, AccessParts, Confirmation, ID_TOKEN_TYPE, IdParts, TokenAnswer, at_hash,
    id_claims,
};
use gabion_identity::oauth::{GrantId, OAuthError, Scopes, refresh, scope};
use gabion_identity::{Account, Session};
use gabion_model::{Secret, Timestamp, random};
use gabion_vault::encoding::base64url_encode;

use super::Failed;
use crate::service::Inner;

/// What tokens are made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issue<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) account: &'a Account,
    pub(crate) client: &'a Client,
    /// No more than the grant's.
    pub(crate) scope: &'a Scopes,
    /// No others than the grant's.
    pub(crate) resources: &'a [String],
    pub(crate) confirmation: Option<&'a Confirmation>,
    /// Of the refresh token to be handed out.
    pub(crate) counter: u64,
}

impl Inner {
    /// The code for what the person agreed to, on its way back.
    pub(super) fn issue_code(
        &self,
        request: &AuthorizationRequest,
        client: &Client,
        account: &Account,
        session: &Session,
    ) -> Result<AuthorizationResponse, Failed> {
        let (rules, now, rng) = (self.rules(), self.clock.now(), &*self.rng);
        let settings = &rules.provider.settings;
        let mut claims = request.claims.clone();
        // What tokens say about the level follows what was asked for, in whatever parameter.
        claims.acr.clone_from(&request.acr);
        let terms = Terms {
            scope: request.scope.clone(),
            resources: request.resources.clone(),
            claims,
            redirect_uri: Some(request.target.redirect_uri.clone()),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            authenticated: session.authenticated,
            methods: session.methods,
            dpop_jkt: request.dpop_jkt.clone(),
            x5t_s256: None,
        };
        let new = NewGrant {
            client: client.id.clone(),
            account: account.id.clone(),
            epoch: account.epoch,
            session: Some(session.id.clone()),
            terms,
            now,
        };
        let (life, absolute) = (settings.code.as_duration(), settings.refresh_absolute.as_duration());
        let (code, mut grant) = Grant::with_code(new, life, absolute, rng);
        grant.refresh = self.refresh_key(&grant.id, client)?;
        self.storage.insert_grant(&grant)?;
        Ok(AuthorizationResponse::granted(&request.target, &code, &self.issuer()))
    }

    /// The state of a new grant's refresh tokens, where the client may have them.
    pub(crate) fn refresh_key(&self, grant: &GrantId, client: &Client) -> Result<Option<Refresh>, Failed> {
        if !client.allows_grant(GrantType::RefreshToken) {
            return Ok(None);
        }
        let key = refresh::new_key(&*self.rng);
        let sealed = self
            .sealing
            .seal(&key_context(grant), key.expose(), &*self.rng)
            .map_err(|_| OAuthError::server_error())?;
        Ok(Some(Refresh { key: sealed, counter: 0, last: None }))
    }

    pub(super) fn open_refresh_key(&self, grant: &GrantId, refresh: &Refresh) -> Option<Secret<Vec<u8>>> {
        self.sealing.open(&key_context(grant), &refresh.key).ok()
    }

    /// The tokens of a grant.
    pub(crate) fn issue_tokens(&self, issue: Issue<'_>, now: Timestamp) -> Result<TokenAnswer, Failed> {
        let Issue { grant, account, client, scope, resources, confirmation, counter } = issue;
        let (rules, issuer, groups) = (self.rules(), self.issuer(), self.groups_of(account));
        let settings = &rules.provider.settings;
        let life = settings.access_token.as_duration();
        let claims = AccessClaims::new(AccessParts {
            issuer: &issuer,
            account,
            groups: &groups,
            client: client.id.as_str(),
            grant: Some(&grant.id),
            scope,
            resources,
            terms: Some(&grant.terms),
            confirmation: confirmation.cloned(),
            jti: base64url_encode(&random::bytes::<16>(&*self.rng)),
            now,
            life,
        });
        let access_token = self.sign_access(&claims)?;
        let id_token = scope
            .has(scope::OPENID)
            .then(|| {
                let algorithm = client.metadata.id_token_signed_response_alg;
                let key = self.key_for(algorithm).ok_or_else(OAuthError::server_error)?;
                let claims = id_claims(&IdParts {
                    issuer: &issuer,
                    account,
                    groups: &groups,
                    client: client.id.as_str(),
                    session: grant.session.as_ref().map(|session| session.as_str()),
                    terms: &grant.terms,
                    at_hash: at_hash(key.algorithm(), &access_token),
                    now,
                    life: settings.id_token.as_duration(),
                });
                self.sign_for(algorithm, ID_TOKEN_TYPE, &claims)
            })
            .transpose()?;
        let refresh_token = match &grant.refresh {
            Some(refresh) => {
                let key = self.open_refresh_key(&grant.id, refresh).ok_or_else(OAuthError::server_error)?;
                refresh::write(&grant.id, counter, &key)
            }
            None => None,
        };
        Ok(TokenAnswer {
            access_token,
            token_type: claims.token_type(),
            expires_in: life.as_secs(),
            refresh_token,
            id_token,
            scope: scope.clone(),
        })
    }

    pub(crate) fn sign_access(&self, claims: &AccessClaims) -> Result<Secret<String>, Failed> {
        let iat = self.watch.revocations.issued(&claims.sub, self.clock.now());
        self.sign_for(None, ACCESS_TOKEN_TYPE, &AccessClaims { iat, ..claims.clone() })
    }

    /// The groups of an account, by name.
    #[expect(clippy::unused_self, reason = "where groups come from is the service's business")]
    pub(crate) fn groups_of(&self, account: &Account) -> Vec<String> {
        account.groups.iter().map(|group| group.name.to_string()).collect()
    }

    /// The issuer of tokens.
    pub(crate) fn issuer(&self) -> Arc<str> {
        Arc::clone(&self.origin.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Where the key of a grant's refresh tokens is sealed for.
fn key_context(grant: &GrantId) -> String {
    format!("oauth_grants:refresh_key:{grant}")
}
