//! How long what streams may go on: as long as what it was authorized by lives, and not a moment longer.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use gabion_checks::Life;
use gabion_model::{Clock, Timestamp};

/// What a stream was authorized by, and the clock its end is read from.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    life: Life,
    clock: Arc<dyn Clock>,
}

impl Lease {
    pub(crate) fn new(life: Life, clock: &Arc<dyn Clock>) -> Self {
        Self { life, clock: Arc::clone(clock) }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.life.is_over(self.clock.now())
    }

    /// Resolves when it is over.
    pub(crate) async fn over(&self) {
        self.life.over(|moment| reached(&*self.clock, moment)).await;
    }

    /// Whoever says something is not idle.
    pub(crate) fn touch(&self) {
        self.life.touch(self.clock.now());
    }
}

/// Resolves when `moment` has come. Looked at again now and then, since clocks are set and machines sleep.
async fn reached(clock: &dyn Clock, moment: Timestamp) {
    if moment == Timestamp::from_micros(i64::MAX) {
        pending::<()>().await;
    }
    loop {
        let left = moment.saturating_since(clock.now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST)).await;
    }
}

const LONGEST: Duration = Duration::from_secs(60);
