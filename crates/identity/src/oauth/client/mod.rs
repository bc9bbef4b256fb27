//! The applications that may ask for tokens: what each is, what it may ask for, how it proves itself.
//!
//! A client is registered by the operator (or an administrator), registers itself (RFC 7591, when that is
//! switched on), or is described by a document at the https address that is its id. Whatever made it,
//! the same rules judge it: [`Metadata::problems`].

pub mod assertion;
mod engine;
mod id;
mod metadata;
mod redirect;
mod rules;
mod secret;
mod storage;

use gabion_model::{AccountId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

pub use engine::{ClientError, Clients, NewClient};
pub use id::{ClientId, MalformedClientId};
pub use metadata::{
    Application, AuthenticationMethod, CertificateSubject, GrantType, Metadata, ResponseType,
    SignatureAlgorithm,
};
pub use redirect::{MalformedRedirectUri, RedirectUri};
pub use secret::{ClientSecret, SHORTEST_GIVEN_SECRET};
pub use storage::ClientStorage;

/// One client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: ClientId,
    pub metadata: Metadata,
    pub tenant: TenantId,
    /// Several while a rotation overlaps.
    pub secrets: Vec<ClientSecret>,
    /// The service account it acts as by its own credentials.
    pub account: Option<AccountId>,
    pub registration: Registration,
    /// The SHA-256 of the token with which a client that registered itself is managed (RFC 7592).
    pub registration_token: Option<[u8; 32]>,
    pub disabled: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Rises with every change, so that of two changes at once none is lost.
    pub revision: u64,
}

/// Who described the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// The client itself, at the registration endpoint (RFC 7591).
    Dynamic,
    /// A document at the address that is its id. Never stored.
    Document,
    /// The operator or an administrator.
    Operator,
}

impl Client {
    /// Whether it can keep a secret: whether it authenticates at all (RFC 6749, 2.1).
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.metadata.authentication != AuthenticationMethod::None
    }

    #[must_use]
    pub fn allows_grant(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// The registered redirect URI that `uri` is. Byte for byte; see [`RedirectUri::matches`] for the one
    /// thing that may differ.
    #[must_use]
    pub fn redirect_uri(&self, uri: &str) -> Option<&RedirectUri> {
        self.metadata.redirect_uris.iter().find(|own| own.matches(uri))
    }

    /// Byte for byte.
    #[must_use]
    pub fn allows_post_logout_redirect(&self, uri: &str) -> bool {
        self.metadata.post_logout_redirect_uris.iter().any(|own| own.as_str() == uri)
    }

    /// Whether it may ask about a token that is for these (RFC 7662): it is one of them, or all of them.
    #[must_use]
    pub fn introspects<'a>(&self, mut audiences: impl Iterator<Item = &'a str>) -> bool {
        let own = &self.metadata.introspects;
        own.iter().any(|one| one == "*")
            || audiences.any(|audience| audience == self.id.as_str() || own.iter().any(|one| one == audience))
    }

    #[must_use]
    pub fn allows_scope(&self, scope: &str) -> bool {
        self.metadata.scopes.iter().any(|own| own == scope)
    }

    /// Whether it may ask for tokens for `resource` (RFC 8707). A client without a list may ask for those
    /// the server offers to everybody.
    #[must_use]
    pub fn allows_resource(&self, resource: &str) -> bool {
        self.metadata.resources.is_empty() || self.metadata.resources.iter().any(|own| own == resource)
    }
}
