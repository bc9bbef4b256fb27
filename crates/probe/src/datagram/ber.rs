//! As much of the basic encoding rules of ASN.1 (X.690) as questions and answers here have: short tags, definite lengths.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const TEXT: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const NAME: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// A value with its tag and length.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let mut all = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => all.push(short),
        _ => {
            all.push(0x82);
            all.extend_from_slice(&length.to_be_bytes());
        }
    }
    all.extend_from_slice(content);
    all
}

/// A number that is not negative.
pub(super) fn number(value: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if bytes.first().is_none_or(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    tagged(INTEGER, &bytes)
}

/// One after the other, in a sequence or what is like one.
pub(super) fn of(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(tag, &parts.concat())
}

/// Values that are read one after the other.
pub(super) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Values<'a> {
    /// The next one: tag and content.
    pub(super) fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
                (digits.iter().fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    pub(super) fn tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(own, _)| *own == tag).map(|(_, content)| content)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let bytes = self.tagged(INTEGER)?;
        if bytes.is_empty() || bytes.len() > 5 {
            return None;
        }
        let value = bytes.iter().fold(0_u64, |sum, digit| (sum << 8) | u64::from(*digit));
        u32::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for value in [0, 1, 127, 128, 255, 256, 0x7fff_ffff, u32::MAX] {
            assert_eq!(Values(&number(value)).number(), Some(value));
        }
        for length in [0, 1, 127, 128, 300] {
            let content = vec![9; length];
            assert_eq!(Values(&tagged(TEXT, &content)).any(), Some((TEXT, &*content)));
        }
        assert_eq!(Values(b"\x04\x84\xff\xff\xff\xff").any(), None);
        assert_eq!(Values(b"\x04\x82\xff").any(), None);
    }
}
