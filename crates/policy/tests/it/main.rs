//! The policy engine from outside.

#![cfg(test)]

mod compile;
mod decide;
mod equivalence;
mod shop;
mod tools;
