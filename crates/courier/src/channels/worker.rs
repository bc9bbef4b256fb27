//! One channel: what waits for it is told in order, again and again until it was, and the ledger says what became of it.

use std::sync::Arc;
use std::time::Duration;

use gabion_alert::{Change, Desk, Notice, Told};
use gabion_ledger::Ledger;
use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Severity, Timestamp};
use tokio::sync::watch;

use super::{Channel, Inner};

/// Tells what waits for one channel.
pub(super) struct Worker {
    channel: Arc<Channel>,
    inner: Arc<Inner>,
    desk: Arc<Desk>,
    ledger: Ledger,
    stop: watch::Receiver<bool>,
}

impl Worker {
    pub(super) fn new(channel: Arc<Channel>, inner: Arc<Inner>, desk: Arc<Desk>, ledger: Ledger) -> Self {
        let stop = inner.stop.subscribe();
        Self { channel, inner, desk, ledger, stop }
    }

    pub(super) async fn run(mut self) {
        let mut changes = self.desk.changes();
        // Not before: the channel asked for it, and it means all messages.
        let mut pause: Option<Timestamp> = None;
        while !*self.stop.borrow() {
            changes.borrow_and_update();
            let name = &self.channel.settings.name;
            let now = self.inner.clock.now();
            pause = pause.filter(|until| now < *until);
            if let Some(notice) = self.desk.due(name, now).filter(|_| pause.is_none()) {
                match self.tell(&notice).await {
                    Ok(until) => pause = until,
                    // Ledger or storage: that may pass.
                    Err(()) => tokio::time::sleep(UNKEPT).await,
                }
                continue;
            }
            let due = self.desk.next_due(name).max(pause);
            let until = due.map_or(IDLE, |due| due.saturating_since(now));
            tokio::select! {
                () = tokio::time::sleep(until.clamp(Duration::from_millis(10), IDLE)) => {}
                changed = changes.changed() => if changed.is_err() { return },
                _ = self.stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// One try. Until when nothing more is to be told here, if the channel asked for that.
    async fn tell(&self, notice: &Notice) -> Result<Option<Timestamp>, ()> {
        let name = &self.channel.settings.name;
        let tried = self.channel.deliver(notice, &self.inner).await;
        let (told, reason) = match &tried {
            Ok(()) => (Told::Delivered, None),
            Err(error) => (error.told(), Some(error.to_string())),
        };
        let now = self.inner.clock.now();
        let change = Desk::outcome(notice, &told, now);
        let ring = match &tried {
            Ok(()) => {
                if self.desk.works(name, now) {
                    tracing::info!(channel = name, "channel takes alerts again");
                }
                false
            }
            Err(error) => self.desk.fails(name, &error.to_string(), error.is_lasting(), now),
        };
        if let Some(reason) = &reason {
            tracing::warn!(
                channel = name,
                reason,
                tries = notice.tries.saturating_add(1),
                "alert not delivered"
            );
        }
        let event = match change {
            Change::Delivered => Some(notice.ended(Ok(()), now)),
            Change::GivenUp => {
                tracing::error!(channel = name, "alert given up");
                Some(notice.ended(Err(reason.as_deref().unwrap_or_default()), now))
            }
            Change::Again { .. } => None,
        };
        if ring || change == Change::GivenUp {
            self.record(self.alarm(reason.unwrap_or_default())).await?;
        }
        if let Some(event) = event {
            self.record(event).await?;
        }
        let (desk, own) = (Arc::clone(&self.desk), notice.clone());
        match tokio::task::spawn_blocking(move || desk.told(&own, change, now)).await {
            Ok(Ok(())) => {
                if !matches!(change, Change::Again { .. }) {
                    self.channel.forget(notice);
                }
                Ok(match (change, told) {
                    (Change::Again { at, .. }, Told::Failed { again_in: Some(_) }) => Some(at),
                    _ => None,
                })
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "what was told is not kept, it is told again");
                Err(())
            }
            Err(error) => {
                tracing::error!(%error, "what was told is not kept, it is told again");
                Err(())
            }
        }
    }

    async fn record(&self, event: Event) -> Result<(), ()> {
        let recorded = self.ledger.record(event).await;
        recorded.map(drop).map_err(|error| tracing::error!(%error, "what became of an alert is not recorded"))
    }

    /// An alert that this channel fails. It goes to the others: `channel` says which it is about.
    fn alarm(&self, reason: String) -> Event {
        let (now, control) = (self.inner.clock.now(), ControlId::WATCH_ALERTS);
        let mut event =
            Event::new(now, EventKind::Alert, "alert.raised", Actor::Gate, Outcome::Success, control);
        let name = &self.channel.settings.name;
        FAILING.clone_into(&mut event.resource);
        event.severity = Some(Severity::High);
        event.reason = Some(format!("The channel {name} does not take alerts: {reason}"));
        event.metadata.insert("rule".to_owned(), FAILING.to_owned());
        event.metadata.insert("group.channel".to_owned(), name.clone());
        event
    }
}

/// The rule of alerts about channels.
const FAILING: &str = "alert-channel-failing";
/// Without anything to tell, the desk is looked at so often.
const IDLE: Duration = Duration::from_secs(30);
/// Before what could not be kept is tried again.
const UNKEPT: Duration = Duration::from_secs(5);
