//! The authorization endpoint: what a browser brings, and what happens to it.
//!
//! A request that needs a person waits in the storage under a random id, bound to the browser by a
//! cookie; every step is judged anew from what holds then, so none can be skipped by coming back early.

use gabion_identity::oauth::client::Client;
use gabion_identity::oauth::request::{
    AuthorizationRequest, Consented, Present, Progress, Step, Target, TargetError,
};
use gabion_identity::oauth::response::AuthorizationResponse;
use gabion_identity::oauth::storage::Pending;
use gabion_identity::oauth::token::ID_TOKEN_TYPE;
use gabion_identity::oauth::{ErrorCode, OAuthError, Parameters, redirect_host};
use gabion_identity::{Account, Session};
use gabion_model::{Acr, Actor, Outcome, Secret, random};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::{constant_time_eq, sha256};
use serde::Deserialize;
use std::sync::Arc;

use super::Failed;
use crate::service::Inner;
use crate::{Act, Caller, Service};

/// What becomes of an authorization request.
#[derive(Debug)]
pub enum Authorization {
    /// Back to the application.
    Answer(AuthorizationResponse),
    /// The person is asked.
    Ask(Box<Asked>),
    /// There is no such request any more: it expired, was answered, or is another browser's.
    Gone,
    /// Nobody may be redirected.
    Invalid(TargetError),
    /// The person must sign in, and come back to the request after.
    SignIn {
        flow: Secret<String>,
        browser: Secret<String>,
        fresh: bool,
        acr: Option<Acr>,
        hint: Option<String>,
    },
}

/// What the person is asked.
#[derive(Debug)]
pub struct Asked {
    pub flow: Secret<String>,
    /// For the cookie.
    pub browser: Secret<String>,
    pub client: AskingClient,
    /// Who is signed in.
    pub name: String,
    /// The session that is asked, so that no other answers.
    pub session: String,
    /// Which account to go on with, and nothing else yet.
    pub select: bool,
    pub scopes: Vec<ScopeView>,
    /// Claims asked for by name, beyond what the scopes stand for.
    pub claims: Vec<String>,
    pub redirect_uri: String,
}

/// A client as people see it. Texts of whoever registered it: hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingClient {
    pub id: String,
    pub name: String,
    pub home: Option<String>,
    pub policy: Option<String>,
    pub terms: Option<String>,
    /// Where the answer goes.
    pub host: String,
}

/// A scope in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ScopeView {
    pub name: String,
    pub words: String,
}

/// A waiting request with what the browser knows it by.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: Secret<String>,
    pub(super) browser: Secret<String>,
    pub(super) pending: Pending,
}

impl Service {
    /// A request at the authorization endpoint. `browsers` are the values of the flow cookie that came
    /// with it.
    ///
    /// # Errors
    /// `temporarily_unavailable` when it cannot be judged now; nobody is redirected then.
    pub async fn authorize(
        &self,
        caller: &Caller,
        parameters: Parameters,
        browsers: Vec<Secret<String>>,
    ) -> Result<Authorization, OAuthError> {
        let client = match parameters.get("client_id") {
            Some(id) => self.known_client(id).await.map_err(|Failed(error)| error)?,
            None => None,
        };
        let caller = caller.clone();
        let work = move |inner: &Inner| inner.authorization(&caller, &parameters, client, browsers);
        self.blocking_or(work).await.map_err(|Failed(error)| error)
    }

    /// Goes on with a request that waits.
    ///
    /// # Errors
    /// `temporarily_unavailable` when it cannot be judged now.
    pub async fn resume_authorization(
        &self,
        caller: &Caller,
        flow: Secret<String>,
        browsers: Vec<Secret<String>>,
    ) -> Result<Authorization, OAuthError> {
        let client = self.client_of_flow(&flow, &browsers).await.map_err(|Failed(error)| error)?;
        let Some((flow, client)) = client else { return Ok(Authorization::Gone) };
        let caller = caller.clone();
        let work = move |inner: &Inner| inner.proceed(&caller, flow, &client, Consented::No);
        self.blocking_or(work).await.map_err(|Failed(error)| error)
    }

    /// A waiting request of this browser, and its client.
    pub(super) async fn client_of_flow(
        &self,
        flow: &Secret<String>,
        browsers: &[Secret<String>],
    ) -> Result<Option<(Flow, Arc<Client>)>, Failed> {
        let (id, browsers) = (flow.clone(), browsers.to_vec());
        let flow = self.blocking_or(move |inner| inner.flow(id, &browsers)).await?;
        let Some(flow) = flow else { return Ok(None) };
        let client = self.known_client(flow.pending.request.target.client.as_str()).await?;
        Ok(client.map(|client| (flow, client)))
    }
}

