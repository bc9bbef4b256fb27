//! Reading along while the ledger is written.

use std::sync::Arc;

use tokio::sync::watch;

use crate::keys::Opener;
use crate::reader::{Forwards, Reader};
use crate::scan::Durable;
use crate::{Position, ReadError, Record, SegmentSource};

/// A subscription to the ledger: every record from a place on, each once, in order.
#[derive(Debug)]
pub struct Follow {
    source: Arc<dyn SegmentSource>,
    durable: watch::Receiver<Option<Durable>>,
    /// The number of the next record.
    next: Position,
    walk: Option<Forwards>,
    opener: Opener,
}

impl Follow {
    pub(crate) fn new(
        source: Arc<dyn SegmentSource>,
        durable: watch::Receiver<Option<Durable>>,
        after: Option<Position>,
        opener: Opener,
    ) -> Self {
        let last = durable.borrow().map_or(Position(1), |durable| durable.next);
        Self { source, durable, next: after.map_or(last, Position::next), walk: None, opener }
    }

    /// The next record, awaited; none when the ledger was closed and everything was read. Reads a
    /// chunk of a file now and then. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let durable = *self.durable.borrow_and_update();
            if let Some(record) = self.read(durable)? {
                return Ok(Some(record));
            }
            if self.durable.changed().await.is_err() {
                let durable = *self.durable.borrow();
                return self.read(durable);
            }
        }
    }

    fn read(&mut self, durable: Option<Durable>) -> Result<Option<Record>, ReadError> {
        if durable.is_none_or(|durable| durable.next <= self.next) {
            return Ok(None);
        }
        let reader = Reader::up_to(Arc::clone(&self.source), durable, self.opener.clone());
        if self.walk.is_none() {
            self.walk = Some(Forwards::begin(&reader, Some(self.next))?);
        }
        let Some(found) = self.walk.as_mut().map(|walk| walk.next(&reader)).transpose()?.flatten() else {
            return Ok(None);
        };
        self.next = found.position.next();
        reader.decode(found).map(Some)
    }
}
