//! The crate beside other people's work: the same trees, proofs and cosignatures.

#![cfg(test)]

mod cosignatures;
mod oracle;
