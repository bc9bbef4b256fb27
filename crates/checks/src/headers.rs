//! Headers that make browsers careful.
//!
//! Control: `web.headers`
//!
//! **Standard.** CSP level 3, RFC 6797 (HSTS), Fetch (`nosniff`, `Cross-Origin-Resource-Policy`), HTML (`COOP`),
//! Permissions Policy; ASVS 5.0 V3.4.1, V3.4.3–V3.4.8.
//!
//! **Threat.** Tampering, disclosure and spoofing in the browser: CWE-1021 (framing), CWE-79, CWE-693, CWE-200.
//!
//! **Rules.**
//! 1. Every answer, refusals included, carries `X-Content-Type-Options: nosniff`, `X-XSS-Protection: 0` (the
//!    old filter was itself a hole), and, unless the application sent its own safe one,
//!    `X-Frame-Options`, `Referrer-Policy`, `Permissions-Policy`, `Cross-Origin-Opener-Policy` and
//!    `Cross-Origin-Resource-Policy`.
//! 2. The configured `Content-Security-Policy` is added as a second field when the application sends one:
//!    browsers enforce both, so neither weakens the other. The gate's own pages bring their own, stricter one.
//! 3. `Strict-Transport-Security` goes out over TLS only, and not for names of the machine itself
//!    (`localhost`), where it would lock out every other project on it.
//! 4. `Server`, `X-Powered-By` and their like are removed.
//! 5. A route may set, replace or remove (empty value) any of them.
//!
//! **Answer.** Never refuses.
//!
//! **Default.** A policy that does not break an application it does not know: no foreign framing, no
//! plugins, no foreign `<base>`, forms to the own site only. It does not restrict scripts.
//!
//! **Caveat.** An application behind the gate should send its own policy with nonces for scripts. Sites with
//! forms posted to others need `csp` on those routes. `includeSubDomains` covers every subdomain: set
//! `hsts` if some cannot do HTTPS.
//!
//! **Example.** `[[routes]] path = "/embed/*"`, `headers = { X-Frame-Options = "" }`,
//! `csp = "frame-ancestors https://partner.example"`.

use gabion_model::{ControlId, Problem};
use http::header::{
    CONTENT_SECURITY_POLICY, Entry, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Source};
use crate::check::{Check, Mode};
use crate::exchange::Exchange;
use crate::lasting;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::rebuild;
use crate::route::{Access, Compiled, Routes};

/// `[checks.headers]`. An empty text leaves that header out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// `Content-Security-Policy` of the application's answers. A `report-uri` is added unless it has one.
    pub csp: String,
    /// Have browsers report violations to the gate.
    pub csp_reports: bool,
    /// `Strict-Transport-Security`, sent over TLS.
    pub hsts: String,
    /// `X-Frame-Options`, for browsers that do not know `frame-ancestors`.
    pub frame_options: String,
    /// `Referrer-Policy`.
    pub referrer_policy: String,
    /// `Permissions-Policy`.
    pub permissions_policy: String,
    /// `Cross-Origin-Opener-Policy`.
    pub opener_policy: String,
    /// `Cross-Origin-Resource-Policy` on signed-in routes. Public routes get `same-site`.
    pub resource_policy: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            csp: "base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'".to_owned(),
            csp_reports: true,
            hsts: "max-age=31536000; includeSubDomains".to_owned(),
            frame_options: "SAMEORIGIN".to_owned(),
            referrer_policy: "strict-origin-when-cross-origin".to_owned(),
            permissions_policy:
                "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()".to_owned(),
            opener_policy: "same-origin-allow-popups".to_owned(),
            resource_policy: "same-origin".to_owned(),
        }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let rows = [
            ("csp", &self.csp),
            ("hsts", &self.hsts),
            ("frame_options", &self.frame_options),
            ("referrer_policy", &self.referrer_policy),
            ("permissions_policy", &self.permissions_policy),
            ("opener_policy", &self.opener_policy),
            ("resource_policy", &self.resource_policy),
        ];
        rows.into_iter()
            .filter(|(_, text)| HeaderValue::from_str(text).is_err())
            .map(|(name, text)| Problem::new(name, format!("`{text}` is not a valid header value")))
            .collect()
    }
}

/// The headers of one route, ready to be copied.
#[derive(Debug)]
struct Dress {
    /// Set unless the application sent a safe one.
    gentle: Vec<(HeaderName, HeaderValue)>,
    csp: Option<HeaderValue>,
    /// Set on every answer of the route, last.
    own: Vec<(HeaderName, HeaderValue)>,
    removed: Vec<HeaderName>,
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.headers.mode, Headers::new(&needs.settings.headers, needs.routes))
}

