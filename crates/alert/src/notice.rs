//! What is to be told to a channel.

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Group;

/// What about. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Somebody has it.
    Acknowledged,
    Closed,
    /// Nobody took it: now others are told.
    Escalated,
    /// There were more than the channel takes in an hour.
    More,
    /// It rang.
    Raised,
    /// Still nobody took it.
    Repeated,
    /// Whether messages arrive.
    Test,
}

impl NoticeKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
            Self::Escalated => "escalated",
            Self::More => "more",
            Self::Raised => "raised",
            Self::Repeated => "repeated",
            Self::Test => "test",
        }
    }

    /// Whether it asks somebody to do something; the others only say that it was done.
    #[must_use]
    pub const fn rings(self) -> bool {
        !matches!(self, Self::Acknowledged | Self::Closed)
    }
}

/// One message to one channel, kept until it was delivered or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub id: u64,
    pub channel: String,
    pub kind: NoticeKind,
    /// As it was when the notice was made; none for tests and for what is about many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Box<Group>>,
    /// How many groups [`NoticeKind::More`] is about.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    /// How bad the worst of them is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Severity>,
    pub made: Timestamp,
    /// Not before.
    pub due: Timestamp,
    pub tries: u32,
}

impl Notice {
    /// How bad it is what it is about.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let own = self.group.as_ref().map(|group| group.severity);
        own.or(self.worst).unwrap_or(Severity::Informational)
    }

    /// What the ledger says of it in the end: that it was delivered, or why it was not.
    #[must_use]
    pub fn ended(&self, told: Result<(), &str>, now: Timestamp) -> Event {
        let (action, outcome) = match told {
            Ok(()) => ("alert.delivered", Outcome::Success),
            Err(_) => ("alert.undelivered", Outcome::Failure),
        };
        let (kind, control) = (EventKind::Configuration, ControlId::WATCH_ALERTS);
        let mut event = Event::new(now, kind, action, Actor::Gate, outcome, control);
        event.resource.clone_from(&self.channel);
        event.reason = told.err().map(ToOwned::to_owned);
        let mut add = |key: &str, value: String| event.metadata.insert(key.to_owned(), value);
        if let Some(group) = &self.group {
            add("alert", group.id.to_string());
            add("rule", group.rule.clone());
        }
        if self.more > 0 {
            add("more", self.more.to_string());
        }
        add("notice", self.kind.as_str().to_owned());
        add("tries", self.tries.saturating_add(1).to_string());
        event
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
