//! Verifies a ledger from its files and a public key, and nothing else: no configuration, no lock, no network.
//!
//! - [`Files`] reads what somebody handed over: read-only, bounded, and taken as made by an enemy.
//! - [`whole`] checks a ledger against the checkpoint that its log signed, and every tenant's own log with it; [`single`] checks
//!   the proof of one record, [`fn@export`] what one tenant was given.
//! - [`Refusal`] says what is wrong, why, and what to do.
//!
//! `gabion ledger verify` asks here, and so does the program `gabion-verify`. A crate because an auditor starts here:
//! it builds without the gate (`cargo build --package gabion-verifier`), and what it stands on can be read in a day:
//! `ledger` without its writer, `tlog`, and of `vault` the hashes and signatures.

mod check;
mod files;
mod refusal;
mod tenant;

pub use check::{Single, Whole, log_key, note, single, trust, whole};
pub use files::{Files, read};
pub use refusal::Refusal;
pub use tenant::{CARRIED, Export, OfTenant, RECORDS, export, is_export, tag};
