//! The ledger through its public face: what is acknowledged survives, floods stay small, everything is
//! found again.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test that is how it fails")]

mod at_rest;
mod crash;
mod day;
mod faults;
mod flood;
mod index;
mod personal;
mod reading;
mod recording;
mod sealed;
mod support;
mod tenants;
mod tenants_faults;
mod tree_faults;
