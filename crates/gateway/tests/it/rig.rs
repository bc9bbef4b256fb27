//! A running gate in memory, a scripted upstream behind it and raw clients before it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_checks::{Access, Mode, Parts, Pipeline, Route};
use gabion_gateway::{
    AdminSettings, Gate, Generation, LocalService, Options, Settings, Tls, TlsMode, Upstream,
};
use gabion_identity::storage::MemoryStorage;
use gabion_identity::{Accounts, BeginSession, Machines, NewAccount, SessionSettings, Sessions};
use gabion_ledger::Ledger;
use gabion_model::random::SeededRng;
use gabion_model::{Clock, Methods, Period, SessionId, SystemClock};
use gabion_vault::jwt::SigningKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Nothing here takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A gate and everything it needs.
pub(crate) struct Rig {
    pub(crate) gate: Gate,
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Ledger,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) pipeline: Arc<Pipeline>,
    build: Build,
    accounts: Accounts,
}

/// What a rig is made of; tests change what they are about.
#[derive(Clone)]
pub(crate) struct Build {
    pub(crate) settings: Settings,
    pub(crate) checks: gabion_checks::Settings,
    pub(crate) routes: Vec<Route>,
    pub(crate) upstreams: BTreeMap<String, Upstream>,
    pub(crate) tls: Option<gabion_gateway::TlsMaterial>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) machines: Option<Machines>,
    pub(crate) shield: Option<Arc<gabion_respond::Shield>>,
    pub(crate) outside: Option<Arc<dyn gabion_checks::upload::Outside>>,
}

impl Build {
    /// A plain gate whose only route leads everything to `upstream`, for everybody.
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        let settings = Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: Tls { mode: TlsMode::Off, ..Tls::default() },
            threads: 1,
            ..Settings::default()
        };
        let mut checks = gabion_checks::Settings::default();
        checks.rate.mode = Mode::Off;
        checks.csrf.mode = Mode::Off;
        let app = Upstream { url: format!("http://{upstream}"), ..Upstream::default() };
        Self {
            settings,
            checks,
            routes: vec![route("/*", Access::Public)],
            upstreams: BTreeMap::from([("app".to_owned(), app)]),
            tls: None,
            clock: Arc::new(SystemClock),
            machines: None,
            shield: None,
            outside: None,
        }
    }

    pub(crate) fn app(&mut self) -> &mut Upstream {
        self.upstreams.get_mut("app").unwrap()
    }

    pub(crate) fn start(self) -> Rig {
        let clock = Arc::clone(&self.clock);
        let ledger = Ledger::in_memory(Arc::clone(&clock));
        let storage = Arc::new(MemoryStorage::new());
        let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), clock.now()).unwrap();
        let accounts = Accounts::new(storage, Arc::clone(&sessions));
        let pipeline = self.pipeline(&sessions, &ledger, None);
        let gate = Gate::start(Options {
            settings: self.settings.clone(),
            admin: AdminSettings {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                ..AdminSettings::default()
            },
            generation: self.generation(&pipeline),
            local: LocalService::new(pages()),
            clock,
            probes: Vec::new(),
        })
        .unwrap();
        let address = gate.addresses().gateway;
        Rig { gate, address, ledger, sessions, pipeline, build: self, accounts }
    }

    fn generation(&self, pipeline: &Arc<Pipeline>) -> Generation {
        Generation {
            pipeline: Arc::clone(pipeline),
            upstreams: self.upstreams.clone(),
            tls: self.tls.clone(),
            client_certificates: self.settings.tls.client_certificates.clone(),
            tracer: None,
        }
    }

    fn pipeline(
        &self,
        sessions: &Arc<Sessions>,
        ledger: &Ledger,
        previous: Option<&Pipeline>,
    ) -> Arc<Pipeline> {
        let parts = Parts {
            sessions: Arc::clone(sessions),
            machines: self.machines.clone(),
            shield: self.shield.clone(),
            webhooks: Arc::default(),
            keys: gabion_identity::Keyring::of(Arc::new(SigningKey::generate().unwrap())),
            ledger: ledger.clone(),
            policies: None,
            resources: None,
            clock: Arc::clone(&self.clock),
            rng: Arc::new(SeededRng::new(7)),
            issuer: "https://gate.test".to_owned(),
            https_port: self.tls.is_some().then_some(443),
            contracts: Default::default(),
            access_log: None,
            fault_log: None,
            outside: self.outside.clone(),
            previous,
        };
        Arc::new(Pipeline::new(&self.checks, &self.routes, parts).unwrap())
    }
}

impl Rig {
    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// A signed-in person's cookie and the id of the session.
    pub(crate) fn sign_in(&self, name: &str) -> (String, SessionId) {
        let (rng, now) = (SeededRng::new(11), self.build.clock.now());
        let new = NewAccount::person(name.parse().unwrap());
        let account = self.accounts.create(new, now, &rng).unwrap();
        let begin = BeginSession { methods: Methods::PASSWORD, address: None, user_agent: None, now };
        let (ticket, session) = self.sessions.begin(&account, begin, &rng).unwrap();
        (format!("gabion-dev={}", ticket.expose()), session.id.clone())
    }

    /// Replaces the generation by one of the same configuration.
    pub(crate) fn reload(&mut self) {
        let next = self.build.pipeline(&self.sessions, &self.ledger, Some(&self.pipeline));
        self.gate.reload(self.build.generation(&next)).unwrap();
        self.pipeline = next;
    }

