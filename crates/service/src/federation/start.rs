//! A browser is sent to a provider.

use gabion_identity::Email;
use gabion_identity::federation::attempt::Asked;
use gabion_identity::federation::{Intent, request};
use gabion_model::{Acr, Actor};

use super::{Departure, FederationError, ProviderView, StartFederation};
use crate::{ActError, Caller, Service};

impl Service {
    /// The providers people may sign in with, by name.
    #[must_use]
    pub fn federation_providers(&self) -> Vec<ProviderView> {
        let rules = self.0.rules();
        rules.federation.iter().map(ProviderView::of).collect()
    }

    /// The provider whose people have e-mail addresses like this name. Depends on the configuration alone:
    /// nobody learns whether there is such an account.
    #[must_use]
    pub fn federation_provider_for(&self, name: &str) -> Option<ProviderView> {
        let email: Email = name.parse().ok()?;
        let rules = self.0.rules();
        let leads = |domain: &String| domain == email.domain();
        rules.federation.iter().find(|one| one.settings.domains.iter().any(leads)).map(ProviderView::of)
    }

    /// Whether a name alone can tell where somebody signs in.
    #[must_use]
    pub fn federation_routes_by_domain(&self) -> bool {
        self.0.rules().federation.iter().any(|one| !one.settings.domains.is_empty())
    }

    /// Begins a sign-in with a provider: what is asked is kept here, bound to the browser by `cookie`, what
    /// its federation cookie holds now. Changes nothing and is not recorded.
    ///
    /// # Errors
    /// [`FederationError::Unreachable`] when the provider's settings cannot be had; [`FederationError::Act`]
    /// when there is no such provider, or somebody who is not signed in wants to link.
    pub async fn federation_start(
        &self,
        caller: &Caller,
        provider: &str,
        start: StartFederation,
        cookie: Option<&str>,
    ) -> Result<Departure, FederationError> {
        let inner = &self.0;
        let provider = inner.provider(provider).ok_or(ActError::NotFound)?;
        let intent = match (&caller.actor, start.link) {
            (_, false) => Intent::SignIn,
            (Actor::Account { id, session: Some(session), .. }, true) => {
                Intent::Link { account: id.clone(), session: session.clone() }
            }
            (_, true) => return Err(ActError::Forbidden.into()),
        };
        let metadata = inner.metadata(&provider).await?;
        let asked = Asked {
            intent,
            next: start.next,
            fresh: start.fresh,
            wanted: start.wanted.unwrap_or(Acr::OneFactor),
            redirect_uri: provider.redirect_uri(&self.origin()),
        };
        let now = inner.clock.now();
        let begun = inner.federation.attempts.begin(provider.name.clone(), asked, cookie, now, &*inner.rng);
        let url = request::authorization_url(&metadata, &provider, &begun, start.login_hint.as_deref())
            .map_err(|_| FederationError::Unreachable)?;
        Ok(Departure { url, browser: begun.browser })
    }
}

impl ProviderView {
    pub(super) fn of(provider: &gabion_identity::federation::Provider) -> Self {
        Self { name: provider.name.to_string(), display_name: provider.display_name().to_owned() }
    }
}
