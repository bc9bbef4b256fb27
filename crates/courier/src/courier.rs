//! The queue and whoever works it off.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_model::outbound::{Letter, MailError, Mailer};
use gabion_model::{Clock, Rng};
use lettre::message::Mailbox;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::message::compose;
use crate::settings::{MailSettings, MailTransport};
use crate::transport::{DeliveryError, SetupError, Transport};

/// Takes letters and sees to their delivery. Cheap to clone.
#[derive(Clone)]
pub struct Courier(Arc<Inner>);

struct Inner {
    /// None where no letter leaves.
    post: Option<Post>,
    queue: mpsc::Sender<Letter>,
    /// Taken by [`Courier::start`].
    waiting: Mutex<Option<mpsc::Receiver<Letter>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
    counters: Counters,
}

/// What a delivery needs.
struct Post {
    transport: Transport,
    from: Mailbox,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    active: Semaphore,
}

#[derive(Default)]
struct Counters {
    inside: AtomicUsize,
    sent: AtomicU64,
    dead: AtomicU64,
}

/// What became of the letters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for their first or next try.
    pub waiting: usize,
    pub sent: u64,
    /// Given up.
    pub dead: u64,
}

impl Courier {
    /// Reads what the transport needs. Nothing is connected yet, and nothing leaves before
    /// [`start`](Self::start).
    ///
    /// # Errors
    /// When a file cannot be read or TLS cannot be set up.
    pub fn new(
        settings: &MailSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, SetupError> {
        let post = if settings.transport == MailTransport::Off {
            None
        } else {
            let address = settings.from.parse().map_err(|_| SetupError::From)?;
            let name = Some(settings.from_name.clone()).filter(|name| !name.is_empty());
            let (from, transport) = (Mailbox::new(name, address), Transport::new(settings)?);
            Some(Post { transport, from, clock, rng, active: Semaphore::new(AT_ONCE) })
        };
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        Ok(Self(Arc::new(Inner {
            post,
            queue,
            waiting: Mutex::new(Some(waiting)),
            worker: Mutex::default(),
            stop: watch::channel(false).0,
            counters: Counters::default(),
        })))
    }

    /// Works the queue off on the current tokio runtime from now on.
    pub fn start(&self) {
        let Some(waiting) = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let worker = tokio::spawn(work(self.clone(), waiting));
        *self.0.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
    }

    /// One try with one letter, now: for whoever wants to know whether letters leave.
    ///
    /// # Errors
    /// Why it did not.
    pub async fn deliver(&self, letter: &Letter) -> Result<(), DeliveryError> {
        let post = self.0.post.as_ref().ok_or(DeliveryError::NotConfigured)?;
        let message = compose(letter, &post.from, post.clock.now(), &*post.rng)?;
        post.transport.deliver(message, post.clock.now(), &*post.rng).await
    }

    /// Whether letters could leave: connects, secures the connection, greets and signs in; sends nothing.
    ///
    /// # Errors
    /// Why they could not.
    pub async fn probe(&self) -> Result<(), DeliveryError> {
        let post = self.0.post.as_ref().ok_or(DeliveryError::NotConfigured)?;
        post.transport.probe().await
    }

    /// Takes no more letters and gives those that wait one more try, for at most `deadline`.
    pub async fn close(&self, deadline: Duration) {
        self.0.stop.send_replace(true);
        let worker = self.0.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut worker) = worker
            && tokio::time::timeout(deadline, &mut worker).await.is_err()
        {
            worker.abort();
        }
        let left = self.counts().waiting;
        if left > 0 {
            tracing::warn!(letters = left, "letters not delivered before the end");
        }
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        let Counters { inside, sent, dead } = &self.0.counters;
        Counts {
            waiting: inside.load(Ordering::Relaxed),
            sent: sent.load(Ordering::Relaxed),
            dead: dead.load(Ordering::Relaxed),
        }
    }
}

impl Mailer for Courier {
    fn send(&self, letter: Letter) -> Result<(), MailError> {
        let inner = &self.0;
        if inner.post.is_none() {
            return Err(MailError::NotConfigured);
        }
        let full = || {
            tracing::warn!("letter not taken, too many are waiting");
            MailError::QueueFull
        };
        if *inner.stop.borrow() {
            return Err(full());
        }
        let taken = inner.counters.inside.fetch_update(Ordering::AcqRel, Ordering::Acquire, |inside| {
            (inside < MOST_WAITING).then(|| inside.saturating_add(1))
        });
        taken.map_err(|_| full())?;
        if inner.queue.try_send(letter).is_err() {
            inner.counters.inside.fetch_sub(1, Ordering::AcqRel);
            return Err(full());
        }
        Ok(())
    }

    fn is_configured(&self) -> bool {
        self.0.post.is_some()
    }
}

/// Delivers what comes until it is told to stop, and then what is left.
async fn work(courier: Courier, mut waiting: mpsc::Receiver<Letter>) {
    let mut stop = courier.0.stop.subscribe();
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            letter = waiting.recv() => match letter {
                Some(letter) => drop(under_way.spawn(see_to(courier.clone(), letter))),
                None => break,
            },
            Some(_) = under_way.join_next() => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    waiting.close();
    while let Ok(letter) = waiting.try_recv() {
        under_way.spawn(see_to(courier.clone(), letter));
    }
    while under_way.join_next().await.is_some() {}
}

/// Tries until it is delivered or given up.
async fn see_to(courier: Courier, letter: Letter) {
    let counters = &courier.0.counters;
    let mut stop = courier.0.stop.subscribe();
    let mut pauses = PAUSES.iter();
    loop {
        let last = *stop.borrow();
        let tried = match &courier.0.post {
            Some(post) => {
                let _turn = post.active.acquire().await;
                courier.deliver(&letter).await
            }
            None => Err(DeliveryError::NotConfigured),
        };
        let error = match tried {
            Ok(()) => {
                counters.sent.fetch_add(1, Ordering::Relaxed);
                break;
            }
            Err(error) => error,
        };
        let pause = pauses.next().filter(|_| error.is_transient() && !last);
        let Some(pause) = pause else {
            counters.dead.fetch_add(1, Ordering::Relaxed);
            // Neither to whom nor what: the log is read by others.
            tracing::error!(%error, "letter given up");
            break;
        };
        tracing::warn!(%error, again_in = pause.as_secs(), "letter not delivered yet");
        tokio::select! {
            () = tokio::time::sleep(*pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    counters.inside.fetch_sub(1, Ordering::AcqRel);
}

impl fmt::Debug for Courier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Courier").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// More letters than this are refused: a flood fills no memory.
const MOST_WAITING: usize = 1000;
/// Connections to the mail server at a time.
const AT_ONCE: usize = 4;
/// Before each next try: links live for an hour.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(4 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(30 * 60),
];
