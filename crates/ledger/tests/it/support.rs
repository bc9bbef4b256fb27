use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use gabion_ledger::{Ledger, Query, Record, Recovery, SegmentStorage, Settings};
use gabion_model::{
    AccountId, Actor, ByteSize, ControlId, Event, EventKind, ManualClock, Outcome, Timestamp,
};

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_secs(1_000_000)))
}

/// Settings with the smallest segments there are.
pub(crate) fn small() -> Settings {
    Settings { segment_size: ByteSize::new(64 << 10), ..Settings::default() }
}

pub(crate) fn open(storage: &Arc<impl SegmentStorage + 'static>, settings: &Settings) -> (Ledger, Recovery) {
    let storage = Arc::<_>::clone(storage) as Arc<dyn SegmentStorage>;
    Ledger::open(storage, settings, clock()).unwrap()
}

/// The `number`th login: everything about it follows from the number.
pub(crate) fn login(number: u64) -> Event {
    let outcome = if number.is_multiple_of(3) { Outcome::Failure } else { Outcome::Success };
    let name = format!("user{}", number % 5);
    let actor = Actor::Account { id: AccountId::new(&format!("id{}", number % 5)), name, session: None };
    let time = Timestamp::from_secs(1_000_000).saturating_add(Duration::from_secs(number));
    let control = ControlId::AUTHN_LOGIN_THROTTLE;
    let mut event = Event::new(time, EventKind::Login, "login", actor, outcome, control);
    event.metadata.insert("number".to_owned(), number.to_string());
    event
}

pub(crate) fn number(record: &Record) -> u64 {
    record.event.metadata["number"].parse().unwrap()
}

pub(crate) fn refusal(time: Timestamp, path: &str, agent: &str, address: u32) -> Event {
    let (actor, control) = (Actor::Anonymous, ControlId::AUTHZ_DECLARED_ROUTES);
    let mut event = Event::new(time, EventKind::Refusal, "request.refused", actor, Outcome::Failure, control);
    event.resource = path.to_owned();
    event.user_agent = Some(agent.to_owned());
    event.address = Some(IpAddr::V4(Ipv4Addr::from_bits(address)));
    event
}

/// Everything there is, oldest first.
pub(crate) fn everything(ledger: &Ledger) -> Vec<Record> {
    let query = Query { order: gabion_ledger::Order::OldestFirst, ..Query::default() };
    ledger.search(query).collect::<Result<_, _>>().unwrap()
}

/// How many refusals the records stand for.
pub(crate) fn refusals(records: &[Record]) -> u64 {
    records
        .iter()
        .filter(|record| record.event.kind == EventKind::Refusal)
        .map(|record| record.event.count)
        .sum()
}
