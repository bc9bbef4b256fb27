//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): an application sends the browser here to
//! sign out, and would have it back.
//!
//! An ID token of ours for this very session is proof enough that the application speaks for it; without
//! one the person is asked. The browser is sent on only to an address that the application registered,
//! byte for byte.

use gabion_identity::oauth::token::ID_TOKEN_TYPE;
use gabion_identity::oauth::{OAuthError, Parameters};
use gabion_model::Actor;
use serde::Deserialize;
use url::Url;

use super::Failed;
use crate::{Caller, Service};

/// A request to sign out that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// The application's name, where one is known: a text of whoever registered it.
    pub client: Option<String>,
    /// Where the browser goes afterwards, with `state`.
    pub redirect: Option<String>,
    /// The registered address without it, for the page's policy.
    pub registered: Option<String>,
    /// It speaks for the caller's own session: nobody needs to be asked.
    pub proven: bool,
}

impl Service {
    /// Judges a request to sign out. Nothing is ended by that.
    ///
    /// # Errors
    /// `invalid_request` when the hint is not ours, or the address is not the application's; nobody is
    /// redirected then.
    pub async fn logout_request(
        &self,
        caller: &Caller,
        parameters: &Parameters,
    ) -> Result<LogoutRequest, OAuthError> {
        #[derive(Deserialize)]
        struct Hint {
            iss: String,
            sub: String,
            aud: String,
            #[serde(default)]
            sid: Option<String>,
        }
        parameters.check_unique()?;
        let hint = match parameters.get("id_token_hint") {
            None => None,
            Some(token) => {
                let hint: Option<Hint> = self.0.verify_own(token, ID_TOKEN_TYPE);
                let hint = hint.filter(|hint| *hint.iss == *self.origin());
                Some(hint.ok_or_else(|| {
                    OAuthError::invalid_request("id_token_hint is not an ID token of this server")
                })?)
            }
        };
        let named = parameters.get("client_id");
        if let (Some(hint), Some(named)) = (&hint, named)
            && hint.aud != named
        {
            return Err(OAuthError::invalid_request("client_id and id_token_hint name two applications"));
        }
        let id = hint.as_ref().map(|hint| hint.aud.as_str()).or(named);
        let client = match id {
            Some(id) => self.known_client(id).await.map_err(|Failed(error)| error)?,
            None => None,
        };
        let registered = match parameters.get("post_logout_redirect_uri") {
            None => None,
            Some(uri) => {
                let own = client.as_ref().is_some_and(|client| client.allows_post_logout_redirect(uri));
                if !own {
                    return Err(OAuthError::invalid_request(
                        "post_logout_redirect_uri is not registered for the application, or the request does not say which it is",
                    ));
                }
                Some(uri.to_owned())
            }
        };
        let redirect = registered.as_deref().map(|uri| with_state(uri, parameters.get("state")));
        let proven = match (&hint, &caller.actor) {
            (Some(hint), Actor::Account { id, session: Some(session), .. }) => {
                hint.sub == id.as_str() && hint.sid.as_deref().is_none_or(|sid| sid == session.as_str())
            }
            _ => false,
        };
        Ok(LogoutRequest {
            client: client.map(|client| client.metadata.name.clone()),
            redirect,
            registered,
            proven,
        })
    }
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let (Some(state), Ok(mut url)) = (state, Url::parse(uri)) else { return uri.to_owned() };
    url.query_pairs_mut().append_pair("state", state);
    url.into()
}
