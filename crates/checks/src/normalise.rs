//! One reading of method, host, path and fields, or none.
//!
//! Control: `input.paths`
//!
//! **Standard.** RFC 9112 §3.2 (target forms and `Host`), RFC 3986 §6.2 (normal form), RFC 9110 §7.6.1
//! (hop-by-hop fields), §7.8 (`Upgrade`); ASVS 5.0 V4.1.4, V4.2.3, V5.3.2.
//!
//! **Threat.** Tampering and elevation of privilege: CWE-22, CWE-444, CWE-436 (two readers of one request
//! understand different things), CWE-644 (`Host` injection). What the gate judges and what the application
//! understands must be the same request.
//!
//! **Rules.**
//! 1. The method is one of `methods`, in upper case. `CONNECT` and `TRACE` are never passed on.
//! 2. The target is a path (or a whole URI with the same authority as `Host`, and a path); `*` is not passed on.
//! 3. There is exactly one `Host` (or HTTP/2 authority), a valid name or address with an optional port;
//!    one that some route answers to.
//! 4. In the path, `%2F` (unless `encoded_slashes`), `%5C`, `\`, encoded and raw control characters, broken
//!    triplets, triplets that decode to invalid UTF-8, double-encoded dots and slashes, and segments that
//!    are `.` or `..` in any encoding, with or without `;parameters`, are refused. Nothing is resolved.
//! 5. Triplets of unreserved characters are decoded, others written in upper case: the form that is
//!    judged is the form that is forwarded.
//! 6. Empty segments and `;parameters` stay; where reading the path without them finds another
//!    route, the request is ambiguous and refused. So it is where an application that ignores case, a final
//!    `/`, dots or blanks at the end of a segment, or the encoding of a delimiter would take the path for one
//!    whose route asks for more (a session, a role).
//! 7. Fields named with `_` or another sign where a trusted field has `-` are refused.
//! 8. Hop-by-hop fields, those `Connection` names, and every field by which an application might be told
//!    who is calling or what was asked (`Gabion-*`, `Forwarded`, `X-Forwarded-*`, `X-Real-IP`,
//!    `X-User-*`, `X-WebAuth-*`, `X-Original-URL`, `X-HTTP-Method-Override`, …) are removed.
//! 9. `Upgrade` is kept for a well-formed WebSocket handshake without a body, and removed otherwise.
//!
//! **Answer.** 400; 405 with `Allow` for 1; 421 for a host nobody answers to.
//!
//! **Default.** Methods `GET HEAD POST PUT PATCH DELETE OPTIONS`. On; cannot be off. Rules 1–3 refuse even
//! where the check only observes.
//!
//! **Caveat.** Applications with slashes inside identifiers (`/projects/group%2Fname`) need
//! `encoded_slashes = true`; so matched, the segment counts as one. Fragments never reach an HTTP server
//! and are cut by the parser before this check.
//!
//! **Example.** `GET /static/%2e%2e/admin` is answered 400; `GET /%61dmin` is judged and sent as `/admin`.

use std::sync::Arc;

use gabion_model::{ControlId, Problem};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode, Uri, Version, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::denial::{Denial, Remedy};
use crate::exchange::Exchange;
use crate::limits::Framing;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::rebuild;
use crate::route::{Found, Routes};
use crate::settings::never_off;

pub use host::{host_name, is_host};
pub use path::judge_path;

mod host;
mod path;

/// `[checks.normalise]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce` or `observe`; what leaves no reading at all is refused always.
    pub mode: Mode,
    /// Methods that may reach an application.
    pub methods: Vec<String>,
    /// Let `%2F` stand in a path, as part of a segment.
    pub encoded_slashes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        Self { mode: Mode::Enforce, methods: methods.map(str::to_owned).into(), encoded_slashes: false }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = never_off(self.mode);
        for (index, method) in self.methods.iter().enumerate() {
            let path = format!("methods[{index}]");
            if !crate::route::is_method(method) {
                problems.push(
                    Problem::new(path, format!("`{method}` is not a method"))
                        .hint("methods are upper case, for instance `POST`"),
                );
            } else if matches!(method.as_str(), "CONNECT" | "TRACE") {
                problems
                    .push(Problem::new(path, format!("`{method}` cannot be passed on")).hint("remove it"));
            }
        }
        problems
    }
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("path means different routes in different readings")]
    AmbiguousPath,
    #[error("authority and host differ")]
    AuthorityMismatch,
    #[error("control character in the path")]
    ControlCharacter,
    #[error("dot segment in the path")]
    DotSegment,
    #[error("double encoding in the path")]
    DoubleEncoding,
    #[error("encoded slash in the path")]
    EncodedSlash,
    #[error("host is missing")]
    HostMissing,
    #[error("host is not valid")]
    HostNotValid,
    #[error("host more than once")]
    HostRepeated,
    #[error("host that no route answers to")]
    HostUnknown,
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("target is not valid UTF-8 or holds raw characters that must be encoded")]
    NotText,
    #[error("target is not a path")]
    NotAPath,
    #[error("broken percent triplet in the path")]
    BrokenTriplet,
    #[error("field name with another sign than `-` imitates a trusted field")]
    UnderscoreField,
    #[error("backslash in the path")]
    Backslash,
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        use Violation as V;
        let (status, public) = match violation {
            V::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "This method is not available here."),
            V::HostUnknown => (StatusCode::MISDIRECTED_REQUEST, "This host is not served here."),
            _ => (StatusCode::BAD_REQUEST, "The request is malformed or ambiguous."),
        };
        let denial = Self::new(ControlId::INPUT_PATHS, status, public, violation.to_string());
        match violation {
            V::AuthorityMismatch
            | V::HostMissing
            | V::HostNotValid
            | V::HostRepeated
            | V::HostUnknown
            | V::MethodNotAllowed
            | V::NotAPath => denial.always(),
            _ => denial,
        }
    }
}

