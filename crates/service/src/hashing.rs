//! Bounded password hashing: a flood of sign-ins costs a bounded amount of processor and memory and
//! is told to come back later; everything else goes on (CWE-400).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// At most `workers` computations at a time and `queue` waiting; more is refused at once.
#[derive(Clone)]
pub(crate) struct Workers(Arc<Inner>);

struct Inner {
    workers: Arc<Semaphore>,
    /// Waiting or running.
    inside: AtomicUsize,
    bound: usize,
}

/// Every worker has work and the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all password hashing workers are busy")]
pub(crate) struct Overloaded;

impl Workers {
    #[must_use]
    pub(crate) fn new(workers: usize, queue: usize) -> Self {
        let workers = workers.max(1);
        Self(Arc::new(Inner {
            workers: Arc::new(Semaphore::new(workers)),
            inside: AtomicUsize::new(0),
            bound: workers.saturating_add(queue),
        }))
    }

    /// Takes a place now, so that whoever holds one is sure to be served.
    ///
    /// # Errors
    /// [`Overloaded`] when every place is taken.
    pub(crate) fn place(&self) -> Result<Place, Overloaded> {
        let taken = self.0.inside.fetch_update(Ordering::AcqRel, Ordering::Acquire, |inside| {
            (inside < self.0.bound).then(|| inside.saturating_add(1))
        });
        taken.map(|_| Place(Arc::clone(&self.0))).map_err(|_| Overloaded)
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Workers")
            .field("inside", &self.0.inside.load(Ordering::Relaxed))
            .field("bound", &self.0.bound)
            .finish_non_exhaustive()
    }
}

/// A place in the queue or at a worker; given back on drop.
pub(crate) struct Place(Arc<Inner>);

impl Place {
    /// Computes off the runtime's thread when a worker is free.
    ///
    /// # Errors
    /// [`Overloaded`] when the computation could not be run at all (the runtime is stopping).
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let worker = Arc::clone(&self.0.workers).acquire_owned().await.map_err(|_| Overloaded)?;
        // Place and worker travel with the work: a caller who goes away does not free them early.
        tokio::task::spawn_blocking(move || {
            let _held = (self, worker);
            work()
        })
        .await
        .map_err(|_| Overloaded)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Place")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn overflow_is_refused_and_places_come_back() {
        let workers = Workers::new(1, 1);
        let (release, gate) = mpsc::channel::<()>();
        let running = tokio::spawn(workers.place().unwrap().run(move || gate.recv().is_ok()));
        let queued = tokio::spawn(workers.place().unwrap().run(|| true));

        assert!(workers.place().is_err());

        release.send(()).unwrap();
        assert!(running.await.unwrap().unwrap() && queued.await.unwrap().unwrap());
        assert!(workers.place().is_ok());
    }

    #[tokio::test]
    async fn a_panic_in_the_work_gives_the_place_back() {
        let workers = Workers::new(1, 0);
        assert!(workers.place().unwrap().run(|| panic!("work failed")).await.is_err());
        assert_eq!(workers.place().unwrap().run(|| 7).await, Ok(7));
    }
}
