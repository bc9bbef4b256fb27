//! Decisions that were made before: remembered under exactly what the policies that can apply read, and compared by
//! value, so that no two different questions can ever share an answer.
//!
//! The memory is fixed: sets of four entries, each set under its own lock, the oldest entry of a set gives way. What
//! reads the time of day to the second is never remembered.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use hashbrown::DefaultHashBuilder;

use crate::decision::Decision;
use crate::question::{Circumstance, Context, Question, Resource, Subject};
use crate::reads::Reads;
use crate::slice::Slice;

/// Remembered decisions.
pub(crate) struct Cache {
    sets: Box<[Mutex<Set>]>,
    hasher: DefaultHashBuilder,
}

/// What of a question decides: [`Reads`], in the form in which it is hashed and compared without a look at a name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ground {
    /// The answer to the same question can be another in the next second.
    fleeting: bool,
    principal: OfPrincipal,
    resource_id: bool,
    parents: bool,
    tags: bool,
    attributes: Box<[Arc<str>]>,
    context: Box<[Circumstance]>,
}

/// What is read of a principal beside its roles, groups and tenant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OfPrincipal {
    pub(crate) id: bool,
    pub(crate) name: bool,
    pub(crate) profile: bool,
}

impl Ground {
    pub(crate) fn of(reads: &Reads) -> Self {
        let of_principal = |name: &str| reads.principal.attributes.contains(name);
        let context: Vec<Circumstance> =
            reads.context.attributes.iter().map(|name| Circumstance::of(name)).collect();
        Self {
            fleeting: context.contains(&Circumstance::Now),
            principal: OfPrincipal {
                id: reads.principal.identity || of_principal("id"),
                name: of_principal("name"),
                profile: of_principal("profile"),
            },
            resource_id: reads.resource.identity,
            parents: reads.resource.hierarchy,
            tags: reads.resource.tags,
            attributes: reads.resource.attributes.iter().map(|name| name.as_str().into()).collect(),
            context: context.into(),
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cache").field("sets", &self.sets.len()).finish_non_exhaustive()
    }
}

/// The hashes stand together: whoever looks for one of them does not touch the entries.
#[derive(Debug, Default)]
struct Set {
    hashes: [u64; WAYS],
    entries: [Option<Box<Entry>>; WAYS],
    next: usize,
}

#[derive(Debug)]
struct Entry {
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
        let ground = &slice.ground;
        if self.sets.is_empty() || ground.fleeting {
            return None;
        }
        let (principal, resource) = (&question.principal.0, question.resource);
        let mut state = self.hasher.build_hasher();
        state.write_u32(slice.number);
        state.write_u64(if ground.principal.id { principal.digest } else { principal.class });
        if ground.resource_id {
            resource.entity.id.hash(&mut state);
        }
        for name in &ground.attributes {
            resource.attributes.get(name).hash(&mut state);
        }
        for one in &ground.context {
            question.context.hash_one(one, &mut state);
        }
        Some(state.finish())
    }

    pub(crate) fn find(&self, hash: u64, slice: &Slice, question: &Question<'_>) -> Option<Decision> {
        let set = self.set(hash)?.lock().ok()?;
        let mut at = set.hashes.iter().zip(&set.entries).filter(|(own, _)| **own == hash);
        at.find_map(|(_, entry)| {
            entry
                .as_deref()
                .filter(|entry| entry.is_like(slice, question))
                .map(|entry| entry.decision.clone())
        })
    }

    pub(crate) fn keep(&self, hash: u64, slice: &Slice, question: &Question<'_>, decision: &Decision) {
        let entry = Box::new(Entry {
            slice: slice.number,
            subject: question.principal.clone(),
            resource: question.resource.clone(),
            context: question.context.clone(),
            decision: decision.clone(),
        });
        let Some(Ok(mut set)) = self.set(hash).map(Mutex::lock) else { return };
        let at = set.next % WAYS;
        set.next = at.wrapping_add(1);
        if let Some(own) = set.hashes.get_mut(at) {
            *own = hash;
        }
        let former = set.entries.get_mut(at).and_then(|place| place.replace(entry));
        drop(set);
        // What gave way is taken apart without the lock.
        drop(former);
    }

    fn set(&self, hash: u64) -> Option<&Mutex<Set>> {
        // The length is a power of two; the lower bits choose.
        let mask = self.sets.len().checked_sub(1)?;
        self.sets.get(usize::try_from(hash).unwrap_or(usize::MAX) & mask)
    }
}

impl Entry {
    /// Whether the question differs from this one's in nothing that is read.
    fn is_like(&self, slice: &Slice, question: &Question<'_>) -> bool {
        let (ground, own, asked) = (&slice.ground, &self.resource, question.resource);
        // The slice says action, kind of principal and type of resource.
        self.slice == slice.number
            && self.subject.0.is_like(&question.principal.0, ground.principal)
            && (!ground.resource_id || own.entity.id == asked.entity.id)
            && (!ground.parents || own.parents == asked.parents)
            && (!ground.tags || own.tags == asked.tags)
            && ground.attributes.iter().all(|name| own.attributes.get(name) == asked.attributes.get(name))
            && ground.context.iter().all(|one| self.context.has_same(question.context, one))
    }
}
