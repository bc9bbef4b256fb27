//! Personal data sealed for each account: read as long as its key is there, erased with it, and proved all the while.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use gabion_ledger::attached::{Attached, Detached, Opening};
use gabion_ledger::personal::{ERASED, Mention, Standing, Subject, SubjectId, Subjects};
use gabion_ledger::verify::verify;
use gabion_ledger::{
    Keys, Ledger, MemorySegments, MemoryTree, Position, Protection, ReadError, Reader, RecordSealing, Seal,
    SegmentSource, SegmentStorage, TreeStorage,
};
use gabion_model::random::SeededRng;
use gabion_model::{AccountId, Actor, ControlId, Event, EventKind, Outcome, Secret, Timestamp};
use gabion_tlog::note::Purpose;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Note, SigningKey};

use crate::support::{clock, everything, small};

/// Subjects in memory. Whoever has an account is in `accounts`.
#[derive(Debug, Default)]
struct MemorySubjects(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    accounts: Vec<String>,
    names: BTreeMap<String, Option<SubjectId>>,
    keys: BTreeMap<SubjectId, Vec<u8>>,
}

impl MemorySubjects {
    fn with(accounts: &[&str]) -> Arc<Self> {
        let accounts = accounts.iter().map(|&name| name.to_owned()).collect();
        Arc::new(Self(Mutex::new(Kept { accounts, ..Kept::default() })))
    }
}

impl Subjects for MemorySubjects {
    fn named(
        &self,
        name: &str,
        mention: Mention,
        make: &dyn Fn() -> io::Result<Subject>,
    ) -> io::Result<Standing> {
        let mut kept = self.0.lock().unwrap();
        if let Mention::Alias(id) = mention {
            kept.names.insert(name.to_owned(), Some(id));
        }
        let account = kept.accounts.iter().any(|account| account == name);
        match kept.names.get(name).copied() {
            Some(Some(id)) => return Ok(Standing::Known(Subject { id, sealed: kept.keys[&id].clone() })),
            Some(None) if mention != Mention::Created && !account => return Ok(Standing::Erased),
            None if mention == Mention::Named && !account => return Ok(Standing::Stranger),
            _ => {}
        }
        let subject = make()?;
        kept.names.insert(name.to_owned(), Some(subject.id));
        kept.keys.insert(subject.id, subject.sealed.clone());
        Ok(Standing::Known(subject))
    }

    fn sealed(&self, subject: SubjectId) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().keys.get(&subject).cloned())
    }

    fn erase(&self, name: &str) -> io::Result<Option<SubjectId>> {
        let mut kept = self.0.lock().unwrap();
        let Some(Some(id)) = kept.names.get(name).copied() else { return Ok(None) };
        kept.keys.remove(&id);
        kept.names.values_mut().filter(|subject| **subject == Some(id)).for_each(|subject| *subject = None);
        Ok(Some(id))
    }

    fn erase_at(&self, _: &str, _: Timestamp) -> io::Result<Option<SubjectId>> {
        Ok(None)
    }

    fn due(&self, _: Timestamp, _: &[SubjectId]) -> io::Result<u64> {
        Ok(0)
    }

    fn erase_due(&self, _: Timestamp, _: &[SubjectId]) -> io::Result<Vec<SubjectId>> {
        Ok(Vec::new())
    }

    fn reseal(&self, again: &dyn Fn(&Subject) -> io::Result<Vec<u8>>) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap();
        for (id, sealed) in &mut kept.keys {
            *sealed = again(&Subject { id: *id, sealed: sealed.clone() })?;
        }
        Ok(())
    }
}

fn secret(seed: u64) -> Secret<Vec<u8>> {
    Keys::generate(&SeededRng::new(seed))
}

fn keys(seed: u64) -> Arc<Keys> {
    Arc::new(Keys::parse("ledger-sealing.key", &secret(seed)).unwrap())
}

