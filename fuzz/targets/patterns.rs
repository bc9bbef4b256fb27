//! A rule in the format of semgrep, and a source it is looked for in: reading and looking end, and say the same twice.
#![no_main]

use gabion_finding::Source;
use gabion_patterns::PatternRules;
use gabion_syntax::{Language, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, String, String)| {
    let (first, pattern, text) = input;
    let (language, name, file) = match first % 5 {
        0 => (Language::JavaScript, "javascript", "a.js"),
        1 => (Language::Python, "python", "a.py"),
        2 => (Language::Java, "java", "A.java"),
        3 => (Language::Go, "go", "a.go"),
        _ => (Language::Rust, "rust", "a.rs"),
    };
    // The stack that reading asks for.
    let thread = std::thread::Builder::new().stack_size(4 * gabion_syntax::STACK);
    let looked = thread.spawn(move || {
        // A whole file of rules where it is one, else one rule with this pattern.
        let mut rules = PatternRules::default();
        if rules.read("a.yaml", &pattern).is_err() {
            let block: String = pattern.lines().map(|line| format!("      {line}\n")).collect();
            let file = format!(
                "rules:\n  - id: a\n    languages: [{name}]\n    severity: ERROR\n    message: $X\n    pattern: |\n{block}"
            );
            if rules.read("a.yaml", &file).is_err() {
                return;
            }
        }
        let source = Source::new(file, &text);
        let parsed = parse(language, &text);
        let look = || rules.look(&source, Some((language, &parsed.module)));
        assert_eq!(look().findings, look().findings, "the same input, the same output");
    });
    assert!(looked.expect("a thread").join().is_ok(), "looking ended");
});
