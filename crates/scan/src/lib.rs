//! Reads a repository: walks it, runs the scanners, keeps what did not change, says what was found.
//!
//! [`scan`] is the pass over a tree, [`history()`] the one over what git remembers, [`archives()`] the one
//! into what was packed; [`Report::new`] chooses from what they found
//! (confidence, comments that allow, baseline, changed lines), [`format`](mod@format) writes it down, [`repair`] changes files,
//! [`advisories`] makes and reads the database that packages are judged by.
//!
//! An adapter: it opens files, and nothing else. It never executes, imports or builds what it reads, follows no link, runs no
//! program and opens no connection. What it did not read it says ([`gabion_finding::Unread`]).

pub mod advisories;
pub mod allow;
mod archives;
pub mod baseline;
mod bom;
mod cache;
pub mod changes;
mod elsewhere;
mod engine;
mod evidence;
pub mod format;
mod frame;
mod git;
pub mod history;
pub mod inventory;
pub mod kit;
pub mod live;
mod open;
pub mod repair;
mod report;
pub mod review;
mod row;
mod rule_schema;
pub mod rules;
mod text;
mod trees;
mod walk;

use std::path::PathBuf;

pub use archives::{ArchiveOptions, Archives, archive, archives};
pub use baseline::Baseline;
pub use bom::{ListedBom, bom};
pub use cache::CacheFolder;
pub use changes::Changes;
pub use elsewhere::Elsewhere;
pub use engine::{LARGEST, LOCK_FILE, Scan, ScanOptions, ScannedFile, Watch, scan, shown};
pub use evidence::{ControlEvidence, Evidence, Outcome};
pub use frame::{Frame, FrameLine};
pub use gabion_finding::visible;
pub use git::GitError;
pub use history::{History, HistoryOptions, history};
pub use report::{Beside, Choice, Reason, Report, Reported, Suppressed};
pub use review::Review;
pub use rule_schema::{rule_schema, template};
pub use walk::WalkOptions;

/// Why there is no scan.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("cannot read `{path}`")]
    Root { path: PathBuf, source: std::io::Error },
}
