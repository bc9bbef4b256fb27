//! Revocation (RFC 7009): the application gives a token back. The whole grant ends with it, for whoever
//! gives back one token has no use for the others, and a thief of one may have them all.

use gabion_identity::oauth::client::Client;
use gabion_identity::oauth::grant::EndReason;
use gabion_identity::oauth::{OAuthError, Parameters, refresh};

use super::Failed;
use crate::service::Inner;
use crate::{Caller, Service};

impl Service {
    /// Ends what the token belongs to, if it is the client's. Whether there was anything to end is not
    /// said (RFC 7009, 2.2).
    ///
    /// # Errors
    /// `invalid_request` without a token, `temporarily_unavailable` when it cannot be ended now.
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<(), OAuthError> {
        let token = parameters.require("token")?.to_owned();
        let (caller, client) = (caller.clone(), client.id.clone());
        let work = move |inner: &Inner| {
            let now = inner.clock.now();
            if let Some(token) = refresh::read(&token) {
                let Some(grant) = inner.storage.grant(&token.grant)? else { return Ok(()) };
                // Also a token that was used already: its owner wants out.
                let authentic = grant.refresh.as_ref().is_some_and(|state| {
                    inner.open_refresh_key(&grant.id, state).is_some_and(|key| token.is_authentic(&key))
                });
                if authentic && grant.client == client && grant.ended.is_none() {
                    inner.end_for(&caller, &grant, EndReason::Returned)?;
                }
                return Ok(());
            }
            let Some(claims) = inner.access_token(&token, now) else { return Ok(()) };
            if claims.client_id != client.as_str() {
                return Ok(());
            }
            let grant = claims.gid.as_ref().map(|id| inner.storage.grant(id)).transpose()?.flatten();
            match grant {
                Some(grant) => inner.end_for(&caller, &grant, EndReason::Returned),
                None => {
                    inner.watch.revocations.revoke_grant(&claims.family(), now);
                    Ok(())
                }
            }
        };
        self.blocking_or(work).await.map_err(|Failed(error)| error)
    }
}
