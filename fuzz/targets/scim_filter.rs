//! Filters, paths and patches of SCIM.
#![no_main]

use gabion_identity::scim::{self, Filter, PatchPath, USER, evaluate, json, patch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(filter) = text.parse::<Filter>() {
            assert_eq!(
                filter.to_string().parse::<Filter>().ok().as_ref(),
                Some(&filter),
                "one text for one filter"
            );
            if evaluate::check(&filter, &USER).is_ok() {
                let _ = evaluate::fits(&filter, &USER, &person());
            }
        }
        if let Ok(path) = text.parse::<PatchPath>() {
            assert_eq!(path.to_string().parse::<PatchPath>().ok(), Some(path), "one text for one path");
        }
    }
    let Ok(body) = json::parse(bytes) else { return };
    let _ = scim::value::resource(&USER, body.clone());
    let _ = scim::Query::from_body(body.clone());
    let Ok(operations) = patch::operations(body) else { return };
    let _ = scim::group::patched(&operations);
    let mut document = person();
    if patch::apply(&USER, &mut document, &operations).is_ok() {
        assert!(document.contains_key("userName"), "a person has a name");
    }
});

fn person() -> scim::Map {
    let text = br#"{"userName": "ada", "name": {"givenName": "Ada"}, "emails": [{"value": "a@b.example", "primary": true}]}"#;
    json::parse(text).ok().and_then(|value| value.as_object().cloned()).unwrap_or_default()
}
