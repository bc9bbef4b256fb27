//! A request that somebody else sent, taken apart: what operation it is of, and the call that asks for the same again.
//!
//! 1. A path that fits a known template is of that operation; otherwise what looks like a value becomes a parameter.
//! 2. Header fields that clients add by themselves, and those that say who asks, are left out. The others belong to the call:
//!    some applications answer nobody who does not send them.
//! 3. A body is JSON, a form or a form with files where it can be read as one, whatever it is called; else it is left out.
//! 4. Requests to one address with a GraphQL document in them are operations of their own.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{graphql, templated};
use crate::call::{Call, Part, Payload};
use crate::operation::{Body, Operation, Parameter, Place, Provenance};

/// The longest body that is taken.
const LONGEST: usize = 64 << 10;
/// Fields of a form and of a query.
const MOST: usize = 100;
/// Own header fields of one request.
const HEADERS: usize = 8;

/// A request as it was sent, in parts.
#[derive(Debug, Clone, Default)]
pub struct Sent<'a> {
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    pub headers: &'a [(String, String)],
    pub body: &'a str,
}

/// The operation and the call; nothing where the request is none that could be sent again.
#[must_use]
pub fn take(sent: &Sent<'_>, known: &[Operation], source: Provenance) -> Option<(Operation, Call)> {
    if !sent.method.bytes().all(|byte| byte.is_ascii_alphabetic()) || sent.body.len() > LONGEST {
        return None;
    }
    let method = sent.method.to_ascii_uppercase();
    let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
    let fits = known.iter().find(|own| own.method == method && own.matches(path).is_some());
    let template = fits.map_or_else(|| templated(path), |own| own.path.clone());
    let mut operation = Operation::new(&method, &template, source);
    let mut call = Call::new(&method, &template);
    for (name, value) in operation.matches(path)? {
        if let Some(own) = operation.parameters.iter_mut().find(|own| own.name == name) {
            own.examples.push(value.clone());
        }
        call.path.insert(name, Value::String(value));
    }
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).take(MOST) {
        operation.parameters.push(Parameter {
            name: name.clone().into_owned(),
            place: Place::Query,
            required: false,
            schema: Value::Null,
            examples: vec![value.clone().into_owned()],
        });
        call.query.push((name.into_owned(), Value::String(value.into_owned())));
    }
    let own = sent.headers.iter().filter(|(name, value)| is_own(name) && value.len() <= 512);
    call.headers = own.take(HEADERS).cloned().collect();
    if !sent.body.is_empty() {
        let said = sent.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        call.payload = payload(said.map_or("", |(_, value)| value), sent.body)?;
        operation.body = body(&call.payload);
    }
    if let Payload::Json(value) = &call.payload
        && let Some(name) = graphql::name_of(value)
    {
        operation.path = format!("{template}#{name}");
        call.template.clone_from(&operation.path);
    }
    Some((operation, call))
}

/// Whether a header field is the application's own: neither the client's nor one that says who asks.
fn is_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let general = [
        "accept",
        "authorization",
        "baggage",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "dnt",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
        "last-event-id",
        "origin",
        "pragma",
        "priority",
        "proxy-authorization",
        "proxy-connection",
        "purpose",
        "range",
        "referer",
        "te",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "upgrade",
        "upgrade-insecure-requests",
        "user-agent",
        "via",
    ];
    let begins = ["accept-", ":", "sec-", "x-forwarded", "x-real-ip", "x-b3-", "access-control-"];
    !general.contains(&name.as_str())
        && !begins.iter().any(|begin| name.starts_with(begin))
        && (is_against_forgery(&name) || !says_who(&name))
}

/// Whether a header field is called like one that says who asks.
fn says_who(name: &str) -> bool {
    let words = [
        "token",
        "auth",
        "session",
        "secret",
        "jwt",
        "key",
        "user",
        "identity",
        "credential",
        "ticket",
        "tenant",
    ];
    words.iter().any(|word| name.contains(word))
}

/// Whether a header field carries a token against request forgery.
#[must_use]
pub fn is_against_forgery(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("csrf") || name.contains("xsrf")
}

/// A body by what it is called, or by what it looks like.
fn payload(media_type: &str, text: &str) -> Option<Payload> {
    let media_type = media_type.trim();
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "multipart/form-data" {
        let boundary = media_type.split("boundary=").nth(1)?.trim_matches('"');
        return parts(text, boundary).map(Payload::Multipart);
    }
    if kind == "application/x-www-form-urlencoded" {
        let fields = url::form_urlencoded::parse(text.as_bytes()).take(MOST);
        return Some(Payload::Form(
            fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect(),
        ));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) if kind.ends_with("json") || value.is_object() || value.is_array() => {
            Some(Payload::Json(value))
        }
        _ if kind.is_empty() => None,
        _ => Some(Payload::Raw { media_type: kind, bytes: text.as_bytes().to_vec() }),
    }
}

