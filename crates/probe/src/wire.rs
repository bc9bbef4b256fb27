//! What goes to the target and comes back: raw HTTP/1.1 over connections of our own, paced, counted and bounded.
//!
//! A target that speaks only HTTP/2 gets that, as far as HTTP/2 can say what is sent. Requests that must arrive at one moment go
//! over one connection of HTTP/2 wherever it is offered.

mod answer;
mod connection;
mod pour;
mod request;
mod second;
mod trace;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_egress::{Datagram, Dial, Shown, Stream, Tls};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep_until, timeout};

pub use self::answer::{Answer, BODY};
use self::connection::{Connection, PATIENCE};
pub use self::pour::Pour;
pub use self::request::Request;
use self::second::{OPENING, Second, said};
use self::trace::{Trace, Turn};
pub use self::trace::{Traced, step};
pub(crate) use self::trace::{current_step, sent_by};
use crate::facts::Version;
use crate::scope::Origin;
use crate::session::SetCookie;

/// What a run may cost its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub requests: usize,
    pub time: Duration,
    /// The most requests in one second.
    pub rate: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { requests: 10_000, time: Duration::from_secs(30 * 60), rate: 200 }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the budget of {0} requests is spent; hint: `limits.requests`")]
    Requests(usize),
    #[error("the time of {0:?} is over; hint: `limits.time`")]
    Time(Duration),
    #[error("the run was stopped: {0}")]
    Stopped(String),
    #[error("no answer within {0:?}")]
    Slow(Duration),
    #[error("no answer: {0}")]
    Io(#[from] io::Error),
}

impl WireError {
    /// Whether the whole run is over, and not only this request.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Requests(_) | Self::Time(_) | Self::Stopped(_))
    }
}

/// The target, as far as requests reach it.
pub struct Wire {
    origin: Origin,
    addresses: Vec<SocketAddr>,
    /// Through which everything goes, for somebody who looks on.
    proxy: Option<SocketAddr>,
    dial: Arc<dyn Dial>,
    tls: Option<Tls>,
    budget: Budget,
    began: Instant,
    sent: AtomicUsize,
    /// Those of them that may have changed something.
    written: AtomicUsize,
    /// Requests in a row that nothing answered.
    silent: AtomicUsize,
    stopped: AtomicBool,
    /// Requests that may go out when the budget is spent, and whatever time it is.
    allowed: AtomicUsize,
    idle: Mutex<Vec<Connection>>,
    version: Version,
    /// What is known of the target: [`FIRST`], [`SECOND`], or nothing.
    spoken: AtomicU8,
    /// The connection in HTTP/2 that is open.
    second: tokio::sync::Mutex<Option<Second>>,
    /// How many answers came in HTTP/2.
    by_second: AtomicUsize,
    /// When the next request may go.
    next: Mutex<Instant>,
    /// The last requests, the newest last: what is named when the target falls over.
    journal: Mutex<VecDeque<String>>,
    /// Values of cookies that the target set: what no report shows.
    issued: Mutex<BTreeSet<String>>,
    trace: Trace,
}

/// The target answers in HTTP/1.1, or in HTTP/2 alone.
const FIRST: u8 = 1;
const SECOND: u8 = 2;
/// Requests that the journal keeps.
const KEPT: usize = 20;
/// Failures in a row after which a target counts as gone.
const GONE: usize = 6;
/// Cookies that are kept to be hidden.
const ISSUED: usize = 2_000;
const IDLE: usize = 8;
/// So long a throttled answer is waited for at most.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wire").field("origin", &self.origin.base()).finish_non_exhaustive()
    }
}

impl Wire {
    #[must_use]
    pub fn new(
        origin: Origin,
        addresses: Vec<SocketAddr>,
        dial: Arc<dyn Dial>,
        tls: Option<Tls>,
        budget: Budget,
    ) -> Self {
        Self {
            tls: tls.filter(|_| origin.is_tls()),
            origin,
            addresses,
            proxy: None,
            dial,
            budget,
            began: Instant::now(),
            sent: AtomicUsize::new(0),
            written: AtomicUsize::new(0),
            silent: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            allowed: AtomicUsize::new(0),
            idle: Mutex::default(),
            version: Version::Auto,
            spoken: AtomicU8::new(0),
            second: tokio::sync::Mutex::default(),
            by_second: AtomicUsize::new(0),
            next: Mutex::new(Instant::now()),
            journal: Mutex::default(),
            issued: Mutex::default(),
            trace: Trace::default(),
        }
    }