struct World {
    segments: Arc<MemorySegments>,
    tree: Arc<MemoryTree>,
    subjects: Arc<MemorySubjects>,
    ledger: Ledger,
}

fn signing() -> SigningKey {
    SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([1; 32])).unwrap()
}

impl World {
    fn new(accounts: &[&str]) -> Self {
        let (segments, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
        let subjects = MemorySubjects::with(accounts);
        let seal = Seal { key: signing(), storage: Arc::clone(&tree) as Arc<dyn TreeStorage> };
        let rng = Arc::new(SeededRng::new(3));
        let own = Some(Arc::clone(&subjects) as Arc<dyn Subjects>);
        let records = Some(RecordSealing { keys: keys(1), rng, subjects: own });
        let storage = Arc::clone(&segments) as Arc<dyn SegmentStorage>;
        let protection = Protection { seal: Some(seal), records, retention: None };
        let (ledger, _) = Ledger::open_protected(storage, &small(), clock(), protection).unwrap();
        Self { segments, tree, subjects, ledger }
    }

    fn record(&self, event: Event) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.ledger.record(event)).unwrap();
    }

    /// What a record holds for somebody who has the records' key, and none of an account.
    fn bare(&self, position: u64) -> String {
        let reader = Reader::open(Arc::clone(&self.segments) as Arc<dyn SegmentSource>).unwrap();
        let given = reader.with_keys(keys(1)).disclose(Position(position)).unwrap().unwrap();
        String::from_utf8(given.open(Position(position)).unwrap()).unwrap()
    }

    fn events(&self) -> Vec<Event> {
        everything(&self.ledger).into_iter().map(|record| record.event).collect()
    }

    fn checked(&self) -> u64 {
        let reader = Reader::open(Arc::clone(&self.segments) as Arc<dyn SegmentSource>).unwrap();
        let tiles = Arc::clone(&self.tree) as Arc<dyn TreeStorage>;
        let note = Note::parse(&self.tree.checkpoint().unwrap().unwrap()).unwrap();
        let trust = Trust::in_log(signing().verifying().clone());
        verify(&reader, Some(&tiles), &trust, &note, &[], |_| {}).unwrap().size
    }
}

fn account(name: &str) -> Actor {
    Actor::Account {
        id: AccountId::new(&format!("id-of-{}", name.len())),
        name: name.to_owned(),
        session: None,
    }
}

fn event(kind: EventKind, action: &str, actor: Actor, resource: &str) -> Event {
    let control = ControlId::LEDGER_ADMIN_ACTS;
    let mut event = Event::new(Timestamp::from_secs(7), kind, action, actor, Outcome::Success, control);
    resource.clone_into(&mut event.resource);
    event.address = Some("192.0.2.7".parse().unwrap());
    event.user_agent = Some("Browser of the year".to_owned());
    event
}

