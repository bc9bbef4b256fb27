//! `identity.toml`: groups, people, service accounts and applications as a file declares them.
//!
//! The file is read here, with its secrets from other files and the environment; what must be done so that
//! everything is as it says, and doing it, is the service's.

pub(crate) mod file;
mod mask;
mod read;
pub(crate) mod reconcile;
mod write;

pub(crate) use read::{Looked, look, place, read};
pub(crate) use write::write;
