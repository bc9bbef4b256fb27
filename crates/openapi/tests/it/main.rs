//! Contracts and schemas as the gate uses them.

#![cfg(test)]

mod answers;
mod json_schema_suite;
mod products;
mod refused;
mod requests;
mod shop;
