//! Alerts of a running gate: shown to the desk and to the response as they are recorded, told, and watched over.
//!
//! One task reads along in the ledger. What it has seen is kept by whom it was shown to, so that after a crash each alert is
//! grouped, told and answered all the same; whatever is shown twice changes nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_courier::{ChannelSetupError, Channels, Courier};
use gabion_egress::{Client, EgressSettings, Target};
use gabion_gateway::{Probe, Reading};
use gabion_ledger::{Ledger, Position, ReadError, Record};
use gabion_model::outbound::{BoxFuture, Fetch as _, FetchRequest};
use gabion_model::{Actor, Clock, ControlId, Event, EventKind, Outcome, Secret, Severity};
use gabion_service::alert::{GroupState, Heartbeat, Notice};
use gabion_service::{Caller, Service, Teller};
use tokio::task::JoinHandle;

use super::state::State;
use super::watch::Figures;
use crate::config::Config;
use crate::failure::Failure;

/// What tells alerts. Ends with [`Alerting::close`].
#[derive(Debug)]
pub(crate) struct Alerting {
    channels: Arc<Mutex<Channels>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    heart: Mutex<Option<JoinHandle<()>>>,
}

/// What a configuration asks for, before anything is changed.
#[derive(Debug)]
pub(crate) struct Plan {
    channels: Channels,
    heart: Option<Heart>,
}

impl Plan {
    /// # Errors
    /// The first channel that cannot be used.
    pub(crate) fn of(config: &Config, state: &State) -> Result<Self, Failure> {
        let source = state.service.origin();
        let channels = open(config, state, &source)?;
        let heart = Heart::of(&config.alerts.heartbeat, &state.clock)?;
        Ok(Self { channels, heart })
    }
}

/// The channels of a configuration.
///
/// # Errors
/// The first that cannot be used.
pub(crate) fn open(config: &Config, state: &State, source: &str) -> Result<Channels, Failure> {
    let opened = Channels::new(&config.alerts, &state.courier, source, Arc::clone(&state.clock));
    opened.map_err(|(name, error)| {
        let failure = Failure::new(format!("the alert channel `{name}` cannot be used")).because(&error);
        match error {
            ChannelSetupError::Key(_) | ChannelSetupError::Nothing(_) => {
                failure.hint("the key or the address stands in the first line")
            }
            _ => failure.hint("see `[[alerts.channels]]`"),
        }
    })
}

/// Tells test messages by the configuration as it is now, with keys and addresses as their files have them now.
#[derive(Debug)]
pub(crate) struct Direct {
    service: Service,
    courier: Courier,
    clock: Arc<dyn Clock>,
}

impl Direct {
    pub(crate) fn new(service: &Service, courier: &Courier, clock: &Arc<dyn Clock>) -> Self {
        Self { service: service.clone(), courier: courier.clone(), clock: Arc::clone(clock) }
    }
}

impl Teller for Direct {
    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let mut settings = (*self.service.desk().settings()).clone();
            settings.channels.retain(|channel| channel.name == notice.channel);
            let (origin, clock) = (self.service.origin(), Arc::clone(&self.clock));
            let channels = Channels::new(&settings, &self.courier, &origin, clock);
            let channels = channels.map_err(|(_, error)| error.to_string())?;
            match channels.deliver(&notice).await {
                Some(told) => told.map_err(|error| error.to_string()),
                None => Err("there is no such channel any more".to_owned()),
            }
        })
    }
}

impl Alerting {
    /// Begins to tell, and to answer alerts.
    pub(crate) fn start(plan: Plan, state: &State, figures: &Arc<Figures>) -> Self {
        let Plan { channels, heart } = plan;
        channels.start(&state.service.desk(), &state.ledger);
        let channels = Arc::new(Mutex::new(channels));
        let reader = Reader {
            service: state.service.clone(),
            ledger: state.ledger.clone(),
            clock: Arc::clone(&state.clock),
        };
        let ticking = state.service.clone();
        let tasks = vec![tokio::spawn(reader.run()), tokio::spawn(tick(ticking))];
        let alerting = Self { channels, tasks: Mutex::new(tasks), heart: Mutex::default() };
        alerting.beat(heart, state, figures);
        alerting
    }

    /// Goes on by another configuration.
    pub(crate) async fn adopt(&self, plan: Plan, config: &Config, state: &State, figures: &Arc<Figures>) {
        let Plan { channels, heart } = plan;
        let desk = state.service.desk();
        desk.set_settings(config.alerts.clone());
        // First the former ends: two of them would tell the same twice.
        let former = self.channels.lock().unwrap_or_else(PoisonError::into_inner).clone();
        former.close().await;
        channels.start(&desk, &state.ledger);
        *self.channels.lock().unwrap_or_else(PoisonError::into_inner) = channels;
        self.beat(heart, state, figures);
    }

