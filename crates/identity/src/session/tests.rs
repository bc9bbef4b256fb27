use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gabion_model::random::SeededRng;
use gabion_model::{Methods, Period, Role, Secret, SessionId, TenantId, Timestamp};
use gabion_vault::SystemRng;
use proptest::prelude::*;

use super::*;
use crate::account::{Account, Accounts, NewAccount};
use crate::settings::SessionSettings;
use crate::storage::{MemoryStorage, SessionStorage, StorageError, StoredSession};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

struct House {
    storage: Arc<MemoryStorage>,
    sessions: Arc<Sessions>,
    accounts: Accounts,
    rng: SeededRng,
}

impl House {
    fn new(settings: &SessionSettings) -> Self {
        let storage = Arc::new(MemoryStorage::new());
        let sessions = Sessions::open(storage.clone(), settings, NOW).unwrap();
        let accounts = Accounts::new(storage.clone(), Arc::clone(&sessions));
        Self { storage, sessions, accounts, rng: SeededRng::new(1) }
    }

    fn account(&self, name: &str) -> Account {
        let tenant = TenantId::new(TenantId::DEFAULT);
        let new = NewAccount { tenant, ..NewAccount::person(name.parse().unwrap()) };
        self.accounts.create(new, NOW, &self.rng).unwrap()
    }

    fn begin(&self, account: &Account, now: Timestamp) -> (Secret<String>, Arc<Session>) {
        self.sessions.begin(account, at(now), &self.rng).unwrap()
    }

    fn is_in(&self, ticket: &Secret<String>, now: Timestamp) -> bool {
        self.sessions.resolve(ticket.expose(), now).is_some()
    }
}

impl Default for House {
    fn default() -> Self {
        Self::new(&SessionSettings::default())
    }
}

fn at(now: Timestamp) -> BeginSession {
    BeginSession { methods: Methods::PASSWORD, address: None, user_agent: None, now }
}

fn after(seconds: u64) -> Timestamp {
    NOW.saturating_add(Duration::from_secs(seconds))
}

#[test]
fn a_ticket_leads_to_its_session_and_nothing_else_does() {
    let house = House::default();
    let (ada, eve) = (house.account("ada"), house.account("eve"));
    let begin = BeginSession {
        methods: Methods::PASSWORD,
        address: Some("192.0.2.1".parse().unwrap()),
        user_agent: Some("é".repeat(1000)),
        now: NOW,
    };
    let (ticket, session) = house.sessions.begin(&ada, begin, &house.rng).unwrap();
    house.begin(&eve, NOW);
    let found = house.sessions.resolve(ticket.expose(), NOW).unwrap();
    assert_eq!((&found.id, &*found.principal.name), (&session.id, "ada"));
    assert_eq!(found.user_agent.as_ref().map(String::len), Some(256), "bounded");
    assert_eq!(ticket.expose().len(), 43);
    assert_ne!(ticket.expose(), session.id.as_str());
    for wrong in ["", "x", session.id.as_str(), &format!("{}=", ticket.expose()), &"A".repeat(43)] {
        assert!(house.sessions.resolve(wrong, NOW).is_none(), "{wrong}");
    }
    assert!(!format!("{session:?} {ticket:?} {:?}", house.storage).contains(ticket.expose()));
}

#[test]
fn a_session_ends_when_idle_or_old() {
    let house = House::default();
    let ada = house.account("ada");
    let (idle, _) = house.begin(&ada, NOW);
    assert!(house.is_in(&idle, after(30 * 60 - 1)));
    assert!(house.is_in(&idle, after(59 * 60)), "seen meanwhile");
    assert!(!house.is_in(&idle, after(59 * 60 + 30 * 60)));
    assert!(!house.is_in(&idle, after(59 * 60 + 30 * 60)), "an expired session is not revived by asking");

    let (busy, session) = house.begin(&ada, NOW);
    for minute in 0..12 * 60 {
        assert!(house.is_in(&busy, after(minute * 60)), "{minute}");
    }
    assert!(!house.is_in(&busy, after(12 * 3600)), "however busy");
    assert!(!session.is_ended(), "not yet purged");
    assert_eq!(house.sessions.purge(after(12 * 3600)), Ok(2));
    assert!(session.is_ended());
    assert_eq!((house.sessions.count(), house.storage.load().unwrap().len()), (0, 0));
}

