//! Incidents from outside: courses of whole ones, hostile texts, what is handed out, and what verifies it.

#![cfg(test)]

mod course;
mod hostile;
mod opening;
mod packs;
mod reports;
mod world;
