//! How much is asked of the application and how it answers: by account and route for an hour, by route for a quarter of one.
//!
//! What the detection learns from. One counter per pair, in a table with a fixed number of places: an attacker with many
//! accounts pushes nobody out, what finds no place is counted together. Counting takes the lock of one of many shards and
//! allocates nothing for a pair that has its place. Somebody empties the table with [`Tally::due`] and records what comes.
//!
//! A pair is told of when its time is over (`period: closed`), and while it lasts each time its requests, or a route's
//! failures, have doubled beyond a step (`period: open`, with what was counted so far), so that an hour is not waited for.
//! Different paths are counted by linear counting: within a few percent up to a thousand, and no more than
//! some three thousand.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gabion_model::{AccountId, Actor, ControlId, Event, EventKind, Outcome, Principal, TenantId, Timestamp};

const SHARDS: usize = 16;
/// Pairs a shard tells apart.
const ROWS: usize = 1_024;
/// Bits for different paths.
const BITS: u32 = 512;
/// Events of one visit; the rest has time.
const VISIT: usize = 1_000;
/// In seconds.
const HOUR: i64 = 3600;
const QUARTER: i64 = 900;
/// Requests of an account, and failures of a route, after which they are told of at once.
const FIRST_STEP: u64 = 200;

/// An answer of the application.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    pub principal: Option<&'a Principal>,
    /// The declared path.
    pub route: &'a Arc<str>,
    pub path: &'a str,
    /// By a method that changes nothing.
    pub reads: bool,
    pub refused: bool,
    pub failed: bool,
    /// Of the answer's body, where its length was said.
    pub bytes: u64,
    pub now: Timestamp,
}

/// The counters.
#[derive(Debug, Default)]
pub struct Tally {
    on: AtomicBool,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    /// Requests that found no place.
    others: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    rows: HashMap<u64, Row>,
    /// Whose time was over before anybody came to look.
    over: Vec<Event>,
}

#[derive(Debug)]
struct Row {
    whom: Option<Whom>,
    route: Arc<str>,
    since: Timestamp,
    last: Timestamp,
    requests: u64,
    writes: u64,
    refused: u64,
    failed: u64,
    bytes: u64,
    paths: [u64; BITS as usize / 64],
    step: u64,
}

#[derive(Debug)]
struct Whom {
    id: AccountId,
    name: Arc<str>,
    program: bool,
    tenant: Option<TenantId>,
}

impl Tally {
    /// Whether anybody wants to know.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Counts from now on, or no more.
    pub fn set_on(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
        if !on {
            self.shards.iter().for_each(|shard| *lock(shard) = Shard::default());
        }
    }

    pub fn count(&self, answered: &Answered<'_>) {
        self.add(None, answered);
        if answered.principal.is_some() {
            self.add(answered.principal, answered);
        }
    }

