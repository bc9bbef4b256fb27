//! The hashes of a Merkle tree (RFC 6962, 2.1): SHA-256, with a byte in front that tells leaves from nodes, so that
//! no entry can pass for a node.

use std::fmt;

use gabion_vault::encoding::{base64_decode, base64_encode};
use gabion_vault::{sha256, sha256_of};

/// A hash of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; Hash::SIZE]);

const LEAF: u8 = 0;
const NODE: u8 = 1;

impl Hash {
    /// Bytes.
    pub const SIZE: usize = 32;

    /// The root of the tree without leaves.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self(sha256(b""))
    }

    /// Of an entry.
    #[must_use]
    pub fn leaf(entry: &[u8]) -> Self {
        Self(sha256_of(&[&[LEAF], entry]))
    }

    /// Of two neighbours.
    #[must_use]
    pub fn node(left: Self, right: Self) -> Self {
        Self(sha256_of(&[&[NODE], &left.0, &right.0]))
    }

    /// From its one spelling in base64 (RFC 4648, 4).
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        if text.len() != 44 {
            return None;
        }
        base64_decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        base64_encode(&self.0).fmt(formatter)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hash({self})")
    }
}
