//! What follows the ledger for one sink.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gabion_ledger::{Follow, Ledger, Position, ReadError, Record};
use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, random};
use tokio::sync::watch;

use super::{Cursors, Rejected, Report, Sink, SinkError, Tools, blocking};

/// How long a worker goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Until {
    #[default]
    Forever,
    /// Another one takes over: what is being sent is finished, nothing else is begun.
    Replaced,
    /// The ledger is closed: everything that is left is tried once more.
    Taken,
}

pub(super) struct Worker {
    sink: Arc<Sink>,
    tools: Tools,
    ledger: Ledger,
    cursors: Arc<dyn Cursors>,
    until: watch::Receiver<Until>,
}

impl Worker {
    pub(super) fn new(
        sink: &Arc<Sink>,
        tools: &Tools,
        ledger: &Ledger,
        cursors: &Arc<dyn Cursors>,
        until: watch::Receiver<Until>,
    ) -> Self {
        let (sink, cursors) = (Arc::clone(sink), Arc::clone(cursors));
        Self { sink, tools: tools.clone(), ledger: ledger.clone(), cursors, until }
    }

    pub(super) async fn run(mut self) {
        let mut pause = self.tools.pace.first;
        loop {
            let reason = match self.follow().await {
                Ok(()) | Err(None) => return,
                // The ledger or the cursor cannot be read: that may pass.
                Err(Some(reason)) => reason,
            };
            tracing::error!(sink = self.sink.name, reason, "sink stands still");
            self.sink.fails.store(true, Ordering::Relaxed);
            if self.has_to_stop() {
                return;
            }
            self.wait(&mut pause, None).await;
        }
    }

