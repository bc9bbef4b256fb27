//! Legal holds: what may not be removed or erased while somebody needs it.
//!
//! A hold has a name, a reason, and says what it keeps: records of a time, of numbers, of an account, or all there are. While it
//! stands,
//!
//! - retention (`keep`) removes no segment it keeps a record of. Segments are removed from the oldest on, so that those behind
//!   one that is kept stay as well. An account's records may be anywhere: a hold on an account alone keeps every segment;
//! - personal data is not erased: of its account; where it names none, of whoever its records speak of. What is due to be
//!   erased meanwhile waits, and is erased when nothing holds it any more.

use std::fmt;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use gabion_model::{DocumentChange, DocumentError, Documents, Timestamp};
use serde::{Deserialize, Serialize};

use crate::archive::Closed;
use crate::personal::SubjectId;
use crate::{Position, Query};

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub name: String,
    pub reason: String,
    pub set: Timestamp,
    pub by: String,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Records from this on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Position>,
    /// Up to and with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Position>,
    /// The name of an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Whose personal data that account's is, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// The most holds.
pub const MOST: usize = 1_000;
/// Longest name, and longest reason, in bytes.
pub const NAME: usize = 64;
pub const REASON: usize = 1_000;

/// Why a hold is not set or not removed. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    #[error("its range ends before it begins")]
    Empty,
    #[error("its name is not 1 to {NAME} lower-case letters, digits, `-` and `.`")]
    Name,
    #[error("there is no hold of that name")]
    NotFound,
    #[error("it has no reason, or one of more than {REASON} bytes")]
    Reason,
    #[error(transparent)]
    Storage(#[from] DocumentError),
    #[error("there is a hold of that name")]
    Taken,
    #[error("there are {MOST} holds")]
    TooMany,
}

impl Hold {
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn checked(self) -> Result<Self, HoldError> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        if !(1..=NAME).contains(&self.name.len()) || !self.name.bytes().all(is_name) {
            return Err(HoldError::Name);
        }
        if self.reason.trim().is_empty()
            || self.reason.len() > REASON
            || self.reason.chars().any(char::is_control)
        {
            return Err(HoldError::Reason);
        }
        let times = self.since.zip(self.until).is_some_and(|(since, until)| since >= until);
        let numbers = self.first.zip(self.last).is_some_and(|(first, last)| first > last);
        if times || numbers { Err(HoldError::Empty) } else { Ok(self) }
    }

    /// Whether it keeps a record of the segment, as far as numbers and times tell.
    #[must_use]
    pub fn keeps(&self, segment: &Closed) -> bool {
        self.since.is_none_or(|since| segment.latest >= since)
            && self.until.is_none_or(|until| segment.earliest < until)
            && self.first.is_none_or(|first| segment.last >= first)
            && self.last.is_none_or(|last| segment.first <= last)
    }

    fn keeps_record(&self, record: Position) -> bool {
        self.first.is_none_or(|first| record >= first) && self.last.is_none_or(|last| record <= last)
    }

    /// The records it may keep, to be searched for one that speaks of an account.
    pub(crate) fn query(&self, name: &str) -> Query {
        Query { since: self.since, until: self.until, text: Some(name.to_owned()), ..Query::default() }
    }

    pub(crate) fn is_in_range(&self, record: Position) -> bool {
        self.keeps_record(record)
    }
}

/// The holds that stand.
pub struct Holds {
    documents: Arc<dyn Documents>,
    standing: RwLock<Vec<Hold>>,
}

const AREA: &str = "ledger-holds";

