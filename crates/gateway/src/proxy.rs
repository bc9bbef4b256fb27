//! One request from its head to its answer, whichever protocol it came by.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use gabion_checks::{Admitted, Connection, Denial, Destination, Exchange, Progress, Seen, Waiting, Wants};
use gabion_model::Timestamp;
use http::header::CONTENT_LENGTH;
use http::{Request, Response, request, response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::body::{BodyError, RequestBody};
use crate::core::{Core, CoreLive};
use crate::follow::Follow;
use crate::lease::Lease;
use crate::local::LocalBody;
use crate::passage::Passage;
use crate::trace::{AskedUpstream, Trace, Tracer};
use crate::upstream::{self, Sent, UpstreamBody, UpstreamError, Wire};
use crate::watch::Watched;

/// What goes back to the client.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: response::Parts,
    pub(crate) body: AnswerBody,
    /// Boxed: rare, and every answer is moved.
    pub(crate) tunnel: Option<Box<Tunnel>>,
}

/// An upstream that has switched to WebSocket, and by what it was authorized.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) wire: Wire,
    pub(crate) lease: Option<Lease>,
}

/// The body of an answer. One that streams ends when the session or credential it was authorized by does.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    source: Source,
    /// Read from the upstream before it was decided to pass the body on.
    prefix: Bytes,
    lease: Option<Lease>,
    ended: Option<Ended>,
    /// Who judges it while it leaves.
    follow: Option<Box<Follow>>,
}

#[derive(Debug)]
enum Source {
    /// Made by the gate.
    Own(Bytes),
    /// Here whole, but the upstream's.
    PassedOn(Bytes),
    Upstream(Box<UpstreamBody>),
    Http2(Incoming),
    Local(LocalBody),
}

struct Ended(Pin<Box<dyn Future<Output = ()> + Send>>);

/// Judges a request and answers it, by the upstream, by a page of the gate or by a refusal.
pub(crate) async fn answer(
    core: &Arc<Core>,
    live: &Arc<CoreLive>,
    connection: Connection,
    head: request::Parts,
    body: RequestBody,
    watch: &Watched,
) -> Answer {
    match &live.tracer {
        None => judge(core, live, connection, head, body, watch, None).await,
        // Boxed: most gates make no traces, and its state would be part of every request's.
        Some(tracer) => Box::pin(traced(core, live, connection, head, body, watch, tracer)).await,
    }
}

/// The same, with a trace of it.
async fn traced(
    core: &Arc<Core>,
    live: &Arc<CoreLive>,
    connection: Connection,
    head: request::Parts,
    body: RequestBody,
    watch: &Watched,
    tracer: &Arc<dyn Tracer>,
) -> Answer {
    let mut trace = Trace::begin(&**tracer, &core.shared().clock, connection, &head.headers);
    let answer = judge(core, live, connection, head, body, watch, Some(&mut trace)).await;
    trace.end(&**tracer, answer.head.status);
    answer
}

