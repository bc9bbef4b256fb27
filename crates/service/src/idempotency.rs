//! Requests that are sent twice and done once (IETF draft `httpapi-idempotency-key-header`).
//!
//! Whoever sends a request again with the same key gets the answer of the first within [`WINDOW`]; with the same key and
//! another content, nothing. While the first is still under way, the second is told so. Keys are one principal's own.
//!
//! Bounds: [`MOST`] answers are remembered in all and [`MOST_OF_ONE`] of one principal, whose oldest goes first; where there is
//! no room, the oldest of whoever has most goes, so that nobody's keys push out those of somebody who has fewer. They do
//! not outlive the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{AccountId, Timestamp};

/// A key that a client chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a field's value: a string of structured fields (RFC 9651, 3.3.3) without escapes, or the same without quotes.
    /// 1 to 128 visible ASCII characters.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let inner = match value.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?,
            None => value,
        };
        let is_key = (1..=128).contains(&inner.len())
            && inner.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\,;".contains(&byte));
        is_key.then(|| Self(inner.to_owned()))
    }
}

/// What is to be done with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission<T> {
    /// It was done: this was the answer.
    Done(T),
    /// It is the first.
    First,
    /// The first is under way.
    InFlight,
    /// The first was another request.
    Other,
}

/// The answers that are remembered.
#[derive(Debug)]
pub(crate) struct Answers<T>(Mutex<Table<T>>);

#[derive(Debug)]
struct Table<T> {
    of: HashMap<AccountId, Own<T>>,
    total: usize,
    next: u64,
}

#[derive(Debug)]
struct Own<T> {
    entries: HashMap<IdempotencyKey, Entry<T>>,
    /// Oldest first.
    order: BTreeMap<u64, IdempotencyKey>,
}

#[derive(Debug)]
struct Entry<T> {
    number: u64,
    digest: [u8; 32],
    since: Timestamp,
    /// None while it is under way.
    answer: Option<T>,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { of: HashMap::new(), total: 0, next: 0 }
    }
}

