//! Decisions that were made before: remembered under exactly what the policies that can apply read, and compared by
//! value, so that no two different questions can ever share an answer.
//!
//! The memory is fixed: sets of four entries, each set under its own lock, the oldest entry of a set gives way. What
//! reads the time of day to the second is never remembered.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Mutex;

use hashbrown::DefaultHashBuilder;

use crate::decision::Decision;
use crate::question::{Context, Question, Resource, Subject};
use crate::reads::Reads;
use crate::slice::Slice;

/// Remembered decisions.
pub(crate) struct Cache {
    sets: Box<[Mutex<Set>]>,
    hasher: DefaultHashBuilder,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cache").field("sets", &self.sets.len()).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Set {
    entries: [Option<Entry>; WAYS],
    next: usize,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    slice: u32,
    subject: Subject,
    resource: Resource,
    context: Context,
    decision: Decision,
}

const WAYS: usize = 4;

impl Cache {
    /// Room for `size` decisions; none when it is 0.
    pub(crate) fn new(size: u32) -> Self {
        let sets = if size == 0 { 0 } else { (size / 4).max(1).next_power_of_two() };
        Self { sets: (0..sets).map(|_| Mutex::default()).collect(), hasher: DefaultHashBuilder::default() }
    }

    /// Where a question belongs; `None` when what comes of it cannot be remembered.
    pub(crate) fn key(&self, slice: &Slice, question: &Question<'_>) -> Option<u64> {
        if self.sets.is_empty() || slice.reads.context.attributes.contains("now") {
            return None;
        }
        let reads = &slice.reads;
        let mut state = self.hasher.build_hasher();
        slice.number.hash(&mut state);
        question.principal.0.class.hash(&mut state);
        if reads.principal.identity {
            question.principal.0.id.hash(&mut state);
        }
        if reads.resource.identity {
            question.resource.entity.id.hash(&mut state);
        }
        for name in &reads.resource.attributes {
            question.resource.attributes.get(name.as_str()).hash(&mut state);
        }
        for name in &reads.context.attributes {
            question.context.hash_attribute(name, &mut state);
        }
        Some(state.finish())
    }

    pub(crate) fn find(&self, hash: u64, slice: &Slice, question: &Question<'_>) -> Option<Decision> {
        let set = self.set(hash)?.lock().ok()?;
        let found = set.entries.iter().flatten().find(|entry| {
            entry.hash == hash && entry.slice == slice.number && entry.is_like(&slice.reads, question)
        })?;
        Some(found.decision.clone())
    }

    pub(crate) fn keep(&self, hash: u64, slice: &Slice, question: &Question<'_>, decision: &Decision) {
        let Some(Ok(mut set)) = self.set(hash).map(Mutex::lock) else { return };
        let at = set.next % WAYS;
        set.next = at.wrapping_add(1);
        if let Some(entry) = set.entries.get_mut(at) {
            *entry = Some(Entry {
                hash,
                slice: slice.number,
                subject: question.principal.clone(),
                resource: question.resource.clone(),
                context: question.context.clone(),
                decision: decision.clone(),
            });
        }
    }

    fn set(&self, hash: u64) -> Option<&Mutex<Set>> {
        // The length is a power of two; the lower bits choose.
        let mask = self.sets.len().checked_sub(1)?;
        self.sets.get(usize::try_from(hash).unwrap_or(usize::MAX) & mask)
    }
}

impl Entry {
    /// Whether the question differs from this one's in nothing that is read.
    fn is_like(&self, reads: &Reads, question: &Question<'_>) -> bool {
        let same_resource = || {
            let (own, asked) = (&self.resource, question.resource);
            own.entity.kind == asked.entity.kind
                && (!reads.resource.identity || own.entity.id == asked.entity.id)
                && (!reads.resource.hierarchy || own.parents == asked.parents)
                && (!reads.resource.tags || own.tags == asked.tags)
                && reads
                    .resource
                    .attributes
                    .iter()
                    .all(|name| own.attributes.get(name.as_str()) == asked.attributes.get(name.as_str()))
        };
        let same_context =
            || reads.context.attributes.iter().all(|name| self.context.has_same(question.context, name));
        self.subject.0.is_like(&question.principal.0, &reads.principal) && same_resource() && same_context()
    }
}
