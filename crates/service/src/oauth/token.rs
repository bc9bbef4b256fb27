//! The token endpoint (RFC 6749, 3.2): one function per grant type.

use std::sync::Arc;

use gabion_identity::oauth::client::{Client, GrantType};
use gabion_identity::oauth::grant::{EndReason, Grant};
use gabion_identity::oauth::request::is_verifier_of;
use gabion_identity::oauth::storage::{Ending, Extension, Redeemed};
use gabion_identity::oauth::token::{Confirmation, TokenAnswer};
use gabion_identity::oauth::{ErrorCode, GrantId, OAuthError, Parameters};
use gabion_identity::{Account, AccountName};
use gabion_model::{Actor, Outcome, Secret, Timestamp};
use gabion_vault::sha256;

use super::Failed;
use super::issue::Issue;
use crate::record::to_the_end;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// A request of a client that is known by now.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    pub client: Arc<Client>,
    pub parameters: Parameters,
    /// What the client proved to hold, to which its tokens are bound.
    pub confirmation: Option<Confirmation>,
}

impl Service {
    /// Answers a token request with the JSON of the answer.
    ///
    /// # Errors
    /// In OAuth's words.
    pub async fn token(&self, caller: &Caller, request: TokenRequest) -> Result<Secret<String>, OAuthError> {
        request.parameters.check_unique()?;
        let named = request.parameters.require("grant_type")?;
        let unsupported =
            || OAuthError::new(ErrorCode::UnsupportedGrantType, "the grant type is not one of this server's");
        let grant_type = GrantType::from_text(named).ok_or_else(unsupported)?;
        if !self.0.rules().provider.settings.enabled {
            return Err(unsupported());
        }
        if !request.client.allows_grant(grant_type) {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "the client is not registered for this grant type",
            ));
        }
        match grant_type {
            GrantType::AuthorizationCode => self.exchange_code(caller, request).await,
            GrantType::ClientCredentials => self.client_credentials(caller, request).await,
            GrantType::DeviceCode => self.device_tokens(caller, request).await,
            GrantType::RefreshToken => self.refresh(caller, request).await,
        }
    }

    /// RFC 6749, 4.1.3.
    async fn exchange_code(
        &self,
        caller: &Caller,
        request: TokenRequest,
    ) -> Result<Secret<String>, OAuthError> {
        request.parameters.require("code")?;
        let (service, mut caller) = (self.clone(), caller.clone());
        let done = to_the_end(async move {
            let client = Arc::clone(&request.client);
            let (grant, account, answer) = service
                .blocking_or({
                    let caller = caller.clone();
                    move |inner: &Inner| inner.exchange(&caller, &request)
                })
                .await?;
            caller.becomes(&account);
            service.granted(&caller, &grant, &client, answer).await
        });
        done.await.map_err(|Failed(error)| error)
    }

    /// Writes down that tokens of a new grant leave; without that they do not.
    pub(super) async fn granted(
        &self,
        caller: &Caller,
        grant: &Grant,
        client: &Client,
        answer: TokenAnswer,
    ) -> Result<Secret<String>, Failed> {
        let inner = &self.0;
        let mut event = inner.event(Act::IssueTokens, caller, Outcome::Success);
        event.resource = client.id.to_string();
        event.metadata.insert("grant".to_owned(), grant.id.to_string());
        event.metadata.insert("scope".to_owned(), answer.scope.to_string());
        if let Err(error) = inner.ledger.record(event).await {
            let id = grant.id.clone();
            self.blocking_or(move |inner| inner.end_grant(&id)).await?;
            return Err(ActError::from(error).into());
        }
        Ok(answer.to_json())
    }
}

