//! What correlations count, and when they ring.

use gabion_model::Outcome;
use gabion_watch::Watcher;

use crate::traffic::{BASE, counting, refusal, rules, show, sign_in, watcher};

const EVENTS: &str =
    "  type: event_count\n  rules: [base]\n  group-by: [address]\n  timespan: 1m\n  condition: {gte: 3}\n";

#[test]
fn events_are_counted_in_a_time_that_moves_along() {
    let mut watcher = watcher(&counting(EVENTS));
    let slow = (0..20).map(|n| refusal(n * 31, "192.0.2.1", "/a"));
    assert_eq!(show(&mut watcher, slow), []);
    let fast = (0..9).map(|n| refusal(1000 + n, "192.0.2.1", "/a"));
    let alerts = show(&mut watcher, fast);
    assert_eq!(alerts.len(), 1, "once, then it is quiet");
    let alert = &alerts[0];
    assert_eq!((alert.rule.as_str(), alert.count, alert.threshold), ("counted", 3, Some(3)));
    assert_eq!(alert.events, [1, 2, 3]);
    assert_eq!(alert.group, [("address".to_owned(), "192.0.2.1".to_owned())]);
    assert_eq!(
        alert.explanation,
        [
            "3 events of `base` within 1m, threshold 3, all with address `192.0.2.1`",
            "the last: `selection` matched: action is `request.refused`"
        ]
    );
    let later = show(&mut watcher, (0..3).map(|n| refusal(2000 + n, "192.0.2.1", "/a")));
    assert_eq!(later[0].repeated, 6);
    assert_eq!(watcher.counts().alerts, 2);
}

#[test]
fn folded_events_stand_for_as_many_as_they_say() {
    let mut watcher = watcher(&counting(EVENTS));
    let mut folded = refusal(0, "192.0.2.1", "/a");
    folded.count = 500;
    let alerts = show(&mut watcher, [folded]);
    assert_eq!(alerts[0].count, 500);
}

#[test]
fn groups_are_counted_apart_and_events_without_the_field_not_at_all() {
    let mut watcher = watcher(&counting(EVENTS));
    let two = (0..4).map(|n| refusal(n, if n % 2 == 0 { "192.0.2.1" } else { "192.0.2.2" }, "/a"));
    assert_eq!(show(&mut watcher, two), []);
    let none = (0..9).map(|n| {
        let mut event = refusal(n, "192.0.2.1", "/a");
        event.address = None;
        event
    });
    assert_eq!(show(&mut watcher, none), []);
}

#[test]
fn values_are_counted_once_each() {
    let correlation = "  type: value_count\n  rules: [base]\n  group-by: [network]\n  timespan: 1m\n  condition: {field: resource, gt: 2}\n";
    let mut watcher = watcher(&counting(correlation));
    assert_eq!(show(&mut watcher, (0..50).map(|n| refusal(0, "192.0.2.1", ["/a", "/b"][n % 2]))), []);
    let alerts = show(&mut watcher, [refusal(1, "192.0.2.77", "/c")]);
    assert_eq!(alerts[0].count, 3);
    assert_eq!(alerts[0].group, [("network".to_owned(), "192.0.2.0/24".to_owned())]);
    assert!(
        alerts[0].explanation[0].starts_with("3 different values of resource"),
        "{:?}",
        alerts[0].explanation
    );
}

#[test]
fn numbers_are_summed_up() {
    let correlation = "  type: value_sum\n  rules: [base]\n  timespan: 1m\n  condition: {field: metadata.bytes, gte: 1000}\n";
    let mut watcher = watcher(&counting(correlation));
    let event = |bytes: &str| {
        let mut event = refusal(0, "192.0.2.1", "/a");
        event.metadata.insert("bytes".to_owned(), bytes.to_owned());
        event
    };
    assert_eq!(show(&mut watcher, [event("600"), event("much"), event("-4"), event("399")]), []);
    assert_eq!(show(&mut watcher, [event("1")])[0].count, 1000);
}

