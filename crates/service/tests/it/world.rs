//! A service with a few people in it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_identity::storage::AccountStorage as _;
use gabion_identity::{BeginSession, Keyring, MemoryStorage, Session};
use gabion_ledger::Ledger;
use gabion_model::outbound::{Letter, MailError, Mailer};
use gabion_model::random::SeededRng;
use gabion_model::{
    Actor, Clock as _, Event, ManualClock, Methods, Outcome, RequestId, Role, Secret, Timestamp,
};
use gabion_service::{Caller, NewAccount, OneTimeLink, Parts, Service, Settings, SignInError, SignedIn};
use gabion_vault::SealingKey;

pub(crate) const PASSWORD: &str = "boulders in a wire basket";

pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) outbox: Arc<Outbox>,
    rng: SeededRng,
    keys: (Arc<Keyring>, Arc<SealingKey>),
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default(), 4)
    }

    pub(crate) fn with(settings: Settings, workers: usize) -> Self {
        Self::made(settings, workers, Arc::new(gabion_model::outbound::NoOutbound))
    }

    /// A service that reaches others through `fetch`.
    pub(crate) fn reaching(settings: Settings, fetch: Arc<dyn gabion_model::outbound::Fetch>) -> Self {
        Self::made(settings, 4, fetch)
    }

    fn made(settings: Settings, workers: usize, fetch: Arc<dyn gabion_model::outbound::Fetch>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_286_828)));
        let ledger = Ledger::in_memory(clock.clone());
        let storage = Arc::new(MemoryStorage::new());
        let rng = Arc::new(SeededRng::new(1));
        let parts = Parts::fresh(storage.clone(), ledger.clone(), clock.clone(), rng).unwrap();
        let outbox = Arc::new(Outbox::default());
        let keys = (Arc::clone(&parts.keys), Arc::clone(&parts.sealing));
        let (mail, origin) = (outbox.clone(), "https://gate.example".to_owned());
        let service = Service::open(Parts { settings, workers, fetch, mail, origin, ..parts }).unwrap();
        Self { service, ledger, clock, storage, outbox, rng: SeededRng::new(2), keys }
    }

    /// The same storage and keys under a service that was just started.
    pub(crate) fn restart(&self) -> Service {
        let (clock, rng) = (self.clock.clone(), Arc::new(SeededRng::new(3)));
        let parts = Parts::fresh(self.storage.clone(), self.ledger.clone(), clock, rng).unwrap();
        let (keys, sealing) = self.keys.clone();
        let origin = self.service.origin().to_string();
        Service::open(Parts { keys, sealing, origin, ..parts }).unwrap()
    }

    /// An account with [`PASSWORD`].
    pub(crate) async fn person(&self, name: &str, roles: &[&str]) -> OneTimeLink {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let new = NewAccount { name: name.to_owned(), tenant: None, roles };
        let link = self.service.add_account(&Caller::operator(), new).await.unwrap();
        let (token, password) = (link.token.clone(), secret(PASSWORD));
        self.service.accept_invitation(&anonymous("203.0.113.1"), token, password).await.unwrap();
        link
    }

    /// An account without a password that is signed in nonetheless: hashing takes long.
    pub(crate) async fn guest(&self, name: &str, roles: &[&str]) -> SignedIn {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let new = NewAccount { name: name.to_owned(), tenant: None, roles };
        let link = self.service.add_account(&Caller::operator(), new).await.unwrap();
        let account = self.storage.by_id(&link.account).unwrap().unwrap();
        let begin = BeginSession {
            methods: Methods::PASSWORD,
            address: None,
            user_agent: None,
            now: self.clock.now(),
        };
        let (ticket, session) = self.service.live_sessions().begin(&account, begin, &self.rng).unwrap();
        SignedIn { ticket, session }
    }

    pub(crate) async fn administrator(&self, name: &str) -> OneTimeLink {
        self.person(name, &[Role::ADMINISTRATOR]).await
    }

    pub(crate) async fn sign_in(&self, name: &str) -> SignedIn {
        self.try_sign_in(name, PASSWORD).await.unwrap()
    }

    pub(crate) async fn try_sign_in(&self, name: &str, password: &str) -> Result<SignedIn, SignInError> {
        let step = self.service.sign_in(&anonymous("203.0.113.7"), name, secret(password)).await?;
        Ok(step.signed_in().expect("no second factor is asked for"))
    }

    /// Whether the ticket opens anything now.
    pub(crate) fn lives(&self, signed_in: &SignedIn) -> bool {
        self.service.live_sessions().resolve(signed_in.ticket.expose(), self.clock.now()).is_some()
    }

    pub(crate) fn pass(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }

    /// Everything on record, with what was counted.
    pub(crate) async fn events(&self) -> Vec<Event> {
        self.ledger.flush().await.unwrap();
        self.ledger.tail(100_000).unwrap().into_iter().map(|record| record.event).collect()
    }

    /// The outcomes and reasons on record for one action.
    pub(crate) async fn outcomes(&self, action: &str) -> Vec<(Outcome, Option<String>)> {
        let events = self.events().await.into_iter().filter(|event| event.action == action);
        events.map(|event| (event.outcome, event.reason)).collect()
    }
}

/// Keeps the letters instead of sending them.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Vec<Letter>>);

impl Mailer for Outbox {
    fn send(&self, letter: Letter) -> Result<(), MailError> {
        self.0.lock().unwrap().push(letter);
        Ok(())
    }
}

impl Outbox {
    /// What was sent since the last look.
    pub(crate) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Waits for `count` letters, which are written beside the acts.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Letter> {
        while self.0.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
        self.take()
    }
}

/// The token of the link in a letter.
pub(crate) fn token(letter: &Letter) -> Secret<String> {
    let (_, after) = letter.text.expose().split_once("?token=").expect("a link");
    Secret::new(after.split_whitespace().next().unwrap().to_owned())
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn anonymous(address: &str) -> Caller {
    Caller {
        actor: Actor::Anonymous,
        tenant: None,
        credential: None,
        address: Some(address.parse::<IpAddr>().unwrap()),
        user_agent: Some("test/1.0".to_owned()),
        request_id: Some(RequestId::from_bytes([9; 12])),
    }
}

pub(crate) fn signed_in(session: &Session) -> Caller {
    let actor = Actor::Account {
        id: session.principal.account.clone(),
        name: session.principal.name.to_string(),
        session: Some(session.id.clone()),
    };
    Caller { actor, tenant: session.principal.tenant.told(), ..anonymous("203.0.113.7") }
}
