//! Measures against whoever attacks: an address is blocked, an account asked to prove itself again. Each is taken for a
//! time, can be undone at will, survives a restart, and stays within a budget that only a person may exceed.
//!
//! - [`plan`] reads an alert and says what the settings ask for.
//! - [`Register`] knows every measure: what is in force, what waits for a person, what ended and how.
//! - [`Shield`] is what the request path asks: one lookup, whoever it is about.
//! - [`Pulls`] tells other machines that block what is new to them.
//! - [`Spared`] is who is never touched; it is asked before anything else.
//!
//! **What keeps it from doing harm.** It is a dry run until somebody turns it on. Private addresses, those of
//! administrators, and what is allowed by name are spared. A measure beyond the budget (a share of the addresses seen
//! lately and of those from where somebody is signed in, or of the accounts) is not taken but waits ([`State::Pending`]). What a person undid is left alone for as long
//! as the measure would have lasted. State is bounded: a full register takes nothing more and says so.
//!
//! A crate of its own because its invariant is: nothing here acts by itself. Whoever acts is `service`, which records it.

mod budget;
mod measure;
mod network;
mod plan;
mod pulls;
mod register;
mod settings;
mod shield;
mod spared;

pub use budget::Population;
pub use measure::{Action, Ended, Measure, NewMeasure, Origin, State, Target};
pub use network::{MalformedNetwork, Network};
pub use plan::{Subject, Wish, plan};
pub use pulls::{Pulled, Pulls};
pub use register::{Register, RegisterError, Taken};
pub use settings::{Budget, Mode, RuleSettings, Settings};
pub use shield::{LONGEST_WAIT, Shield, Standing, Turn, Verdict};
pub use spared::Spared;
