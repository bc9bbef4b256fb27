//! A small client of Chromium's DevTools protocol: pages under a scope, and everything they ask for on record.
//!
//! [`Browser`] is one Chromium of its own: headless, an empty profile, gone with everything it started when it is
//! dropped. [`Context`] has cookies and storage of its own. [`Page`] is opened, read, filled in and clicked; what it
//! asks for stands in [`Recorded`], and what its scripts prove by a [`Call`] of a binding.
//!
//! # What a page can reach
//!
//! Pages are hostile. Two walls stand between them and everything else:
//!
//! 1. every request (redirects, subresources, frames, workers) is held until the [`Scope`] said
//!    [`Verdict::Allow`], [`Verdict::Refuse`] or [`Verdict::Answer`] for its URL;
//! 2. every connection Chromium makes, for whatever reason, goes through this process (`wall`), which dials the
//!    hosts and ports that the scope allows and no others: WebSockets, preconnects, reports and whatever a later
//!    version invents have no other way out. Names are not resolved by Chromium at all; there is no UDP.
//!
//! A WebSocket is judged by the second wall, which sees its host and port; one whose path alone is out of scope is
//! recorded as such ([`Socket::in_scope`]), not stopped.
//!
//! Downloads, permissions, service workers and popups beyond a few are refused, dialogs are dismissed and recorded.
//!
//! # The sandbox
//!
//! Chromium's own sandbox is on, except for root: Chromium refuses to start as root with it (containers). Then
//! `--no-sandbox` is given, and only then; whoever tests applications they do not trust runs as an ordinary user.

mod connection;
mod context;
mod cookies;
mod entrance;
mod error;
mod explore;
mod hub;
mod launch;
mod limits;
mod log;
mod navigation;
mod page;
mod process;
mod record;
mod scope;
mod sight;
mod value;
mod wall;

pub use context::Context;
pub use cookies::{Cookie, SameSite};
pub use entrance::Credentials;
pub use error::{BrowserError, Lost};
pub use explore::{Ended, ExploreOptions, Explored, FormFound, UrlFound};
pub use launch::{Browser, Options};
pub use limits::{Limits, Patience};
pub use navigation::{Landed, Settled};
pub use page::Page;
pub use record::{
    BlockedCookie, Call, ConsoleMessage, Dialog, Exchange, Frame, Outcome, PageId, Recorded, Route, Socket,
    Violation,
};
pub use scope::{Answer, Scope, Verdict};
pub use sight::{Field, Form, Link};
