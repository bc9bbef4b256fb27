//! Where the target's callbacks arrive by name.

use std::net::SocketAddr;

use serde::Deserialize;

/// A name server of the probe's own for a zone that the target's resolver asks it about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// Where it listens, by UDP and TCP: loopback, private, or every address of this machine. A resolver must send questions for the
    /// zone here: by delegation, or by forwarding.
    pub dns: SocketAddr,
    /// `cb.example`: every name in it is at the address of the listener.
    pub zone: String,
}
