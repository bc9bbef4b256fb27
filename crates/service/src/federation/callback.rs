//! A browser comes back from a provider.

use std::sync::Arc;

use gabion_identity::Account;
use gabion_identity::federation::external::ExternalIdentity;
use gabion_identity::federation::id_token::{self, Expected, IdToken, allowed};
use gabion_identity::federation::{
    Asserted, Attempt, Callback, CallbackError, Hint, IdTokenError, Intent, Metadata, Origin, Provider,
    exchange, userinfo,
};
use gabion_model::{AccountId, Acr, Actor, ControlId, Outcome, RequestId};
use gabion_vault::jose::UnverifiedHeader;

use super::{Arrival, FederationError};
use crate::record::to_the_end;
use crate::service::Inner;
use crate::step::Elsewhere;
use crate::{Act, ActError, Caller, Service, SignInError, Step};

impl Service {
    /// Takes what a browser brings back: the decoded pairs of the query and what its federation cookies
    /// hold. The sign-in it belongs to is used up, whatever comes of it.
    ///
    /// # Errors
    /// When no sign-in was begun in this browser, or the answer is not the provider's word about it.
    pub async fn federation_callback(
        &self,
        caller: &Caller,
        provider: &str,
        pairs: Vec<(String, String)>,
        cookies: Vec<String>,
    ) -> Result<Arrival, FederationError> {
        let (service, mut caller, provider) = (self.clone(), caller.clone(), provider.to_owned());
        to_the_end(async move {
            caller.request_id.get_or_insert_with(|| RequestId::random(&*service.0.rng));
            let arrived = service.arrive(&caller, &provider, pairs, &cookies).await;
            arrived.map_err(|failure| failure.observed(&service.0, &caller, &provider))
        })
        .await
    }

    async fn arrive(
        &self,
        caller: &Caller,
        name: &str,
        pairs: Vec<(String, String)>,
        cookies: &[String],
    ) -> Result<Arrival, Failure> {
        let inner = &self.0;
        let callback = Callback::parse(pairs)?;
        let state = callback.state.as_deref().ok_or(CallbackError::Malformed)?;
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let attempt = inner.federation.attempts.take(state, &cookies, inner.clock.now());
        let attempt = attempt.map_err(|error| Failure::of(FederationError::Unknown, &error))?;
        // The address names the provider; so does the attempt. An answer of one brought to the address of
        // the other is a mix-up (RFC 9207).
        if *attempt.provider != *name {
            return Err(CallbackError::Issuer.into());
        }
        let provider =
            inner.provider(name).ok_or_else(|| Failure::from(FederationError::Act(ActError::NotFound)))?;
        let metadata = inner.metadata(&provider).await?;
        let code = callback.accept(&metadata)?;
        let asserted = self.redeem(&provider, &metadata, &attempt, code).await?;
        if !asserted.admitted {
            return Err(Failure::of(FederationError::NotAdmitted, &"no condition of `admit` holds"));
        }
        match &attempt.intent {
            Intent::Link { account, session } => {
                if caller.session() != Some(session) {
                    let reason = "the session that began to link is not the one that came back";
                    return Err(Failure::of(FederationError::Unknown, &reason));
                }
                let account = account.clone();
                Ok(Arrival::Unlinked { ticket: self.keep(&provider, asserted, Some(account), &attempt) })
            }
            Intent::SignIn => self.admit(caller, &provider, asserted, &attempt).await,
        }
    }

