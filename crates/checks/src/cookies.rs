//! Cookies the application sets.
//!
//! Control: `session.cookies`
//!
//! **Standard.** RFC 6265bis §4.1, §5.7; ASVS 5.0 V3.3.1–V3.3.4.
//!
//! **Threat.** Spoofing and disclosure: CWE-1004 (readable by scripts), CWE-614 (sent in clear), CWE-1275
//! (`SameSite` missing), CWE-384 (a cookie of the gate planted by the application).
//!
//! **Rules.**
//! 1. `HttpOnly` is added, except to cookies listed in `readable`.
//! 2. Over TLS `Secure` is added.
//! 3. `SameSite=Lax` is added where the application says nothing; its own word stays. `SameSite=None` without TLS
//!    cannot work and becomes `Lax`.
//! 4. A cookie with a name of the gate's is dropped, in whatever case; so is one without a name whose value
//!    would come back as a name and a value.
//! 5. `__Host-` and `__Secure-` cookies that break their promise (`Domain`, another `Path`, no TLS) are dropped:
//!    browsers would, but other programs would believe them.
//!
//! **Answer.** Never refuses.
//!
//! **Default.** On. Readable are the usual names of CSRF cookies that scripts must copy.
//!
//! **Caveat.** A front end that reads other cookies needs them in `readable`.
//!
//! **Example.** `Set-Cookie: sid=1` leaves as `sid=1; HttpOnly; Secure; SameSite=Lax`.

use gabion_identity::cookie;
use gabion_model::{ControlId, Problem};
use http::HeaderValue;
use http::header::SET_COOKIE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::answer::{Answer, Source};
use crate::check::{Check, Mode};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;

/// `[checks.cookies]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// Names of cookies that scripts may read.
    pub readable: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let readable = ["XSRF-TOKEN", "csrftoken", "csrf_token", "_csrf"];
        Self { mode: Mode::Enforce, readable: readable.map(str::to_owned).into() }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// What becomes of one `Set-Cookie` value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hardened {
    Drop,
    Keep,
    Replace(Vec<u8>),
}

/// The rules for one value.
#[must_use]
pub fn verify(value: &[u8], secure: bool, readable: &[String]) -> Hardened {
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let pair = parts.next().unwrap_or_default();
    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
    // Without a name the value is sent alone, and `=gabion-dev=…` comes back as a cookie of ours.
    if is_own_name(name) || name.is_empty() && pair.iter().filter(|byte| **byte == b'=').count() > 1 {
        return Hardened::Drop;
    }
    let mut seen = Attributes::default();
    for attribute in parts {
        seen.note(attribute);
    }
    let prefixed =
        |prefix: &[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let host_prefix = prefixed(b"__Host-");
    if (host_prefix || prefixed(b"__Secure-")) && !secure || host_prefix && (seen.domain || !seen.root) {
        return Hardened::Drop;
    }
    let http_only = !seen.http_only && !readable.iter().any(|own| own.as_bytes() == name);
    let add_secure = secure && !seen.secure;
    let hopeless = seen.same_site_none && !secure;
    let same_site = !seen.same_site || hopeless;
    if !http_only && !add_secure && !same_site {
        return Hardened::Keep;
    }
    let mut hardened = Vec::with_capacity(value.len() + 36);
    for part in value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
        if hopeless && attribute_name(part).eq_ignore_ascii_case(b"samesite") {
            continue;
        }
        if !hardened.is_empty() {
            hardened.extend_from_slice(b"; ");
        }
        hardened.extend_from_slice(part);
    }
    for (add, text) in
        [(http_only, &b"; HttpOnly"[..]), (add_secure, &b"; Secure"[..]), (same_site, &b"; SameSite=Lax"[..])]
    {
        if add {
            hardened.extend_from_slice(text);
        }
    }
    Hardened::Replace(hardened)
}

#[derive(Debug, Default)]
struct Attributes {
    domain: bool,
    http_only: bool,
    root: bool,
    same_site: bool,
    same_site_none: bool,
    secure: bool,
}

impl Attributes {
    fn note(&mut self, attribute: &[u8]) {
        let name = attribute_name(attribute);
        let value = attribute.get(name.len()..).unwrap_or_default();
        let value = value.trim_ascii_start().strip_prefix(b"=").unwrap_or_default().trim_ascii();
        match name.trim_ascii() {
            name if name.eq_ignore_ascii_case(b"domain") => self.domain |= !value.is_empty(),
            name if name.eq_ignore_ascii_case(b"httponly") => self.http_only = true,
            name if name.eq_ignore_ascii_case(b"path") => self.root = value == b"/",
            name if name.eq_ignore_ascii_case(b"secure") => self.secure = true,
            name if name.eq_ignore_ascii_case(b"samesite") => {
                // An unknown word means the browser's default, which is not the same everywhere.
                self.same_site_none = value.eq_ignore_ascii_case(b"none");
                self.same_site = self.same_site_none
                    || value.eq_ignore_ascii_case(b"lax")
                    || value.eq_ignore_ascii_case(b"strict");
            }
            _ => {}
        }
    }
}

