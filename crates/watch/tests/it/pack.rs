//! The rules that come with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use gabion_model::Outcome::{Failure, Success};
use gabion_watch::{Kind, Rules, Watcher, pack};

use crate::traffic::{refusal, show, sign_in};

fn all() -> Rules {
    Rules::load(&pack::sources(), &BTreeMap::new()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())
    })
}

fn rang(events: impl IntoIterator<Item = gabion_model::Event>) -> BTreeSet<String> {
    let alerts = show(&mut Watcher::new(Arc::new(all()), 1), events);
    alerts.into_iter().map(|alert| alert.name.unwrap()).collect()
}

#[test]
fn every_file_is_in_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/detections");
    let mut there: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("pack/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    there.sort();
    let packed: Vec<_> = pack::sources().into_iter().map(|source| source.file).collect();
    assert_eq!(there, packed);
}

#[test]
fn every_rule_says_what_a_reader_needs() {
    let rules = all();
    for (number, rule) in rules.iter().enumerate() {
        let name = rule.name.as_deref().unwrap();
        assert!(!rule.description.is_empty() && !rule.false_positives.is_empty(), "{name}");
        assert!(rule.techniques().next().is_some() || rules.is_silent(number), "{name} names no technique");
        assert!(rule.author.is_some(), "{name}");
        if rules.is_silent(number) {
            continue;
        }
        assert!(!rule.title.starts_with("A wrong"), "{name}");
    }
    assert!(rules.iter().filter(|rule| rule.kind() == Kind::Correlation).count() >= 15);
}

#[test]
fn sign_in_rules_ring_for_attacks_and_not_for_forgetful_people() {
    let stuffing = (0..5).map(|n| sign_in(n, "198.51.100.7", None, Failure));
    assert_eq!(rang(stuffing), ["credential-stuffing".to_owned()].into());
    let names = ["ann", "bob", "cid", "dan"];
    let spraying = (0..4).map(|n| sign_in(n, "198.51.100.7", Some(names[n as usize]), Failure));
    assert_eq!(rang(spraying), ["password-spraying".to_owned()].into());
    let forgetful = [Failure, Failure, Failure, Success].into_iter().zip(0..);
    assert!(rang(forgetful.map(|(outcome, n)| sign_in(n, "198.51.100.7", Some("ann"), outcome))).is_empty());
    let guessed = [Failure, Failure, Failure, Failure, Failure, Success].into_iter().zip(0..);
    let guessed = rang(guessed.map(|(outcome, n)| sign_in(n, "198.51.100.7", Some("ann"), outcome)));
    assert_eq!(guessed, ["brute-force-account", "guessed-password"].map(str::to_owned).into());
    let networks = ["198.51.100.7", "203.0.113.5", "192.0.2.1"];
    let many = networks.into_iter().zip(0..).map(|(from, n)| sign_in(n, from, Some("ann"), Failure));
    assert_eq!(rang(many), ["brute-force-distributed".to_owned()].into());
}

#[test]
fn a_canary_is_told_of_at_once() {
    assert_eq!(
        rang([sign_in(0, "198.51.100.7", Some("canary-bills"), Failure)]),
        ["canary-account".to_owned()].into()
    );
    assert_eq!(
        rang([refusal(0, "198.51.100.7", "/files/canary-keys.txt")]),
        ["canary-address".to_owned()].into()
    );
}

#[test]
fn disabled_rules_take_those_with_them_that_count_them_or_are_refused() {
    let load = |names: &[&str]| {
        let disabled = names.iter().map(|name| ((*name).to_owned(), "test".to_owned())).collect();
        Rules::load(&pack::sources(), &disabled)
    };
    let all = load(&[]).unwrap().len();
    assert_eq!(load(&["canary-account"]).unwrap().len(), all - 1);
    let problems = load(&["weak-spot"]).unwrap_err();
    assert!(problems[0].hint.as_deref().is_some_and(|hint| hint.contains("disable")), "{problems:?}");
    assert_eq!(load(&["weak-spot", "scanner-paths"]).unwrap().len(), all - 2);
    assert_eq!(load(&["no-such"]).unwrap_err()[0].path, "watch.disabled");
}
