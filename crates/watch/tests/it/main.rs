//! The engine from outside.

mod bounded;
mod correlations;
mod hostile;
mod pack;
mod regression;
mod traffic;
