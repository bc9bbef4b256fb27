//! What a step says of people, apart from the rest of it: so that it can be sealed for whoever it speaks of, and the digest of
//! the step still holds when it was erased.
//!
//! ```text
//! {"number":3,"at":…,"by":"","what":{"noted":{"text":""}},"personal":[{"slot":0,"text":…},{"slot":2,"text":…}]}
//! ```
//!
//! A slot is a place of a step where people are named: by its number, in the order in which [`Step::slots`] visits them. What is
//! sealed there leaves the place empty; the sealed text stands beside, and the digest covers all of it. Sealing and opening are
//! the ledger's, which is not known here.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::step::{Alert, Step, What};
use crate::subject::Subject;

/// A place of a step where people are named.
#[derive(Debug)]
pub enum Slot<'a> {
    /// Where whoever takes the step is.
    From(&'a mut Option<IpAddr>),
    Subject(&'a mut Subject),
    Text(&'a mut String),
}

/// A sealed place of a step; what `T` is, only the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part<T> {
    pub slot: usize,
    pub text: T,
}

const BESIDE: &str = "personal";

impl Step {
    /// Visits every place where people are named, always in the same order.
    pub fn slots(&mut self, visit: &mut dyn FnMut(Slot<'_>)) {
        visit(Slot::Text(&mut self.by));
        visit(Slot::From(&mut self.from));
        let subjects = |subjects: &mut Vec<Subject>, visit: &mut dyn FnMut(Slot<'_>)| {
            subjects.iter_mut().for_each(|subject| visit(Slot::Subject(subject)));
        };
        let alert = |alert: &mut Alert, visit: &mut dyn FnMut(Slot<'_>)| visit(Slot::Text(&mut alert.title));
        match &mut self.what {
            What::Acknowledged | What::DutyBegan { .. } | What::Reminded { .. } => {}
            What::Acted { target, failure, .. } => {
                visit(Slot::Text(target));
                failure.iter_mut().for_each(|failure| visit(Slot::Text(failure)));
            }
            What::ActionDone { text, .. }
            | What::Assigned { to: text, .. }
            | What::Classified { reason: text, .. }
            | What::Closed { text, .. }
            | What::Done { text, .. }
            | What::DutyDone { text, .. }
            | What::DutyWaived { reason: text, .. }
            | What::EvidenceRead { purpose: text, .. }
            | What::Moved { reason: text, .. }
            | What::Noted { text }
            | What::Skipped { reason: text, .. } => visit(Slot::Text(text)),
            What::EvidenceKept(item) => {
                visit(Slot::Text(&mut item.name));
                visit(Slot::Text(&mut item.source));
            }
            What::Facts { facts } => facts.values_mut().for_each(|value| visit(Slot::Text(value))),
            What::Joined { alert: joined, subjects: own } => {
                alert(joined, visit);
                subjects(own, visit);
            }
            What::Opened(opening) => {
                visit(Slot::Text(&mut opening.title));
                opening.alerts.iter_mut().for_each(|one| alert(one, visit));
                subjects(&mut opening.subjects, visit);
            }
            What::Reviewed(review) => {
                let texts = [
                    &mut review.summary,
                    &mut review.cause,
                    &mut review.impact,
                    &mut review.went_well,
                    &mut review.went_badly,
                ];
                texts.into_iter().for_each(|text| visit(Slot::Text(text)));
                for action in &mut review.actions {
                    visit(Slot::Text(&mut action.what));
                    visit(Slot::Text(&mut action.owner));
                }
            }
            What::Subjects { subjects: own } => subjects(own, visit),
        }
    }
}

impl Slot<'_> {
    /// What stands there; none where nothing does.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::From(from) => from.map(|from| from.to_string()),
            Self::Subject(subject) => serde_json::to_string(subject).ok(),
            Self::Text(text) => Some((**text).clone()).filter(|text| !text.is_empty()),
        }
    }

    /// Takes it out.
    pub fn clear(self) {
        match self {
            Self::From(from) => *from = None,
            Self::Subject(subject) => *subject = Subject::Account(String::new()),
            Self::Text(text) => text.clear(),
        }
    }

    /// Puts it back; whether it was something that can stand there.
    pub fn put(self, text: &str) -> bool {
        match self {
            Self::From(from) => match text.parse() {
                Ok(address) => *from = Some(address),
                Err(_) => return false,
            },
            Self::Subject(subject) => match serde_json::from_str(text) {
                Ok(own) => *subject = own,
                Err(_) => return false,
            },
            Self::Text(own) => text.clone_into(own),
        }
        true
    }

    /// Puts a word there that says that it cannot be read.
    pub fn stand_in(self, word: &str) {
        match self {
            Self::From(from) => *from = None,
            Self::Subject(subject) => *subject = Subject::Account(word.to_owned()),
            Self::Text(text) => word.clone_into(text),
        }
    }
}