impl Inner {
    fn exchange(
        &self,
        caller: &Caller,
        request: &TokenRequest,
    ) -> Result<(Grant, Account, TokenAnswer), Failed> {
        let TokenRequest { client, parameters, confirmation } = request;
        let (rules, now) = (self.rules(), self.clock.now());
        let settings = &rules.provider.settings;
        let until = Extension {
            access: now.saturating_add(settings.access_token.as_duration()),
            refresh: now.saturating_add(settings.refresh_idle.as_duration()),
        };
        let shown = confirmation.clone().unwrap_or_default();
        // Refresh tokens of public clients are bound to what they hold (RFC 9449, 5; RFC 8705, 4); others
        // authenticate.
        let bind = if client.is_confidential() { Confirmation::default() } else { shown.clone() };
        let hash = sha256(parameters.require("code")?.as_bytes());
        let grant = match self.storage.redeem(&hash, &bind, until, now)? {
            Redeemed::Now(grant) => *grant,
            Redeemed::Again(grant) => {
                self.end_for(caller, &grant, EndReason::CodeReused)?;
                return Err(OAuthError::invalid_grant().into());
            }
            Redeemed::Unknown => return Err(OAuthError::invalid_grant().into()),
        };
        // From here on the code is used up, whatever is wrong with the rest of the request.
        if !belongs(&grant, client, parameters, shown.jkt.as_deref()) {
            self.end_for(caller, &grant, EndReason::CodeMisused)?;
            return Err(OAuthError::invalid_grant().into());
        }
        let resources = narrowed(&grant, parameters)?;
        let account = self.account_of(&grant, now)?;
        if let Some(session) = grant.session.as_ref().filter(|_| !grant.offline) {
            self.watch.revocations.bind(session, &grant.id);
            // The session may have ended between the look and the binding.
            if self.sessions.of_account(&grant.account, session, now).is_none() {
                self.end_grant(&grant.id)?;
                return Err(OAuthError::invalid_grant().into());
            }
        }
        let issue = Issue {
            grant: &grant,
            account: &account,
            client,
            scope: &grant.terms.scope,
            resources: &resources,
            confirmation: confirmation.as_ref(),
            counter: 0,
        };
        let answer = self.issue_tokens(issue, now)?;
        Ok((grant, account, answer))
    }

    /// The account of a grant, as long as it allows what it allowed then: enabled, not revoked since, and
    /// (unless the grant outlives it) still signed in. What does not hold ends the grant.
    pub(super) fn account_of(&self, grant: &Grant, now: Timestamp) -> Result<Account, Failed> {
        let account = self.accounts.by_id(&grant.account)?;
        let account = account.filter(|account| !account.disabled && account.epoch == grant.epoch);
        let session = match &grant.session {
            Some(session) if !grant.offline => self.sessions.of_account(&grant.account, session, now),
            _ => None,
        };
        let living = grant.offline || grant.session.is_none() || session.is_some();
        match account.filter(|_| living) {
            Some(account) => {
                // Somebody works with the application: the session is not idle.
                if let Some(session) = session {
                    session.touch(now);
                }
                Ok(account)
            }
            None => {
                self.end_grant(&grant.id)?;
                Err(OAuthError::invalid_grant().into())
            }
        }
    }

    /// Ends a grant because of how it was used, and says so.
    pub(super) fn end_for(&self, caller: &Caller, grant: &Grant, reason: EndReason) -> Result<(), Failed> {
        self.end_grant(&grant.id)?;
        let name = self.accounts.by_id(&grant.account)?.map(|account| account.name);
        let mut event = self.event(Act::EndGrant, caller, Outcome::Success);
        event.resource = grant.client.to_string();
        event.reason = Some(reason.to_string());
        event.metadata.insert("grant".to_owned(), grant.id.to_string());
        event.metadata.insert("account".to_owned(), name.as_ref().map_or("", AccountName::as_str).to_owned());
        self.ledger.observe(event);
        Ok(())
    }

    /// Ends a grant: its refresh token in the storage, its access tokens in memory.
    pub(super) fn end_grant(&self, grant: &GrantId) -> Result<(), Failed> {
        let now = self.clock.now();
        self.watch.revocations.revoke_grant(grant, now);
        self.storage.end_grants(&Ending::One(grant), now)?;
        Ok(())
    }
}

/// Whether the rest of the request belongs to the code.
fn belongs(grant: &Grant, client: &Client, parameters: &Parameters, key: Option<&str>) -> bool {
    let terms = &grant.terms;
    let verifier = parameters.get("code_verifier");
    let proven = match (&terms.challenge, verifier) {
        (Some(challenge), Some(verifier)) => is_verifier_of(verifier, challenge),
        (Some(_), None) => false,
        // A verifier without a challenge: somebody took the challenge out (RFC 9700, 4.8.2).
        (None, verifier) => verifier.is_none(),
    };
    proven
        && grant.client == client.id
        && parameters.get("redirect_uri") == terms.redirect_uri.as_deref()
        && terms.dpop_jkt.as_deref().is_none_or(|bound| Some(bound) == key)
}

/// The resources asked for at the token endpoint: of those granted, all when none is named (RFC 8707, 2.2).
pub(super) fn narrowed(grant: &Grant, parameters: &Parameters) -> Result<Vec<String>, OAuthError> {
    let asked = parameters.all("resource");
    if asked.is_empty() {
        return Ok(grant.terms.resources.clone());
    }
    if asked.iter().all(|resource| grant.terms.resources.contains(resource)) {
        return Ok(asked.to_vec());
    }
    Err(OAuthError::new(ErrorCode::InvalidTarget, "a resource is not one that was granted"))
}

pub(super) fn actor(account: &Account) -> Actor {
    Actor::Account { id: account.id.clone(), name: account.name.to_string(), session: None }
}
