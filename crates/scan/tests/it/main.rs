//! The scan of whole trees, with a scanner of its own that knows a few words.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod archives;
mod changes;
mod engine;
mod evidence;
mod harness;
mod history;
mod outputs;
mod parts;
mod promised;
mod repair;
mod rules;
