//! Which origins may read answers.
//!
//! Control: `web.cors`
//!
//! **Standard.** Fetch §3.2 (CORS protocol); ASVS 5.0 V3.4.2, V3.5.
//!
//! **Threat.** Information disclosure: CWE-942 (a permissive policy), CWE-346 (an origin that is not checked).
//!
//! **Rules.**
//! 1. An origin is listed exactly, as `scheme://host[:port]`. There are no patterns, no suffixes, no `null`.
//! 2. Every `Access-Control-*` field the application sends is removed: the list is the gate's.
//! 3. A listed origin is answered by its own name, with `Vary: Origin`; others get no CORS field at all.
//! 4. `*` may stand alone in the list, for public data; then credentials are never allowed.
//! 5. A preflight is answered by the gate and never reaches the application.
//!
//! **Answer.** 204 to a preflight, with permissions or without. Refusals of other checks carry the fields
//! too, so that a listed origin's script can read the status.
//!
//! **Default.** No origin is listed: browsers let only the own site read.
//!
//! **Caveat.** CORS lets scripts *read*; that a request is *sent* is the business of `csrf`.
//!
//! **Example.** `origins = ["https://app.example"]`, `credentials = true`.

use gabion_model::{ControlId, Period, Problem};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Source};
use crate::check::{Check, Mode, Stop};
use crate::denial::Reply;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::rebuild;
use crate::route::{Compiled, Routes};

/// `[checks.cors]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// Origins that may read answers, for instance `"https://app.example"`, or `"*"` alone.
    pub origins: Vec<String>,
    /// Let them send cookies.
    pub credentials: bool,
    /// Methods they may use.
    pub methods: Vec<String>,
    /// Request header fields they may send beyond the harmless ones.
    pub headers: Vec<String>,
    /// Answer header fields their scripts may read beyond the harmless ones.
    pub expose: Vec<String>,
    /// How long a browser may remember a preflight.
    pub max_age: Period,
}

impl Default for Settings {
    fn default() -> Self {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            mode: Mode::Enforce,
            origins: Vec::new(),
            credentials: false,
            methods: list(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
            headers: list(&["authorization", "content-type"]),
            expose: list(&["gabion-request-id", "ratelimit", "ratelimit-policy", "retry-after"]),
            max_age: Period::from_secs(600),
        }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, origin) in self.origins.iter().enumerate() {
            if origin == "*" && self.origins.len() == 1 {
                if self.credentials {
                    problems.push(
                        Problem::new("credentials", "credentials cannot go with the origin `*`")
                            .hint("list the origins"),
                    );
                }
            } else if let Err(reason) = parse_origin(origin) {
                problems.push(Problem::new(format!("origins[{index}]"), reason));
            }
        }
        for (name, list) in [("headers", &self.headers), ("expose", &self.expose)] {
            for (index, text) in list.iter().enumerate() {
                if HeaderName::from_bytes(text.as_bytes()).is_err() {
                    problems.push(Problem::new(
                        format!("{name}[{index}]"),
                        format!("`{text}` is not a field name"),
                    ));
                }
            }
        }
        for (index, method) in self.methods.iter().enumerate() {
            if !crate::route::is_method(method) {
                problems
                    .push(Problem::new(format!("methods[{index}]"), format!("`{method}` is not a method")));
            }
        }
        problems
    }
}

/// An origin in the form browsers send it.
pub fn parse_origin(text: &str) -> Result<HeaderValue, String> {
    let wrong = || format!("`{text}` is not an origin: write scheme, host and perhaps port, nothing else");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
    let port = match (scheme, authority.port_u16()) {
        ("https", Some(443)) | ("http", Some(80)) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    let canonical = format!("{scheme}://{}{port}", authority.host().to_ascii_lowercase());
    if !matches!(scheme, "http" | "https") || canonical != text {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}

/// The permission for one origin, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The value of `Access-Control-Allow-Origin`.
    pub origin: HeaderValue,
    pub credentials: bool,
}

/// Is this origin listed?
#[must_use]
pub fn verify(list: &[HeaderValue], credentials: bool, origin: &HeaderValue) -> Option<Permission> {
    if list.contains(origin) {
        return Some(Permission { origin: origin.clone(), credentials });
    }
    let any = HeaderValue::from_static("*");
    (*list == [any.clone()]).then_some(Permission { origin: any, credentials: false })
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.cors.mode, Cors::new(&needs.settings.cors, needs.routes))
}

/// The check.
#[derive(Debug)]
pub struct Cors {
    credentials: bool,
    methods: HeaderValue,
    headers: HeaderValue,
    expose: HeaderValue,
    max_age: HeaderValue,
    /// The origins of each route; `None`: the general list.
    routes: Vec<Option<Vec<HeaderValue>>>,
    origins: Vec<HeaderValue>,
    /// Whether a route is one of the gate's own: the settings are about the application's.
    own: Vec<bool>,
}

