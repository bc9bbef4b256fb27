//! The pipeline as a whole, without sockets.

#![expect(clippy::panic, clippy::unwrap_used, reason = "in a test that is how it fails")]

mod admission;
mod advisories;
mod answers;
mod binding;
mod credentials;
mod desync;
mod forward_auth;
mod layers;
mod observe;
mod refusals;
mod secrets;
mod world;
