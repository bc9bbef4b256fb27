//! The places of a pattern that read a character, and the ways between them.

use std::collections::BTreeMap;

use super::How;
use super::parse::{END, Node, Set};

/// Places at most; ways between them at most.
const PLACES: usize = 700;
const WAYS: usize = 60_000;

/// Each set of characters of the pattern is a place; a way leads to each place that may come next.
#[derive(Debug)]
pub(super) struct Automaton {
    pub(super) sets: Vec<Set>,
    /// Of each place, where it goes on, and whether two ways lead there.
    pub(super) ways: Vec<BTreeMap<usize, bool>>,
    /// Places after which all is read.
    pub(super) ends: Vec<bool>,
    /// The place that looks for a beginning, where there is one.
    pub(super) searches: Option<usize>,
}

/// What a part of the pattern looks like from outside.
struct Part {
    first: Vec<usize>,
    last: Vec<usize>,
    /// It may read nothing.
    empty: bool,
}

impl Automaton {
    /// None where it is too large.
    pub(super) fn new(pattern: &Node, how: How) -> Option<Self> {
        let mut own = Self { sets: Vec::new(), ways: Vec::new(), ends: Vec::new(), searches: None };
        let mut left = WAYS;
        let mut whole = own.part(pattern, &mut left)?;
        if how == How::Whole {
            let end = own.place(Set::one(END))?;
            own.join(&whole.last, &[end], &mut left)?;
            let first = if whole.empty { [whole.first.as_slice(), &[end]].concat() } else { whole.first };
            whole = Part { first, last: vec![end], empty: false };
        }
        if how == How::Search {
            let search = own.place(Set::everything())?;
            own.join(&[search], &[search], &mut left)?;
            own.join(&[search], &whole.first, &mut left)?;
            own.searches = Some(search);
        }
        own.ends = vec![false; own.sets.len()];
        for at in whole.last {
            if let Some(end) = own.ends.get_mut(at) {
                *end = true;
            }
        }
        Some(own)
    }

    fn place(&mut self, set: Set) -> Option<usize> {
        let at = self.sets.len();
        self.sets.push(set);
        self.ways.push(BTreeMap::new());
        (at < PLACES).then_some(at)
    }

    fn join(&mut self, from: &[usize], to: &[usize], left: &mut usize) -> Option<()> {
        for start in from {
            for end in to {
                *left = left.checked_sub(1)?;
                let ways = self.ways.get_mut(*start)?;
                ways.entry(*end).and_modify(|twice| *twice = true).or_insert(false);
            }
        }
        Some(())
    }

    fn part(&mut self, node: &Node, left: &mut usize) -> Option<Part> {
        Some(match node {
            Node::Empty => Part { first: Vec::new(), last: Vec::new(), empty: true },
            Node::Set(set) => {
                let at = self.place(set.clone())?;
                Part { first: vec![at], last: vec![at], empty: false }
            }
            Node::All(parts) => {
                let mut whole = Part { first: Vec::new(), last: Vec::new(), empty: true };
                for part in parts {
                    let part = self.part(part, left)?;
                    self.join(&whole.last, &part.first, left)?;
                    if whole.empty {
                        whole.first.extend(&part.first);
                    }
                    if part.empty {
                        whole.last.extend(part.last);
                    } else {
                        whole.last = part.last;
                    }
                    whole.empty &= part.empty;
                }
                whole
            }
            Node::Any(parts) => {
                let mut whole = Part { first: Vec::new(), last: Vec::new(), empty: false };
                for part in parts {
                    let part = self.part(part, left)?;
                    whole.first.extend(part.first);
                    whole.last.extend(part.last);
                    whole.empty |= part.empty;
                }
                whole
            }
            Node::Loop { inner, empty } => {
                let mut part = self.part(inner, left)?;
                self.join(&part.last, &part.first, left)?;
                part.empty |= empty;
                part
            }
        })
    }
}
