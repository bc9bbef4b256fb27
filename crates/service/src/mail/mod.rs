//! Letters: forgotten passwords, proof of addresses, notices.
//!
//! Links begin with [`Service::origin`](crate::Service::origin) and with nothing a request says. Letters
//! go to proven addresses; the exceptions are the letter that asks for the proof, and an invitation to an
//! address that an administrator named.

mod address;
mod device;
mod forgotten;
pub(crate) mod letter;
mod notice;

pub use address::{EmailView, MailLinkView};
pub use notice::Notice;

pub(crate) use forgotten::Requests;