impl Inner {
    fn authorization(
        &self,
        caller: &Caller,
        parameters: &Parameters,
        client: Option<Arc<Client>>,
        browsers: Vec<Secret<String>>,
    ) -> Result<Authorization, Failed> {
        let rules = self.rules();
        let settings = &rules.provider.settings;
        let Some(client) = client.filter(|_| settings.enabled) else {
            self.refused_target(caller, TargetError::UnknownClient);
            return Ok(Authorization::Invalid(TargetError::UnknownClient));
        };
        let issuer = self.issuer();
        let (target, request) = match self.pushed(parameters, &client)? {
            Some(request) => (request.target.clone(), Ok(request)),
            None => {
                let target = match Target::of(parameters, Some(&client)) {
                    Ok(target) => target,
                    Err(error) => {
                        self.refused_target(caller, error);
                        return Ok(Authorization::Invalid(error));
                    }
                };
                let request = if client.metadata.require_pushed_authorization_requests {
                    Err(OAuthError::invalid_request("the client must push its requests (RFC 9126)"))
                } else {
                    AuthorizationRequest::validate(
                        target.clone(),
                        parameters,
                        &client,
                        settings,
                        &rules.provider.scopes,
                        &issuer,
                    )
                };
                (target, request)
            }
        };
        let request = request.and_then(|request| self.resolve_hint(request));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Ok(self.refuse(caller, &target, &error)),
        };
        let now = self.clock.now();
        let id = base64url_encode(&random::bytes::<32>(&*self.rng));
        // One small cookie for all requests of a browser, however many wait.
        let browser = browsers
            .into_iter()
            .find(|value| gabion_vault::encoding::base64url_decode_32(value.expose()).is_ok())
            .unwrap_or_else(|| Secret::new(base64url_encode(&random::bytes::<32>(&*self.rng))));
        let pending = Pending {
            id: sha256(id.as_bytes()),
            browser: sha256(browser.expose().as_bytes()),
            request,
            progress: Progress { begun: now, selected: false, stepped_up: false },
            expires: now.saturating_add(settings.sign_in.as_duration()),
        };
        let flow = Flow { id: Secret::new(id), browser, pending };
        self.step(caller, flow, &client, Consented::No, false)
    }

    /// Goes on with a request that is stored already.
    pub(super) fn proceed(
        &self,
        caller: &Caller,
        flow: Flow,
        client: &Arc<Client>,
        consented: Consented,
    ) -> Result<Authorization, Failed> {
        self.step(caller, flow, client, consented, true)
    }

    fn step(
        &self,
        caller: &Caller,
        mut flow: Flow,
        client: &Arc<Client>,
        consented: Consented,
        stored: bool,
    ) -> Result<Authorization, Failed> {
        let now = self.clock.now();
        let present = self.present(caller)?;
        let consented = match (&present, consented) {
            (Some((account, _)), Consented::No) => self.remembered(&flow.pending.request, client, account)?,
            (_, other) => other,
        };
        let who = present.as_ref().map(|(account, session)| Present {
            account: &account.id,
            authenticated: session.authenticated,
            methods: session.methods,
        });
        let request = &flow.pending.request;
        match (request.next(flow.pending.progress, who, consented, now), present) {
            (Step::Refuse(error), _) => {
                if stored {
                    self.storage.take_pending(&flow.pending.id)?;
                }
                Ok(self.refuse(caller, &request.target, &error))
            }
            (Step::Grant, Some((account, session))) => {
                // Whoever takes it away answers it; there is one answer to one request.
                if stored && !self.storage.take_pending(&flow.pending.id)? {
                    return Ok(Authorization::Gone);
                }
                Ok(Authorization::Answer(self.issue_code(request, client, &account, &session)?))
            }
            (Step::Login { fresh, acr }, _) => {
                let stepped_up = flow.pending.progress.stepped_up || acr.is_some();
                let hint = request.login_hint.clone();
                flow.pending.progress.stepped_up = stepped_up;
                self.keep(&flow.pending, stored)?;
                Ok(Authorization::SignIn { flow: flow.id, browser: flow.browser, fresh, acr, hint })
            }
            (step @ (Step::Select | Step::Consent), Some((account, session))) => {
                self.keep(&flow.pending, stored)?;
                let select = step == Step::Select;
                Ok(Authorization::Ask(Box::new(self.ask(flow, client, &account, &session, select))))
            }
            // Nobody is present, and yet more than a login was asked for: not reachable, and closed.
            (Step::Grant | Step::Select | Step::Consent, None) => Ok(Authorization::Gone),
        }
    }

    fn keep(&self, pending: &Pending, stored: bool) -> Result<(), Failed> {
        if stored {
            self.storage.set_progress(&pending.id, pending.progress)?;
        } else {
            self.storage.insert_pending(pending)?;
        }
        Ok(())
    }

    /// The request behind an id, if it is this browser's.
    fn flow(&self, id: Secret<String>, browsers: &[Secret<String>]) -> Result<Option<Flow>, Failed> {
        let hash = sha256(id.expose().as_bytes());
        let Some(pending) = self.storage.pending(&hash, self.clock.now())? else { return Ok(None) };
        let own =
            |value: &&Secret<String>| constant_time_eq(&sha256(value.expose().as_bytes()), &pending.browser);
        Ok(browsers.iter().find(own).cloned().map(|browser| Flow { id, browser, pending }))
    }

    /// The account and session of the caller, as of now.
    pub(super) fn present(&self, caller: &Caller) -> Result<Option<(Account, Arc<Session>)>, Failed> {
        let Actor::Account { id, session: Some(session), .. } = &caller.actor else { return Ok(None) };
        let Some(session) = self.sessions.of_account(id, session, self.clock.now()) else { return Ok(None) };
        let account = self.accounts.by_id(id)?.filter(|account| !account.disabled);
        Ok(account.map(|account| (account, session)))
    }

    /// Whether the person needs to be asked at all. A client that anybody could pretend to be (a public
    /// one that is reached by no https address) is never taken for the one remembered (RFC 8252, 8.6).
    fn remembered(
        &self,
        request: &AuthorizationRequest,
        client: &Client,
        account: &Account,
    ) -> Result<Consented, Failed> {
        if client.metadata.first_party {
            return Ok(Consented::Remembered);
        }
        if !client.is_confidential() && !request.target.redirect_uri.starts_with("https://") {
            return Ok(Consented::No);
        }
        let consent = self.storage.consent(&account.id, &client.id)?;
        let covers = consent.is_some_and(|consent| {
            request.scope.is_subset(&consent.scope)
                && request.claims.names().iter().all(|claim| consent.claims.contains(claim))
        });
        Ok(if covers { Consented::Remembered } else { Consented::No })
    }

    fn ask(&self, flow: Flow, client: &Client, account: &Account, session: &Session, select: bool) -> Asked {
        let rules = self.rules();
        let request = flow.pending.request;
        let covered = rules.provider.scopes.claims(&request.scope);
        let mut claims = request.claims.names();
        claims.retain(|claim| !covered.contains(claim.as_str()));
        let scopes = request
            .scope
            .iter()
            .map(|name| ScopeView {
                name: name.to_owned(),
                words: rules.provider.scopes.describe(name).to_owned(),
            })
            .collect();
        Asked {
            flow: flow.id,
            browser: flow.browser,
            client: AskingClient::of(client, &request.target.redirect_uri),
            name: account.name.to_string(),
            session: session.id.to_string(),
            select,
            scopes,
            claims,
            redirect_uri: request.target.redirect_uri,
        }
    }

    /// Tells the application by redirect, and counts it.
    pub(super) fn refuse(&self, caller: &Caller, target: &Target, error: &OAuthError) -> Authorization {
        if !matches!(error.code, ErrorCode::LoginRequired | ErrorCode::ConsentRequired) {
            let mut event = self.event(Act::Authorize, caller, Outcome::Failure);
            event.resource = target.client.to_string();
            event.reason = Some(error.to_string());
            self.ledger.observe(event);
        }
        Authorization::Answer(AuthorizationResponse::refused(target, error, &self.issuer()))
    }

    fn refused_target(&self, caller: &Caller, error: TargetError) {
        let mut event = self.event(Act::Authorize, caller, Outcome::Failure);
        event.control = gabion_model::ControlId::OAUTH_EXACT_REDIRECTS;
        event.reason = Some(error.to_string());
        self.ledger.observe(event);
    }

    /// Who the hint is about (OpenID Connect Core 1.0, 3.1.2.1): an ID token of ours for this client,
    /// expired or not.
    fn resolve_hint(&self, mut request: AuthorizationRequest) -> Result<AuthorizationRequest, OAuthError> {
        #[derive(Deserialize)]
        struct Hint {
            iss: String,
            sub: String,
            aud: String,
        }
        let Some(hint) = request.id_token_hint.take() else { return Ok(request) };
        let invalid = || OAuthError::invalid_request("id_token_hint is not an ID token of this client");
        let hint: Hint = self.verify_own(&hint, ID_TOKEN_TYPE).ok_or_else(invalid)?;
        if *hint.iss != *self.issuer() || hint.aud != request.target.client.as_str() {
            return Err(invalid());
        }
        match &request.subject {
            Some(subject) if *subject != hint.sub => {
                Err(OAuthError::invalid_request("id_token_hint and claims name two subjects"))
            }
            _ => {
                request.subject = Some(hint.sub);
                Ok(request)
            }
        }
    }
}

impl AskingClient {
    pub(super) fn of(client: &Client, redirect_uri: &str) -> Self {
        let metadata = &client.metadata;
        Self {
            id: client.id.to_string(),
            name: if metadata.name.is_empty() { client.id.to_string() } else { metadata.name.clone() },
            home: metadata.client_uri.clone(),
            policy: metadata.policy_uri.clone(),
            terms: metadata.tos_uri.clone(),
            host: redirect_host(redirect_uri),
        }
    }
}
