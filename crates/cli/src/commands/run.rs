//! `gabion run`.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::{block_on, sources};
use crate::arguments::Run;
use crate::config::{Config, FlagValue, Sources, warnings};
use crate::control::operation::Operator;
use crate::control::server::Server;
use crate::failure::{Exit, Failure};
use crate::gate::announce::announcement;
use crate::gate::running::Running;
use crate::gate::state::{State, control_socket};
use crate::identity::reconcile;
use crate::{logging, output};

/// How often sessions are written down and expired ones removed.
const HOUSEKEEPING: Duration = Duration::from_secs(30);

pub(super) fn run(arguments: &Run) -> Result<Exit, Failure> {
    let mut sources = sources(&arguments.config);
    sources.whole = true;
    if let Some(address) = &arguments.listen {
        sources.flags.push(FlagValue { path: "gateway.listen", flag: "--listen", value: address.clone() });
    }
    let loaded = sources.load();
    let config =
        loaded.map_err(|error| Failure::from(error).consequence(Some("nothing was started")))?.config;
    logging::start(&config.log);
    allow_open_files();
    leave_no_core();
    block_on(async move {
        let mut signals = Signals::listen()?;
        let state = State::open(&config)?;
        // Before anybody is served: who is declared barred is barred from the first request on.
        let declared = match reconcile::prepare(&config, &state.service).await {
            Ok(Some(prepared)) => prepared.apply(&state.service).await.map(Some),
            Ok(None) => Ok(None),
            Err(failure) => Err(failure),
        };
        let declared = declared.map_err(|failure| failure.consequence(Some("nothing was started")))?;
        let running = Running::start(config, state).await?;
        let socket = control_socket(running.state.directory.path());
        let control = Server::start(&socket, Operator::new(&running.state, running.origin()))?;
        let link = running.first_link().await?;
        output::announce(announcement(&running, declared.as_ref(), link.as_ref()).expose());
        serve(running, &sources, &mut signals, control).await
    })
}

/// As many connections as the machine allows this process; the usual soft limit is 1024.
fn allow_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "limit of open files stays as it was");
    }
}

/// Passwords on their way and tickets stand in memory; a core file would keep them.
fn leave_no_core() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core files stay possible");
    }
}

struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on a signal waits for [`serve`] and ends nothing half begun.
    fn listen() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(|error| Failure::new("cannot receive signals").because(&error));
        Ok(Self {
            reload: on(SignalKind::hangup())?,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn serve(
    mut running: Running,
    sources: &Sources,
    signals: &mut Signals,
    control: Server,
) -> Result<Exit, Failure> {
    let mut housekeeping = interval(HOUSEKEEPING);
    housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = housekeeping.tick() => running.tick().await,
            _ = signals.reload.recv() => reload(&mut running, sources).await,
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
        }
    }
    drop(control);
    let deadline = running.config().gateway.drain_timeout.as_duration();
    tracing::info!(deadline = ?deadline, "stopping");
    tokio::select! {
        stopped = running.stop(deadline) => {
            let cut = stopped?;
            tracing::info!(connections_cut = cut, "stopped");
            Ok(Exit::Success)
        }
        // Asked twice: at once. The ledger and the database are as durable as ever.
        () = signals.stop() => Err(Failure::new("stopped before the last requests were answered")),
    }
}

/// First what can be refused is asked, then the configuration, then what the identity file declares.
async fn take_over(running: &mut Running, config: Config) -> Result<Vec<&'static str>, Failure> {
    let prepared = reconcile::prepare(&config, &running.state.service).await?;
    let later = running.reload(config).await?;
    if let Some(prepared) = prepared {
        let summary = prepared.apply(&running.state.service).await?;
        tracing::info!(file = summary.file, result = summary.words, "identity reconciled");
        for kept in summary.kept {
            tracing::warn!(kind = kept.kind.words(), name = kept.name, reason = kept.reason, "kept");
        }
    }
    Ok(later)
}

/// Takes over the configuration as it is now. With anything wrong in it, everything stays as it was.
async fn reload(running: &mut Running, sources: &Sources) {
    let refused = match sources.load() {
        Ok(loaded) => match take_over(running, loaded.config).await {
            Ok(later) => {
                for key in later {
                    tracing::warn!(key, "a change of this needs a restart");
                }
                tracing::info!("configuration reloaded");
                for warning in warnings::of(running.config()) {
                    tracing::warn!(key = warning.path, "{}", warning.reason);
                }
                return;
            }
            Err(failure) => failure,
        },
        Err(error) => Failure::from(error),
    };
    output::report(&refused);
    tracing::error!("configuration not reloaded, the old one stays");
    running.reload_refused(&refused.to_string()).await;
}
