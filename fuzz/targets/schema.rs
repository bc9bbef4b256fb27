//! Schemas and documents, the first line and the rest: compiled or refused, judged within bounds, stripped to what fits.
#![no_main]

use std::sync::Arc;

use gabion_openapi::json::{self, Bounds, Document};
use gabion_openapi::schema::{Direction, Draft, Handling, Options, Patterns, Program, Registry, Root};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (schema, document) = bytes.split_at(end);
    let bounds = Bounds::default();
    let Ok(schema) = json::parse(schema, &bounds) else { return };
    let mut registry = Registry::new();
    registry.add("a.json", Arc::new(schema), Root::Schema);
    for draft in [Draft::Draft4, Draft::OpenApi30, Draft::Draft202012] {
        let strict = Options {
            patterns: Patterns::List,
            steps: 20_000,
            ..Options::contract(draft, Direction::Request)
        };
        let Ok(program) = Program::compile(&registry, "a.json", &strict) else { continue };
        let _ = (program.unenforced(), program.extent());
        let Ok(document) = Document::parse(document, &bounds) else { return };
        if let Err(violations) = program.validate(&document) {
            assert!(!violations.is_empty(), "a refusal has a reason");
        }
        let strip = Options { unknown: Handling::Strip, ..strict.clone() };
        let Ok(strip) = Program::compile(&registry, "a.json", &strip) else {
            panic!("options change no schema")
        };
        if let Ok(validated) = strip.validate(&document) {
            assert!(json::parse(validated.write(&[]).as_bytes(), &bounds).is_ok());
        } else {
            assert!(program.validate(&document).is_err(), "stripping changes no verdict");
        }
    }
});
