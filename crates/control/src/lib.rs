//! The control catalogue: what Gabion promises, which requirements each promise meets, and what
//! counts as evidence for it.
//!
//! The text stands in `catalogue/*.toml`, one file per group, and is embedded; [`Catalogue::built_in`]
//! hands it out parsed and typed. A control without evidence is [`Standing::Unknown`], never fine.
//!
//! ```
//! use gabion_control::{Catalogue, Framework};
//!
//! let catalogue = Catalogue::built_in();
//! let cookies = catalogue.find("session.cookies").unwrap();
//! assert!(!cookies.promise.is_empty());
//! assert!(catalogue.meeting(Framework::Asvs, "V3.3").any(|control| control.id == cookies.id));
//! ```

pub mod catalogue;
pub mod control;
pub mod error;
pub mod framework;
mod read;
pub mod source;
pub mod standing;

pub use catalogue::{Catalogue, UnknownId};
pub use control::{Control, Evidence, Group, Kind};
pub use error::{CatalogueError, Flaw, Rule};
pub use framework::{Framework, Requirement};
pub use source::Source;
pub use standing::{SourceState, Standing};
