//! Forward-auth: the same decisions for teams that keep their proxy.
//!
//! The proxy asks about every request before it passes it on; what it is about stands in header fields, in the
//! dialect of the proxy. They are believed from trusted proxies only, and there is none by default: a client that
//! could name the address its request is judged for would choose a public one (CVE-2026-40575), and a default that
//! trusts everybody is no defence (CVE-2026-76835). Whatever cannot be read with certainty is refused: a proxy takes
//! any 2xx for a yes (CVE-2021-32637).
//!
//! The original request passes every check, in the order of [`order`](crate::order), as if it had come here by itself.

use gabion_model::{ControlId, Problem};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Stop;
use crate::client_address::{self, Field, Network};
use crate::denial::{Denial, Reply};
use crate::exchange::Exchange;
use crate::identity_header::GABION_IDENTITY;

/// `[forward_auth]`: answers a proxy that asks before it passes requests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The proxies that ask: `nginx`, `caddy`, `traefik`, `haproxy`, `envoy`. None by default. Name the addresses
    /// they ask from in `checks.client_address.trusted_proxies`.
    pub dialects: Vec<Dialect>,
    /// A header field for the person's or program's name, for instance `Remote-User`; for applications that cannot
    /// verify `Gabion-Identity`. The proxy must replace what clients send under that name.
    pub name_header: Option<String>,
    /// A header field for the account's id.
    pub account_header: Option<String>,
    /// A header field for the roles, with commas between them, for instance `Remote-Groups`.
    pub roles_header: Option<String>,
    /// What becomes of CORS preflights, which browsers send without credentials (`OPTIONS` with
    /// `Access-Control-Request-Method`). `refuse`, or `pass` where the application answers them itself: on declared
    /// paths and for declared methods they then go through, with nobody's name. Needs `checks.cors`.
    pub preflights: Preflights,
}

/// What becomes of CORS preflights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preflights {
    /// To the application.
    Pass,
    /// Nowhere.
    #[default]
    Refuse,
}

/// Whose header fields say what the original request was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `forward_auth`: `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri`.
    Caddy,
    /// `ext_authz` over HTTP: the request's own method and host, its path behind ours.
    Envoy,
    /// Our Lua file: as Caddy.
    Haproxy,
    /// `auth_request`: `X-Original-Method` and `X-Original-URL`.
    Nginx,
    /// `forwardAuth`: as Caddy.
    Traefik,
}

/// Where proxies ask; the dialect follows.
pub const PATH: &str = "/.gabion/forward-auth/";

impl Settings {
    /// All that is wrong, paths relative to the table.
    #[must_use]
    pub fn problems(&self, client_address: &client_address::Settings) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.dialects.is_empty() && client_address.trusted_proxies.is_empty() {
            problems.push(
                Problem::new("dialects", "no proxy is trusted, so nobody could ask")
                    .hint("for instance `checks.client_address.trusted_proxies = [\"127.0.0.1\"]`"),
            );
        }
        for (key, name) in self.headers() {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                problems.push(Problem::new(key, format!("`{name}` is not the name of a header field")));
            }
        }
        problems
    }

    fn headers(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let all = [
            ("name_header", &self.name_header),
            ("account_header", &self.account_header),
            ("roles_header", &self.roles_header),
        ];
        all.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?)))
    }
}

/// The original request, as the proxy tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    pub method: Method,
    pub host: HeaderValue,
    pub target: PathAndQuery,
    /// `None`: said in `Forwarded`.
    pub secure: Option<bool>,
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("the proxy does not say who the client is")]
    ClientMissing,
    #[error("a fragment in the original address")]
    Fragment,
    #[error("the original host is missing or cannot be read")]
    Host,
    #[error("the original method is missing or cannot be read")]
    Method,
    #[error("the original protocol is missing, repeated or contradictory")]
    Protocol,
    #[error("the original address is missing or cannot be read")]
    Target,
}

