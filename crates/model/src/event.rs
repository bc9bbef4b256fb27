//! What happened, in the shape the ledger keeps it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, ControlId, RequestId, SessionId, Timestamp};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    pub control: ControlId,
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
            reason: None,
            metadata: BTreeMap::new(),
            request_id: None,
            control,
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
    /// Gabion started, stopped, or its configuration changed.
    Configuration,
    /// A policy decided what somebody may.
    Decision,
    /// Somebody tried to sign in.
    Login,
    /// Somebody signed out.
    Logout,
    /// A request was refused.
    Refusal,
    /// A session began, ended or was revoked.
    Session,
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
