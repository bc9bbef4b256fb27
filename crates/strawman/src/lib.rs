//! The straw man of the fencing yard: a small shop-and-notes application that is vulnerable on purpose,
//! the list of its holes, a repaired twin, and an attacker who walks down the list.
//!
//! - [`serve`] runs the application on a loopback address, as it is or repaired.
//! - [`holes`] is the list: one [`Hole`] per weakness, read from `holes.toml`.
//! - [`attack`] exploits every hole and uses every feature as intended, against the application itself or
//!   against a gate in front of it, and says what it saw.
//!
//! The holes are real: a query that SQLite runs, a shell that starts, a file that is read, a socket that is
//! opened. That is why [`serve`] binds nothing but loopback. Even so, whatever runs in a browser on the same
//! machine can reach loopback: run it for as long as it is needed, beside no foreign web pages.

mod account;
mod app;
mod attack;
mod hole;
mod serve;

pub use account::{Account, accounts};
pub use app::webhook::SECRET as PAYMENT_SECRET;
pub use attack::{AttackError, Outcome, Progress, Stuffer, Target, Verdict, attack};
pub use hole::{Hole, Seen, Visibility, holes};
pub use serve::{Handle, Identity, Options, Place, ServeError, serve, serve_at};
