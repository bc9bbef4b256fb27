//! The watcher of a running gate: a thread of its own that reads along in the ledger.
//!
//! It follows the records that are durable, so it sees each exactly once, in order, and what it takes it takes from
//! nobody: when it is slower than the ledger it lags behind and catches up, and no event is dropped (`watch_lag` says how
//! far behind it is). Records that cannot be read are counted (`watch_unread`), told of in the ledger, and left out: behind
//! them it reads from the end of the ledger backwards, until it can be followed again.
//!
//! After a start it reads what the rules still remember, without ringing for what the ledger has an alert of already; what
//! was missed between the last record and the last alert of a gate that was killed rings then.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use gabion_checks::Tally;
use gabion_gateway::{Probe, Reading};
use gabion_ledger::{Follow, Ledger, Order, Position, Query, ReadError, Record};
use gabion_model::{Actor, Clock, ControlId, Event, EventKind, Outcome, Problem, Rng, Severity, Timestamp};
use gabion_watch::{Alert, Mode, Places, Rules, Source, Watcher, anomaly, bounds, pack};
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::state::State;
use crate::config::Config;
use crate::failure::Failure;

/// How the files that come with the program begin.
pub(crate) const PACK: &str = "pack/";

/// The rules of a configuration: those of the program and the team's own. None where nothing is watched.
///
/// # Errors
/// Everything that is wrong, at `watch.directory` or `watch.disabled`.
pub(crate) fn rules(config: &Config) -> Result<Rules, Vec<Problem>> {
    let mut sources = pack::sources();
    if let Some(path) = &config.watch.directory {
        sources.extend(own(path).map_err(|problem| vec![problem])?);
    }
    let rules = Rules::load(&sources, &config.watch.disabled)
        .and_then(|rules| rules.with_dry_run(&config.watch.dry_run));
    rules.map_err(|problems| {
        // The files are no part of the configuration: where a problem lies is said in its text.
        let placed = problems.into_iter().map(|problem| match problem.path.as_str() {
            "watch.disabled" | "watch.dry_run" => problem,
            place => Problem {
                reason: format!("`{place}`: {}", problem.reason),
                path: "watch.directory".to_owned(),
                hint: problem.hint,
            },
        });
        placed.collect()
    })
}

/// Where networks are, if the configuration says it.
///
/// # Errors
/// That the table cannot be read, at `watch.places`.
pub(crate) fn places(config: &Config) -> Result<Option<Places>, Problem> {
    let Some(path) = &config.watch.places else { return Ok(None) };
    let text = read_bounded(path, Places::FILE).map_err(|error| {
        Problem::new("watch.places", format!("cannot read `{}`: {error}", path.display()))
            .hint("a file with lines `network,latitude,longitude,name`")
    })?;
    if text.len() > Places::FILE {
        let problem = Problem::new("watch.places", "the table is too large");
        return Err(problem.hint(format!("at most {} MiB", Places::FILE >> 20)));
    }
    Places::read(&text).map(Some)
}

/// The files of a folder, in the order of their names; or the one file.
fn own(path: &Path) -> Result<Vec<Source>, Problem> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Problem::new("watch.directory", format!("cannot read `{}`: {error}", path.display()))
            .hint("a folder with `*.yml` files")
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    if path.is_file() {
        paths.push(path.to_owned());
    } else {
        let entries = fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
        for entry in entries {
            let file = entry.map_err(|error| unreadable(path, &error))?.path();
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_rules = name.ends_with(".yml") || name.ends_with(".yaml");
            // What editors leave beside a file is no rule.
            if is_rules && !name.starts_with('.') {
                paths.push(file);
            }
            if paths.len() > bounds::FILES {
                return Err(unreadable(path, &format!("more than {} files", bounds::FILES)));
            }
        }
    }
    paths.sort();
    let read = paths.into_iter().map(|path| {
        let text = read_bounded(&path, bounds::FILE).map_err(|error| unreadable(&path, &error))?;
        Ok(Source { file: path.display().to_string(), text })
    });
    read.collect()
}

/// No more of a file than rules may have, so that a wrong path does not fill the memory.
fn read_bounded(path: &Path, most: usize) -> io::Result<String> {
    use io::Read as _;
    // A pipe would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(most as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// What is watched, and what becomes of alerts.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    mode: Mode,
    rules: Arc<Rules>,
    places: Option<Arc<Places>>,
}

