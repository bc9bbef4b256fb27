//! Where the application sends browsers.
//!
//! Control: `web.redirects`
//!
//! **Standard.** RFC 9110 §10.2.2, §15.4; WHATWG URL (as browsers read addresses); ASVS 5.0 V3.7.2, V1.2.2.
//!
//! **Threat.** Spoofing: CWE-601 (a link on this site that leads to another, and lends it the site's name).
//!
//! **Rules.**
//! 1. `Location` of a 3xx answer and the address in `Refresh` lead to this site (the host the request was for, a host
//!    the routes name, or the gate's own), or to a listed target.
//! 2. They are read as browsers read them: `\` is `/`, `//host` and `/\host` leave the site, white space around counts
//!    for nothing. What browsers and libraries read differently is refused outright: control characters, user
//!    information, `https:host` without slashes, a host that is not plain ASCII, `%` in a host.
//! 3. Schemes other than `http` and `https` are refused unless listed (`shop-app:`); `javascript:`, `data:`, `vbscript:`,
//!    `blob:`, `file:` and their like cannot be listed.
//! 4. Two `Location` fields are refused.
//!
//! **Answer.** 502 in the place of the redirect: the person is told that it led elsewhere, and the record names the
//! route.
//!
//! **Default.** `observe`: an ordinary application sends people to its payment or sign-in provider, and a list of those
//! cannot be guessed. What would be refused is counted and recorded; `enforce` once the list is complete.
//!
//! **Caveat.** Pages can also redirect by script or `<meta http-equiv="refresh">`; that is not seen here. `Location` of
//! other answers (201), `Content-Location` and `Link` lead nobody anywhere by themselves and are not judged. Another
//! port or scheme of this site's host is this site.
//!
//! **Example.** `[checks.redirects] mode = "enforce"`, `targets = ["https://pay.example", "https://*.login.example"]`.

use gabion_model::{ControlId, Problem};
use http::header::{LOCATION, REFRESH};
use http::{HeaderMap, HeaderValue, StatusCode, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Inspected, Mode, Seen};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::normalise;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;

/// `[checks.redirects]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// Where redirects may lead beside this site: `"https://pay.example"`, `"https://*.login.example"`, `"shop-app:"`.
    pub targets: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Observe, targets: Vec::new() }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        problems_of(&self.targets, "targets")
    }
}

/// What is wrong with a list of targets.
pub(crate) fn problems_of(targets: &[String], key: &str) -> Vec<Problem> {
    let wrong = |(index, text): (usize, &String)| {
        Target::parse(text).is_none().then(|| {
            Problem::new(format!("{key}[{index}]"), format!("`{text}` is not a target"))
                .hint("an origin such as `https://pay.example` or `https://*.pay.example`, or a scheme such as `shop-app:`")
        })
    };
    targets.iter().enumerate().filter_map(wrong).collect()
}

/// A listed target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Origin {
        https: bool,
        /// With `*.` before it, its subdomains.
        host: String,
        port: Option<u16>,
    },
    Scheme(String),
}

impl Target {
    /// Reads an origin or a scheme.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(scheme) = text.strip_suffix(':') {
            let lower = scheme.to_ascii_lowercase();
            let known = is_scheme(scheme) && !NEVER.contains(&lower.as_str());
            return known.then_some(Self::Scheme(lower));
        }
        let bare = text.replacen("*.", "", 1);
        match read(bare.as_bytes()) {
            Ok(Address::Elsewhere { https: Some(https), host, port, rest: false }) => {
                let pattern = if bare.len() == text.len() { host } else { format!("*.{host}") };
                let starred = text.contains("://*.") || bare.len() == text.len();
                starred.then_some(Self::Origin { https, host: pattern, port })
            }
            _ => None,
        }
    }

    fn admits(&self, address: &Address) -> bool {
        match (self, address) {
            (Self::Scheme(own), Address::Scheme(scheme)) => own == scheme,
            (
                Self::Origin { https, host, port },
                Address::Elsewhere { https: asked, host: named, port: at, .. },
            ) => {
                let same = match host.strip_prefix('*') {
                    Some(suffix) => named.len() > suffix.len() && named.ends_with(suffix),
                    None => host == named,
                };
                // Without a scheme, the page's own: never less than the list asks for.
                same && asked.is_none_or(|asked| asked == *https) && port == at
            }
            _ => false,
        }
    }
}

