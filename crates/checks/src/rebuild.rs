//! Rebuilding a message between its two connections: what belongs to one hop or was claimed by the
//! client goes out, what the gate knows goes in.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::header::{ACCEPT_ENCODING, CONNECTION, COOKIE, HOST, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, request, response};
use smallvec::SmallVec;

use crate::exchange::Exchange;
use crate::request_id::X_REQUEST_ID;

/// Takes hop-by-hop and trusted fields out of a request. Keeps a WebSocket handshake and notes it.
/// Answers whether a field imitates a trusted one by `_` or another sign.
pub(crate) fn strip(head: &mut request::Parts, exchange: &mut Exchange, no_body: bool) -> bool {
    exchange.upgrade = no_body && is_websocket(head);
    strip_nominated(&mut head.headers);
    let mut imitation = false;
    let mut doomed: SmallVec<[HeaderName; 8]> = SmallVec::new();
    for name in head.headers.keys() {
        match judge(name.as_str()) {
            Fate::Keep => {}
            Fate::Imitates => {
                imitation = true;
                doomed.push(name.clone());
            }
            Fate::Remove => doomed.push(name.clone()),
        }
    }
    for name in doomed {
        head.headers.remove(name);
    }
    if exchange.upgrade {
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    imitation
}

/// Puts in what the upstream is told: one `Host`, where the request came from, no cookie of the gate.
pub(crate) fn finish(head: &mut request::Parts, exchange: &Exchange) {
    head.version = Version::HTTP_11;
    if let Some(host) = &exchange.host {
        head.headers.insert(HOST, host.clone());
        head.headers.insert(X_FORWARDED_HOST, host.clone());
    }
    let proto = if exchange.secure { "https" } else { "http" };
    head.headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
    if let Some(client) = address(exchange.client) {
        head.headers.insert(X_FORWARDED_FOR, client);
    }
    if exchange.plain_answer {
        head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    drop_own_cookies(&mut head.headers);
}

/// Takes hop-by-hop fields out of an answer; those of a 101 stay.
pub(crate) fn strip_answer(head: &mut response::Parts) {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    strip_nominated(&mut head.headers);
    remove_where(&mut head.headers, |name| name != "expect" && is_hop_by_hop(name));
}

/// Removes the fields with certain names: one look at each there is, instead of one search for each
/// there might be.
pub(crate) fn remove_where(headers: &mut HeaderMap, doomed: impl Fn(&str) -> bool) {
    let found: SmallVec<[HeaderName; 4]> =
        headers.keys().filter(|name| doomed(name.as_str())).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Fields that `Connection` names belong to the hop (RFC 9110 §7.6.1).
fn strip_nominated(headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let mut nominated: SmallVec<[HeaderName; 4]> = SmallVec::new();
    for value in headers.get_all(CONNECTION) {
        for name in value.as_bytes().split(|byte| *byte == b',') {
            let name = name.trim_ascii();
            if !name.eq_ignore_ascii_case(b"close") && !name.eq_ignore_ascii_case(b"keep-alive") {
                nominated.extend(HeaderName::from_bytes(name));
            }
        }
    }
    for name in nominated {
        // Nobody may take the length, the host or the id out of a request by naming it.
        if name != HOST && name != http::header::CONTENT_LENGTH && name != X_REQUEST_ID {
            headers.remove(name);
        }
    }
}

enum Fate {
    Imitates,
    Keep,
    Remove,
}

fn judge(name: &str) -> Fate {
    // CGI-like applications read `-`, `_` and often every other sign as `_`.
    let is_sign = |byte: u8| !byte.is_ascii_alphanumeric() && byte != b'-';
    if name.bytes().any(is_sign) {
        let hyphened = name.replace(|sign: char| !sign.is_ascii_alphanumeric(), "-");
        let trusted =
            is_trusted(&hyphened) || is_hop_by_hop(&hyphened) || IMITATED.contains(&hyphened.as_str());
        return if trusted { Fate::Imitates } else { Fate::Keep };
    }
    if is_trusted(name) || is_hop_by_hop(name) { Fate::Remove } else { Fate::Keep }
}

fn is_hop_by_hop(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(b'c') => name == "connection",
        Some(b'e') => name == "expect",
        Some(b'h') => name == "http2-settings",
        Some(b'k') => name == "keep-alive",
        // `Proxy` becomes the environment's HTTP_PROXY in CGI programs (CVE-2016-5385).
        Some(b'p') => {
            matches!(name, "proxy" | "proxy-connection" | "proxy-authorization" | "proxy-authenticate")
        }
        Some(b't') => matches!(name, "te" | "trailer" | "transfer-encoding"),
        Some(b'u') => name == "upgrade",
        _ => false,
    }
}

/// Fields applications believe when they come from a proxy: who is calling, from where, for what.
fn is_trusted(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(b'c') => {
            matches!(
                name,
                "cf-connecting-ip" | "cf-connecting-ipv6" | "client-cert" | "client-cert-chain" | "client-ip"
            ) || name.starts_with("cf-access-")
        }
        Some(b'f') => matches!(name, "forwarded" | "fastly-client-ip" | "forwarded-for"),
        Some(b'g') => name.starts_with("gabion-"),
        Some(b'r') => matches!(name, "remote-user" | "remote-groups" | "remote-email" | "remote-name"),
        Some(b's') => name.starts_with("ssl-client-"),
        Some(b't') => name == "true-client-ip" || name.starts_with("tailscale-user-"),
        Some(b'x') => {
            TRUSTED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || TRUSTED_NAMES.contains(&name)
        }
        _ => false,
    }
}

/// RFC 6455 §4.2.1, as far as the head goes.
fn is_websocket(head: &request::Parts) -> bool {
    let mut upgrades = head.headers.get_all(UPGRADE).iter();
    let websocket = upgrades.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && upgrades.next().is_none();
    websocket
        && head.method == Method::GET
        && head.version == Version::HTTP_11
        && head.headers.get_all(CONNECTION).iter().any(|value| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
        })
        && head.headers.get_all(SEC_WEBSOCKET_KEY).iter().count() == 1
        && head.headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
}

