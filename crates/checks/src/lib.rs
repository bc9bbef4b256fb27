//! The request path without sockets: one file per check, the order in [`order`], what becomes of a
//! refusal in [`answer`].
//!
//! The gateway hands every request head to [`Pipeline::request`]. What comes back is an [`Admitted`]
//! request, rebuilt for the upstream, or [`Refused`]; only the first can be sent on. Answers leave
//! through [`Pipeline::response`]. Nothing here opens a socket, reads a clock of its own or blocks.
//!
//! A Rust application can use any check without the gateway, as a tower layer: see [`layer`].

pub mod access;
pub mod alone;
pub mod answer;
pub mod api_key;
pub mod audit;
pub mod bearer;
pub mod block;
pub mod cache;
pub mod challenge;
pub mod check;
pub mod client_address;
pub mod contract;
pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod denial;
pub mod errors;
pub mod exchange;
pub mod forward_auth;
pub mod graphql;
pub mod headers;
pub mod identity_header;
mod lasting;
pub mod layer;
pub mod leaks;
pub mod learn;
pub mod limits;
pub mod metrics;
pub mod mtls;
pub mod multipart;
pub mod normalise;
pub mod order;
pub mod pipeline;
pub mod policy;
pub mod rate;
mod rebuild;
pub mod redirect_https;
pub mod redirects;
pub mod request_id;
pub mod route;
pub mod sanitise;
pub mod session;
pub mod settings;
mod shard;
pub mod tally;
pub mod upload;
pub mod webhook;

pub use alone::Alone;
pub use answer::Answer;
pub use audit::{AccessLine, AccessLog, Fault, FaultLog};
pub use check::{Arrived, Check, Inspected, Leaving, Mode, Passage, Passing, Seen, Stop, Wants};
pub use contract::{ContractSettings, Contracts};
pub use denial::{Denial, Reply, Violation};
pub use exchange::{Caller, Connection, Exchange, Life};
pub use gabion_identity::{Credential, CredentialKind};
pub use gabion_vault::x509::PeerCertificate;
pub use layer::CheckLayer;
pub use metrics::{Metric, Verdict};
pub use pipeline::{Admitted, Destination, Followed, Parts, Pipeline, Progress, Refused, Waiting};
pub use route::{Access, CachePolicy, Route};
pub use settings::Settings;
pub use tally::Tally;
