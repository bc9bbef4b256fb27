//! Requests other sites make a person's browser send.
//!
//! Control: `web.csrf`
//!
//! **Standard.** Fetch Metadata (`Sec-Fetch-Site`), Fetch (`Origin`), OWASP CSRF prevention (signed double
//! submit bound to the session), RFC 6455 §10.2; ASVS 5.0 V3.5.1–V3.5.3.
//!
//! **Threat.** Spoofing: CWE-352; for WebSockets CWE-1385.
//!
//! **Rules.**
//! 1. `GET`, `HEAD` and `OPTIONS` pass, except a WebSocket handshake, which is judged like a `POST`.
//! 2. `Sec-Fetch-Site` decides where it is sent: `same-origin` and `none` (the person typed it) pass; `same-site`
//!    and `cross-site` pass only with a trusted `Origin`.
//! 3. Without it, `Origin` must name this very site, or a trusted one; `null` never passes.
//! 4. With neither (no current browser) a request without a session passes, since there is nothing to abuse; one
//!    with a session needs the token in `X-Gabion-Csrf`, an HMAC bound to the session.
//! 5. The token is handed out on a safe, same-site request of the session that carries `X-Gabion-Csrf: fetch`.
//!
//! 6. A request by an API key or an access token is not judged: browsers do not add those by themselves. One by a
//!    client certificate is, like one without a session.
//!
//! **Answer.** 403.
//!
//! **Default.** On, no trusted origins.
//!
//! **Caveat.** Applications must not change anything on `GET`. Receivers of webhooks, which are called by
//! machines, say `csrf_off = "reason"` on their route.
//!
//! **Example.** A form on evil.example posting to `/transfer` arrives with `Sec-Fetch-Site: cross-site`: 403.

use std::sync::Arc;

use gabion_identity::CredentialKind;
use gabion_model::{ControlId, Problem, Secret, SessionId};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::{constant_time_eq, hmac_sha256};
use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue, Method, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::check::{Check, Mode, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;

/// `[checks.csrf]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// Other origins whose pages may send requests, for instance `"https://app.example"`.
    pub trusted_origins: Vec<String>,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let wrong = |(index, origin): (usize, &String)| {
            let reason = crate::cors::parse_origin(origin).err()?;
            Some(Problem::new(format!("trusted_origins[{index}]"), reason))
        };
        self.trusted_origins.iter().enumerate().filter_map(wrong).collect()
    }
}

/// What the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The method may change something, or the request opens a WebSocket.
    pub acts: bool,
    pub sec_fetch_site: Option<&'a [u8]>,
    pub origin: Option<&'a HeaderValue>,
    /// The judged `Host`.
    pub host: &'a [u8],
    pub secure: bool,
    pub trusted: &'a [HeaderValue],
    pub signed_in: bool,
    /// The request carries the session's token.
    pub token: bool,
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("sent by another site")]
    CrossSite,
    #[error("sent from a foreign origin")]
    ForeignOrigin,
    #[error("neither origin nor token")]
    TokenMissing,
}

/// The rules.
pub fn verify(evidence: &Evidence<'_>) -> Result<(), Violation> {
    if !evidence.acts {
        return Ok(());
    }
    let trusted = || evidence.origin.is_some_and(|origin| evidence.trusted.contains(origin));
    match (evidence.sec_fetch_site, evidence.origin) {
        (Some(b"same-origin" | b"none"), _) => Ok(()),
        (Some(_), _) if trusted() => Ok(()),
        (Some(_), _) => Err(Violation::CrossSite),
        (None, Some(origin)) if is_own(origin, evidence) || trusted() => Ok(()),
        (None, Some(_)) => Err(Violation::ForeignOrigin),
        (None, None) if !evidence.signed_in || evidence.token => Ok(()),
        (None, None) => Err(Violation::TokenMissing),
    }
}