    /// Until the ledger is closed and everything delivered; none where it was told to stop.
    async fn follow(&mut self) -> Result<(), Option<String>> {
        let mut delivered = self.beginning().await.map_err(|error| Some(error.to_string()))?;
        let mut follow = self.ledger.follow(Some(delivered));
        loop {
            let batch = self.batch(&mut follow).await.map_err(|error| Some(error.to_string()))?;
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(()) };
            let (first, last) = (first.position, last.position);
            if first > delivered.next() {
                let missed = first.0.saturating_sub(delivered.next().0);
                tracing::error!(
                    sink = self.sink.name,
                    missed,
                    "records were removed before the sink took them"
                );
            }
            self.insist(batch).await?;
            self.keep(last).await.map_err(|error| Some(error.to_string()))?;
            delivered = last;
        }
    }

    /// Behind which record the sink goes on.
    async fn beginning(&self) -> io::Result<Position> {
        let last = self.ledger.last().unwrap_or(Position(0));
        let (cursors, name) = (Arc::clone(&self.cursors), self.sink.name.clone());
        let kept = blocking(move || cursors.read(&name)).await?;
        match kept {
            Some(kept) if kept <= last => {
                self.sink.delivered.store(kept.0, Ordering::Relaxed);
                return Ok(kept);
            }
            Some(kept) => tracing::error!(
                sink = self.sink.name,
                delivered = kept.0,
                last = last.0,
                "the ledger is shorter than what the sink took; it goes on behind its end"
            ),
            None if self.sink.from_start => {
                self.sink.delivered.store(0, Ordering::Relaxed);
                return Ok(Position(0));
            }
            None => {}
        }
        self.keep(last).await?;
        Ok(last)
    }

    /// At least one record; none at the ledger's end, and where there is to be an end and nothing is left.
    async fn batch(&self, follow: &mut Follow) -> Result<Vec<Record>, ReadError> {
        let (mut batch, mut bytes) = (Vec::new(), 0_usize);
        let (mut replaced, mut ended) = (self.until.clone(), self.until.clone());
        let first = tokio::select! {
            biased;
            _ = replaced.wait_for(|until| *until == Until::Replaced) => None,
            first = next(follow) => first?,
            _ = ended.wait_for(|until| *until == Until::Taken) => None,
        };
        let Some(first) = first else { return Ok(batch) };
        bytes = bytes.saturating_add(weight(&first));
        batch.push(first);
        let more = async {
            while batch.len() < MOST_RECORDS && bytes < MOST_BYTES {
                match next(follow).await {
                    Ok(Some(record)) => {
                        bytes = bytes.saturating_add(weight(&record));
                        batch.push(record);
                    }
                    Ok(None) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let linger = if self.has_to_stop() { Duration::ZERO } else { self.tools.pace.linger };
        // What was read before the time was up is in the batch.
        tokio::time::timeout(linger, more).await.unwrap_or(Ok(()))?;
        Ok(batch)
    }

    /// Until the sink took the batch, or what of it it ever will.
    async fn insist(&mut self, mut batch: Vec<Record>) -> Result<(), Option<String>> {
        let mut pause = self.tools.pace.first;
        while !batch.is_empty() {
            let last_try = self.has_to_stop();
            if *self.until.borrow() == Until::Replaced {
                return Err(None);
            }
            let delivered = self.sink.deliver(&batch, self.tools.clock.now()).await;
            let failed = delivered.is_err();
            if self.sink.fails.swap(failed, Ordering::Relaxed) && !failed {
                tracing::info!(sink = self.sink.name, "sink takes records again");
            }
            let asked = match delivered {
                Ok(Report { left, pause: asked, rejected }) => {
                    self.leave_out(&batch, &rejected).await.map_err(Some)?;
                    let before = batch.len();
                    batch = self.advance(batch, &left).await.map_err(|error| Some(error.to_string()))?;
                    if batch.len() < before && asked.is_none() {
                        pause = self.tools.pace.first;
                        continue;
                    }
                    asked
                }
                Err(error) => {
                    let records = batch.len();
                    tracing::warn!(sink = self.sink.name, %error, records, "records not delivered yet");
                    if let SinkError::Status(_, asked) = error { asked } else { None }
                }
            };
            if !batch.is_empty() {
                if last_try {
                    return Err(None);
                }
                self.wait(&mut pause, asked).await;
            }
        }
        Ok(())
    }

    /// What comes again. What was taken before the first of it is kept.
    async fn advance(&self, batch: Vec<Record>, left: &[usize]) -> io::Result<Vec<Record>> {
        let Some(first) = left.first() else { return Ok(Vec::new()) };
        if let Some(taken) = first.checked_sub(1).and_then(|place| batch.get(place)) {
            self.keep(taken.position).await?;
        }
        let again = batch.into_iter().enumerate().filter(|(place, _)| left.binary_search(place).is_ok());
        Ok(again.map(|(_, record)| record).collect())
    }

    /// Records that some records will never be taken; without that record they are not left out. What only says so itself is
    /// left out without another, or a sink that takes nothing would write the ledger for ever.
    async fn leave_out(&self, batch: &[Record], rejected: &[Rejected]) -> Result<(), String> {
        for rejected in rejected {
            let Rejected { first, last, count, reason } = rejected;
            self.sink.rejected.fetch_add(*count, Ordering::Relaxed);
            let mut named = batch.iter().filter(|record| (*first..=*last).contains(&record.position));
            if named.all(|record| record.event.action == REJECTED) {
                continue;
            }
            tracing::error!(
                sink = self.sink.name,
                first = first.0,
                last = last.0,
                count,
                reason,
                "sink rejects records"
            );
            let (kind, control) = (EventKind::Configuration, ControlId::LEDGER_SHIPPING);
            let now = self.tools.clock.now();
            let mut event = Event::new(now, kind, REJECTED, Actor::Gate, Outcome::Failure, control);
            event.resource.clone_from(&self.sink.name);
            event.reason = Some(reason.clone());
            event.metadata.insert("first".to_owned(), first.to_string());
            event.metadata.insert("last".to_owned(), last.to_string());
            event.count = *count;
            self.ledger.record(event).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn keep(&self, delivered: Position) -> io::Result<()> {
        let (cursors, name) = (Arc::clone(&self.cursors), self.sink.name.clone());
        blocking(move || cursors.write(&name, delivered)).await?;
        self.sink.delivered.store(delivered.0, Ordering::Relaxed);
        Ok(())
    }

    /// Between half and all of the pause, which is longer the next time, and no less than the server asks for. Ends at once
    /// when there is to be an end.
    async fn wait(&mut self, pause: &mut Duration, asked: Option<Duration>) {
        let share = f64::from(u32::from_be_bytes(random::bytes(&*self.tools.rng))) / f64::from(u32::MAX);
        let now = pause.mul_f64(0.5 + share / 2.0).max(asked.unwrap_or_default());
        *pause = pause.saturating_mul(2).min(self.tools.pace.longest);
        tokio::select! {
            () = tokio::time::sleep(now) => {}
            _ = self.until.wait_for(|until| *until != Until::Forever) => {}
        }
    }

    fn has_to_stop(&self) -> bool {
        // Whoever could say so is gone, or has said it.
        self.until.has_changed().is_err() || *self.until.borrow() != Until::Forever
    }
}

/// The next record this version can read.
async fn next(follow: &mut Follow) -> Result<Option<Record>, ReadError> {
    loop {
        match follow.next().await {
            Err(error @ ReadError::Unknown { .. }) => tracing::warn!(%error, "record not delivered"),
            other => return other,
        }
    }
}

/// About how many bytes a record is.
fn weight(record: &Record) -> usize {
    let event = &record.event;
    let texts = [event.resource.len(), event.user_agent.as_ref().map_or(0, String::len)];
    let metadata = event.metadata.iter().map(|(key, value)| key.len().saturating_add(value.len()));
    let texts = texts.into_iter().chain([event.reason.as_ref().map_or(0, String::len)]).chain(metadata);
    texts.fold(1024, usize::saturating_add)
}

/// What says that a sink will never take some records.
const REJECTED: &str = "sink.rejected";
/// In one batch.
const MOST_RECORDS: usize = 500;
const MOST_BYTES: usize = 1 << 20;
