//! The data directory and the segment files on a real file system, with real processes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test that is how it fails")]

mod child;
mod directory;
mod full;
mod interoperability;
mod kill;
mod segments;
mod subjects;
mod tenants;