/// What a request of the proxy is about.
pub fn verify(dialect: Dialect, head: &request::Parts, field: Field) -> Result<Original, Violation> {
    let headers = &head.headers;
    let client = match field {
        Field::Forwarded => headers.contains_key(http::header::FORWARDED),
        Field::XForwardedFor => headers.contains_key("x-forwarded-for"),
    };
    if !client {
        return Err(Violation::ClientMissing);
    }
    let told = match one(headers, "x-forwarded-proto") {
        Ok(text) => Some(is_secure(text).ok_or(Violation::Protocol)?),
        Err(Absent::Missing) => None,
        Err(Absent::Unreadable) => return Err(Violation::Protocol),
    };
    let (method, host, target, secure) = match dialect {
        Dialect::Nginx => {
            let url = one(headers, "x-original-url").map_err(|_| Violation::Target)?;
            let (scheme, rest) = url.split_once("://").ok_or(Violation::Target)?;
            let scheme = is_secure(scheme).ok_or(Violation::Protocol)?;
            if told.is_some_and(|told| told != scheme) {
                return Err(Violation::Protocol);
            }
            let end = rest.find('/').ok_or(Violation::Target)?;
            let (host, target) = rest.split_at_checked(end).ok_or(Violation::Target)?;
            let method = one(headers, "x-original-method").map_err(|_| Violation::Method)?;
            (method, host, target, Some(scheme))
        }
        Dialect::Caddy | Dialect::Traefik | Dialect::Haproxy => {
            let method = one(headers, "x-forwarded-method").map_err(|_| Violation::Method)?;
            let host = one(headers, "x-forwarded-host").map_err(|_| Violation::Host)?;
            let target = one(headers, "x-forwarded-uri").map_err(|_| Violation::Target)?;
            (method, host, target, told)
        }
        Dialect::Envoy => {
            let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
            let target = target.strip_prefix(PATH).and_then(|rest| rest.strip_prefix("envoy"));
            let host = match head.uri.authority() {
                Some(authority) if head.version == http::Version::HTTP_2 => authority.as_str(),
                _ => one(headers, HOST.as_str()).map_err(|_| Violation::Host)?,
            };
            (head.method.as_str(), host, target.ok_or(Violation::Target)?, told)
        }
    };
    if secure.is_none() && field == Field::XForwardedFor {
        return Err(Violation::Protocol);
    }
    if target.contains('#') {
        return Err(Violation::Fragment);
    }
    // What is not visible ASCII has no business in a request target; `//` would read as an authority.
    if !target.starts_with('/') || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Violation::Target);
    }
    if !crate::normalise::is_host(host.as_bytes()) {
        return Err(Violation::Host);
    }
    Ok(Original {
        method: Method::from_bytes(method.as_bytes()).map_err(|_| Violation::Method)?,
        host: HeaderValue::from_str(host).map_err(|_| Violation::Host)?,
        target: PathAndQuery::try_from(target).map_err(|_| Violation::Target)?,
        secure,
    })
}

enum Absent {
    Missing,
    Unreadable,
}

/// The one value of a field.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Absent> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Absent::Missing),
        (Some(value), None) => value.to_str().map_err(|_| Absent::Unreadable),
        (Some(_), Some(_)) => Err(Absent::Unreadable),
    }
}

fn is_secure(scheme: &str) -> Option<bool> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss") => Some(true),
        _ if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("ws") => Some(false),
        _ => None,
    }
}

/// `[forward_auth]`, ready.
#[derive(Debug)]
pub(crate) struct ForwardAuth {
    dialects: Vec<Dialect>,
    trusted: Vec<Network>,
    field: Field,
    name: Option<HeaderName>,
    account: Option<HeaderName>,
    roles: Option<HeaderName>,
    preflights: Preflights,
}

impl ForwardAuth {
    /// None when no proxy asks.
    pub(crate) fn new(settings: &Settings, client_address: &client_address::Settings) -> Option<Self> {
        let header = |name: &Option<String>| HeaderName::from_bytes(name.as_ref()?.as_bytes()).ok();
        (!settings.dialects.is_empty()).then(|| Self {
            dialects: settings.dialects.clone(),
            trusted: client_address.trusted_proxies.iter().filter_map(|text| Network::parse(text)).collect(),
            field: client_address.header,
            name: header(&settings.name_header),
            account: header(&settings.account_header),
            roles: header(&settings.roles_header),
            preflights: settings.preflights,
        })
    }

