//! The storage traits on SQLite and segment files.
//!
//! Everything a gate keeps lives in one data [`Directory`], opened by one process at a time:
//!
//! ```text
//! <data>/            0700
//!   lock             held by the running gate, its process id inside
//!   gabion.db        accounts and sessions (SQLite)
//!   ledger/          0700: 00000000000000000001.segment, … (format: `gabion_ledger::format`)
//!     index/         for searching, a cache (format: `gabion_ledger`, `index/file.rs`)
//!     tree/          checkpoint, tile/… (C2SP tlog-tiles)
//!     tenants/       for each tenant the same again, and `through` (`gabion_ledger::tenants`)
//!   <name>           keys and the like, 0600, replaced whole
//! ```

pub mod breached;
pub mod directory;
pub mod indexes;
pub mod segments;
pub mod sqlite;
pub mod tenants;
pub mod tree;

pub use breached::BreachedFile;
pub use directory::{Directory, DirectoryError};
pub use indexes::IndexFiles;
pub use segments::SegmentFiles;
pub use tenants::TenantFiles;
pub use tree::TreeFiles;
