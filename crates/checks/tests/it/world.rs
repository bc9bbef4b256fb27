//! A gate with two accounts, built from the real parts in memory.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gabion_checks::webhook::Senders;
use gabion_checks::{
    Access, AccessLine, AccessLog, Admitted, Connection, Contracts, Parts, Pipeline, Route, Settings,
};
use gabion_identity::storage::{AccountStorage, SessionStorage};
use gabion_identity::{
    Account, BeginSession, Keyring, Machines, MemoryStorage, Session, SessionSettings, Sessions,
};
use gabion_ledger::Ledger;
use gabion_model::Problem;
use gabion_model::random::SeededRng;
use gabion_model::{AccountId, Event, ManualClock, Methods, Role, Timestamp};
use gabion_vault::jwt::SigningKey;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

pub(crate) struct World {
    pub(crate) pipeline: Pipeline,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) log: Arc<Lines>,
    ledger: Ledger,
    storage: Arc<MemoryStorage>,
}

/// An access log in memory.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<Vec<String>>);

impl AccessLog for Lines {
    fn write(&self, line: &AccessLine<'_>) {
        self.0.lock().unwrap().push(format!("{line:?}"));
    }
}

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

pub(crate) const START: Timestamp = Timestamp::from_secs(1_790_000_000);

pub(crate) const ISSUER: &str = "https://shop.example";

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&Settings::default(), &routes())
    }

    pub(crate) fn with(settings: &Settings, routes: &[Route]) -> Self {
        Self::build(settings, routes, |_, _| None)
    }

    /// With credentials of programs, made of the storage and the signing keys.
    pub(crate) fn build(
        settings: &Settings,
        routes: &[Route],
        machines: impl FnOnce(&Arc<MemoryStorage>, &Arc<Keyring>) -> Option<Machines>,
    ) -> Self {
        Self::try_build(settings, routes, machines, Arc::default(), None, Contracts::default()).unwrap()
    }

    /// With senders of webhooks.
    pub(crate) fn with_webhooks(settings: &Settings, routes: &[Route], senders: Arc<Senders>) -> Self {
        Self::try_build(settings, routes, |_, _| None, senders, None, Contracts::default()).unwrap()
    }

    /// Why there is no gate with these.
    pub(crate) fn problems_of_building(routes: &[Route], senders: Arc<Senders>) -> Vec<Problem> {
        Self::try_build(&Settings::default(), routes, |_, _| None, senders, None, Contracts::default())
            .err()
            .unwrap_or_default()
    }

    /// With policies that decide, and somebody who knows the objects.
    pub(crate) fn policed(
        settings: &Settings,
        routes: &[Route],
        policies: Arc<gabion_policy::Live>,
        resources: Arc<dyn gabion_policy::Resources>,
        contracts: Contracts,
    ) -> Self {
        let decides = Some((policies, resources));
        Self::try_build(settings, routes, |_, _| None, Arc::default(), decides, contracts).unwrap()
    }

    fn try_build(
        settings: &Settings,
        routes: &[Route],
        machines: impl FnOnce(&Arc<MemoryStorage>, &Arc<Keyring>) -> Option<Machines>,
        webhooks: Arc<Senders>,
        decides: Option<(Arc<gabion_policy::Live>, Arc<dyn gabion_policy::Resources>)>,
        contracts: Contracts,
    ) -> Result<Self, Vec<Problem>> {
        let (policies, resources) = decides.unzip();
        let clock = Arc::new(ManualClock::at(START));
        let storage = Arc::new(MemoryStorage::default());
        let kept = Arc::clone(&storage) as Arc<dyn SessionStorage>;
        let sessions = Sessions::open(kept, &SessionSettings::default(), START).unwrap();
        let key = Arc::new(SigningKey::generate().unwrap());
        let keys = Keyring::of(Arc::clone(&key));
        let ledger = Ledger::in_memory(clock.clone());
        let log = Arc::new(Lines::default());
        let parts = Parts {
            sessions: Arc::clone(&sessions),
            machines: machines(&storage, &keys),
            shield: None,
            webhooks,
            keys,
            ledger: ledger.clone(),
            policies,
            resources,
            clock: clock.clone(),
            rng: Arc::new(SeededRng::new(1)),
            issuer: ISSUER.to_owned(),
            https_port: Some(443),
            contracts,
            access_log: Some(log.clone()),
            fault_log: None,
            outside: None,
            previous: None,
        };
        let pipeline = Pipeline::new(settings, routes, parts)?;
        Ok(Self { pipeline, clock, key, sessions, log, ledger, storage })
    }

    /// Signs somebody in; answers with the ticket.
    pub(crate) fn sign_in(&self, name: &str, roles: &[&str]) -> (String, Arc<Session>) {
        self.sign_in_by(name, roles, Methods::PASSWORD)
    }

    /// The same by other methods.
    pub(crate) fn sign_in_by(&self, name: &str, roles: &[&str], methods: Methods) -> (String, Arc<Session>) {
        let account = Account {
            roles: roles.iter().map(|role| Role::new(role)).collect(),
            ..Account::new(AccountId::new(&format!("id-{name}")), name.parse().unwrap(), START)
        };
        AccountStorage::insert(&*self.storage, &account).unwrap();
        let begin = BeginSession { methods, address: None, user_agent: None, now: START };
        let seed = name.bytes().fold(99_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let (ticket, session) = self.sessions.begin(&account, begin, &SeededRng::new(seed)).unwrap();
        (ticket.expose().clone(), session)
    }

    pub(crate) fn send(&self, request: Request<()>) -> Sent {
        self.send_from(secure("203.0.113.9"), request)
    }

    pub(crate) fn send_from(&self, connection: Connection, request: Request<()>) -> Sent {
        match self.pipeline.request(connection, request.into_parts().0) {
            Ok(admitted) => Sent::Admitted(Box::new(admitted)),
            Err(refused) => Sent::Answered(self.pipeline.answer(refused)),
        }
    }

    /// What the ledger holds.
    pub(crate) fn events(&self) -> Vec<Event> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.ledger.flush()).unwrap();
        self.ledger.tail(10_000).unwrap().into_iter().map(|record| record.event).collect()
    }
}