impl Plan {
    /// # Errors
    /// As [`rules`].
    pub(crate) fn of(config: &Config) -> Result<Self, Vec<Problem>> {
        let places = places(config).map_err(|problem| vec![problem])?.map(Arc::new);
        Ok(Self { mode: config.watch.mode, rules: Arc::new(rules(config)?), places })
    }
}

/// What the watcher says of itself.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    alerts: AtomicU64,
    /// The last record it saw; 0 while nothing is watched.
    seen: AtomicU64,
    unread: AtomicU64,
    untold: AtomicU64,
    /// 1 while the thread lives.
    running: AtomicU64,
}

impl Figures {
    /// Whether the thread lives.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }
}

/// For the metrics.
pub(crate) fn probes(figures: &Arc<Figures>, ledger: &Ledger) -> [Probe; 5] {
    let probe = |name, help, read: fn(&Figures) -> &AtomicU64| {
        let figures = Arc::clone(figures);
        Probe { name, help, read: Box::new(move || reading(read(&figures).load(Ordering::Relaxed))) }
    };
    let (own, ledger) = (Arc::clone(figures), ledger.clone());
    let lag = move || {
        let seen = own.seen.load(Ordering::Relaxed);
        let last = ledger.last().map_or(0, |last| last.0);
        reading(if seen == 0 { 0 } else { last.saturating_sub(seen) })
    };
    [
        probe("watch_running", "1 while the detection runs", |figures| &figures.running),
        probe("watch_alerts", "alerts that rang since the start", |figures| &figures.alerts),
        Probe { name: "watch_lag", help: "records that the detection has not seen yet", read: Box::new(lag) },
        probe("watch_unread", "gaps that could not be watched, since the start", |figures| &figures.unread),
        probe("watch_untold", "alerts that could not be recorded, since the start", |figures| {
            &figures.untold
        }),
    ]
}

fn reading(number: u64) -> Reading {
    Reading { value: u32::try_from(number).unwrap_or(u32::MAX).into(), well: true }
}

/// The thread that watches. It ends with this, or with the ledger.
#[derive(Debug)]
pub(crate) struct Watching {
    plan: Sender<Plan>,
}

impl Watching {
    /// Begins to watch.
    pub(crate) fn start(
        state: &State,
        plan: Plan,
        figures: Arc<Figures>,
        tally: Arc<Tally>,
    ) -> Result<Self, Failure> {
        let (sender, receiver) = tokio::sync::watch::channel(plan.clone());
        let watch = Watch {
            ledger: state.ledger.clone(),
            clock: Arc::clone(&state.clock),
            watcher: Watcher::new(Arc::clone(&plan.rules), seed(&*state.rng)),
            plan: receiver,
            figures,
            tally,
            untold: VecDeque::new(),
        };
        let cannot = |error: io::Error| Failure::new("the detection cannot start").because(&error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(cannot)?;
        thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || runtime.block_on(watch.run()))
            .map_err(cannot)?;
        Ok(Self { plan: sender })
    }

    /// Goes on by another configuration; rules that did not change keep what they counted.
    pub(crate) fn adopt(&self, plan: Plan) {
        self.plan.send_replace(plan);
    }
}

fn seed(rng: &dyn Rng) -> u64 {
    u64::from_le_bytes(gabion_model::random::bytes(rng))
}

struct Watch {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    watcher: Watcher,
    plan: Receiver<Plan>,
    figures: Arc<Figures>,
    /// What is asked of the application, counted on the request path; what comes of it is recorded from here.
    tally: Arc<Tally>,
    /// Alerts the ledger did not take; tried again with the next.
    untold: VecDeque<Alert>,
}

/// Between two looks at what was counted on the request path.
const VISIT: Duration = Duration::from_secs(2);
/// After how many such looks it is tried to follow the ledger behind what could not be read.
const TRIES: u32 = 15;
/// Records that are read from the end at once.
const BEYOND: usize = 20_000;
/// Alerts that wait for the ledger.
const UNTOLD: usize = 1_000;

