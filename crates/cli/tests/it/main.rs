//! The whole binary, as people and scripts meet it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "in a test that is how it fails; tests hand the path on and connect to what they started"
)]

mod config;
mod demo;
mod directory;
mod doctor;
mod errors;
mod gate;
mod generated;
mod harness;
mod help;
mod identity;
mod init;
mod ledger;
mod policy;
mod probe;
mod probe_tests;
mod scan;
mod scan_dependencies;
mod scan_ecosystems;
mod scan_strawman;
mod scanned;
mod startable;
mod users;
mod verifier;
mod witness;
