//! What the fuzz target `resolver_answer` asks of the reader. Only in builds for fuzzing.

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