fn attribute_name(attribute: &[u8]) -> &[u8] {
    attribute.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

/// A name of the gate's, in whatever case.
pub(crate) fn is_own_name(name: &[u8]) -> bool {
    cookie::is_own_name(name)
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.cookies.mode, Cookies::new(&needs.settings.cookies))
}

/// The check.
#[derive(Debug)]
pub struct Cookies {
    readable: Vec<String>,
}

impl Cookies {
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { readable: settings.readable.clone() }
    }
}

impl Check for Cookies {
    fn name(&self) -> &'static str {
        "cookies"
    }

    fn control(&self) -> ControlId {
        ControlId::SESSION_COOKIES
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        let headers = &mut answer.head.headers;
        if answer.source != Source::Upstream || !headers.contains_key(SET_COOKIE) {
            return;
        }
        let mut kept: SmallVec<[HeaderValue; 4]> = SmallVec::new();
        for value in headers.get_all(SET_COOKIE) {
            match verify(value.as_bytes(), exchange.secure, &self.readable) {
                Hardened::Drop => {}
                Hardened::Keep => kept.push(value.clone()),
                Hardened::Replace(bytes) => kept.extend(HeaderValue::from_bytes(&bytes)),
            }
        }
        headers.remove(SET_COOKIE);
        for value in kept {
            headers.append(SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hardened(value: &str, secure: bool) -> Option<String> {
        let readable = Settings::default().readable;
        match verify(value.as_bytes(), secure, &readable) {
            Hardened::Drop => None,
            Hardened::Keep => Some(value.to_owned()),
            Hardened::Replace(bytes) => Some(String::from_utf8(bytes).unwrap()),
        }
    }

    #[test]
    fn attributes_are_added_and_kept() {
        let rows = [
            ("sid=1", true, Some("sid=1; HttpOnly; Secure; SameSite=Lax")),
            ("sid=1", false, Some("sid=1; HttpOnly; SameSite=Lax")),
            (
                "sid=1; secure; httponly; samesite=strict",
                true,
                Some("sid=1; secure; httponly; samesite=strict"),
            ),
            ("XSRF-TOKEN=1; Path=/", true, Some("XSRF-TOKEN=1; Path=/; Secure; SameSite=Lax")),
            ("w=1; HttpOnly; SameSite=None; Secure", true, Some("w=1; HttpOnly; SameSite=None; Secure")),
            ("w=1; SameSite=None; Secure", false, Some("w=1; Secure; HttpOnly; SameSite=Lax")),
            ("__host-gabion=stolen", true, None),
            ("gabion-dev =planted", false, None),
            ("=gabion-dev=planted", false, None),
            (" = __Host-gabion=planted", true, None),
            ("__Host-x=1; Path=/; Secure; Domain=a.example", true, None),
            ("__Host-x=1; Path=/app; Secure", true, None),
            ("__Secure-x=1", false, None),
            ("__HOST-x=1; Secure; Path=/; DOMAIN=a.example", true, None),
            ("__Host-x=1; Secure; Path=/; Path=/app", true, None),
            (
                "sid=1; SameSite=Strict; SameSite=None",
                true,
                Some("sid=1; SameSite=Strict; SameSite=None; HttpOnly; Secure"),
            ),
            (
                "sid=1; samesite=nonsense",
                true,
                Some("sid=1; samesite=nonsense; HttpOnly; Secure; SameSite=Lax"),
            ),
            ("sid=1; HttpOnly=no; Secure=no", true, Some("sid=1; HttpOnly=no; Secure=no; SameSite=Lax")),
            ("sid=1;;; ; Path=/", false, Some("sid=1; ; ; ; Path=/; HttpOnly; SameSite=Lax")),
            ("xsrf-token=1", false, Some("xsrf-token=1; HttpOnly; SameSite=Lax")),
            ("__Host-x=1; Path=/", true, Some("__Host-x=1; Path=/; HttpOnly; Secure; SameSite=Lax")),
        ];
        for (value, secure, expected) in rows {
            assert_eq!(hardened(value, secure).as_deref(), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_leaves_is_hard_and_hardening_it_again_changes_nothing(
            name in "[a-zA-Z]{1,8}", value in "[!-+.-:<-~]{0,12}",
            attributes in "(; ?(Secure|HttpOnly|SameSite=(Lax|None|x)|Path=/[a-z]{0,3}|Domain=a\\.b)){0,4}",
            secure: bool,
        ) {
            let given = format!("{name}={value}{attributes}");
            let Some(once) = hardened(&given, secure) else { return Err(TestCaseError::fail("dropped")) };
            let lower = once.to_ascii_lowercase();
            let pair = format!("{name}={value}");
            prop_assert!(once.starts_with(&pair));
            prop_assert!(lower.contains("; httponly") && lower.contains("samesite=") || lower.contains(";httponly"));
            prop_assert!(!secure || lower.contains("secure"));
            prop_assert_eq!(hardened(&once, secure), Some(once));
        }
    }
}
