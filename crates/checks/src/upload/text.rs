//! Text: UTF-8 and nothing that is not text; JSON and SVG besides by their own grammars.

use std::io::Read as _;

use super::broken::Broken;
use super::content::{Content, WINDOW};

/// UTF-8 without control characters but line ends, tabs and form feeds.
pub(super) fn plain(content: &mut Content) -> Result<(), Broken> {
    let (mut at, length, mut checker) = (0_u64, content.length(), Utf8::default());
    while at < length {
        let bytes = content.up_to(at, WINDOW)?;
        checker.feed(bytes).map_err(|()| Broken::Malformed)?;
        at = at.saturating_add(bytes.len() as u64);
    }
    checker.finish().map_err(|()| Broken::Malformed)
}

/// One JSON text (RFC 8259), not deeper than 128.
pub(super) fn json(content: &mut Content) -> Result<(), Broken> {
    plain(content)?;
    let length = content.length();
    let reader = std::io::BufReader::new(content.reader(0, length).take(length));
    serde_json::from_reader::<_, serde::de::IgnoredAny>(reader).map(drop).map_err(|_| Broken::Malformed)
}

/// Verifies text piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    /// The beginning of a character whose end has not come.
    carry: Vec<u8>,
}

impl Utf8 {
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let joined;
        let bytes = if self.carry.is_empty() {
            bytes
        } else {
            joined = [self.carry.as_slice(), bytes].concat();
            self.carry.clear();
            joined.as_slice()
        };
        let (text, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, [].as_slice()),
            Err(error) if error.error_len().is_none() => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).map_err(drop)?, rest)
            }
            Err(_) => return Err(()),
        };
        self.carry.extend_from_slice(rest);
        let is_control = |byte: u8| (byte < b' ' && !b"\t\n\r\x0c".contains(&byte)) || byte == 0x7f;
        if text.bytes().any(is_control) { Err(()) } else { Ok(()) }
    }

    pub(crate) fn finish(&self) -> Result<(), ()> {
        if self.carry.is_empty() { Ok(()) } else { Err(()) }
    }
}