#[test]
fn what_says_who_somebody_is_stands_sealed_and_reads_as_it_was() {
    let world = World::new(&["ann", "bob"]);
    let mut own = event(EventKind::Session, "session.revoke", account("ann"), "/of/ann/and/others");
    own.reason = Some("Ann's own wish, said ann@mail.example".to_owned());
    own.metadata.insert("to".to_owned(), "new@mail.example".to_owned());
    own.metadata.insert("channel".to_owned(), "announcements".to_owned());
    let mut about = event(EventKind::Administration, "account.disable", account("ann"), "bob");
    about.reason = Some("bob asked ann".to_owned());
    let mut stranger = event(EventKind::Login, "account.sign-in", Actor::Anonymous, "bob");
    stranger.outcome = Outcome::Failure;
    let nobody = event(EventKind::Login, "account.sign-in", Actor::Anonymous, "ghost");
    let written = [own, about, stranger, nobody];
    for event in &written {
        world.record(event.clone());
    }
    assert_eq!(world.events(), written, "with the keys everything is as it was");

    for (position, gone) in [
        (1, &["ann\"", "ann/", "Ann", "mail.example", "192.0.2.7", "Browser"][..]),
        (2, &["ann", "bob", "192.0.2.7", "Browser"]),
        (3, &["bob", "192.0.2.7", "Browser"]),
    ] {
        let bare = world.bare(position);
        for text in gone {
            let left = bare.replace("announcements", "");
            assert!(!left.contains(text), "{text} in {left}");
        }
    }
    assert!(world.bare(1).contains("announcements"), "part of a word is no name");
    for text in ["ghost", "192.0.2.7"] {
        assert!(world.bare(4).contains(text), "nobody's name, nobody's address");
    }

    // Without the keys of accounts: a pseudonym, the same for the same account.
    let reader =
        Reader::open(Arc::clone(&world.segments) as Arc<dyn SegmentSource>).unwrap().with_keys(keys(1));
    let pseudonym = reader.record(Position(1)).unwrap().unwrap().event;
    let Actor::Account { name, .. } = &pseudonym.actor else { panic!("an account") };
    assert!(name.starts_with("sealed:") && pseudonym.address.is_none());
    assert_eq!(
        reader.record(Position(2)).unwrap().unwrap().event.actor,
        Actor::Account { id: AccountId::new("id-of-3"), name: name.clone(), session: None }
    );
}

