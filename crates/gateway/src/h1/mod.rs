//! HTTP/1.1, read strictly and written from parts, in both roles.
//!
//! httparse reads the syntax; [`head`] adds what RFC 9112 leaves to the recipient and what desync attacks
//! live on: one framing field, one way to write it, no bare line feeds. [`framing`] decodes bodies.
//! Nothing is ever forwarded as bytes: [`write`] produces every message from what was judged.

pub(crate) mod framing;
pub(crate) mod head;
mod inbound;
pub(crate) mod server;
pub(crate) mod write;

pub(crate) use inbound::{H1Body, Patience};
