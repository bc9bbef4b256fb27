//! What goes wrong behind the gate, grouped: answers of 500 and above, and exceptions that applications report.
//!
//! A group has a fingerprint ([`fingerprint`]), counts, the first and the last time and release it was seen in, and is `open` or
//! `resolved`. Seen again after it was resolved it is open again, and that is a regression. There are at most
//! [`MOST_GROUPS`] groups, of exceptions at most half of them: whoever can make new ones (another path, another text) cannot
//! flush those that are known. What does not fit is counted (`others`); a place gets free when a group was not
//! seen for [`FORGOTTEN`].
//!
//! Every group is told to the ledger: `error.new` and `error.regressed` at once, `error.seen` with a count every
//! [`WINDOW`]. The table is kept in one file by whoever drives it ([`Keep`]).

mod fingerprint;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Problem, RequestId, Severity, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::About;
use crate::{Act, ActError, Caller, Service};

pub use fingerprint::Exception;
use fingerprint::fingerprint;

/// `[errors]`: what goes wrong behind the gate, grouped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FaultSettings {
    /// Whether it is.
    pub enabled: bool,
    /// Which release of the application runs, where nothing else says it: for instance `shop@1.4.2`.
    pub release: Option<String>,
    /// The field of the application's answers that names its release, for instance `x-release`.
    pub release_header: Option<String>,
}

impl Default for FaultSettings {
    fn default() -> Self {
        Self { enabled: true, release: None, release_header: None }
    }
}

impl FaultSettings {
    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.release.as_deref().is_some_and(|release| self::release(release).as_deref() != Some(release)) {
            let problem = Problem::new("release", "is no name of a release");
            problems.push(problem.hint("at most 100 printable ASCII characters, for instance `shop@1.4.2`"));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if let Some(field) = &self.release_header
            && (field.is_empty() || field.len() > 64 || !field.bytes().all(is_token))
        {
            let problem = Problem::new("release_header", "is no name of a header field");
            problems.push(problem.hint("for instance `x-release`"));
        }
        problems
    }
}

/// The name of a release, as it is kept: bounded and printable. None where nothing is left.
#[must_use]
pub fn release(text: &str) -> Option<String> {
    let kept: String =
        text.trim().chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(RELEASE).collect();
    (!kept.is_empty()).then_some(kept)
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub time: Timestamp,
    /// The route's pattern (`/orders/{id}`), never the path that was asked for.
    pub route: String,
    pub method: String,
    /// 0 for an exception without one.
    pub status: u16,
    pub upstream: String,
    /// The control that refused, where the gate itself said it.
    pub cause: Option<ControlId>,
    pub exception: Option<Exception>,
    pub release: Option<String>,
    pub request: Option<RequestId>,
    pub count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultState {
    Open,
    Resolved,
}

/// What has the same fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultGroup {
    pub fingerprint: String,
    /// For people: `GET /orders/{id} 500`, or the exception's type.
    pub title: String,
    pub route: String,
    pub method: String,
    pub status: u16,
    pub upstream: String,
    pub cause: Option<String>,
    pub exception: Option<String>,
    pub frames: Vec<String>,
    pub first: Timestamp,
    pub last: Timestamp,
    pub count: u64,
    pub first_release: Option<String>,
    pub last_release: Option<String>,
    pub state: FaultState,
    /// When it was resolved last.
    pub resolved: Option<Timestamp>,
    /// How often it came back.
    pub regressions: u64,
    /// The request it was seen in last.
    pub request: Option<RequestId>,
    /// Not told to the ledger yet.
    #[serde(default)]
    untold: u64,
}

/// Everything there is of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: u32,
    groups: BTreeMap<String, FaultGroup>,
    /// Occurrences that no group was made for.
    others: u64,
    /// Up to which record the ledger was read.
    position: Option<u64>,
    #[serde(skip)]
    told: Option<Timestamp>,
}

/// Keeps the table; may block. Durable when `write` returns.
pub trait Keep: Send + Sync + fmt::Debug {
    /// # Errors
    /// When it cannot be told what was kept.
    fn read(&self) -> io::Result<Option<Vec<u8>>>;

    /// # Errors
    /// When it is not kept.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
}

/// The table, shared. Cheap to clone.
#[derive(Clone, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
    keep: Mutex<Option<Arc<dyn Keep>>>,
}

