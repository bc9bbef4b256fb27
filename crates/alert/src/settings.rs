//! `[alerts]`

use std::path::PathBuf;

use gabion_model::{Period, Problem, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Matcher;

/// Whom alerts are told to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// An alert for the same within this time after the last belongs to the same group.
    pub window: Period,
    /// Nobody acknowledged: after this time the next step is told.
    pub escalate_after: Period,
    /// Nobody acknowledged at the last step either: told again after this time, again and again.
    pub repeat_after: Period,
    /// A group in which nothing rang for so long is closed. Those that nobody acknowledged are kept open three times as long.
    pub close_after: Period,
    /// Where alerts go. The name of a channel is what people and the record call it.
    pub channels: Vec<ChannelSettings>,
    /// Alerts that are grouped and kept and never told, and why.
    pub exceptions: Vec<Exception>,
    /// Watching that alerts arrive.
    pub heartbeat: Heartbeat,
}

/// `[[alerts.channels]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// 1 to 32 lower-case letters, digits and `-`.
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ChannelKind,
    /// The address messages are sent to; `https`, or `http` to this machine. For those that are secrets (`slack`, `teams`,
    /// `discord`) rather `url_file`. Not needed for `pager_duty` and `opsgenie`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file whose first line is the address. A relative path counts from the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// The file with the key: `webhook`: `whsec_…`, one a line; `pager_duty`: the integration key; `opsgenie`: the API key;
    /// `alertmanager`: a bearer token, if it asks for one. A relative path counts from the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// For `email`: to whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Certificates in PEM form of authorities that are believed beside those of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Only alerts that are so bad: `informational`, `low`, `medium`, `high` or `critical`.
    #[serde(default = "medium")]
    #[schemars(with = "String")]
    pub least: Severity,
    /// Only alerts of these rules, by name or id; empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Who is told first (1), who when nobody acknowledged (2, 3, …).
    #[serde(default = "first")]
    pub step: u8,
    /// So many messages in an hour, 1 to 3600; what is more is told in one.
    #[serde(default = "sixty")]
    pub per_hour: u32,
    /// How long one message may take. Between 1 second and 1 minute.
    #[serde(default = "ten_seconds")]
    pub timeout: Period,
}

/// What a channel is. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// Prometheus Alertmanager (API v2).
    Alertmanager,
    Discord,
    /// By `[mail]`.
    Email,
    Opsgenie,
    /// Events API v2.
    PagerDuty,
    Slack,
    /// Microsoft Teams, by a workflow that takes Adaptive Cards.
    Teams,
    /// Signed by Standard Webhooks.
    Webhook,
}

impl ChannelKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Discord => "discord",
            Self::Email => "email",
            Self::Opsgenie => "opsgenie",
            Self::PagerDuty => "pager_duty",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Webhook => "webhook",
        }
    }

    /// Whether it keeps alerts itself and wants to know when one is taken or over.
    #[must_use]
    pub const fn follows(self) -> bool {
        matches!(self, Self::Alertmanager | Self::Opsgenie | Self::PagerDuty | Self::Webhook)
    }
}

/// Alerts that are never told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    #[serde(rename = "match")]
    pub matcher: Matcher,
    /// In words, for whoever asks later.
    pub reason: String,
}

/// `[alerts.heartbeat]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Heartbeat {
    /// Asked (`GET`) as long as alerts are watched for and delivered: a dead man's switch elsewhere rings when it is not.
    pub url: Option<String>,
    /// The file whose first line is that address.
    pub url_file: Option<PathBuf>,
    /// How often. Between 30 seconds and 1 day.
    pub every: Period,
    /// A test message to every channel, so often. Without it, none.
    pub test_every: Option<Period>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: Period::from_secs(3600),
            escalate_after: Period::from_secs(15 * 60),
            repeat_after: Period::from_secs(4 * 3600),
            close_after: Period::from_secs(24 * 3600),
            channels: Vec::new(),
            exceptions: Vec::new(),
            heartbeat: Heartbeat::default(),
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { url: None, url_file: None, every: Period::from_secs(300), test_every: None }
    }
}

