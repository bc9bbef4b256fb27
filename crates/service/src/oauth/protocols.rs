//! What the protocols around the code flow remember for a short while. In memory and bounded.

use std::sync::Arc;

use gabion_identity::oauth::client::assertion;
use gabion_identity::oauth::device::DeviceRequest;
use gabion_identity::oauth::dpop;
use gabion_identity::oauth::replay::Replay;
use gabion_identity::oauth::request::AuthorizationRequest;
use gabion_identity::oauth::waiting::Waiting;
use gabion_identity::{LoginSettings, Throttle};
use gabion_model::{Clock, Period, Rng};

use super::backchannel::Farewells;
use super::documents::Fetched;

/// See the fields.
#[derive(Debug)]
pub(crate) struct Protocols {
    /// Authorization requests that were pushed (RFC 9126).
    pub(crate) pushed: Waiting<AuthorizationRequest>,
    /// Devices that wait for somebody's word (RFC 8628), by the hash of their device code.
    pub(crate) devices: Waiting<DeviceRequest>,
    /// Proofs of possession that were used (RFC 9449).
    pub(crate) proofs: Replay,
    /// Client assertions that were used (RFC 7523).
    pub(crate) assertions: Replay,
    /// Keys and documents of clients, fetched lately.
    pub(crate) fetched: Fetched,
    /// Wrong client secrets and user codes, and what strangers make us fetch, by address.
    pub(crate) tries: Throttle,
    /// Registrations by strangers, by address.
    pub(crate) registrations: Throttle,
    /// Sessions that ended and whose clients must hear of it.
    pub(crate) farewells: Arc<Farewells>,
}

impl Protocols {
    pub(crate) fn new(farewells: Arc<Farewells>, clock: &dyn Clock, rng: &dyn Rng) -> Self {
        let now = clock.now();
        let tries = |per_address| LoginSettings {
            failures_per_account: per_address,
            failures_per_address: per_address,
            failures_in_all: 100_000,
            window: Period::from_secs(15 * 60),
            ..LoginSettings::default()
        };
        Self {
            pushed: Waiting::new(20_000, 2_000),
            devices: Waiting::new(20_000, 2_000),
            proofs: Replay::new(dpop::window(), now),
            assertions: Replay::new(assertion::window(), now),
            fetched: Fetched::default(),
            tries: Throttle::new(&tries(30), rng),
            registrations: Throttle::new(&tries(20), rng),
            farewells,
        }
    }
}
