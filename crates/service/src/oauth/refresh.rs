//! `grant_type=refresh_token` (RFC 6749, 6). The rules stand in `identity::oauth::refresh`.

use gabion_identity::Account;
use gabion_identity::oauth::grant::{Grant, LastAnswer};
use gabion_identity::oauth::refresh::{self, Verdict};
use gabion_identity::oauth::{ErrorCode, GrantId, OAuthError, Scopes};
use gabion_model::{Outcome, Secret};

use super::Failed;
use super::issue::Issue;
use super::token::{TokenRequest, actor, narrowed};
use crate::service::Inner;
use crate::{Act, Caller, Service};

impl Service {
    pub(super) async fn refresh(
        &self,
        caller: &Caller,
        request: TokenRequest,
    ) -> Result<Secret<String>, OAuthError> {
        request.parameters.require("refresh_token")?;
        let caller = caller.clone();
        // Runs to its end even when the client has gone: it will ask again.
        let work = move |inner: &Inner| inner.refreshed(&caller, &request);
        self.blocking_or(work).await.map_err(|Failed(error)| error)
    }
}

impl Inner {
    fn refreshed(&self, caller: &Caller, request: &TokenRequest) -> Result<Secret<String>, Failed> {
        let refused = || Failed(OAuthError::invalid_grant());
        let TokenRequest { client, parameters, confirmation } = request;
        let token = refresh::read(parameters.require("refresh_token")?).ok_or_else(refused)?;
        let grace = self.rules().provider.settings.refresh_grace.as_duration();
        let shown = confirmation.clone().unwrap_or_default();
        let asked =
            refresh::fingerprint(&client.id, &shown, parameters.get("scope"), parameters.all("resource"));
        for _ in 0..TRIES {
            let now = self.clock.now();
            let grant = self.storage.grant(&token.grant)?.ok_or_else(refused)?;
            let state = grant.refresh.as_ref().ok_or_else(refused)?;
            let sealed_under = self.open_refresh_key(&grant.id, state).ok_or_else(refused)?;
            if !token.is_authentic(&sealed_under) {
                return Err(refused());
            }
            match refresh::judge(&grant, &token, &client.id, &shown, &asked, grace, now) {
                Verdict::End(reason) => {
                    self.end_for(caller, &grant, reason)?;
                    return Err(refused());
                }
                Verdict::Refuse => return Err(refused()),
                Verdict::Replay(last) => {
                    self.account_of(&grant, now)?;
                    let answer =
                        self.sealing.open(&answer_context(&grant.id), &last.answer).map_err(|_| refused())?;
                    let text = String::from_utf8(answer.expose().clone()).map_err(|_| refused())?;
                    return Ok(Secret::new(text));
                }
                Verdict::Rotate => {
                    if let Some(answer) = self.rotate(caller, request, &grant, token.counter, &asked)? {
                        return Ok(answer);
                    }
                    // Another was faster: the next look finds its answer.
                }
            }
        }
        Err(OAuthError::unavailable().into())
    }

    /// New tokens, if the counter could be raised.
    fn rotate(
        &self,
        caller: &Caller,
        request: &TokenRequest,
        grant: &Grant,
        counter: u64,
        asked: &[u8; 32],
    ) -> Result<Option<Secret<String>>, Failed> {
        let now = self.clock.now();
        let account = self.account_of(grant, now)?;
        let scope = narrower(grant, request)?;
        let resources = narrowed(grant, &request.parameters)?;
        let issue = Issue {
            grant,
            account: &account,
            client: &request.client,
            scope: &scope,
            resources: &resources,
            confirmation: request.confirmation.as_ref(),
            counter: counter.saturating_add(1),
        };
        let answer = self.issue_tokens(issue, now)?.to_json();
        let sealed = self
            .sealing
            .seal(&answer_context(&grant.id), answer.expose().as_bytes(), &*self.rng)
            .map_err(|_| OAuthError::server_error())?;
        let last = LastAnswer { time: now, asked: *asked, answer: sealed };
        let expires = now.saturating_add(self.rules().provider.settings.refresh_idle.as_duration());
        if !self.storage.rotate(&grant.id, counter, &last, expires)? {
            return Ok(None);
        }
        self.count_refresh(caller, &account, grant);
        Ok(Some(answer))
    }

    /// Counted, not written one by one.
    fn count_refresh(&self, caller: &Caller, account: &Account, grant: &Grant) {
        let mut event = self.event(Act::RefreshTokens, caller, Outcome::Success);
        event.actor = actor(account);
        event.tenant = account.tenant.told();
        event.resource = grant.client.to_string();
        self.ledger.observe(event);
    }
}

/// The scope asked for: no more than was granted (RFC 6749, 6).
fn narrower(grant: &Grant, request: &TokenRequest) -> Result<Scopes, OAuthError> {
    let granted = &grant.terms.scope;
    let Some(text) = request.parameters.get("scope") else { return Ok(granted.clone()) };
    match Scopes::parse(text) {
        Some(scope) if scope.is_subset(granted) => Ok(scope),
        _ => Err(OAuthError::new(ErrorCode::InvalidScope, "the scope is wider than the one granted")),
    }
}

fn answer_context(grant: &GrantId) -> String {
    format!("oauth_grants:last_answer:{grant}")
}

/// Each try fails only because another succeeded, and then the next look finds that answer.
const TRIES: usize = 3;
