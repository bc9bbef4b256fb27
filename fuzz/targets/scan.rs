//! Any tree of one file and one line of comments is scanned without harm, and any bytes are a baseline, an earlier report, a set of
//! lines that changed, or an error.
#![no_main]

use gabion_finding::Source;
use gabion_scan::{Baseline, allow, changes, format, visible};
use libfuzzer_sys::fuzz_target;

// A path, then after a zero byte a text, then a former one.
fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (path, now, former) = (text(), text(), text());
    let source = Source::new(&path, &now);
    let (allows, findings) = allow::read(&source);
    for one in &allows {
        assert!(one.target >= one.line && !one.reason.is_empty());
    }
    assert!(findings.iter().all(|finding| finding.place.start.line >= 1));
    if let changes::Changed::Lines(lines) = changes::compare(&former, &now) {
        assert!(lines.iter().all(|(from, to)| from <= to));
    }
    let shown = visible(&now);
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\n', '\r']));
    if let Ok(baseline) = Baseline::parse(&now) {
        let again = baseline.to_text().expect("it is written");
        assert_eq!(Baseline::parse(&again).expect("it is read"), baseline);
    }
    let _ = format::read_previous(&now);
});
