//! What acts take and give: plain data for pages, commands and answers.

use std::net::IpAddr;
use std::sync::Arc;

use gabion_identity::{Account, AccountKind, Purpose, Session};
use gabion_model::{AccountId, Secret, SessionId, TenantId, Timestamp};
use serde::Serialize;

/// A new sign-in. The ticket goes into the cookie and nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    pub ticket: Secret<String>,
    pub session: Arc<Session>,
}

/// One sign-in as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionView {
    pub id: SessionId,
    pub started: Timestamp,
    pub last_seen: Timestamp,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// The session that asked.
    pub current: bool,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    Active,
    Disabled,
    /// Made, but its one-time link was not used yet.
    Invited,
}

impl AccountState {
    pub(crate) fn of(account: &Account) -> Self {
        match (account.disabled, &account.password, account.kind) {
            (true, ..) => Self::Disabled,
            // A program is never asked for a password.
            (false, Some(_), _) | (false, None, AccountKind::Service) => Self::Active,
            (false, None, AccountKind::Person) => Self::Invited,
        }
    }
}

/// One account as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    pub id: AccountId,
    pub name: String,
    pub tenant: TenantId,
    pub roles: Vec<String>,
    pub state: AccountState,
    pub created: Timestamp,
    pub last_sign_in: Option<Timestamp>,
    /// How many sessions it has now.
    pub sessions: usize,
}

/// The account to make.
#[derive(Debug, Clone, Default)]
pub struct NewAccount {
    /// What the person signs in with.
    pub name: String,
    /// `default` when not given.
    pub tenant: Option<String>,
    /// For instance `administrator`, or the application's own.
    pub roles: Vec<String>,
}

/// A freshly made one-time link. Shown once, to whoever asked for it.
#[derive(Debug, Clone)]
pub struct OneTimeLink {
    pub token: Secret<String>,
    pub account: AccountId,
    /// The account's name.
    pub name: String,
    pub purpose: Purpose,
    pub expires: Timestamp,
}

impl OneTimeLink {
    /// The link below the gate's own address, for instance `/.gabion/welcome?token=…`.
    #[must_use]
    pub fn path(&self) -> Secret<String> {
        Secret::new(format!("/.gabion/welcome?token={}", self.token.expose()))
    }
}

/// What the holder of a one-time link may know before using it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvitationView {
    /// The account's name.
    pub name: String,
    pub purpose: Purpose,
    pub expires: Timestamp,
}

/// What a browser reports under `report-uri` (CSP Level 3, 5.3), reduced to what may be kept: no
/// queries, no samples of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyViolation {
    /// The page, as origin-less path.
    pub document: String,
    /// The directive that was violated, for instance `script-src-elem`.
    pub directive: String,
    /// What was blocked: `inline`, `eval`, a scheme or an origin.
    pub blocked: String,
}
