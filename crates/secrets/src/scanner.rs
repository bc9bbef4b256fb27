//! The scanner to whoever runs it.

use std::borrow::Cow;

use gabion_finding::{FileReport, Fingerprint, Rule, Scanner, Source, Unread};

use crate::candidate::{Match, Occurrences};
use crate::context;
use crate::secrets::Secrets;

/// Changes with the code.
const CODE: &str = "1";

impl Scanner for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn rules(&self) -> Vec<&Rule> {
        self.rules.iter().map(|compiled| &compiled.rule).collect()
    }

    fn reads(&self, path: &str) -> bool {
        !context::is_binary(path)
    }

    fn file(&self, source: &Source) -> FileReport {
        let (matches, unread) = self.matches(source.path(), source.text());
        report(source, matches, unread)
    }
}

/// What was found, as findings.
pub(crate) fn report(source: &Source, matches: Vec<Match<'_>>, unread: Option<Unread>) -> FileReport {
    let mut occurrences = Occurrences::default();
    let mut report = FileReport::default();
    for found in matches {
        let mut finding = source.finding(found.rule, found.span, found.message);
        finding.severity = found.severity;
        finding.confidence = found.confidence;
        finding.properties = found.properties;
        finding.hidden = vec![found.span];
        finding.fingerprint = finding.fingerprint.again(occurrences.of(finding.fingerprint));
        report.verdict.findings.push(finding);
    }
    report.verdict.unread.extend(unread);
    report
}

/// What the rules and the code are, in a word.
pub(crate) fn version<'a>(files: impl Iterator<Item = &'a str>) -> String {
    let all: String = files.collect();
    format!("{CODE}-{}-{}", env!("CARGO_PKG_VERSION"), Fingerprint::new("secrets", CODE, &all))
}

/// The text that bytes hold; none where they are no text.
pub(crate) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units = bytes
            .chunks_exact(2)
            .map(|two| read([two.first().copied().unwrap_or(0), two.last().copied().unwrap_or(0)]));
        char::decode_utf16(units).map(|sign| sign.unwrap_or('?')).collect::<String>()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => return Some(Cow::Owned(wide(rest, u16::from_le_bytes))),
        [0xfe, 0xff, rest @ ..] => return Some(Cow::Owned(wide(rest, u16::from_be_bytes))),
        _ => {}
    }
    if bytes.iter().take(8192).any(|byte| *byte == 0) {
        return None;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(Cow::Borrowed(text));
    }
    // One byte for one, so that places stay.
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_every_encoding() {
        assert_eq!(decode(b"a\xffb").as_deref(), Some("a?b"));
        assert_eq!(decode(b"\xff\xfea\0b\0").as_deref(), Some("ab"));
        assert_eq!(decode(b"\xfe\xff\0a\0b").as_deref(), Some("ab"));
        assert_eq!(decode(b"a\0b"), None);
        assert_eq!(decode("ä".as_bytes()).as_deref(), Some("ä"));
    }
}
