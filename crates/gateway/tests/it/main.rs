//! The gate with real sockets: a client that sends bytes, an upstream that records what it received.

#![expect(clippy::disallowed_methods, reason = "tests connect to what they started")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test that is how it fails"
)]

mod rig;

mod answers;
mod credentials;
mod desync;
mod http1;
mod http2;
mod limits;
mod malformed;
mod reload;
mod response;
mod streaming;
mod upstreams;
