//! The session cookie (RFC 6265bis): written, found among others, kept from the upstream.

use std::borrow::Cow;

/// The cookie's name over HTTPS. The `__Host-` prefix makes browsers insist on `Secure`, `Path=/` and no
/// `Domain`, so that no neighbouring host and no plain-HTTP answer can set it.
pub const SECURE_NAME: &str = "__Host-gabion";

/// The cookie's name where a browser speaks plain HTTP to loopback during development.
pub const DEVELOPMENT_NAME: &str = "gabion-dev";

/// The `Set-Cookie` value that hands out a ticket. It has no lifetime of its own: the browser forgets it
/// when it closes, the server earlier.
#[must_use]
pub fn set(ticket: &str, secure: bool) -> String {
    format!("{}={ticket}{}", name(secure), attributes(secure))
}

/// The `Set-Cookie` value that takes the cookie back.
#[must_use]
pub fn clear(secure: bool) -> String {
    format!("{}=; Max-Age=0{}", name(secure), attributes(secure))
}

/// The name in force on a connection.
#[must_use]
pub const fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { DEVELOPMENT_NAME }
}

/// Every candidate for a ticket in a request's `Cookie` header values. A browser can send two cookies of
/// one name (the second set by a script or a neighbouring port): all are tried, so that nobody is locked
/// out until cookies are cleared. At most eight, so that a stuffed header buys no work. Over HTTPS only
/// the `__Host-` name counts.
pub fn tickets<'a>(
    headers: impl IntoIterator<Item = &'a str>,
    secure: bool,
) -> impl Iterator<Item = &'a str> {
    let ours = name(secure);
    headers
        .into_iter()
        .flat_map(|header| header.split(';'))
        .filter_map(move |pair| pair.trim_matches([' ', '\t']).strip_prefix(ours)?.strip_prefix('='))
        .map(|value| value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
        .filter(|value| value.len() == TICKET)
        .take(CANDIDATES)
}

/// A `Cookie` header value without our cookies, for the upstream: borrowed when there were none, empty
/// when there was nothing else (then leave the header out).
#[must_use]
pub fn strip(header: &str) -> Cow<'_, str> {
    if !header.split(';').any(is_ours) {
        return Cow::Borrowed(header);
    }
    let mut kept = String::with_capacity(header.len());
    for pair in header.split(';').filter(|pair| !is_ours(pair)) {
        let pair = pair.trim_matches([' ', '\t']);
        if pair.is_empty() {
            continue;
        }
        if !kept.is_empty() {
            kept.push_str("; ");
        }
        kept.push_str(pair);
    }
    Cow::Owned(kept)
}

/// Whether a cookie pair, or a `Set-Cookie` value of the upstream's, bears one of our names. Written
/// without regard to case or spaces around the name, because some servers read cookies that way.
#[must_use]
pub fn is_ours(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().trim_ascii();
    name.eq_ignore_ascii_case(SECURE_NAME) || name.eq_ignore_ascii_case(DEVELOPMENT_NAME)
}

const fn attributes(secure: bool) -> &'static str {
    if secure { "; Path=/; HttpOnly; Secure; SameSite=Lax" } else { "; Path=/; HttpOnly; SameSite=Lax" }
}

/// 32 bytes in base64url.
const TICKET: usize = 43;
const CANDIDATES: usize = 8;
