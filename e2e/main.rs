//! The product from outside: the real binary as a process, driven the way its users and its attackers drive it. Each module
//! says in its first lines what it shows. What they share: `gate.rs` starts the binary, `application.rs` and `receiver.rs` are what
//! stands behind it and what it sends to, `client.rs` and `browser.rs` speak to it, `clients.rs` runs programs of others.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests fail by panicking, read the environment and the clock, and open sockets to the gate"
)]

mod account_pages;
mod alerts;
mod answers;
mod apache;
mod application;
mod archive;
mod authzen;
mod bad_input;
mod binding;
mod browser;
mod client;
mod clients;
mod collectors;
mod contract;
mod crashes;
mod decisions;
mod errors;
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
mod monitoring;
mod oauth;
mod oauth_clients;
mod offboarding;
mod oidc_modules;
mod passwords;
mod probe;
mod probe_reports;
mod readme;
mod receiver;
mod response;
mod scan;
mod scim;
mod secrets;
mod sinks;
mod telemetry;
mod tenants;
mod tower;
mod traces;
mod uploads;
mod watch;
mod watch_traffic;
mod webhooks;
