//! How upstreams are doing: what connecting shows (passive) and what asking shows (active).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use http::{Method, Request, header};
use tokio::time::{Instant, MissedTickBehavior, timeout};

use crate::body::RequestBody;
use crate::gate::Shared;
use crate::upstream::exchange::Exchange;
use crate::upstream::{Target, Wire, connect};

/// Failures in a row, by either way of looking.
#[derive(Debug, Default)]
pub(crate) struct Health {
    connects_failed: AtomicU32,
    questions_failed: AtomicU32,
}

impl Health {
    /// Reachable as far as is known. A new upstream is given the benefit of the doubt.
    pub(crate) fn is_well(&self) -> bool {
        self.connects_failed.load(Relaxed) < TOLERATED && self.questions_failed.load(Relaxed) < TOLERATED
    }

    pub(crate) fn connected(&self, well: bool) {
        note(&self.connects_failed, well);
    }
}

fn note(failures: &AtomicU32, well: bool) {
    if well {
        if failures.load(Relaxed) != 0 {
            failures.store(0, Relaxed);
        }
    } else {
        failures.fetch_add(1, Relaxed);
    }
}

/// Asks every upstream that wants to be asked, until the gate stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(STEP);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut due: Vec<(Arc<Target>, Instant)> = Vec::new();
    loop {
        let now = interval.tick().await;
        let live = shared.live();
        due.retain(|(target, _)| live.targets.iter().any(|kept| Arc::ptr_eq(kept, target)));
        for target in live.targets.iter() {
            let Some(settings) = &target.settings.health else { continue };
            let next = now.checked_add(settings.interval.as_duration()).unwrap_or(now);
            match due.iter_mut().find(|(known, _)| Arc::ptr_eq(known, target)) {
                Some((_, at)) if *at > now => continue,
                Some((_, at)) => *at = next,
                None => due.push((Arc::clone(target), next)),
            }
            let target = Arc::clone(target);
            let (path, period) = (settings.path.clone(), settings.timeout.as_duration());
            tokio::spawn(async move {
                let well = timeout(period, ask(&target, &path)).await.unwrap_or(false);
                note(&target.health.questions_failed, well);
            });
        }
    }
}

async fn ask(target: &Target, path: &str) -> bool {
    // HTTP/2 is asked by connecting: the handshake shows that somebody serves.
    let Ok(stream) = connect::stream(target).await else { return false };
    if target.settings.http2 {
        return true;
    }
    let request = Request::builder()
        .method(Method::GET)
        .uri(path)
        .header(header::HOST, target.origin.to_string())
        .header(header::USER_AGENT, "gabion-health")
        .body(());
    let Ok(request) = request else { return false };
    let (head, ()) = request.into_parts();
    let mut exchange = Exchange::new(Wire::new(stream), &head, RequestBody::empty(), None, false);
    let answer = std::future::poll_fn(|cx| exchange.poll_head(cx, MAX_HEAD)).await;
    answer.is_ok_and(|answer| answer.parts.status.as_u16() < 400)
}

/// Failures in a row before an upstream counts as not well.
const TOLERATED: u32 = 3;
/// How often is looked who is to be asked.
const STEP: Duration = Duration::from_millis(250);
const MAX_HEAD: usize = 64 * 1024;
