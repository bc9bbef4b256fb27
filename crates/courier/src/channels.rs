//! Telling people of alerts, over channels that fail.
//!
//! [`gabion_alert::Desk`] knows what is to be told to whom and keeps it; here it is told. Each channel has a task of its own:
//! one that hangs keeps none of the others waiting. A message counts as delivered when the other side said so, in the way
//! its interface says it. What became of a message stands in the ledger before the desk forgets it.
//!
//! | a channel that | |
//! |---|---|
//! | is away, hangs, answers 5xx or anything unexpected | again after 2 s, 4 s … 10 min, for a day |
//! | answers 429 or 503 with `Retry-After` | not before, at most an hour |
//! | answers 400, 413 or 422: it will never take this message | given up at once |
//! | answers 401, 403, 404, 405 or 410: its address or key is not good any more | every ten minutes, for a day |
//! | says that it took it and lies about it in the answer | the first row |
//! | sends more than 64 KiB back, or leads elsewhere | the first row; redirects are not followed |
//! | fails five times in a row, or once in a way that does not pass by itself | an alert says so, to the other channels |
//!
//! Everything that comes from events is data in every message: no mention, no link, no markup ([`text`]).

mod alertmanager;
mod discord;
mod opsgenie;
mod pager_duty;
mod slack;
mod teams;
pub(crate) mod text;
mod webhook;
mod worker;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_alert::{ChannelKind, ChannelSettings, Desk, Notice, Settings, Told};
use gabion_egress::{Client, EgressSettings, Host, Scheme, Target};
use gabion_ledger::Ledger;
use gabion_model::outbound::{Fetch as _, FetchError, FetchRequest, FetchResponse, Letter};
use gabion_model::{Clock, Problem, Secret};
use gabion_vault::webhook::{Key, Scheme as Signature};
use lettre::Address;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::worker::Worker;
use crate::{Courier, DeliveryError};

/// Why a channel cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ChannelSetupError {
    #[error("cannot read `{path}`: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("the key in `{0}` is none of Standard Webhooks")]
    Key(PathBuf),
    #[error("`{0}` is empty")]
    Nothing(PathBuf),
    #[error("its connection cannot be secured: {0}")]
    Tls(#[from] gabion_egress::TlsError),
    #[error("its address cannot be used: {0}")]
    Url(String),
}

/// Why a message was not delivered. Says nothing of what it holds. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("it cannot be reached: {0}")]
    Fetch(#[from] FetchError),
    #[error("the letter was not taken: {0}")]
    Mail(#[from] DeliveryError),
    #[error("its answer does not say that it took the message")]
    NotSaid,
    #[error("it answered with status {status}{}", meaning(*status))]
    Status { status: u16, again_in: Option<Duration> },
    #[error("the message cannot be signed: {0}")]
    Unsigned(gabion_vault::webhook::SignFault),
}

impl ChannelError {
    fn told(&self) -> Told {
        match self {
            Self::Status { status: 400 | 413 | 422, .. } => Told::Refused,
            Self::Status { again_in: None, .. } if self.is_lasting() => {
                Told::Failed { again_in: Some(LASTING) }
            }
            Self::Status { again_in, .. } => Told::Failed { again_in: *again_in },
            Self::Mail(error) if !error.is_transient() => Told::Refused,
            _ => Told::Failed { again_in: None },
        }
    }
}

impl ChannelError {
    /// Whether it does not pass by itself: the address or the key is not good, or the message is not.
    fn is_lasting(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 400 | 401 | 403 | 404 | 405 | 410 | 413 | 422),
            Self::Mail(error) => !error.is_transient(),
            _ => false,
        }
    }
}

/// What is wrong with the addresses of channels; paths are relative to the table `alerts`.
#[must_use]
pub fn channel_problems(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, channel) in settings.channels.iter().enumerate() {
        let at = |problem: Problem| problem.under(&format!("channels[{index}]"));
        if let Some(url) = &channel.url {
            problems.extend(url_problem(url).map(|reason| at(Problem::new("url", reason))));
        }
        for (place, to) in channel.to.iter().enumerate() {
            if to.parse::<Address>().is_err() {
                problems.push(at(Problem::new(format!("to[{place}]"), "is no e-mail address")));
            }
        }
    }
    let heartbeat = settings.heartbeat.url.as_ref().and_then(|url| url_problem(url));
    problems.extend(heartbeat.map(|reason| Problem::new("heartbeat.url", reason)));
    problems
}

fn url_problem(url: &str) -> Option<String> {
    match Target::parse(url) {
        Err(refusal) => Some(format!("cannot be used: {refusal}")),
        Ok(target) if target.scheme == Scheme::Http && !is_this_machine(&target.authority.host) => {
            Some("sends over the network unsecured; `https`, or `http` to this machine".to_owned())
        }
        Ok(_) => None,
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => name == "localhost",
    }
}

