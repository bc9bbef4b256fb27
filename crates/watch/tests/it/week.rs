//! A benign week of a thousand people, and attacks inside it: the measure of the rules.
//!
//! Two weeks are learnt from, the third is measured. Everything comes from one seed and the events' own times; the events
//! have the shapes that a real gate records (`shapes.txt`, which `e2e/watch_shapes.rs` writes and checks).

mod attacks;
mod dice;
mod events;
mod shape;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gabion_model::Severity;
use gabion_watch::{Alert, Places, Rules, Watcher, pack};

use attacks::Attack;
use events::Stream;
use shape::shape;
use world::World;

const SEED: u64 = 20_261_122;

/// Offices, and what the attackers have.
const PLACES: &str = "198.51.100.0/24,52.5,13.4,Berlin\n203.0.113.0/24,48.9,2.4,Paris\n192.0.2.0/24,51.5,-0.1,London\n\
                      10.66.0.0/16,-33.9,151.2,Sydney\n";

struct Outcome {
    /// Those of the measured week.
    alerts: Vec<Alert>,
    /// Those of the two weeks before.
    learning: Vec<Alert>,
    /// By place in the stream.
    whose: BTreeMap<u64, &'static str>,
    events: u64,
    held: usize,
}

fn run(attacks: &[Attack]) -> Outcome {
    let mut world = World::new(SEED);
    let mut stream = Stream::default();
    world.live(&mut stream);
    for attack in attacks {
        stream.attack = Some(attack.name);
        (attack.script)(&mut stream, &world);
    }
    let rules = Rules::load(&pack::sources(), &BTreeMap::new()).unwrap();
    let mut watcher = Watcher::new(Arc::new(rules), 7);
    watcher.set_places(Some(Arc::new(Places::read(PLACES).unwrap())));
    let (mut alerts, mut learning, mut whose) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut held = 0;
    let all = stream.in_order();
    let events = all.len() as u64;
    for (position, (attack, event)) in (1..).zip(all) {
        if let Some(name) = attack {
            whose.insert(position, name);
        }
        let rang = watcher.see(position, &event);
        if event.time < world::MEASURED {
            learning.extend(rang)
        } else {
            alerts.extend(rang)
        }
        if position % 10_000 == 0 {
            held = held.max(watcher.held());
        }
    }
    Outcome { alerts, learning, whose, events, held }
}

fn told(alerts: &[Alert]) -> String {
    let line = |alert: &Alert| {
        let name = alert.name.clone().unwrap_or_default();
        format!("{} {:?} {name} {:?} {:?}\n", alert.time, alert.level, alert.group, alert.explanation)
    };
    alerts.iter().map(line).collect()
}

#[test]
fn a_benign_week_of_a_thousand_people_rings_at_most_five_times_and_never_loud() {
    let outcome = run(&[]);
    assert!(outcome.events > 100_000, "{}", outcome.events);
    assert!(outcome.alerts.len() <= 5, "{} alerts:\n{}", outcome.alerts.len(), told(&outcome.alerts));
    let loud: Vec<_> = outcome.alerts.iter().filter(|alert| alert.level > Severity::Low).cloned().collect();
    assert!(loud.is_empty(), "{}", told(&loud));
    // While it learns it is not loud either, and says little more.
    let loud: Vec<_> =
        outcome.learning.iter().filter(|alert| alert.level > Severity::Medium).cloned().collect();
    assert!(loud.is_empty() && outcome.learning.len() <= 10, "{}", told(&outcome.learning));
    assert!(outcome.held < 64 << 20, "{} bytes", outcome.held);
}

#[test]
fn nine_of_ten_attacks_inside_the_week_ring_and_each_alert_explains_itself() {
    let attacks = attacks::all();
    assert!(attacks.len() >= 20);
    let outcome = run(&attacks);
    let mut rang: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut others = Vec::new();
    for alert in &outcome.alerts {
        assert!(
            !alert.explanation.is_empty() && !alert.techniques.is_empty() && !alert.events.is_empty(),
            "{alert:?}"
        );
        match alert.events.iter().rev().find_map(|position| outcome.whose.get(position)) {
            Some(attack) => {
                rang.entry(attack).or_default().insert(alert.name.clone().unwrap_or_default());
            }
            None => others.push(alert.clone()),
        }
    }
    let missed: Vec<_> =
        attacks.iter().filter(|attack| !rang.contains_key(attack.name)).map(|one| one.name).collect();
    assert!(missed.len() * 10 <= attacks.len(), "missed {missed:?}; rang {rang:#?}");
    for attack in attacks.iter().filter(|attack| !missed.contains(&attack.name)) {
        let names = &rang[attack.name];
        assert!(
            attack.rules.iter().all(|rule| names.contains(*rule)),
            "{} should ring {:?} and rang {names:?}",
            attack.name,
            attack.rules
        );
    }
    assert!(others.len() <= 5, "attacks make nothing else ring:\n{}", told(&others));
}

/// `e2e/watch_shapes.rs` finds each line of the file in what a real gate recorded. Renew it with GABION_BLESS=1.
#[test]
#[expect(clippy::disallowed_methods, reason = "whether to renew the file is the environment's to say")]
fn its_events_have_the_shapes_that_a_gate_records() {
    let mut world = World::new(SEED);
    let mut stream = Stream::default();
    world.live(&mut stream);
    for attack in attacks::all() {
        (attack.script)(&mut stream, &world);
    }
    let shapes: BTreeSet<String> = stream.in_order().iter().map(|(_, event)| shape(event)).collect();
    let shapes: String = shapes.iter().map(|shape| format!("{shape}\n")).collect();
    if std::env::var_os("GABION_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/week/shapes.txt"), &shapes).unwrap();
    } else {
        assert_eq!(shapes, include_str!("week/shapes.txt"));
    }
}
