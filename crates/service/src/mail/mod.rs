//! Letters: forgotten passwords, proof of addresses, notices.
//!
//! Links begin with [`Service::origin`](crate::Service::origin) and with nothing a request says. Letters
//! go to proven addresses; the one exception is the letter that asks for the proof.

mod address;
mod device;
mod forgotten;
mod letter;
mod notice;

pub use address::{EmailView, MailLinkView};
pub use notice::Notice;

pub(crate) use forgotten::Requests;
