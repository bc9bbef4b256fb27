use std::sync::Arc;
use std::time::Duration;

use gabion_identity::{KeySettings, Keyring};
use gabion_ledger::Ledger;
use gabion_model::random::SeededRng;
use gabion_model::{ManualClock, Outcome, Timestamp};
use gabion_service::{ActError, Caller, KeyStanding, Parts, Service};
use gabion_vault::jwt::Algorithm;

#[tokio::test]
async fn keys_are_replaced_by_housekeeping_and_every_change_is_on_record() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_286_828)));
    let ledger = Ledger::in_memory(clock.clone());
    let (storage, rng) = (Arc::new(gabion_identity::MemoryStorage::new()), Arc::new(SeededRng::new(1)));
    let parts = Parts::fresh(storage.clone(), ledger.clone(), clock.clone(), rng.clone()).unwrap();
    let settings = KeySettings::default();
    let now = gabion_model::Clock::now(&*clock);
    let keys = Keyring::open(storage, parts.sealing.clone(), settings, None, now, &*rng).unwrap();
    let service = Service::open(Parts { keys: keys.clone(), ..parts }).unwrap();
    let operator = Caller::operator();

    service.tick().await.unwrap();
    let first = service.list_keys(&operator).await.unwrap();
    assert_eq!(first.len(), 3);
    let announced = service.rotate_keys(&operator, Some(Algorithm::Es256)).await.unwrap();
    assert_eq!((announced.len(), announced[0].standing), (1, KeyStanding::Next));
    assert_eq!(service.rotate_keys(&operator, Some(Algorithm::Ps256)).await, Err(ActError::NotFound));

    clock.advance(Duration::from_secs(3600));
    service.tick().await.unwrap();
    assert_eq!(keys.signing().kid(), announced[0].kid);
    service.revoke_key(&operator, &announced[0].kid).await.unwrap();
    assert_ne!(keys.signing().kid(), announced[0].kid);
    assert_eq!(service.revoke_key(&operator, &announced[0].kid).await, Err(ActError::NotFound));

    ledger.flush().await.unwrap();
    let events: Vec<_> = ledger.tail(100).unwrap().into_iter().map(|record| record.event).collect();
    for (action, outcome) in [
        ("key.rotate", Outcome::Begun),
        ("key.rotate", Outcome::Success),
        ("key.turn", Outcome::Success),
        ("key.revoke", Outcome::Success),
        ("key.revoke", Outcome::Failure),
    ] {
        let told = events.iter().any(|event| event.action == action && event.outcome == outcome);
        assert!(told, "{action} {outcome:?}");
    }
}