#[test]
fn what_a_person_does_on_a_stream_keeps_the_session() {
    let house = House::default();
    let (ticket, session) = house.begin(&house.account("ada"), NOW);
    for minute in (0..120).step_by(20) {
        assert!(session.touch(after(minute * 60)));
        assert_eq!(house.sessions.purge(after(minute * 60)), Ok(0));
    }
    assert!(session.touch(NOW));
    assert_eq!(session.last_seen(), after(100 * 60), "never back");
    assert!(!session.touch(after(130 * 60)), "nothing is revived");
    assert!(!house.is_in(&ticket, after(130 * 60)));
    assert_eq!(house.sessions.purge(after(130 * 60)), Ok(1));
    assert!(session.is_ended() && !session.touch(NOW));
}

#[test]
fn changed_settings_hold_for_the_sessions_there_are() {
    let house = House::default();
    let (ticket, _) = house.begin(&house.account("ada"), NOW);
    assert!(house.is_in(&ticket, after(600)));
    house.sessions.set_settings(&SessionSettings { idle: Period::from_secs(60), ..Default::default() });
    assert!(!house.is_in(&ticket, after(700)));
}

#[test]
fn a_clock_that_goes_back_ends_nothing() {
    let house = House::default();
    let (ticket, session) = house.begin(&house.account("ada"), NOW);
    assert!(house.is_in(&ticket, Timestamp::from_secs(0)));
    assert_eq!(session.last_seen(), NOW);
}

#[test]
fn one_more_than_allowed_ends_the_oldest() {
    let house = House::new(&SessionSettings { concurrent: 3, ..Default::default() });
    let (ada, eve) = (house.account("ada"), house.account("eve"));
    let (eves, _) = house.begin(&eve, NOW);
    let tickets: Vec<_> = (0..5).map(|second| house.begin(&ada, after(second)).0).collect();
    let is_in: Vec<_> = tickets.iter().map(|ticket| house.is_in(ticket, after(9))).collect();
    assert_eq!(is_in, [false, false, true, true, true]);
    assert!(house.is_in(&eves, after(9)), "another account's stays");
    assert_eq!(house.storage.load().unwrap().len(), 4);
    let listed: Vec<_> = house.sessions.list(&ada.id, after(9)).iter().map(|one| one.started).collect();
    assert_eq!(listed, [after(4), after(3), after(2)], "the newest first");
}

#[test]
fn revoking_ends_what_it_names_and_nothing_else() {
    let house = House::default();
    let (ada, eve) = (house.account("ada"), house.account("eve"));
    let [one, two, three] = [(), (), ()].map(|()| house.begin(&ada, NOW));
    let eves = house.begin(&eve, NOW);
    assert_eq!(house.sessions.revoke(&one.1.id), Ok(true));
    assert_eq!(house.sessions.revoke(&one.1.id), Ok(false));
    assert_eq!(house.sessions.revoke(&SessionId::new("no such")), Ok(false));
    assert!(!house.is_in(&one.0, NOW) && house.is_in(&two.0, NOW));
    assert_eq!(house.sessions.revoke_account(&ada.id, Some(&two.1.id)), Ok(1));
    assert!(house.is_in(&two.0, NOW) && !house.is_in(&three.0, NOW));
    assert_eq!(house.sessions.revoke_account(&ada.id, None), Ok(1));
    assert!(!house.is_in(&two.0, NOW) && house.is_in(&eves.0, NOW));
    assert_eq!(house.storage.load().unwrap().len(), 1);
}

/// Keycloak CVE-2026-7507, oauth2-proxy GHSA-f24x-5g9q-753f: session fixation.
#[test]
fn keycloak_cve_2026_7507_oauth2_proxy_ghsa_f24x_every_sign_in_gets_a_ticket_nobody_could_have_planted() {
    let house = House::default();
    let ada = house.account("ada");
    let rng = SystemRng::new();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let (ticket, session) = house.sessions.begin(&ada, at(NOW), &rng).unwrap();
        assert!(seen.insert(ticket.expose().clone()) && seen.insert(session.id.to_string()));
    }
    // A planted ticket, however well formed, is nobody's before and after a sign-in.
    let planted = Secret::new("A".repeat(43));
    assert!(!house.is_in(&planted, NOW));
}

/// Keycloak CVE-2025-12390: a session id used again after logout.
#[test]
fn keycloak_cve_2025_12390_a_ticket_is_dead_for_ever_after_sign_out() {
    let house = House::default();
    let ada = house.account("ada");
    let (ticket, session) = house.begin(&ada, NOW);
    house.sessions.revoke(&session.id).unwrap();
    house.begin(&ada, NOW);
    assert!(!house.is_in(&ticket, NOW));
    let reopened = Sessions::open(house.storage.clone(), &SessionSettings::default(), NOW).unwrap();
    assert!(reopened.resolve(ticket.expose(), NOW).is_none());
}

