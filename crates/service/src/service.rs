//! The one door to everything privileged.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arc_swap::ArcSwap;
use gabion_identity::factors::FactorCounters;
use gabion_identity::oauth::client::Clients;
use gabion_identity::oauth::{ProviderSettings, Revocations};
use gabion_identity::passkey::Challenges;
use gabion_identity::passwords::breached::BreachedList;
use gabion_identity::storage::{InvitationStorage, Storage};
use gabion_identity::{
    AccessTokens, Accounts, ApiKeys, Certificates, Decoys, FactorSettings, Groups, Invitations, KeySettings,
    Keyring, LoginSettings, MachineSettings, Machines, PasswordSettings, Passwords, PendingSignIns,
    SessionSettings, Sessions, StorageError, Throttle,
};
use gabion_ledger::Ledger;
use gabion_model::outbound::{Fetch, Mailer, NoOutbound};
use gabion_model::{Clock, Outcome, Rng, Secret};
use gabion_policy::Policies;
use gabion_respond::Register;
use gabion_vault::SealingKey;
use gabion_vault::jwt::{KeyError, SigningKey};
use gabion_vault::password::{self, Cost};

use crate::events::Submitted;
use crate::faults::Faults;
use crate::federation::{Federation, Provider};
use crate::hashing::Workers;
use crate::idempotency::Answers;
use crate::incidents::Desk;
use crate::interfaces::Interfaces;
use crate::mail::Requests;
use crate::oauth::{Edge, Farewells, Protocols, ProviderRules, VerifiedTokens, Watch};
use crate::passwords::violations;
use crate::resources::Resolvers;
use crate::{Act, ActError, Caller, PolicyViolation};

/// Composes identity, ledger, clock and randomness; cheap to clone. Its futures run on a tokio runtime
/// and hand whatever blocks to the runtime's blocking threads.
#[derive(Clone)]
pub struct Service(pub(crate) Arc<Inner>);

/// What a service is made of.
#[derive(Debug)]
pub struct Parts {
    pub storage: Arc<dyn Storage>,
    /// The keys that sign tokens.
    pub keys: Arc<Keyring>,
    /// Seals the small secrets that must be read again.
    pub sealing: Arc<SealingKey>,
    pub fetch: Arc<dyn Fetch>,
    pub mail: Arc<dyn Mailer>,
    /// Scheme, host and port people reach the gate by: the issuer of tokens, the beginning of links.
    pub origin: String,
    pub ledger: Ledger,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub settings: Settings,
    /// How many passwords are hashed at once: the number of cores.
    pub workers: usize,
}

/// The tables of the configuration that rule who gets in and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub sessions: SessionSettings,
    pub passwords: PasswordSettings,
    pub login: LoginSettings,
    /// The providers people may sign in with, by name.
    pub federation: Vec<Provider>,
    pub machines: MachineSettings,
    pub tokens: KeySettings,
    pub provider: ProviderSettings,
    pub factors: FactorSettings,
    /// What applications are told of listeners and routes.
    pub edge: Edge,
    /// What is done when a rule rings.
    pub respond: gabion_respond::Settings,
    /// The paths that routes declare.
    pub routes: Vec<String>,
}

