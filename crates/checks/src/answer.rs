//! Where refusals become answers. [`refusal`] is the only function that does it: a page for a person
//! (HTML), RFC 9457 problem JSON for a program, and nothing about the inside for either.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, response};

use crate::denial::{Denial, Remedy, Violation};
use crate::exchange::{Audience, Exchange};
use crate::forward_auth;
use crate::leaks::DIGESTS;

/// The answer on its way out, as the checks see it.
#[derive(Debug)]
pub struct Answer<'a> {
    pub head: &'a mut response::Parts,
    /// Who made it.
    pub source: Source,
    /// A body to send instead of the one that came with the head.
    pub replacement: Option<Bytes>,
}

/// Who made an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The pipeline: a refusal, a preflight, a redirect.
    Gate,
    /// The gate's own pages.
    Local,
    /// The application.
    Upstream,
}

/// Turns a refusal into an answer, before the checks dress it.
#[must_use]
pub(crate) fn refusal(exchange: &Exchange, denial: &Denial) -> Response<Bytes> {
    let page = exchange.audience == Audience::Navigation;
    let mut status = denial.status;
    let mut headers = HeaderMap::with_capacity(24);
    match &denial.remedy {
        Remedy::None => {}
        Remedy::Allow(methods) => {
            headers.insert(ALLOW, methods.clone());
        }
        Remedy::RetryAfter(seconds) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
        }
        Remedy::SignIn(sign_in) if page && sign_in.people => {
            if exchange.asked_by.is_some_and(forward_auth::knows_few) {
                // The proxy makes the redirect of it.
                sign_in.challenge.write(&mut headers);
            } else {
                status = StatusCode::SEE_OTHER;
            }
            headers.insert(LOCATION, login(exchange, sign_in.asked));
        }
        Remedy::SignIn(sign_in) => {
            sign_in.challenge.write(&mut headers);
        }
        Remedy::Challenge(challenge) => {
            challenge.write(&mut headers);
        }
    }
    if exchange.asked_by.is_some_and(forward_auth::knows_few)
        && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    {
        headers.insert(forward_auth::X_GABION_STATUS, HeaderValue::from(status.as_u16()));
        status = StatusCode::FORBIDDEN;
    }
    if denial.close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let body = body(exchange, status, denial.public, &denial.violations, &mut headers);
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

/// Makes an upstream's answer the gate's own: same status, other content.
pub(crate) fn replace(exchange: &Exchange, head: &mut response::Parts, public: &'static str) -> Bytes {
    for name in CONTENT_FIELDS.into_iter().chain(DIGESTS) {
        head.headers.remove(name);
    }
    head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let body = body(exchange, head.status, public, &[], &mut head.headers);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    body
}

/// The content for the one who waits, and the fields that describe it.
fn body(
    exchange: &Exchange,
    status: StatusCode,
    public: &str,
    violations: &[Violation],
    headers: &mut HeaderMap,
) -> Bytes {
    let title = status.canonical_reason().unwrap_or("Refused");
    let id = exchange.request_id.as_ascii();
    let id = std::str::from_utf8(&id).unwrap_or_default();
    if exchange.audience == Audience::Navigation {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.append(CONTENT_SECURITY_POLICY, PAGE_POLICY);
        return page(status, title, public, id).into();
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let mut json = String::with_capacity(192);
    // Only constants and hexadecimal digits go in here: nothing needs escaping.
    let _ = write!(
        json,
        r#"{{"type":"about:blank","title":"{title}","status":{},"detail":"{public}","request_id":"{id}""#,
        status.as_u16(),
    );
    if !violations.is_empty() {
        let _ = write!(json, r#","errors":{}"#, errors(violations));
    }
    json.push('}');
    json.into()
}

/// The member `errors` of problem details: where, and which rule.
fn errors(violations: &[Violation]) -> serde_json::Value {
    let one = |violation: &Violation| serde_json::json!({ "place": violation.place, "rule": violation.rule });
    violations.iter().take(MOST_VIOLATIONS).map(one).collect()
}

fn page(status: StatusCode, title: &str, public: &str, id: &str) -> String {
    let mut html = String::with_capacity(PAGE_STYLE.len() + 640);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{code} {title}</title><style>{PAGE_STYLE}</style></head>\
         <body><main><p class=\"code\">{code}</p><h1>{title}</h1><p>{public}</p>\
         <p class=\"id\">Request <code>{id}</code></p></main></body></html>\n",
        code = status.as_u16(),
    );
    html
}

/// The login page, with the way back when it is a local page that can be shown again.
fn login(exchange: &Exchange, asked: &str) -> HeaderValue {
    let target = exchange.target.as_ref().map_or("", |target| target.as_str());
    let returns = matches!(exchange.method, Method::GET | Method::HEAD)
        && target.starts_with('/')
        && !target.starts_with("//")
        && target.len() <= LONGEST_RETURN
        && target != "/";
    if !returns && asked.is_empty() {
        return HeaderValue::from_static(LOGIN_PATH);
    }
    let mut location = String::with_capacity(LOGIN_PATH.len() + 8 + target.len() * 2);
    location.push_str(LOGIN_PATH);
    location.push('?');
    location.push_str(asked);
    if returns {
        location.push_str(if asked.is_empty() { "next=" } else { "&next=" });
    }
    for byte in target.bytes().filter(|_| returns) {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            location.push(char::from(byte));
        } else {
            let _ = write!(location, "%{byte:02X}");
        }
    }
    HeaderValue::from_str(&location).unwrap_or(HeaderValue::from_static(LOGIN_PATH))
}

/// Where people sign in.
pub const LOGIN_PATH: &str = "/.gabion/login";

const LONGEST_RETURN: usize = 2048;
const MOST_VIOLATIONS: usize = 20;

/// Fields that describe the content that is being replaced.
const CONTENT_FIELDS: [HeaderName; 8] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
    TRANSFER_ENCODING,
];

/// Only the page's own style sheet, named by its hash (CSP level 2 §4.2.5).
pub(crate) const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'sha256-9VDZZIwQXRR1aFOMYhYPff5zjYA+D7jQzBYY9FIt104='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const PAGE_STYLE: &str = ":root{color-scheme:light dark;--ink:#1d2429;--dim:#5c6870;--ground:#f6f5f2;--card:#fff;--line:#dedad2}\
@media(prefers-color-scheme:dark){:root{--ink:#e9ecee;--dim:#9aa5ad;--ground:#14181b;--card:#1c2226;--line:#2e363c}}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}\
main{box-sizing:border-box;max-width:32rem;width:calc(100% - 2rem);padding:2.5rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}\
.code{margin:0;color:var(--dim);font-variant-numeric:tabular-nums;letter-spacing:.08em}\
h1{margin:.25rem 0 1rem;font-size:1.6rem;line-height:1.2}p{margin:.5rem 0}\
.id{margin-top:2rem;color:var(--dim);font-size:.85rem}code{user-select:all}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_policy_names_the_style_sheet() {
        let digest = gabion_vault::sha256(PAGE_STYLE.as_bytes());
        let mut text = gabion_vault::encoding::base64url_encode(&digest).replace('-', "+").replace('_', "/");
        while !text.len().is_multiple_of(4) {
            text.push('=');
        }
        let policy = PAGE_POLICY.to_str().unwrap().to_owned();
        assert!(policy.contains(&format!("'sha256-{text}'")), "sha256-{text}");
    }
}
