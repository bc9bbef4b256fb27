//! Networks, browsers, hours and places of each account.

use gabion_model::Timestamp;

use super::table::Table;
use super::{Figure, Findings, LEARNING, hour, hour_of_week};
use crate::anomaly::places::Place;

/// Accounts told apart.
const MOST: usize = 16_384;
/// Networks, and browsers, remembered of one account.
const KEPT: usize = 8;
/// A network or browser is known so many hours after it was first seen.
const KNOWN_AFTER: u32 = 24;
/// And no longer so many hours after it was last seen.
const KNOWN_FOR: u32 = 60 * 24;
/// How often somebody must have been seen before anything is new about them.
const SIGHTINGS: u32 = 3;
/// Hours of the week in which somebody must have been seen before one is unusual.
const HOURS: u32 = 6;
/// Hours after which what was done a generation ago is forgotten.
const GENERATION: u32 = 14 * 24;
/// In kilometres; nearer is one place.
const NEAR: f64 = 150.0;

/// Somebody, somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting {
    pub(crate) time: Timestamp,
    pub(crate) network: Option<u64>,
    pub(crate) agent: Option<u64>,
    pub(crate) place: Option<Place>,
    /// A key or token of a program, which is told of once and not at each sign-in.
    pub(crate) is_program: bool,
}

#[derive(Debug)]
pub(crate) struct People {
    known: Table<Person>,
}

impl Default for People {
    fn default() -> Self {
        Self { known: Table::new(MOST) }
    }
}

#[derive(Debug, Default)]
struct Person {
    first: Timestamp,
    sightings: u32,
    networks: Kept,
    agents: Kept,
    hours: Hours,
    place: Option<(Timestamp, Place)>,
}

/// What was seen of one kind; the least recently seen makes room, for what the same account brings only.
#[derive(Debug, Default)]
struct Kept([Thing; KEPT]);

#[derive(Debug, Default, Clone, Copy)]
struct Thing {
    hash: u64,
    first: u32,
    last: u32,
}

impl Kept {
    fn is_known(&self, hash: u64, now: u32) -> bool {
        let found = self.0.iter().find(|thing| thing.last > 0 && thing.hash == hash);
        found.is_some_and(|thing| {
            now.saturating_sub(thing.first) >= KNOWN_AFTER && now.saturating_sub(thing.last) < KNOWN_FOR
        })
    }

    fn learn(&mut self, hash: u64, now: u32) {
        if let Some(thing) = self.0.iter_mut().find(|thing| thing.last > 0 && thing.hash == hash) {
            if now.saturating_sub(thing.last) >= KNOWN_FOR {
                thing.first = now;
            }
            thing.last = now;
            return;
        }
        // What was seen once and is not yet known goes before what is known.
        let oldest = self.0.iter_mut().min_by_key(|thing| {
            (thing.last > 0 && thing.last.saturating_sub(thing.first) >= KNOWN_AFTER, thing.last)
        });
        if let Some(thing) = oldest {
            *thing = Thing { hash, first: now, last: now };
        }
    }
}

/// Hours of the week with something in them: of this generation and of the one before.
#[derive(Debug, Default)]
struct Hours {
    began: u32,
    now: [u64; 3],
    before: [u64; 3],
}

impl Hours {
    fn add(&mut self, time: Timestamp) {
        let hour = hour(time);
        if hour.saturating_sub(self.began) >= GENERATION {
            self.before = std::mem::take(&mut self.now);
            self.began = hour;
        }
        let at = hour_of_week(time);
        if let Some(word) = self.now.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn has(&self, at: usize) -> bool {
        let bit = |words: &[u64; 3]| words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1);
        bit(&self.now) || bit(&self.before)
    }

    fn count(&self) -> u32 {
        self.now.iter().zip(&self.before).map(|(now, before)| (now | before).count_ones()).sum()
    }

    /// This hour, or one beside it, on a day of this kind: a working day or one of the weekend.
    fn is_usual(&self, time: Timestamp) -> bool {
        let at = hour_of_week(time);
        let (day, hour) = (at / 24, at % 24);
        let days = if day < 5 { 0..5 } else { 5..7 };
        days.into_iter()
            .any(|day| [hour + 23, hour, hour + 1].into_iter().any(|hour| self.has(day * 24 + hour % 24)))
    }
}

