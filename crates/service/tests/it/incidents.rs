//! Incidents over a ledger: every step on record before it counts, and what happens when the two disagree.

use std::sync::Arc;
use std::time::Duration;

use gabion_incident::incident::State;
use gabion_incident::report::Agreement;
use gabion_incident::{Action, Class, IncidentStorage, MemoryIncidents, Refused, StorageError, StoredStep};
use gabion_model::{Actor, Clock as _, ControlId, Event, EventKind, Outcome, Severity, Timestamp};
use gabion_service::Caller;
use gabion_service::incidents::{Change, Desk, IncidentError, NewEvidence, NewIncident, Rang};

use crate::world::{World, signed_in};

fn new(class: Class) -> NewIncident {
    NewIncident { title: Some("Somebody is in".to_owned()), class: Some(class), ..NewIncident::default() }
}

fn note(text: &str) -> Change {
    Change::Note { text: text.to_owned() }
}

/// A world whose incidents lie in a storage the test can reach.
fn world() -> (World, Arc<MemoryIncidents>) {
    let (world, storage) = (World::new(), Arc::new(MemoryIncidents::default()));
    world.service.set_incidents(Desk { storage: storage.clone(), ..Desk::default() });
    (world, storage)
}

async fn alert(world: &World, rule: &str, level: Severity, network: &str) -> (u64, Event) {
    let (kind, control) = (EventKind::Alert, ControlId::WATCH_DETECTIONS);
    let mut event =
        Event::new(world.clock.now(), kind, "alert.raised", Actor::Gate, Outcome::Success, control);
    event.resource = rule.to_owned();
    event.severity = Some(level);
    event.reason = Some(format!("Rule {rule}: because"));
    event.metadata.insert("group.network".to_owned(), network.to_owned());
    let position = world.ledger.record(event.clone()).await.unwrap();
    (position.0, event)
}

#[tokio::test]
async fn a_step_is_on_record_with_its_digest_before_it_is_kept() {
    let (world, storage) = world();
    let operator = Caller::operator();
    let opened = world.service.open_incident(&operator, new(Class::P1)).await.unwrap();
    world.service.change_incident(&operator, opened.id, note("seen")).await.unwrap();
    let kept = storage.steps(1).unwrap();
    let events = world.events().await;
    for step in &kept {
        let begun = &events[usize::try_from(step.record).unwrap() - 1];
        assert_eq!((begun.kind, begun.outcome), (EventKind::Incident, Outcome::Begun));
        assert_eq!(begun.metadata["step"], step.number.to_string());
        assert_eq!(begun.metadata["digest"], gabion_vault::encoding::hex_encode(&step.digest));
    }
    assert_eq!(kept.len(), 2);
    assert_eq!(world.outcomes("incident.note").await.last().unwrap().0, Outcome::Success);
    let material = world.service.incident(&operator, 1).await.unwrap();
    assert_eq!(material.agrees, Agreement::Yes);
    assert!(material.timeline.iter().any(|entry| entry.text == "seen"));
}

#[tokio::test]
async fn alerts_open_join_and_raise_and_the_same_one_twice_does_nothing() {
    let (world, _) = world();
    let service = &world.service;
    let (position, event) =
        alert(&world, "credential-stuffing-distributed", Severity::High, "192.0.2.0/24").await;
    let Rang::Opened(opened) = service.alert_rang(position, &event).await.unwrap() else { panic!("opens") };
    assert_eq!(
        (opened.class, opened.kind.as_str(), opened.acknowledged),
        (Class::P1, "credential-stuffing", None)
    );
    assert_eq!(service.alert_rang(position, &event).await.unwrap(), Rang::Left);
    let (second, event) =
        alert(&world, "credential-stuffing-succeeded", Severity::Critical, "192.0.2.0/24").await;
    let Rang::Joined(joined) = service.alert_rang(second, &event).await.unwrap() else { panic!("joins") };
    assert_eq!((joined.id, joined.class, joined.alerts.len()), (1, Class::P0, 2));
    let (third, event) = alert(&world, "enumeration", Severity::Medium, "198.51.100.0/24").await;
    assert_eq!(service.alert_rang(third, &event).await.unwrap(), Rang::Left);
    let material = service.incident(&Caller::operator(), 1).await.unwrap();
    assert_eq!(material.timeline.iter().filter(|entry| entry.record.is_some()).count(), 2);
    // An attacker's event that says it is an alert is none: its kind is the application's.
    let own = Event { kind: EventKind::Application, ..event };
    assert_eq!(service.alert_rang(third, &own).await.unwrap(), Rang::Left);
}

