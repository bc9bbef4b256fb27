//! The crate beside other people's work: the same trees, proofs and cosignatures.

#![cfg(test)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test that is how it fails")]

mod cosignatures;
mod oracle;
