//! The same layers over Gabion's own engines, for a program that opens them in its own process.
//!
//! Sessions are a browser's: put the check against forged requests around them
//! ([`CheckLayer::only(&["csrf"], …)`](gabion_checks::CheckLayer::only)), as the gate does.

use std::sync::Arc;

use gabion_identity::{AccessTokens, ApiKeys, Sessions};

use crate::credentials::Credentials;
use crate::source;

/// Takes the session cookie. `secure`: the application is reached over TLS, and the cookie has the name for that.
pub fn session(sessions: Arc<Sessions>, secure: bool) -> Credentials {
    Credentials { sessions: Some(source::Sessions::Cookie { sessions, secure }), ..Credentials::none() }
}

/// Takes access tokens for `resource`.
pub fn bearer(tokens: Arc<AccessTokens>, resource: &str) -> Credentials {
    let resource = resource.into();
    Credentials { tokens: Some(source::Tokens::Here { tokens, resource }), ..Credentials::none() }
}

/// Takes API keys.
pub fn api_key(keys: Arc<ApiKeys>) -> Credentials {
    Credentials { keys: Some(source::Keys::Here(keys)), ..Credentials::none() }
}
