//! What is handed out holds nothing but text where others wrote, and STIX is what its readers expect.

use gabion_incident::evidence::{Item, Kind};
use gabion_incident::report::{Agreement, html, markdown, stix};
use gabion_incident::{Class, Review, What, text};
use proptest::prelude::*;
use serde_json::Value;

use crate::world::{Course, note};

const HOSTILE: &str = "<script>alert(1)</script> ![x](https://evil.example) [a](javascript:b) | `code` \" ' & <img src=x onerror=y>";

fn course(hostile: &str) -> Course {
    let mut course = Course::new(Class::P1, true);
    let hostile = hostile.to_owned();
    course.take(note(&hostile));
    course.take(What::EvidenceKept(Item::of(1, hostile.clone(), Kind::File, b"x", hostile.clone())));
    course.take(What::Done { task: "take-command".to_owned(), text: hostile.clone() });
    let review = Review { summary: hostile.clone(), cause: hostile.clone(), ..Review::default() };
    course.take(What::Reviewed(Box::new(review)));
    course.incident.title = hostile;
    course
}

#[test]
fn markup_of_others_is_text() {
    let material = course(HOSTILE).material();
    let page = html(&material);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for inert in ["<script", "<img", "onerror=y>", "href"] {
        assert!(!page.contains(inert), "{inert}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("<svg "));
    let text = markdown(&material);
    assert!(
        !text.contains("<script")
            && !text.contains("![x]")
            && !text.contains("](https")
            && !text.contains("javascript:")
    );
}

#[test]
fn a_step_the_ledger_does_not_have_is_the_first_thing_one_sees() {
    let mut material = course("a").material();
    material.agrees = Agreement::Not { step: 3, reason: "gone".to_owned() };
    assert!(html(&material).contains("step 3 is not as the ledger has it"));
    assert!(markdown(&material).contains("step 3 is not as the ledger has it"));
}

#[test]
fn indicators_are_the_attackers_and_no_persons() {
    let mut course = Course::new(Class::P1, true);
    let subjects =
        ["account:ann", "address:2001:db8::7"].map(|one| gabion_incident::Subject::parse(one).unwrap());
    course.take(What::Subjects { subjects: subjects.to_vec() });
    let bundle = stix::bundle(&course.material(), Some("Example"));
    let written = bundle.to_string();
    assert!(!written.contains("ann\"") && !written.contains("nonsense"));
    let objects = bundle["objects"].as_array().unwrap();
    let patterns: Vec<_> = objects.iter().filter_map(|one| one["pattern"].as_str()).collect();
    assert_eq!(patterns, ["[ipv6-addr:value = '2001:db8::7']", "[ipv4-addr:value = '192.0.2.0/24']"]);
    let ids: Vec<_> = objects.iter().map(|one| one["id"].as_str().unwrap()).collect();
    let is_known = |reference: &Value| reference.is_null() || ids.contains(&reference.as_str().unwrap());
    assert!(objects.iter().all(|one| is_known(&one["source_ref"]) && is_known(&one["target_ref"])));
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    // What was a false alarm accuses nobody.
    course.incident.resolution = Some(gabion_incident::incident::Resolution::FalseAlarm);
    assert!(!stix::bundle(&course.material(), None).to_string().contains("\"pattern\""));
}

proptest! {
    #[test]
    fn whatever_somebody_notes_no_tag_comes_of_it(written in ".{1,200}") {
        if let Ok(clean) = text::block(&written, text::NOTE) {
            let page = html(&course(&clean).material());
            let plain = html(&course("x").material());
            prop_assert_eq!(page.matches('<').count(), plain.matches('<').count());
        }
    }
}
