//! The policy engine from outside.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test that is how it fails")]

mod compile;
mod decide;
mod equivalence;
mod shop;
mod tools;