const CHAIN: &str = "title: Failed\nid: failed\nlevel: low\nlogsource: {product: gabion, category: login}\n\
    detection: {selection: {outcome: failure}, condition: selection}\n---\n\
    title: Succeeded\nid: succeeded\nlevel: low\nlogsource: {product: gabion, category: login}\n\
    detection: {selection: {outcome: success}, condition: selection}\n---\n\
    title: Guessing\nid: guessing\nlevel: medium\ncorrelation:\n  type: event_count\n  rules: [failed]\n  group-by: [resource]\n\
    \x20 timespan: 5m\n  condition: {gte: 3}\n  generate: false\n---\n\
    title: Guessed\nid: guessed\nlevel: critical\ncorrelation:\n  type: temporal_ordered\n  rules: [guessing, succeeded]\n\
    \x20 group-by: [resource]\n  timespan: 10m\n";

fn rang(watcher: &mut Watcher, events: &[(i64, &str, Outcome)]) -> Vec<String> {
    let events =
        events.iter().map(|(second, name, outcome)| sign_in(*second, "192.0.2.1", Some(name), *outcome));
    show(watcher, events).into_iter().map(|alert| alert.rule).collect()
}

#[test]
fn chains_ring_in_their_order_for_one_group_and_in_time() {
    use Outcome::{Failure, Success};
    let three = |name| [(0, name, Failure), (1, name, Failure), (2, name, Failure)];
    let with = |last| [&three("ann")[..], &[last]].concat();
    assert_eq!(rang(&mut watcher(CHAIN), &with((60, "ann", Success))), ["guessed"]);
    assert_eq!(rang(&mut watcher(CHAIN), &with((60, "bob", Success))), [""; 0], "somebody else");
    assert_eq!(rang(&mut watcher(CHAIN), &with((700, "ann", Success))), [""; 0], "too late");
    let before = [&[(0, "ann", Success)], &three("ann")[..]].concat();
    assert_eq!(rang(&mut watcher(CHAIN), &before), [""; 0], "the other way round");
    assert_eq!(rang(&mut watcher(CHAIN), &three("ann")), [""; 0], "what only counts is silent");
    let generating = CHAIN.replace("generate: false", "generate: true");
    assert_eq!(rang(&mut watcher(&generating), &with((60, "ann", Success))), ["failed", "guessed"]);
    let rings = CHAIN.replace("title: Guessing\n", "title: Guessing\ngabion: {rings: true}\n");
    assert_eq!(rang(&mut watcher(&rings), &with((60, "ann", Success))), ["guessing", "guessed"]);
}

#[test]
fn a_clock_that_was_set_back_ends_what_was_counted_and_nothing_more() {
    let mut watcher = watcher(&counting(EVENTS));
    let ahead = (0..2).map(|n| refusal(1_000_000 + n, "192.0.2.1", "/a"));
    assert_eq!(show(&mut watcher, ahead), []);
    assert_eq!(show(&mut watcher, (0..2).map(|n| refusal(n, "192.0.2.1", "/a"))), []);
    assert_eq!(show(&mut watcher, [refusal(3, "192.0.2.1", "/a")]).len(), 1);
}

#[test]
fn a_reload_keeps_what_unchanged_rules_counted() {
    let mut watcher = watcher(&counting(EVENTS));
    show(&mut watcher, (0..2).map(|n| refusal(n, "192.0.2.1", "/a")));
    let more = format!("# another line\n{}", counting(EVENTS));
    watcher.adopt(rules(&more).unwrap().into());
    assert_eq!(show(&mut watcher, [refusal(2, "192.0.2.1", "/a")]).len(), 1);
    watcher.adopt(rules(&counting(&EVENTS.replace("gte: 3", "gte: 2"))).unwrap().into());
    assert_eq!(show(&mut watcher, [refusal(3, "192.0.2.1", "/a")]), []);
    assert_eq!(show(&mut watcher, [refusal(4, "192.0.2.1", "/a")]).len(), 1);
}

#[test]
fn alerts_are_not_watched() {
    let mut watcher = watcher(
        &BASE
            .replace("category: refusal", "definition: all")
            .replace("{selection: {action: request.refused}", "{selection: {control|contains: '.'}"),
    );
    let alert = show(&mut watcher, [refusal(0, "192.0.2.1", "/a")]).remove(0);
    let event = alert.event(alert.time);
    assert_eq!(event.severity, Some(gabion_model::Severity::Low));
    assert_eq!(
        event.reason.as_deref(),
        Some("Refused: `selection` matched: control is `authz.declared-routes`")
    );
    assert_eq!(show(&mut watcher, [event]), []);
}
