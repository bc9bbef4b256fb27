//! Traces of requests: the gateway's times as spans of OpenTelemetry, by its semantic conventions for HTTP.
//!
//! Attributes hold no query, body, cookie, credential or name of a person. What a client says of its trace counts only from
//! where `traces.continue_from` says; the upstream is told ours in its place.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gabion_checks::client_address::Network;
use gabion_courier::{Spans, TraceCounts, TraceExporter, TraceSettings};
use gabion_gateway::{Followed, Probe, Reading, TraceContext, Tracer};
use gabion_model::{Problem, Rng, random};
use gabion_telemetry::otlp::{Attribute, AttributeValue, Span, SpanKind, SpanStatus};
use gabion_telemetry::trace_context::{RANDOM, SAMPLED, TraceParent, trace_state};
use http::{HeaderMap, HeaderValue};

use super::sinks::machine_name;
use super::state::State;
use crate::failure::Failure;

/// Everything wrong with the table; paths are relative to it.
pub(crate) fn problems(settings: &TraceSettings) -> Vec<Problem> {
    let mut problems = settings.problems();
    for (index, text) in settings.continue_from.iter().enumerate() {
        if Network::parse(text).is_none() {
            let problem = Problem::new(format!("continue_from[{index}]"), "is no address and no network");
            problems.push(problem.hint("for instance `10.1.0.0/16`"));
        }
    }
    problems
}

/// The exporter of the configuration that runs, and those of former ones that still send.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    counts: Arc<TraceCounts>,
    exporters: Vec<TraceExporter>,
}

impl Traces {
    /// What makes traces by these settings; none where nothing is traced. Must be called on a tokio runtime.
    pub(crate) fn tracer(
        &mut self,
        settings: &TraceSettings,
        state: &State,
    ) -> Result<Option<Arc<dyn Tracer>>, Failure> {
        let own = (env!("CARGO_PKG_VERSION"), &*machine_name());
        let started = TraceExporter::start(settings, own, &state.clock, &self.counts);
        let started = started.map_err(|error| {
            Failure::new("traces cannot be sent").because(&error).hint("see the table `[traces]`")
        })?;
        let Some((spans, exporter)) = started else { return Ok(None) };
        self.exporters.retain(|former| !former.is_done());
        self.exporters.push(exporter);
        let continues = settings.continue_from.iter().filter_map(|text| Network::parse(text)).collect();
        let threshold = threshold(settings.ratio);
        Ok(Some(Arc::new(Requests { spans, rng: Arc::clone(&state.rng), continues, threshold })))
    }

    /// Sends what waits, after the gate let go of its tracers.
    pub(crate) async fn close(self, deadline: Duration) {
        for exporter in self.exporters {
            exporter.close(deadline).await;
        }
    }

    pub(crate) fn probes(&self) -> [Probe; 2] {
        let probe = |name, help, read: fn(&TraceCounts) -> &AtomicU64| {
            let counts = Arc::clone(&self.counts);
            let read = move || {
                let count = u32::try_from(read(&counts).load(Ordering::Relaxed)).unwrap_or(u32::MAX);
                Reading { value: count.into(), well: true }
            };
            Probe { name, help, read: Box::new(read) }
        };
        [
            probe("traces_exported", "spans that the collector took, since the start", |counts| {
                &counts.exported
            }),
            probe("traces_dropped", "spans that were lost on the way, since the start", |counts| {
                &counts.dropped
            }),
        ]
    }
}

#[derive(Debug)]
struct Requests {
    spans: Spans,
    rng: Arc<dyn Rng>,
    continues: Vec<Network>,
    /// A trace is recorded whose last 7 bytes are less (Level 2: they are random).
    threshold: u64,
}

impl Tracer for Requests {
    fn begin(&self, fields: &HeaderMap, peer: IpAddr) -> TraceContext {
        let drawn: [u8; 32] = random::bytes(&*self.rng);
        let id = |from: usize| -> [u8; 8] {
            let bytes = drawn.get(from..).and_then(|rest| rest.first_chunk()).copied();
            // Zero would be no id.
            bytes.filter(|id| *id != [0; 8]).unwrap_or([1; 8])
        };
        let parent = self.parent(fields, peer);
        let mut fresh = [0; 16];
        fresh.iter_mut().zip(drawn).for_each(|(place, byte)| *place = byte);
        if fresh == [0; 16] {
            fresh = [1; 16];
        }
        let trace = parent.map_or(fresh, |parent| parent.trace);
        let sampled = parent.map_or_else(|| last_56(&trace) < self.threshold, |parent| parent.is_sampled());
        let random = parent.map_or(RANDOM, |parent| parent.flags & RANDOM);
        let flags = random | if sampled { SAMPLED } else { 0 };
        let (span, upstream_span) = (id(16), id(24));
        let texts = fields.get_all("tracestate").iter().map(|value| value.to_str().unwrap_or("\0"));
        let state = parent.and_then(|_| trace_state(texts)).unwrap_or_default();
        let told = TraceParent { trace, parent: upstream_span, flags }.header();
        let told = HeaderValue::from_str(&told).unwrap_or(HeaderValue::from_static(""));
        let told_state = HeaderValue::from_str(&state).ok().filter(|state| !state.is_empty());
        TraceContext {
            trace,
            span,
            upstream_span,
            parent: parent.map(|parent| parent.parent),
            state,
            flags,
            sampled,
            fields: (told, told_state),
        }
    }

