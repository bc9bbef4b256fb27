//! JSON and YAML: what is read is written and read again as the same.
#![no_main]

use gabion_openapi::json::{self, Bounds, Document, Pointer, yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bounds = Bounds::default();
    if let Ok(value) = json::parse(bytes, &bounds) {
        let written = value.to_string();
        assert_eq!(json::parse(written.as_bytes(), &bounds).as_ref(), Ok(&value), "one text, one value");
        let document = Document::of(&value);
        assert!(document.root().equals(&value) && document.root().same(&document.root()));
        assert_eq!(document.root().to_value(), value);
        assert!(
            serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok(),
            "stricter than others, never looser"
        );
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(pointer) = Pointer::parse(text) {
        assert_eq!(pointer.to_string(), text);
    }
    if let Ok((value, lines)) = yaml::parse(text, &bounds) {
        assert!(lines.line(&value, &Pointer::root()).is_some());
    }
});
