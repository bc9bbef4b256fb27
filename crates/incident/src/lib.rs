//! What people do once something was noticed, and the proof of it.
//!
//! - An [`Incident`] is what its [`Step`]s make of it: nothing else changes it, and each step is judged by the same function
//!   when it is taken and when it is read again. Steps are chained by SHA-256 ([`step::digest`]); whoever takes one writes its
//!   digest into the ledger first, so that the history of an incident is as provable as everything else.
//! - [`procedure`] holds the checklists as data, [`due`] what is to be done until when, [`opening`] which alerts open one.
//! - [`evidence`] is what can be verified with a public key alone; [`notify`](mod@notify) the duties to tell others, with their dates.
//! - [`report`] and [`metrics`] are made from the same steps.
//!
//! Pure: clock, storage ([`IncidentStorage`]) and ledger are the caller's. A crate because another reader starts here: who
//! is responsible for the response, not for the gate.

pub mod class;
pub mod due;
pub mod evidence;
pub mod incident;
pub mod metrics;
pub mod notify;
pub mod opening;
pub mod pack;
pub mod personal;
pub mod procedure;
pub mod report;
pub mod review;
pub mod settings;
pub mod step;
pub mod storage;
pub mod subject;
pub mod text;
pub mod timeline;

pub use class::{Class, Clocks};
pub use due::Due;
pub use incident::{Incident, Refused, State};
pub use metrics::Metrics;
pub use procedure::{Action, Phase, Procedure, Procedures, Role};
pub use review::Review;
pub use settings::Settings;
pub use step::{Opening, Step, What};
pub use storage::{IncidentStorage, MemoryIncidents, StorageError, StoredStep};
pub use subject::Subject;
pub use timeline::Entry;
