//! JSON Pointer (RFC 6901).

use std::fmt;

/// A path into a document. Empty: the whole of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(Vec<String>);

impl Pointer {
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// `None` for a text that is no pointer: it must be empty or begin with `/`, and `~` stands only in `~0` and `~1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::root());
        }
        let rest = text.strip_prefix('/')?;
        rest.split('/').map(unescaped).collect::<Option<_>>().map(Self)
    }

    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This pointer and one more step.
    #[must_use]
    pub fn child(&self, segment: impl Into<String>) -> Self {
        let mut pointer = self.clone();
        pointer.push(segment);
        pointer
    }

    pub fn push(&mut self, segment: impl Into<String>) {
        self.0.push(segment.into());
    }

    /// Takes the last step away.
    pub fn pop(&mut self) -> Option<String> {
        self.0.pop()
    }

    /// The steps, unescaped.
    #[must_use]
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<S: Into<String>> FromIterator<S> for Pointer {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| {
            out.write_str("/")?;
            write_segment(segment, out)
        })
    }
}

/// One step, escaped (RFC 6901 §3).
pub(crate) fn write_segment(segment: &str, out: &mut impl fmt::Write) -> fmt::Result {
    segment.chars().try_for_each(|character| match character {
        '~' => out.write_str("~0"),
        '/' => out.write_str("~1"),
        other => out.write_char(other),
    })
}

fn unescaped(segment: &str) -> Option<String> {
    let mut parts = segment.split('~');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match part.strip_prefix('0') {
            Some(rest) => ('~', rest),
            None => ('/', part.strip_prefix('1')?),
        };
        text.push(character);
        text.push_str(rest);
    }
    Some(text)
}

/// A step that names an item: decimal, no leading zeros (RFC 6901 §4).
pub(crate) fn array_index(segment: &str) -> Option<usize> {
    let plain = segment.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (segment == "0" || !segment.starts_with('0'))).then(|| segment.parse().ok()).flatten()
}
