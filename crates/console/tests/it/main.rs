//! The pages over a real service: storages and a ledger in memory, a clock that stands still, real
//! hashing; the gate in front is played by [`site::Browser`].

#![cfg(test)]

mod accessible;
mod account;
mod account_pages;
mod api;
mod api_administration;
mod api_authorization;
mod authorization;
mod endpoints;
mod federation;
mod gate;
mod hostile;
mod login;
mod mail;
mod oauth;
mod scim;
mod scim_authorization;
mod second_factor;
mod site;
mod welcome;
