//! What the gate knows about one request while it lives.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use gabion_identity::{Credential, CredentialKind, Session};
use gabion_model::{AccountId, Actor, ControlId, Principal, RequestId, TenantId, Timestamp};
use gabion_respond::{Shield, Standing as Held, Turn};
use gabion_vault::x509::PeerCertificate;
use http::header::{ACCEPT, ORIGIN, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, request};
use smallvec::SmallVec;

use crate::check::{Mode, Passage, Stop, Wants};
use crate::contract::Position;
use crate::denial::Denial;
use crate::forward_auth::Dialect;
use crate::learn::Lesson;
use crate::limits::Framing;
use crate::policy::{Decided, Resolved};
use crate::rate::Standing;
use crate::route::RouteIndex;

/// The connection a request came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    pub peer: SocketAddr,
    pub local: SocketAddr,
    /// The connection itself is TLS.
    pub secure: bool,
}

/// Facts about a request, gathered by the checks in their order. Made and filled by the pipeline only.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) connection: Connection,
    pub(crate) now: Timestamp,
    pub(crate) client: IpAddr,
    pub(crate) secure: bool,
    /// The peer is a trusted proxy.
    pub(crate) trusted_peer: bool,
    pub(crate) request_id: RequestId,
    pub(crate) request_id_value: HeaderValue,
    pub(crate) method: Method,
    /// The judged host, as it goes to the upstream.
    pub(crate) host: Option<HeaderValue>,
    /// The target as the client sent it until `normalise` replaces it by the judged form.
    pub(crate) target: Option<PathAndQuery>,
    pub(crate) origin: Option<HeaderValue>,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) audience: Audience,
    pub(crate) route: Option<RouteIndex>,
    /// The path is declared, but not with this method.
    pub(crate) other_methods: Option<HeaderValue>,
    pub(crate) session: Option<Arc<Session>>,
    /// What a program showed instead of a session.
    pub(crate) credential: Option<Arc<Credential>>,
    /// The client's, from the handshake or from a trusted proxy.
    pub(crate) certificate: Option<Arc<PeerCertificate>>,
    /// The credential counts only beside the certificate.
    pub(crate) bound_to_certificate: bool,
    /// A proxy asks in the client's place.
    pub(crate) asked_by: Option<Dialect>,
    pub(crate) framing: Framing,
    pub(crate) body_limit: u64,
    pub(crate) upgrade: bool,
    pub(crate) standing: Option<Standing>,
    /// What observing checks would have refused.
    pub(crate) observed: SmallVec<[(&'static str, Denial); 0]>,
    pub(crate) refusal: Option<(&'static str, Denial)>,
    /// Which steps want to see the answer's body, one bit each.
    pub(crate) looking: u64,
    /// What a resolver found out about the object.
    pub(crate) resolved: Option<Resolved>,
    /// What policies decided.
    pub(crate) decided: Option<Decided>,
    /// What policies take out of the answer.
    pub(crate) masks: Arc<[Arc<str>]>,
    /// What was read of the request's body.
    pub(crate) body: RequestBody,
    /// What judges the request's body while it passes.
    pub(crate) passage: Option<Box<dyn Passage>>,
    /// Which check set it, and how seriously that is meant.
    pub(crate) passage_by: Option<(&'static str, Mode)>,
    /// The application is asked for an answer that can be read.
    pub(crate) plain_answer: bool,
    /// The answer shall carry the CSRF token.
    pub(crate) token_wanted: bool,
    /// Where the request stands in the application's contract.
    pub(crate) contract: Option<Position>,
    /// What of the request is learned from when the answer comes.
    pub(crate) lesson: Option<Box<Lesson>>,
    /// A signed message of a webhook that is being answered.
    pub(crate) delivery: Option<[u8; 32]>,
    /// What ends a stream before its time.
    pub(crate) shield: Option<Arc<Shield>>,
    /// What the request waits with while it is slowed down.
    pub(crate) turn: Option<Turn>,
}

/// What was read of a request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestBody {
    Unread,
    Whole(Bytes),
    /// There is more than so many bytes.
    Cut(usize),
}

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A browser that will show it as a page.
    Navigation,
    /// A script, an application, an API client.
    Program,
}

/// Who calls a page of the gate itself; in the request's extensions for `Destination::Local`.
#[derive(Debug, Clone)]
pub struct Caller {
    pub client: IpAddr,
    pub request_id: RequestId,
    pub session: Option<Arc<Session>>,
    /// What a program showed instead of a session: an API key, a token, a certificate. Never beside one.
    pub credential: Option<Arc<Credential>>,
    /// The client's certificate, verified in the handshake or by a trusted proxy. Says nothing about whose it is.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// The client reached the gate, or the trusted proxy before it, over TLS.
    pub secure: bool,
    /// The judged `Host`.
    pub host: String,
    /// Scheme and host as the client sees them, for instance `https://app.example`.
    pub origin: String,
}

impl Exchange {
    pub(crate) fn new(connection: Connection, now: Timestamp, id: RequestId, head: &request::Parts) -> Self {
        Self {
            connection,
            now,
            client: connection.peer.ip().to_canonical(),
            secure: connection.secure,
            trusted_peer: false,
            request_id: id,
            request_id_value: HeaderValue::from_static(""),
            method: head.method.clone(),
            host: None,
            target: head.uri.path_and_query().cloned(),
            origin: head.headers.get(ORIGIN).cloned(),
            user_agent: head.headers.get(USER_AGENT).cloned(),
            audience: Audience::of(&head.method, &head.headers),
            route: None,
            other_methods: None,
            session: None,
            credential: None,
            certificate: head.extensions.get().cloned(),
            bound_to_certificate: false,
            asked_by: None,
            framing: Framing::Implicit,
            body_limit: 0,
            upgrade: false,
            standing: None,
            observed: SmallVec::new(),
            refusal: None,
            looking: 0,
            resolved: None,
            decided: None,
            masks: Arc::default(),
            body: RequestBody::Unread,
            passage: None,
            passage_by: None,
            plain_answer: false,
            token_wanted: false,
            contract: None,
            lesson: None,
            delivery: None,
            shield: None,
            turn: None,
        }
    }

    #[must_use]
    pub fn connection(&self) -> Connection {
        self.connection
    }

    /// When the request arrived.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The client's address, behind trusted proxies.
    #[must_use]
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// The client speaks TLS to the gate or to the trusted proxy before it.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.secure
    }

    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// The host that was asked for, as it was judged; empty where there is none.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.host_str()
    }

    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_ref()?.to_str().ok()
    }

    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path without its query; `*` or empty where there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.as_ref().map_or("", PathAndQuery::path)
    }

    /// Who is signed in; the stream of a live answer ends when the session does.
    #[must_use]
    pub fn session(&self) -> Option<&Arc<Session>> {
        self.session.as_ref()
    }

    /// The credential of a program; the stream of a live answer ends when it does.
    #[must_use]
    pub fn credential(&self) -> Option<&Arc<Credential>> {
        self.credential.as_ref()
    }

    /// What a live answer ends with.
    #[must_use]
    pub fn life(&self) -> Option<Life> {
        let life = self.authorized_by();
        let Some(shield) = &self.shield else { return life };
        let (shield, address, since) = (Arc::clone(shield), self.client, self.now);
        Some(Life::Guarded { shield, address, since, life: life.map(Box::new) })
    }

    fn authorized_by(&self) -> Option<Life> {
        if let Some(session) = &self.session {
            return Some(Life::Session(Arc::clone(session)));
        }
        let credential = Arc::clone(self.credential.as_ref()?);
        let leans = self.bound_to_certificate || credential.kind == CredentialKind::Certificate;
        let certificate = self.certificate.as_ref().filter(|_| leans);
        // The last second is a good one.
        let latest = certificate.map_or(NEVER, |one| one.not_after.saturating_add(SECOND));
        Some(Life::Credential { credential, latest })
    }

    /// The client's certificate.
    #[must_use]
    pub fn certificate(&self) -> Option<&Arc<PeerCertificate>> {
        self.certificate.as_ref()
    }

    /// Whose request it is, by a session or by a program's credential.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        let session = self.session.as_ref().map(|session| &session.principal);
        session.or_else(|| self.credential.as_ref().map(|credential| &credential.principal))
    }

    /// Whose tenant's record what happens is.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.principal().and_then(|principal| principal.tenant.told())
    }

    /// Who acts, as events name them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.principal().map_or(Actor::Anonymous, |principal| Actor::Account {
            id: principal.account.clone(),
            name: principal.name.to_string(),
            session: self.session.as_ref().map(|session| session.id.clone()),
        })
    }

    /// An admitted WebSocket handshake: the gateway passes both directions through after a 101.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.upgrade
    }

    /// The control and status of the refusal, once there is one.
    #[must_use]
    pub fn refused_by(&self) -> Option<(ControlId, StatusCode)> {
        self.refusal.as_ref().map(|(_, denial)| (denial.control, denial.status))
    }

    /// The whole body of the request, once it was read; until then the check is asked again.
    ///
    /// # Errors
    /// That it is longer than `limit`, as a refusal.
    pub fn whole_body(&self, limit: usize) -> Result<Bytes, Stop> {
        match &self.body {
            RequestBody::Whole(bytes) if bytes.len() <= limit => Ok(bytes.clone()),
            RequestBody::Cut(read) if *read < limit => Err(Wants::Body { limit }.into()),
            RequestBody::Unread => Err(Wants::Body { limit }.into()),
            RequestBody::Whole(_) | RequestBody::Cut(_) => Err(Denial::body_too_large().into()),
        }
    }

    /// Sends this to the application instead of the body that came. Only after [`whole_body`](Self::whole_body).
    pub fn replace_body(&mut self, bytes: Bytes) {
        self.body = RequestBody::Whole(bytes);
    }

    /// Lets the body be judged while it passes.
    ///
    /// # Errors
    /// That another check does so already, as a refusal.
    pub fn watch_body(&mut self, passage: Box<dyn Passage>) -> Result<(), Stop> {
        if self.passage.is_some() {
            return Err(Denial::internal("two checks want to watch one body").into());
        }
        self.passage = Some(passage);
        Ok(())
    }

    /// Asks the application for an answer without a content coding, so that its body can be read.
    pub fn want_plain_answer(&mut self) {
        self.plain_answer = true;
    }

    pub(crate) fn host_str(&self) -> &str {
        self.host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default()
    }
}

