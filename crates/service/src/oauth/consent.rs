//! What the person answers.

use std::sync::Arc;

use gabion_identity::oauth::client::Client;
use gabion_identity::oauth::grant::Consent;
use gabion_identity::oauth::request::Consented;
use gabion_identity::oauth::{ErrorCode, OAuthError};
use gabion_model::Secret;

use super::authorize::Flow;
use super::{Authorization, Failed};
use crate::record::About;
use crate::service::Inner;
use crate::{Act, Caller, Service};

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The application may.
    Allow,
    Deny,
    /// Go on with the account that is signed in.
    Continue,
    /// Sign in as somebody else.
    Switch,
}

impl Service {
    /// Answers a waiting request. `session` is the one that was asked: when another is signed in now,
    /// that one is asked first.
    ///
    /// # Errors
    /// `temporarily_unavailable` when it cannot be recorded; nothing was allowed then.
    pub async fn decide_authorization(
        &self,
        caller: &Caller,
        flow: Secret<String>,
        browsers: Vec<Secret<String>>,
        session: &str,
        decision: Decision,
    ) -> Result<Authorization, OAuthError> {
        let found = self.client_of_flow(&flow, &browsers).await.map_err(|Failed(error)| error)?;
        let Some((flow, client)) = found else { return Ok(Authorization::Gone) };
        let asked = caller.session().is_some_and(|own| own.as_str() == session);
        let result = match (decision, asked) {
            (Decision::Allow, true) => self.allow(caller, flow, client).await,
            (Decision::Deny, true) => self.deny(caller, flow).await,
            (decision, _) => {
                let caller = caller.clone();
                let work = move |inner: &Inner| {
                    let mut flow = flow;
                    if decision == Decision::Switch {
                        let hint = None;
                        return Ok(Authorization::SignIn {
                            flow: flow.id,
                            browser: flow.browser,
                            fresh: true,
                            acr: flow.pending.request.acr.first().copied(),
                            hint,
                        });
                    }
                    flow.pending.progress.selected |= asked && decision == Decision::Continue;
                    inner.proceed(&caller, flow, &client, Consented::No)
                };
                self.blocking_or(work).await
            }
        };
        result.map_err(|Failed(error)| error)
    }

    /// The consent is on record before it has any effect.
    async fn allow(&self, caller: &Caller, flow: Flow, client: Arc<Client>) -> Result<Authorization, Failed> {
        let about = About::of(client.id.to_string()).with("scope", flow.pending.request.scope.to_string());
        let asking = caller.clone();
        self.act(Act::Consent, caller, about, move |inner, standing| {
            let account = standing.account()?;
            let request = &flow.pending.request;
            let former = inner.storage.consent(&account.id, &client.id)?;
            let (mut scope, mut claims) = (request.scope.clone(), request.claims.names());
            if let Some(former) = former {
                scope = scope.union(&former.scope);
                claims.extend(former.claims);
                claims.sort_unstable();
                claims.dedup();
            }
            let granted = inner.clock.now();
            let consent = Consent { account: account.id, client: client.id.clone(), scope, claims, granted };
            let answer = inner.proceed(&asking, flow, &client, Consented::JustNow)?;
            if matches!(answer, Authorization::Answer(_)) {
                inner.storage.put_consent(&consent)?;
            }
            Ok(answer)
        })
        .await
    }

    async fn deny(&self, caller: &Caller, flow: Flow) -> Result<Authorization, Failed> {
        let caller = caller.clone();
        self.blocking_or(move |inner| {
            if !inner.storage.take_pending(&flow.pending.id)? {
                return Ok(Authorization::Gone);
            }
            let error = OAuthError::new(ErrorCode::AccessDenied, "the person did not allow it");
            Ok(inner.refuse(&caller, &flow.pending.request.target, &error))
        })
        .await
    }
}
