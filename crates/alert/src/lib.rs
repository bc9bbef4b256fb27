//! Alerts: what rang is grouped, silenced, acknowledged and escalated, and it is known at any time who is still to be told
//! of what.
//!
//! - [`Desk::see`] shows it a record of the ledger. What rings for the same again belongs to the same [`Group`].
//! - [`Desk::due`] says what is to be told to which channel; [`Desk::told`] how that went. A [`Notice`] is kept until it was
//!   delivered or given up, and both stand in the ledger.
//! - [`Desk::tick`] does what time does: escalates, repeats, ends silences.
//!
//! **Nothing is lost and nobody is flooded.** A group, its notices and the position in the ledger change in one step that is
//! durable before anything is told; after a crash what was not told is told then, twice at the worst. State is bounded, by
//! counting together and never by dropping: a channel that had its share for the hour, or for which 200 messages wait, gets
//! one notice about the rest when there is room; an alert that has no place of its own is counted in a group of its rule, so
//! that whoever makes many alerts hides none of another rule.
//!
//! A crate of its own because it is pure: no clock, no socket; time is a parameter and the storage a trait.

mod desk;
mod group;
mod matcher;
mod notice;
mod settings;
mod silence;
mod standing;

pub use desk::{Change, Desk, DeskError, Told};
pub use group::{Group, GroupState, Touched};
pub use matcher::Matcher;
pub use notice::{Notice, NoticeKind};
pub use settings::{ChannelKind, ChannelSettings, Exception, Heartbeat, Settings, is_word};
pub use silence::{NewSilence, Silence};
pub use standing::ChannelStanding;
