//! Serving one HTTP/1.1 connection: a request at a time, in order.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gabion_checks::{Connection, Denial};
use gabion_model::ControlId;
use http::{HeaderValue, Method, Response, Version, header};
use http_body::Body;

use crate::body::RequestBody;
use crate::core::Core;
use crate::h1::framing::Framing;
use crate::h1::head::{self, HeadFault, RequestHead};
use crate::h1::inbound::{H1Body, Loan, Patience};
use crate::h1::write::{self, Manner};
use crate::proxy::{self, Answer, AnswerBody};
use crate::tunnel;
use crate::watch::{Side, TICK, Watched};
use crate::wire::{Reader, Stream, Writer};

/// Serves `stream` until either side ends it. `first` was read from it already.
///
/// What serving a request needs is boxed while the connection is busy and given up when it falls idle:
/// an idle connection costs little more than its socket.
pub(crate) async fn serve(core: &Arc<Core>, stream: Stream, connection: Connection, first: &[u8]) {
    let (mut reader, writer) = stream.split();
    reader.buffer.extend_from_slice(first);
    let watch = Arc::new(core.registry().watch());
    let mut server = Server { core, connection, reader: Some(reader), writer, watch, served: 0 };
    while server.awakes().await && Box::pin(server.run()).await == Flow::Idle {}
}

struct Server<'a> {
    core: &'a Arc<Core>,
    connection: Connection,
    /// Lent to the body while a request with one is in flight.
    reader: Option<Reader>,
    writer: Writer,
    watch: Arc<Watched>,
    served: u64,
}

/// What comes instead of a next request.
enum Next {
    Head(Box<RequestHead>),
    Refused(Denial),
    /// Nothing has come for a while.
    Idle,
    Over,
}

/// What happens to the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    /// Nothing to do until the client speaks again.
    Idle,
    /// Everything was read: close in order.
    Close,
    /// The client may still be sending: closing at once could destroy the answer on its way.
    Linger,
    /// Nobody listens any more, or the answer could not be completed and must not look complete.
    Cut,
}

