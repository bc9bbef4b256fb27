use std::sync::Arc;

use gabion_ledger::storage::faulty::FaultySegments;
use gabion_ledger::{LedgerError, MemorySegments, Position, SegmentId, SegmentSource, Status};

use crate::support::{everything, login, number, open, small};

#[tokio::test]
async fn what_is_recorded_is_there_in_order_after_reopening() {
    let storage = Arc::new(MemorySegments::new());
    for round in 0..3_u64 {
        let (ledger, recovery) = open(&storage, &small());
        assert_eq!(recovery.last.map_or(0, |last| last.0), round * 10);
        assert_eq!(recovery.cuts, []);
        for step in 0..10 {
            let number = round * 10 + step;
            assert_eq!(ledger.record(login(number)).await.unwrap(), Position(number + 1));
            assert_eq!(ledger.last(), Some(Position(number + 1)));
        }
        ledger.close().await.unwrap();
        let numbers: Vec<_> = everything(&ledger).iter().map(number).collect();
        assert_eq!(numbers, (0..(round + 1) * 10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn records_are_durable_when_they_are_acknowledged() {
    let storage = Arc::new(MemorySegments::new());
    let (ledger, _) = open(&storage, &small());
    for step in 0..20 {
        ledger.record(login(step)).await.unwrap();
        let after_power_loss = Arc::new(storage.crash(0));
        let (reopened, _) = open(&after_power_loss, &small());
        assert_eq!(reopened.last(), Some(Position(step + 1)));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn many_at_once_share_a_sync() {
    let storage = Arc::new(FaultySegments::new(MemorySegments::new()));
    let (ledger, _) = open(&storage, &small());
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.record(login(number)).await })
        })
        .collect();
    let mut places = Vec::new();
    for task in tasks {
        places.push(task.await.unwrap().unwrap());
    }
    places.sort();
    assert_eq!(places, (1..=1000).map(Position).collect::<Vec<_>>());
    assert!(storage.syncs() < 1000, "{} syncs for 1000 records", storage.syncs());
}

#[tokio::test]
async fn segments_rotate_and_read_as_one() {
    let storage = Arc::new(MemorySegments::new());
    let (ledger, _) = open(&storage, &small());
    for step in 0..1200 {
        ledger.record(login(step)).await.unwrap();
    }
    let segments = storage.list().unwrap();
    assert!(segments.len() > 2, "{segments:?}");
    for segment in &segments {
        assert!(storage.bytes(*segment).len() <= 64 << 10);
    }
    assert_eq!(everything(&ledger).iter().map(number).collect::<Vec<_>>(), (0..1200).collect::<Vec<_>>());
    assert_eq!(ledger.reader().verify().unwrap(), 1200);
    let newest = ledger.search(gabion_ledger::Query::default()).map(|record| number(&record.unwrap()));
    assert_eq!(newest.collect::<Vec<_>>(), (0..1200).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_closed_ledger_says_so() {
    let storage = Arc::new(MemorySegments::new());
    let (ledger, _) = open(&storage, &small());
    assert_eq!(ledger.status(), Status::Ready);
    ledger.record(login(1)).await.unwrap();
    ledger.close().await.unwrap();
    assert!(matches!(ledger.record(login(2)).await, Err(LedgerError::Closed)));
    assert!(matches!(ledger.close().await, Err(LedgerError::Closed)));
    assert_eq!(everything(&ledger).len(), 1);
}

#[tokio::test]
async fn nothing_is_made_before_the_first_record() {
    let storage = Arc::new(MemorySegments::new());
    let (ledger, _) = open(&storage, &small());
    ledger.flush().await.unwrap();
    assert_eq!(storage.list().unwrap(), []);
    ledger.record(login(1)).await.unwrap();
    assert_eq!(storage.list().unwrap(), [SegmentId(1)]);
}

#[tokio::test]
async fn an_event_is_cleaned_on_its_way_in() {
    let storage = Arc::new(MemorySegments::new());
    let (ledger, _) = open(&storage, &small());
    let mut event = login(1);
    event.resource = "/reset?token=hunter2".to_owned();
    event.reason = Some("Authorization: Bearer hunter2".to_owned());
    event.metadata.insert("password".to_owned(), "hunter2".to_owned());
    event.user_agent = Some("x".repeat(100_000));
    ledger.record(event.clone()).await.unwrap();
    event.kind = gabion_model::EventKind::Refusal;
    ledger.observe(event);
    ledger.close().await.unwrap();
    assert_eq!(everything(&ledger).len(), 2);
    let bytes = storage.bytes(SegmentId(1));
    assert!(bytes.len() < 2000, "{}", bytes.len());
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
}