    fn add(&self, principal: Option<&Principal>, answered: &Answered<'_>) {
        let account = principal.map(|principal| principal.account.as_str());
        let key = self.hasher.hash_one((account, &**answered.route));
        let index = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(index) else { return };
        let mut shard = lock(shard);
        let Shard { rows, over } = &mut *shard;
        if rows.len() >= ROWS && !rows.contains_key(&key) {
            drop(shard);
            self.others.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let row = rows.entry(key).or_insert_with(|| Row::new(principal, answered));
        if row.window(row.since) != row.window(answered.now) {
            let former = std::mem::replace(row, Row::new(principal, answered));
            if over.len() < ROWS {
                over.push(former.event("closed"));
            } else {
                self.others.fetch_add(former.requests, Ordering::Relaxed);
            }
        }
        row.last = answered.now;
        row.requests += 1;
        row.writes += u64::from(!answered.reads);
        row.refused += u64::from(answered.refused);
        row.failed += u64::from(answered.failed);
        row.bytes = row.bytes.saturating_add(answered.bytes);
        if principal.is_some() {
            let bit = self.hasher.hash_one(answered.path) % u64::from(BITS);
            if let Some(word) = usize::try_from(bit / 64).ok().and_then(|word| row.paths.get_mut(word)) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// What is to be told of by now: call it every few seconds.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let others = self.others.swap(0, Ordering::Relaxed);
        if others > 0 {
            events.push(uncounted(others, now));
        }
        for shard in &self.shards {
            let mut shard = lock(shard);
            let many = shard.over.len().min(VISIT.saturating_sub(events.len()));
            events.extend(shard.over.drain(..many));
            shard.rows.retain(|_, row| {
                if events.len() >= VISIT {
                    return true;
                }
                let is_over = row.window(row.since) != row.window(now);
                if is_over {
                    events.push(row.event("closed"));
                } else if row.measure() >= row.step {
                    while row.measure() >= row.step {
                        row.step = row.step.saturating_mul(2);
                    }
                    events.push(row.event("open"));
                }
                !is_over
            });
        }
        events
    }

    /// Everything, at the end.
    #[must_use]
    pub fn drain(&self) -> Vec<Event> {
        let shards = self.shards.iter().map(|shard| std::mem::take(&mut *lock(shard)));
        let all = shards.flat_map(|Shard { rows, over }| {
            over.into_iter().chain(rows.into_values().map(|row| row.event("closed")))
        });
        all.collect()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Row {
    fn new(principal: Option<&Principal>, answered: &Answered<'_>) -> Self {
        let whom = principal.map(|principal| Whom {
            id: principal.account.clone(),
            name: Arc::clone(&principal.name),
            program: principal.program,
            tenant: principal.tenant.told(),
        });
        Self {
            whom,
            route: Arc::clone(answered.route),
            since: answered.now,
            last: answered.now,
            requests: 0,
            writes: 0,
            refused: 0,
            failed: 0,
            bytes: 0,
            paths: [0; BITS as usize / 64],
            step: FIRST_STEP,
        }
    }

    /// What is worth telling at once.
    const fn measure(&self) -> u64 {
        if self.whom.is_some() { self.requests } else { self.failed }
    }

    fn window(&self, time: Timestamp) -> i64 {
        time.as_secs().div_euclid(if self.whom.is_some() { HOUR } else { QUARTER })
    }

    fn event(&self, period: &str) -> Event {
        let actor = match &self.whom {
            Some(whom) => Actor::Account { id: whom.id.clone(), name: whom.name.to_string(), session: None },
            None => Actor::Gate,
        };
        let mut event = counted(self.last, actor);
        event.resource = self.route.to_string();
        let set: u32 = self.paths.iter().map(|word| word.count_ones()).sum();
        let numbers = [
            ("requests", self.requests),
            ("writes", self.writes),
            ("refused", self.refused),
            ("failed", self.failed),
            ("bytes", self.bytes),
            ("distinct", u64::from(estimate(set))),
        ];
        for (key, number) in numbers {
            if number > 0 {
                event.metadata.insert(key.to_owned(), number.to_string());
            }
        }
        event.metadata.insert("period".to_owned(), period.to_owned());
        event.metadata.insert("since".to_owned(), self.since.to_string());
        if let Some(whom) = &self.whom {
            event.tenant.clone_from(&whom.tenant);
            event.metadata.insert("program".to_owned(), whom.program.to_string());
        }
        event
    }
}

fn counted(now: Timestamp, actor: Actor) -> Event {
    let control = ControlId::WATCH_DETECTIONS;
    Event::new(now, EventKind::Traffic, "traffic.counted", actor, Outcome::Success, control)
}

fn uncounted(requests: u64, now: Timestamp) -> Event {
    let mut event = counted(now, Actor::Gate);
    event.action = "traffic.uncounted".to_owned();
    event.reason = Some("more accounts and routes than are told apart".to_owned());
    event.metadata.insert("requests".to_owned(), requests.to_string());
    event
}

/// How many different things set so many bits.
fn estimate(set: u32) -> u32 {
    let (free, bits) = (f64::from(BITS.saturating_sub(set).max(1)), f64::from(BITS));
    (bits * (bits / free).ln()).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(name: &str) -> Principal {
        Principal {
            account: AccountId::new(name),
            name: name.into(),
            tenant: TenantId::new(TenantId::DEFAULT),
            roles: Arc::default(),
            groups: Arc::default(),
            program: false,
        }
    }

    fn ask(tally: &Tally, whom: &Principal, path: &str, second: i64) {
        let (route, now) = ("/orders/*".into(), Timestamp::from_secs(HOUR * 1000 + second));
        let (principal, reads) = (Some(whom), true);
        let answered =
            Answered { principal, route: &route, path, reads, refused: false, failed: false, bytes: 10, now };
        tally.count(&answered);
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(HOUR * 1000 + second)
    }

    #[test]
    fn an_hour_is_told_of_when_it_is_over_and_much_at_once() {
        let (tally, ann) = (Tally::default(), principal("ann"));
        for number in 0..150 {
            ask(&tally, &ann, &format!("/orders/{number}"), 0);
        }
        assert_eq!(tally.due(at(10)), []);
        for number in 150..500 {
            ask(&tally, &ann, &format!("/orders/{number}"), 20);
        }
        let open = tally.due(at(30));
        assert_eq!(open.len(), 1);
        assert_eq!(
            (open[0].metadata["period"].as_str(), open[0].metadata["requests"].as_str()),
            ("open", "500")
        );
        let distinct: u32 = open[0].metadata["distinct"].parse().unwrap();
        assert!((440..=560).contains(&distinct), "{distinct}");
        assert_eq!(tally.due(at(40)), [], "not again before it doubled");
        let quarter = tally.due(at(QUARTER));
        assert_eq!((quarter.len(), &quarter[0].actor), (1, &Actor::Gate));
        let hour = tally.due(at(HOUR));
        assert_eq!((hour.len(), hour[0].metadata["period"].as_str()), (1, "closed"));
        assert_eq!(hour[0].metadata["bytes"], "5000");
        assert_eq!(tally.due(at(2 * HOUR)), []);
    }

    #[test]
    fn hours_are_told_apart_though_nobody_came_to_look() {
        let (tally, ann) = (Tally::default(), principal("ann"));
        for hour in 0..3 {
            for number in 0..=hour {
                ask(&tally, &ann, &format!("/orders/{number}"), hour * HOUR);
            }
        }
        let own = |event: &Event| matches!(event.actor, Actor::Account { .. });
        let told = tally.due(at(3 * HOUR));
        let hours: Vec<_> =
            told.iter().filter(|event| own(event)).map(|event| &event.metadata["requests"]).collect();
        assert_eq!(hours, ["1", "2", "3"]);
    }

    #[test]
    fn newcomers_push_nobody_out_and_are_counted_together() {
        let tally = Tally::default();
        let ann = principal("ann");
        ask(&tally, &ann, "/orders/1", 0);
        for number in 0..3 * SHARDS * ROWS {
            ask(&tally, &principal(&format!("sock-{number}")), "/orders/1", 1);
        }
        ask(&tally, &ann, "/orders/2", 2);
        let mut events = Vec::new();
        loop {
            let visit = tally.due(at(HOUR));
            assert!(visit.len() <= VISIT + 1);
            if visit.is_empty() {
                break;
            }
            events.extend(visit);
        }
        assert!(events.len() <= SHARDS * ROWS + 2);
        let own =
            events.iter().find(|event| matches!(&event.actor, Actor::Account { name, .. } if name == "ann"));
        assert_eq!(own.unwrap().metadata["requests"], "2");
        let others: u64 = events
            .iter()
            .filter(|event| event.action == "traffic.uncounted")
            .map(|event| event.metadata["requests"].parse::<u64>().unwrap())
            .sum();
        assert!(others > 0);
        let people = events.iter().filter(|event| matches!(event.actor, Actor::Account { .. }));
        let told: u64 = people.map(|event| event.metadata["requests"].parse::<u64>().unwrap()).sum();
        assert_eq!(told + others, (3 * SHARDS * ROWS) as u64 + 2, "nothing is lost");
    }
}
