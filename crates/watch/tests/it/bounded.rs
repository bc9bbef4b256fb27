//! State is bounded, and rotating addresses do not flush it.

use gabion_watch::bounds;

use crate::traffic::{counting, refusal, show, watcher};

const EVENTS: &str =
    "  type: event_count\n  rules: [base]\n  group-by: [address]\n  timespan: 10m\n  condition: {gte: 3}\n";

fn rotating(from: u32, count: u32) -> impl Iterator<Item = gabion_model::Event> {
    (from..from + count).map(|n| refusal(1, &std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string(), "/a"))
}

#[test]
fn rotating_addresses_do_not_make_anybody_forgotten() {
    let mut watcher = watcher(&counting(EVENTS));
    assert_eq!(show(&mut watcher, (0..2).map(|_| refusal(0, "192.0.2.1", "/a"))), []);
    // One event for each of ten times as many addresses as are told apart: each alone is harmless.
    let alerts = show(&mut watcher, rotating(0, 10 * bounds::GROUPS as u32));
    assert_eq!(alerts.len(), 1, "those that share a counter ring once, together");
    assert!(alerts[0].shared && alerts[0].group.is_empty());
    assert!(alerts[0].explanation[0].contains("too many to tell apart"), "{:?}", alerts[0].explanation);
    let known = show(&mut watcher, [refusal(2, "192.0.2.1", "/a")]);
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].group[0].1, "192.0.2.1");
    assert!(watcher.counts().shared > 0);
}

#[test]
fn places_are_free_again_when_their_time_is_over() {
    let mut watcher = watcher(&counting(EVENTS));
    show(&mut watcher, rotating(0, 2 * bounds::GROUPS as u32));
    let before = watcher.counts().shared;
    let later = (0..3).map(|n| refusal(1000 + n, "192.0.2.1", "/a"));
    let alerts = show(&mut watcher, later);
    assert_eq!(alerts.len(), 1);
    assert!(!alerts[0].shared);
    assert_eq!(watcher.counts().shared, before);
}

#[test]
fn who_rang_is_bounded_too() {
    let text = crate::traffic::BASE.to_owned() + "gabion: {same: [address], quiet: 1h}\n";
    let mut watcher = watcher(&text);
    let alerts = show(&mut watcher, rotating(0, 10 * bounds::RANG as u32));
    assert_eq!(alerts.len(), bounds::RANG + 1, "beyond, one for all");
}
