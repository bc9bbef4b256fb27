//! What comes after one factor is proved: the session, or the question for another factor.
//!
//! Every way to prove a first factor (a password, another provider) ends here, so that none has a way
//! around the second.

use std::fmt;

use gabion_identity::federation::Origin;
use gabion_identity::{Account, AccountKind, FactorKind, PendingSignIn};
use gabion_model::{Acr, Methods, Secret, Timestamp};

use crate::record::to_the_end;
use crate::service::Inner;
use crate::{ActError, Caller, Service, SignInError, SignedIn};

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// The sign-in is complete.
    In(SignedIn),
    /// Another factor is asked for, or must be set up first.
    SecondFactor(Pending),
}

/// A sign-in that is half done.
pub struct Pending {
    /// For the browser's login cookie ([`gabion_identity::cookie::set_login`]) and nowhere else.
    pub ticket: Secret<String>,
    /// What the person can prove next. Empty where a factor must be set up first.
    pub factors: Vec<FactorKind>,
}

/// What is known of a first factor that was proved to another provider.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    /// When, if it says.
    pub(crate) authenticated: Option<Timestamp>,
    pub(crate) origin: Option<Origin>,
}

impl Service {
    /// Somebody proved to be `account` by `methods`, and by nothing else. `rehashed` is the password hashed
    /// at today's cost, where due; it is kept when the sign-in completes. At least `wanted` is asked for.
    ///
    /// # Errors
    /// When the account may not sign in, or the sign-in cannot be recorded.
    pub(crate) async fn first_factor(
        &self,
        caller: &Caller,
        account: Account,
        methods: Methods,
        rehashed: Option<String>,
        wanted: Acr,
    ) -> Result<Step, SignInError> {
        self.first_factor_at(caller, account, methods, rehashed, wanted, Elsewhere::default()).await
    }

    /// The same for somebody who proved it at another provider, perhaps some time ago.
    ///
    /// # Errors
    /// As [`first_factor`](Self::first_factor).
    pub(crate) async fn first_factor_at(
        &self,
        caller: &Caller,
        account: Account,
        methods: Methods,
        rehashed: Option<String>,
        wanted: Acr,
        elsewhere: Elsewhere,
    ) -> Result<Step, SignInError> {
        if account.kind == AccountKind::Service || account.disabled {
            return Err(SignInError::Rejected);
        }
        let now = self.0.clock.now();
        if self.0.register.load().shield().account(&account.id, now) == gabion_respond::Standing::Disabled {
            return Err(SignInError::Rejected);
        }
        let (service, caller) = (self.clone(), caller.clone());
        to_the_end(async move {
            let asked = account.clone();
            let (factors, enough) = service
                .blocking(move |inner| Ok((inner.usable_factors(&asked)?, inner.enough(&asked)?)))
                .await?;
            // A passkey cannot be asked of somebody who has another factor and none of these.
            let cannot = wanted == Acr::PhishingResistant
                && !factors.is_empty()
                && !factors.contains(&FactorKind::Passkey);
            let enough = enough.max(if cannot { Acr::TwoFactors } else { wanted });
            if methods.acr() >= enough {
                let Elsewhere { authenticated, origin } = elsewhere;
                let entered = service.enter_proved(caller, account, methods, rehashed, authenticated).await?;
                service.0.federation.began(origin, &entered, service.0.clock.now());
                return Ok(Step::In(entered));
            }
            let inner = &service.0;
            let pending = PendingSignIn {
                account: account.id,
                epoch: account.epoch,
                methods,
                rehashed,
                wanted: enough,
                enrol: factors.is_empty(),
                origin: elsewhere.origin,
                begun: inner.clock.now(),
            };
            let ticket = inner.pending.begin(pending, &*inner.rng);
            Ok(Step::SecondFactor(Pending { ticket, factors }))
        })
        .await
    }
}

impl Inner {
    /// What a sign-in to the account must add up to: two factors where it has a second, or must have.
    pub(crate) fn enough(&self, account: &Account) -> Result<Acr, ActError> {
        let required = self.rules().factors.is_required_for(&account.roles);
        let second = required || !self.usable_factors(account)?.is_empty();
        Ok(if second { Acr::TwoFactors } else { Acr::OneFactor })
    }
}

impl Step {
    /// The session, where no second factor was asked for.
    #[must_use]
    pub fn signed_in(self) -> Option<SignedIn> {
        match self {
            Self::In(signed_in) => Some(signed_in),
            Self::SecondFactor(_) => None,
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pending").field("factors", &self.factors).finish_non_exhaustive()
    }
}