    fn end(&self, request: Box<Followed>) {
        self.spans.send(spans(&request));
    }
}

impl Requests {
    fn parent(&self, fields: &HeaderMap, peer: IpAddr) -> Option<TraceParent> {
        if !self.continues.iter().any(|network| network.contains(peer)) {
            return None;
        }
        let mut all = fields.get_all("traceparent").iter();
        let one = all.next()?;
        if all.next().is_some() {
            return None;
        }
        TraceParent::parse(one.to_str().ok()?).ok()
    }
}

fn threshold(ratio: f64) -> u64 {
    const ALL: u64 = 1 << 56;
    if ratio >= 1.0 {
        return ALL;
    }
    // Exact enough: a share of 2^-53 is the least.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and 2^56, as was checked"
    )]
    let threshold = (ratio.max(0.0) * ALL as f64) as u64;
    threshold
}

fn last_56(trace: &[u8; 16]) -> u64 {
    let [.., a, b, c, d, e, f, g] = *trace;
    u64::from_be_bytes([0, a, b, c, d, e, f, g])
}

/// The request's span and those of its parts.
fn spans(request: &Followed) -> Vec<Span> {
    let context = &request.context;
    let method = request.method.as_ref().map_or("_OTHER", |method| method.as_str());
    let text = |key: &str, value: &str| -> Attribute { (key.to_owned(), value.into()) };
    let number = |key: &str, value: u16| -> Attribute { (key.to_owned(), AttributeValue::from(value)) };
    let mut attributes = vec![
        text("http.request.method", method),
        text("url.scheme", if request.secure { "https" } else { "http" }),
        number("http.response.status_code", request.status.as_u16()),
        text("network.peer.address", &request.peer.ip().to_string()),
    ];
    for (key, value) in [
        ("url.path", &request.path),
        ("http.route", &request.route),
        ("server.address", &host(&request.host)),
    ] {
        if !value.is_empty() {
            attributes.push(text(key, value));
        }
    }
    if let Some(client) = request.client {
        attributes.push(text("client.address", &client.to_string()));
    }
    if let Some(agent) = &request.user_agent {
        attributes.push(text("user_agent.original", agent));
    }
    if let Some(id) = request.request_id {
        attributes.push(text("gabion.request_id", &id.to_string()));
    }
    if let Some(control) = request.refused {
        attributes.push(text("gabion.control", control.as_str()));
    }
    let own = |status: u16| if status >= 500 { SpanStatus::Error } else { SpanStatus::Unset };
    let name =
        if request.route.is_empty() { method.to_owned() } else { format!("{method} {}", request.route) };
    if request.status.is_server_error() {
        attributes.push(text("error.type", request.status.as_str()));
    }
    let server = Span {
        trace: context.trace,
        id: context.span,
        parent: context.parent,
        state: context.state.clone(),
        flags: context.flags,
        remote_parent: context.parent.is_some(),
        name,
        kind: SpanKind::Server,
        start: request.all.0,
        end: request.all.1,
        attributes,
        status: own(request.status.as_u16()),
    };
    let part = |number: u8, name: &str, (start, end), parent: [u8; 8]| Span {
        id: derived(context.span, number),
        parent: Some(parent),
        remote_parent: false,
        name: name.to_owned(),
        kind: SpanKind::Internal,
        start,
        end,
        attributes: Vec::new(),
        status: SpanStatus::Unset,
        ..server.clone()
    };
    let checks = part(1, "checks", request.checks, context.span);
    let mut all = Vec::with_capacity(4);
    for (number, wait) in (16..).zip(&request.waits) {
        all.push(part(number, "checks wait", *wait, checks.id));
    }
    all.push(checks);
    if let Some(asked) = &request.upstream {
        if let Some(connect) = asked.connect {
            all.push(part(2, "connect", connect, context.upstream_span));
        }
        let mut attributes = vec![
            text("http.request.method", method),
            text("server.address", &asked.host),
            number("server.port", asked.port),
            text("gabion.upstream", &asked.name),
        ];
        match asked.status {
            Some(status) => attributes.push(number("http.response.status_code", status.as_u16())),
            None => attributes.push(text("error.type", "no_answer")),
        }
        // A client's span is in error from 400 on, by the conventions.
        let failed = asked.status.is_none_or(|status| status.as_u16() >= 400);
        all.push(Span {
            id: context.upstream_span,
            parent: Some(context.span),
            remote_parent: false,
            name: method.to_owned(),
            kind: SpanKind::Client,
            start: asked.all.0,
            end: asked.all.1,
            attributes,
            status: if failed { SpanStatus::Error } else { SpanStatus::Unset },
            ..server.clone()
        });
    }
    all.push(server);
    all
}

/// Without the port.
fn host(authority: &str) -> String {
    let end = authority.rfind(':').filter(|end| !authority.get(*end..).unwrap_or_default().contains(']'));
    end.and_then(|end| authority.get(..end)).unwrap_or(authority).to_owned()
}

/// Ids of parts need no randomness of their own: within a trace they are as different as those they follow from.
fn derived(id: [u8; 8], number: u8) -> [u8; 8] {
    let changed = u64::from_be_bytes(id) ^ (u64::from(number) << 56 | 0x5a);
    // Zero would be no id.
    changed.max(1).to_be_bytes()
}
