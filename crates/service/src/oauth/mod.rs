//! Acts of the OpenID Connect provider.
//!
//! What a person decides (consent, ending a grant) is an act like any other: recorded, then done. What
//! applications ask for by themselves comes a thousand times a second: a new grant is one durable entry
//! before its tokens leave; refreshes are counted.

mod authorize;
mod backchannel;
mod bearer;
mod client;
mod clients;
mod consent;
mod device;
mod discovery;
mod documents;
mod edge;
mod grants;
mod introspect;
mod issue;
mod logout;
mod machine;
mod protocols;
mod prove;
mod push;
mod refresh;
mod register;
mod revoke;
mod token;
mod userinfo;
mod watch;

pub use gabion_identity::oauth::redirect::form_action;
pub use gabion_identity::oauth::request::{ResponseMode, TargetError};
pub use gabion_identity::oauth::response::AuthorizationResponse;
pub use gabion_identity::oauth::token::Confirmation;
pub use gabion_identity::oauth::{ErrorCode, OAuthError, Parameters, redirect_host};

pub use authorize::{Asked, AskingClient, Authorization, ScopeView};
pub use client::ClientCredentials;
pub use clients::{AddedClient, ClientActError, ClientView, NewClient, SecretView};
pub use consent::Decision;
pub use device::{DeviceCodes, DeviceError, DeviceView};
pub use edge::{Edge, ProtectedResource};
pub use grants::GrantView;
pub use logout::LogoutRequest;
pub use push::Pushed;
pub use token::TokenRequest;
pub use userinfo::Userinfo;

pub(crate) use backchannel::Farewells;
pub(crate) use bearer::VerifiedTokens;
pub(crate) use protocols::Protocols;
pub(crate) use watch::Watch;

use gabion_identity::oauth::{ProviderSettings, ScopeTable};

use crate::ActError;

/// What follows from the table `[provider]`, made once per configuration.
#[derive(Debug)]
pub(crate) struct ProviderRules {
    pub(crate) settings: ProviderSettings,
    pub(crate) scopes: ScopeTable,
    pub(crate) edge: Edge,
}

impl ProviderRules {
    pub(crate) fn new(settings: &ProviderSettings, edge: &Edge) -> Self {
        let mut settings = settings.clone();
        // What is behind the gate can be asked for without being declared twice.
        let behind = edge.resources.iter().filter_map(|one| one.resource.clone());
        for resource in behind {
            if !settings.resources.contains(&resource) {
                settings.resources.push(resource);
            }
        }
        Self { scopes: ScopeTable::new(&settings), settings, edge: edge.clone() }
    }
}

/// Something that applications are told in OAuth's own words.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) OAuthError);

impl From<ActError> for Failed {
    fn from(_: ActError) -> Self {
        Self(OAuthError::unavailable())
    }
}

impl From<gabion_identity::StorageError> for Failed {
    fn from(error: gabion_identity::StorageError) -> Self {
        ActError::from(error).into()
    }
}

impl From<gabion_identity::AccountError> for Failed {
    fn from(error: gabion_identity::AccountError) -> Self {
        ActError::from(error).into()
    }
}

impl From<OAuthError> for Failed {
    fn from(error: OAuthError) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}
