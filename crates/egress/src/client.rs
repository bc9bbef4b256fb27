//! The client itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gabion_model::outbound::{BoxFuture, Fetch, FetchError, FetchMethod, FetchRequest, FetchResponse};
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, HOST, LOCATION, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::connect::{Dial, Stream, TcpDial};
use crate::guard::Guard;
use crate::resolve::{Resolve, SystemResolver};
use crate::settings::EgressSettings;
use crate::target::{Host, Refusal, Scheme, Target};
use crate::tls::{self, TlsError};

/// Fetches what a [`Guard`] lets it reach.
#[derive(Debug, Clone)]
pub struct Client {
    guard: Guard,
    resolver: Arc<dyn Resolve>,
    dial: Arc<dyn Dial>,
    tls: Arc<ClientConfig>,
    longest: Duration,
}

/// A judged target and the addresses of it that may be dialled.
pub(crate) type Admitted = (Target, Vec<SocketAddr>);

impl Client {
    /// With the machine's resolver.
    ///
    /// # Errors
    /// When the file of authorities cannot be used.
    pub fn new(settings: &EgressSettings) -> Result<Self, TlsError> {
        let (resolver, dial) = (Arc::new(SystemResolver), Arc::new(TcpDial));
        let tls = tls::config(settings.ca_file.as_deref())?;
        Ok(Self { guard: settings.guard(), resolver, dial, tls, longest: settings.timeout.as_duration() })
    }

    /// The same with another guard, resolver and dialler.
    #[must_use]
    pub fn with(self, guard: Guard, resolver: Arc<dyn Resolve>, dial: Arc<dyn Dial>) -> Self {
        Self { guard, resolver, dial, ..self }
    }

    /// Whether an address may be reached, resolved as a request would; nothing is sent.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self, url: &str) -> Result<(), FetchError> {
        self.admit(url).await.map(|_| ())
    }

    /// A connection to whom an `https` address names, for a protocol that is not HTTP: judged and secured as a request's is,
    /// without saying that HTTP would be spoken (ALPN). How long it may take is the caller's to bound.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn open(&self, url: &str) -> Result<Box<dyn Stream>, FetchError> {
        let (target, addresses) = self.admit(url).await?;
        if target.scheme != Scheme::Https {
            return Err(Refusal::Scheme.into());
        }
        let mut tls = ClientConfig::clone(&self.tls);
        tls.alpn_protocols.clear();
        let silent = Self { tls: Arc::new(tls), ..self.clone() };
        silent.connect(&target, &addresses).await
    }

    pub(crate) async fn admit(&self, url: &str) -> Result<Admitted, FetchError> {
        let target = self.guard.judge(url)?;
        let addresses: Vec<IpAddr> = match &target.authority.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let absolute = !self.guard.exempts(&target.authority);
                let found = self.resolver.resolve(name, absolute).await;
                found.map_err(|error| FetchError::Unreachable(error.to_string()))?
            }
        };
        if addresses.is_empty() {
            return Err(FetchError::Unreachable("its name has no address".to_owned()));
        }
        self.guard.judge_addresses(&target.authority, &addresses)?;
        let port = target.authority.port;
        let addresses = addresses.into_iter().take(MOST_DIALLED).map(|ip| SocketAddr::new(ip, port));
        Ok((target, addresses.collect()))
    }

    async fn run(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let fields = fields(&request.headers)?;
        let mut url = request.url.clone();
        let mut former: Option<Target> = None;
        let mut left = request.redirects;
        loop {
            let (target, addresses) = self.admit(&url).await?;
            let same_origin = former
                .as_ref()
                .is_none_or(|former| former.scheme == target.scheme && former.authority == target.authority);
            if former.is_some_and(|former| former.scheme == Scheme::Https) && target.scheme == Scheme::Http {
                return Err(Refusal::Downgrade.into());
            }
            let own: &[_] = if same_origin { &fields } else { &[] };
            let stream = self.connect(&target, &addresses).await?;
            let (answer, driver) = send(stream, &target, &request, own).await?;
            let location = answer.headers().get(LOCATION).filter(|_| is_redirect(answer.status().as_u16()));
            let Some(location) = location.filter(|_| request.redirects > 0) else {
                let read = read(answer, request.largest).await;
                drop(driver);
                return read;
            };
            if request.method == FetchMethod::Post {
                return Err(Refusal::RedirectedBody.into());
            }
            left = left.checked_sub(1).ok_or(Refusal::TooManyRedirects)?;
            let location = location.to_str().map_err(|_| Refusal::ControlOrSpace)?;
            url = target.redirected(location)?;
            former = Some(target);
        }
    }

    /// The first address that answers.
    pub(crate) async fn connect(
        &self,
        target: &Target,
        addresses: &[SocketAddr],
    ) -> Result<Box<dyn Stream>, FetchError> {
        let mut failed = None;
        for address in addresses {
            match self.dial.dial(*address).await {
                Ok(stream) if target.scheme == Scheme::Http => return Ok(stream),
                Ok(stream) => return self.secure(target, stream).await,
                Err(error) => failed = Some(error),
            }
        }
        let reason = failed.map_or_else(|| "no address".to_owned(), |error| error.to_string());
        Err(FetchError::Unreachable(format!("`{}`: {reason}", target.authority)))
    }

    async fn secure(&self, target: &Target, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, FetchError> {
        let name = match &target.authority.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Refusal::BadName)?,
        };
        let secured = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        let secured =
            secured.map_err(|error| FetchError::Unreachable(format!("`{}`: {error}", target.authority)))?;
        Ok(Box::new(secured))
    }
}

