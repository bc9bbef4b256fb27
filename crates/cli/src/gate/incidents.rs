//! Incidents of a running gate: a thread of its own that opens them for alerts and reminds of what is due.
//!
//! It follows the ledger behind the last record it looked at, which is kept: an alert that rang while the gate stopped opens its
//! incident at the next start, once. Where an incident cannot be recorded or kept, the same alert is tried again.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gabion_incident::procedure::{self, Source};
use gabion_incident::{Procedures, pack};
use gabion_ledger::{Ledger, Position, ReadError, TreeStorage};
use gabion_model::{EventKind, Problem};
use gabion_service::incidents::{Desk, IncidentError};
use gabion_service::{ActError, Service};
use gabion_store::sqlite::Database;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::config::Config;
use crate::failure::Failure;

/// The procedures of a configuration: those of the program and the team's own.
///
/// # Errors
/// Everything that is wrong, at `incidents.procedures`.
pub(crate) fn procedures(config: &Config) -> Result<Procedures, Vec<Problem>> {
    let place = "incidents.procedures";
    let mut sources = pack::sources();
    if let Some(path) = &config.incidents.procedures {
        let unreadable = |error: io::Error| {
            let reason = format!("cannot read `{}`: {error}", path.display());
            vec![Problem::new(place, reason).hint("a folder with `*.toml` files")]
        };
        sources.extend(own(path).map_err(unreadable)?);
    }
    Procedures::load(&sources).map_err(|problems| {
        let placed =
            |problem: Problem| Problem::new(place, format!("`{}`: {}", problem.path, problem.reason));
        problems.into_iter().map(placed).collect()
    })
}

fn own(folder: &Path) -> io::Result<Vec<Source>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".toml") && !name.starts_with('.') {
            paths.push(path);
        }
        if paths.len() > procedure::FILES {
            return Err(io::Error::other(format!("more than {} files", procedure::FILES)));
        }
    }
    paths.sort();
    let read = |path: &PathBuf| {
        // A pipe would be waited for.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other(format!("`{}` is no file", path.display())));
        }
        let mut text = String::new();
        fs::File::open(path)?.take(procedure::FILE as u64 + 1).read_to_string(&mut text)?;
        Ok(Source { file: path.display().to_string(), text })
    };
    paths.iter().map(read).collect()
}

/// Where incidents are kept and by which rules.
pub(crate) fn desk(
    config: &Config,
    database: &Database,
    tree: Arc<dyn TreeStorage>,
) -> Result<Desk, Failure> {
    let procedures = procedures(config).map_err(|problems| super::generation::disagree(&problems))?;
    Ok(Desk {
        storage: Arc::new(database.clone()),
        procedures: Arc::new(procedures),
        settings: Arc::new(config.incidents.clone()),
        tree: Some(tree),
    })
}

/// The thread. It ends with this, or with the ledger.
#[derive(Debug)]
pub(crate) struct Responding {
    _end: oneshot::Sender<()>,
}

impl Responding {
    pub(crate) fn start(service: Service, ledger: Ledger) -> Result<Self, Failure> {
        let cannot = |error: io::Error| Failure::new("incidents cannot be watched for").because(&error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(cannot)?;
        let (end, ended) = oneshot::channel();
        let work = async move {
            tokio::select! {
                () = follow(service, ledger) => {}
                _ = ended => {}
            }
        };
        thread::Builder::new()
            .name("incidents".to_owned())
            .spawn(move || runtime.block_on(work))
            .map_err(cannot)?;
        Ok(Self { _end: end })
    }
}

async fn follow(service: Service, ledger: Ledger) {
    let mut seen = loop {
        match service.incident_cursor().await {
            Ok(kept) => break begin(kept, &ledger),
            Err(error) => {
                tracing::error!(%error, "incidents cannot be read, tried again");
                sleep(PAUSE).await;
            }
        }
    };
    // What stood in a ledger before it knew incidents opens none.
    keep(&service, seen).await;
    let mut records = ledger.follow(Some(seen));
    let mut reminding = interval(EVERY);
    reminding.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = reminding.tick() => {
                if let Err(error) = service.remind().await {
                    tracing::error!(%error, "nobody was reminded of incidents, tried again");
                }
                keep(&service, seen).await;
            }
            record = records.next() => match record {
                Ok(Some(record)) => {
                    if record.event.kind == EventKind::Alert {
                        while tell(&service, record.position, &record.event).await.is_err() {
                            sleep(PAUSE).await;
                        }
                        keep(&service, record.position).await;
                    }
                    seen = record.position;
                }
                Ok(None) => return,
                Err(ReadError::Unknown { .. }) => {}
                Err(error) => {
                    tracing::error!(%error, "records could not be looked at for incidents");
                    sleep(PAUSE).await;
                    seen = ledger.last().unwrap_or(seen);
                    records = ledger.follow(Some(seen));
                }
            }
        }
    }
}

/// Behind the last record that was looked at; a ledger that is shorter than that was put back.
fn begin(kept: Option<u64>, ledger: &Ledger) -> Position {
    let last = ledger.last().unwrap_or(Position(0));
    kept.map_or(last, |kept| Position(kept.min(last.0)))
}

async fn keep(service: &Service, seen: Position) {
    if let Err(error) = service.set_incident_cursor(seen.0).await {
        tracing::error!(%error, "how far incidents are is not kept");
    }
}

/// Err: the same again.
async fn tell(service: &Service, position: Position, event: &gabion_model::Event) -> Result<(), ()> {
    match service.alert_rang(position.0, event).await {
        Ok(_) => Ok(()),
        Err(IncidentError::Act(ActError::Unavailable | ActError::Busy)) => Err(()),
        Err(error) => {
            tracing::error!(%error, alert = position.0, "the alert is of no incident");
            Ok(())
        }
    }
}

/// Between two looks at what is due.
const EVERY: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(5);