/// What may be the name of an account in a text: its words, and the parts of those with a `.`, `_`, `-`, `+` or `@` in them.
/// Each once, in lower case.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let is_joint = |char: char| ".@_-+".contains(char);
    let mut found: Vec<String> = Vec::new();
    let is_word = |char: char| char.is_alphanumeric() || is_joint(char);
    for word in text.split(|char| !is_word(char)) {
        let word = word.trim_matches(is_joint);
        found.extend(Some(word.to_owned()).filter(|word| !word.is_empty()));
        // A joint may be part of a name, or stand between two.
        let ends = word.char_indices().filter(|(_, char)| is_joint(*char)).map(|(at, _)| at);
        let ends: Vec<usize> = ends.chain([word.len()]).take(JOINTS).collect();
        let begins: Vec<usize> =
            std::iter::once(0).chain(ends.iter().map(|end| end.saturating_add(1))).collect();
        for begin in begins {
            for end in ends.iter().filter(|end| **end > begin) {
                found.extend(word.get(begin..*end).map(str::to_owned));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Parts of one word that are tried with each other.
const JOINTS: usize = 8;

/// A step as it is kept: with sealed texts beside it.
///
/// # Errors
/// When it cannot be written.
pub fn write<T: Serialize>(step: &Step, parts: &[Part<T>]) -> Result<Vec<u8>, serde_json::Error> {
    if parts.is_empty() {
        return serde_json::to_vec(step);
    }
    let mut whole = serde_json::to_value(step)?;
    if let Value::Object(fields) = &mut whole {
        fields.insert(BESIDE.to_owned(), serde_json::to_value(parts)?);
    }
    serde_json::to_vec(&whole)
}

/// Reads such a step. The places of what is sealed are empty.
///
/// # Errors
/// When it is none.
pub fn read<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<(Step, Vec<Part<T>>), serde_json::Error> {
    if !bytes.windows(BESIDE.len()).any(|part| part == BESIDE.as_bytes()) {
        return Ok((serde_json::from_slice(bytes)?, Vec::new()));
    }
    let mut whole: Value = serde_json::from_slice(bytes)?;
    let beside = whole.as_object_mut().and_then(|fields| fields.remove(BESIDE));
    let parts = beside.map(serde_json::from_value).transpose()?;
    Ok((serde_json::from_value(whole)?, parts.unwrap_or_default()))
}

/// Does something with the slot of a number; whether there is one.
pub fn at<R>(step: &mut Step, number: usize, act: impl FnOnce(Slot<'_>) -> R) -> Option<R> {
    let (mut count, mut act, mut done) = (0, Some(act), None);
    step.slots(&mut |slot| {
        if count == number
            && let Some(act) = act.take()
        {
            done = Some(act(slot));
        }
        count += 1;
    });
    done
}

#[cfg(test)]
mod tests {
    use gabion_model::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn step(what: What) -> Step {
        Step {
            number: 3,
            at: Timestamp::from_secs(1),
            by: "ann".to_owned(),
            from: "192.0.2.1".parse().ok(),
            what,
        }
    }

    #[test]
    fn what_was_taken_out_is_put_back_in_its_place() {
        let subjects =
            vec![Subject::Account("bob".to_owned()), Subject::Address("192.0.2.9".parse().unwrap())];
        let whole = step(What::Subjects { subjects });
        let (mut cleared, mut parts) = (whole.clone(), Vec::new());
        let mut number = 0;
        cleared.slots(&mut |slot| {
            if let Some(text) = slot.text() {
                parts.push(Part { slot: number, text });
                slot.clear();
            }
            number += 1;
        });
        assert_eq!(parts.len(), 4);
        let bytes = write(&cleared, &parts).unwrap();
        let (mut read, sealed) = read::<String>(&bytes).unwrap();
        assert_eq!((&read, &sealed), (&cleared, &parts));
        assert!(read.by.is_empty() && read.from.is_none());
        for part in &sealed {
            assert_eq!(at(&mut read, part.slot, |slot| slot.put(&part.text)), Some(true));
        }
        assert_eq!(read, whole);
        for part in &sealed {
            at(&mut read, part.slot, |slot| slot.stand_in("erased:12345678"));
        }
        let erased = Subject::Account("erased:12345678".to_owned());
        assert_eq!(read.what, What::Subjects { subjects: vec![erased.clone(), erased] });
        assert_eq!(at(&mut read, 99, |_| ()), None);
    }

    #[test]
    fn words_are_found_whatever_stands_around_them() {
        let found = words("Ask Bob's team (bob-smith, bob@example.org); it was carol.");
        for name in ["bob", "bob-smith", "bob@example.org", "carol", "smith", "example.org"] {
            assert!(found.iter().any(|word| word == name), "{name}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_step_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            let _ = read::<String>(&bytes);
            prop_assert!(words(&text).iter().all(|word| !word.is_empty()));
        }
    }
}
