//! Signing out at the provider somebody came from (OpenID Connect RP-Initiated Logout 1.0).

use gabion_identity::federation::{UpstreamLogout, end_session};
use gabion_model::random;
use gabion_vault::encoding::base64url_encode;

use super::{ProviderView, Upstream};
use crate::{Caller, Service};

impl Service {
    /// Where the caller, who has just signed out here, signs out at the provider their session began with;
    /// once. `back` is where an application wants to have the browser after: a registered address of its
    /// own. Changes nothing that lasts and is not recorded.
    ///
    /// None when the session did not begin with a provider, the process was started since, or the provider
    /// has no such address, cannot be asked for it, or shall be left alone; and where the browser would have
    /// to be kept from the application to ask.
    pub async fn upstream_logout(&self, caller: &Caller, back: Option<&str>) -> Option<Upstream> {
        let inner = &self.0;
        let origin = inner.federation.origin(caller.session()?)?;
        let provider = inner.provider(&origin.provider)?;
        let perform = match provider.settings.upstream_logout {
            UpstreamLogout::Perform => true,
            UpstreamLogout::Offer if back.is_none() => false,
            UpstreamLogout::Offer | UpstreamLogout::Off => return None,
        };
        // The table of that name may be another provider's since.
        let metadata = inner.metadata(&provider).await.ok().filter(|found| found.issuer == origin.issuer)?;
        let state = base64url_encode(&random::bytes::<32>(&*inner.rng));
        let returned = format!("{}/.gabion/logout", self.origin());
        let url = end_session::url(&metadata, &provider, &origin.hint, &returned, &state)?;
        inner.federation.departs(&state, back.map(str::to_owned), inner.clock.now());
        Some(Upstream { provider: ProviderView::of(&provider), url, perform })
    }

    /// Where a browser that comes back from signing out at a provider goes on to: an application that asked
    /// for the sign-out. None for any other `state` than one of ours that was not used.
    #[must_use]
    pub fn upstream_logout_returned(&self, state: &str) -> Option<String> {
        self.0.federation.returned(state, self.0.clock.now())
    }
}
