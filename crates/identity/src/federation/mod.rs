//! Signing in with other OpenID providers: the relying party's rules, free of I/O.
//!
//! The way of one sign-in: [`Attempts::begin`] remembers what is asked and binds it to the browser;
//! [`request::authorization_url`] is where the browser goes; [`Callback::parse`] and
//! [`Callback::accept`] judge what comes back; [`exchange::form`] redeems the code; [`id_token::verify`]
//! judges the ID token (OpenID Connect Core 1.0, section 3.1.3.7) and [`userinfo::verify`] what the
//! provider adds; [`mapping::Asserted`] is who somebody is, in our words. Whose account that is stands in
//! the storage ([`FederationStorage`](crate::storage::FederationStorage)) by issuer and subject and by
//! nothing else: an e-mail address never decides who somebody is (CWE-290, "nOAuth").

pub mod attempt;
pub mod callback;
pub mod discovery;
pub mod end_session;
pub mod exchange;
pub mod external;
pub mod id_token;
pub mod jwks;
pub mod logout;
pub mod mapping;
pub mod naming;
pub mod proven;
pub mod provider;
pub mod request;
pub mod settings;
pub mod userinfo;

pub use attempt::{Attempt, AttemptError, Attempts, Begun, Intent};
pub use callback::{Callback, CallbackError};
pub use discovery::{Metadata, MetadataError};
pub use end_session::{Hint, Origin};
pub use external::{ExternalIdentity, IdentityId};
pub use id_token::IdTokenError;
pub use jwks::KeyCache;
pub use mapping::{Asserted, Granted};
pub use proven::{Proven, Provens};
pub use provider::{Credential, Provider};
pub use settings::{Condition, MapRule, Prompt, ProviderSettings, Provisioning, UpstreamLogout};