    pub(crate) fn passes_preflights(&self) -> bool {
        self.preflights == Preflights::Pass
    }

    pub(crate) fn is_asked(head: &request::Parts) -> bool {
        head.uri.path().starts_with(PATH)
    }

    /// The original request in place of the proxy's, and whose dialect the answer must be in.
    pub(crate) fn original(
        &self,
        peer: std::net::IpAddr,
        head: &request::Parts,
    ) -> Result<(request::Parts, Dialect), Denial> {
        let refused = |detail: String| {
            let public = "This request cannot be judged.";
            Denial::new(ControlId::AUTHZ_TRUSTED_IDENTITY, StatusCode::FORBIDDEN, public, detail).always()
        };
        let peer = peer.to_canonical();
        if !self.trusted.iter().any(|network| network.contains(peer)) {
            return Err(refused("forward-auth asked by a peer that is no trusted proxy".to_owned()));
        }
        let rest = head.uri.path().strip_prefix(PATH).unwrap_or_default();
        let dialect = match rest {
            "nginx" => Dialect::Nginx,
            "caddy" => Dialect::Caddy,
            "traefik" => Dialect::Traefik,
            "haproxy" => Dialect::Haproxy,
            _ if rest.starts_with("envoy/") => Dialect::Envoy,
            _ => return Err(refused("forward-auth in an unknown dialect".to_owned())),
        };
        if !self.dialects.contains(&dialect) {
            return Err(refused("forward-auth in a dialect that is not configured".to_owned()));
        }
        let original =
            verify(dialect, head, self.field).map_err(|violation| refused(violation.to_string()))?;
        let mut headers = head.headers.clone();
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE] {
            headers.remove(name);
        }
        headers.insert(HOST, original.host);
        if let (Some(secure), Field::XForwardedFor) = (original.secure, self.field) {
            let proto = if secure { "https" } else { "http" };
            headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
        }
        if headers.contains_key("sec-websocket-key") {
            // The proxy does not ask with the handshake's own fields, but it is one, and is judged like one.
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        let (mut inner, ()) = Request::new(()).into_parts();
        (inner.method, inner.uri, inner.headers) = (original.method, Uri::from(original.target), headers);
        Ok((inner, dialect))
    }

    /// The yes: who it is, in fields the proxy hands to the application. Every field is there, empty for a stranger on
    /// a public route, so that whatever a client sent under its name is replaced.
    pub(crate) fn admit(&self, inner: &request::Parts, exchange: &Exchange) -> Stop {
        let mut headers = HeaderMap::new();
        let empty = HeaderValue::from_static("");
        let identity = inner.headers.get(&GABION_IDENTITY).unwrap_or(&empty);
        headers.insert(GABION_IDENTITY, identity.clone());
        let principal = exchange.principal();
        let roles = principal.map(|principal| {
            principal.roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>().join(",")
        });
        let rows = [
            (&self.name, principal.map(|principal| principal.name.to_string())),
            (&self.account, principal.map(|principal| principal.account.to_string())),
            (&self.roles, roles),
        ];
        for (name, value) in rows {
            let Some(name) = name else { continue };
            let Ok(value) = HeaderValue::from_str(&value.unwrap_or_default()) else {
                return Denial::internal("a name that cannot be a header value").into();
            };
            headers.insert(name, value);
        }
        Stop::Answered(Reply { status: StatusCode::OK, headers })
    }
}

/// What a proxy makes of answers: nginx knows yes, 401 and 403, and takes everything else for its own error.
pub(crate) const fn knows_few(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Nginx)
}

/// The status the original request would have been answered with, where the proxy cannot be told by the answer's own.
pub(crate) const X_GABION_STATUS: HeaderName = HeaderName::from_static("x-gabion-status");
