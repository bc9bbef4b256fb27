//! How much one account takes of one route in an hour, compared with its own hours and with those of the others.
//!
//! The level is the most of an ordinary hour: it follows the largest hours at once while it is learnt, by a quarter a day
//! at most afterwards, and forgets half in a month. So whoever wants a thousand records to be usual needs weeks for it, and
//! then the level is compared with what it was two to four weeks before. Where everybody takes more (a launch, the end of a
//! month) the others' hours count: what one of two hundred hours of people has is to be expected of anybody.

use gabion_model::{Event, Timestamp};

use super::table::Table;
use super::{Figure, Findings, LEARNING};

/// Pairs of account and route told apart.
const MOST: usize = 32_768;
/// Routes whose users are compared with each other.
const ROUTES: usize = 1_024;
/// Hours with something in them before anything is unusual.
const HOURS: u16 = 5;
const GROWTH: f32 = 1.25;
/// A day's forgetting.
const FADE: f32 = 0.98;
/// Days after which a level is compared with itself.
const GENERATION: u32 = 14;

/// Key of the event's metadata, field, what it is, and how much of it nobody minds.
const METRICS: [(&str, &str, &str, f32); 4] = [
    ("requests", "learnt.requests", "requests an hour", 120.0),
    ("distinct", "learnt.distinct", "different addresses an hour", 40.0),
    ("bytes", "learnt.bytes", "bytes an hour", 10e6),
    ("failed", "learnt.failed", "failed answers an hour", 20.0),
];

#[derive(Debug)]
pub(crate) struct Levels {
    known: Table<Level>,
    /// By route.
    peers: Table<Peers>,
}

/// What one of two hundred hours has.
#[derive(Debug, Default)]
struct Peers {
    hours: u32,
    most: [f32; METRICS.len()],
}

impl Peers {
    /// How many hours are looked at before they say something.
    const HOURS: u32 = 500;
    const STEP: f32 = 0.05;
    const RARE: f32 = 0.005;

    /// A quantile followed by small steps: up where more was seen, down a little where not.
    fn learn(&mut self, event: &Event) {
        self.hours = self.hours.saturating_add(1);
        for ((key, ..), most) in METRICS.iter().zip(&mut self.most) {
            let seen = number(event, key);
            let step = if seen > *most { 1.0 - Self::RARE } else { -Self::RARE };
            *most = if *most < 1.0 { seen } else { *most * (1.0 + Self::STEP * step) };
        }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self { known: Table::new(MOST), peers: Table::new(ROUTES) }
    }
}

#[derive(Debug)]
struct Level {
    first: Timestamp,
    hours: u16,
    /// The day of `dawn`.
    day: u32,
    peak: [f32; METRICS.len()],
    /// The peak when the day began.
    dawn: [f32; METRICS.len()],
    /// The peak a generation ago, and the one to be that next.
    anchor: [f32; METRICS.len()],
    next_anchor: [f32; METRICS.len()],
    anchored: u32,
}

impl Level {
    fn new(now: Timestamp) -> Self {
        let (none, day) = ([0.0; METRICS.len()], day(now));
        Self {
            first: now,
            hours: 0,
            day,
            peak: none,
            dawn: none,
            anchor: none,
            next_anchor: none,
            anchored: day,
        }
    }

    fn is_learning(&self, now: Timestamp) -> bool {
        self.hours < HOURS || now.saturating_since(self.first) < LEARNING
    }

    fn learn(&mut self, event: &Event) {
        let today = day(event.time);
        if today > self.day {
            let days = i32::try_from(today - self.day).unwrap_or(i32::MAX);
            self.peak = self.peak.map(|peak| peak * FADE.powi(days));
            self.dawn = self.peak;
            self.day = today;
        }
        if today.saturating_sub(self.anchored) >= GENERATION {
            self.anchor = self.next_anchor;
            self.next_anchor = self.peak;
            self.anchored = today;
        }
        let is_learning = self.is_learning(event.time);
        self.hours = self.hours.saturating_add(1);
        for (((key, _, _, least), peak), dawn) in METRICS.iter().zip(&mut self.peak).zip(self.dawn) {
            let seen = number(event, key);
            let most = if is_learning { f32::MAX } else { (dawn * GROWTH).max(*least) };
            *peak = peak.max(seen.min(most));
        }
    }
}

