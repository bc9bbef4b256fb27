//! Reaching the applications: who they are, connections to them, and one request at a time on each.

pub(crate) mod antivirus;
mod connect;
mod exchange;
pub(crate) mod health;
mod http2;
mod pool;

use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use gabion_checks::Denial;
use http::{Method, request, response};
use http_body::Body;
use rustls::pki_types::ServerName;
use tokio::time::Instant;

pub(crate) use exchange::UpstreamBody;
pub(crate) use pool::{Pool, Wire};

use crate::body::{BodyError, RequestBody};
use crate::gate::StartError;
use crate::h1::framing::Framing;
use crate::metrics::CoreMetrics;
use crate::proxy::AnswerBody;
use crate::settings::Upstream;
use crate::tls;
use crate::watch::{Side, Watched};
use exchange::Exchange;
use health::Health;

/// Scheme, host and port of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// One application, as long as its settings stay the same.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: Arc<str>,
    pub(crate) settings: Upstream,
    pub(crate) origin: Origin,
    pub(crate) tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    pub(crate) health: Health,
}

/// An answer's head and what will be its body.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) head: response::Parts,
    pub(crate) body: AnswerBody,
    /// The connection, after a 101 to an admitted handshake.
    pub(crate) tunnel: Option<Box<Wire>>,
    /// How long it took to connect, where that had to be.
    pub(crate) connect: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// The request's own body failed first.
    #[error(transparent)]
    Client(BodyError),
    /// It closed the connection before a whole answer.
    #[error("closed the connection before it answered")]
    Closed,
    #[error("sent a malformed answer: {0}")]
    Malformed(String),
    #[error("took too long")]
    Timeout,
    #[error("cannot be reached: {0}")]
    Unreachable(String),
}

/// Sends a request and waits for the head of the answer.
pub(crate) async fn send(
    pool: &Arc<Pool>,
    head: request::Parts,
    body: RequestBody,
    upgrade: bool,
    watch: &Watched,
    metrics: &CoreMetrics,
) -> Result<Sent, UpstreamError> {
    let start = Instant::now();
    let sent = if pool.target().settings.http2 && !upgrade {
        // Boxed: its state would be part of every connection's.
        Box::pin(http2::send(pool, head, body, metrics)).await
    } else {
        send_h1(pool, &head, body, upgrade, watch, metrics).await
    };
    match &sent {
        Ok(_) => metrics.upstream.observe(start.elapsed()),
        Err(UpstreamError::Client(_)) => {}
        Err(UpstreamError::Unreachable(_)) => metrics.upstream_unreachable.add(1),
        Err(UpstreamError::Timeout) => metrics.upstream_timeout.add(1),
        Err(UpstreamError::Closed | UpstreamError::Malformed(_)) => metrics.upstream_malformed.add(1),
    }
    sent
}

async fn send_h1(
    pool: &Arc<Pool>,
    head: &request::Parts,
    body: RequestBody,
    upgrade: bool,
    watch: &Watched,
    metrics: &CoreMetrics,
) -> Result<Sent, UpstreamError> {
    let may_repeat = body.is_empty() && head.method.is_idempotent();
    let framing = framing(&head.method, &body);
    let start = Instant::now();
    let (wire, mut reused) = match pool.take() {
        Some(wire) => (wire, true),
        None => (connect::connect(pool.target(), metrics).await?, false),
    };
    let connect = (!reused).then(|| start.elapsed());
    let mut exchange = Exchange::new(wire, head, body, framing, upgrade);
    let answer = loop {
        let answer = wait(&mut exchange, pool, watch).await;
        match answer {
            // The upstream closed an idle connection just when we used it. Nothing was answered, so a
            // request that may be repeated is, once, on a connection that cannot be stale.
            Err(UpstreamError::Closed) if reused && may_repeat && !exchange.has_received() => {
                reused = false;
                let wire = connect::connect(pool.target(), metrics).await?;
                exchange = Exchange::new(wire, head, RequestBody::empty(), framing, upgrade);
            }
            answer => break answer?,
        }
    };
    Ok(Sent { connect, ..exchange.into_sent(answer, pool, upgrade)? })
}