impl People {
    /// What is new about where somebody is.
    pub(crate) fn look(&self, key: u64, sighting: &Sighting, findings: &mut Findings) {
        let now = hour(sighting.time);
        let Some(person) = self.known.find(key) else {
            findings.say("learnt.agent", "learning");
            findings.say("learnt.network", "learning");
            return;
        };
        let is_seldom = person.sightings < SIGHTINGS && !sighting.is_program;
        let is_learning = is_seldom || sighting.time.saturating_since(person.first) < LEARNING;
        let word = |is_known: bool| match (is_known, is_learning) {
            (true, _) => "known",
            (false, true) => "learning",
            (false, false) => "new",
        };
        if let Some(hash) = sighting.network {
            findings.say("learnt.network", word(person.networks.is_known(hash, now)));
        }
        if let Some(hash) = sighting.agent {
            findings.say("learnt.agent", word(person.agents.is_known(hash, now)));
        }
        if let (Some((then, from)), Some(to)) = (person.place, sighting.place) {
            let far = from.kilometres(to);
            if far >= NEAR {
                // Two servers may tell the time a little differently.
                let hours = sighting.time.saturating_since(then).as_secs_f64().max(60.0) / 3600.0;
                findings.say("learnt.speed", format!("{:.0}", far / hours));
                findings.figures.push(Figure {
                    field: "learnt.speed",
                    what: "kilometres an hour between two places",
                    expected: 900.0,
                    seen: far / hours,
                    since: then,
                });
            }
        }
    }

    pub(crate) fn learn(&mut self, key: u64, sighting: &Sighting) {
        let now = hour(sighting.time);
        let first = || Person { first: sighting.time, ..Person::default() };
        let Some(person) = self.known.place(key, sighting.time, first) else { return };
        person.sightings = person.sightings.saturating_add(1);
        if let Some(hash) = sighting.network {
            person.networks.learn(hash, now);
        }
        if let Some(hash) = sighting.agent {
            person.agents.learn(hash, now);
        }
        if let Some(place) = sighting.place {
            person.place = Some((sighting.time, place));
        }
    }

    /// Whether somebody does something at an hour at which they do; learnt from it then.
    pub(crate) fn hour(&mut self, key: u64, time: Timestamp, findings: &mut Findings) {
        let Some(person) = self.known.place(key, time, || Person { first: time, ..Person::default() }) else {
            return;
        };
        let is_learning = person.hours.count() < HOURS || time.saturating_since(person.first) < LEARNING;
        let word = match (person.hours.is_usual(time), is_learning) {
            (true, _) => "usual",
            (false, true) => "learning",
            (false, false) => "unusual",
        };
        findings.say("learnt.hour", word);
        person.hours.add(time);
    }

    pub(crate) fn held(&self) -> usize {
        self.known.held()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: i64 = 1_700_438_400; // 2023-11-20T00:00:00Z

    fn said(findings: &Findings, field: &str) -> String {
        findings.text(field).map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    fn at(seconds: i64, network: u64) -> Sighting {
        Sighting {
            time: Timestamp::from_secs(MONDAY + seconds),
            network: Some(network),
            agent: Some(1),
            place: None,
            is_program: false,
        }
    }

    fn look(people: &People, sighting: &Sighting) -> String {
        let mut findings = Findings::default();
        people.look(7, sighting, &mut findings);
        said(&findings, "learnt.network")
    }

    #[test]
    fn a_network_is_known_a_day_later_and_nobody_is_new_while_we_learn() {
        let mut people = People::default();
        assert_eq!(look(&people, &at(0, 1)), "learning");
        for day in 0..8 {
            people.learn(7, &at(day * 86_400, 1));
        }
        let day = 8 * 86_400;
        assert_eq!(look(&people, &at(day, 1)), "known");
        assert_eq!(look(&people, &at(day, 2)), "new");
        people.learn(7, &at(day, 2));
        assert_eq!(look(&people, &at(day + 3600, 2)), "new", "an attacker is not usual an hour later");
        assert_eq!(look(&people, &at(day + 86_400, 2)), "known");
    }

    #[test]
    fn rotating_networks_do_not_make_the_own_one_forgotten() {
        let mut people = People::default();
        for day in 0..8 {
            people.learn(7, &at(day * 86_400, 1));
        }
        for network in 100..200 {
            people.learn(7, &at(8 * 86_400, network));
        }
        assert_eq!(look(&people, &at(8 * 86_400 + 60, 1)), "known");
    }

    #[test]
    fn hours_are_learnt_by_kind_of_day() {
        let mut people = People::default();
        let mut hour = |seconds: i64| {
            let mut findings = Findings::default();
            people.hour(7, Timestamp::from_secs(MONDAY + seconds), &mut findings);
            said(&findings, "learnt.hour")
        };
        for day in [0, 1, 2, 3, 4, 7] {
            for clock in 9..17 {
                hour(day * 86_400 + clock * 3600);
            }
        }
        let tuesday = 8 * 86_400;
        assert_eq!(hour(tuesday + 10 * 3600), "usual");
        assert_eq!(hour(tuesday + 3 * 3600), "unusual");
        let saturday = 12 * 86_400;
        assert_eq!(hour(saturday + 10 * 3600), "unusual");
    }
}
