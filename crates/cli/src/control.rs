//! How the other commands reach what a gate holds: through its control socket while it runs, or by
//! opening the data directory themselves while none does. Either way an act is the service's own.

pub(crate) mod api_keys;
pub(crate) mod directory;
pub(crate) mod door;
pub(crate) mod errors;
pub(crate) mod holds;
pub(crate) mod identity;
pub(crate) mod incidents;
pub(crate) mod operation;
pub(crate) mod response;
pub(crate) mod server;
pub(crate) mod wire;
