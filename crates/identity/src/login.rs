//! Sign-in by password, around the slow part.
//!
//! [`begin`] decides whether a try is allowed and says what to verify the password against; the caller
//! verifies on a thread made for it; [`Attempt::finish`] decides. An unknown name, a malformed one, an
//! account without a password and a disabled account all cost one verification, like a wrong password,
//! and give the same answer (OWASP ASVS 6.3.8; CWE-204, CWE-208).

use std::net::IpAddr;
use std::sync::Arc;

use gabion_model::Timestamp;
use gabion_vault::password::{Cost, Verification};

use crate::account::{Account, AccountError, Accounts};
use crate::name::AccountName;
use crate::throttle::{Reservation, Throttle, Throttled};

/// An allowed try, waiting for its verification. Dropped, it counts as a wrong try.
#[derive(Debug)]
#[must_use = "an attempt that is dropped counts as a wrong try"]
pub struct Attempt {
    account: Option<Account>,
    phc: Arc<str>,
    reservation: Reservation,
}

/// How it ended.
#[derive(Debug)]
pub enum Outcome {
    /// The password is right. Where `rehash`, hash it anew at today's cost and keep that
    /// ([`Accounts::rehash`]).
    Accepted {
        account: Account,
        rehash: bool,
    },
    Rejected(Rejection),
}

/// Why the person was not let in: for the ledger. The person sees one and the same sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub reason: RejectionReason,
    /// The account whose name was given, if there is one.
    pub account: Option<Account>,
}

/// Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RejectionReason {
    /// The password was right.
    #[error("the account is disabled")]
    Disabled,
    #[error("the account has no password yet")]
    NotEnrolled,
    #[error("there is no account with this name")]
    UnknownName,
    #[error("the password is wrong")]
    WrongPassword,
}

/// Why no try was allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Throttled(#[from] Throttled),
}

/// Reserves a try and looks up what to verify against; `dummy` is
/// [`gabion_vault::password::dummy`] at today's cost.
///
/// # Errors
/// When there were too many wrong tries or the storage fails.
pub fn begin(
    accounts: &Accounts,
    throttle: &Throttle,
    dummy: &Arc<str>,
    name: &str,
    address: IpAddr,
    now: Timestamp,
) -> Result<Attempt, BeginError> {
    let parsed = name.parse::<AccountName>().ok();
    // A malformed name cannot be an account's; it is counted like one all the same.
    let counted = parsed.as_ref().map_or(name, AccountName::as_str);
    let reservation = throttle.reserve(counted, address, now)?;
    let account = match &parsed {
        Some(name) => accounts.find(name)?,
        None => None,
    };
    let phc = match account.as_ref().and_then(|account| account.password.as_deref()) {
        Some(phc) => phc.into(),
        None => Arc::clone(dummy),
    };
    Ok(Attempt { account, phc, reservation })
}

impl Attempt {
    /// What to verify the password against.
    #[must_use]
    pub fn phc(&self) -> Arc<str> {
        Arc::clone(&self.phc)
    }

    /// Decides, and settles the try.
    #[must_use]
    pub fn finish(self, verification: Verification, cost: Cost) -> Outcome {
        let Self { account, reservation, .. } = self;
        let reason = match &account {
            None => RejectionReason::UnknownName,
            Some(account) if account.password.is_none() => RejectionReason::NotEnrolled,
            Some(_) if !verification.matches() => RejectionReason::WrongPassword,
            Some(account) if account.disabled => RejectionReason::Disabled,
            Some(_) => {
                if let Some(account) = account {
                    reservation.succeeded();
                    return Outcome::Accepted { account, rehash: verification.needs_rehash(cost) };
                }
                RejectionReason::UnknownName
            }
        };
        reservation.failed();
        Outcome::Rejected(Rejection { reason, account })
    }
}
