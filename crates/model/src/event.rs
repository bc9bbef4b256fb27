//! What happened, in the shape the ledger keeps it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, ControlId, RequestId, SessionId, TenantId, Timestamp};

/// One security-relevant happening: who did what to what, from where, how it ended and which control
/// was at work. Never holds a password, cookie, token or other secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub time: Timestamp,
    pub kind: EventKind,
    /// A stable dotted verb, for instance `login.failed` or `account.disabled`.
    pub action: String,
    pub actor: Actor,
    /// What was acted upon: a path without its query, an account name, a setting.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    pub outcome: Outcome,
    /// How bad it is, where whoever made the event says so; otherwise kind and outcome tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    pub control: ControlId,
    /// Whose record it is, where it is not the application's only or default tenant: that of the account that acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// How many like this one it stands for; more than one when a flood was folded.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u64,
}

impl Event {
    /// An event with the optional fields empty.
    #[must_use]
    pub fn new(
        time: Timestamp,
        kind: EventKind,
        action: &str,
        actor: Actor,
        outcome: Outcome,
        control: ControlId,
    ) -> Self {
        Self {
            time,
            kind,
            action: action.to_owned(),
            actor,
            resource: String::new(),
            address: None,
            user_agent: None,
            outcome,
            severity: None,
            reason: None,
            metadata: BTreeMap::new(),
            request_id: None,
            control,
            tenant: None,
            count: 1,
        }
    }
}

/// The classes of event. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An account was made, changed, disabled, enrolled or reset.
    Administration,
    /// A detection rule rang.
    Alert,
    /// The application behind the gate says that something happened in it.
    Application,
    /// Gabion started, stopped, or its configuration changed.
    Configuration,
    /// A policy decided what somebody may.
    Decision,
    /// Something went wrong behind the gate: grouped, with a count.
    Error,
    /// An incident was opened, or somebody worked on one.
    Incident,
    /// Somebody tried to sign in.
    Login,
    /// Somebody signed out.
    Logout,
    /// A request was refused.
    Refusal,
    /// A session or key began, ended, was revoked, or came from elsewhere.
    Session,
    /// What was asked of the application and how it answered, counted.
    Traffic,
}

impl EventKind {
    pub const ALL: &[Self] = &[
        Self::Administration,
        Self::Alert,
        Self::Application,
        Self::Configuration,
        Self::Decision,
        Self::Error,
        Self::Incident,
        Self::Login,
        Self::Logout,
        Self::Refusal,
        Self::Session,
        Self::Traffic,
    ];

    /// Its name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administration => "administration",
            Self::Alert => "alert",
            Self::Application => "application",
            Self::Configuration => "configuration",
            Self::Decision => "decision",
            Self::Error => "error",
            Self::Incident => "incident",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Refusal => "refusal",
            Self::Session => "session",
            Self::Traffic => "traffic",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Recorded before the act; a later event with the same request id says how it ended.
    Begun,
    Failure,
    Success,
}

impl Outcome {
    pub const ALL: &[Self] = &[Self::Begun, Self::Failure, Self::Success];

    /// Its name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Failure => "failure",
            Self::Success => "success",
        }
    }
}

/// How bad something is, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: &[Self] = &[Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    Account {
        id: AccountId,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
    },
    /// Not signed in.
    Anonymous,
    /// The gate itself: start, timers, housekeeping.
    Gate,
    /// Whoever holds the machine: the CLI, over the local control socket.
    Operator,
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_one(count: &u64) -> bool {
    *count == 1
}
