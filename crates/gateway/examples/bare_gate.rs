//! A gate without the program around it, to measure the request path: `bare_gate (bare|all-on) LISTEN UPSTREAM`.
//! Prints the cookie of a signed-in session.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_checks::{Mode, Parts, Pipeline, Route};
use gabion_gateway::{
    AdminSettings, Gate, Generation, LocalService, Options, Settings, Tls, TlsMode, Upstream,
};
use gabion_identity::storage::MemoryStorage;
use gabion_identity::{Accounts, BeginSession, NewAccount, SessionSettings, Sessions};
use gabion_ledger::Ledger;
use gabion_model::{Clock, Methods, SystemClock, TenantId};
use gabion_vault::SystemRng;
use gabion_vault::jwt::SigningKey;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench, run by hand")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mode, listen, upstream) =
        (arguments.next().unwrap(), arguments.next().unwrap(), arguments.next().unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rng = Arc::new(SystemRng::new());
    let storage = Arc::new(MemoryStorage::new());
    let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), clock.now()).unwrap();
    let accounts = Accounts::new(storage, Arc::clone(&sessions));
    let tenant = TenantId::new(TenantId::DEFAULT);
    let new = NewAccount { tenant, ..NewAccount::person("ada".parse().unwrap()) };
    let account = accounts.create(new, clock.now(), &*rng).unwrap();
    let begin =
        BeginSession { methods: Methods::PASSWORD, address: None, user_agent: None, now: clock.now() };
    let (ticket, _) = sessions.begin(&account, begin, &*rng).unwrap();
    println!("gabion-dev={}", ticket.expose());

    let mut checks = gabion_checks::Settings::default();
    let profile = serde_json::from_str(r#"{"requests": 5000000, "per": "1m"}"#).unwrap();
    checks.rate.profiles.insert("bench".into(), profile);
    checks.rate.profile = "bench".into();
    let mut access = "signed-in";
    if mode == "bare" {
        access = "public";
        checks.redirect_https.mode = Mode::Off;
        checks.headers.mode = Mode::Off;
        checks.cors.mode = Mode::Off;
        checks.rate.mode = Mode::Off;
        checks.session.mode = Mode::Off;
        checks.csrf.mode = Mode::Off;
        checks.identity_header.mode = Mode::Off;
        checks.cookies.mode = Mode::Off;
        checks.cache.mode = Mode::Off;
        checks.errors.mode = Mode::Off;
    }
    let route: Route =
        serde_json::from_str(&format!(r#"{{"path": "/*", "access": "{access}", "upstream": "app"}}"#))
            .unwrap();
    let parts = Parts {
        sessions,
        machines: None,
        shield: None,
        webhooks: Arc::default(),
        keys: gabion_identity::Keyring::of(Arc::new(SigningKey::generate().unwrap())),
        ledger: Ledger::in_memory(Arc::clone(&clock)),
        policies: None,
        resources: None,
        clock: Arc::clone(&clock),
        rng,
        issuer: "https://gate.test".into(),
        https_port: None,
        contracts: Default::default(),
        access_log: None,
        fault_log: None,
        outside: None,
        previous: None,
    };
    let pipeline = Arc::new(Pipeline::new(&checks, &[route], parts).unwrap());
    let gate = Gate::start(Options {
        settings: Settings {
            listen: listen.parse().unwrap(),
            tls: Tls { mode: TlsMode::Off, ..Tls::default() },
            threads: 1,
            ..Settings::default()
        },
        admin: AdminSettings { enabled: false, ..AdminSettings::default() },
        generation: Generation {
            pipeline,
            upstreams: BTreeMap::from([("app".into(), Upstream { url: upstream, ..Upstream::default() })]),
            tls: None,
            client_certificates: None,
            tracer: None,
        },
        local: LocalService::new(axum::Router::new()),
        clock,
        probes: Vec::new(),
    })
    .unwrap();
    println!("{}", gate.addresses().gateway);
    std::thread::park();
}
