//! Sign in with a password.
//!
//! A try takes a place at the hashing workers, then reserves itself at the throttle, then costs one
//! verification, whoever's name it gave. Wrong tries are on record before they are answered; a session
//! begins only after its beginning is on record. What was typed as a name is never recorded unless it is
//! one: people type passwords there.

use std::net::{IpAddr, Ipv4Addr};

use gabion_identity::Account;
use gabion_identity::login::{self, BeginError, RejectionReason};
use gabion_identity::session::{BeginSession, SessionError};
use gabion_model::{Acr, ControlId, Methods, Outcome, RequestId, Secret, Timestamp};
use gabion_vault::password;

use crate::record::{About, failure, to_the_end};
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service, SignInError, SignedIn, Step};

impl Service {
    /// Signs in with a password, or asks for a second factor. When the sign-in is complete, the caller's
    /// former session, if any, has ended.
    ///
    /// # Errors
    /// [`SignInError::Rejected`] for an unknown name, a wrong password and a disabled account alike.
    pub async fn sign_in(
        &self,
        caller: &Caller,
        name: &str,
        password: Secret<String>,
    ) -> Result<Step, SignInError> {
        self.sign_in_for(caller, name, password, Acr::OneFactor).await
    }

    /// The same, where whoever sent the person here wants at least `wanted`.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in).
    pub async fn sign_in_for(
        &self,
        caller: &Caller,
        name: &str,
        password: Secret<String>,
        wanted: Acr,
    ) -> Result<Step, SignInError> {
        let (service, mut caller, name) = (self.clone(), caller.clone(), name.to_owned());
        to_the_end(async move {
            caller.request_id.get_or_insert_with(|| RequestId::random(&*service.0.rng));
            let (account, rehashed) = service.authenticate(&caller, name, password).await?;
            service.first_factor(&caller, account, Methods::PASSWORD, rehashed, wanted).await
        })
        .await
    }

    /// Whose password it is. The second is the same password hashed at today's cost, where due.
    async fn authenticate(
        &self,
        caller: &Caller,
        name: String,
        password: Secret<String>,
    ) -> Result<(Account, Option<String>), SignInError> {
        let inner = &self.0;
        let Ok(place) = inner.workers.place() else {
            inner.refuse_sign_in(caller, "all hashing workers are busy");
            return Err(SignInError::Busy);
        };
        let address = caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let rules = inner.rules();
        let decoys = rules.decoys.clone();
        let attempt = self
            .blocking_or(move |inner| {
                let now = inner.clock.now();
                login::begin(&inner.accounts, &inner.throttle, &decoys, &name, address, now)
                    .map_err(Refused::from)
            })
            .await;
        let attempt = match attempt {
            Ok(attempt) => attempt,
            Err(Refused(error)) => {
                if matches!(error, SignInError::Throttled { .. }) {
                    inner.refuse_sign_in(caller, "too many failed tries");
                }
                return Err(error);
            }
        };

        let (cost, worker) = (rules.cost, self.clone());
        let judged = place.run(move || {
            let verification = worker.0.verify_password(&password, &attempt.phc());
            let outcome = attempt.finish(verification, cost);
            let rehashed = match &outcome {
                login::Outcome::Accepted { rehash: true, .. } => {
                    password::hash(&password, cost, &*worker.0.rng).ok()
                }
                _ => None,
            };
            (outcome, rehashed)
        });
        match judged.await.map_err(|_| SignInError::Unavailable)? {
            (login::Outcome::Accepted { account, .. }, rehashed) => Ok((account, rehashed)),
            (login::Outcome::Rejected(rejection), _) => {
                let mut event = inner.event(Act::SignIn, caller, Outcome::Failure);
                event.reason = Some(rejection.reason.to_string());
                event.control = match rejection.reason {
                    RejectionReason::Disabled => ControlId::AUTHN_INSTANT_OFFBOARDING,
                    RejectionReason::UnknownName => ControlId::AUTHN_NO_ENUMERATION,
                    RejectionReason::NotEnrolled | RejectionReason::WrongPassword => event.control,
                };
                if let Some(account) = rejection.account {
                    event.resource = account.name.as_str().to_owned();
                }
                inner.ledger.record(event).await.map_err(ActError::from)?;
                Err(SignInError::Rejected)
            }
        }
    }

    /// Begins a session for somebody who proved who they are by `methods`.
    pub(crate) async fn enter(
        &self,
        caller: Caller,
        account: Account,
        methods: Methods,
        rehashed: Option<String>,
    ) -> Result<SignedIn, SignInError> {
        self.enter_proved(caller, account, methods, rehashed, None).await
    }

    /// The same for somebody who proved it at another provider, perhaps some time ago.
    pub(crate) async fn enter_proved(
        &self,
        mut caller: Caller,
        account: Account,
        methods: Methods,
        rehashed: Option<String>,
        authenticated: Option<Timestamp>,
    ) -> Result<SignedIn, SignInError> {
        let former = caller.session().cloned();
        caller.becomes(&account);
        let mut begun = self.0.begin(Act::SignIn, &caller, About::of(account.name.as_str())).await?;
        let (address, user_agent) = (caller.address, caller.user_agent.clone());
        let result = self
            .blocking_or(move |inner| {
                if let (Some(to), Some(from)) = (rehashed, account.password.clone())
                    && let Err(error) = inner.accounts.rehash(&account.id, from, to)
                {
                    tracing::warn!(%error, "password not hashed anew");
                }
                let now = inner.clock.now();
                let begin = BeginSession { methods, address, user_agent, now };
                let authenticated = authenticated.unwrap_or(now);
                let (ticket, session) =
                    inner.sessions.begin_proved(&account, begin, authenticated, &*inner.rng)?;
                // A browser that signs in again leaves its former session behind (CWE-384).
                if let Some(former) = former {
                    inner.sessions.revoke(&former).map_err(ActError::from)?;
                }
                inner.note_device(&account, &caller, now);
                Ok(SignedIn { ticket, session })
            })
            .await;
        if let Ok(SignedIn { session, .. }) = &result {
            begun = begun.with("session", session.id.as_str());
        }
        begun.complete(&self.0, failure(&result)).await;
        result
    }
}

impl Inner {
    /// Counts a try that was not looked at. A flood of them is folded.
    fn refuse_sign_in(&self, caller: &Caller, reason: &str) {
        let mut event = self.event(Act::SignIn, caller, Outcome::Failure);
        event.control = ControlId::AUTHN_LOGIN_THROTTLE;
        event.reason = Some(reason.to_owned());
        self.ledger.observe(event);
    }
}

/// Why a try was not begun.
struct Refused(SignInError);

impl From<ActError> for Refused {
    fn from(error: ActError) -> Self {
        Self(error.into())
    }
}

impl From<BeginError> for Refused {
    fn from(error: BeginError) -> Self {
        Self(match error {
            BeginError::Throttled(throttled) => SignInError::Throttled { retry_after: throttled.retry_after },
            BeginError::Account(error) => ActError::from(error).into(),
        })
    }
}

impl From<SessionError> for SignInError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Overtaken => Self::Rejected,
            SessionError::Storage(error) => ActError::from(error).into(),
        }
    }
}
