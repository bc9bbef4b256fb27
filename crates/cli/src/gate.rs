//! A gate from a configuration: opened, assembled, announced, reloaded and stopped.

pub(crate) mod access_log;
pub(crate) mod alerts;
pub(crate) mod announce;
pub(crate) mod archive;
pub(crate) mod errors;
pub(crate) mod generation;
pub(crate) mod incidents;
pub(crate) mod policies;
pub(crate) mod record_key;
pub(crate) mod running;
pub(crate) mod sinks;
pub(crate) mod state;
pub(crate) mod traces;
pub(crate) mod watch;
mod weak;
