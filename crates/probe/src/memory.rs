//! What one test found out and others need not ask again: what is stable of answers, which values are numbers, what pages said.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::compare::Profile;
use crate::operation::Point;
use crate::wire::Answer;

/// The memory of a run.
#[derive(Debug, Default)]
pub struct Memory {
    /// By operation and person, as last seen.
    profiles: Mutex<BTreeMap<(usize, usize), Profile>>,
    /// Whether only numbers are taken there, by operation.
    typed: Mutex<BTreeMap<(usize, Point), bool>>,
    /// Answers to plain reads, by person and target: while it is learned what works.
    answers: Mutex<BTreeMap<(usize, String), Answer>>,
}

/// Answers that are kept for a while.
const ANSWERS: usize = 1_000;

impl Memory {
    #[must_use]
    pub fn profile(&self, operation: usize, who: usize) -> Option<Profile> {
        lock(&self.profiles).get(&(operation, who)).cloned()
    }

    pub fn keep_profile(&self, operation: usize, who: usize, profile: Profile) {
        lock(&self.profiles).insert((operation, who), profile);
    }

    #[must_use]
    pub fn typed(&self, operation: usize, point: &Point) -> Option<bool> {
        lock(&self.typed).get(&(operation, point.clone())).copied()
    }

    pub fn keep_typed(&self, operation: usize, point: &Point, typed: bool) {
        lock(&self.typed).insert((operation, point.clone()), typed);
    }

    /// What somebody was answered.
    #[must_use]
    pub fn answer(&self, who: usize, target: &str) -> Option<Answer> {
        lock(&self.answers).get(&(who, target.to_owned())).cloned()
    }

    pub fn keep_answer(&self, who: usize, target: &str, answer: &Answer) {
        let mut answers = lock(&self.answers);
        if answers.len() < ANSWERS {
            answers.insert((who, target.to_owned()), answer.clone());
        }
    }

    /// From now on things change.
    pub fn forget_answers(&self) {
        lock(&self.answers).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
