//! Where the browser goes to sign in (OpenID Connect Core 1.0, section 3.1.2.1; RFC 7636; RFC 9700).

use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;
use url::Url;

use super::attempt::{Attempt, Begun};
use super::discovery::Metadata;
use super::provider::Provider;
use super::settings::Prompt;

/// The authorization request. `login_hint` is what the person typed as their name or address.
///
/// # Errors
/// When the endpoint is no address, which [`Metadata::parse`] does not let through.
pub fn authorization_url(
    metadata: &Metadata,
    provider: &Provider,
    begun: &Begun,
    login_hint: Option<&str>,
) -> Result<String, url::ParseError> {
    let Attempt { nonce, verifier, redirect_uri, fresh, .. } = &begun.attempt;
    let settings = &provider.settings;
    let mut url = Url::parse(&metadata.authorization_endpoint)?;
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &settings.scopes.join(" "))
        .append_pair("state", &begun.state)
        .append_pair("nonce", nonce)
        .append_pair("code_challenge", &base64url_encode(&sha256(verifier.expose().as_bytes())))
        .append_pair("code_challenge_method", "S256");
    let prompt = match settings.prompt {
        _ if *fresh => Some("login"),
        Some(Prompt::Consent) => Some("consent"),
        Some(Prompt::Login) => Some("login"),
        Some(Prompt::SelectAccount) => Some("select_account"),
        None => None,
    };
    if let Some(prompt) = prompt {
        query.append_pair("prompt", prompt);
    }
    if *fresh {
        query.append_pair("max_age", "0");
    }
    if !settings.acr_values.is_empty() {
        query.append_pair("acr_values", &settings.acr_values.join(" "));
    }
    if let Some(hint) = login_hint.filter(|hint| (1..=254).contains(&hint.len())) {
        query.append_pair("login_hint", hint);
    }
    drop(query);
    Ok(url.into())
}
