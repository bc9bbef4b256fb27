//! Who is believed about the client's address.
//!
//! Control: `authz.trusted-identity`
//!
//! **Standard.** RFC 7239 (`Forwarded`), ASVS 5.0 V4.1.3.
//!
//! **Threat.** Spoofing: CWE-290, CWE-348. A client that can name its own address escapes every limit per
//! address and puts somebody else's into the record.
//!
//! **Rules.**
//! 1. Without trusted proxies the client is the peer of the connection, whatever the request says.
//! 2. From a trusted proxy exactly one kind of field is read (`header`), from right to left: addresses of
//!    trusted proxies are skipped, the first other one is the client.
//! 3. An element that is not an address (`unknown`, a name, an obfuscated node) makes the request
//!    ambiguous: refused.
//! 4. Whether the client speaks TLS is taken from the same hop: the last `X-Forwarded-Proto`, or the
//!    `proto` of the last `Forwarded` element.
//! 5. IPv4 addresses mapped into IPv6 count as IPv4.
//!
//! **Answer.** 400.
//!
//! **Default.** No proxy is trusted. There is no default network, on purpose.
//!
//! **Caveat.** A trusted proxy must append to the field (or replace it), never pass it on untouched.
//! `X-Forwarded-Host` is never read: configure the proxy to keep `Host`.
//!
//! **Example.** `trusted_proxies = ["10.0.0.0/8"]` and a request from 10.0.0.7 with
//! `X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.3`: the client is 203.0.113.9.

use std::net::IpAddr;

use gabion_model::{ControlId, Problem};
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::settings::never_off;

/// `[checks.client_address]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce` or `observe`.
    pub mode: Mode,
    /// Addresses or networks of the proxies before the gate, for instance `"10.0.0.0/8"`. Empty: none.
    pub trusted_proxies: Vec<String>,
    /// The field those proxies write.
    pub header: Field,
}

/// The field a trusted proxy writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = never_off(self.mode);
        for (index, text) in self.trusted_proxies.iter().enumerate() {
            match Network::parse(text) {
                None => problems.push(
                    Problem::new(
                        format!("trusted_proxies[{index}]"),
                        format!("`{text}` is not an address or network"),
                    )
                    .hint("for instance `10.0.0.7` or `10.0.0.0/8`"),
                ),
                Some(Network { prefix: 0, .. }) => problems.push(
                    Problem::new(
                        format!("trusted_proxies[{index}]"),
                        format!("`{text}` trusts everybody about their own address"),
                    )
                    .hint("name the proxies"),
                ),
                Some(_) => {}
            }
        }
        problems
    }
}

/// An address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        (prefix <= longest).then_some(Self { address, prefix })
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = |bits: u32| bits - u32::from(self.prefix);
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// What a trusted proxy says about the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub client: IpAddr,
    /// `None`: the proxy does not say.
    pub secure: Option<bool>,
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("forwarding field holds something that is not an address")]
    NotAnAddress,
    #[error("forwarding field cannot be parsed")]
    NotParsable,
    #[error("forwarded protocol is neither http nor https")]
    NotAProtocol,
}

/// Who is the client of a request from `peer`?
pub fn verify(
    trusted: &[Network],
    field: Field,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<Claim, Violation> {
    let trusts = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let nothing = Claim { client: peer, secure: None };
    if !trusts(peer) {
        return Ok(nothing);
    }
    let mut claim = nothing;
    match field {
        Field::XForwardedFor => {
            for value in headers.get_all(X_FORWARDED_FOR).iter().rev() {
                let text = value.to_str().map_err(|_| Violation::NotParsable)?;
                for element in text.rsplit(',') {
                    claim.client = address(element.trim()).ok_or(Violation::NotAnAddress)?;
                    if !trusts(claim.client) {
                        claim.secure = last_proto(headers)?;
                        return Ok(claim);
                    }
                }
            }
            claim.secure = last_proto(headers)?;
        }
        Field::Forwarded => {
            let mut last = true;
            for value in headers.get_all(FORWARDED).iter().rev() {
                let text = value.to_str().map_err(|_| Violation::NotParsable)?;
                for element in elements(text)?.iter().rev() {
                    let (node, proto) = forwarded(element)?;
                    if std::mem::take(&mut last) {
                        claim.secure = proto.map(secure).transpose()?;
                    }
                    claim.client = address(node).ok_or(Violation::NotAnAddress)?;
                    if !trusts(claim.client) {
                        return Ok(claim);
                    }
                }
            }
        }
    }
    Ok(claim)
}

fn last_proto(headers: &HeaderMap) -> Result<Option<bool>, Violation> {
    let Some(value) = headers.get_all(X_FORWARDED_PROTO).iter().next_back() else { return Ok(None) };
    let text = value.to_str().map_err(|_| Violation::NotParsable)?;
    text.rsplit(',').next().map(|last| secure(last.trim())).transpose()
}

fn secure(proto: &str) -> Result<bool, Violation> {
    match proto {
        _ if proto.eq_ignore_ascii_case("https") => Ok(true),
        _ if proto.eq_ignore_ascii_case("http") => Ok(false),
        _ => Err(Violation::NotAProtocol),
    }
}

/// `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse::<std::net::Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())
}

