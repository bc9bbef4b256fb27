//! Signing in with other providers: honest ones, dishonest ones, and dishonest browsers.

mod accounts;
mod conformance;
mod hostile;
mod logout;
pub(crate) mod op;

use std::sync::Arc;

use gabion_model::{Secret, SessionId};
use gabion_service::federation::{Credential, Provider, ProviderSettings, Provisioning};
use gabion_service::{Arrival, Caller, FederationError, Settings, SignedIn, StartFederation, Step};
use gabion_vault::jose::Algorithm;

use crate::world::{World, anonymous};
use op::{CLIENT, Network, Op, SECRET};

pub(crate) const ISSUER: &str = "https://op.example";

/// A gate, one honest provider named `op`, and whoever signs in.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) network: Arc<Network>,
    pub(crate) op: Arc<Op>,
}

/// A browser with its federation cookie.
#[derive(Default)]
pub(crate) struct Tab {
    pub(crate) cookie: Option<String>,
}

impl Stage {
    pub(crate) fn new(change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let mut settings = provider_settings(ISSUER);
        change(&mut settings);
        Self::with(vec![provider("op", settings)])
    }

    pub(crate) fn with(federation: Vec<Provider>) -> Self {
        Self::signing(federation, Algorithm::Es256)
    }

    fn signing(federation: Vec<Provider>, algorithm: Algorithm) -> Self {
        let network = Arc::new(Network::default());
        let world = World::reaching(Settings { federation, ..Settings::default() }, network.clone());
        let op = Op::signing(ISSUER, world.clock.clone(), algorithm);
        network.add(&op);
        Self { world, network, op }
    }

    /// Somebody whom an account is linked to; its name.
    pub(crate) async fn linked(change: impl FnOnce(&mut ProviderSettings)) -> Self {
        Self::linked_by(Algorithm::Es256, change).await
    }

    /// The same, at a provider that signs with another algorithm.
    pub(crate) async fn linked_by(algorithm: Algorithm, change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let mut settings = provider_settings(ISSUER);
        settings.provisioning = Provisioning::Create;
        change(&mut settings);
        let stage = Self::signing(vec![provider("op", settings)], algorithm);
        let mut tab = Tab::default();
        let Ok(Arrival::Unlinked { ticket }) = stage.sign_in(&mut tab).await else {
            panic!("nobody is linked")
        };
        let service = &stage.world.service;
        let chosen = service.create_from_identity(&stranger(), &ticket, tab.cookies()).await.unwrap();
        chosen.step.signed_in().expect("no second factor");
        stage
    }

    pub(crate) async fn start(&self, tab: &mut Tab, caller: &Caller, start: StartFederation) -> String {
        let cookie = tab.cookie.as_deref();
        let departure = self.world.service.federation_start(caller, "op", start, cookie).await.unwrap();
        tab.cookie = Some(departure.browser.expose().clone());
        departure.url
    }

    pub(crate) async fn back(
        &self,
        tab: &Tab,
        caller: &Caller,
        pairs: Vec<(String, String)>,
    ) -> Result<Arrival, FederationError> {
        self.world.service.federation_callback(caller, "op", pairs, tab.cookies()).await
    }

    /// There and back.
    pub(crate) async fn sign_in(&self, tab: &mut Tab) -> Result<Arrival, FederationError> {
        let url = self.start(tab, &stranger(), start()).await;
        self.back(tab, &stranger(), self.op.authorize(&url)).await
    }

    /// Why the last sign-in was refused, as the record has it.
    pub(crate) async fn reason(&self) -> String {
        let outcomes = self.world.outcomes("federation.sign-in").await;
        outcomes.last().and_then(|(_, reason)| reason.clone()).unwrap_or_default()
    }
}

impl Tab {
    pub(crate) fn cookies(&self) -> Vec<String> {
        self.cookie.iter().cloned().collect()
    }
}

pub(crate) fn provider_settings(issuer: &str) -> ProviderSettings {
    ProviderSettings {
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        ..ProviderSettings::default()
    }
}

pub(crate) fn provider(name: &str, settings: ProviderSettings) -> Provider {
    let credential = Credential::Secret(Arc::new(Secret::new(SECRET.to_owned())));
    Provider { name: name.into(), settings, credential }
}

pub(crate) fn start() -> StartFederation {
    StartFederation { next: "/notes".to_owned(), ..StartFederation::default() }
}

pub(crate) fn stranger() -> Caller {
    anonymous("203.0.113.9")
}

pub(crate) fn let_in(arrival: Result<Arrival, FederationError>) -> SignedIn {
    match arrival {
        Ok(Arrival::SignedIn { step: Step::In(signed_in), next }) => {
            assert_eq!(next, "/notes");
            signed_in
        }
        other => panic!("not let in: {other:?}"),
    }
}

pub(crate) fn session_of(signed_in: &SignedIn) -> SessionId {
    signed_in.session.id.clone()
}
