//! Python of every kind: any text is read to its end, and what became of it prints.
#![no_main]

use gabion_syntax::{Language, dump, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let text = text.to_owned();
    // The stack that reading asks for.
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    let read = thread.spawn(move || {
        let parsed = parse(Language::Python, &text);
        assert_eq!(parsed, parse(Language::Python, &text), "the same text, the same module");
        dump(&parsed.module)
    });
    assert!(read.expect("a thread").join().is_ok(), "reading ended");
});