async fn judge(
    core: &Arc<Core>,
    live: &Arc<CoreLive>,
    connection: Connection,
    head: request::Parts,
    mut body: RequestBody,
    watch: &Watched,
    mut trace: Option<&mut Trace>,
) -> Answer {
    let mut head = head;
    if let Some(certificate) = core.certificates.of(&connection) {
        head.extensions.insert(certificate);
    }
    let mut progress = live.pipeline.begin(connection, head);
    let admitted = loop {
        match progress {
            Progress::Admitted(admitted) => break admitted,
            Progress::Refused(refused) => {
                if let Some(trace) = &mut trace {
                    trace.judged(&live.pipeline, refused.exchange(), refused.denial());
                }
                return Answer::own(live.pipeline.answer(refused));
            }
            // Boxed: most requests never wait.
            Progress::Waits(waiting) => {
                if let Some(trace) = &mut trace {
                    trace.waits();
                }
                let supplied = Box::pin(supply(waiting, &mut body)).await;
                if let Some(trace) = &mut trace {
                    trace.goes_on();
                }
                match supplied {
                    Ok(waiting) => progress = live.pipeline.resume(waiting),
                    Err((exchange, denial)) => return Answer::own(live.pipeline.refuse(exchange, denial)),
                }
            }
        }
    };
    let Admitted { head, destination, body_limit, body: read, passage, only_watched, mut exchange, .. } =
        admitted;
    let mut head = head;
    if let Some(trace) = &mut trace {
        trace.judged(&live.pipeline, &exchange, None);
        trace.propagate(&mut head.headers);
    }
    if let Some(bytes) = read {
        body = RequestBody::whole(bytes);
    }
    if body.limit(body_limit) {
        return Answer::own(live.pipeline.refuse(exchange, Denial::body_too_large()));
    }
    if body_limit == 0 && !body.is_empty() {
        // In HTTP/2 a body shows only when it comes: nobody hears of the request before it is clear that
        // there is none.
        if let Err(error) = Box::pin(body.end()).await {
            return Answer::own(live.pipeline.refuse(exchange, UpstreamError::Client(error).denial()));
        }
        body = RequestBody::empty();
    }
    if let Some(judge) = passage.filter(|_| !body.is_empty()) {
        let passage = if let Some(check) = only_watched {
            let live = Arc::clone(live);
            Passage::watching(judge, move |denial| live.pipeline.observed_in_body(check, denial))
        } else {
            Passage::new(judge)
        };
        if let Err(error) = Box::pin(body.judged_by(passage)).await {
            return Answer::own(refuse_body(live, exchange, &error));
        }
    }
    match destination {
        Destination::Local => {
            // Boxed: pages of the gate are rare, and their state would be part of every request's.
            let page = Box::pin(core.shared().local.answer(Request::from_parts(head, body))).await;
            let (mut head, body) = page.into_parts();
            let replaced = live.pipeline.response(&mut exchange, &mut head);
            let body = replaced.map_or_else(|| AnswerBody::new(Source::Local(body)), AnswerBody::own);
            Answer { head, body, tunnel: None }
        }
        Destination::Upstream(index) => {
            let Some(pool) = live.pools.get(index) else {
                let denial = Denial::internal("a route names an upstream that is not there");
                return Answer::own(live.pipeline.refuse(exchange, denial));
            };
            let upgrade = exchange.is_upgrade();
            let since = trace.as_ref().map(|trace| trace.now());
            let sent = upstream::send(pool, head, body, upgrade, watch, &core.metrics).await;
            if let (Some(trace), Some(since)) = (&mut trace, since) {
                trace.asked(asked(pool.target(), since, trace.now(), sent.as_ref().ok()));
            }
            match sent {
                Ok(sent) => match live.pipeline.look(&mut exchange, &sent.head) {
                    None => dress(core, live, sent, exchange, false),
                    // Boxed: most answers are not looked into.
                    Some(limit) => Box::pin(inspect(core, live, sent, exchange, limit)).await,
                },
                Err(UpstreamError::Client(error)) => Answer::own(refuse_body(live, exchange, &error)),
                Err(error) => {
                    note(&error, &pool.target().name, &exchange);
                    Answer::own(live.pipeline.refuse(exchange, error.denial()))
                }
            }
        }
    }
}

fn asked(
    target: &upstream::Target,
    since: Timestamp,
    until: Timestamp,
    sent: Option<&Sent>,
) -> AskedUpstream {
    AskedUpstream {
        name: Arc::clone(&target.name),
        host: target.origin.host.clone(),
        port: target.origin.port,
        all: (since, until),
        connect: sent
            .and_then(|sent| sent.connect)
            .map(|took| (since, since.saturating_add(took).min(until))),
        status: sent.map(|sent| sent.head.status),
    }
}

