//! The pipeline: the checks in their order, who means it and who only watches, and what comes out.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use gabion_identity::{Keyring, Machines, Sessions};
use gabion_ledger::Ledger;
use gabion_model::{Clock, ControlId, Problem, Rng, Secret, Timestamp, random};
use gabion_policy::{Live, Resources};
use gabion_respond::Shield;
use http::{Response, StatusCode, request, response};

use crate::answer::{self, Answer, Source};
use crate::audit::{AccessLog, FaultLog};
use crate::check::{Arrived, Check, Mode, Passage, Stop, Wants};
use crate::client_address;
use crate::contract::Contracts;
use crate::denial::Denial;
use crate::exchange::{Caller, Connection, Exchange, RequestBody};
use crate::forward_auth::{self, ForwardAuth};
use crate::identity_header::GABION_IDENTITY;
use crate::metrics::{Counters, Metric, Verdict};
use crate::normalise;
use crate::order;
use crate::rate::Table;
use crate::rebuild;
use crate::request_id::Ids;
use crate::route::{Found, Route, Routes};
use crate::settings::Settings;
use crate::tally::Tally;
use crate::upload::Outside;
use crate::webhook::{self, Replays, Senders};

pub use outgoing::Followed;

mod outgoing;

/// What the pipeline needs from outside.
#[derive(Debug)]
pub struct Parts<'a> {
    pub sessions: Arc<Sessions>,
    /// What programs show instead of a session; none where there are only people.
    pub machines: Option<Machines>,
    /// Who is blocked; none where nobody ever is.
    pub shield: Option<Arc<Shield>>,
    /// Whose signed messages are believed.
    pub webhooks: Arc<Senders>,
    /// Signs `Gabion-Identity`.
    pub keys: Arc<Keyring>,
    pub ledger: Ledger,
    /// The policies in use; `None` where there are none, and then a route that asks them is closed.
    pub policies: Option<Arc<Live>>,
    /// Who knows what of the application's objects.
    pub resources: Option<Arc<dyn Resources>>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// The `iss` of `Gabion-Identity`.
    pub issuer: String,
    /// The port of the gate's HTTPS listener; `None` where TLS is off.
    pub https_port: Option<u16>,
    /// What routes name in `contract`.
    pub contracts: Contracts,
    /// Room, threads and a virus scanner for uploads; without it only small files can be judged.
    pub outside: Option<Arc<dyn Outside>>,
    /// One line per answered request goes here.
    pub access_log: Option<Arc<dyn AccessLog>>,
    /// Answers of 500 and above are told here.
    pub fault_log: Option<Arc<dyn FaultLog>>,
    /// The pipeline before a reload: its counters and limits live on.
    pub previous: Option<&'a Pipeline>,
}

/// All checks of a configuration, compiled. Shared by every core.
pub struct Pipeline {
    steps: Vec<Step>,
    normalises: bool,
    routes: Arc<Routes>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    memory: Memory,
    counters: Arc<Counters>,
    forward_auth: Option<ForwardAuth>,
}

/// One check and how seriously it is meant.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) check: Box<dyn Check>,
    pub(crate) mode: Mode,
}

/// What outlives a reload of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(crate) addresses: Arc<Table>,
    pub(crate) principals: Arc<Table>,
    pub(crate) token_key: Arc<Secret<[u8; 32]>>,
    pub(crate) webhooks: Arc<Replays>,
    pub(crate) tally: Arc<Tally>,
}

impl Memory {
    fn new(now: Timestamp, rng: &dyn Rng) -> Self {
        Self {
            addresses: Arc::new(Table::new(now, rng)),
            principals: Arc::new(Table::new(now, rng)),
            token_key: Arc::new(Secret::new(random::bytes(rng))),
            webhooks: Arc::default(),
            tally: Arc::default(),
        }
    }
}

