//! The policy engine from outside.

#![cfg(test)]

mod compile;
mod decide;
mod equivalence;
mod plain;
mod shop;
mod tools;