/// The check.
#[derive(Debug)]
pub struct Headers {
    hsts: Option<HeaderValue>,
    routes: Vec<Dress>,
    fallback: Dress,
}

impl Headers {
    pub(crate) fn new(settings: &Settings, routes: &Routes) -> Self {
        Self {
            hsts: value(&settings.hsts),
            routes: routes.iter().map(|route| Dress::of(settings, Some(route))).collect(),
            fallback: Dress::of(settings, None),
        }
    }
}

impl Dress {
    fn of(settings: &Settings, route: Option<&Compiled>) -> Self {
        let public = route.is_some_and(|route| route.declared.access == Access::Public);
        let resource = if public && !settings.resource_policy.is_empty() {
            "same-site"
        } else {
            &settings.resource_policy
        };
        let rows = [
            (X_FRAME_OPTIONS, settings.frame_options.as_str()),
            (REFERRER_POLICY, settings.referrer_policy.as_str()),
            (PERMISSIONS_POLICY, settings.permissions_policy.as_str()),
            (OPENER_POLICY, settings.opener_policy.as_str()),
            (RESOURCE_POLICY, resource),
        ];
        let mut gentle: Vec<_> =
            rows.into_iter().filter_map(|(name, text)| Some((name, value(text)?))).collect();
        let csp = route.and_then(|route| route.declared.csp.as_ref()).unwrap_or(&settings.csp);
        let mut csp = csp.clone();
        if !csp.is_empty() && settings.csp_reports && !csp.contains("report-") {
            csp = format!("{}; report-uri {CSP_REPORT_PATH}", csp.trim_end_matches([';', ' ']));
        }
        let mut dress = Self { gentle: Vec::new(), csp: value(&csp), own: Vec::new(), removed: Vec::new() };
        for (name, text) in route.map(|route| &route.declared.headers).into_iter().flatten() {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            gentle.retain(|(gentle, _)| *gentle != name);
            match value(text) {
                Some(value) => dress.own.push((name, value)),
                None => dress.removed.push(name),
            }
        }
        Self { gentle, ..dress }
    }
}

impl Check for Headers {
    fn name(&self) -> &'static str {
        "headers"
    }

    fn control(&self) -> ControlId {
        ControlId::WEB_HEADERS
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        let dress = exchange.route.and_then(|route| self.routes.get(route)).unwrap_or(&self.fallback);
        let headers = &mut answer.head.headers;
        headers.reserve(ROOM);
        if answer.source == Source::Upstream {
            rebuild::remove_where(headers, |name| TALKATIVE.contains(&name));
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(X_XSS_PROTECTION, HeaderValue::from_static("0"));
        for (name, value) in &dress.gentle {
            match headers.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(value.clone());
                }
                Entry::Occupied(mut entry) if !verify(name, entry.iter()) => {
                    entry.insert(value.clone());
                }
                Entry::Occupied(_) => {}
            }
        }
        if let Some(csp) = &dress.csp
            && (answer.source == Source::Upstream || !headers.contains_key(CONTENT_SECURITY_POLICY))
        {
            headers.append(CONTENT_SECURITY_POLICY, csp.clone());
        }
        if exchange.secure
            && let Some(hsts) = &self.hsts
            && !is_this_machine(exchange.host_str())
        {
            headers.insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        for (name, value) in &dress.own {
            headers.insert(name.clone(), value.clone());
        }
        for name in &dress.removed {
            headers.remove(name);
        }
    }
}

/// Has the application sent this field itself, once, with a value that protects?
#[must_use]
pub fn verify<'a>(name: &HeaderName, mut values: impl Iterator<Item = &'a HeaderValue>) -> bool {
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let any = |safe: &[&str]| safe.iter().any(|safe| value.as_bytes().eq_ignore_ascii_case(safe.as_bytes()));
    match *name {
        X_FRAME_OPTIONS => any(&["DENY", "SAMEORIGIN"]),
        REFERRER_POLICY => {
            any(&["no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"])
        }
        // Opening up to others is a decision the application makes knowingly, and per page.
        _ => !value.is_empty(),
    }
}

fn value(text: &str) -> Option<HeaderValue> {
    if text.is_empty() { None } else { lasting::value(text) }
}

/// `localhost`, its subdomains and bare addresses (for which browsers ignore HSTS anyway).
fn is_this_machine(host: &str) -> bool {
    let name = crate::normalise::host_name(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.starts_with('[')
        || name.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Where browsers report violations.
pub const CSP_REPORT_PATH: &str = "/.gabion/csp-report";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// As many fields as the gate adds at most, so that the map grows once.
const ROOM: usize = 14;

const TALKATIVE: [&str; 7] = [
    "server",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-debug-token-link",
    "x-generator",
    "x-powered-by",
    "x-runtime",
];

#[cfg(test)]
mod tests;