impl Watch {
    async fn run(mut self) {
        let _running = Running::begin(&self.figures);
        let mut is_first = true;
        loop {
            let plan = self.plan.borrow_and_update().clone();
            self.adopt(&plan);
            if plan.mode == Mode::Off {
                if self.plan.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let after = if std::mem::take(&mut is_first) {
                self.catch_up(plan.mode).await
            } else {
                self.ledger.last()
            };
            if self.follow(after).await.is_err() {
                return;
            }
        }
    }

    /// Watches until nothing is to be watched any more (`Ok`) or the gate ends.
    async fn follow(&mut self, after: Option<Position>) -> Result<(), Ended> {
        let mut follow = self.ledger.follow(Some(after.unwrap_or(Position(0))));
        let mut visits = tokio::time::interval(VISIT);
        visits.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mode = self.plan.borrow().mode;
            tokio::select! {
                biased;
                changed = self.plan.changed() => {
                    changed.map_err(|_| Ended)?;
                    let plan = self.plan.borrow_and_update().clone();
                    self.adopt(&plan);
                    if plan.mode == Mode::Off {
                        return Ok(());
                    }
                }
                _ = visits.tick() => self.collect().await,
                record = follow.next() => match record {
                    Ok(Some(record)) => {
                        for alert in self.see(&record) {
                            self.tell(alert, mode).await;
                        }
                    }
                    Ok(None) => return Err(Ended),
                    // One record that a newer version wrote.
                    Err(ReadError::Unknown { .. }) => self.gap(&"a record of an unknown kind").await,
                    Err(error) => {
                        self.gap(&error).await;
                        match self.beyond().await? {
                            Some(again) => follow = again,
                            None => return Ok(()),
                        }
                    }
                }
            }
        }
    }

    /// Goes on behind what cannot be read, until the ledger can be followed again; none when nothing is to be watched.
    async fn beyond(&mut self) -> Result<Option<Follow>, Ended> {
        let mut tries = 0_u32;
        loop {
            let mode = self.plan.borrow().mode;
            for record in self.read_from_end().await {
                for alert in self.see(&record) {
                    self.tell(alert, mode).await;
                }
            }
            tokio::select! {
                changed = self.plan.changed() => {
                    changed.map_err(|_| Ended)?;
                    let plan = self.plan.borrow_and_update().clone();
                    self.adopt(&plan);
                    if plan.mode == Mode::Off {
                        return Ok(None);
                    }
                }
                () = tokio::time::sleep(VISIT) => self.collect().await,
            }
            // Looking for a place from which it can be followed reads much.
            tries = tries.wrapping_add(1);
            if tries.is_multiple_of(TRIES) {
                let seen = Position(self.figures.seen.load(Ordering::Relaxed));
                let mut follow = self.ledger.follow(Some(seen));
                match tokio::time::timeout(VISIT, follow.next()).await {
                    Ok(Ok(Some(record))) => {
                        for alert in self.see(&record) {
                            self.tell(alert, mode).await;
                        }
                        return Ok(Some(follow));
                    }
                    Ok(Ok(None)) => return Err(Ended),
                    Ok(Err(_)) | Err(_) => {}
                }
            }
        }
    }

    /// What came since the last record seen, as far as it can be read from the end; oldest first.
    async fn read_from_end(&self) -> Vec<Record> {
        let seen = self.figures.seen.load(Ordering::Relaxed);
        if self.ledger.last().is_none_or(|last| last.0 <= seen) {
            return Vec::new();
        }
        let newest = self.ledger.search(Query { limit: Some(BEYOND), ..Query::default() });
        let mut records: Vec<_> =
            newest.map_while(Result::ok).take_while(|record| record.position.0 > seen).collect();
        if records.len() == BEYOND {
            self.gap(&"more records behind the damage than are read at once").await;
        }
        records.reverse();
        records
    }

    fn adopt(&mut self, plan: &Plan) {
        self.watcher.adopt(Arc::clone(&plan.rules));
        self.watcher.set_places(plan.places.clone());
        self.tally.set_on(plan.mode != Mode::Off);
        if plan.mode == Mode::Off {
            self.figures.seen.store(0, Ordering::Relaxed);
        }
    }

    /// Records what was counted and is due.
    async fn collect(&self) {
        // All at once, so that they share a write to the disk.
        let mut recording = JoinSet::new();
        for event in self.tally.due(self.clock.now()) {
            let ledger = self.ledger.clone();
            recording.spawn(async move { ledger.record(event).await });
        }
        let recorded = recording.join_all().await;
        if let Some(Err(error)) = recorded.into_iter().find(Result::is_err) {
            tracing::error!(%error, "what was asked of the application is not recorded");
        }
    }

