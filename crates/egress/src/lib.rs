//! The guarded client: whatever fetches an address somebody else chose goes through it (OWASP A10:2021,
//! CWE-918).
//!
//! 1. [`target`] looks at the address as text, before any parser can repair it, and reads it strictly.
//! 2. [`Guard`] says which schemes, ports and names may be reached: a parameter, because who may be
//!    reached differs (the internet; an exact list for a configured provider).
//! 3. The name is resolved once ([`resolve`]); *every* answer must be an address of the public internet
//!    by our own table ([`address`]); one that was judged is the one that is dialled.
//! 4. TLS asks for the name in the address, with the stack `vault` gives.
//! 5. Each redirect begins again at 1. Nothing leads from `https` to `http`; what the caller sent for one
//!    origin is not sent to another.
//! 6. Time, size of the answer, of its head, and redirects are bounded for everything together.
//!
//! No proxy environment, no `Alt-Svc`, no connection that is used twice, no decompression, no cookies.

pub mod address;
mod client;
mod connect;
mod datagram;
mod guard;
pub mod resolve;
mod settings;
pub mod target;
mod tls;
mod transfer;

pub use client::Client;
pub use connect::{Dial, Stream, TcpDial};
pub use datagram::Datagram;
pub use guard::{Guard, NamePattern};
pub use settings::EgressSettings;
pub use target::{Authority, Host, Refusal, Scheme, Target};
pub use tls::{Shown, Tls, TlsError, Trust, is_distrust};
pub use transfer::{Pieces, Transfer, TransferMethod, TransferRequest};
