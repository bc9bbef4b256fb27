//! The program as an auditor runs it, and what it says of a ledger somebody changed.

#![cfg(test)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test that is how it fails")]

mod mutations;
mod program;
