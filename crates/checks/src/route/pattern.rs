//! Path patterns: literal segments, `{name}` for one segment, `*` at the end for all below.

use std::cmp::Ordering;

/// A compiled pattern. Two are equal when they match the same paths: names in braces do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Box<[Segment]>,
    /// Everything below the segments matches too.
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(Box<str>),
    /// Any one segment that is not empty.
    One,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("`{text}` does not begin with `/`"));
        };
        let mut segments = Vec::new();
        let mut open = false;
        let mut parts = rest.split('/').peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            if part == "*" {
                if !last {
                    return Err(format!("`*` in `{text}` is not at the end"));
                }
                open = true;
            } else if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    return Err(format!("`{part}` in `{text}` is not a name in braces"));
                }
                segments.push(Segment::One);
            } else {
                if part.is_empty() && !last {
                    return Err(format!("`{text}` has an empty segment"));
                }
                if matches!(part, "." | "..") || !part.bytes().all(is_literal) {
                    return Err(format!("`{part}` in `{text}` cannot stand in a path"));
                }
                segments.push(Segment::Literal(part.into()));
            }
        }
        Ok(Self { segments: segments.into(), open })
    }

    /// Does the normalised path match?
    pub(crate) fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else { return false };
        let mut given = rest.split('/');
        for segment in &self.segments {
            let Some(part) = given.next() else { return false };
            let fits = match segment {
                Segment::Literal(literal) => **literal == *part,
                Segment::One => !part.is_empty(),
            };
            if !fits {
                return false;
            }
        }
        self.open || given.next().is_none()
    }

    /// More specific patterns come first.
    pub(crate) fn specificity(&self, other: &Self) -> Ordering {
        for pair in self.segments.iter().zip(&other.segments) {
            let order = match pair {
                (Segment::Literal(_), Segment::One) => Ordering::Less,
                (Segment::One, Segment::Literal(_)) => Ordering::Greater,
                (Segment::Literal(_), Segment::Literal(_)) | (Segment::One, Segment::One) => Ordering::Equal,
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        other.segments.len().cmp(&self.segments.len()).then(self.open.cmp(&other.open))
    }
}

/// What a normalised path may hold as it stands: RFC 3986 `pchar`, triplets included.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@%".contains(&byte)
}
