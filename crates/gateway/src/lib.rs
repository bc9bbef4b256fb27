//! Listeners, TLS, upstream pool: everything with a socket on the request path.
//!
//! ```text
//!  listener ─ admission ─ tls ─┬─ h1::server ─┐            ┌─ upstream::h1 ─ pool ─ connect
//!                              └─ h2 (hyper) ─┴─ proxy ────┼─ upstream::h2 (hyper)
//!                                               │          └─ local (the console, in process)
//!                                       checks::Pipeline
//! ```
//!
//! - One thread per core, each with its own current-thread runtime, `SO_REUSEPORT` listener and upstream
//!   pools. Threads share counters and the [`Generation`]; there is no lock between them per request.
//! - HTTP/2 is hyper's on both sides. HTTP/1.1 is read here, by httparse and the rules in [`h1`]: hyper
//!   hides what a gate must refuse (`Content-Length` beside `Transfer-Encoding`, bare line feeds) and
//!   answers malformed requests itself, without a record.
//! - INVARIANT: what an upstream receives is written from a [`gabion_checks::Admitted`], never copied
//!   from what the client sent, and framed by the length that was judged.

mod admin;
mod admission;
mod body;
mod certificates;
mod core;
mod follow;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
mod h1;
mod h2;
mod lease;
mod listener;
mod local;
mod metrics;
mod passage;
mod peers;
mod proxy;
mod settings;
mod spool;
mod tls;
mod trace;
mod tunnel;
mod upstream;
mod watch;
mod wire;

pub use body::{BodyError, RequestBody};
pub use gate::{Addresses, Gate, Generation, Options, Probe, Reading, StartError};
pub use local::LocalService;
pub use settings::{
    AdminSettings, ClientCertificateMode, ClientCertificates, Health, Settings, Tls, TlsMode, Upstream,
};
pub use spool::UploadRoom;
pub use tls::{TlsError, TlsMaterial, check_client_certificates};
pub use trace::{AskedUpstream, Context as TraceContext, Followed, Period as TracePeriod, Tracer};