/// All channels. Cheap to clone.
#[derive(Clone)]
pub struct Channels(Arc<Inner>);

struct Inner {
    channels: Vec<Arc<Channel>>,
    clock: Arc<dyn Clock>,
    /// What messages call this gate.
    source: String,
    stop: watch::Sender<bool>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

struct Channel {
    settings: ChannelSettings,
    way: Way,
}

enum Way {
    Http { client: Box<Client>, url: Secret<String>, key: Option<Secret<String>>, keys: Vec<Key> },
    Mail { courier: Courier, done: Mutex<HashSet<(u64, String)>> },
}

impl Channels {
    /// Reads what the channels need; nothing is connected yet. `source` is what messages call this gate: its address.
    ///
    /// # Errors
    /// The name of the first channel that cannot be used, and why.
    pub fn new(
        settings: &Settings,
        courier: &Courier,
        source: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, (String, ChannelSetupError)> {
        let channel = |settings: &ChannelSettings| {
            let way = match settings.kind {
                ChannelKind::Email => Ok(Way::Mail { courier: courier.clone(), done: Mutex::default() }),
                _ => http(settings),
            };
            Ok(Arc::new(Channel {
                way: way.map_err(|error| (settings.name.clone(), error))?,
                settings: settings.clone(),
            }))
        };
        let channels = settings.channels.iter().map(channel).collect::<Result<_, _>>()?;
        let (stop, workers, source) = (watch::channel(false).0, Mutex::default(), source.to_owned());
        Ok(Self(Arc::new(Inner { channels, clock, source, stop, workers })))
    }

    /// Tells what the desk wants told from now on, on the current tokio runtime.
    pub fn start(&self, desk: &Arc<Desk>, ledger: &Ledger) {
        let spawn = |channel: &Arc<Channel>| {
            let (channel, inner) = (Arc::clone(channel), Arc::clone(&self.0));
            tokio::spawn(Worker::new(channel, inner, Arc::clone(desk), ledger.clone()).run())
        };
        let workers: Vec<_> = self.0.channels.iter().map(spawn).collect();
        self.0.workers.lock().unwrap_or_else(PoisonError::into_inner).extend(workers);
    }

    /// Tells nothing more; what is being told may end. What was not told is told after the next start.
    pub async fn close(&self) {
        self.0.stop.send_replace(true);
        let workers = std::mem::take(&mut *self.0.workers.lock().unwrap_or_else(PoisonError::into_inner));
        let end = tokio::time::Instant::now() + GRACE;
        for mut worker in workers {
            if tokio::time::timeout_at(end, &mut worker).await.is_err() {
                // In the middle of a message: it is told again.
                worker.abort();
                let _ = worker.await;
            }
        }
    }

    /// One try with one notice, now.
    ///
    /// # Errors
    /// Why it was not delivered; none where there is no such channel.
    pub async fn deliver(&self, notice: &Notice) -> Option<Result<(), ChannelError>> {
        let channel = self.0.channels.iter().find(|channel| channel.settings.name == notice.channel)?;
        Some(channel.deliver(notice, &self.0).await)
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.channels.iter().map(|channel| &channel.settings.name);
        formatter.debug_list().entries(names).finish()
    }
}

fn http(settings: &ChannelSettings) -> Result<Way, ChannelSetupError> {
    let url = match (&settings.url, &settings.url_file, settings.kind) {
        (Some(url), ..) => Secret::new(url.clone()),
        (None, Some(path), _) => first_line(path)?,
        (None, None, ChannelKind::PagerDuty) => Secret::new(pager_duty::URL.to_owned()),
        (None, None, _) => Secret::new(opsgenie::URL.to_owned()),
    };
    if let Some(reason) = url_problem(url.expose()) {
        return Err(ChannelSetupError::Url(reason));
    }
    let target = Target::parse(url.expose()).map_err(|error| ChannelSetupError::Url(error.to_string()))?;
    let egress = EgressSettings {
        allow: vec![target.authority.to_string()],
        ca_file: settings.ca_file.clone(),
        timeout: settings.timeout,
        ..EgressSettings::default()
    };
    let (mut key, mut keys) = (None, Vec::new());
    if let Some(path) = &settings.key_file {
        if settings.kind == ChannelKind::Webhook {
            let text = read(path)?;
            for line in text.expose().lines().map(str::trim).filter(|line| !line.is_empty()) {
                let parsed = Key::parse(&Signature::Standard, line);
                keys.push(parsed.map_err(|_| ChannelSetupError::Key(path.clone()))?);
            }
            if keys.is_empty() {
                return Err(ChannelSetupError::Nothing(path.clone()));
            }
        } else {
            key = Some(first_line(path)?);
        }
    }
    Ok(Way::Http { client: Box::new(Client::new(&egress)?), url, key, keys })
}

fn read(path: &PathBuf) -> Result<Secret<String>, ChannelSetupError> {
    let read = fs::read_to_string(path).map(Secret::new);
    read.map_err(|source| ChannelSetupError::File { path: path.clone(), source })
}

/// The first line of a file that holds a secret.
fn first_line(path: &PathBuf) -> Result<Secret<String>, ChannelSetupError> {
    let text = read(path)?;
    let line = text.expose().lines().next().unwrap_or_default().trim();
    let is_plain = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { Ok(Secret::new(line.to_owned())) } else { Err(ChannelSetupError::Nothing(path.clone())) }
}

impl Channel {
    async fn deliver(&self, notice: &Notice, inner: &Inner) -> Result<(), ChannelError> {
        let (client, url, key, keys) = match &self.way {
            Way::Http { client, url, key, keys } => (client, url.expose(), key.as_ref(), keys),
            Way::Mail { courier, done } => return self.post(notice, inner, courier, done).await,
        };
        let (now, source) = (inner.clock.now(), inner.source.as_str());
        let request = match self.settings.kind {
            ChannelKind::Alertmanager => alertmanager::request(url, key, notice, source, now),
            ChannelKind::Discord => Some(discord::request(url, notice, source)),
            ChannelKind::Opsgenie => opsgenie::request(url, key, notice, source),
            ChannelKind::PagerDuty => pager_duty::request(url, key, notice, source),
            ChannelKind::Teams => Some(teams::request(url, notice, source)),
            ChannelKind::Webhook => {
                Some(webhook::request(url, keys, notice, source, now).map_err(ChannelError::Unsigned)?)
            }
            ChannelKind::Slack | ChannelKind::Email => Some(slack::request(url, notice, source)),
        };
        // There is nothing to say in the words of this channel.
        let Some(mut request) = request else { return Ok(()) };
        request.deadline = self.settings.timeout.as_duration();
        let answer = client.fetch(request).await?;
        if !(200..300).contains(&answer.status) {
            return Err(ChannelError::Status { status: answer.status, again_in: retry_after(&answer) });
        }
        let is_said = match self.settings.kind {
            ChannelKind::Slack => slack::is_taken(&answer.body),
            ChannelKind::PagerDuty => pager_duty::is_taken(&answer.body),
            ChannelKind::Opsgenie => opsgenie::is_taken(&answer.body),
            _ => true,
        };
        if is_said { Ok(()) } else { Err(ChannelError::NotSaid) }
    }