/// Splits at commas outside quotes.
fn elements(text: &str) -> Result<Vec<&str>, Violation> {
    split(text, ',')
}

fn split(text: &str, separator: char) -> Result<Vec<&str>, Violation> {
    let mut quoted = false;
    let parts = text.split(|character| {
        if character == '"' {
            quoted = !quoted;
        }
        character == separator && !quoted
    });
    let parts: Vec<&str> = parts.map(str::trim).collect();
    // A backslash inside quotes escapes: no address needs one.
    if quoted || text.contains('\\') { Err(Violation::NotParsable) } else { Ok(parts) }
}

/// The `for` and `proto` of one element.
fn forwarded(element: &str) -> Result<(&str, Option<&str>), Violation> {
    let (mut node, mut proto) = (None, None);
    for pair in split(element, ';')? {
        let (name, value) = pair.split_once('=').ok_or(Violation::NotParsable)?;
        let value = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'));
        let value = value.ok_or(Violation::NotParsable)?;
        let slot = match () {
            () if name.eq_ignore_ascii_case("for") => &mut node,
            () if name.eq_ignore_ascii_case("proto") => &mut proto,
            () => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Violation::NotParsable);
        }
    }
    Ok((node.ok_or(Violation::NotAnAddress)?, proto))
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        Self::new(
            ControlId::AUTHZ_TRUSTED_IDENTITY,
            StatusCode::BAD_REQUEST,
            "The request is malformed or ambiguous.",
            violation.to_string(),
        )
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.client_address.mode, ClientAddress::new(&needs.settings.client_address))
}

/// The check.
#[derive(Debug)]
pub struct ClientAddress {
    trusted: Vec<Network>,
    field: Field,
}

impl ClientAddress {
    pub(crate) fn new(settings: &Settings) -> Self {
        let trusted = settings.trusted_proxies.iter().filter_map(|text| Network::parse(text)).collect();
        Self { trusted, field: settings.header }
    }
}

