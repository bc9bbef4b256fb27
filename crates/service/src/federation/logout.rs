//! A provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).

use gabion_identity::federation::id_token::{allowed, key};
use gabion_identity::federation::logout::{self, LogoutToken};
use gabion_model::{Methods, Outcome};
use gabion_vault::jose::UnverifiedHeader;
use gabion_vault::sha256;

use super::{FederationError, LogoutRefused};
use crate::record::About;
use crate::{Act, ActError, Caller, Service};

impl Service {
    /// Ends the session that began with the one the provider ended; where that is not known, all sessions
    /// its person began with a provider. A token works once.
    ///
    /// # Errors
    /// [`LogoutRefused::Invalid`] when the token is not the provider's word, or was used.
    pub async fn federation_logout(
        &self,
        caller: &Caller,
        provider: &str,
        token: &str,
    ) -> Result<(), LogoutRefused> {
        let inner = &self.0;
        let provider = inner.provider(provider).ok_or(LogoutRefused::Unknown)?;
        let observed = |reason: String| {
            let mut event = inner.event(Act::FederatedLogout, caller, Outcome::Failure);
            event.resource = provider.name.to_string();
            event.reason = Some(reason);
            inner.ledger.observe(event);
            LogoutRefused::Invalid
        };
        let unreachable = |_: FederationError| LogoutRefused::Act(ActError::Unavailable);
        let metadata = inner.metadata(&provider).await.map_err(unreachable)?;
        let header = UnverifiedHeader::of(token).map_err(|error| observed(error.to_string()))?;
        let keys = inner.provider_keys(&provider, &metadata, |keys| key(&header, keys).is_ok()).await;
        let stated = allowed(&metadata.id_token_algorithms);
        let now = inner.clock.now();
        let verified = logout::verify(
            token,
            &keys.map_err(unreachable)?,
            &stated,
            &metadata.issuer,
            &provider.settings.client_id,
            now,
        );
        let LogoutToken { subject, sid, jti } = verified.map_err(|error| observed(error.to_string()))?;
        let once = format!("{}\n{jti}", metadata.issuer);
        if !inner.federation.is_first_use(sha256(once.as_bytes()), now) {
            return Err(observed("the logout token was used before".to_owned()));
        }
        let issuer = metadata.issuer.clone();
        let about = About::of(&*provider.name);
        self.act(Act::FederatedLogout, caller, about, move |inner, _| {
            if let Some(session) = sid.and_then(|sid| inner.federation.ended(&issuer, &sid)) {
                inner.sessions.revoke(&session).map_err(ActError::from)?;
                return Ok(());
            }
            let Some(subject) = subject else { return Ok(()) };
            let identity = inner.storage.identity(&issuer, &subject).map_err(ActError::from)?;
            let Some(identity) = identity else { return Ok(()) };
            for session in inner.sessions.list(&identity.account, inner.clock.now()) {
                if session.methods.contains(Methods::FEDERATED) {
                    inner.sessions.revoke(&session.id).map_err(ActError::from)?;
                }
            }
            Ok(())
        })
        .await
    }
}
