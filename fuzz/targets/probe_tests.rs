//! Files that the probe reads are read: tests of one's own, templates, people, and expressions.
#![no_main]

use gabion_probe::Own;
use gabion_probe::own::expression::Expression;
use gabion_probe::own::template;
use gabion_probe::shared_logins;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut own = Own::default();
    if own.add("a.yaml", text).is_ok() {
        assert!(own.tests.len() + own.templates.len() + own.refused.len() == 1);
    }
    let _ = template::read("b.yaml", text);
    let _ = shared_logins::read(text);
    if let Ok(expression) = Expression::parse(text) {
        let mut names = Vec::new();
        expression.names(&mut names);
        expression.calls(&mut names);
        assert!(names.iter().all(|name| text.contains(name)));
    }
});
