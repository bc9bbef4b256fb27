//! The service over storages and a ledger in memory, a clock that stands still, and real hashing.

#![cfg(test)]

mod accounts;
mod authenticator;
mod authorization;
mod binding;
mod clients;
mod conformance;
mod declared;
mod directory;
mod federation;
mod imports;
mod incidents;
mod invitations;
mod keys;
mod mail;
mod notices;
mod oauth;
mod oidc_modules;
mod protocols;
mod record;
mod response;
mod second_factor;
mod secrets;
mod sessions;
mod sign_in;
mod world;
