use std::sync::Arc;

use gabion_ledger::storage::faulty::{Faults, FaultySegments};
use gabion_ledger::{LedgerError, MemorySegments, SegmentSource, Settings, Status};
use gabion_model::{ByteSize, Period};
use proptest::prelude::*;

use crate::support::{clock, everything, login, number, open, refusal, refusals, small};

fn faulty() -> Arc<FaultySegments<MemorySegments>> {
    Arc::new(FaultySegments::new(MemorySegments::new()))
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let storage = faulty();
    let (ledger, _) = open(&storage, &small());
    ledger.record(login(0)).await.unwrap();
    storage.inject(Faults { space: Some(100), ..Faults::default() });
    for _ in 0..3 {
        assert!(matches!(ledger.record(login(99)).await, Err(LedgerError::Full)));
        assert_eq!(ledger.status(), Status::Full);
    }
    storage.inject(Faults::default());
    ledger.record(login(1)).await.unwrap();
    assert_eq!(ledger.status(), Status::Ready);
    ledger.close().await.unwrap();
    let (reopened, recovery) = open(&storage, &small());
    assert_eq!(recovery.cuts, []);
    assert_eq!(everything(&reopened).iter().map(number).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_start_refuses_and_recovers() {
    let storage = faulty();
    storage.inject(Faults { space: Some(0), ..Faults::default() });
    let (ledger, _) = open(&storage, &small());
    assert!(matches!(ledger.record(login(99)).await, Err(LedgerError::Full)));
    storage.inject(Faults::default());
    ledger.record(login(0)).await.unwrap();
    assert_eq!(everything(&ledger).len(), 1);
}

#[tokio::test]
async fn after_a_failed_sync_a_new_segment_begins_and_what_was_lost_stays_lost() {
    let storage = faulty();
    let (ledger, _) = open(&storage, &small());
    ledger.record(login(0)).await.unwrap();
    // The bytes stay where they are: the disk neither syncs nor cuts.
    storage.inject(Faults { failing_syncs: 1, failing_truncations: 1, ..Faults::default() });
    assert!(matches!(ledger.record(login(99)).await, Err(LedgerError::Io(_))));
    assert_eq!(ledger.status(), Status::Failing);
    ledger.record(login(1)).await.unwrap();
    assert_eq!(ledger.status(), Status::Ready);
    assert_eq!(storage.list().unwrap().len(), 2);
    for ledger in [&ledger, &open(&storage, &small()).0] {
        assert_eq!(everything(ledger).iter().map(number).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(ledger.tail(9).unwrap().iter().map(number).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(ledger.reader().verify().unwrap(), 2);
    }
}

#[tokio::test]
async fn a_disk_that_fails_for_long_does_not_collect_segments() {
    let storage = faulty();
    let (ledger, _) = open(&storage, &small());
    storage.inject(Faults { failing_syncs: 20, ..Faults::default() });
    for _ in 0..20 {
        assert!(ledger.record(login(99)).await.is_err());
    }
    ledger.record(login(0)).await.unwrap();
    assert_eq!(storage.list().unwrap().len(), 1);
    assert_eq!(everything(&ledger).iter().map(number).collect::<Vec<_>>(), [0]);
}

#[tokio::test]
async fn refusals_counted_while_the_disk_was_full_are_not_lost() {
    let storage = faulty();
    let clock = clock();
    let (ledger, _) =
        gabion_ledger::Ledger::open(Arc::clone(&storage) as _, &small(), Arc::clone(&clock) as _).unwrap();
    storage.inject(Faults { space: Some(0), ..Faults::default() });
    for round in 0..50_u32 {
        ledger.observe(refusal(
            gabion_model::Clock::now(&*clock),
            &format!("/{round}/x"),
            "agent",
            round << 8,
        ));
        if round % 10 == 0 {
            // Full, or nothing was left to write because the writer had tried already.
            let _ = ledger.flush().await;
        }
    }
    storage.inject(Faults::default());
    ledger.close().await.unwrap();
    assert_eq!(refusals(&everything(&ledger)), 50);
}

#[tokio::test]
async fn the_size_is_bounded_and_old_segments_make_room() {
    let storage = faulty();
    let max_size = Some(ByteSize::new(128 << 10));
    let clock = clock();
    let settings = Settings { max_size, keep: Some(Period::from_secs(86_400)), ..small() };
    assert_eq!(settings.problems(), []);
    let (ledger, _) =
        gabion_ledger::Ledger::open(Arc::clone(&storage) as _, &settings, Arc::clone(&clock) as _).unwrap();
    let mut recorded = 0;
    let refused = loop {
        match ledger.record(login(recorded)).await {
            Ok(_) => recorded += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, LedgerError::Full));
    assert!(storage.inner().total() <= 128 << 10);
    assert_eq!(everything(&ledger).len() as u64, recorded);
    clock.advance(std::time::Duration::from_secs(90_000));
    ledger.record(login(recorded)).await.unwrap();
    let left = everything(&ledger);
    assert!((left.len() as u64) < recorded);
    assert_eq!(number(left.last().unwrap()), recorded);
    assert_eq!(ledger.reader().verify().unwrap(), left.len() as u64);
}

#[tokio::test]
async fn events_are_removed_when_they_are_too_old_also_where_few_come() {
    let storage = Arc::new(MemorySegments::new());
    let clock = clock();
    let settings = Settings { keep: Some(Period::from_secs(800_000)), ..Settings::default() };
    let (ledger, _) =
        gabion_ledger::Ledger::open(Arc::clone(&storage) as _, &settings, Arc::clone(&clock) as _).unwrap();
    for day in 0..40 {
        let mut event = login(day);
        event.time = gabion_model::Clock::now(&*clock);
        ledger.record(event).await.unwrap();
        let oldest = everything(&ledger)[0].event.time;
        let age = gabion_model::Clock::now(&*clock).saturating_since(oldest).as_secs();
        assert!(age <= 1_000_000, "{age} s on day {day}");
        assert_eq!(ledger.tail(1).unwrap().len(), 1);
        clock.advance(std::time::Duration::from_secs(86_400));
    }
    assert!(everything(&ledger).len() >= 9, "what is younger stays");
}

/// What may go wrong between two records.
fn fault() -> impl Strategy<Value = Faults> {
    prop_oneof![
        4 => Just(Faults::default()),
        1 => (0..2000_u64).prop_map(|space| Faults { space: Some(space), ..Faults::default() }),
        1 => (1..50_usize).prop_map(|most| Faults { short_writes: Some(most), ..Faults::default() }),
        1 => (1..3_u64, 0..2_u64, 0..2_u64).prop_map(|(failing_syncs, failing_truncations, failing_creations)| {
            Faults { failing_syncs, failing_truncations, failing_creations, ..Faults::default() }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_disk_does_exactly_the_acknowledged_records_are_there(
        steps in prop::collection::vec((fault(), 1..6_usize), 1..25),
        reopen in 0..25_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let storage = faulty();
        let (mut ledger, _) = open(&storage, &small());
        let mut acknowledged = Vec::new();
        let mut next = 0;
        for (step, (faults, count)) in steps.into_iter().enumerate() {
            storage.inject(faults);
            for _ in 0..count {
                if let Ok(place) = runtime.block_on(ledger.record(login(next))) {
                    acknowledged.push(next);
                    prop_assert_eq!(place.0, acknowledged.len() as u64);
                }
                next += 1;
            }
            if step == reopen {
                storage.inject(Faults::default());
                // A count that could not be written has nothing to do with it: there are no refusals.
                runtime.block_on(ledger.close()).unwrap();
                ledger = open(&storage, &small()).0;
                // A failed write may be there after all, behind what was acknowledged.
                let found: Vec<_> = everything(&ledger).iter().map(number).collect();
                prop_assert_eq!(&found[..acknowledged.len()], &acknowledged[..]);
                acknowledged = found;
            }
        }
        storage.inject(Faults::default());
        let found: Vec<_> = everything(&ledger).iter().map(number).collect();
        prop_assert_eq!(&found, &acknowledged);
        prop_assert_eq!(ledger.reader().verify().unwrap(), acknowledged.len() as u64);
        let lost_power = Arc::new(storage.inner().crash(0));
        let found: Vec<_> = everything(&open(&lost_power, &small()).0).iter().map(number).collect();
        prop_assert_eq!(&found[..acknowledged.len()], &acknowledged[..]);
    }
}
