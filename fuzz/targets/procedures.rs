//! Any text is a file of procedures or a list of problems with their places.
#![no_main]

use gabion_incident::Procedures;
use gabion_incident::procedure::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let source = Source { file: "fuzz.toml".to_owned(), text };
    match Procedures::load(&[source]) {
        Ok(procedures) => {
            for own in procedures.iter() {
                assert!(procedures.knows(&own.id));
                let _ = procedures.of(&own.id);
            }
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
});