/// Rules 2 and 3: the one host of a request.
pub fn judge_host(head: &request::Parts) -> Result<HeaderValue, Violation> {
    let mut fields = head.headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(Violation::HostRepeated);
    }
    let host = match (field, head.uri.authority()) {
        (None, None) => return Err(Violation::HostMissing),
        (Some(field), None) => field.clone(),
        (Some(field), Some(authority))
            if !field.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            return Err(Violation::AuthorityMismatch);
        }
        (Some(field), Some(_)) => field.clone(),
        (None, Some(_)) if head.version < Version::HTTP_2 => return Err(Violation::HostMissing),
        (None, Some(authority)) => {
            HeaderValue::from_str(authority.as_str()).map_err(|_| Violation::HostNotValid)?
        }
    };
    if !is_host(host.as_bytes()) {
        return Err(Violation::HostNotValid);
    }
    if !host.as_bytes().iter().any(u8::is_ascii_uppercase) {
        return Ok(host);
    }
    HeaderValue::from_bytes(&host.as_bytes().to_ascii_lowercase()).map_err(|_| Violation::HostNotValid)
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.normalise.mode, Normalise::new(&needs.settings.normalise, needs.routes))
}

/// The check.
#[derive(Debug)]
pub struct Normalise {
    methods: Vec<Method>,
    allow: HeaderValue,
    encoded_slashes: bool,
    routes: Arc<Routes>,
}

impl Normalise {
    pub(crate) fn new(settings: &Settings, routes: &Arc<Routes>) -> Self {
        let methods =
            settings.methods.iter().filter_map(|method| Method::from_bytes(method.as_bytes()).ok()).collect();
        let allow = HeaderValue::from_str(&settings.methods.join(", "));
        Self {
            methods,
            allow: allow.unwrap_or(HeaderValue::from_static("GET")),
            encoded_slashes: settings.encoded_slashes,
            routes: Arc::clone(routes),
        }
    }

    /// Rules 4–6; on success the target is in its normal form and the route is known.
    fn path(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Violation> {
        let Some(target) = &exchange.target else { return Err(Violation::NotAPath) };
        if target.query().is_some_and(|query| !query.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Violation::NotText);
        }
        if let Some(judged) = judge_path(target.path(), self.encoded_slashes)? {
            let text = match target.query() {
                Some(query) => format!("{judged}?{query}"),
                None => judged,
            };
            exchange.target = Some(PathAndQuery::try_from(text).map_err(|_| Violation::NotText)?);
            head.uri = exchange.target.clone().map(Uri::from).unwrap_or_default();
        } else if head.uri.authority().is_some() {
            head.uri = Uri::from(target.clone());
        }
        Ok(())
    }

    /// Finds the route; a path in two readings must have one.
    fn route(&self, exchange: &mut Exchange) -> Result<(), Violation> {
        let host = host_name(exchange.host_str());
        if !self.routes.knows_host(host) {
            return Err(Violation::HostUnknown);
        }
        let path = exchange.path();
        let found = self.routes.find(host, path, &exchange.method);
        let reduced = path::reduced(path);
        if let Some(reduced) = &reduced
            && self.routes.find(host, reduced, &exchange.method) != found
        {
            return Err(Violation::AmbiguousPath);
        }
        let read = reduced.as_deref().unwrap_or(path);
        if self.routes.asks_for_more(&found, host, read, &exchange.method) {
            return Err(Violation::AmbiguousPath);
        }
        match found {
            Found::Route(route) => exchange.route = Some(route),
            Found::OtherMethods(route) => {
                exchange.other_methods = self.routes.get(route).map(|route| route.allow.clone());
            }
            Found::Nothing => {}
        }
        Ok(())
    }
}

impl Check for Normalise {
    fn name(&self) -> &'static str {
        "normalise"
    }

    fn control(&self) -> ControlId {
        ControlId::INPUT_PATHS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if !self.methods.contains(&head.method) {
            let denial = Denial::from(Violation::MethodNotAllowed).remedy(Remedy::Allow(self.allow.clone()));
            return Err(denial.into());
        }
        let host = judge_host(head).map_err(Denial::from)?;
        // `http://host?query` has none, although `path()` says `/`.
        let is_path = exchange.target.as_ref().is_some_and(|target| target.as_str().starts_with('/'));
        exchange.host = Some(host);
        if !is_path {
            return Err(Denial::from(Violation::NotAPath).into());
        }
        let no_body = matches!(exchange.framing, Framing::Implicit | Framing::Length(0));
        let imitation = rebuild::strip(head, exchange, no_body);
        let path = self.path(head, exchange);
        // The route is looked for in any case: where the check observes, the request goes on.
        let route = self.route(exchange);
        if imitation {
            return Err(Denial::from(Violation::UnderscoreField).into());
        }
        path.and(route).map_err(|violation| Denial::from(violation).into())
    }
}

#[cfg(test)]
mod tests;
