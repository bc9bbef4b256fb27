//! The client credentials grant (RFC 6749, 4.4): a program asks for itself, and acts as its service
//! account.

use std::sync::Arc;

use gabion_identity::Account;
use gabion_identity::oauth::scope::STANDARD;
use gabion_identity::oauth::token::{AccessClaims, AccessParts, TokenAnswer};
use gabion_identity::oauth::{ErrorCode, OAuthError, Scopes, resource};
use gabion_model::{Outcome, Secret, random};
use gabion_vault::encoding::base64url_encode;

use super::{Failed, TokenRequest};
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

impl Service {
    pub(super) async fn client_credentials(
        &self,
        caller: &Caller,
        request: TokenRequest,
    ) -> Result<Secret<String>, OAuthError> {
        let client = Arc::clone(&request.client);
        let made = self.blocking_or(move |inner: &Inner| inner.machine_tokens(&request)).await;
        let (account, answer) = made.map_err(|Failed(error)| error)?;
        let mut caller = caller.clone();
        caller.becomes(&account);
        let mut event = self.0.event(Act::IssueTokens, &caller, Outcome::Success);
        event.resource = client.id.to_string();
        event.metadata.insert("scope".to_owned(), answer.scope.to_string());
        event.metadata.insert("grant_type".to_owned(), "client_credentials".to_owned());
        let recorded = self.0.ledger.record(event).await;
        recorded.map_err(|error| Failed::from(ActError::from(error)).0)?;
        Ok(answer.to_json())
    }
}

impl Inner {
    fn machine_tokens(&self, request: &TokenRequest) -> Result<(Account, TokenAnswer), Failed> {
        let TokenRequest { client, parameters, confirmation } = request;
        if !client.is_confidential() {
            let error = "only a client that authenticates may ask for itself";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, error).into());
        }
        let account = match &client.account {
            Some(id) => self.accounts.by_id(id)?,
            None => None,
        };
        let account = account.filter(|account| !account.disabled).ok_or_else(OAuthError::invalid_grant)?;
        let (rules, now, issuer) = (self.rules(), self.clock.now(), self.issuer());
        let settings = &rules.provider.settings;
        // The scopes of OpenID Connect are about people.
        let may = |name: &str| {
            client.allows_scope(name)
                && rules.provider.scopes.knows(name)
                && STANDARD.iter().all(|standard| standard.name != name)
        };
        let scope = match parameters.get("scope") {
            None => Scopes::of(client.metadata.scopes.iter().map(String::as_str).filter(|name| may(name))),
            Some(text) => Scopes::parse(text).filter(|scope| scope.iter().all(may)).ok_or_else(|| {
                OAuthError::new(ErrorCode::InvalidScope, "a scope is not one the client may have for itself")
            })?,
        };
        let resources = resource::select(parameters.all("resource"), &settings.resources, &issuer)?;
        if !resources.iter().all(|resource| client.allows_resource(resource)) {
            return Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "the client may not ask for that resource",
            )
            .into());
        }
        let (life, groups) = (settings.access_token.as_duration(), self.groups_of(&account));
        let claims = AccessClaims::new(AccessParts {
            issuer: &issuer,
            account: &account,
            groups: &groups,
            client: client.id.as_str(),
            grant: None,
            scope: &scope,
            resources: &resources,
            terms: None,
            confirmation: confirmation.clone(),
            jti: base64url_encode(&random::bytes::<16>(&*self.rng)),
            now,
            life,
        });
        let answer = TokenAnswer {
            access_token: self.sign_access(&claims)?,
            token_type: claims.token_type(),
            expires_in: life.as_secs(),
            refresh_token: None,
            id_token: None,
            scope,
        };
        Ok((account, answer))
    }
}