/// A request every check let pass, in the shape the destination gets. Only the pipeline makes one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Admitted {
    /// Rebuilt: origin-form target, one `Host`, no hop-by-hop fields (but for an admitted WebSocket
    /// handshake), our identity and forwarding fields, no cookie of ours.
    pub head: request::Parts,
    pub destination: Destination,
    /// The longest body to pass on, in bytes.
    pub body_limit: u64,
    /// The whole body to send instead of what is still to be read, where a check has read it.
    pub body: Option<Bytes>,
    /// What judges the body on its way.
    pub passage: Option<Box<dyn Passage>>,
    /// The passage may only watch, for the check of this name: whatever it finds, the body goes on as it came.
    pub only_watched: Option<&'static str>,
    /// Boxed: it is large, and moved often.
    pub exchange: Box<Exchange>,
}

/// Who gets an admitted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The gate's own pages; `head.extensions` holds a [`Caller`].
    Local,
    /// Index into [`Pipeline::upstreams`].
    Upstream(usize),
}

/// A request that goes no further. [`Pipeline::answer`] makes the answer.
#[derive(Debug)]
pub struct Refused(Box<(Box<Exchange>, Stop, &'static str)>);

impl Refused {
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.0.0
    }

    /// The refusal; `None` when the gate merely answers itself (CORS preflight, redirect to HTTPS).
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        match &self.0.1 {
            Stop::Denied(denial) => Some(denial),
            Stop::Answered(_) | Stop::Waits(_) => None,
        }
    }
}

/// How far a request has come.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every request is admitted at once")]
pub enum Progress {
    Admitted(Admitted),
    Refused(Refused),
    /// A check needs more: see [`Waiting::wants`].
    Waits(Box<Waiting>),
}

impl From<Result<Admitted, Refused>> for Progress {
    fn from(result: Result<Admitted, Refused>) -> Self {
        result.map_or_else(Self::Refused, Self::Admitted)
    }
}

/// A request that cannot be judged to the end before something has come. [`Pipeline::resume`] goes on with it.
#[derive(Debug)]
pub struct Waiting {
    head: request::Parts,
    exchange: Box<Exchange>,
    step: usize,
    wants: Option<Wants>,
}

impl Waiting {
    /// What it waits for; once.
    pub fn wants(&mut self) -> Option<Wants> {
        self.wants.take()
    }

    /// The longest body the route takes, in bytes.
    #[must_use]
    pub fn body_limit(&self) -> u64 {
        self.exchange.body_limit
    }

    /// The whole body has come.
    pub fn body(&mut self, bytes: Bytes) {
        self.exchange.body = RequestBody::Whole(bytes);
    }

    /// So many bytes have come, and there are more.
    pub fn body_is_longer_than(&mut self, read: usize) {
        self.exchange.body = RequestBody::Cut(read);
    }

    /// What a check waited for is there.
    pub fn arrived(&mut self, arrived: Arrived) {
        arrived(&mut self.exchange);
    }

    /// Gives up.
    #[must_use]
    pub fn into_exchange(self) -> Box<Exchange> {
        self.exchange
    }
}

/// How a run through the checks ended.
enum Judged {
    Passed(Box<Exchange>),
    Stopped(Refused),
    Waits { exchange: Box<Exchange>, step: usize, wants: Wants },
}

impl Pipeline {
    /// Everything for which [`Pipeline::new`] refuses these, with paths from the top of the file.
    #[must_use]
    pub fn problems(settings: &Settings, routes: &[Route]) -> Vec<Problem> {
        compile(settings, routes).err().unwrap_or_default()
    }

    /// Compiles settings and routes; all problems at once.
    pub fn new(settings: &Settings, routes: &[Route], parts: Parts<'_>) -> Result<Self, Vec<Problem>> {
        let compiled = compile(settings, routes)?;
        // Without its sender a route would be open to everybody.
        let problems = webhook::problems_with(&compiled, &parts.webhooks);
        if !problems.is_empty() {
            return Err(problems);
        }
        let memory = parts
            .previous
            .map_or_else(|| Memory::new(parts.clock.now(), &*parts.rng), |previous| previous.memory.clone());
        let clock = Arc::clone(&parts.clock);
        let counters = parts.previous.map_or_else(Arc::default, |previous| Arc::clone(&previous.counters));
        let ids = Ids::new(&*parts.rng);
        let steps = order::steps(settings, &compiled, &memory, Some(&parts));
        Ok(Self::assemble(steps, compiled, clock, ids, memory, counters))
    }

