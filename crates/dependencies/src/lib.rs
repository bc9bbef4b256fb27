//! What a project is built of, and what is known against it.
//!
//! - **Read**: lock files, manifests and build files of npm, yarn, pnpm and bun; pip, poetry, uv, pdm and pipenv; Cargo; Go; Maven and
//!   Gradle; Bundler; Composer; NuGet ([`Format`]); lists of components in CycloneDX and SPDX. Each becomes an [`Inventory`] in which
//!   every package knows its line. Nothing is run, resolved or fetched.
//! - **Judged** by [`Advisories`]: a [`Database`] made by an [`AdvisoryBuilder`] of what OSV, RustSec and PyPA publish. No database, no
//!   verdict: then every list of packages is named in what was not read, and the scan is not clean.
//! - **Compared** as each ecosystem compares its versions ([`Version`]).
//! - **Written**: a [`Bom`], from the same inventories.

mod advisory;
mod bounds;
mod check;
mod document;
mod graph;
mod licence;
mod lock;
mod manifest;
mod name;
mod pack;
mod package;
mod parents;
pub mod purl;
mod reach;
mod say;
mod sbom;
mod scanner;
mod settings;
mod version;

pub use advisory::{AddError, Advisories, AdvisoryBuilder, Database, DatabaseError, Flaw};
pub use package::{Format, Integrity, Inventory, Origin, Package, Registry, Requirement, Spot};
pub use sbom::{Bom, Stamp};
pub use scanner::DependencyScanner;
pub use settings::Settings;
pub use version::Version;
