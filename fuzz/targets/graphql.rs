//! GraphQL requests: no text makes the reader panic, and what passes asks for no more than it may.
#![no_main]

use gabion_checks::graphql::{Sent, Settings, verify, without_suggestions};
use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let settings = Settings { plain: true, batch: 4, ..Settings::default() };
    let judge = |kind: &'static str, body: &[u8]| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(kind));
        verify(&settings, &Sent { method: &Method::POST, query: "", headers: &headers, body })
    };
    let plain = judge("application/graphql", text.as_bytes());
    let wrapped = serde_json::json!({ "query": text }).to_string();
    assert_eq!(plain, judge("application/json", wrapped.as_bytes()), "the same document in two envelopes");
    let _ = judge("application/json", text.as_bytes());
    let headers = HeaderMap::new();
    let _ = verify(&settings, &Sent { method: &Method::GET, query: text, headers: &headers, body: b"" });
    let _ = without_suggestions(text.as_bytes());
});
