//! A day and a year by an injected clock: segments are begun and removed when they are due, what is to be kept is there, and
//! nothing grows.

use std::sync::Arc;
use std::time::Duration;

use gabion_ledger::hold::{Hold, Holds};
use gabion_ledger::retention::Retention;
use gabion_ledger::{
    Ledger, MemorySegments, MemoryTree, Position, Protection, Reader, Seal, SegmentId, SegmentSource,
    SegmentStorage, Settings, TreeStorage,
};
use gabion_model::{Clock as _, ManualClock, MemoryDocuments, Period, Secret, Timestamp};
use gabion_tlog::SigningKey;
use gabion_tlog::note::Purpose;

use crate::support::{clock, everything, login, refusal, small};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

struct Simulated {
    ledger: Ledger,
    segments: Arc<MemorySegments>,
    tree: Arc<MemoryTree>,
    clock: Arc<ManualClock>,
    retention: Arc<Retention>,
    runtime: tokio::runtime::Runtime,
    number: u64,
}

impl Simulated {
    /// Keeps events so long; with `archives`, only what was archived is removed.
    fn keeping(keep: Duration, archives: bool) -> Self {
        let clock = clock();
        let (segments, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
        let holds = Arc::new(Holds::open(Arc::new(MemoryDocuments::default())).unwrap());
        let source = Arc::clone(&segments) as Arc<dyn SegmentSource>;
        let retention = Arc::new(Retention::new(holds, source, archives));
        let key = SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([1; 32])).unwrap();
        let seal = Seal { key, storage: Arc::clone(&tree) as Arc<dyn TreeStorage> };
        let settings = Settings { keep: Some(Period::from_secs(keep.as_secs())), ..small() };
        let protection =
            Protection { seal: Some(seal), records: None, retention: Some(Arc::clone(&retention)) };
        let storage = Arc::clone(&segments) as Arc<dyn SegmentStorage>;
        let own = Arc::clone(&clock);
        let ledger = Ledger::open_protected(storage, &settings, own, protection).unwrap().0;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { ledger, segments, tree, clock, retention, runtime, number: 0 }
    }

    /// Records so many events now.
    fn record(&mut self, count: u64) {
        for _ in 0..count {
            let mut event = login(self.number);
            event.time = self.clock.now();
            self.number += 1;
            self.runtime.block_on(self.ledger.record(event)).unwrap();
        }
    }

    fn first(&self) -> Timestamp {
        let source = Arc::clone(&self.segments) as Arc<dyn SegmentSource>;
        let query = gabion_ledger::Query {
            order: gabion_ledger::Order::OldestFirst,
            limit: Some(1),
            ..gabion_ledger::Query::default()
        };
        Reader::open(source).unwrap().search(query).next().unwrap().unwrap().event.time
    }

    fn count(&self) -> usize {
        self.segments.list().unwrap().len()
    }
}

#[test]
fn a_day_with_a_flood_in_it_leaves_what_is_kept_and_no_more() {
    let mut day = Simulated::keeping(DAY, false);
    let (begin, mut most) = (day.clock.now(), 0);
    // Two days, minute by minute; of the first nothing may be missing while it is younger than a day.
    for minute in 0..2 * 24 * 60_u64 {
        day.record(1);
        // Between three and four in the night somebody sweeps: a thousand paths a minute, from a thousand addresses.
        if (180..240).contains(&(minute % 1440)) {
            for sweep in 0..1_000_u32 {
                let path = format!("/{minute}/{sweep}");
                day.ledger.observe(refusal(day.clock.now(), &path, "scanner/1.0", sweep));
            }
            day.runtime.block_on(day.ledger.flush()).unwrap();
        }
        day.clock.advance(Duration::from_secs(60));
        most = most.max(day.segments.total());
        let age = day.clock.now().saturating_since(day.first());
        let told = day.clock.now().saturating_since(begin);
        assert!(age >= told.min(DAY), "minute {minute}: the oldest is {age:?} old");
        assert!(age <= DAY + DAY / 4, "minute {minute}: the oldest is {age:?} old");
    }
    // 1,440 logins and an hour's flood, of which at most 256 KiB a minute are written.
    assert!(most < 24 << 20, "{most} bytes");
    assert!(day.count() >= 8, "an eighth of a day goes at once: {}", day.count());
    day.clock.advance(DAY * 2);
    day.record(2);
    let left = day.count();
    assert!(left <= 2, "{left}: the segment that grows, and one whose tiles are not known to be durable");
}

#[test]
fn a_year_of_days_keeps_a_month() {
    let keep = DAY * 30;
    let mut year = Simulated::keeping(keep, false);
    let begin = year.clock.now();
    for hour in 0..365 * 24_u64 {
        year.record(1);
        year.clock.advance(HOUR);
        let age = year.clock.now().saturating_since(year.first());
        assert!(age >= year.clock.now().saturating_since(begin).min(keep), "hour {hour}: {age:?}");
        // An eighth later, and what an hour without an event adds.
        assert!(age <= keep + keep / 8 + 12 * HOUR, "hour {hour}: {age:?}");
        assert!(year.count() <= 11, "hour {hour}: {} segments", year.count());
    }
    let left = everything(&year.ledger);
    assert!(left.len() >= 720 && left.len() < 850, "{}", left.len());
    let last = left.last().unwrap().position;
    assert_eq!(last, Position(365 * 24), "numbers go on");
    // Of each record that is gone its hash is left: 32 bytes of it in the tiles of level 0.
    let tiles = year.tree.tiles();
    assert!(tiles.len() < 365 * 24 / 256 + 16, "{}", tiles.len());
}

#[test]
fn what_is_held_or_not_archived_outlives_its_time() {
    let mut kept = Simulated::keeping(DAY, true);
    for _ in 0..24 * 7 {
        kept.record(1);
        kept.clock.advance(HOUR);
    }
    assert_eq!(kept.first(), Timestamp::from_secs(1_000_000), "nothing is archived: nothing goes");
    let hold = |name: &str, first: u64, last: u64| Hold {
        name: name.to_owned(),
        reason: "a lawsuit".to_owned(),
        set: Timestamp::default(),
        by: "operator".to_owned(),
        since: None,
        until: None,
        first: Some(Position(first)),
        last: Some(Position(last)),
        principal: None,
        subject: None,
    };
    let holds = Arc::clone(kept.retention.holds());
    holds.add(hold("early", 1, 2)).unwrap();
    holds.add(hold("middle", 80, 80)).unwrap();
    kept.retention.set_archived(SegmentId(1_000));
    let rotate = |kept: &mut Simulated| {
        let before = kept.segments.list().unwrap().last().copied();
        while kept.segments.list().unwrap().last().copied() == before {
            kept.clock.advance(HOUR);
            kept.record(1);
        }
    };
    rotate(&mut kept);
    assert_eq!(kept.first(), Timestamp::from_secs(1_000_000), "the first is held, and what follows with it");
    holds.remove("early").unwrap();
    rotate(&mut kept);
    let left = everything(&kept.ledger);
    assert!(left[0].position > Position(2) && left[0].position <= Position(80), "{:?}", left[0].position);
    holds.remove("middle").unwrap();
    rotate(&mut kept);
    assert!(everything(&kept.ledger)[0].position > Position(80));
}