/// Removes the gate's cookies; joins what HTTP/2 may have split (RFC 9113 §8.2.3).
fn drop_own_cookies(headers: &mut HeaderMap) {
    let mut fields = headers.get_all(COOKIE).iter();
    let (Some(first), more) = (fields.next(), fields.next().is_some()) else { return };
    if !more && !has_own(first.as_bytes()) {
        return;
    }
    let mut kept: SmallVec<[u8; 512]> = SmallVec::new();
    for field in headers.get_all(COOKIE) {
        for pair in field.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            if pair.is_empty() || is_own(pair) {
                continue;
            }
            if !kept.is_empty() {
                kept.extend_from_slice(b"; ");
            }
            kept.extend_from_slice(pair);
        }
    }
    match HeaderValue::from_bytes(&kept) {
        Ok(value) if !kept.is_empty() => {
            headers.insert(COOKIE, value);
        }
        _ => {
            headers.remove(COOKIE);
        }
    }
}

fn has_own(field: &[u8]) -> bool {
    field.split(|byte| *byte == b';').any(|pair| is_own(pair.trim_ascii()))
}

fn is_own(pair: &[u8]) -> bool {
    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
    crate::cookies::is_own_name(name)
}

/// The address as text, without going through a `String`.
fn address(address: IpAddr) -> Option<HeaderValue> {
    let mut text = Stack { bytes: [0; 46], length: 0 };
    write!(text, "{address}").ok()?;
    HeaderValue::from_bytes(text.bytes.get(..text.length)?).ok()
}

/// Room for the longest address.
struct Stack {
    bytes: [u8; 46],
    length: usize,
}

impl std::fmt::Write for Stack {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const SEC_WEBSOCKET_KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const SEC_WEBSOCKET_VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

const TRUSTED_PREFIXES: [&str; 15] = [
    "x-forwarded-",
    "x-user-",
    "x-remote-",
    "x-auth-request-",
    "x-authenticated-",
    "x-original-",
    // What other gates tell applications.
    "x-amzn-oidc-",
    "x-authentik-",
    "x-goog-authenticated-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-pomerium-",
    "x-ssl-client-",
    "x-vouch-",
    "x-webauth-",
];

const TRUSTED_NAMES: [&str; 18] = [
    "x-client-cert",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-forwarded",
    "x-forwarded-for",
    "x-host",
    "x-http-host-override",
    // The route was judged for the method of the request line.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-originating-ip",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-rewrite-url",
    "x-url-scheme",
    "x-user",
    "x-username",
];

/// With `_` these would read as the real ones in CGI-like applications.
const IMITATED: [&str; 8] = [
    "authorization",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "origin",
    "sec-fetch-site",
    "x-request-id",
];