    /// The same, and answers proxies that ask before they pass requests on.
    ///
    /// # Errors
    /// Above all that no proxy is trusted.
    pub fn with_forward_auth(
        mut self,
        settings: &forward_auth::Settings,
        client_address: &client_address::Settings,
    ) -> Result<Self, Vec<Problem>> {
        let problems = settings.problems(client_address);
        if !problems.is_empty() {
            return Err(problems.into_iter().map(|problem| problem.under("forward_auth")).collect());
        }
        self.forward_auth = ForwardAuth::new(settings, client_address);
        Ok(self)
    }

    /// The same, with host names by which the gate's own pages can be reached beside those that routes declare.
    #[must_use]
    pub fn with_own_hosts(self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.routes.set_own_hosts(hosts.into_iter().collect());
        self
    }

    /// The answer to a proxy about a request that passed every check; none is forwarded from here.
    fn allow(&self, asked: &ForwardAuth, inner: &request::Parts, exchange: Box<Exchange>) -> Refused {
        let answer = match exchange.route.and_then(|route| self.routes.get(route)) {
            // The gate's own pages are reached by passing requests to it, not by asking.
            Some(route) if !route.is_own() => asked.admit(inner, &exchange),
            _ => Denial::new(
                ControlId::AUTHZ_DECLARED_ROUTES,
                StatusCode::FORBIDDEN,
                "This address belongs to the gate.",
                "forward-auth about a page of the gate",
            )
            .into(),
        };
        Refused(Box::new((exchange, answer, "access")))
    }

    /// The answer to a proxy about a request that was stopped.
    fn disallow(&self, asked: &ForwardAuth, inner: &mut request::Parts, refused: Refused) -> Refused {
        match *refused.0 {
            // A preflight on a declared path, where the application is said to answer those itself. It carries
            // nobody's credentials, and nobody's name goes with it.
            (exchange, Stop::Answered(reply), check)
                if reply.status.is_success()
                    && asked.passes_preflights()
                    && exchange
                        .route
                        .and_then(|route| self.routes.get(route))
                        .is_some_and(|route| !route.is_own() && route.takes_preflight(inner)) =>
            {
                inner.headers.remove(&GABION_IDENTITY);
                let answer = asked.admit(inner, &exchange);
                Refused(Box::new((exchange, answer, check)))
            }
            // A yes that no check said: a preflight the gate would have answered itself.
            (exchange, Stop::Answered(reply), check) if reply.status.is_success() => {
                let denial = Denial::new(
                    ControlId::AUTHZ_DECLARED_ROUTES,
                    StatusCode::FORBIDDEN,
                    "Preflights are not answered here.",
                    "forward-auth about a preflight",
                );
                Refused(Box::new((exchange, denial.into(), check)))
            }
            refused => Refused(Box::new(refused)),
        }
    }