/// What a request was authorized by: a stream it opened ends with it.
#[derive(Debug, Clone)]
pub enum Life {
    Session(Arc<Session>),
    Credential {
        credential: Arc<Credential>,
        /// When the certificate beside it ends.
        latest: Timestamp,
    },
    /// The same, as long as nobody blocks the address, the account or the key.
    Guarded {
        shield: Arc<Shield>,
        address: IpAddr,
        /// When the request came: measures that were over by then are none of its business.
        since: Timestamp,
        life: Option<Box<Life>>,
    },
}

impl Life {
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        match self {
            Self::Session(session) => session.is_ended(),
            Self::Credential { credential, latest } => {
                credential.is_ended() || now >= credential.expires().min(*latest)
            }
            Self::Guarded { shield, address, since, life } => {
                let life = life.as_deref();
                life.is_some_and(|life| life.is_over(now)) || is_cut(shield, *address, *since, life)
            }
        }
    }

    /// Resolves when it ends or expires; `at` resolves when a moment has come.
    pub async fn over<F: Future<Output = ()>>(&self, at: impl Fn(Timestamp) -> F) {
        match self {
            Self::Session(session) => session.ended().await,
            Self::Credential { credential, latest } => credential.over(*latest, at).await,
            Self::Guarded { shield, address, since, life } => {
                let life = life.as_deref();
                let cut = shield.until(|shield| is_cut(shield, *address, *since, life));
                match life {
                    None | Some(Self::Guarded { .. }) => cut.await,
                    Some(Self::Session(session)) => either(cut, session.ended()).await,
                    Some(Self::Credential { credential, latest }) => {
                        either(cut, credential.over(*latest, at)).await;
                    }
                }
            }
        }
    }

    /// Notes that the client did something; see [`Session::touch`].
    pub fn touch(&self, now: Timestamp) -> bool {
        match self {
            Self::Session(session) => session.touch(now),
            Self::Credential { credential, .. } => credential.touch(now),
            Self::Guarded { life, .. } => life.as_ref().is_none_or(|life| life.touch(now)),
        }
    }
}

