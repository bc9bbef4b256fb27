//! What is usual, learnt from the events themselves, and how far an event is from it.
//!
//! The [`Learner`] is shown every event once, in the order of the ledger. Before it learns from one it says what is
//! unusual about it: fields by the names in [`FIELDS`], which rules ask for like any other, and [`Figure`]s, by which an
//! alert explains itself (expected, seen, since when learnt). It judges nothing: what rings is a rule's business.
//!
//! - [`people`]: networks, browsers, hours of the week and places of each account.
//! - [`levels`]: how much each account takes of each route in an hour.
//! - [`seasons`]: traffic of each route, and failed sign-ins of all, by hour of the week.
//! - [`crowds`]: how many accounts sign in from a network, so that an office is not taken for an attacker.
//!
//! **Bounded.** Every table has a fixed number of places. Who is known stays until nothing was heard of them for
//! [`FORGET`]; who comes when all places are taken is not learnt, and nobody is pushed out.
//!
//! **Poisoning.** What is learnt moves slowly: a level grows by a quarter a day at most, a season learns no more than twice
//! what it expected, a network or browser is known a day after it was first seen, and a level that has grown all the same
//! is compared with itself of weeks ago (`learnt.drift`).
//!
//! **Restart.** Nothing is stored. Whoever starts a learner shows it the last [`MEMORY`] of the ledger.

pub(crate) mod crowds;
pub(crate) mod levels;
pub(crate) mod people;
pub(crate) mod places;
pub(crate) mod seasons;
mod table;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gabion_model::{Actor, Event, EventKind, Network, Outcome, Timestamp};
use serde::Serialize;

use crate::fields::Fields;
use crowds::Crowds;
use levels::Levels;
use people::{People, Sighting};
pub use places::Places;
use seasons::{Seasons, Series};

/// How much of the ledger a learner is shown after a start.
pub const MEMORY: Duration = Duration::from_secs(35 * 24 * 3600);
/// How long the unusual is only learnt, for each account and each route by itself.
pub const LEARNING: Duration = Duration::from_secs(7 * 24 * 3600);
/// Whoever was not heard of for so long is forgotten when places are needed.
pub const FORGET: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a learner says of events. Alphabetical.
pub const FIELDS: &[&str] = &[
    "learnt.agent",
    "learnt.bytes",
    "learnt.crowd",
    "learnt.distinct",
    "learnt.drift",
    "learnt.failed",
    "learnt.hour",
    "learnt.network",
    "learnt.requests",
    "learnt.share",
    "learnt.sign-ins",
    "learnt.speed",
    "learnt.weakened",
];

/// The action of events that say how much was asked and answered.
pub const COUNTED: &str = "traffic.counted";
/// The action of events about a session that comes from another network than before.
pub const MOVED: &str = "session.moved";
/// The same about a key or token of a program.
pub const KEY_MOVED: &str = "key.moved";

/// One number behind an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The field that is made of it.
    #[serde(skip)]
    pub field: &'static str,
    /// What is counted, for instance `different addresses an hour`.
    pub what: &'static str,
    /// The most that was to be expected.
    pub expected: f64,
    pub seen: f64,
    /// Since when it is learnt.
    pub since: Timestamp,
}

impl Figure {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        let day = self.since.to_string();
        let day = day.get(..10).unwrap_or(&day);
        format!(
            "{}: expected at most {:.0}, seen {:.0}; learnt since {day}",
            self.what, self.expected, self.seen
        )
    }
}

/// What is to be said of one event.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Findings {
    texts: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) figures: Vec<Figure>,
    crowd: Option<u32>,
}

impl Findings {
    fn say(&mut self, field: &'static str, text: impl Into<Cow<'static, str>>) {
        self.texts.push((field, text.into()));
    }

    /// How many times the expected was seen.
    fn compare(&mut self, figure: Figure) {
        let times = figure.seen / figure.expected.max(f64::MIN_POSITIVE);
        self.texts.push((figure.field, Cow::Owned(format!("{times:.1}"))));
        self.figures.push(figure);
    }

    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        if field == "learnt.crowd" {
            return self.crowd.map(|crowd| Cow::Owned(crowd.to_string()));
        }
        let found = self.texts.iter().find(|(name, _)| *name == field);
        found.map(|(_, text)| Cow::Borrowed(text.as_ref()))
    }
}