impl Settings {
    /// Everything wrong with these values, addresses excepted.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut within = |key: &str, period: Period, least: u64, most: u64| {
            let (least, most) = (Period::from_secs(least), Period::from_secs(most));
            if !(least..=most).contains(&period) {
                problems.push(Problem::new(key, format!("`{period}` is not between {least} and {most}")));
            }
        };
        within("window", self.window, 60, 7 * DAY);
        within("escalate_after", self.escalate_after, 60, DAY);
        within("repeat_after", self.repeat_after, 60, 7 * DAY);
        within("close_after", self.close_after, 3600, 30 * DAY);
        within("heartbeat.every", self.heartbeat.every, 30, DAY);
        if let Some(every) = self.heartbeat.test_every {
            within("heartbeat.test_every", every, 3600, 30 * DAY);
        }
        if self.heartbeat.url.is_some() && self.heartbeat.url_file.is_some() {
            problems.push(Problem::new("heartbeat.url", "there is `url_file`, too").hint("leave one out"));
        }
        for (index, exception) in self.exceptions.iter().enumerate() {
            let at = |problem: Problem| problem.under(&format!("exceptions[{index}]"));
            problems.extend(exception.matcher.problem().map(|problem| at(problem.under("match"))));
            if exception.reason.trim().is_empty() {
                let problem = Problem::new("reason", "is empty");
                problems.push(at(problem.hint("say in a few words why nobody is to be told")));
            }
        }
        if self.channels.len() > CHANNELS {
            problems.push(Problem::new("channels", format!("are more than {CHANNELS}")));
        }
        for (index, channel) in self.channels.iter().enumerate() {
            let mut found = channel.problems();
            if self.channels.iter().take(index).any(|other| other.name == channel.name) {
                found.push(Problem::new("name", "is another channel's name, too"));
            }
            problems.extend(found.into_iter().map(|one| one.under(&format!("channels[{index}]"))));
        }
        problems
    }

    /// The highest step anybody is told at.
    #[must_use]
    pub fn last_step(&self) -> u8 {
        self.channels.iter().map(|channel| channel.step).max().unwrap_or(1)
    }
}

impl ChannelSettings {
    fn problems(&self) -> Vec<Problem> {
        use ChannelKind::{Alertmanager, Discord, Email, Opsgenie, PagerDuty, Slack, Teams, Webhook};
        let mut problems = Vec::new();
        if !is_word(&self.name) {
            problems.push(
                Problem::new("name", "cannot be one").hint("1 to 32 lower-case letters, digits and `-`"),
            );
        }
        let has_url = self.url.is_some() || self.url_file.is_some();
        let needs_url = matches!(self.kind, Alertmanager | Discord | Slack | Teams | Webhook);
        if needs_url && !has_url {
            problems.push(Problem::new("url_file", "is missing").hint("or `url`"));
        }
        if self.url.is_some() && self.url_file.is_some() {
            problems.push(Problem::new("url", "there is `url_file`, too").hint("leave one out"));
        }
        match (self.kind, self.key_file.is_some()) {
            (Opsgenie | PagerDuty | Webhook, false) => {
                problems.push(Problem::new("key_file", "is missing"));
            }
            (Discord | Email | Slack | Teams, true) => {
                problems.push(Problem::new("key_file", "means nothing for a channel of this type"));
            }
            _ => {}
        }
        match (self.kind, self.to.is_empty()) {
            (Email, true) => problems.push(Problem::new("to", "is empty").hint("the addresses of people")),
            (Email, false) if self.to.len() > RECIPIENTS => {
                problems.push(Problem::new("to", format!("are more than {RECIPIENTS}")));
            }
            (Email, false) => {}
            (_, false) => problems.push(Problem::new("to", "means nothing for a channel of this type")),
            (_, true) => {}
        }
        if self.kind == Email && (has_url || self.ca_file.is_some()) {
            problems.push(Problem::new("url", "means nothing for e-mail").hint("letters leave by `[mail]`"));
        }
        if !(1..=STEPS).contains(&self.step) {
            problems.push(Problem::new("step", format!("is not between 1 and {STEPS}")));
        }
        if !(1..=PER_HOUR).contains(&self.per_hour) {
            problems.push(Problem::new("per_hour", format!("is not between 1 and {PER_HOUR}")));
        }
        let (least, most) = (Period::from_secs(1), Period::from_secs(60));
        if !(least..=most).contains(&self.timeout) {
            let reason = format!("`{}` is not between {least} and {most}", self.timeout);
            problems.push(Problem::new("timeout", reason));
        }
        problems
    }

    /// Whether alerts of that rule, so bad, are told here.
    #[must_use]
    pub fn takes(&self, rule: &str, id: &str, severity: Severity) -> bool {
        severity >= self.least
            && (self.rules.is_empty() || self.rules.iter().any(|own| own == rule || own == id))
    }
}

/// Whether it can be the name of a channel.
#[must_use]
pub fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

const fn medium() -> Severity {
    Severity::Medium
}

const fn first() -> u8 {
    1
}

const fn sixty() -> u32 {
    60
}

const fn ten_seconds() -> Period {
    Period::from_secs(10)
}

const DAY: u64 = 86_400;
const CHANNELS: usize = 32;
const RECIPIENTS: usize = 20;
const STEPS: u8 = 5;
const PER_HOUR: u32 = 3600;
