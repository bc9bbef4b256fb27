//! The ledger as a gate opens it, and callers that record and wait.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gabion_ledger::{Keys, Ledger, Protection, RecordSealing, Seal, Settings};
use gabion_model::{
    AccountId, Actor, ControlId, Event, EventKind, Outcome, RequestId, Secret, SystemClock, Timestamp,
};
use gabion_store::{IndexFiles, SegmentFiles, TreeFiles};
use gabion_tlog::SigningKey;
use gabion_tlog::note::Purpose;
use gabion_vault::SystemRng;

use crate::{Failure, Peer};

/// What one turn came to; times in microseconds.
pub(crate) struct Took {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Took {
    pub(crate) fn of(events: usize, elapsed: Duration, mut waits: Vec<f64>) -> Self {
        waits.sort_by(f64::total_cmp);
        let at = |share: f64| waits.get((waits.len() as f64 * share) as usize).copied().unwrap_or(0.0);
        Self { per_second: events as f64 / elapsed.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    }
}

pub(crate) fn open(folder: &Path) -> Result<Ledger, Failure> {
    let rng = Arc::new(SystemRng::new());
    let keys = Arc::new(Keys::parse("bench", &Keys::generate(&*rng))?);
    let key = SigningKey::new("bench", Purpose::Log, &Secret::new([7; 32]))?;
    let seal = Seal { key, storage: Arc::new(TreeFiles::open(&folder.join("tree"))) };
    let protection = Protection {
        seal: Some(seal),
        records: Some(RecordSealing { keys, rng, subjects: None }),
        ..Protection::default()
    };
    let storage = Arc::new(SegmentFiles::open(folder)?);
    let (ledger, _) =
        Ledger::open_protected(storage, &Settings::default(), Arc::new(SystemClock), protection)?;
    Ok(ledger.with_indexes(Arc::new(IndexFiles::open(&folder.join("index")))))
}

/// An event as they come: sign-ins, refusals, administration, of a thousand people and five thousand addresses.
pub(crate) fn event(number: u64) -> Event {
    let kinds = [
        (EventKind::Refusal, "request.refused", Outcome::Failure, ControlId::AUTHZ_DECLARED_ROUTES),
        (EventKind::Refusal, "request.refused", Outcome::Failure, ControlId::WEB_CSRF),
        (EventKind::Login, "login", Outcome::Success, ControlId::AUTHN_LOGIN_THROTTLE),
        (EventKind::Login, "login", Outcome::Failure, ControlId::AUTHN_LOGIN_THROTTLE),
        (EventKind::Application, "order.paid", Outcome::Success, ControlId::LEDGER_ADMIN_ACTS),
    ];
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    let (kind, action, outcome, control) = kinds[(mixed % 5) as usize];
    let person = format!("person-{}", mixed / 5 % 1000);
    let actor = match mixed / 5000 % 3 {
        0 => Actor::Anonymous,
        _ => Actor::Account { id: AccountId::new(&format!("0{person}0")), name: person, session: None },
    };
    let time = Timestamp::from_micros(1_780_000_000_000_000 + number as i64 * 1_000);
    let mut event = Event::new(time, kind, action, actor, outcome, control);
    event.resource = format!("/orders/{}", mixed % 20_011);
    event.address = Some(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + (mixed % 5003) as u32)));
    event.user_agent =
        Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned());
    let id = [&number.to_be_bytes()[..], &[7; 4]].concat();
    event.request_id = Some(RequestId::from_bytes(id.try_into().unwrap_or([0; 12])));
    event
}

/// The ledger, and a runtime with so many callers.
pub(crate) struct Gabion {
    ledger: Ledger,
    runtime: tokio::runtime::Runtime,
}

impl Gabion {
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        let ledger = open(&folder.join("gabion"))?;
        Ok(Self { ledger, runtime: tokio::runtime::Builder::new_current_thread().build()? })
    }
}

impl Peer for Gabion {
    fn name(&self) -> &'static str {
        "gabion"
    }

    /// As many callers as a batch has events, each with one event on its way. As with the others, events are made outside of
    /// the time that is taken.
    fn run(&mut self, batch: usize, time: Duration) -> Result<Took, Failure> {
        let (mut waits, mut spent, mut number) = (Vec::new(), Duration::ZERO, 0);
        while spent < time {
            let callers: Vec<Vec<Event>> = (0..batch)
                .map(|_| {
                    let first = number;
                    number += EACH;
                    (first..number).map(event).collect()
                })
                .collect();
            let begun = Instant::now();
            let took = self.runtime.block_on(async {
                let mut running = tokio::task::JoinSet::new();
                for events in callers {
                    let ledger = self.ledger.clone();
                    running.spawn(async move {
                        let mut waits = Vec::with_capacity(EACH as usize);
                        for event in events {
                            let asked = Instant::now();
                            ledger.record(event).await.map_err(|error| error.to_string())?;
                            waits.push(asked.elapsed().as_secs_f64() * 1e6);
                        }
                        Ok::<_, String>(waits)
                    });
                }
                running.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()
            })?;
            spent += begun.elapsed();
            waits.extend(took.into_iter().flatten());
        }
        Ok(Took::of(waits.len(), spent, waits))
    }
}

/// Events of one caller between two looks at the time.
const EACH: u64 = 1000;