#[tokio::test]
async fn containment_acts_and_says_when_it_could_not() {
    let (world, _) = world();
    let victim = world.guest("victim", &[]).await;
    let operator = Caller::operator();
    let incident = NewIncident { kind: Some("credential-stuffing".to_owned()), ..new(Class::P1) };
    let id = world.service.open_incident(&operator, incident).await.unwrap().id;
    let act = |action, target: &str, task: Option<&str>| Change::Act {
        action,
        target: target.to_owned(),
        task: task.map(str::to_owned),
    };
    let ended = act(None, "victim", Some("end-entered-sessions"));
    let done = world.service.change_incident(&operator, id, ended).await.unwrap();
    assert_eq!(done.failure, None);
    assert!(!world.lives(&victim));
    assert!(
        done.incident
            .tasks
            .iter()
            .any(|task| task.template.id == "end-entered-sessions" && task.settled.is_some())
    );
    let failed = world
        .service
        .change_incident(&operator, id, act(Some(Action::DisableAccount), "nobody", None))
        .await
        .unwrap();
    assert!(failed.failure.is_some() && failed.incident.acted[1].failure.is_some());
    let wrong =
        world.service.change_incident(&operator, id, act(None, "victim", Some("who-was-entered"))).await;
    assert!(matches!(wrong, Err(IncidentError::Invalid(_))));
    // Both are under one request: the act and its step.
    let events = world.events().await;
    let of = |action: &str| events.iter().find(|event| event.action == action).unwrap().request_id.unwrap();
    assert_eq!(of("session.revoke-all"), of("incident.contain"));
    // A closed incident does nothing any more, and nobody's account is touched.
    let (summary, cause) = ("s".to_owned(), "c".to_owned());
    let review = gabion_incident::Review { summary, cause, ..gabion_incident::Review::default() };
    world.service.change_incident(&operator, id, Change::Review { review }).await.unwrap();
    let close = Change::Close {
        resolution: gabion_incident::incident::Resolution::Resolved,
        text: "over".to_owned(),
    };
    world.service.change_incident(&operator, id, close).await.unwrap();
    let late =
        world.service.change_incident(&operator, id, act(Some(Action::DisableAccount), "victim", None)).await;
    assert_eq!(late.unwrap_err(), IncidentError::Refused(Refused::Closed));
    assert!(world.outcomes("account.disable").await.iter().all(|(outcome, _)| *outcome != Outcome::Success));
}

