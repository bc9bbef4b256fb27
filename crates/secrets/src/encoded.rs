//! What a word looks like once the text around it was encoded: base64 in its three alignments, and hexadecimal.
//!
//! So an encoded secret is found by the same pass as one in the open, and nothing is decoded that does not hold one.

use std::ops::Range;

use base64::Engine as _;

use crate::check::{decode, is_text};
use crate::shape::is_base64_byte;

/// The longest encoded text that is decoded, in bytes.
const LONGEST: usize = 64 << 10;
/// The shortest.
const SHORTEST: usize = 20;

/// An encoding of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// The word's first whole character stands this many characters after a multiple of four.
    Base64(u8),
    Hex,
}

impl Encoding {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Base64(_) => "base64",
            Self::Hex => "hexadecimal",
        }
    }
}

/// How a word looks in every encoding: the bytes that do not depend on what stands around it.
pub(crate) fn forms(word: &[u8]) -> Vec<(Vec<u8>, Encoding)> {
    let hex = word.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let mut forms = vec![(hex, Encoding::Hex)];
    for (offset, alignment) in [(0_usize, 0_u8), (1, 2), (2, 3)] {
        let mut bytes = vec![0_u8; offset];
        bytes.extend_from_slice(word);
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&bytes);
        let first = (offset * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        if let Some(stable) = text.as_bytes().get(first..last) {
            forms.push((stable.to_vec(), Encoding::Base64(alignment)));
        }
    }
    forms
}

/// The encoded text around a form that was found.
pub(crate) fn around(text: &str, found: Range<usize>, encoding: Encoding) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let part = |byte: &u8| match encoding {
        Encoding::Base64(_) => is_base64_byte(*byte),
        Encoding::Hex => byte.is_ascii_hexdigit(),
    };
    let before = bytes.get(found.start.saturating_sub(LONGEST)..found.start)?;
    let before = before.iter().rev().take_while(|byte| part(byte)).count();
    let after = bytes.get(found.end..found.end.saturating_add(LONGEST).min(bytes.len()))?;
    let after = after.iter().take_while(|byte| part(byte)).count();
    let (mut start, end) = (found.start - before, found.end.checked_add(after)?);
    // What stands before may belong to something else, a `/` of a path say; the word tells where the groups begin.
    match encoding {
        Encoding::Base64(alignment) => {
            let away = (found.start - start) % 4;
            start += (away + 4 - usize::from(alignment) % 4) % 4;
        }
        Encoding::Hex => start += (found.start - start) % 2,
    }
    (end.saturating_sub(start) >= SHORTEST).then_some(start..end)
}

/// What it says, if that is a text.
pub(crate) fn read(run: &str, encoding: Encoding) -> Option<String> {
    let decoded = match encoding {
        Encoding::Base64(_) => {
            let whole = if run.len() % 4 == 1 { run.get(..run.len() - 1)? } else { run };
            decode(whole)?
        }
        Encoding::Hex => run.as_bytes().chunks_exact(2).map(pair).collect::<Option<Vec<u8>>>()?,
    };
    String::from_utf8(decoded).ok().filter(|text| is_text(text.as_bytes()))
}

fn pair(two: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alignment_is_found_and_read() {
        for padding in ["", "a", "ab", "abc", "abcd"] {
            let secret = format!("{padding}ghp_x7Kq9vBn2mWzR4tYc8Lp");
            let encoded = base64::engine::general_purpose::STANDARD.encode(&secret);
            let text = format!("x: {encoded}\n");
            let said = forms(b"ghp_").into_iter().find_map(|(form, encoding)| {
                let form = String::from_utf8(form).unwrap();
                let at = text.find(&form)?;
                read(text.get(around(&text, at..at + form.len(), encoding)?)?, encoding)
            });
            assert_eq!(said.unwrap(), secret);
        }
    }
}
