//! Serving one HTTP/2 connection, by hyper, within tight limits.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use gabion_checks::Connection;
use http::{HeaderMap, Method, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body::RequestBody;
use crate::core::Core;
use crate::h1::head::{has_no_body, is_hop_by_hop};
use crate::proxy::{self, AnswerBody};
use crate::watch::Side;
use crate::wire;
use streams::{Stream, StreamBody, Streams};

mod streams;

/// Serves `stream` until either side ends it.
pub(crate) async fn serve(core: &Arc<Core>, stream: wire::Stream, connection: Connection) {
    serve_after_preface(core, stream, connection, Vec::new()).await;
}

/// The same, for a connection whose first bytes were read already.
pub(crate) async fn serve_after_preface(
    core: &Arc<Core>,
    stream: wire::Stream,
    connection: Connection,
    read: Vec<u8>,
) {
    let settings = &core.shared().settings;
    let watch = core.registry().watch();
    let open = Arc::new(Streams::default());
    let (service_core, service_open) = (Arc::clone(core), Arc::clone(&open));
    let service = service_fn(move |request| {
        let (core, stream) = (Arc::clone(&service_core), service_open.enter());
        async move { Ok::<_, Infallible>(answer(&core, connection, request, stream).await) }
    });
    let io = TokioIo::new(Rewound { read, at: 0, stream });
    let served = Builder::new(TokioExecutor::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_ERRORS)
        .serve_connection(io, service);
    let mut served = pin!(served);
    let (mut closing, mut idle, mut overdue) = (false, false, 0_u32);
    watch.arm(Side::Client, settings.head_timeout.as_duration());
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = served.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        let quiet = open.is_empty();
        if quiet && !idle {
            watch.arm(Side::Client, settings.idle_timeout.as_duration());
        } else if !quiet && idle {
            watch.arm(Side::Client, settings.stall_timeout.as_duration());
        }
        idle = quiet;
        let mut late = watch.poll_expired(Side::Client, cx).is_ready();
        if late && !quiet {
            // Bodies that come in watch themselves; those that go out cannot. A paused download shall not
            // take its neighbours with it: they may end, but nothing new begins beside it.
            let (stuck, all) = open.stuck(watch.registry().now());
            overdue = if stuck > 0 { overdue.saturating_add(1) } else { 0 };
            if stuck > 0 && (all || overdue > MAX_OVERDUE) {
                return Poll::Ready(Ok(()));
            }
            if stuck > 0 && !closing {
                closing = true;
                served.as_mut().graceful_shutdown();
                cx.waker().wake_by_ref();
            }
            watch.arm(Side::Client, settings.stall_timeout.as_duration());
            late = watch.poll_expired(Side::Client, cx).is_ready();
        }
        if late && closing {
            return Poll::Ready(Ok(()));
        }
        if (late || watch.registry().is_draining()) && !closing {
            closing = true;
            served.as_mut().graceful_shutdown();
            watch.arm(Side::Client, settings.head_timeout.as_duration());
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
    if let Err(error) = ended {
        core.metrics.http2_errors.add(1);
        tracing::debug!(%error, peer = %connection.peer, "http/2 connection ended");
    }
}

async fn answer(
    core: &Arc<Core>,
    connection: Connection,
    request: Request<Incoming>,
    stream: Stream,
) -> Response<StreamBody> {
    let _in_flight = core.metrics.enter();
    let (head, body) = request.into_parts();
    let head_only = head.method == Method::HEAD;
    let watch = Arc::new(core.registry().watch());
    let live = core.live();
    let body = RequestBody::h2(body, &watch, &core.shared().settings);
    let answer = proxy::answer(core, &live, connection, head, body, &watch).await;
    let proxy::Answer { mut head, body, .. } = answer;
    core.metrics.answered(head.status);
    strip(&mut head.headers, head_only);
    head.version = Version::HTTP_2;
    let bodiless = has_no_body(if head_only { &Method::HEAD } else { &Method::GET }, head.status);
    let body = if bodiless { AnswerBody::empty() } else { body };
    Response::from_parts(head, StreamBody::new(body, watch, stream, &core.shared().settings))
}

/// Fields HTTP/2 forbids or writes itself; a HEAD answer keeps the length it states.
fn strip(headers: &mut HeaderMap, keep_length: bool) {
    let listed: Vec<_> = headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    for name in listed {
        if !(keep_length && name == header::CONTENT_LENGTH) {
            headers.remove(name);
        }
    }
}

/// A stream whose first bytes were read already.
#[derive(Debug)]
struct Rewound {
    read: Vec<u8>,
    at: usize,
    stream: wire::Stream,
}

impl AsyncRead for Rewound {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.read.get(this.at..) {
            Some(rest @ [_, ..]) => {
                let now = rest.get(..buf.remaining()).unwrap_or(rest);
                buf.put_slice(now);
                this.at = this.at.saturating_add(now.len());
                Poll::Ready(Ok(()))
            }
            _ => Pin::new(&mut this.stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Streams a client may have open at once on a connection.
const MAX_STREAMS: u32 = 100;
/// Bytes of a head after decompression; CONTINUATION frames beyond it end the connection.
const MAX_HEAD: u32 = 32 * 1024;
/// Bytes a client may send ahead, per stream and per connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const FRAME: u32 = 16 * 1024;
/// Bytes of an answer held per stream.
const SEND_BUFFER: usize = 64 * 1024;
/// Stall timeouts that streams beside a stuck one have to end.
const MAX_OVERDUE: u32 = 10;
/// Streams reset before they were accepted: a rapid reset (CVE-2023-44487) ends here.
const MAX_RESETS: usize = 20;
/// Streams we had to reset for the client's errors (CVE-2025-8671).
const MAX_ERRORS: usize = 64;
