//! The engine from outside.

#![cfg(test)]

mod bounded;
mod correlations;
mod day;
mod hostile;
mod pack;
mod regression;
mod traffic;
mod week;
