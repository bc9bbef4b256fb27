//! A measure: what is done to whom, why, until when, and how it ended.

use std::net::IpAddr;

use gabion_model::{AccountId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Network;

/// What can be done. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing from one client's address is answered.
    BlockAddress,
    /// The same for the network the alert is about.
    BlockNetwork,
    /// An account is refused everything, its sessions end.
    DisableAccount,
    /// An API key is refused.
    DisableKey,
    /// Everybody who is signed in to the account signs in again.
    RequireStepUp,
    /// The account's sessions and tokens end, once.
    RevokeSessions,
    /// One request in two seconds; others wait for their turn.
    SlowDown,
    /// The route asks everybody to sign in.
    StrictRoute,
}

impl Action {
    pub const ALL: &[Self] = &[
        Self::BlockAddress,
        Self::BlockNetwork,
        Self::DisableAccount,
        Self::DisableKey,
        Self::RequireStepUp,
        Self::RevokeSessions,
        Self::SlowDown,
        Self::StrictRoute,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlockAddress => "block_address",
            Self::BlockNetwork => "block_network",
            Self::DisableAccount => "disable_account",
            Self::DisableKey => "disable_key",
            Self::RequireStepUp => "require_step_up",
            Self::RevokeSessions => "revoke_sessions",
            Self::SlowDown => "slow_down",
            Self::StrictRoute => "strict_route",
        }
    }

    /// Whether the target has to be of the kind the action is about.
    #[must_use]
    pub const fn fits(self, target: &Target) -> bool {
        match self {
            Self::BlockAddress | Self::BlockNetwork | Self::SlowDown => {
                matches!(target, Target::Network { .. })
            }
            Self::DisableAccount | Self::RequireStepUp | Self::RevokeSessions => {
                matches!(target, Target::Account { .. })
            }
            Self::DisableKey => matches!(target, Target::Key { .. }),
            Self::StrictRoute => matches!(target, Target::Route { .. }),
        }
    }
}

/// To whom, or to what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Target {
    Account {
        id: AccountId,
        name: String,
    },
    /// An API key, by its id.
    Key {
        id: String,
    },
    Network {
        network: Network,
    },
    /// A route, by the path it declares.
    Route {
        path: String,
    },
}

impl Target {
    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network { network } if network.contains(address))
    }

    /// Whether the two are the same, however they are called now.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Account { id, .. }, Self::Account { id: other, .. }) => id == other,
            _ => self == other,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account { name, .. } => formatter.write_str(name),
            Self::Key { id } => formatter.write_str(id),
            Self::Network { network } => std::fmt::Display::fmt(network, formatter),
            Self::Route { path } => formatter.write_str(path),
        }
    }
}

/// Who wanted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Origin {
    /// Somebody, by name; `operator` for whoever holds the machine.
    Hand { by: String },
    /// A rule; `alert` is the place of its alert in the ledger.
    Rule { rule: String, alert: u64 },
}

/// How it stands. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    /// Would be active, were it not a dry run.
    DryRun,
    /// Its time is over.
    Expired,
    /// Beyond the budget: waits for a person.
    Pending,
    /// Somebody ended it, or said no to it.
    Undone,
}

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::DryRun => "dry_run",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Undone => "undone",
        }
    }

    /// It may still do something.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::DryRun | Self::Pending)
    }
}

/// How and by whom it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub at: Timestamp,
    pub by: String,
}

/// A measure that is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMeasure {
    pub action: Action,
    pub target: Target,
    pub origin: Origin,
    pub reason: String,
    pub from: Timestamp,
    pub until: Timestamp,
    pub state: State,
}

/// A measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    pub id: u64,
    pub action: Action,
    pub target: Target,
    pub origin: Origin,
    pub reason: String,
    pub from: Timestamp,
    pub until: Timestamp,
    pub state: State,
    /// When it was taken, let be taken, or made longer, whichever was last.
    pub changed: Timestamp,
    /// Who let it be taken beyond the budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

impl Measure {
    /// Whether it was taken when that alert rang, and not by one before.
    #[must_use]
    pub fn is_of(&self, position: u64) -> bool {
        matches!(self.origin, Origin::Rule { alert, .. } if alert == position)
    }

    /// Whether it does something at that time, or may still do.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state.is_open() && now < self.until
    }

    /// Whether it does something at that time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.state == State::Active && now < self.until
    }
}
