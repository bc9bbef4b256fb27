//! HTTP/2 to an upstream, by hyper: one connection per thread, any number of requests on it.

use std::sync::{Arc, Mutex, PoisonError};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Uri, Version, header, request};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::timeout;

use crate::body::{BodyError, RequestBody};
use crate::h1::head::is_hop_by_hop;
use crate::metrics::CoreMetrics;
use crate::proxy::AnswerBody;
use crate::upstream::{Pool, Sent, Target, UpstreamError, connect};

/// The connection in use, if any.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Option<SendRequest<RequestBody>>>);

pub(crate) async fn send(
    pool: &Arc<Pool>,
    head: request::Parts,
    body: RequestBody,
    metrics: &CoreMetrics,
) -> Result<Sent, UpstreamError> {
    let may_repeat = body.is_empty() && head.method.is_idempotent();
    let copy = may_repeat.then(|| head.clone());
    match (attempt(pool, head, body, metrics).await, copy) {
        // The upstream ended the connection just when we used it: once more on another.
        (Err(UpstreamError::Closed), Some(head)) => {
            pool.http2.forget();
            attempt(pool, head, RequestBody::empty(), metrics).await
        }
        (sent, _) => sent,
    }
}

async fn attempt(
    pool: &Arc<Pool>,
    head: request::Parts,
    body: RequestBody,
    metrics: &CoreMetrics,
) -> Result<Sent, UpstreamError> {
    let target = pool.target();
    let mut sender = match pool.http2.open() {
        Some(sender) => sender,
        None => open(pool, metrics).await?,
    };
    let request = request(target, head, body)?;
    let period = target.settings.response_timeout.as_duration();
    let answer = timeout(period, sender.send_request(request)).await.map_err(|_| UpstreamError::Timeout)?;
    let answer = answer.map_err(failure)?;
    let (mut head, body) = answer.into_parts();
    strip(&mut head.headers);
    Ok(Sent { head, body: AnswerBody::http2(body), tunnel: None, connect: None })
}

async fn open(pool: &Pool, metrics: &CoreMetrics) -> Result<SendRequest<RequestBody>, UpstreamError> {
    metrics.upstream_connects.add(1);
    let stream = connect::stream(pool.target()).await?;
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .max_header_list_size(u32::try_from(pool.target().settings.max_head.bytes()).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| UpstreamError::Unreachable(error.to_string()))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "upstream connection ended");
        }
    });
    *pool.http2.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
    Ok(sender)
}

impl Slot {
    fn open(&self) -> Option<SendRequest<RequestBody>> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().filter(|sender| !sender.is_closed()).cloned()
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The request with its target in absolute form, from which hyper makes the pseudo-header fields.
fn request(
    target: &Target,
    mut head: request::Parts,
    body: RequestBody,
) -> Result<Request<RequestBody>, UpstreamError> {
    let malformed = |_| UpstreamError::Malformed("no authority to ask".into());
    strip(&mut head.headers);
    // What was judged on its way may have another length: hyper states the one it knows.
    head.headers.remove(header::CONTENT_LENGTH);
    let authority = match head.headers.remove(header::HOST) {
        Some(host) => Authority::try_from(host.as_bytes()).map_err(malformed)?,
        None => Authority::try_from(target.origin.to_string()).map_err(malformed)?,
    };
    let mut uri = head.uri.into_parts();
    uri.scheme = Some(if target.origin.tls { Scheme::HTTPS } else { Scheme::HTTP });
    uri.authority = Some(authority);
    uri.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    head.uri = Uri::from_parts(uri).map_err(|_| UpstreamError::Malformed("no target to ask for".into()))?;
    head.version = Version::HTTP_2;
    Ok(Request::from_parts(head, body))
}

/// Removes what must not stand in an HTTP/2 message (RFC 9113 section 8.2.2) and what we answer.
fn strip(headers: &mut HeaderMap) {
    let listed: Vec<_> = headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in listed.iter().chain([&header::EXPECT]) {
        headers.remove(name);
    }
}

/// hyper's error, or that of the request's body inside it.
fn failure(error: hyper::Error) -> UpstreamError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(body) = inner.downcast_ref::<BodyError>() {
            return UpstreamError::Client(body.clone());
        }
        cause = inner.source();
    }
    if error.is_closed() || error.is_canceled() || error.is_incomplete_message() {
        return UpstreamError::Closed;
    }
    UpstreamError::Malformed(error.to_string())
}

const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
