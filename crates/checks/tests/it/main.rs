//! The pipeline as a whole, without sockets.

#![cfg(test)]

mod admission;
mod advisories;
mod answers;
mod binding;
mod contract;
mod credentials;
mod desync;
mod forward_auth;
mod graphql;
mod layers;
mod observe;
mod operations;
mod policy;
mod refusals;
mod secrets;
mod uploads;
mod webhooks;
mod world;