#[tokio::test]
async fn two_people_at_once_act_one_after_the_other() {
    let (world, storage) = world();
    let administrator = world.guest("ann", &["administrator"]).await;
    let other = signed_in(&administrator.session);
    let operator = Caller::operator();
    world.service.open_incident(&operator, new(Class::P2)).await.unwrap();
    let task = Change::Done { task: "take-command".to_owned(), text: String::new() };
    let (one, two) = tokio::join!(
        world.service.change_incident(&operator, 1, task.clone()),
        world.service.change_incident(&other, 1, task),
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    let many = (0..20).map(|number| {
        let (service, operator) = (world.service.clone(), operator.clone());
        tokio::spawn(async move { service.change_incident(&operator, 1, note(&number.to_string())).await })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    let numbers: Vec<_> = storage.steps(1).unwrap().iter().map(|step| step.number).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_clock_that_goes_backwards_puts_no_step_before_its_cause() {
    let (world, _) = world();
    let operator = Caller::operator();
    let a_day_ago = Timestamp::from_secs(world.clock.now().as_secs() - 86_400);
    let back = Arc::new(gabion_model::ManualClock::at(a_day_ago));
    let parts = gabion_service::Parts::fresh(
        world.storage.clone(),
        world.ledger.clone(),
        back,
        Arc::new(gabion_model::random::SeededRng::new(9)),
    );
    let service = gabion_service::Service::open(parts.unwrap()).unwrap();
    let (own, storage) = (Desk::default(), Arc::new(MemoryIncidents::default()));
    service.set_incidents(Desk { storage: storage.clone(), ..own });
    let first = service.open_incident(&operator, new(Class::P2)).await.unwrap();
    // The same storage under the clock that is a day ahead, then again under the one that is behind.
    world.service.set_incidents(Desk { storage: storage.clone(), ..Desk::default() });
    let ahead = world.service.change_incident(&operator, first.id, note("ahead")).await.unwrap().incident;
    let behind = service.change_incident(&operator, first.id, note("behind")).await.unwrap().incident;
    assert!(ahead.changed > first.changed && behind.changed == ahead.changed);
    let material = service.incident(&operator, first.id).await.unwrap();
    assert_eq!(material.agrees, Agreement::Yes);
    assert_eq!(material.timeline.last().unwrap().text, "behind");
}

#[tokio::test]
async fn a_storage_that_was_changed_behind_the_gates_back_is_told() {
    let (world, storage) = world();
    let operator = Caller::operator();
    world.service.open_incident(&operator, new(Class::P2)).await.unwrap();
    world.service.change_incident(&operator, 1, note("the truth")).await.unwrap();
    world.service.change_incident(&operator, 1, note("more")).await.unwrap();
    let whole = storage.steps(1).unwrap();
    let with = |steps: Vec<StoredStep>| {
        let changed = Arc::new(MemoryIncidents::default());
        steps.iter().for_each(|step| changed.append(1, step, false, None).unwrap());
        world.service.set_incidents(Desk { storage: changed, ..Desk::default() });
    };
    // One byte.
    let mut lie = whole.clone();
    lie[1].step =
        String::from_utf8(lie[1].step.clone()).unwrap().replace("the truth", "the lie!!").into_bytes();
    with(lie.clone());
    assert_eq!(
        world.service.incident(&operator, 1).await.unwrap_err(),
        IncidentError::Damaged { incident: 1, step: 2 }
    );
    let shown = world.service.incidents(&operator, true, None, 9).await.unwrap();
    assert!(shown[0].damaged.is_some(), "it is not left out of the list");
    // The whole chain made anew by somebody who knows how: the ledger knows better.
    let mut former = gabion_incident::step::beginning(1);
    for step in &mut lie {
        former = gabion_incident::step::digest(&former, &step.step);
        step.digest = former;
    }
    with(lie);
    let material = world.service.incident(&operator, 1).await.unwrap();
    assert!(matches!(material.agrees, Agreement::Not { step: 2, .. }), "{:?}", material.agrees);
    // The end cut off.
    with(whole[..2].to_vec());
    let material = world.service.incident(&operator, 1).await.unwrap();
    assert!(matches!(material.agrees, Agreement::Not { step: 3, .. }), "{:?}", material.agrees);
    with(whole.clone());
    assert_eq!(world.service.incident(&operator, 1).await.unwrap().agrees, Agreement::Yes);
    // The end cut off, and another step in its place.
    with(whole[..2].to_vec());
    world.service.change_incident(&operator, 1, note("nothing happened")).await.unwrap();
    let material = world.service.incident(&operator, 1).await.unwrap();
    assert!(matches!(material.agrees, Agreement::Not { step: 3, .. }), "{:?}", material.agrees);
}

/// Keeps nothing from some step on, as a full disk.
#[derive(Debug, Default)]
struct Full(MemoryIncidents, std::sync::atomic::AtomicBool);

impl IncidentStorage for Full {
    fn latest(&self) -> Result<u64, StorageError> {
        self.0.latest()
    }
    fn ids(&self, before: Option<u64>, open: bool, limit: usize) -> Result<Vec<u64>, StorageError> {
        self.0.ids(before, open, limit)
    }
    fn steps(&self, incident: u64) -> Result<Vec<StoredStep>, StorageError> {
        self.0.steps(incident)
    }
    fn append(
        &self,
        id: u64,
        step: &StoredStep,
        closed: bool,
        content: Option<(u64, &[u8])>,
    ) -> Result<(), StorageError> {
        if self.1.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(StorageError::Full);
        }
        self.0.append(id, step, closed, content)
    }
    fn content(&self, incident: u64, evidence: u64) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.content(incident, evidence)
    }
    fn cursor(&self) -> Result<Option<u64>, StorageError> {
        self.0.cursor()
    }
    fn set_cursor(&self, position: u64) -> Result<(), StorageError> {
        self.0.set_cursor(position)
    }
}

#[tokio::test]
async fn a_step_that_could_not_be_kept_was_never_taken() {
    let (world, storage) = (World::new(), Arc::new(Full::default()));
    world.service.set_incidents(Desk { storage: storage.clone(), ..Desk::default() });
    let operator = Caller::operator();
    world.service.open_incident(&operator, new(Class::P2)).await.unwrap();
    storage.1.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(world.service.change_incident(&operator, 1, note("lost")).await.is_err());
    assert_eq!(world.outcomes("incident.note").await.last().unwrap().0, Outcome::Failure);
    storage.1.store(false, std::sync::atomic::Ordering::Relaxed);
    let changed = world.service.change_incident(&operator, 1, note("kept")).await.unwrap();
    assert_eq!(changed.incident.steps, 2);
    let material = world.service.incident(&operator, 1).await.unwrap();
    assert_eq!(material.agrees, Agreement::Yes, "the failed try is on record and counts for nothing");
    assert!(!material.timeline.iter().any(|entry| entry.text == "lost"));
}

#[tokio::test]
async fn what_people_send_is_bounded_and_cleaned() {
    let (world, _) = world();
    let (service, operator) = (&world.service, Caller::operator());
    let open = |new: NewIncident| service.open_incident(&operator, new);
    let field = |error: IncidentError| match error {
        IncidentError::Invalid(problem) => problem.path,
        error => panic!("{error}"),
    };
    assert_eq!(field(open(NewIncident::default()).await.unwrap_err()), "title");
    assert_eq!(field(open(NewIncident { class: None, ..new(Class::P1) }).await.unwrap_err()), "class");
    assert_eq!(
        field(open(NewIncident { kind: Some("x".to_owned()), ..new(Class::P1) }).await.unwrap_err()),
        "kind"
    );
    assert_eq!(field(open(NewIncident { alert: Some(1), ..new(Class::P1) }).await.unwrap_err()), "alert");
    let wrong = NewIncident { subjects: vec!["root".to_owned()], ..new(Class::P1) };
    assert_eq!(field(open(wrong).await.unwrap_err()), "subjects[0]");
    open(new(Class::P3)).await.unwrap();
    let change = |change: Change| service.change_incident(&operator, 1, change);
    assert_eq!(field(change(note(&"x".repeat(100_000))).await.unwrap_err()), "text");
    assert_eq!(field(change(note(" \n ")).await.unwrap_err()), "text");
    change(note("a\u{1b}[2J\u{202e}b")).await.unwrap();
    let material = service.incident(&operator, 1).await.unwrap();
    assert_eq!(material.timeline.last().unwrap().text, "a\u{fffd}[2J\u{fffd}b");
    let soon = world.clock.now().saturating_add(Duration::from_secs(60));
    let early = Change::DutyBegin { regimes: vec![gabion_incident::notify::Regime::Gdpr], aware: Some(soon) };
    assert_eq!(field(change(early).await.unwrap_err()), "aware");
    for content in [vec![], vec![0; gabion_incident::evidence::LONGEST + 1]] {
        let new = NewEvidence { name: "f".to_owned(), source: "s".to_owned(), content };
        assert_eq!(field(service.keep_evidence(&operator, 1, new).await.unwrap_err()), "content");
    }
    assert_eq!(service.incident(&operator, 2).await.unwrap_err(), IncidentError::NotFound);
}

#[tokio::test]
async fn what_is_late_is_told_once_and_letters_leave() {
    let (world, storage) = world();
    let settings =
        gabion_incident::Settings { letters_to: vec!["team@example.com".to_owned()], ..Default::default() };
    world.service.set_incidents(Desk { storage, settings: Arc::new(settings), ..Desk::default() });
    let (position, event) = alert(&world, "guessed-password", Severity::Critical, "192.0.2.0/24").await;
    world.service.alert_rang(position, &event).await.unwrap();
    let opened = world.outbox.take();
    assert_eq!((opened.len(), opened[0].to.as_str()), (1, "team@example.com"));
    assert!(opened[0].subject.starts_with("P0 INC-1"));
    world.service.remind().await.unwrap();
    assert!(world.outbox.take().is_empty(), "nothing is late yet");
    world.pass(16);
    world.service.remind().await.unwrap();
    world.service.remind().await.unwrap();
    assert_eq!(world.outbox.take().len(), 1, "once");
    assert_eq!(world.outcomes("incident.remind").await.len(), 2, "its beginning and its end");
    let incident = world.service.incident(&Caller::operator(), 1).await.unwrap().incident;
    assert_eq!((incident.state, incident.acknowledged), (State::Open, None));
}