    /// Redeems the code and judges what it is worth.
    async fn redeem(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        attempt: &Attempt,
        code: &str,
    ) -> Result<Asserted, Failure> {
        let inner = &self.0;
        let rejected = |reason: &dyn std::fmt::Display| Failure::of(FederationError::Rejected, reason);
        let unreachable = |reason: &dyn std::fmt::Display| Failure::of(FederationError::Unreachable, reason);
        let request = exchange::request(metadata, provider, attempt, code, inner.clock.now(), &*inner.rng)
            .map_err(|error| unreachable(&error))?;
        let answer = inner.fetch.fetch(request).await.map_err(|error| unreachable(&error))?;
        let tokens = exchange::answer(answer.status, &answer.body).map_err(|error| rejected(&error))?;

        let token = tokens.id_token.expose();
        let header = UnverifiedHeader::of(token).map_err(|error| rejected(&error))?;
        let keys =
            inner.provider_keys(provider, metadata, |keys| id_token::key(&header, keys).is_ok()).await?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &provider.settings.client_id,
            nonce: &attempt.nonce,
            started: attempt.started,
            fresh: attempt.fresh,
            now: inner.clock.now(),
        };
        let access_token = tokens.access_token.as_ref();
        let stated = allowed(&metadata.id_token_algorithms);
        let IdToken { subject, claims } =
            id_token::verify(token, &keys, &stated, access_token.map(|one| one.expose().as_str()), &expected)
                .map_err(|error| match error {
                    IdTokenError::AuthTime => Failure::of(FederationError::NotFresh, &error),
                    error => rejected(&error),
                })?;
        let more = match (&metadata.userinfo_endpoint, access_token) {
            (Some(endpoint), Some(access_token)) => {
                let request = exchange::userinfo(endpoint, access_token);
                let answer = inner.fetch.fetch(request).await.map_err(|error| unreachable(&error))?;
                if answer.status != 200 {
                    return Err(unreachable(&format!("userinfo answered {}", answer.status)));
                }
                Some(userinfo::verify(&answer.body, &subject).map_err(|error| rejected(&error))?)
            }
            _ => None,
        };
        let asserted = Asserted::read(&provider.settings, &metadata.issuer, &subject, &claims, more.as_ref());
        Ok(Asserted { hint: Hint::of(&tokens.id_token), ..asserted })
    }

    /// Lets somebody in whom an account is linked to; others must choose, or are linked or given an account
    /// by the provider's settings.
    async fn admit(
        &self,
        caller: &Caller,
        provider: &Provider,
        asserted: Asserted,
        attempt: &Attempt,
    ) -> Result<Arrival, Failure> {
        let (issuer, subject) = (asserted.issuer.clone(), asserted.subject.clone());
        let linked = self.blocking(move |inner| Ok(inner.storage.identity(&issuer, &subject)?)).await;
        let next = attempt.next.clone();
        if let Some(identity) = linked.map_err(FederationError::Act)? {
            let step = self.enter_linked(caller, provider, &asserted, identity, attempt.wanted).await?;
            return Ok(Arrival::SignedIn { step, next });
        }
        // The provider owns the address, and so says the setting: whoever holds the verified address here
        // is the same person.
        if asserted.trusted_email(&provider.settings).is_some() {
            let account = self.admit_by_address(caller, provider, &asserted).await?;
            if let Some(account) = account {
                let step = self.enter_as(caller, provider, &asserted, account, attempt.wanted).await?;
                return Ok(Arrival::SignedIn { step, next });
            }
        }
        Ok(Arrival::Unlinked { ticket: self.keep(provider, asserted, None, attempt) })
    }

    fn keep(
        &self,
        provider: &Provider,
        asserted: Asserted,
        account: Option<AccountId>,
        attempt: &Attempt,
    ) -> String {
        let inner = &self.0;
        let proven = gabion_identity::federation::proven::New {
            provider: provider.name.clone(),
            asserted,
            account,
            next: attempt.next.clone(),
            wanted: attempt.wanted,
            browser: attempt.browser(),
        };
        inner.federation.provens.put(proven, inner.clock.now(), &*inner.rng)
    }

    /// Lets the owner of a linked identity in, with the roles its claims give now.
    async fn enter_linked(
        &self,
        caller: &Caller,
        provider: &Provider,
        asserted: &Asserted,
        identity: ExternalIdentity,
        wanted: Acr,
    ) -> Result<Step, FederationError> {
        let label = bounded(asserted.label());
        let account = self
            .blocking(move |inner| {
                let now = inner.clock.now();
                if let Err(error) = inner.storage.identity_used(&identity.id, &label, now) {
                    tracing::warn!(%error, "use of an identity not stored");
                }
                inner.accounts.by_id(&identity.account)?.ok_or(ActError::NotFound)
            })
            .await?;
        self.enter_as(caller, provider, asserted, account, wanted).await
    }

    /// The way in, the same as after a password.
    pub(super) async fn enter_as(
        &self,
        caller: &Caller,
        provider: &Provider,
        asserted: &Asserted,
        account: Account,
        wanted: Acr,
    ) -> Result<Step, FederationError> {
        let account = self.map_claims(caller, provider, asserted, account).await?;
        let methods = asserted.methods(&provider.settings);
        let origin = Origin {
            provider: Arc::clone(&provider.name),
            issuer: asserted.issuer.clone(),
            sid: asserted.sid.clone(),
            hint: asserted.hint.clone(),
        };
        let elsewhere = Elsewhere { authenticated: asserted.authenticated, origin: Some(origin) };
        Ok(self.first_factor_at(caller, account, methods, None, wanted, elsewhere).await?)
    }
}

/// A failure and what the record says about it.
pub(super) struct Failure {
    error: FederationError,
    reason: String,
}

impl Failure {
    pub(super) fn of(error: FederationError, reason: &dyn std::fmt::Display) -> Self {
        Self { error, reason: reason.to_string() }
    }

    /// Counts it; a flood of them is folded.
    fn observed(self, inner: &Inner, caller: &Caller, provider: &str) -> FederationError {
        // Only names from the configuration are written down.
        let provider = inner.provider(provider).map(|known| known.name.to_string());
        let mut anonymous = caller.clone();
        anonymous.actor = Actor::Anonymous;
        let mut event = inner.event(Act::FederatedSignIn, &anonymous, Outcome::Failure);
        event.resource = provider.unwrap_or_default();
        event.reason = Some(self.reason);
        if self.error == FederationError::SignIn(SignInError::Rejected) {
            event.control = ControlId::AUTHN_INSTANT_OFFBOARDING;
        }
        inner.ledger.observe(event);
        self.error
    }
}

impl From<FederationError> for Failure {
    fn from(error: FederationError) -> Self {
        Self { reason: error.to_string(), error }
    }
}

impl From<CallbackError> for Failure {
    fn from(error: CallbackError) -> Self {
        let kind = match &error {
            CallbackError::Denied => FederationError::Denied,
            CallbackError::Refused(_) => FederationError::Unreachable,
            CallbackError::Issuer
            | CallbackError::Malformed
            | CallbackError::Repeated
            | CallbackError::TooLong => FederationError::Rejected,
        };
        Self::of(kind, &error)
    }
}

pub(super) fn bounded(text: &str) -> String {
    text.chars().take(254).collect()
}