/// Resolves with the first of the two.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => other.as_mut().poll(context),
    })
    .await;
}

/// Whether a measure was taken against whom the stream goes to.
fn is_cut(shield: &Shield, address: IpAddr, since: Timestamp, life: Option<&Life>) -> bool {
    // What was proved before a new proof was asked for is over; what a program shows proves nothing anew.
    let is_out = |account: &AccountId, proved: Option<Timestamp>| match shield.account(account, since) {
        Held::Disabled => true,
        Held::Free => false,
        Held::StepUp { since } => proved.is_none_or(|proved| proved < since),
    };
    shield.is_blocked(address, since)
        || match life {
            Some(Life::Session(session)) => is_out(&session.principal.account, Some(session.authenticated)),
            Some(Life::Credential { credential, .. }) => {
                let is_key = credential.kind == CredentialKind::ApiKey;
                is_out(&credential.principal.account, None)
                    || is_key && shield.is_key_disabled(credential.id.as_ref(), since)
            }
            Some(Life::Guarded { .. }) | None => false,
        }
}

impl Caller {
    pub(crate) fn of(exchange: &Exchange) -> Self {
        let host = exchange.host_str().to_owned();
        let scheme = if exchange.secure { "https" } else { "http" };
        Self {
            client: exchange.client,
            request_id: exchange.request_id,
            session: exchange.session.clone(),
            credential: exchange.credential.clone(),
            certificate: exchange.certificate.clone(),
            secure: exchange.secure,
            origin: format!("{scheme}://{host}"),
            host,
        }
    }
}

