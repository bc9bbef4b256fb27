//! Redirect URIs: where an answer may be sent.
//!
//! A redirect URI is one exact string; there is no pattern, no wildcard and no prefix in this type, so
//! none can be configured (authentik CVE-2024-52289, Keycloak CVE-2024-8883 and CVE-2026-3872 were all
//! patterns). Judged as raw text before any parser normalises it, so that what two parsers read
//! differently is refused.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use url::{Host, Url};

/// An address to which the browser may be sent back, exactly as it was registered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct RedirectUri(#[schemars(with = "String")] Arc<str>);

/// Why a text is no redirect URI. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRedirectUri {
    #[error("only printable ASCII without spaces, quotes, `<`, `>` and `\\` may stand in it")]
    Character,
    #[error("a fragment (`#`) may not stand in it")]
    Fragment,
    #[error("plain http is allowed on the loopback interface only: use https")]
    Insecure,
    #[error("an address has at most 2000 characters")]
    Length,
    #[error("it is not an absolute address with a host")]
    Parse,
    #[error("browsers do other things with that scheme than open an application")]
    Scheme,
    #[error("a name or password before the host (`@`) may not stand in it")]
    UserInfo,
    #[error("a wildcard (`*`) may not stand in it: register every address")]
    Wildcard,
}

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Https,
    /// Plain http to this very machine.
    Loopback,
    /// An application's own scheme (RFC 8252, 7.1).
    Private,
}

impl RedirectUri {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request that names `uri` means this address: the same bytes. One thing may differ, as
    /// RFC 8252, 7.3 demands: an address on a loopback IP that was registered without a port stands for
    /// the same address on any port, because a native application cannot know its port beforehand.
    #[must_use]
    pub fn matches(&self, uri: &str) -> bool {
        if *self.0 == *uri {
            return true;
        }
        LOOPBACK_WITHOUT_PORT.iter().any(|origin| {
            let path = |text: &str| text.strip_prefix(origin).map(str::to_owned);
            let (Some(own), Some(asked)) = (path(&self.0), path(uri)) else { return false };
            if own.starts_with(':') {
                return false;
            }
            let Some(port_and_path) = asked.strip_prefix(':') else { return false };
            let digits = port_and_path.bytes().take_while(u8::is_ascii_digit).count();
            let Some((port, rest)) = port_and_path.split_at_checked(digits) else { return false };
            rest == own && !port.starts_with('0') && port.parse::<u16>().is_ok()
        })
    }

    pub(super) fn kind(&self) -> Kind {
        if self.0.starts_with("https:") {
            Kind::Https
        } else if self.0.starts_with("http:") {
            Kind::Loopback
        } else {
            Kind::Private
        }
    }

    /// Scheme, host and port, for a content security policy; none for a private scheme.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        match self.kind() {
            Kind::Https | Kind::Loopback => Some(url.origin().ascii_serialization()),
            Kind::Private => None,
        }
    }
}

impl FromStr for RedirectUri {
    type Err = MalformedRedirectUri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use MalformedRedirectUri as Malformed;
        if text.is_empty() || text.len() > LONGEST {
            return Err(Malformed::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>')) {
            return Err(Malformed::Character);
        }
        if text.contains('#') {
            return Err(Malformed::Fragment);
        }
        if text.contains('*') {
            return Err(Malformed::Wildcard);
        }
        let (scheme, rest) = text.split_once(':').ok_or(Malformed::Parse)?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
        if !is_scheme || FOREIGN_SCHEMES.contains(&scheme) {
            return Err(Malformed::Scheme);
        }
        let url = Url::parse(text).map_err(|_| Malformed::Parse)?;
        if !matches!(scheme, "http" | "https") {
            return if rest.is_empty() || url.scheme() != scheme {
                Err(Malformed::Parse)
            } else if !url.username().is_empty() || url.password().is_some() {
                Err(Malformed::UserInfo)
            } else {
                Ok(Self(text.into()))
            };
        }
        let after = rest.strip_prefix("//").ok_or(Malformed::Parse)?;
        let authority = after.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(Malformed::UserInfo);
        }
        // A host that the parser had to change (percent signs, odd IPv4 spellings) is one that another
        // parser reads differently.
        let host = url.host_str().ok_or(Malformed::Parse)?;
        let spelled = authority.to_ascii_lowercase();
        let plain = spelled.strip_prefix(host).is_some_and(|port| {
            port.is_empty()
                || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
        });
        if !plain {
            return Err(Malformed::Parse);
        }
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        };
        if scheme == "http" && !loopback {
            return Err(Malformed::Insecure);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format_args!("`{text}`: {error}")))
    }
}

const LONGEST: usize = 2000;

const LOOPBACK_WITHOUT_PORT: &[&str] = &["http://127.0.0.1", "http://[::1]"];

