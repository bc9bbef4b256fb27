//! Which alerts open an incident, and which join one.

use std::time::Duration;

use gabion_incident::incident::ALERTS;
use gabion_incident::opening::{Decision, PER_HOUR, decide};
use gabion_incident::{Class, Settings, State, Subject, What};
use gabion_model::Severity;

use crate::world::{Course, alert, start};

fn subjects(written: &[&str]) -> Vec<Subject> {
    written.iter().map(|one| Subject::parse(one).unwrap()).collect()
}

#[test]
fn by_level_by_rule_and_not_at_all() {
    let mut settings = Settings::default();
    let decision = |settings: &Settings, rule: &str, level| {
        decide(settings, &[], &alert(50, rule, level, start()), &[], start())
    };
    assert_eq!(decision(&settings, "x", Severity::Critical), Decision::Open(Class::P0));
    assert_eq!(decision(&settings, "x", Severity::High), Decision::Open(Class::P1));
    assert_eq!(decision(&settings, "x", Severity::Medium), Decision::Leave);
    settings.rules.insert("x".to_owned(), Class::P2);
    settings.ignored_rules.push("y".to_owned());
    assert_eq!(decision(&settings, "x", Severity::Low), Decision::Open(Class::P2));
    assert_eq!(decision(&settings, "y", Severity::Critical), Decision::Leave);
    settings.automatic = false;
    assert_eq!(decision(&settings, "x", Severity::Critical), Decision::Leave);
}

#[test]
fn several_about_the_same_are_one() {
    let settings = Settings::default();
    let mut course = Course::new(Class::P1, true);
    let near = start().saturating_add(Duration::from_secs(60));
    let ask = |course: &Course, written: &[&str], level, now| {
        decide(
            &settings,
            std::slice::from_ref(&course.incident),
            &alert(60, "other", level, now),
            &subjects(written),
            now,
        )
    };
    let same = ask(&course, &["address:192.0.2.77"], Severity::Medium, near);
    assert_eq!(same, Decision::Join { incident: 7, raise: None });
    assert_eq!(
        ask(&course, &["address:192.0.2.77"], Severity::Critical, near),
        Decision::Join { incident: 7, raise: Some(Class::P0) }
    );
    assert_eq!(ask(&course, &["address:198.51.100.7"], Severity::High, near), Decision::Open(Class::P1));
    let later = start().saturating_add(Duration::from_secs(25 * 3600));
    assert_eq!(ask(&course, &["address:192.0.2.77"], Severity::High, later), Decision::Open(Class::P1));
    // The very alert again, as after a crash between the incident and the cursor.
    let known = alert(40, "credential-stuffing", Severity::High, start());
    assert_eq!(decide(&settings, std::slice::from_ref(&course.incident), &known, &[], near), Decision::Leave);
    course.take(What::Moved { to: State::Review, reason: String::new() });
    assert_eq!(ask(&course, &["address:192.0.2.77"], Severity::High, near), Decision::Open(Class::P1));
}

#[test]
fn a_thousand_alerts_are_no_thousand_incidents() {
    let settings = Settings::default();
    let open: Vec<_> = (0..PER_HOUR as u64)
        .map(|id| {
            let mut incident = Course::new(Class::P1, true).incident;
            (incident.id, incident.subjects) =
                (id + 1, subjects(&[&format!("address:10.0.0.{id}")]).into_iter().collect());
            incident
        })
        .collect();
    let new = alert(70, "rule", Severity::High, start());
    let decision = decide(&settings, &open, &new, &subjects(&["address:10.9.9.9"]), start());
    assert_eq!(decision, Decision::Join { incident: PER_HOUR as u64, raise: None });
    let mut course = Course::new(Class::P1, true);
    for position in 0..ALERTS as u64 - 1 {
        let alert = alert(100 + position, "rule", Severity::High, start());
        course.take(What::Joined { alert, subjects: vec![] });
    }
    let another = What::Joined { alert: alert(999, "rule", Severity::High, start()), subjects: vec![] };
    assert!(course.attempt(another).is_err());
    let decision = decide(
        &settings,
        &[course.incident],
        &alert(998, "rule", Severity::High, start()),
        &subjects(&["network:192.0.2.0/24"]),
        start(),
    );
    assert_eq!(decision, Decision::Leave);
}