impl Levels {
    pub(crate) fn look(&self, (key, route): (u64, u64), event: &Event, findings: &mut Findings) {
        let peers = self.peers.find(route).filter(|peers| peers.hours >= Peers::HOURS);
        let others = peers.map_or([0.0; METRICS.len()], |peers| peers.most);
        let Some(level) = self.known.find(key).filter(|level| !level.is_learning(event.time)) else { return };
        let mut drift: f32 = 0.0;
        for ((((key, field, what, least), peak), anchor), others) in
            METRICS.iter().zip(level.peak).zip(level.anchor).zip(others)
        {
            let seen = number(event, key);
            let expected = f64::from(peak.max(*least).max(others));
            if f64::from(seen) > expected {
                findings.compare(Figure { field, what, expected, seen: seen.into(), since: level.first });
            }
            if anchor > 0.0 {
                drift = drift.max(peak.min(seen) / anchor.max(*least).max(others));
            }
        }
        if drift >= 1.5 {
            findings.say("learnt.drift", format!("{drift:.1}"));
        }
    }

    pub(crate) fn learn(&mut self, (key, route): (u64, u64), event: &Event) {
        // Programs take as much as they are made for.
        if event.metadata.get("program").is_none_or(|program| program != "true")
            && let Some(peers) = self.peers.place(route, event.time, Peers::default)
        {
            peers.learn(event);
        }
        if let Some(level) = self.known.place(key, event.time, || Level::new(event.time)) {
            level.learn(event);
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.known.held() + self.peers.held()
    }
}

pub(super) fn number(event: &Event, key: &str) -> f32 {
    event.metadata.get(key).and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

fn day(time: Timestamp) -> u32 {
    u32::try_from(time.as_secs().div_euclid(86_400)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::{AccountId, Actor, ControlId, EventKind, Outcome};

    fn hour(day: i64, distinct: u32) -> Event {
        let mut event = Event::new(
            Timestamp::from_secs(1_700_000_000 + day * 86_400),
            EventKind::Traffic,
            super::super::COUNTED,
            Actor::Account { id: AccountId::new("a"), name: "ann".to_owned(), session: None },
            Outcome::Success,
            ControlId::WATCH_DETECTIONS,
        );
        event.metadata.insert("distinct".to_owned(), distinct.to_string());
        event
    }

    fn times(levels: &Levels, event: &Event, field: &str) -> f64 {
        let mut findings = Findings::default();
        levels.look((1, 0), event, &mut findings);
        findings.text(field).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    #[test]
    fn much_more_than_usual_is_said_with_its_figures() {
        let mut levels = Levels::default();
        assert_eq!(times(&levels, &hour(0, 9_000), "learnt.distinct"), 0.0, "nothing is known yet");
        for day in 0..8 {
            levels.learn((1, 0), &hour(day, 50));
        }
        let mut findings = Findings::default();
        levels.look((1, 0), &hour(8, 1000), &mut findings);
        let figure = &findings.figures[0];
        assert_eq!((figure.expected.round(), figure.seen), (50.0, 1000.0));
        assert_eq!(
            figure.words(),
            "different addresses an hour: expected at most 50, seen 1000; learnt since 2023-11-14"
        );
        assert_eq!(times(&levels, &hour(8, 1000), "learnt.distinct"), 20.0);
        assert_eq!(times(&levels, &hour(8, 49), "learnt.distinct"), 0.0);
    }

    #[test]
    fn one_large_hour_does_not_make_the_next_usual() {
        let mut levels = Levels::default();
        for day in 0..8 {
            levels.learn((1, 0), &hour(day, 50));
        }
        for _ in 0..24 {
            levels.learn((1, 0), &hour(8, 10_000));
        }
        assert!(times(&levels, &hour(8, 10_000), "learnt.distinct") > 100.0);
    }

    #[test]
    fn where_everybody_takes_more_nobody_is_unusual() {
        let mut levels = Levels::default();
        for day in 0..10 {
            levels.learn((1, 0), &hour(day, 50));
            for other in 2..200 {
                levels.learn((other, 0), &hour(day, 50 + u32::try_from(other % 100).unwrap() * 4));
            }
        }
        assert!(times(&levels, &hour(10, 400), "learnt.distinct") < 2.0);
        assert!(times(&levels, &hour(10, 4_000), "learnt.distinct") > 5.0);
    }

    #[test]
    fn a_slow_ramp_is_seen_by_comparison_with_what_was() {
        let mut levels = Levels::default();
        for day in 0..30 {
            levels.learn((1, 0), &hour(day, 50));
        }
        let mut amount = 50.0_f64;
        for day in 30..45 {
            amount *= 1.2;
            let event = hour(day, amount as u32);
            assert!(times(&levels, &event, "learnt.distinct") < 2.0, "each step is small");
            levels.learn((1, 0), &event);
        }
        assert!(times(&levels, &hour(44, amount as u32), "learnt.drift") >= 4.0);
    }
}