/// An event beside what is said of it.
pub(crate) struct Seen<'a> {
    pub(crate) event: &'a Event,
    pub(crate) findings: &'a Findings,
}

impl Fields for Seen<'_> {
    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        if field.starts_with("learnt.") { self.findings.text(field) } else { self.event.text(field) }
    }

    fn any(&self, look: &mut dyn FnMut(&str) -> bool) -> bool {
        self.event.any(look)
    }
}

/// What is usual.
#[derive(Debug)]
pub(crate) struct Learner {
    /// Keys the hashes, so that nobody can aim at somebody else's place.
    seed: u64,
    people: People,
    levels: Levels,
    routes: Seasons,
    crowds: Crowds,
    /// Failed sign-ins of everybody: with a name nobody has, and with one somebody has.
    unknown: Series,
    wrong: Series,
    failures: Failures,
    places: Option<Arc<Places>>,
    /// What the last configuration did not enforce.
    weak: Option<BTreeSet<String>>,
}

impl Learner {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            people: People::default(),
            levels: Levels::default(),
            routes: Seasons::default(),
            crowds: Crowds::default(),
            unknown: Series::default(),
            wrong: Series::default(),
            failures: Failures::default(),
            places: None,
            weak: None,
        }
    }

    pub(crate) fn set_places(&mut self, places: Option<Arc<Places>>) {
        self.places = places;
    }

    /// Says what is unusual about an event, then learns from it.
    pub(crate) fn look(&mut self, event: &Event) -> Findings {
        let mut findings = Findings::default();
        match event.kind {
            EventKind::Login if event.action == "account.sign-in" => self.sign_in(event, &mut findings),
            EventKind::Session if event.action == MOVED || event.action == KEY_MOVED => {
                self.arrived(event, account(event), &mut findings)
            }
            EventKind::Administration if event.outcome == Outcome::Success => {
                if let Some(name) = account(event) {
                    let key = self.key(name);
                    self.people.hour(key, event.time, &mut findings);
                }
            }
            EventKind::Configuration => self.configuration(event, &mut findings),
            EventKind::Refusal => findings.crowd = self.crowd(event),
            EventKind::Traffic if event.action == COUNTED => self.counted(event, &mut findings),
            EventKind::Traffic => {
                findings.crowd = self.crowd(event);
                if let (true, Some(address)) = (status(event) >= 500, event.address) {
                    let key = self.network(address);
                    self.failures.add(key, event.time, event.count.max(1), &mut findings);
                }
            }
            _ => {}
        }
        findings
    }

    fn sign_in(&mut self, event: &Event, findings: &mut Findings) {
        findings.crowd = self.crowd(event);
        match event.outcome {
            Outcome::Begun => {}
            Outcome::Success => {
                let name =
                    account(event).or_else(|| Some(event.resource.as_str()).filter(|name| !name.is_empty()));
                self.arrived(event, name, findings);
                if let (Some(name), Some(address)) = (name, event.address) {
                    let (network, person) = (self.network(address), self.key(name));
                    self.crowds.learn(network, person, event.time);
                }
            }
            Outcome::Failure => {
                let amount = event.count.max(1);
                if event.resource.is_empty() {
                    self.unknown.add(event.time, amount, "failed sign-ins an hour", findings);
                } else {
                    self.wrong.add(event.time, amount, "wrong passwords and factors an hour", findings);
                    let person = self.key(&event.resource);
                    self.people.look(person, &self.sighting(event), findings);
                }
            }
        }
    }

    /// Somebody is there, from somewhere.
    fn arrived(&mut self, event: &Event, name: Option<&str>, findings: &mut Findings) {
        let Some(name) = name else { return };
        let person = self.key(name);
        let sighting = self.sighting(event);
        self.people.look(person, &sighting, findings);
        self.people.learn(person, &sighting);
        self.people.hour(person, event.time, findings);
    }

    fn sighting(&self, event: &Event) -> Sighting {
        let place =
            self.places.as_ref().zip(event.address).and_then(|(places, address)| places.find(address));
        Sighting {
            time: event.time,
            network: event.address.map(|address| self.network(address)),
            agent: event.user_agent.as_deref().map(|agent| self.key(&family(agent))),
            place,
            is_program: event.action == KEY_MOVED,
        }
    }

    fn counted(&mut self, event: &Event, findings: &mut Findings) {
        let is_closed = event.metadata.get("period").is_some_and(|period| period == "closed");
        let key = self.key(&event.resource);
        if let Some(name) = account(event) {
            let key = (self.pair(name, &event.resource), key);
            self.levels.look(key, event, findings);
            if is_closed {
                self.levels.learn(key, event);
            }
            let person = self.key(name);
            self.people.hour(person, event.time, findings);
        } else if event.actor == Actor::Gate {
            self.routes.look(key, event, findings);
            if is_closed {
                self.routes.learn(key, event);
            }
        }
    }

    /// What is not enforced any more.
    fn configuration(&mut self, event: &Event, findings: &mut Findings) {
        let Some(weak) = event.metadata.get("weak").filter(|_| event.outcome == Outcome::Success) else {
            return;
        };
        let weak: BTreeSet<String> =
            weak.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        if let Some(former) = &self.weak {
            let new: Vec<&str> = weak.difference(former).map(String::as_str).collect();
            if !new.is_empty() {
                findings.say("learnt.weakened", new.join(" "));
            }
        }
        self.weak = Some(weak);
    }

    fn crowd(&self, event: &Event) -> Option<u32> {
        event.address.map(|address| self.crowds.of(self.network(address)))
    }

    fn network(&self, address: IpAddr) -> u64 {
        let mut hasher = self.hasher();
        hasher.write_u64(Network::of(address).bits());
        hasher.finish()
    }

    fn key(&self, text: &str) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    fn pair(&self, one: &str, other: &str) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(one.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(other.as_bytes());
        hasher.finish()
    }

    fn hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher
    }

    /// Bytes it holds, roughly.
    pub(crate) fn held(&self) -> usize {
        self.people.held()
            + self.levels.held()
            + self.routes.held()
            + self.crowds.held()
            + self.failures.held()
    }
}

