//! A log that proves itself: what was written is still there, unchanged and in its order.
//!
//! - [`tree`] grows a Merkle tree (RFC 6962) with one hash for each of its levels in memory; [`proof`] proves and
//!   checks that an entry is in it (inclusion) and that it only grew (consistency).
//! - [`tile`] cuts its hashes into files (C2SP tlog-tiles), [`bundle`] the entries.
//! - [`note`] signs texts (C2SP signed-note), [`checkpoint`] is the text that says how large a tree is and what its
//!   root is (C2SP tlog-checkpoint).
//! - [`cosignature`] is a witness's word that it saw the log only grow (C2SP tlog-cosignature); [`witness`] is what
//!   a witness asks before it gives it (C2SP tlog-witness).
//! - [`evidence`] is one entry's proof in one text file (C2SP tlog-proof), [`trust`] whom a reader believes.
//!
//! Nothing here reads a file, a socket or a clock, and everything read is taken as written by an enemy: sizes are
//! bounded, numbers and base64 have one spelling, and what does not fit is refused.

pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod evidence;
mod hash;
mod lines;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod trust;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use hash::Hash;
pub use note::{Note, SigningKey, VerifyingKey};
pub use tree::{Nodes, Tree};