    pub(crate) async fn close(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let heart = self.heart.lock().unwrap_or_else(PoisonError::into_inner).take();
        for task in tasks.into_iter().chain(heart) {
            task.abort();
            let _ = task.await;
        }
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner).clone();
        channels.close().await;
    }

    fn beat(&self, heart: Option<Heart>, state: &State, figures: &Arc<Figures>) {
        let mut own = self.heart.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = own.take() {
            former.abort();
        }
        let alive = Alive {
            service: state.service.clone(),
            ledger: state.ledger.clone(),
            figures: Arc::clone(figures),
        };
        *own = heart.map(|heart| tokio::spawn(heart.run(alive)));
    }
}

/// For the metrics.
pub(crate) fn probes(service: &Service) -> [Probe; 3] {
    let reading =
        |count: usize| Reading { value: u32::try_from(count).unwrap_or(u32::MAX).into(), well: true };
    let (open, waiting, blocks) = (service.clone(), service.clone(), service.clone());
    let is_open = |state: GroupState| state == GroupState::Open;
    [
        Probe {
            name: "alerts_open",
            help: "alerts that nobody acknowledged",
            read: Box::new(move || {
                reading(open.desk().groups().iter().filter(|group| is_open(group.state)).count())
            }),
        },
        Probe {
            name: "alerts_waiting",
            help: "messages about alerts that were not delivered yet",
            read: Box::new(move || reading(waiting.desk().waiting().len())),
        },
        Probe {
            name: "measures_in_force",
            help: "measures against whoever attacks, in force now",
            read: Box::new(move || reading(blocks.measures_in_force())),
        },
    ]
}

/// Shows alerts to whom they concern.
struct Reader {
    service: Service,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
}

impl Reader {
    async fn run(self) {
        loop {
            let Some(from) = self.beginning().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let mut follow = self.ledger.follow(Some(from));
            loop {
                match follow.next().await {
                    Ok(Some(record)) => self.show(&record).await,
                    Ok(None) => return,
                    // One record that a newer version wrote is no alert of ours.
                    Err(ReadError::Unknown { .. }) => {}
                    Err(error) => {
                        tracing::error!(%error, "alerts cannot be read, tried again");
                        tokio::time::sleep(PAUSE).await;
                        break;
                    }
                }
            }
        }
    }

    /// Behind which record to go on; the first time, behind the last there is.
    async fn beginning(&self) -> Option<Position> {
        let last = self.ledger.last().unwrap_or(Position(0));
        let (desk, answered) = (self.service.desk(), self.service.answered());
        if desk.position().is_none() {
            let begun = tokio::task::spawn_blocking(move || desk.begin(last.0)).await;
            if !matches!(begun, Ok(Ok(()))) {
                return None;
            }
        }
        if answered.is_none() {
            self.service.set_answered(last).await.ok()?;
        }
        let seen = self.service.desk().position().unwrap_or(last.0);
        let answered = self.service.answered().unwrap_or(last.0);
        Some(Position(seen.min(answered).min(last.0)))
    }

