//! What a program answers, and what its code does before it answers.
//!
//! While the interpreter runs code, calls that say something of routes are written down ([`record`]). Then:
//! routers are joined with what they are mounted on, and every route gets its path and what runs before it ([`assemble`]);
//! functions that answer or may refuse are read for what they show ([`walk`]); and rules ask for what is there and what is not
//! ([`judge`]). What calls of frameworks mean, and what counts as a credential, a refusal or a limit, is data ([`table`]).

mod annotated;
mod assemble;
mod autoload;
mod class;
mod client;
mod declared;
mod files;
mod global;
mod graph;
mod handler;
mod judge;
mod next;
mod normal;
mod record;
mod rights;
mod security;
mod table;
mod typed;
mod walk;
mod written;

pub(crate) use assemble::{URLS, part_at, text_at};
pub(crate) use files::{RULES, TABLES};
pub use judge::RouteRule;
pub(crate) use judge::{Judged, RouteCheck};
pub(crate) use record::{AT, MADE, OF, ONLY, Part, Record, Recorder, Router, made};
pub(crate) use table::{Act, Does, Methods, Table};
