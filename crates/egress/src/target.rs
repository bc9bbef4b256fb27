//! An address as text, read strictly: what parsers disagree about is refused before one sees it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use crate::address::Special;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub scheme: Scheme,
    pub authority: Authority,
    /// Path and query as they are sent.
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// Host and port; the host in lower case without a final dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    pub host: Host,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    Address(IpAddr),
    Name(String),
}

/// By which rule an address may not be reached. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("`{0}` is {1}")]
    Address(IpAddr, Special),
    #[error("it has a backslash")]
    Backslash,
    #[error("its host is no host name")]
    BadName,
    #[error("it has a control character or a space")]
    ControlOrSpace,
    #[error("it leads from https to http")]
    Downgrade,
    #[error("its host has an escape (`%`)")]
    EscapedHost,
    #[error("the field `{0}` is not the caller's to send")]
    Field(String),
    #[error("it cannot be read: {0}")]
    Malformed(&'static str),
    #[error("its host is not on the list")]
    NotListed,
    #[error("its host is an address in another form than `192.0.2.1`")]
    NumericHost,
    #[error("the port {0} is not allowed")]
    Port(u16),
    #[error("a request with a body is not sent on")]
    RedirectedBody,
    #[error("its scheme is not allowed")]
    Scheme,
    #[error("its host is a name for special use")]
    SpecialName,
    #[error("there were too many redirects")]
    TooManyRedirects,
    #[error("it has a user name or password")]
    UserInfo,
}

impl Target {
    /// Reads an absolute address.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        raw(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(Refusal::Scheme)?;
        let scheme = match scheme {
            scheme if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
            scheme if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err(Refusal::Scheme),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = Authority::read(authority, Some(scheme.port()))?;
        // The field's own parser must see the same: host, port, and what is sent as the path.
        let url = Url::parse(text).map_err(|_| Refusal::Malformed("no parser reads it"))?;
        let seen = url.host_str().unwrap_or_default().trim_end_matches('.');
        if seen != authority.host.to_string() || url.port_or_known_default() != Some(authority.port) {
            return Err(Refusal::Malformed("parsers disagree about its host"));
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self { scheme, authority, path })
    }

    /// What the field `Host` says.
    #[must_use]
    pub fn host(&self) -> String {
        let usual = self.authority.port == self.scheme.port();
        if usual { self.authority.host.to_string() } else { self.authority.to_string() }
    }

    /// Where a `Location` leads from here, as text that is still to be judged.
    pub(crate) fn redirected(&self, location: &str) -> Result<String, Refusal> {
        raw(location)?;
        let begins_with_scheme = location.split_once(':').is_some_and(|(scheme, _)| {
            scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        });
        if begins_with_scheme {
            return Ok(location.to_owned());
        }
        let base = Url::parse(&self.to_string()).map_err(|_| Refusal::Malformed("no parser reads it"))?;
        let joined = base.join(location).map_err(|_| Refusal::Malformed("no parser reads it"))?;
        Ok(joined.into())
    }
}

impl Authority {
    /// Reads `host:port`, both given.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        raw(text)?;
        Self::read(text, None)
    }

    fn read(text: &str, usual: Option<u16>) -> Result<Self, Refusal> {
        if text.contains('@') {
            return Err(Refusal::UserInfo);
        }
        if text.contains('%') {
            return Err(Refusal::EscapedHost);
        }
        if !text.is_ascii() {
            return Err(Refusal::Malformed("a name in another script is written as `xn--…`"));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (inside, after) =
                    rest.split_once(']').ok_or(Refusal::Malformed("a bracket is not closed"))?;
                let address: Ipv6Addr =
                    inside.parse().map_err(|_| Refusal::Malformed("no IPv6 address is in the brackets"))?;
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(Refusal::Malformed("something follows the brackets")),
                };
                (Host::Address(address.into()), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (name(host)?, Some(port)),
                None => (name(text)?, None),
            },
        };
        let port = match port {
            Some(port) => digits(port)?,
            None => usual.ok_or(Refusal::Malformed("the port is missing"))?,
        };
        Ok(Self { host, port })
    }
}

