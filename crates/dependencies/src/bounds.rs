//! How much is read of anything. Whatever lies beyond is named as not read.

/// Bytes of a lock file, manifest, or list of components.
pub(crate) const FILE: usize = 32 << 20;
/// Lists and tables in each other.
pub(crate) const DEPTH: usize = 96;
/// Values of a document.
pub(crate) const NODES: usize = 2_000_000;
/// Packages of a file.
pub(crate) const PACKAGES: usize = 200_000;
/// Bytes of a name or a version. Longer ones are nobody's.
pub(crate) const NAME: usize = 512;
/// Bytes of one advisory.
pub(crate) const ADVISORY: usize = 8 << 20;
/// Bytes of a file that scores all flaws there are.
pub(crate) const SCORES: usize = 64 << 20;
/// Advisories of a database.
pub(crate) const ADVISORIES: usize = 4_000_000;
/// Bytes of a database.
pub(crate) const DATABASE: usize = 1 << 31;
/// Bytes of a version that is compared. Comparing is linear in it.
pub(crate) const VERSION: usize = 256;
/// Packages between the tree and one that somebody else brings in, at most so many are named.
pub(crate) const PATH: usize = 24;