/// What an address is, as browsers read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A path on this site.
    Here,
    Elsewhere {
        /// `None`: the same scheme as the page.
        https: Option<bool>,
        host: String,
        /// Where it is not the scheme's own.
        port: Option<u16>,
        /// A path, a query or a fragment follows.
        rest: bool,
    },
    /// Neither `http` nor `https`.
    Scheme(String),
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("an address that can be read in two ways")]
    Ambiguous,
    #[error("leads to another site")]
    Elsewhere,
    #[error("two addresses")]
    Repeated,
    #[error("leads out of the web")]
    Scheme,
}

/// The rules for one address. `is_own` says whether a host name is this site's.
pub fn verify(address: &[u8], targets: &[Target], is_own: impl Fn(&str) -> bool) -> Result<(), Violation> {
    let address = read(address)?;
    match &address {
        Address::Here => Ok(()),
        Address::Elsewhere { host, .. } if is_own(host) => Ok(()),
        other if targets.iter().any(|target| target.admits(other)) => Ok(()),
        Address::Elsewhere { .. } => Err(Violation::Elsewhere),
        Address::Scheme(_) => Err(Violation::Scheme),
    }
}

/// Rule 2.
pub fn read(address: &[u8]) -> Result<Address, Violation> {
    let start = address.iter().position(|byte| *byte > b' ').unwrap_or(address.len());
    let end = address.iter().rposition(|byte| *byte > b' ').map_or(start, |last| last + 1);
    let text = address.get(start..end).unwrap_or_default();
    if text.iter().any(|byte| byte.is_ascii_control()) {
        return Err(Violation::Ambiguous);
    }
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let slashes = text.iter().take_while(|byte| is_slash(byte)).count();
    if slashes >= 2 {
        return authority(text.get(slashes..).unwrap_or_default(), None);
    }
    let colon = text.iter().position(|byte| matches!(byte, b':' | b'/' | b'\\' | b'?' | b'#'));
    let scheme = colon.filter(|at| text.get(*at) == Some(&b':')).and_then(|at| text.split_at_checked(at));
    let Some((scheme, rest)) = scheme.filter(|_| slashes == 0) else { return Ok(Address::Here) };
    let scheme = std::str::from_utf8(scheme).ok().filter(|scheme| is_scheme(scheme));
    // `1:2` is a path to browsers; what else has a colon there is nobody's.
    let scheme = scheme.ok_or(Violation::Ambiguous)?.to_ascii_lowercase();
    let rest = rest.get(1..).unwrap_or_default();
    match scheme.as_str() {
        "http" | "https" => {
            let slashes = rest.iter().take_while(|byte| is_slash(byte)).count();
            if slashes < 2 {
                return Err(Violation::Ambiguous);
            }
            authority(rest.get(slashes..).unwrap_or_default(), Some(scheme == "https"))
        }
        _ => Ok(Address::Scheme(scheme)),
    }
}

/// A host and perhaps a port, nothing else.
fn authority(text: &[u8], https: Option<bool>) -> Result<Address, Violation> {
    let end = text.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#')).unwrap_or(text.len());
    let (authority, rest) = text.split_at_checked(end).ok_or(Violation::Ambiguous)?;
    let authority = std::str::from_utf8(authority).map_err(|_| Violation::Ambiguous)?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.split_once(']').ok_or(Violation::Ambiguous)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| Violation::Ambiguous)?;
            let port = if port.is_empty() { Some("") } else { port.strip_prefix(':') };
            (format!("[{address}]"), port.ok_or(Violation::Ambiguous)?)
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            (host.to_owned(), port)
        }
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || !host.starts_with('[') && !host.bytes().all(plain) {
        return Err(Violation::Ambiguous);
    }
    let port = match port {
        "" => None,
        digits if digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse::<u16>().map_err(|_| Violation::Ambiguous)?)
        }
        _ => return Err(Violation::Ambiguous),
    };
    let usual = port == https.map(|https| if https { 443 } else { 80 });
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').map_or(host.clone(), str::to_owned);
    Ok(Address::Elsewhere { https, host, port: port.filter(|_| !usual), rest: !rest.is_empty() })
}

