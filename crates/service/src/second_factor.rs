//! The second half of a sign-in: a code, a recovery code, or a passkey.
//!
//! Every stage needs what it asks for: a request without a proof, with a proof of another kind, or for a
//! sign-in that another browser began, gets nowhere (authentik CVE-2026-49448). A wrong try is counted
//! before it is looked at and is on record before it is answered.

use std::net::{IpAddr, Ipv4Addr};

use gabion_identity::factors::{recovery, totp};
use gabion_identity::passkey::{Challenges, Demand, Holder, Purpose};
use gabion_identity::storage::PasskeyUse;
use gabion_identity::{Account, FactorKind, PendingSignIn};
use gabion_model::{Acr, Actor, ControlId, Methods, Outcome, RequestId, Secret};

use crate::passkeys::PasskeyAnswer;
use crate::record::to_the_end;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Notice, SecondFactorError, Service, SignedIn};

/// What somebody shows beside the first factor.
#[derive(Debug)]
pub enum Proof {
    Passkey(PasskeyAnswer),
    RecoveryCode(Secret<String>),
    Totp(Secret<String>),
}

/// A half-done sign-in, for the page that asks for the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingView {
    /// Whose it is: the person proved that already.
    pub name: String,
    pub factors: Vec<FactorKind>,
    /// There is no second factor yet, and one must be set up.
    pub enrol: bool,
    /// What is asked for at least.
    pub wanted: Acr,
}

/// A half-done sign-in that was found good a moment ago, and the ticket it was found by.
pub(crate) struct Open {
    pub(crate) pending: PendingSignIn,
    pub(crate) account: Account,
    pub(crate) ticket: Secret<String>,
}

impl Service {
    /// The half-done sign-in one of the browser's tickets stands for; none when there is none any more.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn pending(&self, tickets: &[Secret<String>]) -> Result<Option<PendingView>, ActError> {
        let tickets = tickets.to_vec();
        self.blocking(move |inner| {
            let Some(open) = inner.open(&tickets)? else { return Ok(None) };
            Ok(Some(PendingView {
                name: open.account.name.to_string(),
                factors: inner.usable_factors(&open.account)?,
                enrol: open.pending.enrol,
                wanted: open.pending.wanted,
            }))
        })
        .await
    }

    /// Ends a half-done sign-in with a second factor.
    ///
    /// # Errors
    /// [`SecondFactorError::Rejected`] for whatever does not prove it.
    pub async fn second_factor(
        &self,
        caller: &Caller,
        tickets: &[Secret<String>],
        proof: Proof,
    ) -> Result<SignedIn, SecondFactorError> {
        let (service, mut caller, tickets) = (self.clone(), caller.clone(), tickets.to_vec());
        to_the_end(async move {
            caller.request_id.get_or_insert_with(|| RequestId::random(&*service.0.rng));
            service.prove(&caller, tickets, proof).await
        })
        .await
    }

    async fn prove(
        &self,
        caller: &Caller,
        tickets: Vec<Secret<String>>,
        proof: Proof,
    ) -> Result<SignedIn, SecondFactorError> {
        let inner = &self.0;
        let kind = proof.kind();
        let address = caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let (open, judged) = self
            .blocking_or(move |inner| {
                let open = inner.open(&tickets)?.ok_or(SecondFactorError::Gone)?;
                if open.pending.enrol {
                    // There is nothing to prove yet; this stage is not to be skipped.
                    return Err(SecondFactorError::Gone);
                }
                let now = inner.clock.now();
                let reservation =
                    inner.counters.reserve(kind, &open.account.id, address, now).map_err(|throttled| {
                        SecondFactorError::Throttled { retry_after: throttled.retry_after }
                    })?;
                let judged = inner.judge(&open, proof)?;
                match judged {
                    Ok(_) => reservation.succeeded(),
                    Err(_) => reservation.failed(),
                }
                Ok((open, judged))
            })
            .await
            .inspect_err(|error| {
                if matches!(error, SecondFactorError::Throttled { .. }) {
                    inner.refuse_second_factor(caller, kind);
                }
            })?;
        let methods = match judged {
            Ok(methods) => open.pending.methods.with(methods),
            Err(reason) => {
                self.record_wrong_factor(caller, &open.account, kind, &reason).await?;
                return Err(SecondFactorError::Rejected);
            }
        };
        // Of two requests that finish one sign-in at once, one does.
        let taken = inner.pending.take(open.ticket.expose(), inner.clock.now());
        let PendingSignIn { rehashed, origin, .. } = taken.ok_or(SecondFactorError::Gone)?;
        if methods.acr() < Acr::TwoFactors {
            return Err(SecondFactorError::Rejected);
        }
        if kind == FactorKind::RecoveryCode {
            self.tell_of_recovery(open.account.clone()).await;
        }
        let entered = self.enter(caller.clone(), open.account, methods, rehashed).await?;
        inner.federation.began(origin, &entered, inner.clock.now());
        Ok(entered)
    }

    async fn tell_of_recovery(&self, account: Account) {
        let told = self
            .blocking(move |inner| {
                let left = inner.storage.factors(&account.id)?.recovery_codes;
                inner.notify(&account, &Notice::RecoveryCodeUsed { left });
                Ok(())
            })
            .await;
        if let Err(error) = told {
            tracing::warn!(%error, "notice not sent");
        }
    }

    /// A wrong try, on record before it is answered.
    pub(crate) async fn record_wrong_factor(
        &self,
        caller: &Caller,
        account: &Account,
        kind: FactorKind,
        reason: &str,
    ) -> Result<(), ActError> {
        let mut event = self.0.event(Act::SignIn, caller, Outcome::Failure);
        event.actor =
            Actor::Account { id: account.id.clone(), name: account.name.to_string(), session: None };
        event.tenant = account.tenant.told();
        event.control = control(kind);
        event.reason = Some(reason.to_owned());
        event.resource = account.name.to_string();
        event.metadata.insert("factor".to_owned(), kind.to_string());
        self.0.ledger.record(event).await?;
        Ok(())
    }
}

