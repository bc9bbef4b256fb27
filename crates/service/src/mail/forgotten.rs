//! Forgotten passwords: a link by mail, for whoever asks.
//!
//! Whoever asks learns nothing: the request is taken without looking whether there is such an account,
//! and everything that depends on the answer happens afterwards, on another task (OWASP ASVS 6.3.8;
//! CWE-204, CWE-208). What may be asked is bounded by what was typed, by address, and altogether; what is
//! sent, by account.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use gabion_identity::{Account, AccountName, Email, LoginSettings, Purpose, Throttle};
use gabion_model::{ControlId, EventKind, Outcome, Period, RequestId, Rng};
use tokio::sync::Semaphore;

use super::letter::{Action, Text};
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, ForgotPasswordError, Service};

/// What bounds the requests for letters.
pub(crate) struct Requests {
    asked: Throttle,
    sent: Throttle,
    under_way: Arc<Semaphore>,
}

impl Requests {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        let asked = LoginSettings {
            failures_per_account: ASKED_PER_NAME,
            failures_per_address: ASKED_PER_ADDRESS,
            failures_in_all: ASKED_IN_ALL,
            window: WINDOW,
            ..LoginSettings::default()
        };
        let sent = LoginSettings {
            failures_per_account: SENT_PER_ACCOUNT,
            failures_per_address: ASKED_IN_ALL,
            ..asked.clone()
        };
        Self {
            asked: Throttle::new(&asked, rng),
            sent: Throttle::new(&sent, rng),
            under_way: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Counts one letter to an account.
    pub(crate) fn may_send(&self, account: &Account, now: gabion_model::Timestamp) -> Result<(), Duration> {
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let counted = self.sent.reserve(account.id.as_str(), nowhere, now);
        counted.map(|reservation| reservation.failed()).map_err(|throttled| throttled.retry_after)
    }
}

impl Service {
    /// Whether people can help themselves by mail.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.0.mail.is_configured()
    }

    /// Takes a request for a link to choose a new password. `who` is a name or a proven address. The
    /// answer is the same, and costs the same, whether or not there is such an account: nothing is looked
    /// up before it is given. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// When too much was asked, by whatever name; never because of an account.
    pub fn forgot_password(&self, caller: &Caller, who: &str) -> Result<(), ForgotPasswordError> {
        let inner = &self.0;
        if !inner.mail.is_configured() {
            return Err(ForgotPasswordError::NotConfigured);
        }
        let address = caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let name = who.parse::<AccountName>().ok();
        let counted = name.as_ref().map_or(who, AccountName::as_str);
        match inner.requests.asked.reserve(counted, address, inner.clock.now()) {
            Ok(reservation) => reservation.failed(),
            Err(throttled) => {
                inner.refuse_link(caller, ControlId::AUTHN_LOGIN_THROTTLE, "too many requests for links");
                return Err(ForgotPasswordError::Throttled { retry_after: throttled.retry_after });
            }
        }
        let Ok(turn) = Arc::clone(&inner.requests.under_way).try_acquire_owned() else {
            inner.refuse_link(caller, ControlId::AUTHN_LOGIN_THROTTLE, "too many requests for links at once");
            return Err(ForgotPasswordError::Busy);
        };
        let (service, mut caller, who) = (self.clone(), caller.clone(), who.to_owned());
        tokio::spawn(async move {
            let _turn = turn;
            caller.request_id.get_or_insert_with(|| RequestId::random(&*service.0.rng));
            if let Err(error) = service.send_recovery(&caller, who).await {
                tracing::warn!(%error, "link for a forgotten password not sent");
            }
        });
        Ok(())
    }

    async fn send_recovery(&self, caller: &Caller, who: String) -> Result<(), ActError> {
        let found = self.blocking(move |inner| inner.find_recoverable(&who)).await?;
        let Some((account, email)) = found else {
            self.0.refuse_link(
                caller,
                ControlId::AUTHN_NO_ENUMERATION,
                "no account with a proven address was named",
            );
            return Ok(());
        };
        if self.0.requests.may_send(&account, self.0.clock.now()).is_err() {
            self.0.refuse_link(caller, ControlId::AUTHN_LOGIN_THROTTLE, "too many links for one account");
            return Ok(());
        }
        let about = About::of(account.name.as_str()).with("purpose", "forgotten");
        self.act(Act::ForgotPassword, caller, about, move |inner, _| {
            let link = inner.issue(&account, Purpose::Forgotten)?;
            let url = inner.link("/.gabion/welcome", &link.token);
            inner.write_to(&account, &email, &text(url));
            Ok::<(), ActError>(())
        })
        .await
    }
}

impl Inner {
    fn find_recoverable(&self, who: &str) -> Result<Option<(Account, Email)>, ActError> {
        let by_name = match who.parse::<AccountName>() {
            Ok(name) => self.accounts.find(&name)?,
            Err(_) => None,
        };
        let account = match (by_name, who.parse::<Email>()) {
            (None, Ok(email)) => self.accounts.by_verified_email(&email)?,
            (by_name, _) => by_name,
        };
        Ok(account.filter(|account| !account.disabled).and_then(|account| {
            let email = account.email.clone().filter(|_| account.email_verified.is_some())?;
            Some((account, email))
        }))
    }

    fn refuse_link(&self, caller: &Caller, control: ControlId, reason: &str) {
        let mut event = self.event(Act::ForgotPassword, caller, Outcome::Failure);
        (event.kind, event.control) = (EventKind::Refusal, control);
        event.reason = Some(reason.to_owned());
        self.ledger.observe(event);
    }
}

fn text(url: gabion_model::Secret<String>) -> Text {
    Text {
        subject: "Choose a new password",
        lines: vec!["Somebody, probably you, asked for a link to choose a new password.".to_owned()],
        action: Some(Action {
            label: "Choose a new password",
            url,
            hint: "The link works once, and for an hour. Every device will be signed out when it is used.",
        }),
        closing: "If you did not ask for this, there is nothing to do: your password stays as it is.",
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Requests")
    }
}

const WINDOW: Period = Period::from_secs(3600);
const ASKED_PER_NAME: u32 = 5;
const ASKED_PER_ADDRESS: u32 = 10;
const ASKED_IN_ALL: u32 = 2000;
const SENT_PER_ACCOUNT: u32 = 5;
/// Requests that were answered and are still worked on.
const AT_ONCE: usize = 32;
