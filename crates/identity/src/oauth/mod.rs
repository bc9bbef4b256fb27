//! OAuth 2.1 and OpenID Connect: what is asked, what is granted, what is handed out.
//!
//! Pure: requests come as [`Parameters`], answers are values, time and randomness are parameters,
//! storage is a trait.

pub mod claims;
pub mod client;
pub mod device;
pub mod dpop;
pub mod error;
pub mod grant;
pub mod grant_id;
pub mod logout;
pub mod parameters;
pub mod redirect;
pub mod refresh;
pub mod registration;
pub mod replay;
pub mod request;
pub mod resource;
pub mod response;
pub mod revocation;
pub mod scope;
pub mod settings;
pub mod storage;
pub mod token;
pub mod waiting;

pub use claims::ClaimsRequest;
pub use error::{ErrorCode, OAuthError};
pub use grant_id::GrantId;
pub use parameters::Parameters;
pub use redirect::redirect_host;
pub use revocation::Revocations;
pub use scope::{ScopeTable, Scopes};
pub use settings::{ProviderSettings, ScopeSettings};
