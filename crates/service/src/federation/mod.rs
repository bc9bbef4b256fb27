//! Signing in with other OpenID providers.
//!
//! A browser is sent away ([`Service::federation_start`]) and comes back ([`Service::federation_callback`]).
//! Whoever a provider vouches for and is linked here is let in through
//! [`Service::first_factor`](crate::Service), like after a password. Whoever is not linked decides what
//! shall come of it (`choose.rs`): nobody is linked to an account by an address alone.

mod callback;
mod choose;
mod identities;
mod logout;
mod map;
mod runtime;
mod sign_out;
mod start;
mod view;

pub use gabion_identity::federation::provider::Credential;
pub use gabion_identity::federation::settings::{
    Condition, MapRule, Prompt, Provisioning, UpstreamLogout, problems,
};
pub use gabion_identity::federation::{Provider, ProviderSettings};

pub(crate) use runtime::Federation;
pub use view::{
    Arrival, Chosen, Departure, FederationError, IdentityView, LinkError, LogoutRefused, ProvenView,
    ProviderView, StartFederation, UnlinkError, Upstream,
};
