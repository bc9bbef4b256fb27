//! Signing out at the provider, too (OpenID Connect RP-Initiated Logout 1.0): the browser is sent there
//! with the name of the session that ended here, and comes back.

use std::fmt;
use std::sync::Arc;

use gabion_model::Secret;
use gabion_vault::constant_time_eq;
use url::Url;

use super::discovery::Metadata;
use super::provider::Provider;

/// The session at a provider that one here began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The provider's name in the configuration.
    pub provider: Arc<str>,
    pub issuer: String,
    /// The provider's name for the session (OpenID Connect Back-Channel Logout 1.0, section 2.1).
    pub sid: Option<String>,
    pub hint: Hint,
}

/// The ID token as it came: by it the provider knows which session shall end. None when it is too long to be
/// sent in an address.
#[derive(Clone, Default)]
pub struct Hint(Option<Arc<Secret<String>>>);

impl Hint {
    #[must_use]
    pub fn of(token: &Secret<String>) -> Self {
        Self((token.expose().len() <= LONGEST_HINT).then(|| Arc::new(token.clone())))
    }
}

impl PartialEq for Hint {
    fn eq(&self, other: &Self) -> bool {
        let bytes = |hint: &Self| hint.0.as_ref().map(|token| token.expose().as_bytes().to_vec());
        match (bytes(self), bytes(other)) {
            (Some(one), Some(other)) => constant_time_eq(&one, &other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for Hint {}

impl fmt::Debug for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hint(***)")
    }
}

/// Where the browser signs out at the provider (section 2); `back` is where it returns with `state`. None
/// where the provider has no such address.
#[must_use]
pub fn url(metadata: &Metadata, provider: &Provider, hint: &Hint, back: &str, state: &str) -> Option<String> {
    let mut url = Url::parse(metadata.end_session_endpoint.as_deref()?).ok()?;
    let mut query = url.query_pairs_mut();
    if let Some(token) = &hint.0 {
        query.append_pair("id_token_hint", token.expose());
    }
    query
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("post_logout_redirect_uri", back)
        .append_pair("state", state);
    drop(query);
    Some(url.into())
}

const LONGEST_HINT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::{Credential, ProviderSettings};
    use serde_json::json;

    #[test]
    fn the_request_names_the_session_and_the_way_back() {
        let provider = Provider {
            name: "op".into(),
            settings: ProviderSettings { client_id: "a b".to_owned(), ..ProviderSettings::default() },
            credential: Credential::None,
        };
        let metadata = |end_session: Option<&str>| {
            let document = json!({
                "issuer": "https://op.example", "authorization_endpoint": "https://op.example/a",
                "token_endpoint": "https://op.example/t", "jwks_uri": "https://op.example/j",
                "end_session_endpoint": end_session,
            });
            Metadata::parse(document.to_string().as_bytes(), "https://op.example").unwrap()
        };
        let hint = Hint::of(&Secret::new("e.e.e".to_owned()));
        let with = metadata(Some("https://op.example/out?tenant=1"));
        assert_eq!(
            url(&with, &provider, &hint, "https://gate.example/x", "s").unwrap(),
            "https://op.example/out?tenant=1&id_token_hint=e.e.e&client_id=a+b\
             &post_logout_redirect_uri=https%3A%2F%2Fgate.example%2Fx&state=s"
        );
        let long = Hint::of(&Secret::new("e".repeat(LONGEST_HINT + 1)));
        assert!(!url(&with, &provider, &long, "https://gate.example/x", "s").unwrap().contains("hint"));
        assert_eq!(url(&metadata(None), &provider, &hint, "https://gate.example/x", "s"), None);
        assert!(!format!("{hint:?}").contains("e.e.e"));
    }
}