impl Cors {
    pub(crate) fn new(settings: &Settings, routes: &Routes) -> Self {
        let values = |list: &[String]| -> Vec<HeaderValue> {
            list.iter().filter_map(|text| HeaderValue::from_str(text).ok()).collect()
        };
        let joined = |list: &[String]| HeaderValue::from_str(&list.join(", ")).unwrap_or(EMPTY);
        Self {
            credentials: settings.credentials,
            methods: joined(&settings.methods),
            headers: joined(&settings.headers),
            expose: joined(&settings.expose),
            max_age: HeaderValue::from(settings.max_age.as_duration().as_secs()),
            // The gate's own pages are for nobody else; a few endpoints without cookies are for everybody.
            routes: routes
                .iter()
                .map(|route| match &route.declared.cors_origins {
                    Some(origins) => Some(values(origins)),
                    None if route.is_own() => Some(Vec::new()),
                    None => None,
                })
                .collect(),
            own: routes.iter().map(Compiled::is_own).collect(),
            origins: values(&settings.origins),
        }
    }

    fn origins(&self, exchange: &Exchange) -> &[HeaderValue] {
        let own = exchange.route.and_then(|route| self.routes.get(route)).and_then(Option::as_ref);
        own.unwrap_or(&self.origins)
    }

    fn is_own(&self, exchange: &Exchange) -> bool {
        exchange.route.and_then(|route| self.own.get(route)).copied().unwrap_or(false)
    }

    fn permission(&self, exchange: &Exchange) -> Option<Permission> {
        verify(self.origins(exchange), self.credentials, exchange.origin.as_ref()?)
    }
}

impl Check for Cors {
    fn name(&self) -> &'static str {
        "cors"
    }

    fn control(&self) -> ControlId {
        ControlId::WEB_CORS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let preflight = head.method == Method::OPTIONS
            && exchange.origin.is_some()
            && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !preflight {
            return Ok(());
        }
        let mut headers = HeaderMap::with_capacity(16);
        if self.permission(exchange).is_some() {
            let (methods, fields) = if self.is_own(exchange) {
                (OWN_METHODS, OWN_FIELDS)
            } else {
                (self.methods.clone(), self.headers.clone())
            };
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, fields);
            headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        } else {
            headers.insert(ALLOW, HeaderValue::from_static("OPTIONS"));
        }
        Err(Reply { status: StatusCode::NO_CONTENT, headers }.into())
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        let headers = &mut answer.head.headers;
        if answer.source == Source::Upstream {
            rebuild::remove_where(headers, |name| name.starts_with("access-control-"));
        }
        if self.origins(exchange).is_empty() {
            return;
        }
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(permission) = self.permission(exchange) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, permission.origin);
        let expose = if self.is_own(exchange) { OWN_EXPOSED } else { self.expose.clone() };
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose);
        if permission.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

const OWN_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
const OWN_FIELDS: HeaderValue = HeaderValue::from_static("authorization, content-type, dpop");
const OWN_EXPOSED: HeaderValue =
    HeaderValue::from_static("dpop-nonce, gabion-request-id, retry-after, www-authenticate");
const EMPTY: HeaderValue = HeaderValue::from_static("");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn origins_are_exact() {
        let list = [parse_origin("https://app.example").unwrap()];
        let rows = [
            "null",
            "https://app.example.evil",
            "https://evilapp.example",
            "http://app.example",
            "https://app.example:8443",
            "https://a.app.example",
            "https://APP.example",
            "*",
            "",
        ];
        for origin in rows {
            assert_eq!(verify(&list, true, &HeaderValue::from_static(origin)), None, "{origin}");
        }
        assert!(verify(&list, true, &list[0]).is_some_and(|permission| permission.credentials));
        for wrong in [
            "app.example",
            "https://app.example/",
            "https://a@b",
            "null",
            "ftp://x",
            "https://x:443",
            "HTTPS://x",
            "*",
        ] {
            assert!(parse_origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn everybody_comes_without_credentials() {
        let settings = Settings { origins: vec!["*".into()], credentials: true, ..Settings::default() };
        assert_eq!(settings.problems().len(), 1);
    }

    proptest! {
        #[test]
        fn no_origin_is_reflected_unless_listed(host in "[a-z.:/*]{0,20}", credentials: bool, all: bool) {
            let origin = HeaderValue::from_str(&format!("https://{host}")).unwrap();
            let list = [HeaderValue::from_static(if all { "*" } else { "https://app.example" })];
            match verify(&list, credentials, &origin) {
                Some(permission) if permission.origin == "*" => prop_assert!(all && !permission.credentials),
                Some(permission) => prop_assert_eq!(permission.origin, "https://app.example"),
                None => prop_assert!(!all && origin != "https://app.example"),
            }
        }
    }
}
