//! Drafts that grow while a gate runs: shared by every core, kept over a restart.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Draft, Observation};

/// Drafts by name.
#[derive(Debug, Default)]
pub struct Drafts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    drafts: BTreeMap<String, Draft>,
    changed: bool,
}

impl Drafts {
    /// Goes on with what was kept.
    #[must_use]
    pub fn restore(kept: BTreeMap<String, Draft>) -> Self {
        let drafts = kept.into_iter().map(|(name, draft)| (name, draft.counted())).collect();
        Self { state: Mutex::new(State { drafts, changed: false }) }
    }

    /// Learns from one exchange.
    pub fn observe(&self, name: &str, seen: &Observation<'_>) {
        // Bodies are read before the others wait.
        let mut one = Draft::default();
        one.observe(seen);
        if one.operations() == 0 {
            return;
        }
        let mut state = self.lock();
        state.changed = true;
        if let Some(known) = state.drafts.get_mut(name) {
            known.take_one(one, seen);
        } else {
            state.drafts.insert(name.to_owned(), one);
        }
    }

    /// A draft as it is now.
    #[must_use]
    pub fn draft(&self, name: &str) -> Option<Draft> {
        self.lock().drafts.get(name).cloned()
    }

    /// The names of all drafts.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.lock().drafts.keys().cloned().collect()
    }

    /// All drafts, if something was learned since they were last taken.
    #[must_use]
    pub fn changed(&self) -> Option<BTreeMap<String, Draft>> {
        let mut state = self.lock();
        std::mem::take(&mut state.changed).then(|| state.drafts.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Shapes stay shapes whatever happened to whoever held them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
