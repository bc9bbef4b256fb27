//! The program as an auditor runs it, and what it says of a ledger somebody changed.

#![cfg(test)]

mod mutations;
mod program;
mod tenants;
