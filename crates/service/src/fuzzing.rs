//! What the fuzz targets `resolver_answer` and `submitted_event` ask of the readers. Only in builds for fuzzing.

use gabion_policy::EntityRef;

use crate::resources::{Registration, fuzzed};

/// Reads `bytes` as an application's answer about the order 17, and as what it registers of one.
pub fn resolver_answer(bytes: &[u8]) {
    let order = EntityRef::new("Order", "17");
    if let Some(found) = fuzzed(bytes, &order) {
        assert_eq!(found.entity, order, "an answer about another object");
        assert!(found.attributes.len() <= 100 && found.parents.len() <= 100, "more than is taken");
    }
    if let Ok(registration) = serde_json::from_slice::<Registration>(bytes) {
        let written = serde_json::to_vec(&registration).expect("what was read is written");
        assert_eq!(serde_json::from_slice::<Registration>(&written).expect("and read"), registration);
    }
}

/// Reads `bytes` as an event of an application.
pub fn submitted_event(bytes: &[u8]) {
    let Some(members) = gabion_vault::json::object(bytes) else { return };
    match crate::Submission::read(members.clone()) {
        Ok(event) => assert_eq!(crate::Submission::read(members), Ok(event), "the same each time"),
        Err(problems) => assert!((1..=20).contains(&problems.len()), "refused with a reason"),
    }
}
