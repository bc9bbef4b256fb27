//! Any text is a set of detection rules or a list of problems with their places; rules that load judge any event without
//! harm, alike each time, and explain what rang.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Timestamp};
use gabion_watch::{Rules, Source, Watcher, foreign};
use libfuzzer_sys::fuzz_target;

// Rules, then after a zero byte the path and the reason of an event.
fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let source = Source { file: "fuzz.yml".to_owned(), text: text() };
    let mut event = Event::new(
        Timestamp::from_secs(1_700_000_000),
        EventKind::Refusal,
        "request.refused",
        Actor::Anonymous,
        Outcome::Failure,
        ControlId::AUTHZ_DECLARED_ROUTES,
    );
    (event.resource, event.reason) = (text(), Some(text()));
    for rule in foreign(&source).unwrap_or_default() {
        assert_eq!(rule.matches(&event), rule.matches(&event));
    }
    match Rules::load(&[source], &BTreeMap::new()) {
        Ok(rules) => {
            let mut watcher = Watcher::new(Arc::new(rules), 1);
            for position in 1..=4 {
                for alert in watcher.see(position, &event) {
                    assert!(alert.explanation.iter().all(|words| !words.is_empty()));
                }
            }
        }
        Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|one| !one.path.is_empty())),
    }
});
