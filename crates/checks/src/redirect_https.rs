//! Plain HTTP is redirected for people and refused for programs.
//!
//! Control: `web.https`
//!
//! **Standard.** RFC 6797 §7.2; ASVS 5.0 V4.1.2 (only user-facing endpoints redirect; APIs must not, so that
//! credentials sent in clear are noticed), V12.2.1.
//!
//! **Threat.** Information disclosure and tampering: CWE-319.
//!
//! **Rules.**
//! 1. Applies where the gate has an HTTPS listener and the client did not use TLS.
//! 2. A `GET` or `HEAD` navigation is sent to the same place under `https`.
//! 3. Everything else is refused: a program would go on sending its secrets in clear first.
//!
//! **Answer.** 308 for a navigation, 403 otherwise.
//!
//! **Default.** On. Without an HTTPS listener (development, or TLS ended by a proxy) it does nothing.
//!
//! **Caveat.** Behind a proxy that ends TLS, list it in `checks.client_address.trusted_proxies`, or every
//! request looks plain.
//!
//! **Example.** `GET http://app.example/shop?x=1` in a browser is answered
//! `308 Location: https://app.example/shop?x=1`.

use gabion_model::{ControlId, Problem};
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, Method, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::denial::{Denial, Reply};
use crate::exchange::{Audience, Exchange};
use crate::normalise::host_name;
use crate::order::{self, Needs};
use crate::pipeline::Step;

/// `[checks.redirect_https]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Redirect,
    Refuse,
}

/// The rules.
#[must_use]
pub fn verify(https: bool, secure: bool, navigation: bool, method: &Method) -> Verdict {
    if !https || secure {
        Verdict::Pass
    } else if navigation && matches!(*method, Method::GET | Method::HEAD) {
        Verdict::Redirect
    } else {
        Verdict::Refuse
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(
        needs.settings.redirect_https.mode,
        RedirectHttps::new(needs.parts.and_then(|parts| parts.https_port)),
    )
}

/// The check.
#[derive(Debug)]
pub struct RedirectHttps {
    port: Option<u16>,
}

impl RedirectHttps {
    /// `port` is that of the HTTPS listener.
    #[must_use]
    pub fn new(port: Option<u16>) -> Self {
        Self { port }
    }
}

impl Check for RedirectHttps {
    fn name(&self) -> &'static str {
        "redirect_https"
    }

    fn control(&self) -> ControlId {
        ControlId::WEB_HTTPS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let navigation = exchange.audience == Audience::Navigation;
        let port = match (verify(self.port.is_some(), exchange.secure, navigation, &head.method), self.port) {
            (Verdict::Redirect, Some(port)) => port,
            (Verdict::Pass, _) | (_, None) => return Ok(()),
            (Verdict::Refuse, Some(_)) => {
                let denial = Denial::new(
                    ControlId::WEB_HTTPS,
                    StatusCode::FORBIDDEN,
                    "Plain HTTP is not accepted here. Use HTTPS, and renew any secret you sent in clear.",
                    "plain http",
                );
                return Err(denial.closing().into());
            }
        };
        let host = host_name(exchange.host_str());
        let target = exchange.target.as_ref().map_or("/", |target| target.as_str());
        let location = match port {
            443 => format!("https://{host}{target}"),
            port => format!("https://{host}:{port}{target}"),
        };
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(&location).map_err(|_| Denial::internal("location"))?);
        Err(Reply { status: StatusCode::PERMANENT_REDIRECT, headers }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn in_clear_nothing_passes_and_only_reading_navigations_are_redirected(
            secure: bool, navigation: bool, method in "GET|HEAD|POST|PUT|DELETE|OPTIONS",
        ) {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let verdict = verify(true, secure, navigation, &method);
            prop_assert_eq!(verdict == Verdict::Pass, secure);
            if verdict == Verdict::Redirect {
                prop_assert!(navigation && method.is_safe());
            }
            prop_assert_eq!(verify(false, secure, navigation, &method), Verdict::Pass);
        }
    }
}
