use std::time::Duration;

use gabion_model::Timestamp;
use gabion_model::random::SeededRng;
use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::from_secs(1_000_000);

fn table() -> Table {
    Table::new(START, &SeededRng::new(7))
}

fn quota(requests: u32, seconds: u64, burst: Option<u32>) -> Quota {
    Quota::of(Profile { requests, per: Period::from_secs(seconds), burst }).unwrap()
}

fn passes(table: &Table, key: u64, now: Timestamp, quota: &Quota) -> bool {
    matches!(table.charge(key, now, quota), Charge::Passed { .. })
}

#[test]
fn a_burst_then_an_even_refill() {
    let (table, quota) = (table(), quota(100, 900, None));
    let key = table.hash(1, b"client");
    assert_eq!(table.charge(key, START, &quota), Charge::Passed { remaining: 99, reset: 9 });
    assert_eq!((0..150).filter(|_| passes(&table, key, START, &quota)).count(), 99);
    assert_eq!(table.charge(key, START, &quota), Charge::Refused { retry_after: 9 });
    let later = START.saturating_add(Duration::from_secs(9));
    assert!(passes(&table, key, later, &quota) && !passes(&table, key, later, &quota));
    let much_later = START.saturating_add(Duration::from_secs(3600));
    assert_eq!((0..150).filter(|_| passes(&table, key, much_later, &quota)).count(), 100);
}

#[test]
fn crowding_the_table_does_not_free_an_offender() {
    let (table, quota) = (table(), quota(100, 900, None));
    let offender = table.hash(1, b"offender");
    while passes(&table, offender, START, &quota) {}
    for client in 0..2_000_000_u64 {
        let _ = table.charge(table.hash(1, &client.to_le_bytes()), START, &quota);
    }
    assert!(!passes(&table, offender, START, &quota), "rotating addresses flushed the offender's debt");
}

#[test]
fn ordinary_clients_do_not_suffer_from_each_other() {
    let (table, quota) = (table(), quota(100, 900, None));
    let refused = (0..60_000_u64)
        .filter(|client| !passes(&table, table.hash(1, &client.to_le_bytes()), START, &quota))
        .count();
    assert_eq!(refused, 0);
}

#[test]
fn a_clock_set_back_locks_nobody_out_for_long() {
    let (table, quota) = (table(), quota(10, 10, None));
    let key = table.hash(1, b"client");
    let late = START.saturating_add(Duration::from_secs(36_000));
    assert!(passes(&table, key, late, &quota));
    let early = START.saturating_add(Duration::from_secs(60));
    let Charge::Refused { retry_after } = table.charge(key, early, &quota) else { return };
    assert!(retry_after <= 10, "{retry_after}");
}

#[test]
fn cores_counting_at_once_do_not_let_more_through() {
    let (table, quota) = (table(), quota(1, 3600, Some(500)));
    let key = table.hash(1, b"client");
    let passed: usize = std::thread::scope(|scope| {
        let count = || (0..1_000).filter(|_| passes(&table, key, START, &quota)).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(passed <= 500, "{passed}");
    assert!(passed >= 400, "{passed}");
}

#[test]
fn one_ipv6_network_is_one_client() {
    let key = |text: &str| address_key(text.parse().unwrap());
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
}

#[test]
fn profiles_that_cannot_be_counted_are_refused() {
    let mut settings = Settings::default();
    let profile = |requests, seconds| Profile { requests, per: Period::from_secs(seconds), burst: None };
    settings.profiles.insert("none".into(), profile(0, 1));
    settings.profiles.insert("fine".into(), profile(1_000_000, 1));
    settings.profiles.insert("rare".into(), profile(1, 90_000));
    settings.profile = "unknown".into();
    assert_eq!(settings.problems().len(), 4);
    assert!(Settings::default().problems().is_empty());
}

proptest! {
    #[test]
    fn never_more_than_the_burst_and_what_has_refilled(
        requests in 1_u32..50, seconds in 1_u64..100, burst in 1_u32..50, gaps in proptest::collection::vec(0_u64..3_000, 1..200),
    ) {
        let (table, quota) = (table(), quota(requests, seconds, Some(burst)));
        let key = table.hash(1, b"client");
        let (mut passed, mut elapsed) = (0_u64, 0_u64);
        for gap in gaps {
            elapsed += gap;
            let now = START.saturating_add(Duration::from_millis(elapsed));
            passed += u64::from(passes(&table, key, now, &quota));
        }
        // One more for the rounding of the cost to the table's unit of time.
        let allowed = u64::from(burst) + elapsed * u64::from(requests) / (seconds * 1000) + 1;
        prop_assert!(passed <= allowed, "{passed} > {allowed}");
        prop_assert!(passed >= 1);
    }

    #[test]
    fn numbers_print_as_numbers(number: u64) {
        let mut text = Text::new();
        text.number(number);
        let expected = number.to_string();
        prop_assert_eq!(text.as_bytes(), expected.as_bytes());
    }
}