/// Sends and receives until the head of the answer is there, or nothing has moved for too long.
async fn wait(
    exchange: &mut Exchange,
    pool: &Pool,
    watch: &Watched,
) -> Result<crate::h1::head::ResponseHead, UpstreamError> {
    let settings = &pool.target().settings;
    let (limit, period) = (settings.max_head.bytes(), settings.response_timeout.as_duration());
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    watch.arm(Side::Upstream, period);
    let answer = poll_fn(|cx| match exchange.poll_head(cx, limit) {
        Poll::Ready(answer) => Poll::Ready(answer),
        Poll::Pending => {
            if exchange.take_moved() {
                watch.arm(Side::Upstream, period);
            }
            watch.poll_expired(Side::Upstream, cx).map(|()| Err(UpstreamError::Timeout))
        }
    })
    .await;
    watch.disarm(Side::Upstream);
    answer
}

/// How the body is framed for the upstream. `None` where no length is stated: no body, and a method
/// that usually has none.
fn framing(method: &Method, body: &RequestBody) -> Option<Framing> {
    match body.size_hint().exact() {
        Some(0) if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) => None,
        Some(length) => Some(Framing::Length(length)),
        None => Some(Framing::Chunked),
    }
}

impl UpstreamError {
    /// What the client is told.
    pub(crate) fn denial(&self) -> Denial {
        let mut denial = match self {
            Self::Client(BodyError::TooLarge) => return Denial::body_too_large(),
            Self::Client(BodyError::TooSlow) => return Denial::request_timeout(),
            Self::Client(BodyError::Refused(denial)) => return (**denial).clone(),
            Self::Client(error) => return Denial::malformed_request(error.to_string()),
            Self::Closed | Self::Malformed(_) => Denial::upstream_malformed(),
            Self::Timeout => Denial::upstream_timeout(),
            Self::Unreachable(_) => Denial::upstream_unreachable(),
        };
        denial.detail = format!("upstream {self}").into();
        denial
    }
}

impl Target {
    pub(crate) fn new(name: &Arc<str>, settings: &Upstream) -> Result<Self, StartError> {
        let failed = |reason: String| StartError::Upstream { name: name.to_string(), reason };
        let origin = Origin::parse(&settings.url).map_err(failed)?;
        let tls = if origin.tls {
            let shown = settings.server_name.as_ref().unwrap_or(&origin.host).clone();
            let shown = ServerName::try_from(shown).map_err(|cause| failed(cause.to_string()))?;
            Some((tls::client(settings).map_err(|cause| failed(cause.to_string()))?, shown))
        } else {
            None
        };
        Ok(Self {
            name: Arc::clone(name),
            settings: settings.clone(),
            origin,
            tls,
            health: Health::default(),
        })
    }

    /// Is it the same application, reached the same way?
    pub(crate) fn is(&self, name: &str, settings: &Upstream) -> bool {
        *self.name == *name && self.settings == *settings
    }
}

impl Origin {
    /// Reads `http://host:port` or `https://host:port`, with nothing else in it.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let wrong = |reason: &str| Err(format!("`{url}` {reason}"));
        let Ok(uri) = url.parse::<http::Uri>() else { return wrong("is not a URL") };
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return wrong("is neither `http://` nor `https://`"),
        };
        let Some(authority) = uri.authority() else { return wrong("has no host") };
        if authority.as_str().contains('@') {
            return wrong("holds a user name");
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || url.contains('#') {
            return wrong("has a path");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return wrong("has no host");
        }
        Ok(Self { tls, host, port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }) })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse() {
            Ok(IpAddr::V6(address)) => write!(formatter, "[{address}]:{}", self.port),
            _ => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_only() {
        let origin = |url| Origin::parse(url).map(|origin| (origin.tls, origin.to_string()));
        assert_eq!(origin("http://127.0.0.1:3000"), Ok((false, "127.0.0.1:3000".into())));
        assert_eq!(origin("http://app/"), Ok((false, "app:80".into())));
        assert_eq!(origin("https://[::1]"), Ok((true, "[::1]:443".into())));
        for wrong in
            ["", "app:3000", "ftp://app", "http://", "http://u@app", "http://app/x", "http://app?x", "/x"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
