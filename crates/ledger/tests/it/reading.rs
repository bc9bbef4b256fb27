use std::sync::Arc;

use gabion_ledger::{Ledger, MemorySegments, Order, Position, Query, Reader, Record, SegmentSource};
use gabion_model::{ControlId, EventKind, Outcome, RequestId, Timestamp};
use proptest::prelude::*;

use crate::support::{everything, login, number, open, small};

async fn recorded(count: u64) -> (Ledger, Arc<MemorySegments>) {
    let storage = Arc::new(MemorySegments::new());
    let (ledger, _) = open(&storage, &small());
    for step in 0..count {
        ledger.record(login(step)).await.unwrap();
    }
    (ledger, storage)
}

fn found(ledger: &Ledger, query: &Query) -> Vec<u64> {
    ledger.search(query.clone()).map(|record| number(&record.unwrap())).collect()
}

#[tokio::test]
async fn each_field_finds_what_fits() {
    let (ledger, _) = recorded(30).await;
    let mut special = login(77);
    special.kind = EventKind::Administration;
    special.control = ControlId::WEB_CSRF;
    special.address = Some("203.0.113.9".parse().unwrap());
    special.request_id = Some(RequestId::from_bytes([7; 12]));
    special.reason = Some("The Reason".to_owned());
    special.actor = gabion_model::Actor::Operator;
    ledger.record(special.clone()).await.unwrap();
    for query in [
        Query { kind: Some(EventKind::Administration), ..Query::default() },
        Query { control: Some(ControlId::WEB_CSRF), ..Query::default() },
        Query { address: special.address, ..Query::default() },
        Query { request_id: special.request_id, ..Query::default() },
        Query { text: Some("the reason".to_owned()), ..Query::default() },
        Query { actor: Some("operator".to_owned()), ..Query::default() },
        Query { since: Some(special.time), ..Query::default() },
        Query { limit: Some(1), ..Query::default() },
    ] {
        assert_eq!(found(&ledger, &query), [77], "{query:?}");
    }
    let user = Query { actor: Some("User2".to_owned()), order: Order::OldestFirst, ..Query::default() };
    assert_eq!(found(&ledger, &user), [2, 7, 12, 17, 22, 27]);
    let failed = Query { outcome: Some(Outcome::Failure), limit: Some(3), ..Query::default() };
    assert_eq!(found(&ledger, &failed), [27, 24, 21]);
    assert!(found(&ledger, &Query { limit: Some(0), ..Query::default() }).is_empty());
}

#[tokio::test]
async fn the_tail_is_the_newest_oldest_first() {
    let (ledger, _) = recorded(10).await;
    assert_eq!(ledger.tail(3).unwrap().iter().map(number).collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!(ledger.tail(99).unwrap().len(), 10);
    assert_eq!(ledger.tail(0).unwrap(), []);
}

#[tokio::test]
async fn an_auditor_reads_the_same_from_the_segments_alone() {
    let (ledger, storage) = recorded(700).await;
    let reader = Reader::open(Arc::clone(&storage) as Arc<dyn SegmentSource>).unwrap();
    assert_eq!(reader.last(), ledger.last());
    assert_eq!(reader.verify().unwrap(), 700);
    let records: Vec<Record> = reader.search(Query::default()).collect::<Result<_, _>>().unwrap();
    assert_eq!(records, ledger.search(Query::default()).collect::<Result<Vec<_>, _>>().unwrap());
}

#[tokio::test]
async fn an_empty_ledger_has_nothing() {
    let (ledger, storage) = recorded(0).await;
    assert_eq!(ledger.last(), None);
    assert_eq!(everything(&ledger), []);
    assert_eq!(ledger.tail(5).unwrap(), []);
    let reader = Reader::open(storage).unwrap();
    assert_eq!((reader.last(), reader.verify().unwrap()), (None, 0));
}

#[tokio::test]
async fn a_follower_sees_each_record_once_from_its_place_on() {
    let (ledger, _) = recorded(5).await;
    let mut from_now = ledger.follow(None);
    let mut from_begin = ledger.follow(Some(Position(0)));
    let mut from_third = ledger.follow(Some(Position(3)));
    for step in 5..900 {
        ledger.record(login(step)).await.unwrap();
    }
    ledger.close().await.unwrap();
    drop(ledger);
    for (follow, first) in [(&mut from_now, 5), (&mut from_begin, 0), (&mut from_third, 3)] {
        let mut seen = Vec::new();
        while let Some(record) = follow.next().await.unwrap() {
            seen.push(number(&record));
        }
        assert_eq!(seen, (first..900).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_follower_waits_for_what_comes() {
    let (ledger, _) = recorded(0).await;
    let mut follow = ledger.follow(None);
    for step in 0..400 {
        let (record, _) = tokio::join!(follow.next(), ledger.record(login(step)));
        assert_eq!(number(&record.unwrap().unwrap()), step);
    }
}

#[test]
fn a_record_goes_through_json_and_back() {
    let record = Record { position: Position(3), event: login(4) };
    let json = serde_json::to_string(&record).unwrap();
    assert!(json.starts_with("{\"position\":3,\"time\":"), "{json}");
    assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Segments are left out by their time; the answers must not notice.
    #[test]
    fn searching_by_time_finds_what_filtering_finds(
        times in prop::collection::vec(0..2000_i64, 600..900),
        since in prop::option::of(0..2000_i64),
        until in prop::option::of(0..2000_i64),
        oldest: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let storage = Arc::new(MemorySegments::new());
        let (ledger, _) = open(&storage, &small());
        // Rising on the whole, so that segments differ, but not in order.
        let times: Vec<_> = times.iter().enumerate().map(|(step, time)| time + 4 * step as i64).collect();
        for (step, time) in times.iter().enumerate() {
            let mut event = login(step as u64);
            event.time = Timestamp::from_secs(*time);
            runtime.block_on(ledger.record(event)).unwrap();
        }
        let (since, until) = (since.map(|time| time * 3), until.map(|time| time * 3));
        let order = if oldest { Order::OldestFirst } else { Order::NewestFirst };
        let query = Query {
            since: since.map(Timestamp::from_secs),
            until: until.map(Timestamp::from_secs),
            order,
            ..Query::default()
        };
        let fits = |time: &i64| since.is_none_or(|since| *time >= since) && until.is_none_or(|until| *time < until);
        let mut expected: Vec<_> = (0..times.len()).filter(|step| fits(&times[*step])).map(|step| step as u64).collect();
        if !oldest {
            expected.reverse();
        }
        prop_assert_eq!(found(&ledger, &query), expected);
    }
}
