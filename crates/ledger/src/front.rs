//! Where refusals are counted on the core that refused them, until the writer takes them.
//!
//! Sharded by kind, so that two cores rarely meet; each shard holds at most [`KINDS`] kinds between two
//! visits of the writer, and beyond them one count per control. Nothing is cleaned, encoded or
//! allocated here for a repeat.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gabion_model::Event;

use crate::kind::{self, Fold};
use crate::sanitise::{self, clip_word};

const SHARDS: usize = 16;
/// Kinds a shard tells apart between two visits of the writer.
const KINDS: usize = 128;
/// Bytes of metadata beyond which a refusal is counted without any.
const METADATA: usize = 4096;

#[derive(Debug)]
pub(crate) struct Front {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    kinds: HashMap<u64, Fold>,
    /// More kinds than the shard tells apart. Few: one per control.
    others: Vec<(u64, Fold)>,
}

impl Front {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: Default::default() }
    }

    pub(crate) fn add(&self, mut event: Event) {
        bound(&mut event);
        let fingerprint = kind::fingerprint(&self.hasher, &event);
        let resource = self.hasher.hash_one(&event.resource);
        let mut shard = self.shard(fingerprint);
        if let Some(fold) = shard.kinds.get_mut(&fingerprint) {
            fold.add(&event);
            fold.saw(resource);
        } else if shard.kinds.len() < KINDS {
            shrink(&mut event);
            let mut fold = Fold::new(event);
            fold.saw(resource);
            shard.kinds.insert(fingerprint, fold);
        } else {
            let key = |event: &Event| (event.control, event.kind, event.outcome);
            match shard.others.iter_mut().find(|(_, fold)| key(&fold.event) == key(&event)) {
                Some((_, fold)) => fold.add(&event),
                None => {
                    shrink(&mut event);
                    shard.others.push((fingerprint, Fold::new(event)));
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| lock(shard).kinds.is_empty())
    }

    /// Takes everything counted since the last visit. Of each, whether it is of one kind.
    pub(crate) fn drain(&self, mut take: impl FnMut(u64, Fold, bool)) {
        for shard in &self.shards {
            let Shard { kinds, others } = std::mem::take(&mut *lock(shard));
            kinds.into_iter().for_each(|(fingerprint, fold)| take(fingerprint, fold, true));
            others.into_iter().for_each(|(fingerprint, fold)| take(fingerprint, fold, false));
        }
    }

    fn shard(&self, fingerprint: u64) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(fingerprint % SHARDS as u64).unwrap_or(0);
        let [first, ..] = &self.shards;
        lock(self.shards.get(index).unwrap_or(first))
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bounds what an attacker chooses, so that a full shard has a bounded size. Generous: the cleaning
/// that follows in the writer wants to see a secret whole.
fn bound(event: &mut Event) {
    let cut = |text: &mut String, most: usize| {
        if text.len() > most {
            text.truncate(clip_word(text, most).len());
        }
    };
    cut(&mut event.action, sanitise::ACTION);
    cut(&mut event.resource, sanitise::RESOURCE * 2);
    if let Some(user_agent) = &mut event.user_agent {
        cut(user_agent, sanitise::USER_AGENT * 2);
    }
    if let Some(reason) = &mut event.reason {
        cut(reason, sanitise::REASON * 2);
    }
    if event.metadata.iter().map(|(key, value)| key.len() + value.len() + 64).sum::<usize>() > METADATA {
        event.metadata.clear();
    }
}

/// Gives back memory that a bounded text does not need.
fn shrink(event: &mut Event) {
    event.resource.shrink_to_fit();
    event.user_agent.iter_mut().for_each(String::shrink_to_fit);
    event.reason.iter_mut().for_each(String::shrink_to_fit);
}
