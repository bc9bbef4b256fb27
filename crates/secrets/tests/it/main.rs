//! The scanner from outside.

#![cfg(test)]

mod bounded;
mod examples;
mod fixtures;
mod hidden;
mod labelled;
mod layers;
mod quiet;