    /// Until it is taken: an alert is never passed over.
    async fn show(&self, record: &Record) {
        let (position, now) = (record.position, self.clock.now());
        if record.event.kind != EventKind::Alert {
            let _ = self.service.desk().see(position.0, &record.event, now);
            return;
        }
        loop {
            let (desk, event) = (self.service.desk(), record.event.clone());
            let seen = tokio::task::spawn_blocking(move || desk.see(position.0, &event, now)).await;
            let failed = match seen {
                Ok(Ok(())) => self.answer(record).await.err().map(|error| error.to_string()),
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            let Some(error) = failed else { return };
            tracing::error!(error, "an alert could not be taken, tried again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn answer(&self, record: &Record) -> Result<(), gabion_service::ActError> {
        if self.service.answered().is_none_or(|answered| answered < record.position.0) {
            self.service.answer_alert(record.position, &record.event).await?;
            self.service.set_answered(record.position).await?;
        }
        Ok(())
    }
}

async fn tick(service: Service) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Err(error) = service.tick_alerts().await {
            tracing::error!(%error, "alerts are not kept");
        }
        if let Err(error) = service.sweep_measures(&Caller::gate()).await {
            tracing::error!(%error, "measures that are over are not recorded");
        }
    }
}

/// Says elsewhere that alerts are watched for and told.
#[derive(Debug)]
struct Heart {
    way: Option<(Client, Secret<String>)>,
    every: Duration,
    test_every: Option<Duration>,
    clock: Arc<dyn Clock>,
}

/// Whether alerts would arrive.
struct Alive {
    service: Service,
    ledger: Ledger,
    figures: Arc<Figures>,
}

impl Heart {
    fn of(settings: &Heartbeat, clock: &Arc<dyn Clock>) -> Result<Option<Self>, Failure> {
        let cannot = |error: &dyn std::error::Error| {
            Failure::new("the heartbeat cannot be used")
                .because_text(error.to_string())
                .hint("see `[alerts.heartbeat]`")
        };
        let url = match (&settings.url, &settings.url_file) {
            (Some(url), _) => Some(Secret::new(url.clone())),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| cannot(&error))?;
                Some(Secret::new(text.lines().next().unwrap_or_default().trim().to_owned()))
            }
            (None, None) => None,
        };
        let way = match url {
            Some(url) => {
                let target = Target::parse(url.expose()).map_err(|error| cannot(&error))?;
                let allow = vec![target.authority.to_string()];
                let egress = EgressSettings { allow, ..EgressSettings::default() };
                Some((Client::new(&egress).map_err(|error| cannot(&error))?, url))
            }
            None => None,
        };
        let test_every = settings.test_every.map(|every| every.as_duration());
        if way.is_none() && test_every.is_none() {
            return Ok(None);
        }
        let (every, clock) = (settings.every.as_duration(), Arc::clone(clock));
        Ok(Some(Self { way, every, test_every, clock }))
    }

    async fn run(self, alive: Alive) {
        let mut tested = self.clock.now();
        let (mut silent_because, mut failures) = (None, 0_u32);
        loop {
            let why_not = alive.why_not();
            if let Some((client, url)) = &self.way {
                match why_not {
                    Some(reason) if silent_because == why_not => tracing::debug!(reason, "no heartbeat"),
                    Some(reason) => tracing::error!(reason, "no heartbeat: alerts would not arrive"),
                    None => match beat(client, url).await {
                        Ok(()) => failures = 0,
                        Err(reason) => {
                            tracing::warn!(reason, "the heartbeat does not arrive");
                            failures = failures.saturating_add(1);
                            if failures == MISSED {
                                alive.alarm(&reason, self.clock.now()).await;
                            }
                        }
                    },
                }
            }
            silent_because = why_not;
            // It goes on as soon as alerts would arrive again.
            tokio::time::sleep(if why_not.is_some() { self.every.min(PAUSE) } else { self.every }).await;
            let now = self.clock.now();
            if self.test_every.is_some_and(|every| now.saturating_since(tested) >= every) {
                tested = now;
                if let Err(error) = alive.service.test_alerts(&Caller::gate(), None).await {
                    tracing::error!(%error, "no test message is sent");
                }
            }
        }
    }
}

/// Why it was not taken; without the address, which is a secret.
async fn beat(client: &Client, url: &Secret<String>) -> Result<(), String> {
    match client.fetch(FetchRequest::get(url.expose())).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("it was answered with status {}", answer.status)),
        Err(error) => Err(error.to_string()),
    }
}

impl Alive {
    /// Why an alert that rings now would reach nobody.
    fn why_not(&self) -> Option<&'static str> {
        let last = self.ledger.last().map_or(0, |last| last.0);
        if !self.figures.is_running() {
            return Some("the detection does not run");
        }
        let desk = self.service.desk();
        let seen = desk.position().unwrap_or(last);
        if last.saturating_sub(seen) > FAR {
            return Some("alerts are far behind the record");
        }
        let channels = desk.channels();
        let fails = channels.iter().all(|channel| channel.failures > 0);
        (!channels.is_empty() && fails).then_some("every channel fails")
    }

    /// The heartbeat does not arrive, though alerts would: people hear of it before the switch at its other end rings.
    async fn alarm(&self, reason: &str, now: gabion_model::Timestamp) {
        let (kind, control) = (EventKind::Alert, ControlId::WATCH_ALERTS);
        let mut event = Event::new(now, kind, "alert.raised", Actor::Gate, Outcome::Success, control);
        HEARTBEAT.clone_into(&mut event.resource);
        event.severity = Some(Severity::Medium);
        event.reason =
            Some(format!("The heartbeat of alerts was not taken {MISSED} times in a row: {reason}"));
        event.metadata.insert("rule".to_owned(), HEARTBEAT.to_owned());
        if let Err(error) = self.ledger.record(event).await {
            tracing::error!(%error, "that the heartbeat does not arrive is not recorded");
        }
    }
}

/// The rule of alerts about the heartbeat.
const HEARTBEAT: &str = "alert-heartbeat-failing";
/// Heartbeats in a row that were not taken.
const MISSED: u32 = 3;
/// Before what could not be read or kept is tried again.
const PAUSE: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_secs(5);
/// Records behind which nobody counts on alerts any more.
const FAR: u64 = 100_000;
