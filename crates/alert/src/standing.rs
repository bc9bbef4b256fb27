//! How a channel does.

use gabion_model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ChannelKind, ChannelSettings};

/// What is known of a channel since the gate began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStanding {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ChannelKind,
    pub step: u8,
    pub least: Severity,
    /// Messages that were not delivered yet.
    pub waiting: usize,
    /// Alerts that it is told of in one message, because there was no room for them.
    pub folded: u64,
    /// When it took something last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Timestamp>,
    /// Since when every try fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Failed tries in a row.
    pub failures: u32,
    /// Why the last of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The part of it that tries change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    delivered: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    failures: u32,
    reason: Option<String>,
    /// Others were told that it fails.
    told: bool,
}

impl Health {
    pub(crate) fn works(&mut self, now: Timestamp) -> bool {
        let had_failed = self.failures > 0;
        *self = Self { delivered: Some(now), ..Self::default() };
        had_failed
    }

    pub(crate) fn fails(&mut self, reason: &str, lasting: bool, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        self.reason = Some(reason.to_owned());
        let tell = !self.told && (lasting || self.failures >= MANY);
        self.told |= tell;
        tell
    }

    pub(crate) fn standing(self, channel: &ChannelSettings, waiting: usize, folded: u64) -> ChannelStanding {
        let Self { delivered, failing_since, failures, reason, told: _ } = self;
        ChannelStanding {
            name: channel.name.clone(),
            kind: channel.kind,
            step: channel.step,
            least: channel.least,
            waiting,
            folded,
            delivered,
            failing_since,
            failures,
            reason,
        }
    }
}

/// Failed tries in a row after which others are told.
const MANY: u32 = 5;