pub(crate) struct Inner {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) sealing: Arc<SealingKey>,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) mail: Arc<dyn Mailer>,
    pub(crate) origin: RwLock<Arc<str>>,
    pub(crate) accounts: Accounts,
    pub(crate) groups: Groups,
    pub(crate) clients: Clients,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) machines: Machines,
    pub(crate) protocols: Protocols,
    pub(crate) watch: Arc<Watch>,
    pub(crate) verified: VerifiedTokens,
    pub(crate) throttle: Throttle,
    /// Sign-ins that wait for a second factor.
    pub(crate) pending: PendingSignIns,
    /// What passkeys are asked to sign.
    pub(crate) challenges: Challenges,
    /// Wrong tries at second factors.
    pub(crate) counters: FactorCounters,
    pub(crate) workers: Workers,
    /// Sign-ins with other providers that are under way.
    pub(crate) federation: Federation,
    /// Events that were sent with a key.
    pub(crate) submitted: Answers<Submitted>,
    /// What goes wrong behind the gate.
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) requests: Requests,
    /// Held while everything is made as a file says.
    pub(crate) reconciling: tokio::sync::Mutex<()>,
    /// Held while a program looks at an account and changes what it saw.
    pub(crate) provisioning: Mutex<()>,
    /// Who may do what in applications.
    pub(crate) policies: Arc<gabion_policy::Live>,
    /// Who knows what of an application's objects.
    pub(crate) resolvers: ArcSwap<Resolvers>,
    /// What was seen of the applications' operations.
    pub(crate) interfaces: ArcSwap<Interfaces>,
    /// Where incidents are kept, and by which rules.
    pub(crate) desk: ArcSwap<Desk>,
    /// Held while a step of an incident is judged and taken: two people act one after the other.
    pub(crate) responding: tokio::sync::Mutex<()>,
    /// Measures against whoever attacks.
    pub(crate) register: ArcSwap<Register>,
    /// What other machines that block have heard of.
    pub(crate) pulls: gabion_respond::Pulls,
    /// Alerts, and who is to be told.
    pub(crate) alerts: ArcSwap<gabion_alert::Desk>,
    /// By whom test messages are told.
    pub(crate) teller: RwLock<Option<Arc<dyn crate::Teller>>>,
    invitations: Arc<dyn InvitationStorage>,
    /// Passwords that leaked somewhere.
    breached: RwLock<Option<Arc<dyn BreachedList>>>,
    rules: RwLock<Arc<Rules>>,
}

/// What follows from the settings, made once per configuration.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) passwords: Passwords,
    pub(crate) invitations: Invitations,
    pub(crate) factors: FactorSettings,
    pub(crate) federation: Vec<Provider>,
    pub(crate) cost: Cost,
    pub(crate) provider: ProviderRules,
    pub(crate) respond: gabion_respond::Settings,
    pub(crate) routes: Vec<String>,
    /// What an unknown name's password is verified against.
    pub(crate) decoys: Decoys,
}

impl Parts {
    /// With keys made just now, no way out, one worker and the default settings: for what leaves nothing
    /// behind.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn fresh(
        storage: Arc<dyn Storage>,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeyError> {
        let sealing = SealingKey::from_bytes(&SealingKey::generate(&*rng)).map_err(|_| KeyError::Generate)?;
        Ok(Self {
            storage,
            keys: Keyring::of(Arc::new(SigningKey::generate()?)),
            sealing: Arc::new(sealing),
            fetch: Arc::new(NoOutbound),
            mail: Arc::new(NoOutbound),
            origin: "http://localhost".to_owned(),
            ledger,
            clock,
            rng,
            settings: Settings::default(),
            workers: 1,
        })
    }
}