impl Check for ClientAddress {
    fn name(&self) -> &'static str {
        "client_address"
    }

    fn control(&self) -> ControlId {
        ControlId::AUTHZ_TRUSTED_IDENTITY
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if self.trusted.is_empty() {
            return Ok(());
        }
        let peer = exchange.client;
        exchange.trusted_peer = self.trusted.iter().any(|network| network.contains(peer));
        let claim = verify(&self.trusted, self.field, peer, &head.headers).map_err(Denial::from)?;
        exchange.client = claim.client;
        exchange.secure = claim.secure.unwrap_or(exchange.secure);
        Ok(())
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const XFF: Field = Field::XForwardedFor;

    #[test]
    fn nobody_is_trusted_by_default() {
        assert!(Settings::default().trusted_proxies.is_empty());
        let map = headers("x-forwarded-for", &["6.6.6.6"]);
        assert_eq!(verify(&[], XFF, ip("127.0.0.1"), &map).unwrap().client, ip("127.0.0.1"));
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        let trusted = [Network::parse("10.0.0.0/8").unwrap(), Network::parse("2001:db8::/32").unwrap()];
        let of = |field, name, values: &[&str]| {
            verify(&trusted, field, ip("10.0.0.7"), &headers(name, values)).map(|claim| claim.client)
        };
        let xff = |values: &[&str]| of(XFF, "x-forwarded-for", values);
        assert_eq!(xff(&["6.6.6.6, 203.0.113.9, 10.0.0.3"]), Ok(ip("203.0.113.9")));
        assert_eq!(xff(&["6.6.6.6", "203.0.113.9", "10.0.0.3"]), Ok(ip("203.0.113.9")));
        assert_eq!(xff(&["::ffff:203.0.113.9"]), Ok(ip("203.0.113.9")));
        assert_eq!(xff(&["203.0.113.9:4711"]), Ok(ip("203.0.113.9")));
        assert_eq!(xff(&["10.0.0.4, 10.0.0.3"]), Ok(ip("10.0.0.4")));
        assert_eq!(xff(&[]), Ok(ip("10.0.0.7")));
        assert_eq!(xff(&["evil, 10.0.0.3"]), Err(Violation::NotAnAddress));
        assert_eq!(xff(&["1.2.3.4,"]), Err(Violation::NotAnAddress));
        let rfc = |values: &[&str]| of(Field::Forwarded, "forwarded", values);
        assert_eq!(
            rfc(&["for=6.6.6.6, for=\"[2001:db9::1]:80\";proto=https, for=10.0.0.3"]),
            Ok(ip("2001:db9::1"))
        );
        assert_eq!(rfc(&["for=unknown"]), Err(Violation::NotAnAddress));
        assert_eq!(rfc(&["for=1.2.3.4;for=5.6.7.8"]), Err(Violation::NotParsable));
        assert_eq!(rfc(&["for=\"1.2.3.4"]), Err(Violation::NotParsable));
    }

    #[test]
    fn the_protocol_comes_from_the_same_hop() {
        let trusted = [Network::parse("10.0.0.7").unwrap()];
        let mut map = headers("x-forwarded-for", &["203.0.113.9"]);
        map.append("x-forwarded-proto", HeaderValue::from_static("https, http"));
        assert_eq!(verify(&trusted, XFF, ip("10.0.0.7"), &map).unwrap().secure, Some(false));
        map.append("x-forwarded-proto", HeaderValue::from_static("gopher"));
        assert_eq!(verify(&trusted, XFF, ip("10.0.0.7"), &map), Err(Violation::NotAProtocol));
    }

    #[test]
    fn trusting_everybody_is_a_configuration_error() {
        let settings =
            Settings { trusted_proxies: vec!["0.0.0.0/0".into(), "x".into()], ..Settings::default() };
        assert_eq!(settings.problems().len(), 2);
    }

    proptest! {
        #[test]
        fn what_an_untrusted_peer_writes_has_no_effect(value in "[ -~]{0,40}", peer: u32, forwarded: bool) {
            let peer = IpAddr::V4(peer.into());
            let trusted = [Network::parse("10.0.0.0/8").unwrap()];
            prop_assume!(!trusted[0].contains(peer));
            let (field, name) = if forwarded { (Field::Forwarded, "forwarded") } else { (XFF, "x-forwarded-for") };
            let claim = verify(&trusted, field, peer, &headers(name, &[&value]));
            prop_assert_eq!(claim, Ok(Claim { client: peer, secure: None }));
        }

        #[test]
        fn what_the_client_puts_before_the_proxy_has_no_effect(junk in "[ -+.-~]{0,30}", client: u32, field: bool) {
            let client = IpAddr::V4(client.into());
            let trusted = [Network::parse("10.0.0.0/8").unwrap()];
            prop_assume!(!trusted[0].contains(client) && !junk.contains(['"', '\\']));
            let (field, map) = if field {
                (Field::Forwarded, headers("forwarded", &[&format!("{junk}, for={client}")]))
            } else {
                (XFF, headers("x-forwarded-for", &[&format!("{junk}, {client}")]))
            };
            prop_assert_eq!(verify(&trusted, field, ip("10.1.2.3"), &map).map(|claim| claim.client), Ok(client));
        }

        #[test]
        fn networks_agree_with_arithmetic(own: u32, other: u32, prefix in 0_u8..=32) {
            let network = Network { address: IpAddr::V4(own.into()), prefix };
            let inside = u64::from(own) >> (32 - prefix) == u64::from(other) >> (32 - prefix);
            prop_assert_eq!(network.contains(IpAddr::V4(other.into())), inside);
        }
    }
}
