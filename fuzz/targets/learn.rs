//! Learning from live traffic: whatever bodies pass, a draft keeps its bounds and loads as a contract.
#![no_main]

use std::collections::BTreeMap;

use gabion_openapi::learn::{Draft, Observation};
use gabion_openapi::{Contract, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (path, body) = bytes.split_at(bytes.len().min(20));
    let path = format!("/{}", String::from_utf8_lossy(path));
    let mut draft = Draft::default();
    for media_type in ["application/json", "application/x-www-form-urlencoded"] {
        draft.observe(&Observation {
            method: "POST",
            path: &path,
            query: "",
            request_type: Some(media_type),
            request_body: Some(body),
            status: 200,
            answer_type: Some(media_type),
            answer_body: Some(body),
        });
    }
    if draft.operations() > 0 {
        let files = BTreeMap::from([("draft.json".to_owned(), draft.document("x").to_string())]);
        assert!(Contract::load(&files, "draft.json", &Options::default()).is_ok());
    }
});
