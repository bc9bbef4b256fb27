//! Events, and watchers over rules written in a test.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Problem, Timestamp};
use gabion_watch::{Alert, Rules, Source, Watcher};

pub(crate) fn rules(text: &str) -> Result<Rules, Vec<Problem>> {
    Rules::load(&[Source { file: "test.yml".to_owned(), text: text.to_owned() }], &BTreeMap::new())
}

pub(crate) fn watcher(text: &str) -> Watcher {
    Watcher::new(Arc::new(rules(text).unwrap()), 7)
}

/// A refused request from an address, so many seconds into the test.
pub(crate) fn refusal(second: i64, address: &str, resource: &str) -> Event {
    let time = Timestamp::from_secs(1_700_000_000 + second);
    let mut event = Event::new(
        time,
        EventKind::Refusal,
        "request.refused",
        Actor::Anonymous,
        Outcome::Failure,
        ControlId::AUTHZ_DECLARED_ROUTES,
    );
    event.address = Some(address.parse().unwrap());
    event.resource = resource.to_owned();
    for (key, value) in [("check", "access"), ("method", "GET"), ("status", "404")] {
        event.metadata.insert(key.to_owned(), value.to_owned());
    }
    event
}

/// A failed sign-in.
pub(crate) fn sign_in(second: i64, address: &str, account: Option<&str>, outcome: Outcome) -> Event {
    let mut event = refusal(second, address, account.unwrap_or_default());
    event.metadata.clear();
    (event.kind, event.action, event.outcome) = (EventKind::Login, "account.sign-in".to_owned(), outcome);
    event.control =
        if account.is_some() { ControlId::AUTHN_PASSWORD_HASHING } else { ControlId::AUTHN_NO_ENUMERATION };
    event
}

/// Shows all events, from place 1 on; what rang.
pub(crate) fn show(watcher: &mut Watcher, events: impl IntoIterator<Item = Event>) -> Vec<Alert> {
    events.into_iter().zip(1..).flat_map(|(event, position)| watcher.see(position, &event)).collect()
}

/// A rule whose hits correlations count.
pub(crate) const BASE: &str = "title: Refused\nid: base\nname: base\nlevel: low\nlogsource: {product: gabion, category: refusal}\n\
    detection: {selection: {action: request.refused}, condition: selection}\n";

pub(crate) fn counting(correlation: &str) -> String {
    format!("{BASE}---\ntitle: Counted\nid: counted\nlevel: high\ncorrelation:\n{correlation}")
}