impl Fetch for Client {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        let deadline = request.deadline.min(self.longest);
        Box::pin(async move {
            match tokio::time::timeout(deadline, self.run(request)).await {
                Ok(fetched) => fetched,
                Err(_) => Err(FetchError::TimedOut),
            }
        })
    }
}

/// The task that moves a connection's bytes; it ends with the request.
#[derive(Debug)]
pub(crate) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the caller sends for the first origin.
pub(crate) fn fields(
    given: &[(String, gabion_model::Secret<String>)],
) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    let field = |(name, value): &(String, gabion_model::Secret<String>)| {
        let refused = || Refusal::Field(name.clone());
        if OURS.contains(&name.as_str()) {
            return Err(refused());
        }
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| refused())?;
        value.set_sensitive(true);
        Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?, value))
    };
    given.iter().map(field).collect()
}

async fn send(
    stream: Box<dyn Stream>,
    target: &Target,
    request: &FetchRequest,
    fields: &[(HeaderName, HeaderValue)],
) -> Result<(Response<Incoming>, Driver), FetchError> {
    let (method, body) = match request.method {
        FetchMethod::Get => (Method::GET, Bytes::new()),
        FetchMethod::Post => (Method::POST, Bytes::copy_from_slice(request.body.expose())),
    };
    exchange(stream, target, method, Full::new(body), fields).await
}

/// Sends one request over a connection of its own; the head of the answer.
pub(crate) async fn exchange<B>(
    stream: Box<dyn Stream>,
    target: &Target,
    method: Method,
    body: B,
    fields: &[(HeaderName, HeaderValue)],
) -> Result<(Response<Incoming>, Driver), FetchError>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut outgoing = Request::new(body);
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = target.path.parse().map_err(|_| Refusal::Malformed("its path cannot be sent"))?;
    let headers = outgoing.headers_mut();
    headers.extend(fields.iter().cloned());
    headers.insert(HOST, HeaderValue::from_str(&target.host()).map_err(|_| Refusal::BadName)?);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(USER_AGENT, HeaderValue::from_static("gabion"));

    let broken = |error: hyper::Error| FetchError::Unreachable(format!("`{}`: {error}", target.authority));
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(LARGEST_HEAD).max_headers(MOST_FIELDS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driver = Driver(tokio::spawn(async move {
        let _ = connection.await;
    }));
    let answer = sender.send_request(outgoing).await.map_err(broken)?;
    Ok((answer, driver))
}

/// The answer, whole or not at all.
async fn read(answer: Response<Incoming>, largest: usize) -> Result<FetchResponse, FetchError> {
    let (head, mut body) = answer.into_parts();
    if let Some(encoding) = head.headers.get(CONTENT_ENCODING).filter(|value| *value != "identity") {
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).chars().take(20).collect::<String>();
        return Err(FetchError::Unreachable(format!("the answer is packed as `{encoding}`, unasked")));
    }
    if usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX) > largest {
        return Err(FetchError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchError::Unreachable(error.to_string()))?;
        if let Some(data) = frame.data_ref() {
            if data.len() > largest.saturating_sub(bytes.len()) {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(data);
        }
    }
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = head.headers.iter().filter_map(field).collect();
    Ok(FetchResponse { status: head.status.as_u16(), headers, body: bytes })
}

const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

impl From<Refusal> for FetchError {
    fn from(refusal: Refusal) -> Self {
        Self::Forbidden(refusal.to_string())
    }
}

/// What the client says itself.
const OURS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
const LARGEST_HEAD: usize = 32 * 1024;
const MOST_FIELDS: usize = 100;
/// A name with many dead addresses must not use up the time.
const MOST_DIALLED: usize = 4;
