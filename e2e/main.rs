//! The product from outside: the real binary as a process, driven the way its users and its attackers
//! drive it. `gate.rs` starts it, `application.rs` is the application behind it, `client.rs` speaks
//! HTTP to it, `clients.rs` runs programs of others; the tests are in `binding.rs` (tokens nobody can steal), `browser.rs` (Chromium), `crashes.rs` (`kill -9`, again and again), `factors.rs` (second factors), `faults.rs` (crashes, floods, restarts),
//! `incidents.rs` (from the alert to the review),
//! `readme.rs` (the README's own commands), `scim.rs` (a directory elsewhere) and `secrets.rs` (nothing secret is written anywhere).

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests fail by panicking, read the environment and the clock, and open sockets to the gate"
)]

mod account_pages;
mod answers;
mod apache;
mod application;
mod authzen;
mod bad_input;
mod binding;
mod browser;
mod client;
mod clients;
mod contract;
mod crashes;
mod decisions;
mod events;
mod factors;
mod faults;
mod federation;
mod gabion_gabion;
mod gate;
mod generate;
mod incidents;
mod machines;
mod mail;
mod oauth;
mod oauth_clients;
mod offboarding;
mod oidc_modules;
mod passwords;
mod readme;
mod scim;
mod secrets;
mod sinks;
mod telemetry;
mod tower;
mod uploads;
mod watch;
mod watch_traffic;
mod webhooks;
