//! The cookie that binds waiting authorization requests to the browser that began them: one small cookie
//! for all of them.

use gabion_model::Secret;
use http::HeaderMap;
use http::header::COOKIE;

const fn name(secure: bool) -> &'static str {
    if secure { "__Host-gabion-authorize" } else { "gabion-dev-authorize" }
}

/// Every candidate a browser sent; two cookies of one name are both tried.
pub(crate) fn read(headers: &HeaderMap, secure: bool) -> Vec<Secret<String>> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(name(secure))?.strip_prefix('='))
        .filter(|value| value.len() == VALUE)
        .take(CANDIDATES)
        .map(|value| Secret::new(value.to_owned()))
        .collect()
}

/// The `Set-Cookie` value. Forgotten when the browser closes.
pub(crate) fn write(value: &Secret<String>, secure: bool) -> Secret<String> {
    let attributes =
        if secure { "; Path=/; HttpOnly; Secure; SameSite=Lax" } else { "; Path=/; HttpOnly; SameSite=Lax" };
    Secret::new(format!("{}={}{attributes}", name(secure), value.expose()))
}

/// 32 bytes in base64url.
const VALUE: usize = 43;
const CANDIDATES: usize = 8;