impl Inner {
    /// The half-done sign-in of one of the tickets, if its account is as it was.
    pub(crate) fn open(&self, tickets: &[Secret<String>]) -> Result<Option<Open>, ActError> {
        let now = self.clock.now();
        for ticket in tickets {
            let Some(pending) = self.pending.find(ticket.expose(), now) else { continue };
            match self.accounts.by_id(&pending.account)? {
                Some(account) if !account.disabled && account.epoch == pending.epoch => {
                    return Ok(Some(Open { pending, account, ticket: ticket.clone() }));
                }
                // Disabled, or its password or roles changed since.
                _ => drop(self.pending.take(ticket.expose(), now)),
            }
        }
        Ok(None)
    }

    /// What the proof proves, or why it proves nothing.
    fn judge(&self, open: &Open, proof: Proof) -> Result<Result<Methods, String>, ActError> {
        let account = &open.account;
        match proof {
            Proof::Totp(code) => {
                let right = self.is_totp(account, &code)?;
                Ok(right.then_some(Methods::TOTP).ok_or_else(|| "the code is wrong or was used".to_owned()))
            }
            Proof::RecoveryCode(code) => {
                // Codes stand in for a factor that is there.
                let stands_in = self.storage.factors(&account.id)?.count() > 0;
                let right = match recovery::hash(&account.id, &code).filter(|_| stands_in) {
                    Some(hash) => self.storage.use_recovery_code(&account.id, &hash)?,
                    None => false,
                };
                let reason = || "the recovery code is wrong or was used".to_owned();
                Ok(right.then_some(Methods::RECOVERY_CODE).ok_or_else(reason))
            }
            Proof::Passkey(answer) => self.judge_passkey(open, &answer),
        }
    }

    /// Whether it is a code of one of the account's apps that was not used yet; uses it up.
    fn is_totp(&self, account: &Account, code: &Secret<String>) -> Result<bool, ActError> {
        let (now, neighbours) = (self.clock.now(), self.rules().factors.totp_neighbouring_steps);
        for app in self.storage.factors(&account.id)?.totps {
            let context = totp::Totp::context(&account.id, &app.id);
            let Ok(secret) = self.sealing.open(&context, &app.sealed) else {
                tracing::error!(factor = %app.id, "the secret of an authenticator app cannot be opened");
                continue;
            };
            if let Some(step) = totp::matching_step(&secret, code, now, neighbours)
                && self.storage.use_totp(&app.id, step, now)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn judge_passkey(
        &self,
        open: &Open,
        answer: &PasskeyAnswer,
    ) -> Result<Result<Methods, String>, ActError> {
        let now = self.clock.now();
        let holder = Holder::ticket(open.ticket.expose());
        let Some(challenge) = Challenges::take(&self.challenges, holder, Purpose::Authentication, now) else {
            return Ok(Err("no challenge is open for the passkey".to_owned()));
        };
        let (Some(rp), Some(assertion)) = (self.relying_party(), answer.assertion()) else {
            return Ok(Err("the answer of the passkey is malformed".to_owned()));
        };
        let found = self.storage.passkey(assertion.credential)?;
        let Some(passkey) = found.filter(|one| one.account == open.account.id) else {
            return Ok(Err("the passkey is not the account's".to_owned()));
        };
        let demand = Demand { user_verification: self.verifies_users(), user_handle: false };
        match assertion.verify(&rp, &challenge, &passkey, demand) {
            Ok(shown) => {
                let used = PasskeyUse {
                    before: passkey.sign_count,
                    sign_count: shown.sign_count,
                    backed_up: shown.backed_up,
                    now,
                };
                if !self.storage.use_passkey(&passkey.id, &used)? {
                    return Ok(Err("the passkey was used at the same time".to_owned()));
                }
                Ok(Ok(if shown.user_verified { Methods::PASSKEY_USER_VERIFIED } else { Methods::PASSKEY }))
            }
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// Counts a try that was not looked at. A flood of them is folded.
    pub(crate) fn refuse_second_factor(&self, caller: &Caller, kind: FactorKind) {
        let mut event = self.event(Act::SignIn, caller, Outcome::Failure);
        event.control = ControlId::AUTHN_LOGIN_THROTTLE;
        event.reason = Some(format!("too many failed tries at a second factor ({kind})"));
        self.ledger.observe(event);
    }
}

impl Proof {
    const fn kind(&self) -> FactorKind {
        match self {
            Self::Passkey(_) => FactorKind::Passkey,
            Self::RecoveryCode(_) => FactorKind::RecoveryCode,
            Self::Totp(_) => FactorKind::Totp,
        }
    }
}

/// The control a try at a factor serves.
pub(crate) const fn control(kind: FactorKind) -> ControlId {
    match kind {
        FactorKind::Passkey => ControlId::AUTHN_PASSKEYS,
        FactorKind::RecoveryCode => ControlId::AUTHN_RECOVERY_CODES,
        FactorKind::Totp => ControlId::AUTHN_TOTP,
    }
}