impl Faults {
    /// Reads what was kept, and keeps it there from now on.
    ///
    /// # Errors
    /// When it cannot be read or is no table; the table is empty then, and what was kept is left alone until it changes.
    pub fn open(&self, keep: Arc<dyn Keep>) -> io::Result<()> {
        let read = keep.read();
        *self.0.keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(keep);
        let Some(bytes) = read? else { return Ok(()) };
        let damaged = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        if bytes.len() > LARGEST {
            return Err(damaged("it is too large".to_owned()));
        }
        let table: Table = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if table.version != VERSION || table.groups.len() > MOST_GROUPS {
            return Err(damaged("it is of another version".to_owned()));
        }
        *self.table() = table;
        Ok(())
    }

    /// Writes the table where it is kept.
    ///
    /// # Errors
    /// When it is not kept.
    pub fn keep(&self) -> io::Result<()> {
        let keep = self.0.keep.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(keep) = keep else { return Ok(()) };
        let table = Table { version: VERSION, ..self.table().clone() };
        keep.write(&serde_json::to_vec(&table).map_err(io::Error::other)?)
    }

    /// Takes what went wrong; what the ledger is to be told at once.
    pub fn take(&self, occurrence: Occurrence) -> Option<Event> {
        self.table().take(occurrence)
    }

    /// What the ledger is to be told by now, at most once every [`WINDOW`].
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Event> {
        self.table().due(now, false)
    }

    /// Everything the ledger was not told, at the end.
    #[must_use]
    pub fn drain(&self, now: Timestamp) -> Vec<Event> {
        self.table().due(now, true)
    }

    /// Up to which record the ledger was read.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.table().position
    }

    pub fn read_to(&self, position: u64) {
        self.table().position = Some(position);
    }

    /// How many groups are open, and how many occurrences had no place.
    #[must_use]
    pub fn figures(&self) -> (usize, u64) {
        let table = self.table();
        (table.groups.values().filter(|group| group.state == FaultState::Open).count(), table.others)
    }

    /// The newest first.
    fn list(&self) -> Vec<FaultGroup> {
        let mut groups: Vec<_> = self.table().groups.values().cloned().collect();
        groups.sort_by(|one, other| {
            other.last.cmp(&one.last).then_with(|| one.fingerprint.cmp(&other.fingerprint))
        });
        groups
    }

    fn one(&self, fingerprint: &str) -> Option<FaultGroup> {
        self.table().groups.get(fingerprint).cloned()
    }

    fn resolve(&self, fingerprint: &str, now: Timestamp) -> Option<FaultGroup> {
        let mut table = self.table();
        let group = table.groups.get_mut(fingerprint)?;
        (group.state, group.resolved) = (FaultState::Resolved, Some(now));
        Some(group.clone())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn take(&mut self, seen: Occurrence) -> Option<Event> {
        let fingerprint = fingerprint(&seen);
        if let Some(group) = self.groups.get_mut(&fingerprint) {
            group.count = group.count.saturating_add(seen.count);
            group.last = group.last.max(seen.time);
            group.last_release = seen.release.or(group.last_release.take());
            group.request = seen.request.or(group.request);
            // What happened before somebody said that it is over does not come back.
            if group.state == FaultState::Resolved
                && group.resolved.is_none_or(|resolved| seen.time > resolved)
            {
                group.state = FaultState::Open;
                group.regressions = group.regressions.saturating_add(1);
                return Some(group.event("error.regressed", seen.time, seen.count, Severity::Medium));
            }
            group.untold = group.untold.saturating_add(seen.count);
            return None;
        }
        if !self.has_place(seen.exception.is_some(), seen.time) {
            self.others = self.others.saturating_add(seen.count);
            return None;
        }
        let group = FaultGroup::new(fingerprint.clone(), seen);
        let event = group.event("error.new", group.last, group.count, Severity::Medium);
        self.groups.insert(fingerprint, group);
        Some(event)
    }

    /// Whether there is a place for a new group; the one that was not seen for longest may make it.
    fn has_place(&mut self, is_exception: bool, now: Timestamp) -> bool {
        let alike = |group: &FaultGroup| !is_exception || group.exception.is_some();
        let most = if is_exception { MOST_GROUPS / 2 } else { MOST_GROUPS };
        if self.groups.len() < MOST_GROUPS && self.groups.values().filter(|group| alike(group)).count() < most
        {
            return true;
        }
        let oldest = self.groups.values().filter(|group| alike(group)).min_by_key(|group| group.last);
        let forgotten = oldest.filter(|group| now.saturating_since(group.last) > FORGOTTEN);
        let Some(forgotten) = forgotten.map(|group| group.fingerprint.clone()) else { return false };
        self.groups.remove(&forgotten);
        true
    }

    fn due(&mut self, now: Timestamp, all: bool) -> Vec<Event> {
        let told = *self.told.get_or_insert(now);
        // A clock that went back is no reason to wait for it.
        if !all && told <= now && now.saturating_since(told) < WINDOW {
            return Vec::new();
        }
        self.told = Some(now);
        let due = self.groups.values_mut().filter(|group| group.untold > 0);
        let event = |group: &mut FaultGroup| {
            let count = std::mem::take(&mut group.untold);
            group.event("error.seen", group.last, count, Severity::Low)
        };
        due.map(event).collect()
    }
}

