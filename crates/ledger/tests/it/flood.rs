use std::sync::Arc;
use std::time::Duration;

use gabion_ledger::{Ledger, MemorySegments, OTHERS, Settings, Status};
use gabion_model::random::SeededRng;
use gabion_model::{ByteSize, Clock, ControlId, ManualClock};
use proptest::prelude::*;

use crate::support::{clock, everything, login, refusal, refusals, small};

fn started() -> (Ledger, Arc<MemorySegments>, Arc<ManualClock>) {
    let (storage, clock) = (Arc::new(MemorySegments::new()), clock());
    let (ledger, _) =
        Ledger::open(Arc::clone(&storage) as _, &Settings::default(), Arc::clone(&clock) as _).unwrap();
    (ledger, storage, clock)
}

#[tokio::test]
async fn the_first_of_a_kind_is_written_and_repeats_are_counted() {
    let (ledger, _, clock) = started();
    ledger.observe(refusal(clock.now(), "/admin/a", "agent", 1));
    ledger.flush().await.unwrap();
    assert_eq!(everything(&ledger).len(), 1);
    for round in 0..500 {
        ledger.observe(refusal(clock.now(), &format!("/admin/{round}"), "agent", 2));
        if round % 100 == 0 {
            ledger.flush().await.unwrap();
        }
    }
    ledger.flush().await.unwrap();
    assert_eq!(everything(&ledger).len(), 1, "within the window nothing more is written");
    clock.advance(Duration::from_secs(10));
    ledger.flush().await.unwrap();
    let records = everything(&ledger);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].event.count, 1);
    assert_eq!(records[1].event.count, 500);
    assert_eq!(records[1].event.resource, "/admin/");
    assert_eq!(records[1].event.user_agent.as_deref(), Some("agent"));
    // The window is 20 s now; then nothing comes and the kind is forgotten.
    ledger.observe(refusal(clock.now(), "/admin/z", "agent", 2));
    clock.advance(Duration::from_secs(19));
    ledger.flush().await.unwrap();
    assert_eq!(everything(&ledger).len(), 2);
    clock.advance(Duration::from_secs(1));
    ledger.flush().await.unwrap();
    assert_eq!(everything(&ledger).len(), 3);
    clock.advance(Duration::from_secs(60));
    ledger.flush().await.unwrap();
    ledger.observe(refusal(clock.now(), "/admin/z", "agent", 2));
    ledger.flush().await.unwrap();
    assert_eq!(everything(&ledger).last().unwrap().event.count, 1, "a new first");
}

#[tokio::test]
async fn refusals_leave_room_for_acts() {
    let (storage, clock) = (Arc::new(MemorySegments::new()), clock());
    let settings = Settings { max_size: Some(ByteSize::new(128 << 10)), ..small() };
    let open = || Ledger::open(Arc::clone(&storage) as _, &settings, Arc::clone(&clock) as _).unwrap().0;
    let ledger = open();
    for round in 0..3_000 {
        ledger.observe(refusal(clock.now(), &format!("/{round}/"), "agent", round));
        clock.advance(Duration::from_millis(100));
        ledger.flush().await.unwrap();
    }
    for number in 0..20 {
        ledger.record(login(number)).await.unwrap();
    }
    assert_eq!(ledger.status(), Status::Ready);
    // What was not written was counted, and is written at the end.
    ledger.close().await.unwrap();
    assert_eq!(refusals(&everything(&open())), 3_000);
}

#[tokio::test]
async fn a_refusal_reaches_the_disk_without_being_asked_for() {
    let (ledger, _, clock) = started();
    let mut follow = ledger.follow(None);
    ledger.observe(refusal(clock.now(), "/admin/a", "agent", 1));
    let record = follow.next().await.unwrap().unwrap();
    assert_eq!(record.event.resource, "/admin/a");
}

#[tokio::test]
async fn closing_writes_what_was_counted() {
    let (ledger, _, clock) = started();
    for _ in 0..1000 {
        ledger.observe(refusal(clock.now(), "/a", "agent", 1));
    }
    ledger.close().await.unwrap();
    assert_eq!(refusals(&everything(&ledger)), 1000);
}

