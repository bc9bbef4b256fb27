//! Requests whose body or answer is too large to be held: sent and read in pieces. Judged like any other; a redirect is an
//! answer like any other and is not followed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gabion_model::Secret;
use gabion_model::outbound::{FetchError, FetchResponse};
use http::{HeaderName, Method, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::{Client, Driver, exchange, fields};

/// One request.
#[derive(Debug)]
pub struct TransferRequest {
    pub method: TransferMethod,
    /// As it was given, before any parsing.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, Secret<String>)>,
    pub body: Option<Pieces>,
    /// The longest silence between two pieces of the answer.
    pub silence: Duration,
    /// For everything together: name, connection, both bodies.
    pub deadline: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferMethod {
    Get,
    Put,
}

/// A body that is made while it is sent.
#[derive(Debug)]
pub struct Pieces {
    /// Bytes of all of them. More or fewer end the request.
    pub length: u64,
    /// An error ends the request.
    pub pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
}

/// An answer whose body comes in pieces.
#[derive(Debug)]
pub struct Transfer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    body: Incoming,
    silence: Duration,
    until: Instant,
    _driver: Driver,
}

impl Client {
    /// Sends the request and waits for the head of the answer.
    ///
    /// # Errors
    /// When nobody may be or can be reached, or not in time.
    pub async fn transfer(&self, request: TransferRequest) -> Result<Transfer, FetchError> {
        let until = Instant::now() + request.deadline;
        let sent = timeout_at(until, self.exchanged(request, until)).await;
        sent.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn exchanged(&self, request: TransferRequest, until: Instant) -> Result<Transfer, FetchError> {
        let TransferRequest { method, url, headers, body, silence, .. } = request;
        let fields = fields(&headers)?;
        let (target, addresses) = self.admit(&url).await?;
        let stream = self.connect(&target, &addresses).await?;
        let method = match method {
            TransferMethod::Get => Method::GET,
            TransferMethod::Put => Method::PUT,
        };
        let (answer, driver) = exchange(stream, &target, method, Sent(body), &fields).await?;
        Ok(Transfer::new(answer, driver, silence, until))
    }
}

impl Transfer {
    fn new(answer: Response<Incoming>, driver: Driver, silence: Duration, until: Instant) -> Self {
        let (head, body) = answer.into_parts();
        let field = |(name, value): (&HeaderName, &http::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = head.headers.iter().filter_map(field).collect();
        Self { status: head.status.as_u16(), headers, body, silence, until, _driver: driver }
    }

    /// The next piece; none behind the last.
    ///
    /// # Errors
    /// When the answer stops before its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let frame = timeout(self.silence, timeout_at(self.until, self.body.frame())).await;
            let Ok(Ok(frame)) = frame else { return Err(FetchError::TimedOut) };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| FetchError::Unreachable(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    /// The whole answer, of at most so many bytes.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`] among others.
    pub async fn whole(mut self, largest: usize) -> Result<FetchResponse, FetchError> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            if piece.len() > largest.saturating_sub(body.len()) {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        Ok(FetchResponse { status: self.status, headers: self.headers, body })
    }
}

struct Sent(Option<Pieces>);

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        if body.length == 0 {
            return Poll::Ready(None);
        }
        let piece = match body.pieces.poll_recv(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Some(piece)) => piece,
        };
        let piece = piece.and_then(|piece| match body.length.checked_sub(piece.len() as u64) {
            Some(left) => {
                body.length = left;
                Ok(Frame::data(Bytes::from(piece)))
            }
            None => Err(io::Error::other("more than was announced")),
        });
        Poll::Ready(Some(piece))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|body| body.length == 0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |body| body.length))
    }
}
