//! One request from its head to its answer, whichever protocol it came by.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use gabion_checks::{Admitted, Connection, Denial, Destination, Exchange};
use http::{Request, Response, request, response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::body::RequestBody;
use crate::core::{Core, CoreLive};
use crate::lease::Lease;
use crate::local::LocalBody;
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
    mut body: RequestBody,
    watch: &Watched,
) -> Answer {
    let mut head = head;
    if let Some(certificate) = core.certificates.of(&connection) {
        head.extensions.insert(certificate);
    }
    let admitted = match live.pipeline.request(connection, head) {
        Ok(admitted) => admitted,
        Err(refused) => return Answer::own(live.pipeline.answer(refused)),
    };
    let Admitted { head, destination, body_limit, mut exchange, .. } = admitted;
    body.limit(body_limit);
    if body.is_too_large() {
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
            match upstream::send(pool, head, body, upgrade, watch, &core.metrics).await {
                Ok(sent) => {
                    let answer = dress(core, live, sent, &mut exchange);
                    match exchange.look_ahead() {
                        None => answer,
                        // Boxed: only suspicious answers are looked into.
                        Some(limit) => Box::pin(inspect(live, answer, exchange, limit)).await,
                    }
                }
                Err(error) => {
                    note(&error, &pool.target().name, &exchange);
                    Answer::own(live.pipeline.refuse(exchange, error.denial()))
                }
            }
        }
    }
}

/// An upstream's answer with all that the checks add to its head.
fn dress(core: &Core, live: &CoreLive, sent: Sent, exchange: &mut Exchange) -> Answer {
    let Sent { mut head, mut body, tunnel } = sent;
    let replacement = live.pipeline.response(exchange, &mut head);
    let lease = || exchange.life().map(|life| Lease::new(life, &core.shared().clock));
    if let Some(wire) = tunnel {
        let tunnel = Tunnel { wire: *wire, lease: lease() };
        return Answer { head, body, tunnel: Some(Box::new(tunnel)) };
    }
    match replacement {
        Some(replacement) => body = AnswerBody::own(replacement),
        None => body.lease = lease(),
    }
    Answer { head, body, tunnel: None }
}

/// Lets the checks see the beginning of a body before any of it is sent.
async fn inspect(live: &CoreLive, answer: Answer, mut exchange: Exchange, limit: usize) -> Answer {
    let Answer { mut head, mut body, tunnel } = answer;
    // A body that breaks off while it is looked at is broken off for the client too.
    let _ = body.read_prefix(limit).await;
    if let Some(replacement) = live.pipeline.inspect(&mut exchange, &mut head, &body.prefix) {
        body = AnswerBody::own(replacement);
    }
    Answer { head, body, tunnel }
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
        Self { source, prefix: Bytes::new(), lease: None, ended: None }
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

    /// Reads the beginning of the body, to be looked at; it is passed on all the same.
    async fn read_prefix(&mut self, limit: usize) -> io::Result<()> {
        let mut prefix = BytesMut::new();
        let read = std::future::poll_fn(|cx| {
            while prefix.len() < limit {
                match ready!(self.poll_source(cx)) {
                    None => break,
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    Some(Ok(frame)) => prefix.extend_from_slice(&frame.into_data().unwrap_or_default()),
                }
            }
            Poll::Ready(Ok(()))
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
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if !this.prefix.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.prefix)))));
        }
        if matches!(this.source, Source::Own(_) | Source::PassedOn(_)) {
            return this.poll_source(cx);
        }
        loop {
            return match this.poll_source(cx) {
                Poll::Ready(Some(Ok(frame))) if !frame.is_data() => continue,
                Poll::Ready(frame) if !this.lease.as_ref().is_some_and(Lease::is_over) => Poll::Ready(frame),
                Poll::Ready(_) => Poll::Ready(Some(Err(io::ErrorKind::PermissionDenied.into()))),
                Poll::Pending => {
                    this.poll_ended(cx).map(|()| Some(Err(io::ErrorKind::PermissionDenied.into())))
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
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
        match rest.exact() {
            Some(exact) => SizeHint::with_exact(exact.saturating_add(self.prefix.len() as u64)),
            None => rest,
        }
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ended")
    }
}
