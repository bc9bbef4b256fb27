//! Where validation is, without allocating: each step knows the one before.

use std::fmt::{self, Write};

use crate::json::write_segment;

#[derive(Clone, Copy)]
pub(super) enum Segment<'a> {
    Root,
    /// A name that the schema knows.
    Name(&'a str),
    /// A name that only the document knows, and that is not repeated.
    Any,
    Index(usize),
}

#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Segment<'a>,
}

impl<'a> Path<'a> {
    pub(super) const ROOT: Path<'static> = Path { parent: None, segment: Segment::Root };

    #[inline]
    pub(super) const fn child(&'a self, segment: Segment<'a>) -> Self {
        Self { parent: Some(self), segment }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, out)?;
        }
        match self.segment {
            Segment::Root => Ok(()),
            Segment::Name(name) => {
                out.write_char('/')?;
                write_segment(name, out)
            }
            Segment::Any => out.write_str("/*"),
            Segment::Index(index) => write!(out, "/{index}"),
        }
    }
}