impl<T: Copy> Answers<T> {
    /// Asks for a request with this content. After [`Admission::First`], [`finish`](Self::finish) must follow.
    pub(crate) fn admit(
        &self,
        who: &AccountId,
        key: &IdempotencyKey,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Admission<T> {
        let mut table = self.table();
        if let Some(entry) = table.of.get(who).and_then(|own| own.entries.get(key)) {
            match (entry.answer, entry.digest == digest) {
                (Some(_), _) if now.saturating_since(entry.since) > WINDOW => table.remove(who, key),
                (_, false) => return Admission::Other,
                (None, true) => return Admission::InFlight,
                (Some(answer), true) => return Admission::Done(answer),
            }
        }
        table.make_room(who);
        let number = table.next;
        table.next = number.wrapping_add(1);
        table.total = table.total.saturating_add(1);
        let own = table
            .of
            .entry(who.clone())
            .or_insert_with(|| Own { entries: HashMap::new(), order: BTreeMap::new() });
        own.order.insert(number, key.clone());
        own.entries.insert(key.clone(), Entry { number, digest, since: now, answer: None });
        Admission::First
    }

    /// Remembers how it ended; what failed may be tried again.
    pub(crate) fn finish(&self, who: &AccountId, key: &IdempotencyKey, answer: Option<T>) {
        let mut table = self.table();
        match answer {
            None => table.remove(who, key),
            Some(answer) => {
                if let Some(entry) = table.of.get_mut(who).and_then(|own| own.entries.get_mut(key)) {
                    entry.answer = Some(answer);
                }
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Table<T> {
    fn make_room(&mut self, who: &AccountId) {
        if self.of.get(who).is_some_and(|own| own.entries.len() >= MOST_OF_ONE) {
            self.remove_oldest(&who.clone());
        } else if self.total >= MOST
            && let Some(most) =
                self.of.iter().max_by_key(|(_, own)| own.entries.len()).map(|(id, _)| id.clone())
        {
            self.remove_oldest(&most);
        }
    }

    fn remove_oldest(&mut self, who: &AccountId) {
        let oldest = self.of.get(who).and_then(|own| own.order.first_key_value()).map(|(_, key)| key.clone());
        if let Some(oldest) = oldest {
            self.remove(who, &oldest);
        }
    }

    fn remove(&mut self, who: &AccountId, key: &IdempotencyKey) {
        let Some(own) = self.of.get_mut(who) else { return };
        if let Some(entry) = own.entries.remove(key) {
            own.order.remove(&entry.number);
            self.total = self.total.saturating_sub(1);
        }
        if own.entries.is_empty() {
            self.of.remove(who);
        }
    }
}

/// How long an answer is remembered.
pub(crate) const WINDOW: Duration = Duration::from_secs(3600);
const MOST: usize = 65_536;
const MOST_OF_ONE: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::parse(text).unwrap()
    }

    #[test]
    fn a_key_is_a_string_with_or_without_quotes() {
        assert_eq!(key("\"8e03978e-40d5\""), key("8e03978e-40d5"));
        for bad in ["", "\"\"", "\"a", "a\"", "a b", "\"a\\\"b\"", "a,b", "\"a\";p=1", "ä", &"x".repeat(129)]
        {
            assert_eq!(IdempotencyKey::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_same_is_done_once_and_another_is_refused() {
        let answers = Answers::<u64>::default();
        let (ada, bob) = (AccountId::new("ada"), AccountId::new("bob"));
        let (one, now) = (key("k"), Timestamp::from_secs(1000));
        assert_eq!(answers.admit(&ada, &one, [1; 32], now), Admission::First);
        assert_eq!(answers.admit(&ada, &one, [1; 32], now), Admission::InFlight);
        assert_eq!(answers.admit(&ada, &one, [2; 32], now), Admission::Other);
        assert_eq!(answers.admit(&bob, &one, [2; 32], now), Admission::First, "keys are one's own");
        answers.finish(&ada, &one, Some(7));
        assert_eq!(answers.admit(&ada, &one, [1; 32], now), Admission::Done(7));
        assert_eq!(answers.admit(&ada, &one, [2; 32], now), Admission::Other);
        answers.finish(&bob, &one, None);
        assert_eq!(answers.admit(&bob, &one, [3; 32], now), Admission::First, "what failed is tried again");
        let later = now.saturating_add(WINDOW).saturating_add(Duration::from_secs(1));
        assert_eq!(answers.admit(&ada, &one, [9; 32], later), Admission::First, "the window is over");
        assert_eq!(
            answers.admit(&bob, &one, [3; 32], later),
            Admission::InFlight,
            "still under way, however long"
        );
    }

    #[test]
    fn nobody_pushes_out_whoever_has_fewer() {
        let answers = Answers::<u64>::default();
        let (ada, now) = (AccountId::new("ada"), Timestamp::from_secs(1000));
        answers.admit(&ada, &key("kept"), [1; 32], now);
        answers.finish(&ada, &key("kept"), Some(1));
        for account in 0..20 {
            let who = AccountId::new(&format!("flood-{account}"));
            for number in 0..5000 {
                let key = key(&format!("{number}"));
                answers.admit(&who, &key, [0; 32], now);
                answers.finish(&who, &key, Some(number));
            }
        }
        let table = answers.table();
        assert_eq!(table.total, MOST);
        assert!(
            table
                .of
                .values()
                .all(|own| own.entries.len() <= MOST_OF_ONE && own.order.len() == own.entries.len())
        );
        drop(table);
        assert_eq!(answers.admit(&ada, &key("kept"), [1; 32], now), Admission::Done(1));
    }

    proptest! {
        #[test]
        fn no_value_panics(value: String) {
            let _ = IdempotencyKey::parse(&value);
        }
    }
}
