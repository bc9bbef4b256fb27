//! Go, Java and Rust of every kind, the language by the first byte: any text is read to its end, and what became of it prints.
#![no_main]

use gabion_syntax::{Language, dump, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, String)| {
    let (first, text) = input;
    let language = match first % 3 {
        0 => Language::Go,
        1 => Language::Java,
        _ => Language::Rust,
    };
    // The stack that reading asks for.
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    let read = thread.spawn(move || {
        let parsed = parse(language, &text);
        assert_eq!(parsed.problems, parse(language, &text).problems, "the same text, the same problems");
        dump(&parsed.module)
    });
    assert!(read.expect("a thread").join().is_ok(), "reading ended");
});