    /// The named checks only, without what needs sessions or a ledger.
    pub(crate) fn only(
        names: &[&str],
        settings: &Settings,
        routes: &[Route],
        clock: Arc<dyn Clock>,
        rng: &dyn Rng,
    ) -> Result<Self, Vec<Problem>> {
        let compiled = compile(settings, routes)?;
        let memory = Memory::new(clock.now(), rng);
        let mut steps = order::steps(settings, &compiled, &memory, None);
        let absent = |name: &&&str| !steps.iter().any(|step| step.check.name() == **name);
        let problems: Vec<_> = names
            .iter()
            .filter(absent)
            .map(|name| {
                Problem::new(*name, format!("there is no check `{name}` that stands alone, or it is off"))
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        steps.retain(|step| names.contains(&step.check.name()));
        Ok(Self::assemble(steps, compiled, clock, Ids::new(rng), memory, Arc::default()))
    }

    fn assemble(
        steps: Vec<Step>,
        routes: Arc<Routes>,
        clock: Arc<dyn Clock>,
        ids: Ids,
        memory: Memory,
        counters: Arc<Counters>,
    ) -> Self {
        let normalises = steps.iter().any(|step| step.check.name() == "normalise");
        Self { steps, normalises, routes, clock, ids, memory, counters, forward_auth: None }
    }

    /// Names of the upstreams; [`Destination::Upstream`] is an index into them.
    #[must_use]
    pub fn upstreams(&self) -> &[Arc<str>] {
        self.routes.upstreams()
    }

    /// The pattern of the route a request was found to be for.
    #[must_use]
    pub fn route_of(&self, exchange: &Exchange) -> Option<&str> {
        exchange.route.and_then(|route| self.routes.get(route)).map(|route| &*route.declared.path)
    }

    /// Judges a request. Reads the clock once; never blocks.
    pub fn begin(&self, connection: Connection, head: request::Parts) -> Progress {
        let mut head = head;
        let mut dialect = None;
        if let Some(asked) = &self.forward_auth
            && ForwardAuth::is_asked(&head)
        {
            // The original request passes every check, in the proxy's place.
            match asked.original(connection.peer.ip(), &head) {
                Ok((original, own)) => (head, dialect) = (original, Some(own)),
                Err(denial) => {
                    let exchange = self.exchange(connection, &head);
                    return Progress::Refused(Refused(Box::new((exchange, denial.into(), "access"))));
                }
            }
        }
        let mut exchange = self.exchange(connection, &head);
        exchange.asked_by = dialect;
        let judged = self.judge_from(0, &mut head, exchange);
        self.progress(head, judged)
    }

    /// Goes on with a request that waited.
    pub fn resume(&self, waiting: Box<Waiting>) -> Progress {
        let Waiting { mut head, exchange, step, .. } = *waiting;
        let judged = self.judge_from(step, &mut head, exchange);
        self.progress(head, judged)
    }

    fn exchange(&self, connection: Connection, head: &request::Parts) -> Box<Exchange> {
        Box::new(Exchange::new(connection, self.clock.now(), self.ids.next(), head))
    }

    fn progress(&self, mut head: request::Parts, judged: Judged) -> Progress {
        match judged {
            // INVARIANT: what a proxy asks about is never forwarded from here.
            Judged::Passed(exchange) => match (&self.forward_auth, exchange.asked_by) {
                (_, None) => self.admit(head, exchange).into(),
                (Some(asked), Some(_)) => Progress::Refused(self.allow(asked, &head, exchange)),
                (None, Some(_)) => Progress::Refused(self.forsake(exchange, 0)),
            },
            Judged::Stopped(refused) => match (&self.forward_auth, refused.exchange().asked_by) {
                (Some(asked), Some(_)) => Progress::Refused(self.disallow(asked, &mut head, refused)),
                _ => Progress::Refused(refused),
            },
            // The body stays with the proxy: there is none to wait for.
            Judged::Waits { exchange, step, wants: Wants::Body { .. } } if exchange.asked_by.is_some() => {
                Progress::Refused(self.forsake(exchange, step))
            }
            Judged::Waits { exchange, step, wants } => {
                Progress::Waits(Box::new(Waiting { head, exchange, step, wants: Some(wants) }))
            }
        }
    }

    /// Judges a request of which only the head is there: one that has to wait is refused.
    pub fn request(&self, connection: Connection, head: request::Parts) -> Result<Admitted, Refused> {
        match self.begin(connection, head) {
            Progress::Admitted(admitted) => Ok(admitted),
            Progress::Refused(refused) => Err(refused),
            Progress::Waits(waiting) => Err(self.forsake(waiting.exchange, waiting.step)),
        }
    }

    /// Lets the request pass every check, as far as its head goes.
    pub(crate) fn judge(
        &self,
        connection: Connection,
        head: &mut request::Parts,
    ) -> Result<Box<Exchange>, Refused> {
        let exchange = self.exchange(connection, head);
        match self.judge_from(0, head, exchange) {
            Judged::Passed(exchange) => Ok(exchange),
            Judged::Stopped(refused) => Err(refused),
            Judged::Waits { exchange, step, .. } => Err(self.forsake(exchange, step)),
        }
    }

    /// Refuses a request that would have to wait where nobody waits.
    fn forsake(&self, exchange: Box<Exchange>, step: usize) -> Refused {
        let check = self.steps.get(step).map_or("gateway", |step| step.check.name());
        let denial = Denial::internal("a check needs more than the head of the request");
        Refused(Box::new((exchange, denial.into(), check)))
    }

    fn judge_from(&self, first: usize, head: &mut request::Parts, mut exchange: Box<Exchange>) -> Judged {
        if first == 0 && !self.normalises {
            self.take_at_its_word(head, &mut exchange);
        }
        for (index, step) in self.steps.iter().enumerate().skip(first) {
            let observed = exchange.observed.len();
            let judged = step.check.request(head, &mut exchange);
            // What a check only tries, whatever its mode.
            for (check, denial) in exchange.observed.iter().skip(observed) {
                self.counters.add(check, denial.control, Verdict::Observed);
            }
            let Err(stop) = judged else {
                if exchange.passage.is_some() && exchange.passage_by.is_none() {
                    exchange.passage_by = Some((step.check.name(), step.mode));
                }
                continue;
            };
            match stop {
                Stop::Waits(wants) => return Judged::Waits { exchange, step: index, wants },
                Stop::Denied(denial) if step.mode == Mode::Observe && !denial.final_ => {
                    self.observe(step, denial, &mut exchange);
                }
                Stop::Answered(_) if step.mode == Mode::Observe => {}
                stop => return Judged::Stopped(Refused(Box::new((exchange, stop, step.check.name())))),
            }
        }
        Judged::Passed(exchange)
    }

    /// Counts what a check would have refused.
    fn observe(&self, step: &Step, denial: Denial, exchange: &mut Exchange) {
        self.counters.add(step.check.name(), denial.control, Verdict::Observed);
        exchange.observed.push((step.check.name(), denial));
    }

    /// A layer without `normalise` has to believe host and path.
    fn take_at_its_word(&self, head: &request::Parts, exchange: &mut Exchange) {
        exchange.host = normalise::judge_host(head).ok();
        let host = normalise::host_name(exchange.host_str());
        if let Found::Route(route) = self.routes.find(host, exchange.path(), &exchange.method) {
            exchange.route = Some(route);
        }
    }

    /// The answer to a request that was stopped.
    #[must_use]
    pub fn answer(&self, refused: Refused) -> Response<Bytes> {
        let (mut exchange, stop, check) = *refused.0;
        match stop {
            Stop::Denied(denial) => self.refusal(exchange, denial, check),
            Stop::Waits(_) => self.refusal(exchange, Denial::internal("a wait without an end"), check),
            Stop::Answered(reply) => {
                let mut answer = Response::new(Bytes::new());
                *answer.status_mut() = reply.status;
                *answer.headers_mut() = reply.headers;
                let (mut head, body) = answer.into_parts();
                let control = self
                    .steps
                    .iter()
                    .find(|step| step.check.name() == check)
                    .map(|step| step.check.control());
                self.counters.add(check, control.unwrap_or(ControlId::API_FAIL_CLOSED), Verdict::Answered);
                let replaced = self.dress(&mut exchange, &mut head, Source::Gate);
                Response::from_parts(head, replaced.unwrap_or(body))
            }
        }
    }

    /// The one way a [`Denial`] becomes an answer, for refusals made after admission (upstream failures,
    /// bodies over the limit). It leaves through every check that dresses answers.
    #[must_use]
    pub fn refuse(&self, exchange: Box<Exchange>, denial: Denial) -> Response<Bytes> {
        self.refusal(exchange, denial, "gateway")
    }

    /// The same for what was found in a request's body on its way.
    #[must_use]
    pub fn refuse_body(&self, exchange: Box<Exchange>, denial: Denial) -> Response<Bytes> {
        let check = exchange.passage_by.map_or("gateway", |(check, _)| check);
        self.refusal(exchange, denial, check)
    }

    /// The same for what a check found in an answer.
    #[must_use]
    pub fn refuse_answer(&self, exchange: Box<Exchange>, found: (Denial, &'static str)) -> Response<Bytes> {
        let (denial, check) = found;
        self.refusal(exchange, denial, check)
    }

    /// Counts what a body that `check` only watched would have been refused for.
    pub fn observed_in_body(&self, check: &'static str, denial: &Denial) {
        self.counters.add(check, denial.control, Verdict::Observed);
    }

    /// A refusal before there is a head: the connection limit, a malformed request line.
    #[must_use]
    pub fn refuse_connection(&self, connection: Connection, denial: Denial) -> Response<Bytes> {
        let (head, ()) = http::Request::new(()).into_parts();
        let mut exchange = self.exchange(connection, &head);
        exchange.target = None;
        self.refusal(exchange, denial, "gateway")
    }

    /// Dresses the head of an upstream's or the console's answer. `Some` is a body to send instead of
    /// the upstream's. Comes after [`look`](Self::look) and [`inspect`](Self::inspect).
    pub fn response(&self, exchange: &mut Exchange, head: &mut response::Parts) -> Option<Bytes> {
        let source = match exchange.route.and_then(|route| self.routes.get(route)) {
            Some(route) if route.is_own() => Source::Local,
            _ => Source::Upstream,
        };
        self.dress(exchange, head, source)
    }

    /// What was asked of the application, counted for the detection. Outlives reloads.
    #[must_use]
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.memory.tally)
    }

    /// What was counted since the start.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        self.counters.read()
    }

