//! What the pipeline costs: one signed-in request and its answer through all checks, in nanoseconds.
//!
//! `cargo run --release -p gabion-checks --example pipeline_cost`
//!
//! Each row is the fastest of many short rounds, less the cost of making the messages. The rows of single
//! checks are the difference that switching them off makes.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;

use gabion_checks::{Access, Connection, Mode, Parts, Pipeline, Route, Settings};
use gabion_identity::storage::{AccountStorage, SessionStorage};
use gabion_identity::{Account, BeginSession, MemoryStorage, SessionSettings, Sessions};
use gabion_ledger::Ledger;
use gabion_model::{AccountId, Clock, Methods, Role, SystemClock};
use gabion_vault::SystemRng;
use gabion_vault::jwt::SigningKey;
use http::{HeaderMap, HeaderValue, Request, Response, request, response};

const LOOPS: u32 = 200;
const ROUNDS: u32 = 800;

struct World {
    sessions: Arc<Sessions>,
    key: Arc<SigningKey>,
    ledger: Ledger,
    ticket: String,
}

#[expect(clippy::print_stdout, reason = "the table is what the example is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = World::new()?;
    let all = measure(&world, &Settings::default())?;
    println!("{:24} {:>8} {:>8}", "", "request", "answer");
    println!("{:24} {:8.0} {:8.0}   together {:.0} ns", "all checks", all.0, all.1, all.0 + all.1);
    for (name, switch) in SWITCHES {
        let mut settings = Settings::default();
        switch(&mut settings);
        let without = measure(&world, &settings)?;
        println!("{name:24} {:8.0} {:8.0}", all.0 - without.0, all.1 - without.1);
    }
    Ok(())
}

type Switch = (&'static str, fn(&mut Settings));

const SWITCHES: [Switch; 9] = [
    ("headers", |settings| settings.headers.mode = Mode::Off),
    ("cors", |settings| settings.cors.mode = Mode::Off),
    ("rate", |settings| settings.rate.mode = Mode::Off),
    ("rate.headers", |settings| settings.rate.headers = false),
    ("csrf", |settings| settings.csrf.mode = Mode::Off),
    ("identity_header", |settings| settings.identity_header.mode = Mode::Off),
    ("cookies", |settings| settings.cookies.mode = Mode::Off),
    ("cache", |settings| settings.cache.mode = Mode::Off),
    ("errors", |settings| settings.errors.mode = Mode::Off),
];

/// Nanoseconds for a request and for an answer.
fn measure(world: &World, settings: &Settings) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let pipeline = world.pipeline(settings)?;
    let cookie = HeaderValue::from_str(&format!("theme=dark; gabion-dev={}; lang=en", world.ticket))?;
    let connection = Connection {
        peer: SocketAddr::from(([127, 0, 0, 1], 40_000)),
        local: SocketAddr::from(([127, 0, 0, 1], 8080)),
        secure: false,
    };
    let mut least = [f64::MAX; 3];
    for _ in 0..ROUNDS {
        let messages = time(|| {
            black_box(request(&cookie));
            black_box(answer());
            true
        })?;
        let judged = time(|| {
            black_box(answer());
            black_box(pipeline.request(connection, black_box(request(&cookie)))).is_ok()
        })?;
        let both = time(|| {
            let mut head = black_box(answer());
            let Ok(mut admitted) = pipeline.request(connection, black_box(request(&cookie))) else {
                return false;
            };
            black_box(pipeline.response(&mut admitted.exchange, &mut head));
            black_box((head, admitted));
            true
        })?;
        for (least, measured) in least.iter_mut().zip([messages, judged, both]) {
            *least = least.min(measured);
        }
    }
    let [messages, judged, both] = least;
    Ok((judged - messages, both - judged))
}

/// Nanoseconds. A round is shorter than a time slice, so the fastest one was not interrupted.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
fn time(mut work: impl FnMut() -> bool) -> Result<f64, Box<dyn std::error::Error>> {
    let start = std::time::Instant::now();
    for _ in 0..LOOPS {
        if !work() {
            return Err("a request was refused".into());
        }
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / f64::from(LOOPS))
}

fn request(cookie: &HeaderValue) -> request::Parts {
    let mut request = Request::new(());
    *request.uri_mut() = http::Uri::from_static("/shop/items?page=2");
    let headers = request.headers_mut();
    headers.reserve(16);
    for (name, value) in FIELDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cookie", cookie.clone());
    request.into_parts().0
}

fn answer() -> response::Parts {
    let mut headers = HeaderMap::with_capacity(8);
    for (name, value) in ANSWER {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut answer = Response::new(());
    *answer.headers_mut() = headers;
    answer.into_parts().0
}

const FIELDS: [(&str, &str); 11] = [
    ("host", "shop.example:8080"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br"),
    ("connection", "keep-alive"),
    ("upgrade-insecure-requests", "1"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-user", "?1"),
];

const ANSWER: [(&str, &str); 6] = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-length", "1024"),
    ("server", "nginx"),
    ("date", "Sat, 21 Nov 2026 19:00:00 GMT"),
    ("etag", "\"33a64df5\""),
    ("last-modified", "Sat, 21 Nov 2026 18:00:00 GMT"),
];

impl World {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let clock = Arc::new(SystemClock);
        let storage = Arc::new(MemoryStorage::default());
        let account = Account {
            roles: vec![Role::new("member")],
            ..Account::new(AccountId::new("acc-1"), "alice".parse()?, clock.now())
        };
        AccountStorage::insert(&*storage, &account)?;
        let kept = Arc::clone(&storage) as Arc<dyn SessionStorage>;
        let sessions = Sessions::open(kept, &SessionSettings::default(), clock.now())?;
        let begin =
            BeginSession { methods: Methods::PASSWORD, address: None, user_agent: None, now: clock.now() };
        let (ticket, _) = sessions.begin(&account, begin, &SystemRng::default())?;
        Ok(Self {
            sessions,
            key: Arc::new(SigningKey::generate()?),
            ledger: Ledger::in_memory(clock),
            ticket: ticket.expose().clone(),
        })
    }

    fn pipeline(&self, settings: &Settings) -> Result<Pipeline, String> {
        let mut settings = settings.clone();
        // As many as the loop makes.
        let wide = gabion_checks::rate::Profile {
            requests: 100_000,
            per: gabion_model::Period::from_secs(1),
            burst: Some(100_000_000),
        };
        settings.rate.profiles.insert("site".to_owned(), wide);
        let routes = [
            Route::new("/assets/*", Access::Public, "app"),
            Route::new("/api/*", Access::SignedIn, "api"),
            Route::new("/*", Access::SignedIn, "app"),
        ];
        let parts = Parts {
            sessions: Arc::clone(&self.sessions),
            machines: None,
            shield: None,
            webhooks: Arc::default(),
            keys: gabion_identity::Keyring::of(Arc::clone(&self.key)),
            ledger: self.ledger.clone(),
            policies: None,
            resources: None,
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng::default()),
            issuer: "https://shop.example".to_owned(),
            https_port: None,
            contracts: Default::default(),
            access_log: None,
            fault_log: None,
            outside: None,
            previous: None,
        };
        Pipeline::new(&settings, &routes, parts).map_err(|problems| format!("{problems:?}"))
    }
}