/// What became of a request.
pub(crate) enum Sent {
    Admitted(Box<Admitted>),
    Answered(Response<Bytes>),
}

impl Sent {
    #[track_caller]
    pub(crate) fn admitted(self) -> Admitted {
        match self {
            Self::Admitted(admitted) => *admitted,
            Self::Answered(answer) => panic!("refused: {answer:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn answer(self) -> Response<Bytes> {
        match self {
            Self::Answered(answer) => answer,
            Self::Admitted(admitted) => panic!("admitted: {:?}", admitted.head),
        }
    }

    /// The answer's status; 200 stands for admitted.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Answered(answer) => answer.status(),
            Self::Admitted(_) => StatusCode::OK,
        }
    }
}

/// The usual application: a public shop, private accounts, an administration, a webhook.
pub(crate) fn routes() -> Vec<Route> {
    let mut admin = Route::new("/admin/*", Access::SignedIn, "app");
    admin.roles = vec!["administrator".to_owned()];
    let mut hook = Route::new("/hooks/*", Access::Public, "app");
    hook.csrf_off = Some("called by machines".to_owned());
    vec![
        Route::new("/shop/*", Access::Public, "app"),
        Route::new("/account/*", Access::SignedIn, "app"),
        Route::new("/api/*", Access::SignedIn, "api"),
        admin,
        hook,
    ]
}

pub(crate) fn secure(peer: &str) -> Connection {
    Connection { secure: true, ..plain(peer) }
}

pub(crate) fn plain(peer: &str) -> Connection {
    let address = |ip: &str| SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 4711);
    Connection { peer: address(peer), local: address("127.0.0.1"), secure: false }
}

pub(crate) fn get(path: &str) -> Request<()> {
    request("GET", path, &[])
}

pub(crate) fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Request<()> {
    let request = Request::builder().method(method).uri(path);
    let request = if fields.iter().any(|(name, _)| *name == "host") {
        request
    } else {
        request.header("host", "shop.example")
    };
    fields.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap()
}

pub(crate) fn with_ticket(mut request: Request<()>, ticket: &str) -> Request<()> {
    let cookie = HeaderValue::from_str(&format!("theme=dark; __Host-gabion={ticket}; lang=en")).unwrap();
    request.headers_mut().insert("cookie", cookie);
    request
}

pub(crate) fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(http::HeaderName::as_str).collect()
}
