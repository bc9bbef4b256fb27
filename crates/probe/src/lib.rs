//! Attacks a running application the way a good tester does, within bounds, and proves what it finds.
//!
//! [`Facts`] say what is known: the target, who signs in, what is promised. [`run`] reaches the target ([`scope`]), signs
//! people in ([`login`]), learns what there is ([`surface`], [`learn`]) and lets every test attack ([`attacks`], described in
//! `rules/probe/`). A test says of each thing it looked at one [`Outcome`]; a finding carries the requests that show it. What
//! could not be tested is said, and is never a pass.
//!
//! Requests are written by our own writer ([`wire`]), which repairs nothing: a client that folds `../` would test nothing.

pub mod about;
mod account;
mod again;
pub mod aim;
pub mod archive;
pub mod areas;
pub mod attacks;
pub mod attempt;
pub mod baseline;
pub mod belongings;
pub mod browser;
pub mod call;
pub mod catch;
pub mod compare;
pub mod control;
pub mod datagram;
mod doors;
pub mod draft;
pub mod evidence;
pub mod facts;
pub mod field;
pub mod format;
mod gaps;
mod graphql;
pub mod handshake;
mod harvest;
pub mod hidden;
pub mod kept;
pub mod leak;
pub mod learn;
mod listen;
pub mod login;
mod logins;
pub mod mail;
pub mod matrix;
pub mod memory;
pub mod name_server;
mod one_time;
pub mod operation;
pub mod own;
pub mod picture;
pub mod reaction;
pub mod replay;
pub mod report;
mod restore;
mod run;
mod sacrifice;
pub mod sample;
pub mod scope;
pub mod serialised;
pub mod session;
pub mod shared_logins;
pub mod standing;
pub mod surface;
pub mod through;
mod tokens;
pub mod trend;
pub mod verdict;
pub mod wire;

pub use about::About;
pub use baseline::Baseline;
pub use browser::Chromium;
pub use control::Control;
pub use facts::{Facts, Level};
pub use gaps::Gap;
pub use kept::Kept;
pub use logins::{LoginsError, logins};
pub use matrix::{Access, Matrix};
pub use own::Own;
pub use report::{End, Finding, Report};
pub use run::{Course, Document, DocumentKind, Progress, RunError, Stop, World, enter, run, run_on, survey};
pub use verdict::{Outcome, Proof, Verdict};
