//! Which lines changed since a revision.

use std::collections::BTreeMap;
use std::path::Path;

use gabion_finding::Finding;
use gix::ObjectId;
use similar::{Algorithm, DiffOp};

use crate::git::{GitError, Repository};
use crate::text::{self, Decoded};

/// The difference to where a revision and the present parted.
#[derive(Debug)]
pub struct Changes {
    repository: Repository,
    base: ObjectId,
}

/// The lines of one file, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// The file is new, or too different to tell.
    Everything,
    /// First and last of each part that is new; in order.
    Lines(Vec<(u32, u32)>),
}

impl Changes {
    /// `revision` is a branch, a tag, a commit, or any other word git has for one.
    ///
    /// # Errors
    /// When there is no repository or no such revision.
    pub fn since(root: &Path, revision: &str) -> Result<Self, GitError> {
        let repository = Repository::of(root)?;
        let base = repository.base(revision)?;
        Ok(Self { repository, base })
    }

    /// The commit everything is compared with.
    #[must_use]
    pub fn base(&self) -> String {
        self.base.to_string()
    }

    /// What is new in a file whose text is this now.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn of(&self, path: &str, now: &str) -> Result<Changed, GitError> {
        Ok(self.text(path)?.map_or(Changed::Everything, |former| compare(&former, now)))
    }

    /// The text of a file as it was; none where there was none.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn text(&self, path: &str) -> Result<Option<String>, GitError> {
        let former = self.repository.file(self.base, path, crate::LOCK_FILE)?;
        Ok(match former.map(text::decode) {
            Some(Decoded::Text(former) | Decoded::Damaged(former)) => Some(former),
            _ => None,
        })
    }

    /// Every file there was.
    pub(crate) fn files(&self) -> Result<BTreeMap<String, ObjectId>, GitError> {
        self.repository.files(self.base)
    }

    /// Whether a file is what it was, byte for byte.
    pub(crate) fn is_same(&self, path: &str, former: &BTreeMap<String, ObjectId>, bytes: &[u8]) -> bool {
        former.get(path).is_some_and(|id| self.repository.object_of(bytes).as_ref() == Some(id))
    }
}

/// The lines that only one of two texts has, with their numbers, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'a> {
    pub added: Vec<(u32, &'a str)>,
    pub removed: Vec<(u32, &'a str)>,
}

/// What is new, and what is gone.
#[must_use]
pub fn difference<'a>(former: &'a str, now: &'a str) -> Difference<'a> {
    Difference { added: lines(now, &compare(former, now)), removed: lines(former, &compare(now, former)) }
}

fn lines<'a>(text: &'a str, changed: &Changed) -> Vec<(u32, &'a str)> {
    let mut parts = match changed {
        Changed::Everything => [(1, u32::MAX)].iter(),
        Changed::Lines(parts) => parts.iter(),
    };
    let mut part = parts.next();
    let mut found = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        while part.is_some_and(|(_, to)| *to < number) {
            part = parts.next();
        }
        if part.is_some_and(|(from, _)| *from <= number) {
            found.push((number, line));
        }
    }
    found
}

impl Changed {
    /// Whether the finding, or a step on the way to it, stands on a line that changed. A line between two parts that were taken
    /// out did not.
    #[must_use]
    pub fn touches(&self, finding: &Finding) -> bool {
        let Self::Lines(parts) = self else { return true };
        let here = |first: u32, last: u32| parts.iter().any(|(from, to)| *from <= last && first <= *to);
        let place = &finding.place;
        let steps = finding.trace.iter().map(|step| &step.place).filter(|step| step.path == place.path);
        std::iter::once(place).chain(steps).any(|place| here(place.start.line, place.end.line))
    }
}

/// Line by line; how lines end makes no difference.
#[must_use]
pub fn compare(former: &str, now: &str) -> Changed {
    let (former, now): (Vec<&str>, Vec<&str>) = (former.lines().collect(), now.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let head = former.iter().zip(&now).take_while(same).count();
    let (former, rest) = (former.get(head..).unwrap_or_default(), now.get(head..).unwrap_or_default());
    let tail = former.iter().rev().zip(rest.iter().rev()).take_while(same).count();
    let former = former.get(..former.len().saturating_sub(tail)).unwrap_or_default();
    let rest = rest.get(..rest.len().saturating_sub(tail)).unwrap_or_default();
    let line = |at: usize| u32::try_from(head.saturating_add(at)).unwrap_or(u32::MAX);
    if rest.is_empty() {
        return Changed::Lines(Vec::new());
    }
    if former.is_empty() || former.len().saturating_mul(rest.len()) > MOST_WORK {
        return Changed::Lines(vec![(line(1), line(rest.len()))]);
    }
    let parts = similar::capture_diff_slices(Algorithm::Myers, former, rest)
        .into_iter()
        .filter(|part| !matches!(part, DiffOp::Equal { .. } | DiffOp::Delete { .. }))
        .map(|part| part.new_range())
        .map(|range| (line(range.start.saturating_add(1)), line(range.end)));
    Changed::Lines(parts.collect())
}

/// Two texts of 10,000 lines without a line in common. More is called changed as a whole.
const MOST_WORK: usize = 100_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn new_lines_are_told_from_old_ones() {
        assert_eq!(compare("a\nb\nc\n", "a\nx\nb\nc\ny\n"), Changed::Lines(vec![(2, 2), (5, 5)]));
        assert_eq!(compare("a\r\nb\r\n", "a\nb\n"), Changed::Lines(vec![]));
        assert_eq!(compare("a\nb\nc\n", "a\nc\n"), Changed::Lines(vec![]));
        assert_eq!(compare("", "a\nb\n"), Changed::Lines(vec![(1, 2)]));
        let both = difference("a\nb\nc\n", "a\nx\nc\ny\n");
        assert_eq!((both.added, both.removed), (vec![(2, "x"), (4, "y")], vec![(2, "b")]));
        assert_eq!(difference("a\n", "").removed, [(1, "a")]);
    }

    proptest! {
        #[test]
        fn lines_that_are_nowhere_in_the_former_text_are_changed(former in "[abc\n]{0,60}", now in "[abcd\n]{0,60}") {
            let Changed::Lines(parts) = compare(&former, &now) else { return Err(TestCaseError::fail("everything")) };
            for (line, number) in now.lines().zip(1_u32..) {
                let inside = parts.iter().any(|(from, to)| (*from..=*to).contains(&number));
                prop_assert!(inside || former.lines().any(|one| one == line), "{number}");
            }
        }
    }
}