    /// How often the ledger or the counters saw a refusal by `control`.
    pub(crate) fn refusals(&self, control: &str) -> u64 {
        let metrics = self.pipeline.metrics();
        let by = |metric: &&gabion_checks::Metric| {
            metric.verdict == gabion_checks::Verdict::Refused
                && metric.control.is_some_and(|id| id.as_str() == control)
        };
        metrics.iter().filter(by).map(|metric| metric.count).sum()
    }

    pub(crate) async fn admin(&self, path: &str) -> Response {
        self.admin_as("127.0.0.1:9090", path).await
    }

    pub(crate) async fn admin_as(&self, host: &str, path: &str) -> Response {
        let mut client = Client::connect(self.gate.addresses().admin.unwrap()).await;
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        client.response("GET").await.unwrap()
    }
}

/// The gate's own pages, in their place.
fn pages() -> axum::Router {
    axum::Router::new()
        .route("/.gabion/login", axum::routing::get(async || "log in here").post(async |body: String| body))
}

pub(crate) fn route(path: &str, access: Access) -> Route {
    let json = serde_json::json!({ "path": path, "access": access, "upstream": "app" });
    serde_json::from_value(json).unwrap()
}

/// A client that says exactly what it is told.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a field; names are lower case on the wire.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let line = |line: &&str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        self.head.lines().find(line).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Everything a refusal of ours must carry, wherever it was made.
    pub(crate) fn assert_is_ours(&self) {
        assert!(self.field("gabion-request-id").is_some(), "no request id: {}", self.head);
        assert_eq!(self.field("x-content-type-options"), Some("nosniff"), "{}", self.head);
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::of(stream)
    }

    /// A client, or the upstream's side, of a connection that is open already.
    pub(crate) fn of(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends what the other side may refuse to read.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: app.test\r\n\r\n")).await;
        self.response("GET").await.expect("an answer")
    }

    async fn fill(&mut self) -> usize {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await.expect("in time");
        read.unwrap_or(0)
    }

    /// The next answer; `None` when the connection ends first.
    pub(crate) async fn response(&mut self, method: &str) -> Option<Response> {
        let (status, head) = self.head().await?;
        let response = Response { status, head, body: Vec::new() };
        let mut body = Vec::new();
        if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
        } else if response.field("transfer-encoding") == Some("chunked") {
            loop {
                let line = self.line().await?;
                let size = usize::from_str_radix(&line, 16).unwrap();
                let data = self.bytes(size + 2).await?;
                body.extend_from_slice(&data[..size]);
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = response.field("content-length") {
            body = self.bytes(length.parse().unwrap()).await?;
        } else {
            while self.fill().await > 0 {}
            body = std::mem::take(&mut self.buffer);
        }
        Some(Response { body, ..response })
    }

    /// The next head alone; the status is 0 where it is a request's.
    pub(crate) async fn head(&mut self) -> Option<(u16, String)> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if self.fill().await == 0 {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Some((status, head))
    }

    pub(crate) async fn line(&mut self) -> Option<String> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                break end;
            }
            if self.fill().await == 0 {
                return None;
            }
        };
        let line = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        self.buffer.drain(..2);
        Some(line)
    }

    pub(crate) async fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            if self.fill().await == 0 {
                return None;
            }
        }
        Some(self.buffer.drain(..count).collect())
    }

    /// Waits for the connection to end; what came until then.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        while self.fill().await > 0 {}
        self.buffer
    }
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// An upstream that records every byte it receives and answers by a script.
#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
}

/// A request as it came over the wire to the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) connection: usize,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let line = |line: &&str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        self.head.lines().find(line).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }

    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }
}

impl Recorder {
    /// Answers every request with what `script` says; an empty answer closes the connection.
    pub(crate) async fn start(script: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let recorder = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let (received, script) = (Arc::clone(&recorder.received), Arc::new(script));
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let (received, script) = (Arc::clone(&received), Arc::clone(&script));
                connection += 1;
                tokio::spawn(async move {
                    let mut wire = Client::of(stream);
                    while let Some(request) = receive(&mut wire, connection).await {
                        let answer = script(&request);
                        received.lock().unwrap().push(request);
                        if answer.is_empty() || wire.stream.write_all(&answer).await.is_err() {
                            break;
                        }
                        if find(&answer, b"\r\n\r\n").is_none() || find(&answer, b"close").is_some() {
                            break;
                        }
                    }
                });
            }
        });
        recorder
    }

    /// Answers everything with `ok`.
    pub(crate) async fn plain() -> Self {
        Self::start(|_| ok("ok")).await
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Reads a request as an upstream does that believes its head. Whatever is left over is the next one.
async fn receive(wire: &mut Client, connection: usize) -> Option<Received> {
    let end = loop {
        if let Some(end) = find(&wire.buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if wire.stream.read_buf(&mut wire.buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&wire.buffer.drain(..end).collect::<Vec<_>>()).into_owned();
    let mut request = Received { connection, head, body: Vec::new() };
    if request.field("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(&wire.line().await?, 16).ok()?;
            let data = wire.bytes(size + 2).await?;
            request.body.extend_from_slice(&data[..size]);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = request.field("content-length") {
        let length = length.parse().ok()?;
        request.body = wire.bytes(length).await?;
    }
    Some(request)
}

pub(crate) fn seconds(seconds: u64) -> Period {
    Period::from_secs(seconds)
}

/// Waits for something that another thread brings about.
pub(crate) async fn until(reached: impl Fn() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("in time");
}
