//! Finds secrets in texts: keys and tokens of some two hundred providers by their published form, checksum and structure; passwords
//! and keys of everything else by the name they are given to and by how they look; private keys, addresses with passwords, and what
//! is hidden in base64 or hexadecimal.
//!
//! [`Secrets`] is a [`gabion_finding::Scanner`]. Whoever has no tree but single texts, the objects of a history say, asks
//! [`Secrets::bytes`], which takes what a file holds and decodes it, or [`Secrets::matches`], which gives spans and costs least where
//! nothing is found. Both are pure and may be called from many threads at once; what is compiled is shared.
//!
//! What is found is never repeated: neither message nor properties hold any part of a secret, and `hidden` names the bytes that no
//! output may show. The property `secret` is the same wherever the same secret stands, under whatever rule (64 bits of SHA-256 over
//! it), so that its copies can be told as one; a weak password has none, since whoever reads a report could guess it from that.
//! The fingerprint is of rule, path and secret.
//!
//! How it is fast: a list of keywords looks for a thousand words in one pass; only where one stands is anything compiled, searched or judged.
//! Work is bounded by the length of the text; what goes beyond is cut off and said.
//!
//! Rules are data (`rules/secrets/*.toml`, [`Finder`]); their examples are their tests.

mod assignment;
mod candidate;
mod check;
mod context;
mod encoded;
mod judge;
mod keywords;
mod name;
mod pack;
mod pattern;
mod pem;
mod placeholder;
mod rule;
mod scan;
mod scanner;
mod secrets;
mod shape;
mod url;
mod words;

pub use candidate::Match;
pub use rule::{Check, Detector, Finder};
pub use secrets::Secrets;