/// Zitadel CVE-2023-22492: what was granted outlived the locked user.
#[test]
fn zitadel_cve_2023_22492_what_ends_an_account_ends_its_sessions() {
    type Change = fn(&House, &Account);
    let changes: &[(&str, Change)] = &[
        ("disable", |house, account| drop(house.accounts.disable(&account.id).unwrap())),
        ("roles", |house, account| {
            drop(house.accounts.set_roles(&account.id, vec![Role::new("auditor")]).unwrap());
        }),
        ("password", |house, account| {
            drop(house.accounts.set_password(&account.id, "phc".to_owned(), None, NOW).unwrap());
        }),
        ("reset", |house, account| drop(house.accounts.remove_password(&account.id).unwrap())),
    ];
    for (name, change) in changes {
        let house = House::default();
        let ada = house.account("ada");
        let (ticket, session) = house.begin(&ada, NOW);
        change(&house, &ada);
        assert!(!house.is_in(&ticket, NOW) && session.is_ended(), "{name}");
        assert_eq!(house.sessions.count(), 0, "{name}");
        let reopened = Sessions::open(house.storage.clone(), &SessionSettings::default(), NOW).unwrap();
        assert!(reopened.resolve(ticket.expose(), NOW).is_none(), "{name}: nor after a restart");
        // A sign-in whose password check began before cannot finish after.
        let late = house.sessions.begin(&ada, at(NOW), &house.rng);
        assert_eq!(late.unwrap_err(), SessionError::Overtaken, "{name}");
    }
}

#[test]
fn the_session_a_password_was_changed_in_goes_on() {
    let house = House::default();
    let ada = house.account("ada");
    let ((here, session), (elsewhere, _)) = (house.begin(&ada, NOW), house.begin(&ada, NOW));
    house.accounts.set_password(&ada.id, "phc".to_owned(), Some(session.id.clone()), NOW).unwrap();
    assert!(house.is_in(&here, NOW) && !house.is_in(&elsewhere, NOW));
    let reopened = Sessions::open(house.storage.clone(), &SessionSettings::default(), NOW).unwrap();
    assert!(reopened.resolve(here.expose(), NOW).is_some(), "and after a restart");
}