fn is_scheme(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The address in `Refresh: 5; url=…`, as HTML's "shared declarative refresh steps" find it.
fn refresh(value: &[u8]) -> Option<&[u8]> {
    let separator = value.iter().position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t'))?;
    let rest = value.get(separator..)?;
    let start = rest.iter().position(|byte| !matches!(byte, b';' | b',' | b' ' | b'\t'))?;
    let rest = rest.get(start..)?;
    let named = rest.get(..3).filter(|name| name.eq_ignore_ascii_case(b"url")).and_then(|_| rest.get(3..));
    let named = named.map(<[u8]>::trim_ascii_start).and_then(|rest| rest.strip_prefix(b"="));
    let address = named.map_or(rest, <[u8]>::trim_ascii_start);
    match address.split_first() {
        Some((quote @ (b'"' | b'\''), inner)) => {
            let end = inner.iter().position(|byte| byte == quote).unwrap_or(inner.len());
            inner.get(..end)
        }
        _ => Some(address),
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let issuer = needs.parts.map_or("", |parts| &parts.issuer);
    order::step(
        needs.settings.redirects.mode,
        Redirects::new(&needs.settings.redirects, needs.routes, issuer),
    )
}

/// The check.
#[derive(Debug)]
pub struct Redirects {
    /// Per route.
    targets: Vec<Vec<Target>>,
    hosts: Vec<String>,
}

impl Redirects {
    pub(crate) fn new(settings: &Settings, routes: &Routes, issuer: &str) -> Self {
        let parse =
            |texts: &[String]| texts.iter().filter_map(|text| Target::parse(text)).collect::<Vec<_>>();
        let of = |route: &crate::route::Compiled| {
            let own = route.declared.redirect_targets.as_deref().unwrap_or_default();
            [parse(&settings.targets), parse(own)].concat()
        };
        let mut hosts: Vec<String> =
            routes.iter().flat_map(|route| route.declared.hosts.iter().cloned()).collect();
        if let Ok(Address::Elsewhere { host, .. }) = read(issuer.as_bytes()) {
            hosts.push(host);
        }
        Self { targets: routes.iter().map(of).collect(), hosts }
    }

    fn judge(&self, exchange: &Exchange, status: StatusCode, headers: &HeaderMap) -> Result<(), Violation> {
        let mut locations = headers.get_all(LOCATION).iter().filter(|_| status.is_redirection());
        let location = locations.next().map(HeaderValue::as_bytes);
        if locations.next().is_some() {
            return Err(Violation::Repeated);
        }
        let refreshes = headers.get_all(REFRESH).iter().filter_map(|value| refresh(value.as_bytes()));
        let targets = exchange.route.and_then(|route| self.targets.get(route)).map_or(&[][..], Vec::as_slice);
        let asked = normalise::host_name(exchange.host_str());
        let is_own = |host: &str| {
            host == asked
                || self.hosts.iter().any(|own| match own.strip_prefix('*') {
                    Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
                    None => own == host,
                })
        };
        location.into_iter().chain(refreshes).try_for_each(|address| verify(address, targets, is_own))
    }
}

impl Check for Redirects {
    fn name(&self) -> &'static str {
        "redirects"
    }

    fn control(&self) -> ControlId {
        ControlId::WEB_REDIRECTS
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        let leads = head.headers.contains_key(LOCATION) || head.headers.contains_key(REFRESH);
        (leads && self.judge(exchange, head.status, &head.headers).is_err()).then_some(0)
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, _: &Seen<'_>) -> Inspected {
        match self.judge(exchange, head.status, &head.headers) {
            Ok(()) => Inspected::Pass,
            Err(violation) => Inspected::Deny(Denial::new(
                ControlId::WEB_REDIRECTS,
                StatusCode::BAD_GATEWAY,
                "This link leads to another site, and was stopped here.",
                violation.to_string(),
            )),
        }
    }
}

/// Schemes by which an address runs something in a page of this site.
const NEVER: [&str; 10] =
    ["about", "blob", "data", "file", "filesystem", "http", "https", "javascript", "vbscript", "view-source"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(address: &str) -> Result<(), Violation> {
        let targets: Vec<_> =
            ["https://pay.example", "https://*.login.example", "shop-app:", "http://127.0.0.1:8080"]
                .iter()
                .map(|text| Target::parse(text).unwrap())
                .collect();
        verify(address.as_bytes(), &targets, |host| host == "shop.example")
    }

    #[test]
    fn addresses_are_read_as_browsers_read_them() {
        for address in [
            "/",
            "",
            "/shop?to=https://evil.example",
            "shop",
            "?a",
            "#a",
            "../a",
            "/a:b",
            "\\shop",
            "./a:b",
            "https://shop.example",
            "http://shop.example:8443/a",
            "HTTPS://SHOP.EXAMPLE./a",
            "//shop.example/a",
            "https://pay.example/a?b",
            "https://pay.example:443",
            "https://a.b.login.example",
            "//pay.example",
            "shop-app:callback?code=1",
            " /a ",
            "/caf\u{e9}",
            "http://127.0.0.1:8080/x",
        ] {
            assert_eq!(judge(address), Ok(()), "{address:?}");
        }
        for address in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "///evil.example",
            "////evil.example",
            " //evil.example",
            "https:\\\\evil.example",
            "https:///evil.example",
            "http://pay.example",
            "https://pay.example:444",
            "https://login.example",
            "https://evillogin.example",
            "https://pay.example.evil.example",
            "https://evil.example/https://shop.example",
            "https://evil.example?.shop.example",
            "https://evil.example#.shop.example",
            "https://evil.example\\.shop.example",
            "https://2130706433",
            "https://shop.example.evil.example",
            "https://shop.example..",
            "http:/\\evil.example",
            "https:\\/evil.example/shop.example",
            "//xn--shp-0na.example",
        ] {
            assert_eq!(judge(address), Err(Violation::Elsewhere), "{address:?}");
        }
        for address in [
            "https://shop.example@evil.example",
            "https://evil.example@shop.example",
            "https:evil.example",
            "https:/evil.example",
            "/\t/evil.example",
            "\u{1}//evil.example/\u{7f}",
            "https://evil\u{3002}example",
            "https://evil.example%2f.shop.example",
            "https://",
            "https://[::1",
            "https://shop.example:99999",
            "https://shop.example:8a",
            "1:2",
            "h\u{e9}:a",
            "https://sh\u{f6}p.example",
            "https://shop.example%00.evil.example",
            "https://shop.example:80:80",
            "//@shop.example",
            "//",
        ] {
            assert_eq!(judge(address), Err(Violation::Ambiguous), "{address:?}");
        }
        for address in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "mailto:a@b",
            "ftp://a",
            "vbscript:x",
        ] {
            assert_eq!(judge(address), Err(Violation::Scheme), "{address:?}");
        }
    }

    #[test]
    fn only_origins_and_harmless_schemes_can_be_listed() {
        for text in ["https://pay.example", "http://pay.example:8080", "https://*.pay.example", "app:"] {
            assert!(Target::parse(text).is_some(), "{text}");
        }
        for text in [
            "pay.example",
            "https://pay.example/path",
            "//pay.example",
            "javascript:",
            "file:",
            "Data:",
            "https:",
            "*",
            "https://*",
            "https://pay.*.example",
            "https://a@b",
            "/x",
            "",
        ] {
            assert!(Target::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_address_in_a_refresh_is_found() {
        let rows: [(&str, Option<&str>); 11] = [
            ("5", None),
            ("5;", None),
            ("5; url=https://evil.example", Some("https://evil.example")),
            ("0;URL='//evil.example' x", Some("//evil.example")),
            ("0, url = \"/a\"", Some("/a")),
            ("0 https://evil.example", Some("https://evil.example")),
            ("0;url=", Some("")),
            ("0;uri=x", Some("uri=x")),
            ("0;url //evil.example", Some("url //evil.example")),
            ("0;;, url=//evil.example", Some("//evil.example")),
            ("0;\"//evil.example\"", Some("//evil.example")),
        ];
        for (value, expected) in rows {
            assert_eq!(refresh(value.as_bytes()), expected.map(str::as_bytes), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_stays_here_names_no_host(address in proptest::collection::vec(any::<u8>(), 0..40)) {
            if read(&address) == Ok(Address::Here) {
                let text: Vec<u8> = address.iter().copied().skip_while(|byte| *byte <= b' ').collect();
                prop_assert!(!(text.len() > 1 && text.iter().take(2).all(|byte| matches!(byte, b'/' | b'\\'))));
            }
            let _ = refresh(&address);
        }
    }
}
