//! Documents that a target or a file gives the probe are read under bounds: schemas of GraphQL, traffic, inventories, reports,
//! baselines and lists of people.
#![no_main]

use gabion_probe::scope::Origin;
use gabion_probe::surface::{code, graphql, har};
use gabion_probe::{Baseline, Kept, logins, shared_logins};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        for operation in graphql::introspected("/graphql", &value) {
            let body = operation.body.and_then(|body| body.example).unwrap_or_default();
            assert!(body.to_string().len() < 1 << 20);
        }
        let _ = graphql::name_of(&value);
        assert!(!graphql::is_refusal(&value) || graphql::is_error(&value));
    }
    let _ = graphql::of_document("/graphql", text);
    if let Ok(origin) = Origin::parse("http://127.0.0.1:3000")
        && let Ok(told) = har::read(text, &origin)
    {
        assert!(told.calls.len() <= 5_000);
    }
    let _ = code::read(text);
    let _ = Kept::parse(text);
    if let Ok(baseline) = Baseline::parse(text) {
        assert_eq!(Baseline::parse(&baseline.to_text()).ok(), Some(baseline));
    }
    let _ = logins(text);
    let _ = shared_logins::read(text);
});