#[test]
fn sign_ins_racing_a_disabling_leave_nobody_in() {
    for _ in 0..20 {
        let house = House::default();
        let ada = house.account("ada");
        let barrier = std::sync::Barrier::new(5);
        let tickets: Vec<_> = std::thread::scope(|scope| {
            let (house, ada, barrier) = (&house, &ada, &barrier);
            let signing_in = move || {
                barrier.wait();
                house.sessions.begin(ada, at(NOW), &house.rng).ok().map(|(ticket, _)| ticket)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(signing_in)).collect();
            barrier.wait();
            house.accounts.disable(&ada.id).unwrap();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(tickets.iter().all(|ticket| !house.is_in(ticket, NOW)));
    }
}

#[test]
fn last_seen_is_kept_by_flush() {
    let house = House::default();
    let (ticket, session) = house.begin(&house.account("ada"), NOW);
    assert_eq!(house.sessions.flush(), Ok(0), "nothing changed");
    assert!(house.is_in(&ticket, after(600)));
    assert_eq!(session.last_seen(), after(600));
    assert_eq!(house.sessions.flush(), Ok(1));
    assert_eq!(house.sessions.flush(), Ok(0));
    let reopened =
        Sessions::open(house.storage.clone(), &SessionSettings::default(), after(600 + 29 * 60)).unwrap();
    assert!(reopened.resolve(ticket.expose(), after(600 + 29 * 60)).is_some());
    let late = after(600 + 31 * 60 + 29 * 60);
    let reopened = Sessions::open(house.storage.clone(), &SessionSettings::default(), late).unwrap();
    assert!(reopened.resolve(ticket.expose(), late).is_none(), "expired while nothing ran");
    assert_eq!(house.storage.load().unwrap().len(), 0, "and was removed");
}

/// A storage whose removals fail while it is told to.
#[derive(Debug, Default)]
struct Failing {
    inner: Arc<MemoryStorage>,
    fails: AtomicBool,
}

impl SessionStorage for Failing {
    fn insert(&self, session: &StoredSession, epoch: u64) -> Result<(), StorageError> {
        SessionStorage::insert(&*self.inner, session, epoch)
    }

    fn load(&self) -> Result<Vec<(StoredSession, Account)>, StorageError> {
        self.inner.load()
    }

    fn remove(&self, ids: &[SessionId]) -> Result<(), StorageError> {
        if self.fails.load(Ordering::Relaxed) { Err(StorageError::Full) } else { self.inner.remove(ids) }
    }

    fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), StorageError> {
        if self.fails.load(Ordering::Relaxed) { Err(StorageError::Full) } else { self.inner.touch(seen) }
    }
}

#[test]
fn a_failing_disk_keeps_nobody_signed_in() {
    let storage = Arc::new(Failing::default());
    let settings = SessionSettings { concurrent: 2, ..Default::default() };
    let sessions = Sessions::open(storage.clone(), &settings, NOW).unwrap();
    let accounts = Accounts::new(storage.inner.clone(), Arc::clone(&sessions));
    let rng = SeededRng::new(1);
    let new = NewAccount { tenant: TenantId::new("t"), ..NewAccount::person("ada".parse().unwrap()) };
    let ada = accounts.create(new, NOW, &rng).unwrap();
    let (first, session) = sessions.begin(&ada, at(NOW), &rng).unwrap();
    let (second, _) = sessions.begin(&ada, at(after(1)), &rng).unwrap();
    storage.fails.store(true, Ordering::Relaxed);
    assert_eq!(sessions.revoke(&session.id), Err(StorageError::Full));
    assert!(sessions.resolve(first.expose(), NOW).is_none(), "ended all the same");
    assert!(sessions.resolve(second.expose(), after(9)).is_some());
    assert_eq!(sessions.flush(), Err(StorageError::Full));
    let third = sessions.begin(&ada, at(after(2)), &rng).unwrap();
    let fourth = sessions.begin(&ada, at(after(3)), &rng).unwrap();
    assert!(sessions.resolve(second.expose(), after(9)).is_none(), "the cap holds");
    storage.fails.store(false, Ordering::Relaxed);
    assert_eq!(sessions.purge(after(9)), Ok(0));
    assert_eq!(storage.inner.load().unwrap().len(), 2, "what could not be removed was removed later");
    assert!([third, fourth].iter().all(|(ticket, _)| sessions.resolve(ticket.expose(), after(9)).is_some()));
}

#[tokio::test]
async fn streams_learn_that_their_session_ended() {
    let house = House::default();
    let ada = house.account("ada");
    let (_, session) = house.begin(&ada, NOW);
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let session = Arc::clone(&session);
            tokio::spawn(async move { session.ended().await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    house.accounts.disable(&ada.id).unwrap();
    for task in waiting {
        task.await.unwrap();
    }
    session.ended().await;
}

proptest! {
    #[test]
    fn any_ticket_is_resolved_or_refused(ticket in ".{0,64}") {
        let house = House::default();
        house.begin(&house.account("ada"), NOW);
        prop_assert!(house.sessions.resolve(&ticket, NOW).is_none());
    }

    /// However sign-ins, sign-outs and time are mixed, memory and storage agree, and the cap holds.
    #[test]
    fn memory_and_storage_agree(acts in proptest::collection::vec((0..5_u8, 0..3_usize, 0..900_u64), 1..40)) {
        let house = House::new(&SessionSettings { concurrent: 3, ..Default::default() });
        let accounts = ["ada", "bob", "eve"].map(|name| house.account(name));
        let mut now = NOW;
        for (act, who, seconds) in acts {
            now = now.saturating_add(Duration::from_secs(seconds));
            let account = house.accounts.by_id(&accounts[who].id).unwrap().unwrap();
            match act {
                0 | 1 => drop(house.begin(&account, now)),
                2 => drop(house.sessions.revoke_account(&account.id, None).unwrap()),
                3 => drop(house.sessions.purge(now).unwrap()),
                _ => drop(house.accounts.set_password(&account.id, "phc".to_owned(), None, now).unwrap()),
            }
            let mut stored: Vec<_> =
                house.storage.load().unwrap().into_iter().map(|(one, _)| one.id).collect();
            let of = |account: &Account| house.sessions.living().of(&account.id);
            let mut living: Vec<_> =
                accounts.iter().flat_map(of).map(|one| one.id.clone()).collect();
            stored.sort();
            living.sort();
            prop_assert_eq!(stored, living);
            prop_assert!(accounts.iter().all(|account| of(account).len() <= 3));
        }
    }
}