impl Server<'_> {
    /// Waits for the client to say something. `false` when it does not, or leaves.
    async fn awakes(&mut self) -> bool {
        let Some(reader) = &mut self.reader else { return false };
        if reader.buffer.is_empty() {
            reader.buffer = BytesMut::new();
        }
        let settings = &self.core.shared().settings;
        let period = match self.served {
            0 => settings.head_timeout.as_duration(),
            _ => settings.idle_timeout.as_duration().saturating_sub(BUSY),
        };
        self.watch.arm(Side::Client, period);
        poll_fn(|cx| {
            if !reader.buffer.is_empty() {
                return Poll::Ready(true);
            }
            if let Poll::Ready(read) = reader.poll_fill(cx) {
                return Poll::Ready(read.is_ok_and(|count| count > 0));
            }
            let expired = self.watch.poll_expired(Side::Client, cx);
            if self.watch.registry().is_draining() { Poll::Ready(false) } else { expired.map(|()| false) }
        })
        .await
    }

    /// Serves what comes until nothing does: [`Flow::Idle`], or the end of the connection.
    async fn run(&mut self) -> Flow {
        loop {
            let flow = match self.next_head().await {
                Next::Head(head) => self.exchange(*head).await,
                Next::Refused(denial) => self.refuse(denial).await,
                Next::Idle => Flow::Idle,
                Next::Over => Flow::Cut,
            };
            match flow {
                Flow::Next => {}
                Flow::Close => self.close().await,
                Flow::Linger => self.linger().await,
                Flow::Idle | Flow::Cut => {}
            }
            if flow != Flow::Next {
                return flow;
            }
        }
    }

    async fn next_head(&mut self) -> Next {
        let Some(reader) = &mut self.reader else { return Next::Over };
        let settings = &self.core.shared().settings;
        let (mut seen, mut begun) = (0, false);
        if reader.buffer.is_empty() {
            self.watch.arm(Side::Client, settings.idle_timeout.as_duration().min(BUSY));
        }
        poll_fn(|cx| {
            loop {
                if !reader.buffer.is_empty() {
                    if !begun {
                        begun = true;
                        self.watch.arm(Side::Client, settings.head_timeout.as_duration());
                    }
                    match head::request(&mut reader.buffer, &mut seen) {
                        Ok(None) => {}
                        Ok(Some(head)) => {
                            self.watch.disarm(Side::Client);
                            return Poll::Ready(Next::Head(Box::new(head)));
                        }
                        Err(fault) => return Poll::Ready(Next::Refused(malformed(fault))),
                    }
                }
                match reader.poll_fill(cx) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Over),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => {
                        let expired = self.watch.poll_expired(Side::Client, cx);
                        if !begun && self.watch.registry().is_draining() {
                            return Poll::Ready(Next::Over);
                        }
                        ready!(expired);
                        let late = if begun { Next::Refused(Denial::request_timeout()) } else { Next::Idle };
                        return Poll::Ready(late);
                    }
                }
            }
        })
        .await
    }

    async fn exchange(&mut self, head: RequestHead) -> Flow {
        let RequestHead { parts, framing, keep_alive, expects_continue } = head;
        let settings = &self.core.shared().settings;
        self.served = self.served.saturating_add(1);
        let last = settings.max_requests_per_connection;
        let keep_alive = keep_alive && (last == 0 || self.served < last);
        let (method, version) = (parts.method.clone(), parts.version);

        let mut loan = None;
        let body = if framing.is_empty() {
            RequestBody::empty()
        } else if let Some(reader) = self.reader.take() {
            let (body, lent) = H1Body::new(reader, framing, expects_continue, &self.watch, settings);
            loan = Some(lent);
            RequestBody::h1(body)
        } else {
            return Flow::Cut;
        };
        let _in_flight = self.core.metrics.enter();
        let live = self.core.live();
        let answer = {
            let (core, watch) = (self.core, Arc::clone(&self.watch));
            let mut answer = pin!(proxy::answer(core, &live, self.connection, parts, body, &watch));
            let mut at_once = loan.is_none();
            let answer = poll_fn(|cx| match answer.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                // Most answers come at once; whether the client is still there is looked at a tick later.
                Poll::Pending if std::mem::take(&mut at_once) => {
                    self.watch.arm(Side::Client, TICK);
                    self.watch.register(cx);
                    Poll::Pending
                }
                Poll::Pending => {
                    if loan.is_none() {
                        // Noticed: it shall not wake us with every tick from now on.
                        self.watch.disarm(Side::Client);
                    }
                    self.poll_client(loan.as_deref(), cx).map(|()| None)
                }
            })
            .await;
            self.watch.disarm(Side::Client);
            answer
        };
        let Some(answer) = answer else { return Flow::Cut };
        let keep_alive = keep_alive && !loan.as_deref().is_some_and(Loan::is_abandoned);
        let flow = self.send(answer, &method, version, keep_alive, loan.as_deref()).await;
        // The body goes with the answer's; what was lent is back now.
        let complete = match loan.and_then(|loan| loan.take()) {
            Some(returned) => {
                let complete = returned.is_complete();
                self.reader = Some(returned.reader);
                complete
            }
            None => self.reader.is_some(),
        };
        if complete || flow == Flow::Cut { flow } else { Flow::Linger }
    }

    /// While the answer is being made: sends `100 Continue` when it is asked for. Ready when the client
    /// has gone. Reads at most one head ahead.
    fn poll_client(&mut self, loan: Option<&Loan>, cx: &mut Context<'_>) -> Poll<()> {
        if loan.is_some_and(Loan::take_wants_continue) {
            self.writer.out().extend_from_slice(write::CONTINUE);
        }
        if self.writer.pending() > 0 && matches!(self.writer.poll_flush(cx, &mut false), Poll::Ready(Err(_)))
        {
            return Poll::Ready(());
        }
        let Some(reader) = &mut self.reader else { return Poll::Pending };
        while reader.buffer.len() < READ_AHEAD {
            if let Ok(0) | Err(_) = ready!(reader.poll_fill(cx)) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    async fn send(
        &mut self,
        answer: Answer,
        method: &Method,
        version: Version,
        keep_alive: bool,
        loan: Option<&Loan>,
    ) -> Flow {
        let Answer { mut head, body, tunnel } = answer;
        if let Some(tunnel) = tunnel {
            write::switching_protocols(self.writer.out(), &head.headers);
            if let Some(reader) = &mut self.reader {
                tunnel::run(reader, &mut self.writer, *tunnel, &self.watch).await;
            }
            return Flow::Cut;
        }
        let closing = head.headers.get(header::CONNECTION).is_some_and(|value| value == "close");
        let length = body.size_hint().exact();
        let framing = if head::has_no_body(method, head.status) {
            if *method == Method::HEAD && !head.headers.contains_key(header::CONTENT_LENGTH) && body.is_own()
            {
                head.headers.extend(length.map(|length| (header::CONTENT_LENGTH, HeaderValue::from(length))));
            }
            None
        } else {
            Some(match length {
                Some(length) => Framing::Length(length),
                None if version == Version::HTTP_11 => Framing::Chunked,
                None => Framing::UntilClose,
            })
        };
        let keep_alive = keep_alive
            && !closing
            && framing != Some(Framing::UntilClose)
            && !self.core.shared().is_draining();
        self.core.metrics.answered(head.status);
        let manner = Manner { version, framing, keep_alive };
        self.core.with_date(|date| write::response(self.writer.out(), &head, manner, Some(date)));
        drop(head);
        let sent = match framing {
            None => self.flush().await,
            Some(framing) => self.send_body(body, framing, loan).await,
        };
        match sent {
            Err(Gone) => Flow::Cut,
            Ok(()) if keep_alive => Flow::Next,
            Ok(()) if closing => Flow::Linger,
            Ok(()) => Flow::Close,
        }
    }

    async fn send_body(
        &mut self,
        body: AnswerBody,
        framing: Framing,
        loan: Option<&Loan>,
    ) -> Result<(), Gone> {
        let mut body = pin!(body);
        let mut left = match framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::UntilClose => None,
        };
        let mut done = left == Some(0);
        let mut patience = Patience::new(&self.core.shared().settings);
        poll_fn(|cx| {
            loop {
                let mut waits = false;
                while !done && !waits && self.writer.pending() < SEND_AHEAD {
                    match body.as_mut().poll_frame(cx) {
                        Poll::Pending => waits = true,
                        Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Gone)),
                        Poll::Ready(Some(Ok(frame))) => {
                            let data = frame.into_data().unwrap_or_default();
                            if framing == Framing::Chunked {
                                write::chunk(self.writer.out(), &data);
                            } else {
                                self.writer.out().extend_from_slice(&data);
                            }
                            if let Some(left) = &mut left {
                                *left = left.checked_sub(data.len() as u64).ok_or(Gone)?;
                            }
                        }
                        Poll::Ready(None) => {
                            if left.is_some_and(|left| left > 0) {
                                return Poll::Ready(Err(Gone));
                            }
                            if framing == Framing::Chunked {
                                self.writer.out().extend_from_slice(write::LAST_CHUNK);
                            }
                            done = true;
                        }
                    }
                    // The last byte of a counted body is its end: do not wait for the word.
                    done |= left == Some(0);
                }
                ready!(self.poll_flush(&mut patience, cx))?;
                if done {
                    return Poll::Ready(Ok(()));
                }
                if waits {
                    return self.poll_client(loan, cx).map(|()| Err(Gone));
                }
            }
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        let mut patience = Patience::new(&self.core.shared().settings);
        poll_fn(|cx| self.poll_flush(&mut patience, cx)).await
    }

    /// Sends what is written; an error when the client is gone or reads too slowly.
    fn poll_flush(&mut self, patience: &mut Patience, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let before = self.writer.pending();
        let mut moved = false;
        let flushed = self.writer.poll_flush(cx, &mut moved);
        if moved {
            let sent = before.saturating_sub(self.writer.pending());
            patience.moved(sent, self.watch.registry().now());
        }
        match flushed {
            Poll::Ready(Ok(())) => {
                self.watch.disarm(Side::Client);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(_)) => Poll::Ready(Err(Gone)),
            Poll::Pending => {
                patience.wait(&self.watch);
                self.watch.poll_expired(Side::Client, cx).map(|()| Err(Gone))
            }
        }
    }

    /// Answers what never became a request; always the end of the connection.
    async fn refuse(&mut self, denial: Denial) -> Flow {
        let answer: Response<Bytes> = self.core.live().pipeline.refuse_connection(self.connection, denial);
        let answer = Answer::own(answer);
        match self.send(answer, &Method::GET, Version::HTTP_11, false, None).await {
            Flow::Cut => Flow::Cut,
            _ => Flow::Linger,
        }
    }

    async fn close(&mut self) {
        let _ = poll_fn(|cx| self.writer.poll_shutdown(cx)).await;
    }

    /// Ends our direction, then drops what still arrives for a moment, so that the kernel does not
    /// answer it with a reset that destroys the answer on its way (RFC 9112 section 9.6).
    async fn linger(&mut self) {
        self.close().await;
        let Some(reader) = &mut self.reader else { return };
        self.watch.arm(Side::Client, LINGER);
        let mut dropped: usize = 0;
        poll_fn(|cx| {
            loop {
                reader.buffer.clear();
                match reader.poll_fill(cx) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Ready(Ok(count)) => {
                        dropped = dropped.saturating_add(count);
                        if dropped > LINGER_BYTES {
                            return Poll::Ready(());
                        }
                    }
                    Poll::Pending => return self.watch.poll_expired(Side::Client, cx),
                }
            }
        })
        .await;
    }
}

/// The client is gone, or must be.
#[derive(Debug)]
struct Gone;

fn malformed(fault: HeadFault) -> Denial {
    let plain = Denial::malformed_request(fault.to_string());
    match fault.status() {
        http::StatusCode::BAD_REQUEST => plain,
        status => Denial::new(ControlId::INPUT_LIMITS, status, plain.public, plain.detail).closing(),
    }
}

/// How long a connection without a request still counts as busy.
const BUSY: Duration = Duration::from_secs(1);
/// Bytes of later requests read while one is in flight.
const READ_AHEAD: usize = 16 * 1024;
/// Bytes of an answer held before the client must take some.
const SEND_AHEAD: usize = 64 * 1024;
/// How long and how much a closing connection is still read.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1 << 20;