    fn see(&mut self, record: &Record) -> Vec<Alert> {
        self.figures.seen.store(record.position.0, Ordering::Relaxed);
        self.watcher.see(record.position.0, &record.event)
    }

    /// Shows the rules what they would remember; answers the last record of it.
    async fn catch_up(&mut self, mode: Mode) -> Option<Position> {
        let memory = i64::try_from(self.watcher.rules().memory().as_micros()).unwrap_or(i64::MAX);
        let since = Timestamp::from_micros(self.clock.now().as_micros().saturating_sub(memory));
        let micros = i64::try_from(anomaly::MEMORY.as_micros()).unwrap_or(i64::MAX);
        let learns_since =
            Timestamp::from_micros(self.clock.now().as_micros().saturating_sub(micros)).min(since);
        let reader = self.ledger.reader();
        let mut rang: VecDeque<Alert> = VecDeque::new();
        // The latest place at which the ledger has an alert of a rule for somebody.
        let mut told: HashMap<String, u64> = HashMap::new();
        for record in
            reader.search(Query { since: Some(learns_since), order: Order::OldestFirst, ..Query::default() })
        {
            match record {
                Ok(record) if record.event.kind == EventKind::Alert => {
                    let rule = self
                        .watcher
                        .rules()
                        .iter()
                        .find(|rule| record.event.metadata.get("rule") == Some(&rule.id));
                    if let Some(rule) = rule {
                        told.insert(Alert::key_of(rule, &record.event), record.position.0);
                    }
                }
                Ok(record) if record.event.time < since => self.watcher.learn(&record.event),
                Ok(record) => rang.extend(self.see(&record)),
                Err(error) => self.gap(&error).await,
            }
            while rang.len() > UNTOLD {
                rang.pop_front();
                self.figures.untold.fetch_add(1, Ordering::Relaxed);
            }
        }
        for record in self.read_from_end().await {
            rang.extend(self.see(&record));
        }
        for alert in rang {
            let last = alert.events.last().copied().unwrap_or_default();
            if told.get(&alert.key()).is_none_or(|told| *told < last) {
                self.tell(alert, mode).await;
            }
        }
        reader.last()
    }

    /// Logs an alert and records it.
    async fn tell(&mut self, alert: Alert, mode: Mode) {
        self.figures.alerts.fetch_add(1, Ordering::Relaxed);
        let name = alert.name.as_deref().unwrap_or(&alert.rule);
        let group: Vec<_> = alert.group.iter().map(|(field, value)| format!("{field}={value}")).collect();
        let (level, group, why) = (alert.level.as_str(), group.join(" "), alert.explanation.join("; "));
        let dry_run = mode == Mode::DryRun || alert.dry_run;
        if alert.level >= Severity::Medium {
            tracing::warn!(rule = name, level, group, why, dry_run, "alert");
        } else {
            tracing::info!(rule = name, level, group, why, dry_run, "alert");
        }
        if dry_run {
            return;
        }
        self.untold.push_back(alert);
        while let Some(alert) = self.untold.front() {
            if let Err(error) = self.ledger.record(alert.event(self.clock.now())).await {
                tracing::error!(%error, waiting = self.untold.len(), "alert not recorded, tried again with the next");
                break;
            }
            self.untold.pop_front();
        }
        if self.untold.len() > UNTOLD {
            self.untold.pop_front();
            self.figures.untold.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says that records could not be watched.
    async fn gap(&self, error: &impl std::fmt::Display) {
        self.figures.unread.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%error, "records could not be watched");
        let (kind, control) = (EventKind::Configuration, ControlId::WATCH_DETECTIONS);
        let now = self.clock.now();
        let mut event = Event::new(now, kind, "watch.gap", Actor::Gate, Outcome::Failure, control);
        event.reason = Some(error.to_string());
        if let Err(error) = self.ledger.record(event).await {
            tracing::error!(%error, "the gap is not recorded either");
        }
    }
}

/// The gate stops.
struct Ended;

/// Says that the thread lives, and when it died.
struct Running(Arc<Figures>);

impl Running {
    fn begin(figures: &Arc<Figures>) -> Self {
        figures.running.store(1, Ordering::Relaxed);
        Self(Arc::clone(figures))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.store(0, Ordering::Relaxed);
        if thread::panicking() {
            tracing::error!("the detection has ended; nothing is watched until the gate starts again");
        }
    }
}

#[cfg(test)]
mod tests;