fn account(event: &Event) -> Option<&str> {
    match &event.actor {
        Actor::Account { name, .. } => Some(name),
        _ => None,
    }
}

fn status(event: &Event) -> u16 {
    event.metadata.get("status").and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// A program's name without its version: an update is no new device.
fn family(agent: &str) -> String {
    agent.chars().filter(|character| !character.is_ascii_digit()).collect()
}

/// Who makes the application fail: each network's share of the failures of five minutes.
#[derive(Debug, Default)]
struct Failures {
    window: i64,
    all: u64,
    networks: HashMap<u64, u64>,
}

impl Failures {
    /// In seconds.
    const WINDOW: i64 = 300;
    const MOST: usize = 4_096;

    fn add(&mut self, network: u64, time: Timestamp, amount: u64, findings: &mut Findings) {
        let window = time.as_secs().div_euclid(Self::WINDOW);
        // A little earlier is the clock of another core; much earlier is a clock that was set back.
        if window > self.window || self.window - window > 1 {
            *self = Self { window, ..Self::default() };
        }
        self.all = self.all.saturating_add(amount);
        if self.networks.len() < Self::MOST || self.networks.contains_key(&network) {
            let own = self.networks.entry(network).or_default();
            *own = own.saturating_add(amount);
            findings.say("learnt.share", (own.saturating_mul(100) / self.all.max(1)).to_string());
        }
    }

    fn held(&self) -> usize {
        self.networks.capacity() * 24
    }
}

/// Which hour since the epoch.
fn hour(time: Timestamp) -> u32 {
    u32::try_from(time.as_secs().div_euclid(3600)).unwrap_or(0)
}

/// Which hour of the week, the first of a Monday in UTC being 0.
fn hour_of_week(time: Timestamp) -> usize {
    // The epoch was a Thursday.
    usize::try_from((time.as_secs().div_euclid(3600) + 72).rem_euclid(168)).unwrap_or(0)
}
