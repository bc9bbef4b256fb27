//! What is known of the objects of one type, for a while, under a bound.

use std::collections::HashMap;

use gabion_model::Timestamp;
use gabion_policy::Found;

/// Two generations: what was not asked for while the young one filled is forgotten with the old one.
#[derive(Debug)]
pub(super) struct Cache {
    young: HashMap<Box<str>, Entry>,
    old: HashMap<Box<str>, Entry>,
    half: usize,
    epoch: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    found: Found,
    until: Timestamp,
}

impl Cache {
    /// Keeps at most so many objects.
    pub(super) fn new(entries: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: entries.div_ceil(2).max(1), epoch: 0 }
    }

    pub(super) fn read(&mut self, id: &str, now: Timestamp) -> Option<Found> {
        if let Some(entry) = self.young.get(id) {
            return (now < entry.until).then(|| entry.found.clone());
        }
        let (id, entry) = self.old.remove_entry(id)?;
        if now >= entry.until {
            return None;
        }
        let found = entry.found.clone();
        self.insert(id, entry);
        Some(found)
    }

    pub(super) fn keep(&mut self, id: &str, found: Found, until: Timestamp) {
        self.old.remove(id);
        self.insert(id.into(), Entry { found, until });
    }

    pub(super) fn forget(&mut self, id: &str) {
        self.young.remove(id);
        self.old.remove(id);
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Another one after something was forgotten.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    fn insert(&mut self, id: Box<str>, entry: Entry) {
        if self.young.len() >= self.half && !self.young.contains_key(&id) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, entry);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
