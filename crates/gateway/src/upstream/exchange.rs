//! One request and its answer on an HTTP/1.1 connection to an upstream.
//!
//! Both directions move at once: an upstream may answer before it has read the whole body. The
//! connection is used again only after an exchange that ended whole, in both directions, with nothing
//! left over.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, StatusCode, request};
use http_body::{Body, Frame, SizeHint};

use crate::body::RequestBody;
use crate::h1::framing::{Decoded, Decoder, Framing};
use crate::h1::head::{self, ResponseHead};
use crate::h1::write;
use crate::proxy::AnswerBody;
use crate::upstream::{Pool, Sent, UpstreamError, Wire};
use crate::wire::poll_fill;

/// A request on its way and its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    wire: Wire,
    method: Method,
    /// What of the request's body is still to be sent.
    outgoing: Option<Outgoing>,
    /// Writing failed; the answer may be there nevertheless.
    deaf: bool,
    seen: usize,
    interim: u32,
    received: bool,
    moved: bool,
}

#[derive(Debug)]
struct Outgoing {
    body: RequestBody,
    framing: Framing,
}

/// An answer's body, straight from the connection.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    exchange: Option<Exchange>,
    decoder: Decoder,
    keep_alive: bool,
    pool: Arc<Pool>,
}

impl Exchange {
    pub(crate) fn new(
        mut wire: Wire,
        head: &request::Parts,
        body: RequestBody,
        framing: Option<Framing>,
        upgrade: bool,
    ) -> Self {
        write::request(wire.outbox.bytes(), head, framing, upgrade);
        let outgoing =
            framing.filter(|framing| !framing.is_empty()).map(|framing| Outgoing { body, framing });
        Self {
            wire,
            method: head.method.clone(),
            outgoing,
            deaf: false,
            seen: 0,
            interim: 0,
            received: false,
            moved: false,
        }
    }

    /// Anything at all came back.
    pub(crate) fn has_received(&self) -> bool {
        self.received
    }