impl Audience {
    /// Fetch Metadata where the browser sends it, `Accept` from the rest.
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        if let Some(mode) = headers.get(&SEC_FETCH_MODE) {
            return if mode == "navigate" { Self::Navigation } else { Self::Program };
        }
        let page = headers
            .get(ACCEPT)
            .is_some_and(|accept| memchr::memmem::find(accept.as_bytes(), b"text/html").is_some());
        let page = page && *method != Method::OPTIONS && !headers.contains_key(&X_REQUESTED_WITH);
        if page { Self::Navigation } else { Self::Program }
    }
}

const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);
const SECOND: std::time::Duration = std::time::Duration::from_secs(1);
pub(crate) const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use http::Request;

    pub(crate) fn exchange(head: &request::Parts) -> Exchange {
        let address = SocketAddr::from(([192, 0, 2, 1], 4711));
        let connection = Connection { peer: address, local: address, secure: false };
        Exchange::new(connection, Timestamp::from_secs(0), RequestId::from_bytes([7; 12]), head)
    }

    #[test]
    fn only_navigations_get_pages() {
        let rows: [(&[(&str, &str)], Audience); 6] = [
            (&[("sec-fetch-mode", "navigate")], Audience::Navigation),
            (&[("sec-fetch-mode", "cors"), ("accept", "text/html")], Audience::Program),
            (&[("accept", "text/html,*/*")], Audience::Navigation),
            (&[("accept", "*/*")], Audience::Program),
            (&[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")], Audience::Program),
            (&[], Audience::Program),
        ];
        for (fields, audience) in rows {
            let request = fields
                .iter()
                .fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(Audience::of(&head.method, &head.headers), audience, "{fields:?}");
        }
    }
}
