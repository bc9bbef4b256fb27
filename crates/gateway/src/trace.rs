//! What is followed of a request, for whoever makes traces of it ([`Tracer`]). Without one, nothing here runs.
//!
//! The gate takes the time where something begins and ends: all of it up to the head of the answer, the checks, what a check
//! waited for, the connection to the upstream if one was made, and the upstream's answer. The body of an answer streams
//! afterwards and is no part of it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gabion_checks::{Connection, Denial, Exchange, Pipeline};
use gabion_model::{Clock, ControlId, RequestId, Timestamp};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// Makes traces of requests.
pub trait Tracer: Send + Sync + fmt::Debug {
    /// Under which trace a request goes, by the fields it came with and whom they came from.
    fn begin(&self, fields: &HeaderMap, peer: IpAddr) -> Context;

    /// Takes a request that was answered. Must not block: drop and count rather than wait.
    fn end(&self, request: Box<Followed>);
}

/// A request's place in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub trace: [u8; 16],
    /// The request's span.
    pub span: [u8; 8],
    /// The span of what is asked of the upstream.
    pub upstream_span: [u8; 8],
    /// Whose span it continues.
    pub parent: Option<[u8; 8]>,
    pub state: String,
    pub flags: u8,
    /// Whether it is recorded.
    pub sampled: bool,
    /// `traceparent` and `tracestate` for the upstream.
    pub fields: (HeaderValue, Option<HeaderValue>),
}

/// From when to when.
pub type Period = (Timestamp, Timestamp);

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Followed {
    pub context: Context,
    pub all: Period,
    pub checks: Period,
    /// What checks waited for: a body, an answer from elsewhere.
    pub waits: Vec<Period>,
    pub upstream: Option<AskedUpstream>,
    pub method: Option<Method>,
    /// The route's pattern.
    pub route: String,
    /// Without the query.
    pub path: String,
    pub host: String,
    pub secure: bool,
    pub client: Option<IpAddr>,
    pub peer: SocketAddr,
    pub user_agent: Option<String>,
    pub request_id: Option<RequestId>,
    /// The control that refused, where a check did.
    pub refused: Option<ControlId>,
    pub status: StatusCode,
}

/// What was asked of an upstream.
#[derive(Debug, Clone)]
pub struct AskedUpstream {
    pub name: Arc<str>,
    pub host: String,
    pub port: u16,
    pub all: Period,
    /// Where none was there to be used again.
    pub connect: Option<Period>,
    /// None where there was no answer.
    pub status: Option<StatusCode>,
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Trace {
    clock: Arc<dyn Clock>,
    followed: Box<Followed>,
    waits_since: Option<Timestamp>,
}

impl Trace {
    pub(crate) fn begin(
        tracer: &dyn Tracer,
        clock: &Arc<dyn Clock>,
        connection: Connection,
        fields: &HeaderMap,
    ) -> Self {
        let now = clock.now();
        let followed = Followed {
            context: tracer.begin(fields, connection.peer.ip()),
            all: (now, now),
            checks: (now, now),
            waits: Vec::new(),
            upstream: None,
            method: None,
            route: String::new(),
            path: String::new(),
            host: String::new(),
            secure: connection.secure,
            client: None,
            peer: connection.peer,
            user_agent: None,
            request_id: None,
            refused: None,
            status: StatusCode::OK,
        };
        Self { clock: Arc::clone(clock), followed: Box::new(followed), waits_since: None }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn waits(&mut self) {
        self.waits_since = Some(self.now());
    }

    pub(crate) fn goes_on(&mut self) {
        if let Some(since) = self.waits_since.take()
            && self.followed.waits.len() < MOST_WAITS
        {
            self.followed.waits.push((since, self.now()));
        }
    }

    /// The checks are through with it.
    pub(crate) fn judged(&mut self, pipeline: &Pipeline, exchange: &Exchange, refused: Option<&Denial>) {
        self.goes_on();
        let now = self.now();
        let followed = &mut *self.followed;
        followed.checks.1 = now;
        followed.method = Some(exchange.method().clone());
        pipeline.route_of(exchange).unwrap_or_default().clone_into(&mut followed.route);
        exchange.path().clone_into(&mut followed.path);
        exchange.host_name().clone_into(&mut followed.host);
        followed.secure = exchange.secure();
        followed.client = Some(exchange.client());
        followed.user_agent = exchange.user_agent().map(str::to_owned);
        followed.request_id = Some(exchange.request_id());
        followed.refused = refused.map(|denial| denial.control);
    }

    /// What the upstream is told of the trace, in place of what the client said.
    pub(crate) fn propagate(&self, fields: &mut HeaderMap) {
        let (parent, state) = &self.followed.context.fields;
        fields.insert("traceparent", parent.clone());
        match state {
            Some(state) => drop(fields.insert("tracestate", state.clone())),
            None => drop(fields.remove("tracestate")),
        }
    }

    pub(crate) fn asked(&mut self, asked: AskedUpstream) {
        self.followed.upstream = Some(asked);
    }

    pub(crate) fn end(mut self, tracer: &dyn Tracer, status: StatusCode) {
        if !self.followed.context.sampled {
            return;
        }
        self.followed.all.1 = self.now();
        self.followed.status = status;
        tracer.end(self.followed);
    }
}

/// Of one request.
const MOST_WAITS: usize = 8;
