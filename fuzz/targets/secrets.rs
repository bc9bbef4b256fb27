#![no_main]

use std::sync::OnceLock;

use gabion_secrets::Secrets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    static SECRETS: OnceLock<Secrets> = OnceLock::new();
    let secrets = SECRETS.get_or_init(|| Secrets::new().expect("the rules of the program are right"));
    let (kind, bytes) = input.split_first().unwrap_or((&0, &[]));
    let path = ["src/app.py", "deploy/secret.yaml", "README.md", "tests/a.ipynb", ".env"][usize::from(*kind) % 5];
    let report = secrets.bytes(path, bytes);
    // The same bytes, the same report; every place lies in the text and hides what it found.
    assert_eq!(report, secrets.bytes(path, bytes));
    for finding in &report.verdict.findings {
        assert!(finding.place.span.start < finding.place.span.end);
        assert_eq!(finding.hidden, [finding.place.span]);
    }
});
