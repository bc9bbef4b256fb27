//! Where the ledger's records go besides, and how far each sink has come.

use std::io;
use std::sync::Arc;

use gabion_courier::{Cursors, Pace, Prepared, SinkSetupError, Sinks};
use gabion_ledger::Position;
use gabion_model::{Clock, Rng};
use gabion_store::Directory;

use crate::config::Config;
use crate::failure::Failure;

/// What the sinks have delivered, each in a small file of the data directory.
#[derive(Debug)]
pub(crate) struct Kept(pub(crate) Directory);

impl Cursors for Kept {
    fn read(&self, sink: &str) -> io::Result<Option<Position>> {
        let kept = self.0.read_file(&file(sink)).map_err(io::Error::other)?;
        kept.map(|bytes| delivered(&bytes).ok_or_else(|| damaged(sink))).transpose()
    }

    fn write(&self, sink: &str, delivered: Position) -> io::Result<()> {
        let text = format!("{delivered}\n");
        self.0.write_file(&file(sink), text.as_bytes()).map_err(io::Error::other)
    }
}

/// The sinks of the configuration.
///
/// # Errors
/// The first that cannot be used.
pub(crate) fn open(config: &Config, clock: &Arc<dyn Clock>, rng: &Arc<dyn Rng>) -> Result<Sinks, Failure> {
    let own = (env!("CARGO_PKG_VERSION"), &*machine_name());
    Sinks::new(&config.sinks, own, Arc::clone(clock), Arc::clone(rng), Pace::default()).map_err(unusable)
}

/// The sinks of another configuration, while those of the former one still run.
///
/// # Errors
/// The first that cannot be used.
pub(crate) fn prepare(config: &Config) -> Result<Prepared, Failure> {
    Sinks::prepare(&config.sinks, (env!("CARGO_PKG_VERSION"), &*machine_name())).map_err(unusable)
}

fn unusable((name, error): (String, SinkSetupError)) -> Failure {
    let failure = Failure::new(format!("the sink `{name}` cannot be used")).because(&error);
    match error {
        SinkSetupError::Dsn { .. } => {
            failure.hint("a DSN is `https://KEY@HOST/PROJECT`, as the project's settings show it")
        }
        SinkSetupError::Key { .. } | SinkSetupError::NoKey(_) => {
            failure.hint("a key is `whsec_` and base64, as receivers of Standard Webhooks have it")
        }
        _ => failure.hint(format!("see the table `[sinks.{name}]`")),
    }
}

/// The name of the file with a sink's position.
pub(crate) fn file(sink: &str) -> String {
    format!("sink-{sink}")
}

/// What such a file says.
pub(crate) fn delivered(bytes: &[u8]) -> Option<Position> {
    std::str::from_utf8(bytes).ok()?.trim_end().parse().ok().map(Position)
}

/// What this machine is called; empty where that is not known.
pub(crate) fn machine_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn damaged(sink: &str) -> io::Error {
    let reason = format!("the file `{}` of the data directory holds no position", file(sink));
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