impl Holds {
    /// # Errors
    /// When they cannot be read: then nothing may be removed or erased.
    pub fn open(documents: Arc<dyn Documents>) -> Result<Self, DocumentError> {
        let read = |(id, text): (String, String)| {
            serde_json::from_str(&text).map_err(|_| DocumentError(format!("the hold `{id}` is damaged")))
        };
        let standing = documents.documents(AREA)?.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { documents, standing: RwLock::new(standing) })
    }

    fn standing(&self) -> RwLockReadGuard<'_, Vec<Hold>> {
        self.standing.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// By name.
    #[must_use]
    pub fn list(&self) -> Vec<Hold> {
        self.standing().clone()
    }

    /// Durable when this returns. May block.
    ///
    /// # Errors
    /// [`HoldError`]; nothing is held then.
    pub fn add(&self, hold: Hold) -> Result<(), HoldError> {
        let hold = hold.checked()?;
        let mut standing = self.standing.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if standing.iter().any(|other| other.name == hold.name) {
            return Err(HoldError::Taken);
        }
        if standing.len() >= MOST {
            return Err(HoldError::TooMany);
        }
        let text = serde_json::to_string(&hold).map_err(|error| DocumentError(error.to_string()))?;
        let put = DocumentChange::Put { id: hold.name.clone(), text };
        self.documents.change_documents(AREA, &[put])?;
        standing.push(hold);
        standing.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(())
    }

    /// # Errors
    /// [`HoldError::NotFound`] among others; it stands then.
    pub fn remove(&self, name: &str) -> Result<Hold, HoldError> {
        let mut standing = self.standing.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = standing.iter().position(|hold| hold.name == name).ok_or(HoldError::NotFound)?;
        self.documents.change_documents(AREA, &[DocumentChange::Remove { id: name.to_owned() }])?;
        Ok(standing.remove(at))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.standing().is_empty()
    }

    /// The first hold that keeps a record of the segment.
    #[must_use]
    pub fn keeping(&self, segment: &Closed) -> Option<String> {
        self.standing().iter().find(|hold| hold.keeps(segment)).map(|hold| hold.name.clone())
    }

    /// Whose personal data is not erased although it is due; none where that of nobody is.
    pub(crate) fn spared(&self) -> Option<Vec<SubjectId>> {
        let mut spared = Vec::new();
        for hold in self.standing().iter() {
            let subject = hold.subject.as_deref().and_then(SubjectId::parse);
            match (&hold.principal, subject) {
                (Some(_), Some(subject)) => spared.push(subject),
                // Whom it is about cannot be told from names: all wait.
                _ => return None,
            }
        }
        Some(spared)
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Holds")
    }
}

#[cfg(test)]
mod tests {
    use gabion_model::MemoryDocuments;

    use super::*;
    use crate::SegmentId;

    fn hold(name: &str) -> Hold {
        Hold {
            name: name.to_owned(),
            reason: "a lawsuit".to_owned(),
            set: Timestamp::default(),
            by: "operator".to_owned(),
            since: None,
            until: None,
            first: None,
            last: None,
            principal: None,
            subject: None,
        }
    }

    fn segment(first: u64, last: u64, earliest: i64, latest: i64) -> Closed {
        Closed {
            segment: SegmentId(1),
            first: Position(first),
            last: Position(last),
            earliest: Timestamp::from_secs(earliest),
            latest: Timestamp::from_secs(latest),
        }
    }

    #[test]
    fn a_hold_keeps_what_overlaps_it() {
        let at = |seconds| Some(Timestamp::from_secs(seconds));
        let time = Hold { since: at(100), until: at(200), ..hold("time") };
        for (earliest, latest, kept) in
            [(0, 99, false), (0, 100, true), (150, 160, true), (199, 300, true), (200, 300, false)]
        {
            assert_eq!(time.keeps(&segment(1, 9, earliest, latest)), kept, "{earliest}..{latest}");
        }
        let numbers = Hold { first: Some(Position(10)), last: Some(Position(20)), ..hold("numbers") };
        for (first, last, kept) in [(1, 9, false), (1, 10, true), (20, 30, true), (21, 30, false)] {
            assert_eq!(numbers.keeps(&segment(first, last, 0, 9)), kept, "{first}..{last}");
        }
        assert!(hold("all").keeps(&segment(1, 2, 0, 1)));
    }

    #[test]
    fn holds_survive_and_are_refused_by_name() {
        let documents: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
        let holds = Holds::open(Arc::clone(&documents)).unwrap();
        holds.add(hold("b")).unwrap();
        holds.add(hold("a")).unwrap();
        assert_eq!(holds.add(hold("a")), Err(HoldError::Taken));
        for wrong in ["", "A", "a b", "ä", &"x".repeat(NAME + 1)] {
            assert_eq!(holds.add(hold(wrong)), Err(HoldError::Name), "{wrong}");
        }
        assert_eq!(holds.add(Hold { reason: " ".to_owned(), ..hold("c") }), Err(HoldError::Reason));
        let empty = Hold { first: Some(Position(3)), last: Some(Position(2)), ..hold("c") };
        assert_eq!(holds.add(empty), Err(HoldError::Empty));
        let again = Holds::open(documents).unwrap();
        assert_eq!(again.list(), holds.list());
        assert_eq!(again.list().iter().map(|hold| hold.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(again.remove("a").unwrap().name, "a");
        assert_eq!(again.remove("a"), Err(HoldError::NotFound));
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        let documents: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
        let put = DocumentChange::Put { id: "a".to_owned(), text: "{}".to_owned() };
        documents.change_documents(AREA, &[put]).unwrap();
        assert!(Holds::open(documents).is_err());
    }
}