impl Service {
    /// Loads the sessions that outlived a restart.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn open(parts: Parts) -> Result<Self, StorageError> {
        let Parts { storage, keys, sealing, fetch, mail, origin, ledger, clock, rng, settings, workers } =
            parts;
        let sessions = Sessions::open(Arc::clone(&storage) as Arc<_>, &settings.sessions, clock.now())?;
        let api_keys = ApiKeys::open(Arc::clone(&storage) as Arc<_>, &settings.machines, clock.now())?;
        let watch = Watch::open(&*storage, &sessions, &clock)?;
        let machines = Machines {
            keys: api_keys,
            tokens: AccessTokens::new(Arc::clone(&keys), Arc::clone(&watch.revocations), &origin),
            certificates: Certificates::open(
                Arc::clone(&storage) as Arc<_>,
                &settings.machines.certificates,
            )?,
        };
        sessions.watch(Arc::clone(&watch) as Arc<_>);
        let farewells: Arc<Farewells> = Arc::default();
        sessions.watch(Arc::clone(&farewells) as Arc<_>);
        let invitations = Arc::clone(&storage) as Arc<dyn InvitationStorage>;
        let rules = Rules::new(&settings, &invitations, None, &sealing, &*rng);
        let accounts = Accounts::new(Arc::clone(&storage) as Arc<_>, Arc::clone(&sessions))
            .followed_by(Arc::clone(&machines.keys) as Arc<_>)
            .followed_by(Arc::clone(&watch) as Arc<_>)
            .followed_by(Arc::clone(&machines.tokens) as Arc<_>)
            .followed_by(Arc::clone(&machines.certificates) as Arc<_>);
        let service = Self(Arc::new(Inner {
            clients: Clients::new(Arc::clone(&storage)),
            groups: Groups::new(Arc::clone(&storage), accounts.clone()),
            accounts,
            watch,
            protocols: Protocols::new(farewells, &*clock, &*rng),
            verified: VerifiedTokens::new(),
            machines,
            storage,
            keys,
            sealing,
            fetch,
            mail,
            origin: RwLock::new(origin.into()),
            sessions,
            throttle: Throttle::new(&settings.login, &*rng),
            pending: PendingSignIns::default(),
            challenges: Challenges::new(&*rng),
            counters: FactorCounters::new(&settings.login, &settings.factors, &*rng),
            workers: Workers::new(workers, workers.saturating_mul(QUEUE_PER_WORKER)),
            federation: Federation::default(),
            submitted: Answers::default(),
            faults: Faults::default(),
            ledger,
            clock,
            requests: Requests::new(&*rng),
            reconciling: tokio::sync::Mutex::default(),
            provisioning: Mutex::default(),
            rng,
            policies: Arc::new(ArcSwap::from_pointee(Policies::none())),
            resolvers: ArcSwap::from_pointee(Resolvers::none()),
            interfaces: ArcSwap::default(),
            desk: ArcSwap::default(),
            responding: tokio::sync::Mutex::default(),
            register: ArcSwap::from_pointee(Register::forgetful()),
            pulls: gabion_respond::Pulls::default(),
            alerts: ArcSwap::from_pointee(gabion_alert::Desk::forgetful()),
            teller: RwLock::default(),
            invitations,
            breached: RwLock::default(),
            rules: RwLock::new(Arc::new(rules)),
        }));
        service.tell_farewells();
        Ok(service)
    }

    /// The living sessions, for the request path.
    #[must_use]
    pub fn live_sessions(&self) -> Arc<Sessions> {
        Arc::clone(&self.0.sessions)
    }

    /// What programs show instead of a session, for the request path.
    #[must_use]
    pub fn machines(&self) -> Machines {
        self.0.machines.clone()
    }

    /// The keys that sign tokens, for the request path.
    #[must_use]
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.0.keys)
    }

    /// What was granted and has ended, for the request path.
    #[must_use]
    pub fn revocations(&self) -> Arc<Revocations> {
        Arc::clone(&self.0.watch.revocations)
    }

    /// Scheme, host and port people reach the gate by.
    #[must_use]
    pub fn origin(&self) -> Arc<str> {
        self.0.origin()
    }

    /// The gate is reached by another address: it was bound to a free port, or the configuration changed.
    pub fn set_origin(&self, origin: &str) {
        *self.0.origin.write().unwrap_or_else(PoisonError::into_inner) = origin.into();
        self.0.machines.tokens.set_issuer(origin);
    }

    /// Refuses new passwords that are on `list`, from the next change of settings on.
    pub fn set_breached_list(&self, list: Option<Arc<dyn BreachedList>>) {
        *self.0.breached.write().unwrap_or_else(PoisonError::into_inner) = list;
    }

    /// Takes over changed settings. Sessions, counters and open links stay.
    pub fn set_settings(&self, settings: &Settings) {
        let Inner { invitations, sealing, rng, .. } = &*self.0;
        let breached = self.0.breached.read().unwrap_or_else(PoisonError::into_inner).clone();
        let rules = Arc::new(Rules::new(settings, invitations, breached, sealing, &**rng));
        self.0.sessions.set_settings(&settings.sessions);
        self.0.machines.keys.set_settings(&settings.machines);
        if let Err(error) = self.0.machines.certificates.set_bindings(&settings.machines.certificates) {
            tracing::error!(%error, "bindings of certificates stay as they were");
        }
        self.0.throttle.set_settings(&settings.login);
        self.0.keys.set_settings(&settings.tokens);
        self.0.counters.set_settings(&settings.login, &settings.factors);
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// What a new password must be, as sentences for the page that asks for one.
    #[must_use]
    pub fn password_rules(&self) -> Vec<String> {
        self.0.rules().passwords.rules().iter().map(|rule| sentence(rule)).collect()
    }

    /// Every rule `password` breaks as the new one of the account `name`, as sentences for people; nothing
    /// for what cannot be a name.
    #[must_use]
    pub fn password_violations(&self, name: &str, password: &Secret<String>) -> Vec<String> {
        let Ok(name) = name.parse() else { return Vec::new() };
        violations(&self.0.rules().passwords, password, &name)
    }

    /// Counts what a browser reported under the content security policy. Never blocks; a flood is folded
    /// by the ledger.
    pub fn report_policy_violation(&self, caller: &Caller, violation: PolicyViolation) {
        let mut event = self.0.event(Act::ReportPolicyViolation, caller, Outcome::Failure);
        event.resource = violation.document;
        event.reason = Some(violation.directive);
        event.metadata.insert("blocked".to_owned(), violation.blocked);
        self.0.ledger.observe(event);
    }

    /// Housekeeping, about once a minute and before stopping: writes down when sessions were last seen,
    /// ends and removes what has expired, replaces signing keys that are due, makes counted refusals durable.
    ///
    /// # Errors
    /// When storage or ledger fail; the next call tries again.
    pub async fn tick(&self) -> Result<(), ActError> {
        let swept = self
            .blocking(|inner| {
                // Ending comes first: a full disk keeps nobody signed in.
                inner.federation.purge(inner.clock.now());
                let purged = inner.sessions.purge(inner.clock.now());
                inner.machines.tokens.sweep(inner.clock.now());
                let keys_purged = inner.machines.keys.purge(inner.clock.now());
                inner.sessions.flush()?;
                inner.machines.keys.flush()?;
                inner.watch.tick(&*inner.storage)?;
                purged?;
                keys_purged?;
                Ok(())
            })
            .await;
        self.say_farewells().await;
        let turned = self.turn_keys(&Caller::gate()).await;
        let erased = self.erase_due(&Caller::gate()).await;
        let swept = swept.and(self.sweep_measures(&Caller::gate()).await);
        self.0.ledger.flush().await?;
        swept.and(turned).and(erased)
    }
}

impl Inner {
    pub(crate) fn origin(&self) -> Arc<str> {
        Arc::clone(&self.origin.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rules {
    fn new(
        settings: &Settings,
        invitations: &Arc<dyn InvitationStorage>,
        breached: Option<Arc<dyn BreachedList>>,
        sealing: &Arc<SealingKey>,
        rng: &dyn Rng,
    ) -> Self {
        let cost = settings.passwords.cost();
        Self {
            passwords: Passwords::new(&settings.passwords).with_breached(breached),
            invitations: Invitations::new(Arc::clone(invitations), settings.login.clone()),
            factors: settings.factors.clone(),
            federation: settings.federation.clone(),
            cost,
            decoys: Decoys::new(Arc::clone(sealing), password::dummy(cost, rng)),
            provider: ProviderRules::new(&settings.provider, &settings.edge),
            respond: settings.respond.clone(),
            routes: settings.routes.clone(),
        }
    }
}

/// `use at least 12 characters` → `Use at least 12 characters.`
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("accounts", &self.0.accounts)
            .field("sessions", &self.0.sessions)
            .field("workers", &self.0.workers)
            .finish_non_exhaustive()
    }
}

/// A queue this long is worked off in about a second.
const QUEUE_PER_WORKER: usize = 16;
