//! Every act a person or program can ask for, once: authorize → record → do → complete.
//!
//! The console, the CLI and every later door call [`Service`]; none has a way around it. An act that
//! changes something is written to the ledger (`begun`, awaited) before it takes effect and completed
//! after; when the ledger cannot record, the act is refused and nothing is changed. Acts run to their
//! end even when whoever asked goes away, so that no entry stays open and no failed try uncounted.

pub mod act;

pub mod caller;
pub mod error;
mod hashing;
mod service;

pub mod view;

pub use act::{Act, Audience};
pub use caller::Caller;
pub use error::{
    ActError, AddAccountError, ChangePasswordError, DisableAccountError, InvitationError, SignInError,
};
pub use service::{Parts, Service};
pub use view::{
    AccountState, AccountView, InvitationView, NewAccount, OneTimeLink, PolicyViolation, Purpose, SessionView,
    SignedIn,
};
