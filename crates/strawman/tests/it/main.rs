//! The list is true: every hole can be exploited in the vulnerable application and in none of the repaired
//! ones, and every feature works in both.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod exploits;
mod gate;
mod list;
mod live;
mod resource;
mod routes;
mod serving;
mod small_gate;
