//! What may follow what, the clocks, and the figures that come of it.

use gabion_incident::incident::{Resolution, STEPS};
use gabion_incident::notify::Regime;
use gabion_incident::review::ReviewAction;
use gabion_incident::{Action, Class, Incident, Metrics, Refused, Review, Role, State, Step, What, due};

use crate::world::{Course, note, start};

fn moved(to: State) -> What {
    What::Moved { to, reason: "because".to_owned() }
}

fn closed() -> What {
    What::Closed { resolution: Resolution::Resolved, text: "over".to_owned() }
}

fn reviewed() -> What {
    let action =
        ReviewAction { what: "mend".to_owned(), owner: "bob".to_owned(), due: "2026-12-24".to_owned() };
    let review =
        Review { summary: "s".to_owned(), cause: "c".to_owned(), actions: vec![action], ..Review::default() };
    What::Reviewed(Box::new(review))
}

#[test]
fn from_the_alert_to_the_end_and_the_same_again_from_its_steps() {
    let mut course = Course::new(Class::P1, true);
    assert_eq!((course.incident.state, course.incident.acknowledged), (State::Open, None));
    course.pass(10).take(What::Acknowledged);
    assert_eq!(course.attempt(What::Acknowledged), Err(Refused::Already("it is acknowledged".to_owned())));
    course.pass(20).take(moved(State::Contained));
    course.pass(60).take(moved(State::Recovering)).pass(600).take(moved(State::Review));
    assert!(matches!(course.attempt(closed()), Err(Refused::TooEarly { .. })), "without a review");
    course.take(reviewed()).take(closed());
    assert_eq!(course.attempt(moved(State::Contained)), Err(Refused::Closed));
    course.take(What::ActionDone { action: 1, text: String::new() });
    assert!(course.attempt(What::ActionDone { action: 2, text: String::new() }).is_err());
    assert_eq!(Incident::of(7, &course.steps).unwrap(), course.incident);

    let metrics = Metrics::of(&[course.incident.clone()]);
    let figures = &metrics.classes[&Class::P1];
    let means =
        [&figures.detect, &figures.acknowledge, &figures.contain, &figures.resolve].map(|times| times.mean);
    assert_eq!(means, [60, 600, 30 * 60, 690 * 60]);
    assert_eq!((figures.acknowledged_in_time, metrics.actions_done, metrics.actions_open), (1, 1, 0));
    assert_eq!(metrics.months.keys().collect::<Vec<_>>(), ["2026-11"]);

    // It comes back: what was reached is not reached any more, and the first acknowledgement stays.
    course.pass(5).take(moved(State::Open));
    assert_eq!(
        (course.incident.contained, course.incident.resolved, course.incident.closed),
        (None, None, None)
    );
    assert!(course.incident.acknowledged.is_some());
}

#[test]
fn the_worst_class_it_had_decides_whether_it_needs_a_review() {
    let classified =
        |class: Class| What::Classified { class, clocks: class.clocks(), reason: "r".to_owned() };
    let mut course = Course::new(Class::P2, true);
    course.take(classified(Class::P3));
    assert!(matches!(course.attempt(closed()), Err(Refused::TooEarly { .. })));
    let mut small = Course::new(Class::P3, true);
    small.take(What::Closed { resolution: Resolution::FalseAlarm, text: "nothing".to_owned() });
    let metrics = Metrics::of(&[small.incident]);
    let figures = &metrics.classes[&Class::P3];
    assert_eq!((figures.incidents, figures.false_alarms, figures.acknowledge.count), (1, 1, 0));
}

#[test]
fn a_running_legal_clock_keeps_it_open() {
    let mut course = Course::new(Class::P3, false);
    course.take(What::DutyBegan { regimes: vec![Regime::Pci], aware: start() });
    // Known earlier than was thought: the clock goes with it, and never back.
    let earlier = gabion_model::Timestamp::from_secs(start().as_secs() - 3600);
    course.take(What::DutyBegan { regimes: vec![Regime::Pci], aware: earlier });
    course.take(What::DutyBegan { regimes: vec![Regime::Pci], aware: start() });
    assert_eq!(course.incident.regimes[&Regime::Pci], earlier);
    assert!(matches!(course.attempt(closed()), Err(Refused::TooEarly { .. })));
    let waived = What::DutyWaived { duty: "pci-12.10".to_owned(), reason: "no cards".to_owned() };
    course.take(waived).take(closed());
    let unknown = What::DutyDone { duty: "gdpr-99".to_owned(), text: "t".to_owned() };
    assert!(matches!(course.attempt(unknown), Err(Refused::Unknown { .. })));
}

