//! Cookies of a context.

use serde::Serialize;
use serde_json::{Value, json};

use crate::limits::cut;
use crate::value::Read;

/// A cookie (RFC 6265bis).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its domain; with a leading point it is sent to hosts below too.
    pub domain: String,
    /// Its path.
    pub path: String,
    /// When it ends, in seconds since 1970; none ends with the session.
    pub expires: Option<f64>,
    /// Whether scripts do not see it.
    pub http_only: bool,
    /// Whether it is sent over TLS only.
    pub secure: bool,
    /// What it says about other sites; none is `Lax` with two minutes of grace for `POST` in Chromium.
    pub same_site: Option<SameSite>,
}

/// Whether a cookie is sent with requests that begin on other sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SameSite {
    /// Never.
    Strict,
    /// When the top page goes there by `GET`.
    Lax,
    /// Always.
    None,
}

impl Cookie {
    /// A session cookie for one host.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>, domain: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            domain: domain.into(),
            path: "/".into(),
            expires: None,
            http_only: false,
            secure: false,
            same_site: None,
        }
    }
}

pub(crate) fn from_protocol(value: &Value) -> Cookie {
    Cookie {
        name: cut(value.text("name"), 4096),
        value: cut(value.text("value"), 8192),
        domain: cut(value.text("domain"), 256),
        path: cut(value.text("path"), 4096),
        expires: value.get("expires").and_then(Value::as_f64).filter(|at| *at > 0.0 && !value.is("session")),
        http_only: value.is("httpOnly"),
        secure: value.is("secure"),
        same_site: match value.text("sameSite") {
            "Strict" => Some(SameSite::Strict),
            "Lax" => Some(SameSite::Lax),
            "None" => Some(SameSite::None),
            _ => None,
        },
    }
}

pub(crate) fn to_protocol(cookie: &Cookie) -> Value {
    let mut value = json!({
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "httpOnly": cookie.http_only,
        "secure": cookie.secure,
    });
    let mut set = |key: &str, what: Value| {
        if let Some(members) = value.as_object_mut() {
            members.insert(key.into(), what);
        }
    };
    if let Some(expires) = cookie.expires {
        set("expires", json!(expires));
    }
    match cookie.same_site {
        Some(SameSite::Strict) => set("sameSite", json!("Strict")),
        Some(SameSite::Lax) => set("sameSite", json!("Lax")),
        Some(SameSite::None) => set("sameSite", json!("None")),
        None => {}
    }
    value
}