    /// Bytes of the request went out since the last call.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Sends what there is to send and reads until the head of the answer is whole.
    pub(crate) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> Poll<Result<ResponseHead, UpstreamError>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            if !self.wire.buffer.is_empty() {
                match head::response(&mut self.wire.buffer, &mut self.seen, &self.method, limit) {
                    Err(fault) => return Poll::Ready(Err(UpstreamError::Malformed(fault.to_string()))),
                    Ok(Some(head)) if is_interim(head.parts.status) => {
                        self.wire.buffer.extend_from_slice(&head.rest);
                        self.interim = self.interim.saturating_add(1);
                        if self.interim > MAX_INTERIM {
                            let reason = "too many interim answers".to_owned();
                            return Poll::Ready(Err(UpstreamError::Malformed(reason)));
                        }
                        continue;
                    }
                    Ok(Some(head)) => return Poll::Ready(Ok(head)),
                    Ok(None) => {}
                }
            }
            match ready!(poll_fill(&mut self.wire.stream, &mut self.wire.buffer, cx)) {
                Ok(0) | Err(_) => return Poll::Ready(Err(UpstreamError::Closed)),
                Ok(_) => self.received = true,
            }
        }
    }

    /// Moves the request along. Fails only when its own body does.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        loop {
            // Gathered before it is sent: a body in chunks of one byte is not written byte by byte.
            let mut waits = false;
            while !self.deaf && !waits && self.wire.outbox.pending() < SEND_AHEAD {
                let Some(Outgoing { body, framing }) = &mut self.outgoing else { break };
                match Pin::new(body).poll_frame(cx) {
                    Poll::Pending => waits = true,
                    Poll::Ready(None) => {
                        if *framing == Framing::Chunked {
                            self.wire.outbox.bytes().extend_from_slice(write::LAST_CHUNK);
                        }
                        self.outgoing = None;
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(UpstreamError::Client(error))),
                    Poll::Ready(Some(Ok(frame))) => {
                        let data = frame.into_data().unwrap_or_default();
                        let out = self.wire.outbox.bytes();
                        match framing {
                            Framing::Chunked => write::chunk(out, &data),
                            Framing::Length(_) | Framing::UntilClose => out.extend_from_slice(&data),
                        }
                    }
                }
            }
            if !self.deaf {
                let Wire { stream, outbox, .. } = &mut self.wire;
                if ready!(outbox.poll_send(stream, cx, &mut self.moved)).is_err() {
                    self.deaf = true;
                }
            }
            // What a client still sends to a deaf upstream is for nobody; the answer decides what becomes
            // of it.
            if self.deaf || self.outgoing.is_none() {
                return Poll::Ready(Ok(()));
            }
            if waits {
                return Poll::Pending;
            }
        }
    }

    fn is_sent(&self) -> bool {
        self.outgoing.is_none() && !self.deaf && self.wire.outbox.pending() == 0
    }

    /// Goes on with the answer's body. One that is here whole already needs no connection any more.
    pub(crate) fn into_sent(
        mut self,
        head: ResponseHead,
        pool: &Arc<Pool>,
        upgrade: bool,
    ) -> Result<Sent, UpstreamError> {
        let ResponseHead { parts, framing, keep_alive, upgrade: switched, rest } = head;
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            let websocket = switched.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
            if !upgrade || !websocket {
                return Err(UpstreamError::Malformed("a change of protocol nobody asked for".into()));
            }
            self.wire.buffer.extend_from_slice(&rest);
            let (body, tunnel) = (AnswerBody::empty(), Some(Box::new(self.wire)));
            return Ok(Sent { head: parts, body, tunnel, connect: None });
        }
        let whole = framing == Framing::Length(rest.len() as u64) && self.is_sent();
        let body = if whole {
            if keep_alive {
                pool.put(self.wire);
            }
            AnswerBody::passed_on(rest)
        } else {
            self.wire.buffer.extend_from_slice(&rest);
            let decoder = Decoder::new(framing);
            AnswerBody::upstream(UpstreamBody {
                exchange: Some(self),
                decoder,
                keep_alive,
                pool: Arc::clone(pool),
            })
        };
        Ok(Sent { head: parts, body, tunnel: None, connect: None })
    }
}

impl UpstreamBody {
    /// Gives the connection back, if it may be used again.
    fn finish(&mut self) {
        if let Some(exchange) = self.exchange.take()
            && self.keep_alive
            && exchange.is_sent()
            && exchange.wire.buffer.is_empty()
        {
            self.pool.put(exchange.wire);
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Some(exchange) = &mut this.exchange else { return Poll::Ready(None) };
        if let Poll::Ready(Err(error)) = exchange.poll_send(cx) {
            return Poll::Ready(Some(Err(io::Error::other(error))));
        }
        loop {
            match this.decoder.decode(&mut exchange.wire.buffer) {
                Err(fault) => return Poll::Ready(Some(Err(io::Error::other(fault)))),
                Ok(Decoded::Data(data)) => {
                    if this.decoder.is_done() {
                        this.finish();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Decoded::End) => {
                    this.finish();
                    return Poll::Ready(None);
                }
                Ok(Decoded::Hungry) => {}
            }
            match ready!(poll_fill(&mut exchange.wire.stream, &mut exchange.wire.buffer, cx)) {
                Ok(0) | Err(_) if this.decoder.may_end() => {
                    this.exchange = None;
                    return Poll::Ready(None);
                }
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
                Err(error) => return Poll::Ready(Some(Err(error))),
                Ok(_) => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.exchange.is_none() || self.decoder.is_done()
    }

    fn size_hint(&self) -> SizeHint {
        self.decoder.remaining().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// Bytes of a body gathered before the upstream must take some.
const SEND_AHEAD: usize = 16 * 1024;
/// Interim answers (1xx) taken before the real one.
const MAX_INTERIM: u32 = 8;