/// The parts of a form with files (RFC 7578).
fn parts(text: &str, boundary: &str) -> Option<Vec<Part>> {
    if boundary.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    for piece in text.split(&format!("--{boundary}")).skip(1).take(MOST) {
        let Some((head, content)) = piece.split_once("\r\n\r\n") else { continue };
        let said = |word: &str| {
            let (_, rest) = head.split_once(&format!("{word}=\""))?;
            Some(rest.split('"').next().unwrap_or_default().to_owned())
        };
        let Some(name) = said("; name") else { continue };
        let kind = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
        });
        let file = said("; filename").map(|file| (file, kind.unwrap_or_else(|| "text/plain".to_owned())));
        let content = content.strip_suffix("\r\n").unwrap_or(content).as_bytes().to_vec();
        parts.push(Part { name, file, content });
    }
    (!parts.is_empty()).then_some(parts)
}

/// What an operation is said to take, by one body.
#[must_use]
pub fn body(payload: &Payload) -> Option<Body> {
    let of = |media_type: &str, example: Value| Body {
        media_type: media_type.to_owned(),
        schema: Value::Null,
        example: Some(example),
        tokens: BTreeSet::new(),
    };
    Some(match payload {
        Payload::Nothing | Payload::Raw { .. } => return None,
        Payload::Json(value) => of("application/json", value.clone()),
        Payload::Form(fields) => {
            of("application/x-www-form-urlencoded", fields.iter().cloned().collect::<Map<_, _>>().into())
        }
        Payload::Multipart(parts) => {
            let fields = parts.iter().map(|part| {
                let text = || Value::String(String::from_utf8_lossy(&part.content).into_owned());
                (part.name.clone(), if part.file.is_some() { Value::Null } else { text() })
            });
            of("multipart/form-data", fields.collect::<Map<_, _>>().into())
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn field(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_request_becomes_the_call_that_asks_for_the_same() {
        let headers = [
            field("X-Shop-Token", "own"),
            field("X-Csrf-Token", "abc"),
            field("Authorization", "Bearer x"),
            field("Sec-Fetch-Mode", "cors"),
        ];
        let sent = Sent {
            method: "post",
            target: "/api/orders/7?q=a%20b",
            headers: &headers,
            body: "{\"title\":\"x\"}",
        };
        let (operation, call) = take(&sent, &[], Provenance::Browser).unwrap();
        assert_eq!(operation.id(), "POST /api/orders/{id}");
        let request = call.request();
        assert_eq!(request.target, "/api/orders/7?q=a%20b");
        assert_eq!((request.field("x-csrf-token"), request.field("x-shop-token")), (Some("abc"), None));
        assert_eq!((request.field("authorization"), request.field("sec-fetch-mode")), (None, None));
        assert_eq!(operation.body.unwrap().example, Some(json!({ "title": "x" })));
        let known = [Operation::new("POST", "/api/{kind}/{number}", Provenance::Specification)];
        assert_eq!(take(&sent, &known, Provenance::Har).unwrap().0.path, "/api/{kind}/{number}");
    }

    #[test]
    fn bodies_are_read_by_what_they_are() {
        let text = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\nP\r\n--b--\r\n";
        let Some(Payload::Multipart(parts)) = payload("multipart/form-data; boundary=b", text) else {
            panic!()
        };
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].file, Some(field("x.png", "image/png")));
        assert_eq!(payload("text/plain;charset=UTF-8", "{\"a\":1}"), Some(Payload::Json(json!({ "a": 1 }))));
        assert_eq!(payload("", "a=1"), None);
        let form = Payload::Form(vec![("a b".to_owned(), json!("1"))]);
        assert_eq!(payload("application/x-www-form-urlencoded", "a+b=1"), Some(form));
    }

    #[test]
    fn documents_at_one_address_are_operations_of_their_own() {
        let sent = Sent {
            method: "POST",
            target: "/graphql",
            headers: &[],
            body: r#"{"operationName":null,"query":"query Me($id: ID!) { user(id: $id) { name } }","variables":{"id":"7"}}"#,
        };
        let (operation, call) = take(&sent, &[], Provenance::Browser).unwrap();
        assert_eq!(operation.id(), "POST /graphql#user");
        assert_eq!(call.request().target, "/graphql");
    }

    proptest! {
        #[test]
        fn any_request_is_taken_or_left(target in "/[ -~]{0,60}", kind in "[ -~]{0,40}", body in "[ -~\r\n]{0,200}") {
            let headers = [field("content-type", &kind)];
            let _ = take(&Sent { method: "POST", target: &target, headers: &headers, body: &body }, &[], Provenance::Har);
            let _ = payload(&format!("multipart/form-data; boundary={kind}"), &body);
        }
    }
}
