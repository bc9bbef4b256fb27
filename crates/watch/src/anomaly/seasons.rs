//! What comes at which hour of the week: of each route, and failed sign-ins of all.

use gabion_model::{Event, Timestamp};

use super::levels::number;
use super::table::Table;
use super::{Figure, Findings, LEARNING, hour, hour_of_week};

/// Routes told apart.
const MOST: usize = 1_024;
const WEEK: usize = 168;
/// How much a new hour weighs once there are some.
const WEIGHT: f32 = 0.15;

/// Mean and mean deviation for each hour of the week.
#[derive(Debug)]
struct Season {
    first: Timestamp,
    slots: [Slot; WEEK],
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    mean: f32,
    deviation: f32,
    count: u16,
}

impl Season {
    fn new(first: Timestamp) -> Self {
        Self { first, slots: [Slot::default(); WEEK] }
    }

    /// The most that is to be expected; none while it is learnt. `least` is what nobody minds.
    fn expected(&self, time: Timestamp, least: f32) -> Option<f32> {
        if time.saturating_since(self.first) < LEARNING {
            return None;
        }
        // Neighbours too: a day's work does not begin by the clock.
        let at = hour_of_week(time);
        let around = [at + WEEK - 1, at, at + 1].into_iter().filter_map(|at| self.slots.get(at % WEEK));
        let known = around.filter(|slot| slot.count > 0);
        let most = known.map(|slot| slot.mean + 4.0 * slot.deviation.max(slot.mean.sqrt()));
        most.reduce(f32::max).map(|most| most.max(least))
    }

    fn learn(&mut self, time: Timestamp, seen: f32, least: f32) {
        let most = self.expected(time, least).map_or(f32::MAX, |expected| expected * 2.0);
        let seen = seen.min(most);
        let Some(slot) = self.slots.get_mut(hour_of_week(time)) else { return };
        slot.count = slot.count.saturating_add(1);
        let weight = (1.0 / f32::from(slot.count)).max(WEIGHT);
        let off = (seen - slot.mean).abs();
        if slot.count > 1 {
            slot.deviation += weight * (off - slot.deviation);
        }
        slot.mean += weight * (seen - slot.mean);
    }
}

/// Routes: how much is asked in a quarter of an hour, and how much of it fails.
#[derive(Debug)]
pub(crate) struct Seasons {
    known: Table<Box<[Season; METRICS.len()]>>,
}

impl Default for Seasons {
    fn default() -> Self {
        Self { known: Table::new(MOST) }
    }
}

/// Key of the event's metadata, field, what it is, and how much of it nobody minds.
const METRICS: [(&str, &str, &str, f32); 2] = [
    ("requests", "learnt.requests", "requests in fifteen minutes", 300.0),
    ("failed", "learnt.failed", "failed answers in fifteen minutes", 50.0),
];

impl Seasons {
    pub(crate) fn look(&self, key: u64, event: &Event, findings: &mut Findings) {
        let Some(seasons) = self.known.find(key) else { return };
        for ((key, field, what, least), season) in METRICS.iter().zip(seasons.iter()) {
            let seen = number(event, key);
            if let Some(expected) = season.expected(event.time, *least).filter(|expected| seen > *expected) {
                findings.compare(Figure {
                    field,
                    what,
                    expected: expected.into(),
                    seen: seen.into(),
                    since: season.first,
                });
            }
        }
    }

    pub(crate) fn learn(&mut self, key: u64, event: &Event) {
        let new = || Box::new([Season::new(event.time), Season::new(event.time)]);
        let Some(seasons) = self.known.place(key, event.time, new) else { return };
        for ((key, _, _, least), season) in METRICS.iter().zip(seasons.iter_mut()) {
            season.learn(event.time, number(event, key), *least);
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.known.held() + self.known.len() * size_of::<[Season; METRICS.len()]>()
    }
}

/// Something counted by the hour, whoever does it.
#[derive(Debug, Default)]
pub(crate) struct Series {
    season: Option<Box<Season>>,
    hour: u32,
    count: u64,
}

/// What nobody minds in an hour.
const LEAST: f32 = 40.0;

impl Series {
    pub(crate) fn add(&mut self, time: Timestamp, amount: u64, what: &'static str, findings: &mut Findings) {
        let now = hour(time);
        let season = self.season.get_or_insert_with(|| Box::new(Season::new(time)));
        if self.hour > now + 1 {
            // A clock that was set back.
            (self.hour, self.count) = (now, 0);
        } else if now > self.hour {
            // Hours in which nothing came are hours too; a longer silence says nothing new.
            let quiet = (now - self.hour).min(u32::try_from(WEEK).unwrap_or(0));
            if self.hour > 0 {
                season.learn(start(self.hour), self.count as f32, LEAST);
                for past in (now - quiet + 1)..now {
                    season.learn(start(past), 0.0, LEAST);
                }
            }
            (self.hour, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(amount);
        let seen = self.count as f32;
        if let Some(expected) = season.expected(time, LEAST).filter(|expected| seen > *expected) {
            let (field, since) = ("learnt.sign-ins", season.first);
            findings.compare(Figure { field, what, expected: expected.into(), seen: seen.into(), since });
        }
    }
}

fn start(hour: u32) -> Timestamp {
    Timestamp::from_secs(i64::from(hour) * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: i64 = 1_700_438_400;

    fn add(series: &mut Series, hour: i64, amount: u64) -> Vec<Figure> {
        let mut findings = Findings::default();
        series.add(Timestamp::from_secs(MONDAY + hour * 3600), amount, "of the test", &mut findings);
        findings.figures
    }

    #[test]
    fn what_is_usual_at_nine_is_not_at_three() {
        let mut series = Series::default();
        for day in 0..14 {
            for hour in 0..24 {
                let amount = if (8..18).contains(&hour) { 200 } else { 5 };
                assert_eq!(add(&mut series, day * 24 + hour, amount), [], "{day} {hour}");
            }
        }
        assert_eq!(add(&mut series, 14 * 24 + 3, 200).len(), 1);
        assert_eq!(add(&mut series, 14 * 24 + 10, 220), []);
        let much = add(&mut series, 14 * 24 + 11, 2_000);
        assert!((200.0..400.0).contains(&much[0].expected), "{much:?}");
    }

    #[test]
    fn a_clock_that_was_set_back_adds_nothing_up() {
        let mut series = Series::default();
        for hour in 0..24 * 14 {
            add(&mut series, hour, 50);
        }
        for hour in 24 * 7..24 * 8 {
            assert_eq!(add(&mut series, hour, 50), [], "{hour}");
        }
    }

    #[test]
    fn a_flood_teaches_little() {
        let mut series = Series::default();
        for hour in 0..24 * 14 {
            add(&mut series, hour, 50);
        }
        add(&mut series, 24 * 14, 1_000_000);
        let again = add(&mut series, 24 * 21, 1_000);
        assert_eq!(again.len(), 1, "a week later it is still unusual");
    }
}