#[test]
fn what_is_due_comes_in_its_order_and_is_reminded_of_once() {
    let mut course = Course::new(Class::P0, true);
    let first = due::of(&course.incident, course.now);
    assert!(first.is_sorted_by_key(|due| due.until));
    assert_eq!(first[0].id, "clock.acknowledge");
    assert!(due::reminders(&course.incident, course.now).is_empty());
    course.pass(16);
    let late = due::reminders(&course.incident, course.now);
    assert!(late.iter().all(|due| due.late) && late.iter().any(|due| due.id == "clock.acknowledge"));
    assert!(late.iter().any(|due| due.id == "task.end-entered-sessions"), "{late:?}");
    let items = late.iter().map(due::Due::reminder).collect();
    course.try_by("gate", What::Reminded { items }).unwrap();
    assert!(due::reminders(&course.incident, course.now).is_empty());
    assert_eq!(course.incident.acknowledged, None, "the gate acknowledges nothing");
    // A legal clock is told of a day before it ends.
    course.take(What::DutyBegan { regimes: vec![Regime::Gdpr], aware: start() }).pass(47 * 60);
    assert!(!due::reminders(&course.incident, course.now).iter().any(|due| due.id == "duty.gdpr-33"));
    course.pass(61);
    assert!(
        due::reminders(&course.incident, course.now).iter().any(|due| due.id == "duty.gdpr-33" && !due.late)
    );
    // Nothing is due before the class asks for an answer at all.
    let slow = Course::new(Class::P3, true);
    let least = slow.incident.until(slow.incident.clocks.acknowledge);
    assert!(due::of(&slow.incident, slow.now).iter().all(|due| due.until >= least));
}

#[test]
fn tasks_are_settled_once_and_owned() {
    let mut course = Course::new(Class::P1, true);
    let assigned = What::Assigned { to: "bob".to_owned(), to_role: Some(Role::Scribe), to_task: None };
    course.take(assigned);
    let owner = |course: &Course| {
        let due = due::of(&course.incident, course.now);
        due.into_iter().find(|due| due.id == "task.who-was-entered").unwrap().owner
    };
    assert_eq!(owner(&course).as_deref(), Some("bob"), "by the role");
    course.take(What::Assigned {
        to: "cid".to_owned(),
        to_role: None,
        to_task: Some("who-was-entered".to_owned()),
    });
    assert_eq!(owner(&course).as_deref(), Some("cid"));
    let acted = |failure: Option<&str>| What::Acted {
        action: Action::DisableAccount,
        target: "dan".to_owned(),
        task: Some("lock-entered-accounts".to_owned()),
        failure: failure.map(str::to_owned),
    };
    let is_settled = |course: &Course| {
        let tasks = &course.incident.tasks;
        tasks.iter().find(|task| task.template.id == "lock-entered-accounts").unwrap().settled.is_some()
    };
    course.take(acted(Some("there is no such account")));
    assert!(!is_settled(&course), "a try that failed settles nothing");
    course.take(acted(None));
    assert!(is_settled(&course) && course.incident.acted.len() == 2);
    let done = What::Done { task: "lock-entered-accounts".to_owned(), text: String::new() };
    assert!(matches!(course.attempt(done), Err(Refused::Already(_))));
    let unknown = What::Done { task: "nothing".to_owned(), text: String::new() };
    assert!(matches!(course.attempt(unknown), Err(Refused::Unknown { .. })));
}

#[test]
fn steps_that_do_not_follow_are_refused() {
    let mut course = Course::new(Class::P1, true);
    course.pass(5).take(note("one"));
    let step = |number, at| Step { number, at, by: "ann".to_owned(), from: None, what: note("two") };
    for wrong in [step(2, course.now), step(4, course.now), step(3, start())] {
        assert_eq!(course.incident.clone().take(&wrong), Err(Refused::Order(wrong.number)));
    }
    let again = Step { what: course.steps[0].what.clone(), ..step(3, course.now) };
    assert_eq!(course.incident.clone().take(&again), Err(Refused::Order(3)));
    let swapped = vec![course.steps[1].clone(), course.steps[0].clone()];
    assert!(Incident::of(7, &swapped).is_err() && Incident::of(7, &[]).is_err());
    course.incident.steps = STEPS;
    let full = step(STEPS + 1, course.now);
    assert!(matches!(course.incident.take(&full), Err(Refused::Full { .. })));
}