    fn admit(&self, mut head: request::Parts, mut exchange: Box<Exchange>) -> Result<Admitted, Refused> {
        let Some(route) = exchange.route.and_then(|route| self.routes.get(route)) else {
            let denial = Denial::internal("no route after all checks");
            return Err(Refused(Box::new((exchange, Stop::Denied(denial), "access"))));
        };
        let destination = match route.upstream {
            Some(upstream) => {
                rebuild::finish(&mut head, &exchange);
                Destination::Upstream(upstream)
            }
            None => {
                head.extensions.insert(Caller::of(&exchange));
                Destination::Local
            }
        };
        self.counters.admitted();
        let body_limit = exchange.body_limit;
        exchange.refusal = None;
        let body = match std::mem::replace(&mut exchange.body, RequestBody::Unread) {
            RequestBody::Whole(bytes) => Some(bytes),
            RequestBody::Unread | RequestBody::Cut(_) => None,
        };
        let passage = exchange.passage.take();
        let only_watched =
            exchange.passage_by.filter(|(_, mode)| *mode == Mode::Observe).map(|(check, _)| check);
        Ok(Admitted { head, destination, body_limit, body, passage, only_watched, exchange })
    }

    fn refusal(&self, mut exchange: Box<Exchange>, denial: Denial, check: &'static str) -> Response<Bytes> {
        self.counters.add(check, denial.control, Verdict::Refused);
        let (mut head, body) = answer::refusal(&exchange, &denial).into_parts();
        exchange.refusal = Some((check, denial));
        let replaced = self.dress(&mut exchange, &mut head, Source::Gate);
        Response::from_parts(head, replaced.unwrap_or(body))
    }

    fn dress(&self, exchange: &mut Exchange, head: &mut response::Parts, source: Source) -> Option<Bytes> {
        if source != Source::Gate {
            rebuild::strip_answer(head);
        }
        let mut answer = Answer { head, source, replacement: None };
        for step in
            self.steps.iter().filter(|step| step.mode == Mode::Enforce || step.check.name() == "audit")
        {
            step.check.response(exchange, &mut answer);
        }
        answer.replacement
    }
}

/// Compiles the routes if nothing is wrong with them and the settings.
fn compile(settings: &Settings, routes: &[Route]) -> Result<Arc<Routes>, Vec<Problem>> {
    let mut problems: Vec<Problem> =
        settings.problems().into_iter().map(|problem| problem.under("checks")).collect();
    problems.extend(settings.problems_with(routes));
    match Routes::compile(routes) {
        Ok(compiled) if problems.is_empty() => Ok(Arc::new(compiled)),
        Ok(_) => Err(problems),
        Err(found) => {
            problems.extend(found);
            Err(problems)
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pipeline").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl Refused {
    /// The status the answer will have.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.0.1 {
            Stop::Denied(denial) => denial.status,
            Stop::Answered(reply) => reply.status,
            Stop::Waits(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
