//! Detection rules over events: [Sigma](https://sigmahq.io/sigma-specification/) 2.1, its correlations, and alerts that
//! say why they rang.
//!
//! - [`Rules::load`] reads rules from YAML under bounds ([`bounds`]); whatever it does not know is an error with file,
//!   line and way out, never a rule that silently matches nothing.
//! - [`Watcher::see`] shows one event to the rules that its class and action can match, counts for the correlations,
//!   and answers with [`Alert`]s. Time is the event's.
//! - [`pack`] is what comes with the program: `rules/detections/*.yml`.
//! - [`mod@anomaly`] learns what is usual, so that rules can ask for what is not.
//! - [`mod@fields`] says which fields an event has.
//!
//! **State is bounded, and nobody can flush it.** A correlation tells [`bounds::GROUPS`] groups (addresses, accounts) apart.
//! Who is known stays until its own time is over; a newcomer never pushes anybody out. Who comes when all places are
//! taken is counted together with some others, by a keyed hash: the mistake is to ring too early, never too late.
//!
//! Why no library: the one that does all of this, rsigma, brings a C library for YAML translated to Rust, a parser
//! generator, a stack switcher and a calendar with a clock (some forty packages we do not have), reads events as JSON
//! trees, makes room by forgetting the oldest group, and takes what it does not know for a field.

mod alert;
pub mod anomaly;
pub mod bounds;
mod condition;
mod correlation;
mod detection;
pub mod fields;
mod load;
mod matcher;
pub mod pack;
mod pattern;
mod rule;
mod rules;
mod settings;
mod watcher;
mod window;
mod yaml;

pub use alert::Alert;
pub use anomaly::Places;
pub use fields::Fields;
pub use load::{Source, foreign};
pub use rule::{Kind, Rule};
pub use rules::Rules;
pub use settings::{Mode, Settings};
pub use watcher::{Counts, Watcher};
