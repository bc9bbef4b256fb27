//! The tenants' trees in memory, for tests.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::memory::MemoryTree;
use crate::TreeStorage;
use crate::tenants::{Mark, TenantStorage, TenantTag};

/// Every tenant's tree, and the mark.
#[derive(Debug, Default)]
pub struct MemoryTenants(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    trees: BTreeMap<TenantTag, Arc<MemoryTree>>,
    mark: Option<Mark>,
}

impl MemoryTenants {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tenant's tree, as it is there, or to be put there.
    #[must_use]
    pub fn of(&self, tenant: TenantTag) -> Arc<MemoryTree> {
        Arc::clone(self.lock().trees.entry(tenant).or_default())
    }

    /// Takes a tenant's tree away, or the mark.
    pub fn remove(&self, tenant: Option<TenantTag>) {
        let mut kept = self.lock();
        match tenant {
            Some(tenant) => drop(kept.trees.remove(&tenant)),
            None => kept.mark = None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TenantStorage for MemoryTenants {
    fn list(&self) -> io::Result<Vec<TenantTag>> {
        let kept = self.lock();
        let made = kept.trees.iter().filter(|(_, tree)| !tree.is_empty());
        Ok(made.map(|(tag, _)| *tag).collect())
    }

    fn tree(&self, tenant: TenantTag) -> Arc<dyn TreeStorage> {
        self.of(tenant)
    }

    fn mark(&self) -> io::Result<Option<Mark>> {
        Ok(self.lock().mark)
    }

    fn put_mark(&self, mark: Mark) -> io::Result<()> {
        self.lock().mark = Some(mark);
        Ok(())
    }
}