    /// A letter to each. Whoever got one gets no second because another did not.
    async fn post(
        &self,
        notice: &Notice,
        inner: &Inner,
        courier: &Courier,
        done: &Mutex<HashSet<(u64, String)>>,
    ) -> Result<(), ChannelError> {
        let mut failed = None;
        for to in &self.settings.to {
            let mark = (notice.id, to.clone());
            if done.lock().unwrap_or_else(PoisonError::into_inner).contains(&mark) {
                continue;
            }
            let letter = Letter {
                to: to.clone(),
                subject: text::title(notice),
                text: Secret::new(text::plain(notice, &inner.source)),
                html: None,
            };
            let timeout = self.settings.timeout.as_duration();
            let tried = tokio::time::timeout(timeout, courier.deliver(&letter)).await;
            match tried {
                Ok(Ok(())) => {
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(mark);
                }
                Ok(Err(error)) => failed = Some(ChannelError::Mail(error)),
                Err(_) => failed = Some(ChannelError::Fetch(FetchError::TimedOut)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Nothing more is told of this notice.
    fn forget(&self, notice: &Notice) {
        if let Way::Mail { done, .. } = &self.way {
            done.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != notice.id);
        }
    }
}

/// What a status of refusal says of the channel, for whoever is to put it right.
const fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => ": its address leads elsewhere, which is not followed",
        400 | 413 | 422 => ": it will never take this message",
        401 | 403 => ": the key or the address is not accepted",
        404 | 405 | 410 => ": there is nothing at its address that takes messages",
        429 => ": too many messages",
        _ => "",
    }
}

/// A `POST` of a JSON document.
pub(crate) fn post_json(url: &str, body: &serde_json::Value) -> FetchRequest {
    let json = Secret::new("application/json".to_owned());
    FetchRequest {
        method: gabion_model::outbound::FetchMethod::Post,
        body: Secret::new(body.to_string().into_bytes()),
        ..FetchRequest::get(url)
    }
    .header("content-type", json)
}

/// Seconds (RFC 9110 §10.2.3); a date is as good as nothing, and the usual pause is made.
fn retry_after(answer: &FetchResponse) -> Option<Duration> {
    answer.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// What does not pass by itself is tried again so often, in case somebody puts it right.
const LASTING: Duration = Duration::from_secs(600);

/// What a message that is being told may take at the end.
const GRACE: Duration = Duration::from_secs(2);
