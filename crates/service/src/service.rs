//! The one door to everything privileged.

use std::sync::Arc;

use gabion_ledger::Ledger;
use gabion_model::{Clock, Rng, Secret, SessionId};

use crate::{
    AccountView, ActError, AddAccountError, Caller, ChangePasswordError, DisableAccountError,
    InvitationError, InvitationView, NewAccount, OneTimeLink, PolicyViolation, SessionView, SignInError,
    SignedIn,
};

/// Composes identity, ledger and time; cheap to clone.
#[derive(Debug, Clone)]
pub struct Service(Arc<Inner>);

/// What a service is made of.
#[derive(Debug)]
pub struct Parts {
    pub ledger: Ledger,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
}

#[derive(Debug)]
struct Inner {
    parts: Parts,
}

impl Service {
    /// Signs in with a password. On success the caller's former session, if any, has ended.
    pub async fn sign_in(
        &self,
        caller: &Caller,
        name: &str,
        password: Secret<String>,
    ) -> Result<SignedIn, SignInError> {
        todo!()
    }

    /// Ends the caller's own session.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), ActError> {
        todo!()
    }

    /// The caller's own sessions, the asking one first, then the latest seen.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, ActError> {
        todo!()
    }

    /// Ends one session: an own one; administrators and the operator may end any.
    pub async fn revoke_session(&self, caller: &Caller, id: &SessionId) -> Result<(), ActError> {
        todo!()
    }

    /// Ends all of the caller's sessions but the asking one; answers how many.
    pub async fn revoke_other_sessions(&self, caller: &Caller) -> Result<usize, ActError> {
        todo!()
    }

    /// Changes the caller's own password and ends every other session.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Secret<String>,
        new: Secret<String>,
    ) -> Result<(), ChangePasswordError> {
        todo!()
    }

    /// Makes an account without a password and the link by which its owner sets one.
    pub async fn add_account(
        &self,
        caller: &Caller,
        account: NewAccount,
    ) -> Result<OneTimeLink, AddAccountError> {
        todo!()
    }

    /// All accounts by name.
    pub async fn list_accounts(&self, caller: &Caller) -> Result<Vec<AccountView>, ActError> {
        todo!()
    }

    /// Bars an account and ends all its sessions and live streams at once.
    pub async fn disable_account(&self, caller: &Caller, name: &str) -> Result<(), DisableAccountError> {
        todo!()
    }

    pub async fn enable_account(&self, caller: &Caller, name: &str) -> Result<(), ActError> {
        todo!()
    }

    /// Makes a link by which the owner sets a new password; the old password works until then no more,
    /// and every session ends.
    pub async fn reset_account(&self, caller: &Caller, name: &str) -> Result<OneTimeLink, ActError> {
        todo!()
    }

    /// The link for the first administrator, or none when an administrator can already sign in. An
    /// older link stops working.
    pub async fn first_administrator_link(&self, caller: &Caller) -> Result<Option<OneTimeLink>, ActError> {
        todo!()
    }

    /// What a one-time link is for, without using it.
    pub async fn invitation(
        &self,
        caller: &Caller,
        token: Secret<String>,
    ) -> Result<InvitationView, InvitationError> {
        todo!()
    }

    /// Uses a one-time link: sets the password, ends the account's sessions.
    pub async fn accept_invitation(
        &self,
        caller: &Caller,
        token: Secret<String>,
        password: Secret<String>,
    ) -> Result<(), InvitationError> {
        todo!()
    }

    /// Counts what a browser reported under the content security policy. Never blocks.
    pub fn report_policy_violation(&self, caller: &Caller, violation: PolicyViolation) {
        todo!()
    }

    /// Housekeeping, about once a minute: persists last-seen times, forgets what has expired.
    pub async fn tick(&self) -> Result<(), ActError> {
        todo!()
    }
}
