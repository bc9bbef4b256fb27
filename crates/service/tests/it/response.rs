//! Measures and alerts, asked for by people and by the gate: who is spared, what it does to sessions, what stands on record.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gabion_incident::{Class, MemoryIncidents};
use gabion_ledger::Position;
use gabion_model::{Actor, Clock as _, ControlId, Event, EventKind, Outcome, Period, Role, Severity};
use gabion_service::incidents::{Change, Desk, NewIncident};
use gabion_service::respond::{Action, Budget, Mode, RegisterError, Settings as Respond, State, Subject};
use gabion_service::{Caller, CreateApiKey, MeasureError, Settings, SignInError, TakeMeasure};

use crate::world::{PASSWORD, World, anonymous, secret, signed_in};

fn on() -> Settings {
    Settings { respond: Respond { mode: Mode::On, ..Respond::default() }, ..Settings::default() }
}

fn block(address: &str) -> TakeMeasure {
    let subject = Subject::Network(address.parse().unwrap());
    TakeMeasure { action: Action::BlockAddress, subject, life: None, reason: "guesses".to_owned() }
}

fn on_account(action: Action, name: &str) -> TakeMeasure {
    TakeMeasure { action, subject: Subject::Account(name.to_owned()), life: None, reason: "odd".to_owned() }
}

fn alert(world: &World, rule: &str, address: &str) -> Event {
    let control = ControlId::WATCH_DETECTIONS;
    let now = world.clock.now();
    let mut event = Event::new(now, EventKind::Alert, "alert.raised", Actor::Gate, Outcome::Success, control);
    rule.clone_into(&mut event.resource);
    event.severity = Some(Severity::High);
    event.address = address.parse().ok();
    event
}

fn is_blocked(world: &World, address: &str) -> bool {
    let address: IpAddr = address.parse().unwrap();
    world.service.shield().is_blocked(address, world.clock.now())
}

#[tokio::test]
async fn a_block_is_on_record_before_and_after_and_so_is_its_undo_and_its_end() {
    let world = World::new();
    let operator = Caller::operator();
    let taken = world.service.take_measure(&operator, block("192.0.2.7")).await.unwrap();
    assert!(is_blocked(&world, "192.0.2.7") && !is_blocked(&world, "192.0.2.8"));
    world.service.undo_measure(&operator, taken.id).await.unwrap();
    assert!(!is_blocked(&world, "192.0.2.7"));
    let mut again = block("2001:db8::7");
    again.life = Some(Period::from_secs(60));
    world.service.take_measure(&operator, again).await.unwrap();
    assert!(is_blocked(&world, "2001:db8::ffff"));
    world.clock.advance(Duration::from_secs(60));
    assert!(!is_blocked(&world, "2001:db8::ffff"));
    world.service.sweep_measures(&Caller::gate()).await.unwrap();
    let said: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.control == ControlId::INCIDENT_PROCEDURE)
        .map(|event| (event.action, event.outcome, event.resource))
        .collect();
    let entry = |action: &str, outcome, target: &str| (action.to_owned(), outcome, target.to_owned());
    assert_eq!(
        said,
        [
            entry("response.take", Outcome::Begun, "192.0.2.7"),
            entry("response.take", Outcome::Success, "192.0.2.7"),
            entry("response.undo", Outcome::Begun, "192.0.2.7"),
            entry("response.undo", Outcome::Success, "192.0.2.7"),
            entry("response.take", Outcome::Begun, "2001:db8::/64"),
            entry("response.take", Outcome::Success, "2001:db8::/64"),
            entry("response.end", Outcome::Success, "2001:db8::/64"),
        ]
    );
}

