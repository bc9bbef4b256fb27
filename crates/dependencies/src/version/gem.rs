//! Versions of RubyGems, as `Gem::Version` orders them: segments of digits and of letters, where letters stand before digits.

use std::cmp::Ordering;

use super::Digits;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// Without the zeros that end the numbers before the first word, and those that end the whole.
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Number(Digits),
    Word(String),
}

impl Segment {
    const fn is_zero(&self) -> bool {
        matches!(self, Self::Number(digits) if digits.is_zero())
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.cmp(other),
            (Self::Word(one), Self::Word(other)) => one.cmp(other),
            (Self::Word(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Word(_)) => Ordering::Greater,
        }
    }
}

impl Version {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let right = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        if !begins || !text.bytes().all(right) || text.split(['.', '-']).any(str::is_empty) {
            return None;
        }
        let text = text.replace('-', ".pre.");
        let mut segments = Vec::new();
        for part in text.split('.') {
            let mut rest = part;
            while let Some(first) = rest.bytes().next() {
                let digits = first.is_ascii_digit();
                let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() == digits).count();
                let (segment, after) = rest.split_at_checked(length)?;
                segments.push(if digits {
                    Segment::Number(Digits::new(segment))
                } else {
                    Segment::Word(segment.to_owned())
                });
                rest = after;
            }
        }
        let words = segments.iter().position(|segment| matches!(segment, Segment::Word(_)));
        let mut tail = segments.split_off(words.unwrap_or(segments.len()));
        for part in [&mut segments, &mut tail] {
            while part.last().is_some_and(Segment::is_zero) {
                part.pop();
            }
        }
        segments.append(&mut tail);
        Some(Self { segments })
    }

    pub(crate) fn is_pre_release(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Word(_)))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let zero = Segment::Number(Digits::new("0"));
        let longest = self.segments.len().max(other.segments.len());
        (0..longest)
            .map(|at| {
                let (one, other) = (self.segments.get(at), other.segments.get(at));
                Segment::cmp(one.unwrap_or(&zero), other.unwrap_or(&zero))
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