#[test]
fn an_erased_account_reads_as_erased_everywhere_and_every_proof_holds() {
    let world = World::new(&["ann", "bob"]);
    world.record(event(EventKind::Session, "session.revoke", account("ann"), "x"));
    world.record(event(EventKind::Administration, "account.disable", account("bob"), "ann"));
    assert_eq!(world.events()[0].actor, account("ann"));
    world.subjects.0.lock().unwrap().accounts.retain(|name| name != "ann");
    assert!(world.ledger.erase("Ann").unwrap().is_some());
    assert!(world.ledger.erase("ann").unwrap().is_none(), "once");
    // What is still written of it, the end of its own removal say, keeps nothing.
    world.record(event(EventKind::Administration, "account.remove", account("bob"), "ann"));
    world.record(event(EventKind::Session, "session.end", account("ann"), "x"));

    let events = world.events();
    let Actor::Account { id, name, .. } = &events[0].actor else { panic!("an account") };
    assert_eq!((id.as_str(), events[0].address), ("id-of-3", None));
    assert!(name.starts_with("erased:"), "{name}");
    assert_eq!((&events[1].resource, &events[1].actor), (name, &account("bob")), "the other one stays");
    assert_eq!(events[1].address, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(events[2].resource, ERASED);
    assert!(matches!(&events[3].actor, Actor::Account { name, .. } if name == ERASED));
    assert!((1..=4).all(|position| !world.bare(position).contains("ann")));

    // Somebody else with the same name is somebody else.
    world.record(event(EventKind::Administration, "account.add", account("bob"), "ann"));
    assert_eq!(world.events()[4].resource, "ann");
    assert!(world.events()[1].resource.starts_with(ERASED));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(world.ledger.close()).unwrap();
    assert_eq!(world.checked(), 5);
}

#[test]
fn a_new_name_is_the_same_subject_and_a_new_key_of_the_records_opens_the_old_ones() {
    let world = World::new(&["ann"]);
    world.record(event(EventKind::Administration, "account.add", Actor::Operator, "ann"));
    let mut renamed = event(EventKind::Administration, "account.edit", Actor::Operator, "ann");
    renamed.metadata.insert("name".to_owned(), "anna".to_owned());
    world.record(renamed.clone());
    assert_eq!(world.events()[1], renamed);
    assert!(!world.bare(2).contains("ann"));

    let both = Secret::new([secret(2).expose().as_slice(), secret(1).expose()].concat());
    let both = Arc::new(Keys::parse("both", &both).unwrap());
    world.ledger.rekey(both, &SeededRng::new(8)).unwrap();
    world.ledger.rekey(keys(2), &SeededRng::new(9)).unwrap();
    let own = Arc::clone(&world.subjects) as Arc<dyn Subjects>;
    let fresh = |keys| {
        let reader = Reader::open(Arc::clone(&world.segments) as Arc<dyn SegmentSource>).unwrap();
        reader.with_subjects(keys, Arc::clone(&own), Arc::new(SeededRng::new(4)))
    };
    assert_eq!(fresh(keys(2)).record(Position(2)).unwrap().unwrap().event, renamed);
    assert!(fresh(keys(1)).record(Position(2)).is_err());

    assert!(world.ledger.erase("anna").unwrap().is_some());
    let events: Vec<_> = world.events().into_iter().map(|event| event.resource).collect();
    assert!(
        events[0].starts_with("erased:") && events[0] == events[1],
        "under every name it had: {events:?}"
    );
}

/// An application can write what looks like sealed data; it is text.
#[test]
fn nothing_an_application_writes_is_taken_for_sealed_data() {
    let world = World::new(&["ann"]);
    let mut forged =
        event(EventKind::Application, "x", Actor::Gate, "\"personal\":[{\"fields\":[\"resource\"]}]");
    forged.metadata.insert("personal".to_owned(), "[{\"fields\":[\"resource\"]}]".to_owned());
    world.record(forged.clone());
    assert_eq!(world.events(), [forged]);
}

/// Records of another subject's parts, or of none: said, never shown as somebody's.
#[test]
fn a_store_that_fails_is_an_error_and_not_an_erasure() {
    let world = World::new(&["ann"]);
    world.record(event(EventKind::Session, "session.revoke", account("ann"), "x"));
    world.subjects.0.lock().unwrap().keys.values_mut().for_each(|sealed| sealed[20] ^= 1);
    let reader = Reader::open(Arc::clone(&world.segments) as Arc<dyn SegmentSource>).unwrap();
    let own = Arc::clone(&world.subjects) as Arc<dyn Subjects>;
    let reader = reader.with_subjects(keys(1), own, Arc::new(SeededRng::new(4)));
    assert!(matches!(reader.record(Position(1)), Err(ReadError::Personal(_))));
}

#[test]
fn a_text_kept_elsewhere_goes_with_any_of_those_it_speaks_of() {
    let world = World::new(&["ann", "bob"]);
    let named = |text: &[&str]| world.ledger.spoken_of(text.iter().copied()).unwrap();
    let (both, erased) = named(&["Ann", "bob", "carol", "ann"]);
    assert_eq!((both.len(), erased.len()), (2, 0));
    let text = "ann wrote to bob ".repeat(8_000);
    let (of_both, of_ann) = (
        world.ledger.attach(&both, text.as_bytes()).unwrap(),
        world.ledger.attach(&both[..1], b"ann alone").unwrap(),
    );
    let read = |attached: &Attached| world.ledger.detach(attached).unwrap();
    let Detached::Text(opening) = read(&of_both) else { panic!("it reads") };
    assert_eq!(opening.text, text.as_bytes());
    let given = Opening::parse(&opening.encode()).unwrap();
    assert!(given.opens(&of_both) && !given.opens(&of_ann));
    let json = serde_json::to_string(&of_both).unwrap();
    assert!(!json.contains("wrote to"), "sealed");
    // Whatever is changed in it is noticed, or the keys are not there.
    let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
    value["sealed"].as_array_mut().unwrap().swap(0, 1);
    let swapped: Attached = serde_json::from_value(value).unwrap();
    assert!(world.ledger.detach(&swapped).is_err());

    world.ledger.erase("bob").unwrap().unwrap();
    assert_eq!(read(&of_both), Detached::Erased);
    assert!(matches!(read(&of_ann), Detached::Text(_)));
    assert_ne!(named(&["bob"]).0, both[1..], "whoever has the name by now is somebody else");
    let forgotten = world.ledger.attach(&[], b"nobody's").unwrap();
    assert_eq!((read(&forgotten), forgotten.stand_in("erased")), (Detached::Erased, "erased".to_owned()));
}
