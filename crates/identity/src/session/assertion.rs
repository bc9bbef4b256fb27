//! The cached assertions of a session: signing one costs more than all other work on a request.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gabion_model::Timestamp;

/// Holds the assertion last minted for each audience, in whatever form the caller puts into requests
/// (a header value, say), until the caller wants it renewed. Reading takes no lock.
#[derive(Default)]
pub struct AssertionSlot(ArcSwap<Vec<Assertion>>);

#[derive(Clone)]
struct Assertion {
    audience: Arc<str>,
    fresh_until: Timestamp,
    value: Arc<dyn Any + Send + Sync>,
}

impl AssertionSlot {
    /// The assertion kept for `audience`, while it is fresh.
    #[must_use]
    pub fn read<T: Clone + Send + Sync + 'static>(&self, audience: &str, now: Timestamp) -> Option<T> {
        let kept = self.0.load();
        let assertion = kept.iter().find(|one| *one.audience == *audience)?;
        if now >= assertion.fresh_until {
            return None;
        }
        assertion.value.downcast_ref::<T>().cloned()
    }

    /// Keeps an assertion for `audience` until `fresh_until`, in place of the former one. Of several
    /// callers at once one wins; at most eight audiences are kept, the oldest goes.
    pub fn keep<T: Clone + Send + Sync + 'static>(&self, audience: &str, fresh_until: Timestamp, value: T) {
        let kept = self.0.load();
        let added = Assertion { audience: audience.into(), fresh_until, value: Arc::new(value) };
        let others = kept.iter().filter(|one| *one.audience != *audience);
        let next = std::iter::once(added).chain(others.cloned()).take(AUDIENCES).collect();
        self.0.store(Arc::new(next));
    }
}

impl fmt::Debug for AssertionSlot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.load().iter().map(|one| &one.audience)).finish()
    }
}

const AUDIENCES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_one_fresh_assertion_per_audience() {
        let (slot, now) = (AssertionSlot::default(), Timestamp::from_secs(100));
        let later = Timestamp::from_secs(200);
        assert_eq!(slot.read::<String>("app", now), None);
        slot.keep("app", later, "first".to_owned());
        slot.keep("api", later, "other".to_owned());
        slot.keep("app", later, "second".to_owned());
        assert_eq!(slot.read::<String>("app", now).as_deref(), Some("second"));
        assert_eq!(slot.read::<String>("api", now).as_deref(), Some("other"));
        assert_eq!(slot.read::<String>("app", later), None, "stale");
        assert_eq!(slot.read::<u8>("app", now), None, "another type");
        assert_eq!(format!("{slot:?}"), r#"["app", "api"]"#, "the value is not printed");
    }

    #[test]
    fn audiences_are_bounded() {
        let slot = AssertionSlot::default();
        for audience in 0..100 {
            slot.keep(&audience.to_string(), Timestamp::from_secs(1), audience);
        }
        assert_eq!(slot.0.load().len(), AUDIENCES);
        assert_eq!(slot.read::<i32>("99", Timestamp::default()), Some(99));
    }
}