#[tokio::test]
async fn nobody_blocks_an_administrator_or_this_machine() {
    let world = World::new();
    world.person("boss", &[Role::ADMINISTRATOR]).await;
    let boss = world.sign_in("boss").await.session;
    let from = boss.address.expect("an address").to_string();
    let operator = Caller::operator();
    for address in [from.as_str(), "127.0.0.1", "10.0.0.1"] {
        let refused = world.service.take_measure(&operator, block(address)).await;
        assert!(matches!(refused, Err(MeasureError::Spared(_))), "{address}: {refused:?}");
    }
    let refused = world.service.take_measure(&operator, on_account(Action::DisableAccount, "boss")).await;
    assert!(matches!(refused, Err(MeasureError::Spared(_))), "{refused:?}");
    let unknown = world.service.take_measure(&operator, on_account(Action::DisableAccount, "nobody")).await;
    assert_eq!(unknown, Err(MeasureError::UnknownAccount));
    let missing = world.service.undo_measure(&operator, 99).await;
    assert_eq!(missing, Err(MeasureError::Register(RegisterError::NotFound)));
}

#[tokio::test]
async fn a_disabled_account_loses_its_sessions_and_gets_no_new_one_until_it_is_undone() {
    let world = World::new();
    world.person("ann", &[]).await;
    let ann = world.sign_in("ann").await.session;
    let operator = Caller::operator();
    let taken = on_account(Action::DisableAccount, "ann");
    let taken = world.service.take_measure(&operator, taken).await.unwrap();
    assert!(ann.is_ended());
    let stranger = anonymous("198.51.100.1");
    let refused = world.service.sign_in(&stranger, "ann", secret(PASSWORD)).await;
    assert_eq!(refused.err(), Some(SignInError::Rejected));
    world.service.undo_measure(&operator, taken.id).await.unwrap();
    world.service.sign_in(&stranger, "ann", secret(PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn an_alert_is_answered_once_and_a_dry_run_answers_nothing() {
    let world = World::with(on(), 1);
    let event = alert(&world, "credential-stuffing", "192.0.2.7");
    for _ in 0..2 {
        let taken = world.service.answer_alert(Position(41), &event).await.unwrap();
        assert_eq!((taken.len(), taken[0].state), (1, State::Active));
    }
    assert_eq!(world.service.measures(&Caller::operator()).await.unwrap().len(), 1);
    let own = alert(&world, "credential-stuffing", "127.0.0.1");
    assert_eq!(world.service.answer_alert(Position(42), &own).await.unwrap(), []);

    let dry = World::new();
    let taken = dry.service.answer_alert(Position(41), &event).await.unwrap();
    assert_eq!(taken[0].state, State::DryRun);
    assert!(!is_blocked(&dry, "192.0.2.7"));
}

#[tokio::test]
async fn what_is_beyond_the_budget_waits_and_an_alert_says_so() {
    let budget = Budget { floor: 1, ..Budget::default() };
    let respond = Respond { mode: Mode::On, budget, ..Respond::default() };
    let world = World::with(Settings { respond, ..Settings::default() }, 1);
    for (position, address) in [(1, "192.0.2.1"), (2, "192.0.2.2")] {
        let event = alert(&world, "credential-stuffing", address);
        world.service.answer_alert(Position(position), &event).await.unwrap();
    }
    assert!(is_blocked(&world, "192.0.2.1") && !is_blocked(&world, "192.0.2.2"));
    let alerts: Vec<_> =
        world.events().await.into_iter().filter(|event| event.kind == EventKind::Alert).collect();
    assert_eq!((alerts.len(), alerts[0].resource.as_str()), (1, "response-waits"));
    let id: u64 = alerts[0].metadata["measure"].parse().unwrap();
    let member = world.guest("member", &[]).await.session;
    let refused = world.service.approve_measure(&signed_in(&member), id).await;
    assert!(matches!(refused, Err(MeasureError::Act(_))));
    world.service.approve_measure(&Caller::operator(), id).await.unwrap();
    assert!(is_blocked(&world, "192.0.2.2"));
}

#[tokio::test]
async fn what_is_not_there_and_whose_key_is_spared_is_left_alone() {
    let respond = Respond { mode: Mode::On, ..Respond::default() };
    let world =
        World::with(Settings { respond, routes: vec!["/api/*".to_owned()], ..Settings::default() }, 1);
    world.person("boss", &[Role::ADMINISTRATOR]).await;
    world.person("ann", &[]).await;
    let operator = Caller::operator();
    let key = async |account: &str| {
        let account = Some(account.to_owned());
        let new =
            CreateApiKey { account, label: "x".to_owned(), scopes: vec!["read".to_owned()], life: None };
        world.service.create_api_key(&operator, new).await.unwrap().view.id.to_string()
    };
    let (own, bosses) = (key("ann").await, key("boss").await);
    let take = async |action, subject| {
        let asked = TakeMeasure { action, subject, life: None, reason: "odd".to_owned() };
        world.service.take_measure(&operator, asked).await
    };
    let disable = Action::DisableKey;
    assert_eq!(take(disable, Subject::Key("nobody".to_owned())).await, Err(MeasureError::UnknownKey));
    assert!(matches!(take(disable, Subject::Key(bosses)).await, Err(MeasureError::Spared(_))));
    take(disable, Subject::Key(own.clone())).await.unwrap();
    let route = |path: &str| Subject::Route(path.to_owned());
    assert_eq!(take(Action::StrictRoute, route("/apu/*")).await, Err(MeasureError::UnknownRoute));
    take(Action::StrictRoute, route("/api/*")).await.unwrap();
    let shield = world.service.shield();
    let now = world.clock.now();
    assert!(shield.is_key_disabled(&own, now) && shield.is_strict("/api/*", now));

    // Everything against one target ends together, and nothing else.
    take(Action::SlowDown, Subject::Network("192.0.2.7".parse().unwrap())).await.unwrap();
    take(Action::BlockAddress, Subject::Network("192.0.2.7".parse().unwrap())).await.unwrap();
    take(Action::RequireStepUp, Subject::Account("ann".to_owned())).await.unwrap();
    assert_eq!(world.service.lift_measures(&operator, "::ffff:192.0.2.7").await.unwrap().len(), 2);
    assert_eq!(world.service.lift_measures(&operator, "ANN").await.unwrap().len(), 1);
    assert_eq!(world.service.lift_measures(&operator, &own).await.unwrap().len(), 1);
    let again = world.service.lift_measures(&operator, "192.0.2.7").await;
    assert_eq!(again, Err(MeasureError::Register(RegisterError::NotFound)));
    let left: Vec<_> = world.service.measures(&operator).await.unwrap();
    let left: Vec<_> = left.iter().filter(|one| one.is_open(now)).map(|one| one.action).collect();
    assert_eq!(left, [Action::StrictRoute]);
    let member = world.guest("member", &[]).await.session;
    assert!(matches!(
        world.service.lift_measures(&signed_in(&member), "/api/*").await,
        Err(MeasureError::Act(_))
    ));
}

#[tokio::test]
async fn an_incident_acts_for_a_time_and_takes_it_back_and_says_what_it_could_not() {
    let world = World::new();
    world.service.set_incidents(Desk { storage: Arc::new(MemoryIncidents::default()), ..Desk::default() });
    let operator = Caller::operator();
    let new = NewIncident {
        title: Some("Stolen passwords".to_owned()),
        class: Some(Class::P1),
        kind: Some("credential-stuffing".to_owned()),
        ..NewIncident::default()
    };
    let id = world.service.open_incident(&operator, new).await.unwrap().id;
    let act = async |action, target: &str, task: Option<&str>| {
        let change = Change::Act { action, target: target.to_owned(), task: task.map(str::to_owned) };
        world.service.change_incident(&operator, id, change).await.unwrap()
    };
    let done = act(None, "203.0.113.0/24", Some("block-network")).await;
    assert_eq!(done.failure, None);
    assert!(is_blocked(&world, "203.0.113.99"));
    let task = done.incident.tasks.iter().find(|task| task.template.id == "block-network").unwrap();
    assert!(task.settled.is_some());
    assert!(done.incident.subjects.iter().any(|subject| subject.value() == "203.0.113.0/24"));
    let reason = world.service.measures(&operator).await.unwrap()[0].reason.clone();
    assert_eq!(reason, format!("INC-{id}"));

    let undo = done.incident.acted[0].action.undo();
    assert_eq!(act(undo, "203.0.113.0/24", None).await.failure, None);
    assert!(!is_blocked(&world, "203.0.113.99"));
    assert!(act(undo, "203.0.113.0/24", None).await.failure.is_some(), "there is nothing to take back");

    let spared = act(Some(gabion_incident::Action::BlockAddress), "127.0.0.1", None).await;
    assert!(spared.failure.unwrap().contains("private addresses are spared"));
    assert!(
        !spared.incident.subjects.iter().any(|subject| subject.value() == "127.0.0.1"),
        "nobody is accused"
    );
    for (action, target) in [
        (gabion_incident::Action::BlockAddress, "203.0.113.0/24"),
        (gabion_incident::Action::BlockNetwork, "everybody"),
        (gabion_incident::Action::StrictRoute, "/nowhere"),
        (gabion_incident::Action::DisableApiKey, "no key"),
        (gabion_incident::Action::RequireStepUp, "nobody"),
    ] {
        assert!(act(Some(action), target, None).await.failure.is_some(), "{action} {target}");
    }
    let material = world.service.incident(&operator, id).await.unwrap();
    let told = |words: &str| material.timeline.iter().any(|entry| entry.text.contains(words));
    assert!(told("block-network") && told("lift"), "{:#?}", material.timeline);
}

#[tokio::test]
async fn whoever_is_spared_by_now_is_let_go_and_the_record_says_why() {
    let world = World::with(on(), 1);
    let operator = Caller::operator();
    world.service.take_measure(&operator, block("192.0.2.7")).await.unwrap();
    world.service.take_measure(&operator, block("198.51.100.7")).await.unwrap();
    world.service.sweep_measures(&Caller::gate()).await.unwrap();
    assert!(is_blocked(&world, "192.0.2.7") && is_blocked(&world, "198.51.100.7"));
    let respond = Respond { mode: Mode::On, allow: vec!["192.0.2.0/24".to_owned()], ..Respond::default() };
    world.service.set_settings(&Settings { respond, ..Settings::default() });
    world.service.sweep_measures(&Caller::gate()).await.unwrap();
    assert!(!is_blocked(&world, "192.0.2.7") && is_blocked(&world, "198.51.100.7"));
    let events = world.events().await;
    let end = events.iter().find(|event| event.action == "response.end").unwrap();
    assert_eq!(
        (end.resource.as_str(), end.reason.as_deref()),
        ("192.0.2.7", Some("`respond.allow` spares it"))
    );
    for seconds in [0, 59, 31 * 86_400] {
        let asked = TakeMeasure { life: Some(Period::from_secs(seconds)), ..block("198.51.100.9") };
        assert_eq!(world.service.take_measure(&operator, asked).await, Err(MeasureError::Life));
    }
    let asked = TakeMeasure { reason: "a\u{1b}[2Jb\nc".to_owned(), ..block("198.51.100.9") };
    assert_eq!(world.service.take_measure(&operator, asked).await.unwrap().reason, "a [2Jb c");
}

#[tokio::test]
async fn more_than_anybody_could_decide_about_holds_up_no_alert() {
    let budget = Budget { floor: 0, addresses_percent: 0, ..Budget::default() };
    let respond = Respond { mode: Mode::On, budget, ..Respond::default() };
    let world = World::with(Settings { respond, ..Settings::default() }, 1);
    let mut taken = 0;
    for number in 0..1_010_u32 {
        let address = IpAddr::from((0x0b00_0000 + number).to_be_bytes()).to_string();
        let event = alert(&world, "credential-stuffing", &address);
        taken += world.service.answer_alert(Position(number.into()), &event).await.unwrap().len();
    }
    assert_eq!(taken, 1_000);
    assert_eq!(world.service.measures_in_force(), 0);
}