/// An upstream's answer with all that the checks add to its head. `whole`: the checks that looked into the body saw all
/// of it.
fn dress(core: &Core, live: &CoreLive, sent: Sent, mut exchange: Box<Exchange>, whole: bool) -> Answer {
    let Sent { mut head, mut body, tunnel, connect: _ } = sent;
    let followed = live.pipeline.follow(&exchange, &mut head, whole);
    let replacement = live.pipeline.response(&mut exchange, &mut head);
    let lease = exchange.life().map(|life| Lease::new(life, &core.shared().clock));
    if let Some(wire) = tunnel {
        let tunnel = Tunnel { wire: *wire, lease };
        return Answer { head, body, tunnel: Some(Box::new(tunnel)) };
    }
    match replacement {
        Some(replacement) => body = AnswerBody::own(replacement),
        None => {
            body.lease = lease;
            body.follow = followed.map(|followed| Box::new(Follow::new(followed, exchange, &live.pipeline)));
        }
    }
    Answer { head, body, tunnel: None }
}

/// Fetches what a check waits for.
async fn supply(
    mut waiting: Box<Waiting>,
    body: &mut RequestBody,
) -> Result<Box<Waiting>, (Box<Exchange>, Denial)> {
    match waiting.wants() {
        None => {}
        Some(Wants::Arrival(arrival)) => waiting.arrived(arrival.await),
        Some(Wants::Pause(wait)) => tokio::time::sleep(wait).await,
        Some(Wants::Body { limit }) => {
            let too_large = body.limit(waiting.body_limit());
            let read = if too_large { Err(BodyError::TooLarge) } else { body.read_prefix(limit).await };
            match read {
                Ok(true) => waiting.body(body.prefix().clone()),
                Ok(false) => waiting.body_is_longer_than(body.prefix().len()),
                Err(error) => {
                    let denial = UpstreamError::Client(error).denial();
                    return Err((waiting.into_exchange(), denial));
                }
            }
        }
    }
    Ok(waiting)
}

/// A body that broke off, or was refused on its way.
fn refuse_body(live: &CoreLive, exchange: Box<Exchange>, error: &BodyError) -> Response<Bytes> {
    let denial = UpstreamError::Client(error.clone()).denial();
    match error {
        BodyError::Refused(_) => live.pipeline.refuse_body(exchange, denial),
        _ => live.pipeline.refuse(exchange, denial),
    }
}

/// Lets the checks see a body before any of it is sent.
async fn inspect(
    core: &Core,
    live: &CoreLive,
    mut sent: Sent,
    mut exchange: Box<Exchange>,
    limit: usize,
) -> Answer {
    // A body that breaks off while it is looked at is broken off for the client too.
    let complete = sent.body.read_prefix(limit).await.unwrap_or(false);
    let seen = Seen { bytes: &sent.body.prefix, complete };
    match live.pipeline.inspect(&mut exchange, &mut sent.head, &seen) {
        Ok(None) => dress(core, live, sent, exchange, complete),
        Ok(Some(bytes)) => {
            sent.head.headers.insert(CONTENT_LENGTH, bytes.len().into());
            sent.body = AnswerBody::own(bytes);
            dress(core, live, sent, exchange, true)
        }
        Err(found) => Answer::own(live.pipeline.refuse_answer(exchange, *found)),
    }
}

fn note(error: &UpstreamError, upstream: &str, exchange: &Exchange) {
    if !matches!(error, UpstreamError::Client(_)) {
        tracing::warn!(upstream, %error, request_id = %exchange.request_id(), "upstream failed");
    }
}

impl Answer {
    /// An answer the gate itself gives.
    pub(crate) fn own(answer: Response<Bytes>) -> Self {
        let (head, body) = answer.into_parts();
        Self { head, body: AnswerBody::own(body), tunnel: None }
    }
}

impl AnswerBody {
    fn new(source: Source) -> Self {
        Self { source, prefix: Bytes::new(), lease: None, ended: None, follow: None }
    }

    pub(crate) fn empty() -> Self {
        Self::new(Source::PassedOn(Bytes::new()))
    }

