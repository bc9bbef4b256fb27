//! What one test found out and others need not ask again: what is stable of answers, which values are numbers, how answers
//! react to a value, what pages said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::compare::Profile;
use crate::operation::Point;
use crate::reaction::Reaction;
use crate::wire::Answer;

/// The memory of a run.
#[derive(Debug, Default)]
pub struct Memory {
    /// By operation and person, as last seen, and how much had been written by then.
    profiles: Mutex<BTreeMap<(usize, usize), (Profile, usize)>>,
    /// By operation.
    reactions: Mutex<BTreeMap<(usize, Point), Reaction>>,
    /// Whether only numbers are taken there, by operation.
    typed: Mutex<BTreeMap<(usize, Point), bool>>,
    /// Places where what somebody wrote was looked for in vain.
    vain: Mutex<BTreeSet<(usize, String, String)>>,
    /// Answers to plain reads, by person and target: while it is learned what works.
    answers: Mutex<BTreeMap<(usize, String), Answer>>,
}

/// Places that are kept.
const PLACES: usize = 10_000;
/// Answers that are kept for a while.
const ANSWERS: usize = 1_000;

impl Memory {
    #[must_use]
    pub fn profile(&self, operation: usize, who: usize) -> Option<(Profile, usize)> {
        lock(&self.profiles).get(&(operation, who)).cloned()
    }

    pub fn keep_profile(&self, operation: usize, who: usize, profile: Profile, written: usize) {
        lock(&self.profiles).insert((operation, who), (profile, written));
    }

    /// How answers react to a value.
    #[must_use]
    pub fn reaction(&self, operation: usize, point: &Point) -> Option<Reaction> {
        lock(&self.reactions).get(&(operation, point.clone())).copied()
    }

    pub fn keep_reaction(&self, operation: usize, point: &Point, reaction: Reaction) {
        lock(&self.reactions).insert((operation, point.clone()), reaction);
    }

    #[must_use]
    pub fn typed(&self, operation: usize, point: &Point) -> Option<bool> {
        lock(&self.typed).get(&(operation, point.clone())).copied()
    }

    pub fn keep_typed(&self, operation: usize, point: &Point, typed: bool) {
        lock(&self.typed).insert((operation, point.clone()), typed);
    }

    /// Whether what somebody writes by an operation (`POST /notes`) was looked for at a path, and does not show there.
    #[must_use]
    pub fn is_vain(&self, who: usize, operation: &str, path: &str) -> bool {
        lock(&self.vain).contains(&(who, operation.to_owned(), path.to_owned()))
    }

    pub fn keep_vain(&self, who: usize, operation: &str, path: &str) {
        let mut vain = lock(&self.vain);
        if vain.len() < PLACES {
            vain.insert((who, operation.to_owned(), path.to_owned()));
        }
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
