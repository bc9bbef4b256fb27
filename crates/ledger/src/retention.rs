//! Whether a segment whose time has come may be removed: nothing holds it, and where there is an archive, it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::hold::Holds;
use crate::{SegmentId, SegmentSource, archive};

/// What the writer asks before it removes a segment. Shared with whoever archives and holds.
#[derive(Debug)]
pub struct Retention {
    holds: Arc<Holds>,
    source: Arc<dyn SegmentSource>,
    /// Whether segments are removed only once they are archived.
    archives: bool,
    /// Segments up to this are in the archive.
    archived: AtomicU64,
}

impl Retention {
    #[must_use]
    pub fn new(holds: Arc<Holds>, source: Arc<dyn SegmentSource>, archives: bool) -> Self {
        Self { holds, source, archives, archived: AtomicU64::new(0) }
    }

    #[must_use]
    pub const fn holds(&self) -> &Arc<Holds> {
        &self.holds
    }

    /// Every segment up to this one is in the archive.
    pub fn set_archived(&self, segment: SegmentId) {
        self.archived.store(segment.0, Ordering::SeqCst);
    }

    /// Whether it may go. What cannot be told may not.
    pub(crate) fn may_remove(&self, segment: SegmentId) -> bool {
        if self.archives && self.archived.load(Ordering::SeqCst) < segment.0 {
            return false;
        }
        if self.holds.is_empty() {
            return true;
        }
        let before = SegmentId(segment.0.saturating_sub(1));
        match archive::closed_from(&self.source, before) {
            Ok(Some(closed)) if closed.segment == segment => match self.holds.keeping(&closed) {
                Some(hold) => {
                    tracing::debug!(segment = segment.0, hold, "ledger segment held");
                    false
                }
                None => true,
            },
            // Without a record.
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(segment = segment.0, %error, "ledger segment kept, it cannot be read");
                false
            }
        }
    }
}
