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
        self.fits(path, &self.segments, |literal, part| literal == part)
    }

    /// The same for a reader who ignores case, a final `/` and what [`same_loosely`] does.
    pub(crate) fn matches_loosely(&self, path: &str) -> bool {
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        let segments = match &*self.segments {
            [rest @ .., Segment::Literal(last)] if last.is_empty() && !rest.is_empty() => rest,
            segments => segments,
        };
        self.fits(path, segments, same_loosely)
    }

    fn fits(&self, path: &str, segments: &[Segment], same: fn(&str, &str) -> bool) -> bool {
        let Some(rest) = path.strip_prefix('/') else { return false };
        let mut given = rest.split('/');
        for segment in segments {
            let Some(part) = given.next() else { return false };
            let fits = match segment {
                Segment::Literal(literal) => same(literal, part),
                Segment::One => !part.is_empty(),
            };
            if !fits {
                return false;
            }
        }
        self.open || given.next().is_none()
    }

    /// It spells the only path it matches.
    pub(crate) fn is_exact(&self) -> bool {
        !self.open && !self.segments.contains(&Segment::One)
    }

    /// Neither capitals nor a final `/`.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_root()
            || self.segments.iter().all(|segment| match segment {
                Segment::Literal(literal) => {
                    !literal.is_empty() && !literal.bytes().any(|byte| byte.is_ascii_uppercase())
                }
                Segment::One => true,
            })
    }

    fn is_root(&self) -> bool {
        matches!(&*self.segments, [Segment::Literal(only)] if only.is_empty())
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

/// Is the segment the literal for a reader who ignores case, final dots and blanks, and parameters though
/// their `;` is encoded?
fn same_loosely(literal: &str, part: &str) -> bool {
    let Some((start, mut rest)) = part.split_at_checked(literal.len()) else { return false };
    while let Some(shorter) = rest.strip_prefix("%20").or_else(|| rest.strip_prefix('.')) {
        rest = shorter;
    }
    start.eq_ignore_ascii_case(literal) && (rest.is_empty() || rest.starts_with("%3B"))
}

/// What a normalised path may hold as it stands: RFC 3986 `pchar`, triplets included.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@%".contains(&byte)
}