/// Run, render or read something themselves, or are not applications' own.
const FOREIGN_SCHEMES: &[&str] = &[
    "about",
    "blob",
    "chrome",
    "content",
    "cid",
    "data",
    "file",
    "filesystem",
    "ftp",
    "gopher",
    "intent",
    "jar",
    "javascript",
    "livescript",
    "mailto",
    "mid",
    "mocha",
    "ms-settings",
    "res",
    "resource",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example/callback",
            "https://APP.example:8443/cb?tenant=1",
            "https://app.example",
            "https://xn--bcher-kva.example/",
            "http://localhost:3000/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:49152/cb",
            "com.example.app:/oauth",
            "com.example.app://oauth/cb",
            "cursor://anysphere.cursor-retrieval/oauth/callback",
        ] {
            assert_eq!(good.parse::<RedirectUri>().map(|uri| uri.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn what_may_not() {
        use MalformedRedirectUri as Malformed;
        for (bad, why) in [
            ("", Malformed::Length),
            ("https://app.example/#fragment", Malformed::Fragment),
            ("https://*.app.example/cb", Malformed::Wildcard),
            ("https://app.example/*", Malformed::Wildcard),
            ("https://user@app.example/cb", Malformed::UserInfo),
            ("https://app.example@evil.example/", Malformed::UserInfo),
            ("https://app.example\\@evil.example/", Malformed::Character),
            ("https://app.example/ cb", Malformed::Character),
            ("https://app.example/\tcb", Malformed::Character),
            ("https://äpp.example/", Malformed::Character),
            ("http://app.example/cb", Malformed::Insecure),
            ("http://127.0.0.1.evil.example/", Malformed::Insecure),
            ("http://localhost.evil.example/", Malformed::Insecure),
            ("http://2130706433/", Malformed::Parse),
            ("http://0x7f.1/", Malformed::Parse),
            ("https://app%2eexample/", Malformed::Parse),
            ("https:/app.example/", Malformed::Parse),
            ("https://app.example:/cb", Malformed::Parse),
            ("https://app.example:0/cb", Malformed::Parse),
            ("https:///cb", Malformed::Parse),
            ("//app.example/cb", Malformed::Parse),
            ("/cb", Malformed::Parse),
            ("javascript:alert(1)", Malformed::Scheme),
            ("JavaScript:alert(1)", Malformed::Scheme),
            ("HTTPS://app.example/", Malformed::Scheme),
            ("data:text/html,x", Malformed::Scheme),
            ("file:///etc/passwd", Malformed::Scheme),
        ] {
            assert_eq!(bad.parse::<RedirectUri>(), Err(why), "{bad}");
        }
        let long = format!("https://app.example/{}", "x".repeat(2000));
        assert_eq!(long.parse::<RedirectUri>(), Err(Malformed::Length));
    }

    /// identity.md 2b: patterns in redirect URIs (authentik, Keycloak, better-auth).
    #[test]
    fn authentik_cve_2024_52289_keycloak_cve_2026_3872_nothing_but_the_same_bytes_matches() {
        let uri: RedirectUri = "https://app.example/cb".parse().unwrap();
        assert!(uri.matches("https://app.example/cb"));
        for other in [
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/cb#x",
            "https://app.example/CB",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://app.example/./cb",
            "https://app.example/%63b",
            "https://app.example/cb/../cb",
            "https://appXexample/cb",
            "https://app.example.evil.example/cb",
            "http://app.example/cb",
            " https://app.example/cb",
            "",
        ] {
            assert!(!uri.matches(other), "{other}");
        }
    }

    #[test]
    fn a_loopback_address_without_a_port_is_on_every_port() {
        let uri: RedirectUri = "http://127.0.0.1/cb".parse().unwrap();
        assert!(uri.matches("http://127.0.0.1:49152/cb") && uri.matches("http://127.0.0.1/cb"));
        for other in [
            "http://127.0.0.1:49152/cb2",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:080/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1:80.evil.example/cb",
            "http://localhost:49152/cb",
            "https://127.0.0.1:49152/cb",
        ] {
            assert!(!uri.matches(other), "{other}");
        }
        let fixed: RedirectUri = "http://127.0.0.1:3000/cb".parse().unwrap();
        assert!(!fixed.matches("http://127.0.0.1:3001/cb") && !fixed.matches("http://127.0.0.1:13000/cb"));
        let name: RedirectUri = "http://localhost/cb".parse().unwrap();
        assert!(!name.matches("http://localhost:3000/cb"), "a name can resolve elsewhere");
        let six: RedirectUri = "http://[::1]/cb".parse().unwrap();
        assert!(six.matches("http://[::1]:5000/cb"));
    }

    #[test]
    fn the_origin_for_a_policy() {
        let origin = |uri: &str| uri.parse::<RedirectUri>().unwrap().origin();
        assert_eq!(origin("https://app.example/cb?x"), Some("https://app.example".to_owned()));
        assert_eq!(origin("http://127.0.0.1:3000/cb"), Some("http://127.0.0.1:3000".to_owned()));
        assert_eq!(origin("com.example.app:/cb"), None);
    }

    proptest! {
        #[test]
        fn what_is_accepted_has_neither_wildcard_nor_fragment_nor_name(text in "(https?|com\\.x)://[ -~]{0,40}") {
            if let Ok(uri) = text.parse::<RedirectUri>() {
                prop_assert!(!uri.as_str().contains(['*', '#', '\\', ' ']));
                let url = Url::parse(uri.as_str()).unwrap();
                prop_assert!(url.username().is_empty() && url.password().is_none());
                prop_assert!(uri.matches(&text));
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,100}") {
            let _ = text.parse::<RedirectUri>();
        }
    }
}