    /// The same through a proxy.
    #[must_use]
    pub fn through(self, proxy: Option<SocketAddr>) -> Self {
        Self { proxy, ..self }
    }

    /// The same in that version of HTTP.
    #[must_use]
    pub fn speaking(self, version: Version) -> Self {
        let spoken = match version {
            Version::Auto => 0,
            Version::First => FIRST,
            Version::Second => SECOND,
        };
        Self { version, spoken: AtomicU8::new(spoken), ..self }
    }

    /// How many answers came in HTTP/2.
    #[must_use]
    pub fn in_second(&self) -> usize {
        self.by_second.load(Ordering::Relaxed)
    }

    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Where the target is.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Counts a request that somebody else sent: the browser.
    pub fn spend(&self, method: &str, path: &str, status: Option<u16>) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if !matches!(method, "GET" | "HEAD" | "OPTIONS") {
            self.written.fetch_add(1, Ordering::Relaxed);
        }
        self.trace.add(Traced { status, ..Traced::new(method, path, self.began.elapsed()) });
    }

    /// Every request until now, in the order in which they were answered.
    #[must_use]
    pub fn trace(&self) -> Vec<Traced> {
        self.trace.all()
    }

    #[must_use]
    pub const fn budget(&self) -> Budget {
        self.budget
    }

    /// How many requests went out.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many of them may have changed something, by their methods: what was seen since the last one is seen still.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The last requests, the oldest first.
    #[must_use]
    pub fn journal(&self) -> Vec<String> {
        lock(&self.journal).iter().cloned().collect()
    }

    /// Values of the cookies that the target set, the last of each answer included.
    #[must_use]
    pub fn issued(&self) -> Vec<String> {
        lock(&self.issued).iter().cloned().collect()
    }

    /// Ends the run: whoever asks from now on is told so.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// From now on so many requests more may go out, also when the run's own are spent or its time is over: to leave things as they
    /// were.
    pub(crate) fn allow(&self, requests: usize) {
        self.allowed.store(self.sent().max(self.budget.requests).saturating_add(requests), Ordering::Relaxed);
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// When nothing answers, the budget is spent or the run was stopped.
    pub async fn send(&self, request: &Request) -> Result<Answer, WireError> {
        self.send_within(request, PATIENCE).await
    }

    /// Sends one request and waits longer, or less long, than usual.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn send_within(&self, request: &Request, patience: Duration) -> Result<Answer, WireError> {
        let turn = self.admit(request).await?;
        let waited = timeout(patience, self.exchange(request)).await;
        self.settle(request, turn, waited.unwrap_or(Err(WireError::Slow(patience))))
    }

    /// Sends requests so that they arrive as nearly at once as it goes: all but their last bytes first, then those.
    /// Answers stand in the order of the requests.
    ///
    /// # Errors
    /// When the run is over before they are sent.
    pub async fn together(&self, requests: &[Request]) -> Result<Vec<Result<Answer, WireError>>, WireError> {
        if let Some(answers) = self.together_in_second(requests).await? {
            return Ok(answers);
        }
        let (mut open, mut turns) = (Vec::new(), Vec::new());
        for request in requests {
            turns.push(self.admit(request).await?);
            open.push(self.connect());
        }
        let streams = futures_util::future::join_all(open).await;
        let (mut ready, mut answers) = (Vec::new(), Vec::new());
        for (request, stream) in requests.iter().zip(streams) {
            let held = async {
                let mut stream = stream?;
                let bytes = self.bytes(request);
                let (first, last) = bytes.split_at(bytes.len().saturating_sub(1));
                stream.write_all(first).await?;
                stream.flush().await?;
                Ok::<_, WireError>((stream, last.to_vec()))
            };
            ready.push((request, timeout(PATIENCE, held).await.unwrap_or(Err(WireError::Slow(PATIENCE)))));
        }
        for (request, held) in ready {
            answers.push(async {
                let (mut stream, last) = held?;
                let read = async {
                    stream.write_all(&last).await?;
                    stream.flush().await?;
                    Connection::new(stream).answer(request).await
                };
                let exchanged = timeout(PATIENCE, read).await.map_err(|_| WireError::Slow(PATIENCE))??;
                Ok(exchanged.answer)
            });
        }
        let answers = futures_util::future::join_all(answers).await;
        let sent = requests.iter().zip(turns);
        Ok(answers
            .into_iter()
            .zip(sent)
            .map(|(answer, (request, turn))| self.settle(request, turn, answer))
            .collect())
    }

    /// A new stream to the target, for what is no exchange of HTTP. It counts as a request.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn open(&self, what: &str) -> Result<Box<dyn Stream>, WireError> {
        let request = Request::new("OPEN", what);
        let turn = self.admit(&request).await?;
        let waited = timeout(PATIENCE, self.connect()).await;
        self.note(&request, turn, None);
        waited.unwrap_or(Err(WireError::Slow(PATIENCE)))
    }

    /// Over one connection of HTTP/2, where it is offered and can say them all.
    async fn together_in_second(
        &self,
        requests: &[Request],
    ) -> Result<Option<Vec<Result<Answer, WireError>>>, WireError> {
        let offered = self.origin.is_tls() || self.version == Version::Second;
        if !offered || self.version == Version::First {
            return Ok(None);
        }
        let all: Option<Vec<_>> =
            requests.iter().map(|request| Some((self.said(request)?, request.body.clone()))).collect();
        let Some(all) = all else { return Ok(None) };
        let Ok(Ok(mut second)) = timeout(OPENING, self.open_second()).await else { return Ok(None) };
        if second.room() < all.len() {
            return Ok(None);
        }
        let mut turns = Vec::new();
        for request in requests {
            turns.push(self.admit(request).await?);
        }
        let held = timeout(PATIENCE, second.together(all)).await;
        let pending = held.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let answers: Vec<Result<Answer, WireError>> = match pending {
            Ok(pending) => {
                let answers = pending.into_iter().map(|one| timeout(PATIENCE, one.answer()));
                let answers = futures_util::future::join_all(answers).await.into_iter();
                answers
                    .map(|answer| match answer {
                        Ok(Ok(answer)) => {
                            self.by_second.fetch_add(1, Ordering::Relaxed);
                            Ok(answer)
                        }
                        Ok(Err(error)) => Err(error.into()),
                        Err(_) => Err(WireError::Slow(PATIENCE)),
                    })
                    .collect()
            }
            Err(error) => {
                let kind = error.kind();
                requests.iter().map(|_| Err(io::Error::from(kind).into())).collect()
            }
        };
        let sent = requests.iter().zip(turns).zip(answers);
        Ok(Some(sent.map(|((request, turn), answer)| self.settle(request, turn, answer)).collect()))
    }

    fn said(&self, request: &Request) -> Option<http::Request<()>> {
        said(request, if self.origin.is_tls() { "https" } else { "http" }, &self.origin.authority())
    }

    async fn open_second(&self) -> Result<Second, WireError> {
        let stream = self.dialled().await?;
        if !self.origin.is_tls() {
            return Ok(Second::open(stream).await?);
        }
        let Some(tls) = &self.tls else { return Err(io::Error::other("no TLS was prepared").into()) };
        let (stream, chosen) =
            tls.secure_as(self.origin.host().trim_matches(['[', ']']), stream, &[b"h2"]).await?;
        if chosen.as_deref() != Some(b"h2".as_slice()) {
            return Err(io::Error::other("HTTP/2 is not offered").into());
        }
        Ok(Second::open(stream).await?)
    }

    /// Sends over the connection in HTTP/2 that is open, or over a new one.
    async fn exchange_in_second(
        &self,
        request: &Request,
        said: http::Request<()>,
    ) -> Result<Answer, WireError> {
        let begun = {
            let mut kept = self.second.lock().await;
            let old = kept.as_ref().filter(|second| second.is_open());
            let begun = match old {
                Some(second) => second.begin(said.clone(), &request.body).await.ok(),
                None => None,
            };
            match begun {
                Some(begun) => begun,
                // There is none, or the other side closed it meanwhile.
                None => {
                    let second = self.open_second().await?;
                    let begun = second.begin(said, &request.body).await?;
                    *kept = Some(second);
                    begun
                }
            }
        };
        let answer = begun.answer().await?;
        self.by_second.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }

    /// A stream to another port of the target's host. It counts as a request; nobody there answers for the target.
    ///
    /// # Errors
    /// When the run is over. Why there is no stream is in the answer.
    pub async fn reach(
        &self,
        port: u16,
        patience: Duration,
    ) -> Result<io::Result<Box<dyn Stream>>, WireError> {
        self.admit(&Request::new("CONNECT", &format!("port {port}"))).await?;
        let Some(address) = self.addresses.first() else {
            return Ok(Err(io::ErrorKind::AddrNotAvailable.into()));
        };
        let dialled = timeout(patience, self.dial.dial(SocketAddr::new(address.ip(), port))).await;
        Ok(dialled.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
    }

    /// One question by UDP to a port of the target's host. It counts as a request.
    ///
    /// # Errors
    /// When the run is over. Why there is no answer is in the answer.
    pub async fn ask(
        &self,
        port: u16,
        question: Datagram<'_>,
    ) -> Result<io::Result<Vec<Vec<u8>>>, WireError> {
        self.admit(&Request::new("UDP", &format!("port {port}"))).await?;
        let Some(address) = self.addresses.first() else {
            return Ok(Err(io::ErrorKind::AddrNotAvailable.into()));
        };
        Ok(self.dial.ask(SocketAddr::new(address.ip(), port), question).await)
    }

    /// The certificates that the target shows, and what becomes of them. It counts as a request.
    ///
    /// # Errors
    /// When the run is over. Why nothing is shown is in the answer.
    pub async fn shown(&self, patience: Duration) -> Result<io::Result<Shown>, WireError> {
        let Some(tls) = &self.tls else { return Ok(Err(io::ErrorKind::Unsupported.into())) };
        let stream = match self.reach(self.origin.port(), patience).await? {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(error)),
        };
        let shown = tls.shown(self.origin.host().trim_matches(['[', ']']), stream);
        Ok(timeout(patience, shown).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, WireError> {
        let spoken = self.spoken.load(Ordering::Relaxed);
        let said = if spoken == FIRST { None } else { self.said(request) };
        if spoken == SECOND
            && let Some(said) = said
        {
            return self.exchange_in_second(request, said).await;
        }
        match self.exchange_in_first(request).await {
            Ok(answer) => {
                if spoken == 0 {
                    self.spoken.store(FIRST, Ordering::Relaxed);
                }
                Ok(answer)
            }
            // Whoever speaks HTTP/2 alone refuses what TLS offers, or answers what is no HTTP/1.1.
            Err(error) if spoken == 0 && self.origin.is_tls() => {
                let Some(said) = said else { return Err(error) };
                match self.exchange_in_second(request, said).await {
                    Ok(answer) => {
                        self.spoken.store(SECOND, Ordering::Relaxed);
                        Ok(answer)
                    }
                    Err(_) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn exchange_in_first(&self, request: &Request) -> Result<Answer, WireError> {
        let bytes = self.bytes(request);
        let kept = lock(&self.idle).pop();
        if let Some(mut connection) = kept {
            // The other side may have closed it meanwhile; then nothing was read, and a new one is tried.
            match connection.exchange(request, &bytes).await {
                Ok(exchanged) => return Ok(self.keep(connection, exchanged.answer, exchanged.reusable)),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(error.into()),
                Err(_) => {}
            }
        }
        let mut connection = Connection::new(self.connect().await?);
        let exchanged = connection.exchange(request, &bytes).await?;
        Ok(self.keep(connection, exchanged.answer, exchanged.reusable))
    }

    fn keep(&self, connection: Connection, answer: Answer, reusable: bool) -> Answer {
        let mut idle = lock(&self.idle);
        if reusable && idle.len() < IDLE {
            idle.push(connection);
        }
        answer
    }

    /// A request as it goes to the target, or to the proxy before it.
    pub(crate) fn bytes(&self, request: &Request) -> Vec<u8> {
        let before =
            if self.proxy.is_some() && !self.origin.is_tls() { self.origin.base() } else { String::new() };
        request.bytes(&self.origin.authority(), &before)
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, WireError> {
        let stream = self.dialled().await?;
        self.secured(stream).await
    }

    /// A stream to the target, through the proxy where there is one, without TLS.
    async fn dialled(&self) -> Result<Box<dyn Stream>, WireError> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        if let Some(proxy) = self.proxy {
            let stream = self.dial.dial(proxy).await?;
            if !self.origin.is_tls() {
                return Ok(stream);
            }
            let authority = format!("{}:{}", self.origin.host(), self.origin.port());
            return Ok(Connection::new(stream).tunnel(&authority).await?);
        }
        for address in &self.addresses {
            match self.dial.dial(*address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    async fn secured(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, WireError> {
        if !self.origin.is_tls() {
            return Ok(stream);
        }
        // Never in plain what was asked for in secret.
        let Some(tls) = &self.tls else { return Err(io::Error::other("no TLS was prepared").into()) };
        Ok(tls.secure(self.origin.host().trim_matches(['[', ']']), stream).await?)
    }

    /// Waits for its turn, counts and writes it into the journal.
    async fn admit(&self, request: &Request) -> Result<Turn, WireError> {
        let asked = Instant::now();
        if self.stopped.load(Ordering::Relaxed) {
            return Err(WireError::Stopped("it was asked to".to_owned()));
        }
        if self.silent.load(Ordering::Relaxed) >= GONE {
            return Err(WireError::Stopped(format!("{GONE} requests in a row got no answer")));
        }
        let allowed = self.allowed.load(Ordering::Relaxed);
        if allowed == 0 && self.began.elapsed() > self.budget.time {
            return Err(WireError::Time(self.budget.time));
        }
        if self.sent.fetch_add(1, Ordering::Relaxed) >= self.budget.requests.max(allowed) {
            return Err(WireError::Requests(self.budget.requests));
        }
        if !request.is_safe() {
            self.written.fetch_add(1, Ordering::Relaxed);
        }
        let turn = {
            let mut next = lock(&self.next);
            let turn = (*next).max(Instant::now());
            let step = Duration::from_secs(1).checked_div(self.budget.rate.max(1)).unwrap_or_default();
            *next = turn.checked_add(step).unwrap_or(turn);
            turn
        };
        sleep_until(turn).await;
        let mut journal = lock(&self.journal);
        if journal.len() == KEPT {
            journal.pop_front();
        }
        let target: String = request.target.chars().take(200).collect();
        journal.push_back(format!("{} {target}", request.method));
        let came = Instant::now();
        Ok(Turn { waited: came.saturating_duration_since(asked), came })
    }

    fn note(&self, request: &Request, turn: Turn, answer: Option<&Answer>) {
        let at = turn.came.saturating_duration_since(self.began);
        self.trace.add(Traced {
            status: answer.map(|answer| answer.status),
            bytes: answer.map_or(0, |answer| answer.body.len()),
            waited: turn.waited,
            took: turn.came.elapsed(),
            ..Traced::new(&request.method, &request.target, at)
        });
    }

    fn settle(
        &self,
        request: &Request,
        turn: Turn,
        answer: Result<Answer, WireError>,
    ) -> Result<Answer, WireError> {
        self.note(request, turn, answer.as_ref().ok());
        match &answer {
            Ok(answer) => {
                self.silent.store(0, Ordering::Relaxed);
                let mut issued = lock(&self.issued);
                let cookies = answer.fields("set-cookie").filter_map(SetCookie::parse);
                for cookie in cookies.filter(|cookie| !cookie.value.is_empty()) {
                    if issued.len() < ISSUED {
                        issued.insert(cookie.value);
                    }
                }
                drop(issued);
                if answer.is_throttle() {
                    self.back_off(answer);
                }
            }
            // Nonsense is an answer.
            Err(WireError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                self.silent.store(0, Ordering::Relaxed);
            }
            Err(_) => {
                self.silent.fetch_add(1, Ordering::Relaxed);
            }
        }
        answer
    }

    /// Waits until a throttled answer says that one may come again (`Retry-After`, RFC 9110, section 10.2.3), and says whether it
    /// did: not longer than a minute, nor than a quarter of the time that is left.
    pub async fn wait_as_told(&self, answer: &Answer) -> bool {
        let told = answer.field("retry-after").and_then(|value| value.trim().parse::<u64>().ok());
        let Some(told) = told.filter(|_| answer.is_throttle()).map(Duration::from_secs) else { return false };
        let left = self.budget.time.saturating_sub(self.elapsed());
        let waits = told <= LONGEST_WAIT.min(left / 4);
        if waits {
            tokio::time::sleep(told).await;
        }
        waits
    }

    /// Leaves it alone for a moment: as long as it says, within reason.
    fn back_off(&self, answer: &Answer) {
        let asked = answer.field("retry-after").and_then(|value| value.trim().parse::<u64>().ok());
        let pause = Duration::from_millis(asked.unwrap_or(0).saturating_mul(1000).clamp(50, 1000));
        let mut next = lock(&self.next);
        *next = Instant::now().checked_add(pause).unwrap_or(*next).max(*next);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
