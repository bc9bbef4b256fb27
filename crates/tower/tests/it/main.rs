//! Applications behind layers, and a gate that is asked.

#![expect(clippy::panic, clippy::unwrap_used, reason = "in a test that is how it fails")]

mod api_key;
mod bearer;
mod embedded;
mod handlers;
mod keys;
mod session;
mod world;
