//! Applications behind layers, and a gate that is asked.

#![cfg(test)]

mod api_key;
mod authorize;
mod bearer;
mod embedded;
mod handlers;
mod keys;
mod session;
mod world;