    fn own(bytes: Bytes) -> Self {
        Self::new(Source::Own(bytes))
    }

    pub(crate) fn passed_on(bytes: Bytes) -> Self {
        Self::new(Source::PassedOn(bytes))
    }

    pub(crate) fn upstream(body: UpstreamBody) -> Self {
        Self::new(Source::Upstream(Box::new(body)))
    }

    pub(crate) fn http2(body: Incoming) -> Self {
        Self::new(Source::Http2(body))
    }

    /// Made by the gate, so that its length is known even where the body itself is not sent.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.source, Source::Own(_) | Source::Local(_))
    }

    /// Reads more than `limit` bytes of the body, or all there is (then it says true), to be looked at; it
    /// is passed on all the same.
    async fn read_prefix(&mut self, limit: usize) -> io::Result<bool> {
        let mut prefix = BytesMut::new();
        let read = std::future::poll_fn(|cx| {
            while prefix.len() <= limit {
                match ready!(self.poll_source(cx)) {
                    None => return Poll::Ready(Ok(true)),
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    Some(Ok(frame)) => prefix.extend_from_slice(&frame.into_data().unwrap_or_default()),
                }
            }
            Poll::Ready(Ok(false))
        })
        .await;
        self.prefix = prefix.freeze();
        read
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.source {
            Source::Own(bytes) | Source::PassedOn(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Own(bytes) | Source::PassedOn(bytes) => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Source::Upstream(body) => Pin::new(&mut **body).poll_frame(cx),
            Source::Http2(body) => Pin::new(body).poll_frame(cx).map_err(io::Error::other),
            Source::Local(body) => Pin::new(body).poll_frame(cx).map_err(io::Error::other),
        }
    }

    /// Ready when what this body was authorized by has ended.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended.is_none()
            && let Some(lease) = self.lease.clone()
        {
            self.ended = Some(Ended(Box::pin(async move { lease.over().await })));
        }
        match &mut self.ended {
            Some(ended) => ended.0.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// The next of it, as it comes.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.prefix.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.prefix)))));
        }
        if matches!(self.source, Source::Own(_) | Source::PassedOn(_)) {
            return self.poll_source(cx);
        }
        loop {
            return match self.poll_source(cx) {
                Poll::Ready(Some(Ok(frame))) if !frame.is_data() => continue,
                Poll::Ready(frame) if !self.lease.as_ref().is_some_and(Lease::is_over) => Poll::Ready(frame),
                Poll::Ready(_) => Poll::Ready(Some(Err(io::ErrorKind::PermissionDenied.into()))),
                Poll::Pending => {
                    self.poll_ended(cx).map(|()| Some(Err(io::ErrorKind::PermissionDenied.into())))
                }
            };
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Some(mut follow) = this.follow.take() else { return this.poll_next(cx) };
        let polled = follow.poll(cx, |cx| this.poll_next(cx));
        this.follow = Some(follow);
        polled
    }

    fn is_end_stream(&self) -> bool {
        if let Some(follow) = &self.follow {
            return follow.is_done();
        }
        self.prefix.is_empty()
            && match &self.source {
                Source::Own(bytes) | Source::PassedOn(bytes) => bytes.is_empty(),
                Source::Upstream(body) => body.is_end_stream(),
                Source::Http2(body) => body.is_end_stream(),
                Source::Local(body) => body.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = match &self.source {
            Source::Own(bytes) | Source::PassedOn(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Upstream(body) => body.size_hint(),
            Source::Http2(body) => body.size_hint(),
            Source::Local(body) => body.size_hint(),
        };
        let held = self.follow.as_ref().map_or(0, |follow| follow.held());
        let ready = held.saturating_add(self.prefix.len() as u64);
        match rest.exact() {
            Some(exact) => SizeHint::with_exact(exact.saturating_add(ready)),
            None => rest,
        }
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ended")
    }
}