/// 30 s of refusals at 50,000 a second, nothing like the one before. The clock runs as the requests
/// do; the writer takes what it can while they come.
#[tokio::test]
async fn half_a_minute_of_refusals_at_full_speed_stays_under_a_megabyte() {
    /// Without optimisation it would take half a minute too.
    const PER_SECOND: u64 = if cfg!(debug_assertions) { 5_000 } else { 50_000 };
    const SECONDS: u64 = 30;
    /// Different requests, made beforehand: random path, agent, address and control.
    const DIFFERENT: usize = 50_000;
    let rng = SeededRng::new(7);
    let refused_by = [ControlId::AUTHZ_DECLARED_ROUTES, ControlId::WEB_CSRF, ControlId::ABUSE_RATE_LIMITS];
    let (ledger, storage, clock) = started();
    let events: Vec<_> = (0..DIFFERENT)
        .map(|number| {
            let random: [u8; 16] = gabion_model::random::bytes(&rng);
            let random = u128::from_le_bytes(random);
            let path = format!("/{:x}/{}", random as u64, "p".repeat((random % 600) as usize));
            let agent = format!("agent/{:x} {}", random >> 64, "a".repeat((random % 300) as usize));
            let mut event = refusal(clock.now(), &path, &agent, (random >> 96) as u32);
            event.control = refused_by[number % 3];
            event.reason = Some(format!("no route `{path}`"));
            event
        })
        .collect();
    for second in 0..SECONDS {
        for number in 0..PER_SECOND {
            let mut event = events[(number as usize) % DIFFERENT].clone();
            event.time = clock.now();
            ledger.observe(event);
            if number % (PER_SECOND / 10) == 0 {
                clock.advance(Duration::from_millis(100));
                ledger.flush().await.unwrap();
            }
        }
        if second == 15 {
            ledger.record(login(1)).await.unwrap();
        }
    }
    let during = storage.total();
    ledger.close().await.unwrap();
    let records = everything(&ledger);
    println!("{during} bytes, {} after closing, {} records", storage.total(), records.len());
    assert!(storage.total() < 1_000_000, "{}", storage.total());
    assert_eq!(refusals(&records), SECONDS * PER_SECOND, "every refusal is counted");
    assert_eq!(records.iter().filter(|record| record.event.action == "login").count(), 1);
    for control in refused_by {
        let counted = records.iter().filter(|record| record.event.control == control);
        let counted: u64 = counted.map(|record| record.event.count).sum();
        assert!(counted.abs_diff(SECONDS * PER_SECOND / 3) < SECONDS * 2, "each control keeps its own count");
    }
    assert!(records.iter().any(|record| record.event.action == OTHERS));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_add_up_and_bytes_are_bounded(
        steps in prop::collection::vec((0..400_u32, 0..40_u64, 0..3_usize, any::<bool>()), 1..60),
        budget in 16..64_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (storage, clock) = (Arc::new(MemorySegments::new()), clock());
        let flood_budget = ByteSize::new(budget << 10);
        let settings = Settings { flood_budget, ..Settings::default() };
        let (ledger, _) =
            Ledger::open(Arc::clone(&storage) as _, &settings, Arc::clone(&clock) as _).unwrap();
        let (mut seen, mut seconds) = (0, 0);
        for (count, pause, control, flush) in steps {
            for number in 0..count {
                let mut event = refusal(clock.now(), &format!("/{number}/x"), "agent", number << 8);
                event.control = ControlId::ALL[control];
                ledger.observe(event);
            }
            seen += u64::from(count);
            seconds += pause;
            clock.advance(Duration::from_secs(pause));
            if flush {
                runtime.block_on(ledger.flush()).unwrap();
            }
        }
        runtime.block_on(ledger.close()).unwrap();
        prop_assert_eq!(refusals(&everything(&ledger)), seen);
        // What the bucket held and got, and one line a window for each control.
        let bucket = (budget << 10) * (60 + seconds) / 60;
        let remainders = 3 * 400 * (seconds / 10 + 2);
        prop_assert!(storage.total() <= bucket + remainders, "{} > {bucket} + {remainders}", storage.total());
    }
}