impl Scheme {
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// What no address has, wherever it stands.
fn raw(text: &str) -> Result<(), Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal::Malformed("it is too long"));
    }
    if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err(Refusal::ControlOrSpace);
    }
    if text.contains('\\') { Err(Refusal::Backslash) } else { Ok(()) }
}

/// A host that is not in brackets: an IPv4 address as it is always written, or a name.
fn name(text: &str) -> Result<Host, Refusal> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.is_empty() || name.len() > 253 || !name.split('.').all(is_label) {
        return Err(Refusal::BadName);
    }
    // WHATWG URL, 4.1 "ends in a number": some reader takes it for an address (`127.1`, `0x7f.1`).
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if hex || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::NumericHost);
    }
    Ok(Host::Name(name))
}

/// RFC 1123, 2.1, and the underscore that names in use have.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn digits(text: &str) -> Result<u16, Refusal> {
    let plain = (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if plain && port != 0 => Ok(port),
        _ => Err(Refusal::Malformed("its port is no number from 1 to 65535")),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V4(address)) => fmt::Display::fmt(address, formatter),
            // As the URL standard writes them.
            Self::Address(IpAddr::V6(address)) => {
                fmt::Display::fmt(&url::Host::<&str>::Ipv6(*address), formatter)
            }
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.scheme == Scheme::Https { "https" } else { "http" };
        write!(formatter, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// Longer ones are no addresses anybody types.
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_reading() {
        let target = Target::parse("HTTPS://Example.COM.:8443/a%20b?x=1#y").unwrap();
        assert_eq!(target.scheme, Scheme::Https);
        assert_eq!(target.authority.to_string(), "example.com:8443");
        assert_eq!(target.path, "/a%20b?x=1");
        assert_eq!(Target::parse("http://[2A00::1]").unwrap().authority.to_string(), "[2a00::1]:80");
    }

    #[test]
    fn where_a_redirect_leads() {
        let here = Target::parse("https://a.example.net/x/y?q").unwrap();
        let leads = |location| here.redirected(location);
        assert_eq!(leads("/z").unwrap(), "https://a.example.net/z");
        assert_eq!(leads("z").unwrap(), "https://a.example.net/x/z");
        assert_eq!(leads("//b.example.net/z").unwrap(), "https://b.example.net/z");
        // Not repaired: it is judged as it was written.
        assert_eq!(leads("http:127.0.0.1/").unwrap(), "http:127.0.0.1/");
        assert_eq!(leads("/\\b.example.net/"), Err(Refusal::Backslash));
        assert_eq!(leads("/a\tb"), Err(Refusal::ControlOrSpace));
    }

    proptest! {
        /// What is let through has one reading: written again, it reads the same.
        #[test]
        fn what_is_read_reads_the_same_again(
            text in "(https?://)?([a-z0-9.:@%\\[\\]\\\\-]|[０-９。①]|0x){0,20}(:[0-9]{0,5})?(/[ -~é]{0,8})?",
        ) {
            if let Ok(target) = Target::parse(&text) {
                let again = target.to_string();
                prop_assert_eq!(Target::parse(&again), Ok(target), "{:?}", again);
            }
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text in ".{0,60}") {
            let _ = Target::parse(&text);
            let _ = Authority::parse(&text);
        }
    }

    #[test]
    fn authorities_of_settings_have_a_port() {
        assert_eq!(Authority::parse("idp.internal:8443").unwrap().to_string(), "idp.internal:8443");
        assert_eq!(Authority::parse("[::1]:80").unwrap().to_string(), "[::1]:80");
        for wrong in ["idp.internal", "", ":80", "a:b", "a:0", "https://a:1", "a@b:1", "127.1:80", "a:1/"] {
            assert!(Authority::parse(wrong).is_err(), "{wrong}");
        }
    }
}