/// Does the origin name the site the request is for? In plain HTTP the scheme is not compared: TLS may
/// have ended before the gate.
fn is_own(origin: &HeaderValue, evidence: &Evidence<'_>) -> bool {
    let origin = origin.as_bytes();
    let host = match (origin.strip_prefix(b"https://"), origin.strip_prefix(b"http://")) {
        (Some(host), _) => host,
        (None, Some(host)) if !evidence.secure => host,
        _ => return false,
    };
    let bare = |host: &'_ [u8], port: &[u8]| host.strip_suffix(port).map(<[u8]>::to_vec);
    host == evidence.host
        || (evidence.secure && bare(evidence.host, b":443").is_some_and(|name| name == host))
        || (!evidence.secure && bare(evidence.host, b":80").is_some_and(|name| name == host))
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        Self::new(
            ControlId::WEB_CSRF,
            StatusCode::FORBIDDEN,
            "This request was not sent by this site's own pages.",
            violation.to_string(),
        )
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(
        needs.settings.csrf.mode,
        Csrf::new(&needs.settings.csrf, needs.routes, &needs.memory.token_key),
    )
}

/// The check.
#[derive(Debug)]
pub struct Csrf {
    trusted: Vec<HeaderValue>,
    /// Per route: switched off.
    off: Vec<bool>,
    key: Arc<Secret<[u8; 32]>>,
}

impl Csrf {
    pub(crate) fn new(settings: &Settings, routes: &Routes, key: &Arc<Secret<[u8; 32]>>) -> Self {
        Self {
            trusted: settings
                .trusted_origins
                .iter()
                .filter_map(|text| HeaderValue::from_str(text).ok())
                .collect(),
            off: routes.iter().map(|route| route.declared.csrf_off.is_some()).collect(),
            key: Arc::clone(key),
        }
    }

    /// The token of a session.
    #[must_use]
    pub fn token(&self, session: &SessionId) -> String {
        base64url_encode(&hmac_sha256(self.key.expose(), session.as_str().as_bytes()))
    }

    fn is_token(&self, sent: Option<&HeaderValue>, exchange: &Exchange) -> bool {
        let (Some(sent), Some(session)) = (sent, &exchange.session) else { return false };
        constant_time_eq(sent.as_bytes(), self.token(&session.id).as_bytes())
    }
}

impl Check for Csrf {
    fn name(&self) -> &'static str {
        "csrf"
    }

    fn control(&self) -> ControlId {
        ControlId::WEB_CSRF
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let acts = exchange.upgrade || !matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        // The application never sees it, whatever comes of the request.
        let sent = head.headers.remove(&TOKEN);
        let off = exchange.route.and_then(|route| self.off.get(route)).is_some_and(|off| *off);
        if off {
            return Ok(());
        }
        // What a page of another site cannot add by itself, nobody can forge through a browser. A certificate the
        // browser does add by itself.
        let deliberate = exchange.session.is_none()
            && exchange.credential.as_ref().is_some_and(|shown| shown.kind != CredentialKind::Certificate);
        if acts && !deliberate {
            let site = head.headers.get(&SEC_FETCH_SITE);
            let neither = site.is_none() && exchange.origin.is_none();
            verify(&Evidence {
                acts,
                sec_fetch_site: site.map(HeaderValue::as_bytes),
                origin: exchange.origin.as_ref(),
                host: exchange.host.as_ref().map(HeaderValue::as_bytes).unwrap_or_default(),
                secure: exchange.secure,
                trusted: &self.trusted,
                signed_in: exchange.session.is_some(),
                token: neither && self.is_token(sent.as_ref(), exchange),
            })
            .map_err(Denial::from)?;
        }
        if let Some(sent) = sent {
            let foreign =
                head.headers.get(&SEC_FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none");
            exchange.token_wanted = sent == "fetch" && !acts && !foreign;
        }
        Ok(())
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        if exchange.token_wanted
            && let Some(session) = &exchange.session
            && let Ok(mut token) = HeaderValue::from_str(&self.token(&session.id))
        {
            token.set_sensitive(true);
            answer.head.headers.insert(TOKEN, token);
            // It is one person's, also where the page around it is everybody's.
            answer.head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// Carries the token, or asks for it.
pub const TOKEN: HeaderName = HeaderName::from_static("x-gabion-csrf");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests;
