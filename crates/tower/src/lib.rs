//! Who is calling a Rust application: tower layers and an axum extractor, for applications behind a Gabion gate,
//! beside it, or with its engines in their own process.
//!
//! | the application is | it has | use |
//! |---|---|---|
//! | behind the gate, or behind a proxy that asks the gate (forward-auth) | the gate's signed word in `Gabion-Identity` | [`Gabion::session`] |
//! | reached by programs with access tokens of the gate's provider (RFC 9068) | `Authorization: Bearer` | [`Gabion::bearer`] |
//! | reached by programs with API keys | `Authorization: Bearer gab_…` or `X-API-Key` | [`Gabion::api_key`] |
//! | Gabion's own host: its engines are opened in the same process | the session cookie, tokens, keys | [`embedded`] |
//!
//! Each gives [`Credentials`], to be joined by [`or`](Credentials::or), asked for more
//! ([`role`](Credentials::role), [`scope`](Credentials::scope), [`acr`](Credentials::acr),
//! [`max_age`](Credentials::max_age)) and made a layer. The rules and the answers are the gate's own: whoever shows
//! nothing is refused, a credential that does not count is refused even where strangers may come, two at once are
//! ambiguous, and a key in an address is refused because logs keep it. Refusals are problem documents (RFC 9457) with
//! a challenge (RFC 6750, RFC 9470); a person's browser gets a page or the way to the login.
//!
//! ```
//! use axum::{Json, Router, routing::get};
//! use gabion_tower::{Gabion, Principal};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gabion = Gabion::at("https://id.example")?;
//! let orders = gabion.session("shop").or(gabion.bearer("https://shop.example/api")).scope("orders:read");
//!
//! async fn me(who: Principal) -> String {
//!     format!("{} is signed in as {} ({:?})", who.account, who.name, who.kind)
//! }
//!
//! async fn greet(who: Option<Principal>) -> String {
//!     who.map_or("Hello".to_owned(), |who| format!("Hello, {}", who.name))
//! }
//!
//! let application: Router = Router::new()
//!     .route("/me", get(me))
//!     .route_layer(orders.clone().layer()?)
//!     .merge(Router::new().route("/", get(greet)).route_layer(orders.allow_strangers().layer()?));
//! # Ok(())
//! # }
//! ```
//!
//! What somebody may do to one object is decided by the gate's policies, also for what the gate cannot see:
//! [`Gabion::decisions`] asks it, and [`Authorize`] is how a handler does.
//!
//! ```
//! use axum::extract::Path;
//! use axum::{Router, routing::get};
//! use gabion_tower::{Authorize, Gabion, NotAllowed, Object, Secret};
//!
//! async fn order(may: Authorize, Path(id): Path<String>) -> Result<String, NotAllowed> {
//!     may.authorize("readOrder", Object::new("Order", &id)).await?;
//!     Ok(format!("order {id}"))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gabion = Gabion::at("https://id.example")?;
//! let key = Secret::new("gab_…".to_owned());
//! let application: Router = Router::new()
//!     .route("/orders/{id}", get(order))
//!     .route_layer(gabion.decisions(&key).layer())
//!     .route_layer(gabion.session("shop").layer()?);
//! # Ok(())
//! # }
//! ```
//!
//! [`Gabion::events`] has the gate record what happened in the application.
//!
//! With plain tower the same stands in the request's extensions: `request.extensions().get::<Principal>()`.
//!
//! What cannot be seen from a token alone: that its grant was revoked a moment ago. [`Gabion::bearer`] believes a token
//! to its end (15 minutes by default); [`Credentials::asking`] asks the gate about each one instead, as
//! [`Gabion::api_key`] always does. Tokens that are bound to a key or a certificate (`cnf`) are refused here: whether
//! the binding was shown can only be judged where the connection ends, which is the gate.

mod credentials;
mod decisions;
pub mod embedded;
mod events;
mod extract;
mod gabion;
mod principal;
mod service;
mod source;

pub use credentials::{CredentialLayer, Credentials, Mistakes};
pub use decisions::{Authorize, DecisionLayer, Decisions, MaskUnreadable, NotAllowed, Object, Permit};
pub use events::{Event, Events, NotRecorded, Recorded};
pub use extract::NotSignedIn;
pub use gabion::{Gabion, GabionError};
pub use gabion_egress::EgressSettings;
pub use gabion_identity::{CredentialKind, Scopes};
pub use gabion_model::{Acr, Problem, Role, Secret, Severity};
pub use principal::Principal;
pub use service::Guarded;
