//! What recording costs the caller's processor, and verifying beside SHA-256 alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gabion_ledger::verify::verify;
use gabion_ledger::{Reader, SegmentSource, TreeStorage};
use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Secret, Timestamp};
use gabion_store::{SegmentFiles, TreeFiles};
use gabion_tlog::note::Purpose;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Note, SigningKey};
use serde_json::Value;

use crate::load::{event, open};
use crate::{Failure, row};

const EVENTS: u64 = 100_000;
/// What a caller may spend, in microseconds.
const GOAL: f64 = 2.0;

pub(crate) fn measure(folder: &Path, rows: &mut Vec<Value>) -> Result<(), Failure> {
    let folder = folder.join("cost");
    let ledger = open(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;

    // Refusals as the path of a request counts them, each made beforehand; and events that somebody waits for.
    let refusals: Vec<Event> = (0..EVENTS).map(refusal).collect();
    let begun = thread_time();
    refusals.into_iter().for_each(|refusal| ledger.observe(refusal));
    let observed = (thread_time() - begun) / EVENTS as f64;
    rows.push(row("observe-cpu", "us", observed, "goal", GOAL));

    let events: Vec<Event> = (0..EVENTS).map(event).collect();
    let mut bytes = 0;
    for event in &events {
        bytes += serde_json::to_vec(event)?.len() + 48;
    }
    let spent = runtime.block_on(async {
        let mut spent = 0.0;
        for some in events.chunks(2048) {
            let mut waiting = tokio::task::JoinSet::new();
            for event in some.iter().cloned() {
                let ledger = ledger.clone();
                waiting.spawn(async move { ledger.record(event).await.map(drop) });
            }
            let begun = thread_time();
            let all = waiting.join_all().await;
            spent += thread_time() - begun;
            all.into_iter().collect::<Result<(), _>>()?;
        }
        Ok::<_, Failure>(spent)
    })?;
    rows.push(row("record-cpu", "us", spent / EVENTS as f64, "goal", GOAL));
    runtime.block_on(ledger.close())?;

    let source = Arc::new(SegmentFiles::open(&folder)?) as Arc<dyn SegmentSource>;
    let tiles = Arc::new(TreeFiles::open(&folder.join("tree"))) as Arc<dyn TreeStorage>;
    let key = SigningKey::new("bench", Purpose::Log, &Secret::new([7; 32]))?;
    let note = Note::parse(&tiles.checkpoint()?.ok_or("no checkpoint")?)?;
    let trust = Trust::in_log(key.verifying().clone());
    let begun = Instant::now();
    let verified = verify(&Reader::open(source)?, Some(&tiles), &trust, &note, &[], |_| {})?;
    let ours = bytes as f64 / 1e6 / begun.elapsed().as_secs_f64();
    let (same, each) = (vec![7; bytes / verified.size as usize], verified.size);
    let begun = Instant::now();
    for _ in 0..each {
        std::hint::black_box(gabion_vault::sha256(std::hint::black_box(&same)));
    }
    let hashed = bytes as f64 / 1e6 / begun.elapsed().as_secs_f64();
    rows.push(row("verify", "MB/s", ours, "sha256", hashed));
    Ok(())
}

/// Of a few hundred kinds, as a flood is.
fn refusal(number: u64) -> Event {
    let (kind, control) = (EventKind::Refusal, ControlId::AUTHZ_DECLARED_ROUTES);
    let time = Timestamp::from_secs(1_780_000_000);
    let mut event = Event::new(time, kind, "request.refused", Actor::Anonymous, Outcome::Failure, control);
    event.resource = format!("/orders{}/{number}", number % 20);
    event.address = Some(std::net::Ipv4Addr::from(0x0a00_0000 + (number % 4096) as u32).into());
    event.user_agent = Some("curl/8.5.0".to_owned());
    event
}

/// Processor time of this thread, in microseconds.
fn thread_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}
