//! Pages of servers on this machine, in the real Chromium. Where there is none, each test says that it was skipped.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking and say when they are skipped"
)]

mod explore;
mod harness;
mod hostile;
mod pages;
mod proof;
mod recording;
mod scope;
