//! The guarded client against every case of `ssrf-cases.csv`, and against real servers on loopback.

#![cfg(test)]

mod bounds;
mod cases;
mod waiting;
mod world;