impl FaultGroup {
    fn new(fingerprint: String, seen: Occurrence) -> Self {
        let title = match &seen.exception {
            Some(exception) if seen.route.is_empty() => exception.kind.clone(),
            Some(exception) => format!("{} in {}", exception.kind, seen.route),
            None => format!("{} {} {}", seen.method, seen.route, seen.status),
        };
        let (exception, frames) = seen.exception.map_or((None, Vec::new()), |it| (Some(it.kind), it.frames));
        Self {
            fingerprint,
            title,
            route: seen.route,
            method: seen.method,
            status: seen.status,
            upstream: seen.upstream,
            cause: seen.cause.map(|control| control.as_str().to_owned()),
            exception,
            frames,
            first: seen.time,
            last: seen.time,
            count: seen.count,
            first_release: seen.release.clone(),
            last_release: seen.release,
            state: FaultState::Open,
            resolved: None,
            regressions: 0,
            request: seen.request,
            untold: 0,
        }
    }

    fn event(&self, action: &str, time: Timestamp, count: u64, severity: Severity) -> Event {
        let control = ControlId::LEDGER_SECURITY_EVENTS;
        let mut event = Event::new(time, EventKind::Error, action, Actor::Gate, Outcome::Failure, control);
        event.resource.clone_from(&self.route);
        event.severity = Some(severity);
        event.count = count.max(1);
        event.request_id = self.request;
        event.reason = Some(self.title.clone());
        let mut put = |key: &str, value: String| {
            if !value.is_empty() {
                event.metadata.insert(key.to_owned(), value);
            }
        };
        put("fingerprint", self.fingerprint.clone());
        put("method", self.method.clone());
        put("upstream", self.upstream.clone());
        put("release", self.last_release.clone().unwrap_or_default());
        put("exception", self.exception.clone().unwrap_or_default());
        put("cause", self.cause.clone().unwrap_or_default());
        if self.status > 0 {
            put("status", self.status.to_string());
        }
        event
    }
}

impl Service {
    /// The table of what goes wrong behind the gate.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.0.faults.clone()
    }

    /// Every group, the one seen last first.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn list_errors(&self, caller: &Caller) -> Result<Vec<FaultGroup>, ActError> {
        self.read(Act::ListErrors, caller, |inner, _| Ok(inner.faults.list())).await
    }

    /// One group.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is none with the fingerprint.
    pub async fn error_group(&self, caller: &Caller, fingerprint: &str) -> Result<FaultGroup, ActError> {
        let wanted = fingerprint.to_owned();
        self.read(Act::ListErrors, caller, move |inner, _| {
            inner.faults.one(&wanted).ok_or(ActError::NotFound)
        })
        .await
    }

    /// Says that what a group is about is over. Kept when this answers.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is none with the fingerprint.
    pub async fn resolve_error(&self, caller: &Caller, fingerprint: &str) -> Result<FaultGroup, ActError> {
        let wanted = fingerprint.to_owned();
        self.act(Act::ResolveError, caller, About::of(fingerprint), move |inner, _| {
            let resolved = inner.faults.resolve(&wanted, inner.clock.now()).ok_or(ActError::NotFound)?;
            inner.faults.keep().map_err(|error| {
                tracing::error!(%error, "table of errors not kept");
                ActError::Unavailable
            })?;
            Ok(resolved)
        })
        .await
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Faults").field("groups", &self.table().groups.len()).finish()
    }
}

/// Groups there can be.
const MOST_GROUPS: usize = 1000;
/// How long nothing is heard of a group before a new one may take its place.
const FORGOTTEN: Duration = Duration::from_secs(30 * 86_400);
/// How often the ledger is told how many there were.
const WINDOW: Duration = Duration::from_secs(10);
const VERSION: u32 = 1;
const LARGEST: usize = 16 << 20;
const RELEASE: usize = 100;

#[cfg(test)]
mod tests;
