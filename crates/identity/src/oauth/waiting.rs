//! What waits a short while under a random name: pushed requests and device codes. In memory, bounded in
//! all and per owner; a restart empties it, and whoever waited asks again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gabion_model::Timestamp;

/// Values by the SHA-256 of their names.
pub struct Waiting<T> {
    entries: Mutex<BTreeMap<[u8; 32], Entry<T>>>,
    most: usize,
    most_of_one: usize,
}

struct Entry<T> {
    owner: String,
    expires: Timestamp,
    value: T,
}

/// There is no room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many wait")]
pub struct Full;

impl<T> Waiting<T> {
    #[must_use]
    pub const fn new(most: usize, most_of_one: usize) -> Self {
        Self { entries: Mutex::new(BTreeMap::new()), most, most_of_one }
    }

    /// # Errors
    /// When there is no room.
    pub fn put(
        &self,
        name: [u8; 32],
        owner: &str,
        value: T,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Full> {
        let mut entries = self.entries();
        if entries.len() >= self.most_of_one {
            entries.retain(|_, entry| now < entry.expires);
            let own = entries.values().filter(|entry| entry.owner == owner).count();
            if entries.len() >= self.most || own >= self.most_of_one {
                return Err(Full);
            }
        }
        entries.insert(name, Entry { owner: owner.to_owned(), expires, value });
        Ok(())
    }

    /// Removes it; of any number of takers one gets it.
    #[must_use]
    pub fn take(&self, name: &[u8; 32], now: Timestamp) -> Option<T> {
        self.entries().remove(name).filter(|entry| now < entry.expires).map(|entry| entry.value)
    }

    /// Looks at it, and changes it, where it waits.
    pub fn with<R>(
        &self,
        name: &[u8; 32],
        now: Timestamp,
        act: impl FnOnce(&mut T, Timestamp) -> R,
    ) -> Option<R> {
        let mut entries = self.entries();
        let entry = entries.get_mut(name).filter(|entry| now < entry.expires)?;
        Some(act(&mut entry.value, entry.expires))
    }

    /// The name of the first for which `wanted` holds.
    #[must_use]
    pub fn find(&self, now: Timestamp, wanted: impl Fn(&T) -> bool) -> Option<[u8; 32]> {
        let entries = self.entries();
        entries.iter().find(|(_, entry)| now < entry.expires && wanted(&entry.value)).map(|(name, _)| *name)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Waiting<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Waiting").field("waiting", &self.entries().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(100);
    const LATER: Timestamp = Timestamp::from_secs(200);

    #[test]
    fn what_waits_is_taken_once_until_it_expires() {
        let waiting = Waiting::new(10, 5);
        waiting.put([1; 32], "shop", 1, LATER, NOW).unwrap();
        assert_eq!(waiting.with(&[1; 32], NOW, |value, _| *value), Some(1));
        assert_eq!((waiting.take(&[1; 32], NOW), waiting.take(&[1; 32], NOW)), (Some(1), None));
        waiting.put([2; 32], "shop", 2, LATER, NOW).unwrap();
        assert_eq!(waiting.find(LATER, |_| true), None);
        assert_eq!((waiting.with(&[2; 32], LATER, |_, _| ()), waiting.take(&[2; 32], LATER)), (None, None));
    }

    #[test]
    fn room_is_bounded_and_comes_back() {
        let waiting = Waiting::new(6, 5);
        for name in 0..5 {
            waiting.put([name; 32], "flood", (), LATER, NOW).unwrap();
        }
        assert_eq!(waiting.put([9; 32], "flood", (), LATER, NOW), Err(Full));
        assert_eq!(waiting.put([8; 32], "shop", (), LATER, NOW), Ok(()));
        assert_eq!(waiting.put([7; 32], "other", (), LATER, NOW), Err(Full));
        assert_eq!(waiting.put([7; 32], "flood", (), Timestamp::from_secs(300), LATER), Ok(()));
    }
}
