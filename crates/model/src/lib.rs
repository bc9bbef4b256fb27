//! The words every crate shares: types and small traits, no behaviour of their own.
//!
//! Time and randomness are parameters everywhere in Gabion ([`Clock`], [`Rng`]), secrets are a type
//! ([`Secret`]), and every refusal, event, metric and finding carries a [`ControlId`].

pub mod authentication;
pub mod control_id;
pub mod documents;
pub mod event;
pub mod network;
pub mod outbound;
pub mod principal;
pub mod problem;
pub mod random;
pub mod request_id;
pub mod secret;
pub mod time;
pub mod units;

pub use authentication::{Acr, Methods};
pub use control_id::ControlId;
pub use documents::{DocumentChange, DocumentError, Documents, MemoryDocuments};
pub use event::{Actor, Event, EventKind, Outcome, Severity};
pub use network::Network;
pub use principal::{AccountId, GroupId, Principal, Role, SessionId, TenantId};
pub use problem::Problem;
pub use random::Rng;
pub use request_id::RequestId;
pub use secret::Secret;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use units::{ByteSize, Period};
