//! One request of an operation, taken apart: each value can be replaced, and everything else stays.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use crate::operation::{Place, Point};
use crate::wire::Request;

/// The values of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: String,
    /// With parameters as `{name}`.
    pub template: String,
    pub path: BTreeMap<String, Value>,
    pub query: Vec<(String, Value)>,
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<(String, String)>,
    pub payload: Payload,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    Nothing,
    Json(Value),
    Form(Vec<(String, Value)>),
    Multipart(Vec<Part>),
    /// Anything else, as it is.
    Raw {
        media_type: String,
        bytes: Vec<u8>,
    },
}

/// A part of a multipart form (RFC 7578).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Where it is a file: its name and its media type.
    pub file: Option<(String, String)>,
    pub content: Vec<u8>,
}

/// What is put in place of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Put<'a> {
    /// A text, encoded as its place needs it; in JSON a string.
    Text(&'a str),
    /// Any JSON value; elsewhere its text.
    Json(Value),
    /// As it is, without any encoding; in JSON a string.
    Raw(&'a str),
}

/// Marks what must not be encoded again: a private-use character no target sends.
const RAW: char = '\u{F8A1}';

impl Call {
    #[must_use]
    pub fn new(method: &str, template: &str) -> Self {
        Self {
            method: method.to_owned(),
            template: template.to_owned(),
            path: BTreeMap::new(),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            payload: Payload::Nothing,
        }
    }

    /// Everything in it that could be something else.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::new();
        points.extend(self.path.keys().map(|name| Point::new(Place::Path, name)));
        points.extend(self.query.iter().map(|(name, _)| Point::new(Place::Query, name)));
        points.extend(self.headers.iter().map(|(name, _)| Point::new(Place::Header, name)));
        points.extend(self.cookies.iter().map(|(name, _)| Point::new(Place::Cookie, name)));
        match &self.payload {
            Payload::Nothing => {}
            Payload::Json(value) => leaves(value, &mut String::new(), &mut points, 0),
            Payload::Form(fields) => {
                points.extend(fields.iter().map(|(name, _)| Point::new(Place::Form, name)));
            }
            Payload::Multipart(parts) => points.extend(parts.iter().map(|part| {
                Point::new(if part.file.is_some() { Place::File } else { Place::Form }, &part.name)
            })),
            Payload::Raw { .. } => points.push(Point::new(Place::Body, "")),
        }
        if self.template.contains('#') {
            // The document itself is no value, and neither is the name of what it asks for.
            points.retain(|point| !matches!(point.name.as_str(), "/query" | "/operationName"));
        }
        points.dedup();
        points
    }

    /// The value at a point, as text.
    #[must_use]
    pub fn value(&self, point: &Point) -> Option<String> {
        let pair = |pairs: &[(String, String)]| {
            pairs.iter().find(|(name, _)| *name == point.name).map(|(_, value)| value.clone())
        };
        let field = |fields: &[(String, Value)]| {
            fields.iter().find(|(name, _)| *name == point.name).map(|(_, value)| text_of(value))
        };
        match (point.place, &self.payload) {
            (Place::Path, _) => self.path.get(&point.name).map(text_of),
            (Place::Query, _) => field(&self.query),
            (Place::Header, _) => pair(&self.headers),
            (Place::Cookie, _) => pair(&self.cookies),
            (Place::Form, Payload::Form(fields)) => field(fields),
            (Place::Json, Payload::Json(value)) => value.pointer(&point.name).map(text_of),
            (Place::Form | Place::File, Payload::Multipart(parts)) => parts
                .iter()
                .find(|part| part.name == point.name)
                .map(|part| String::from_utf8_lossy(&part.content).into_owned()),
            (Place::Body, Payload::Raw { bytes, .. }) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The same with another value there; a point it does not have yet is added.
    #[must_use]
    pub fn with(&self, point: &Point, put: &Put<'_>) -> Self {
        let mut call = self.clone();
        let value = match put {
            Put::Text(text) => Value::String((*text).to_owned()),
            Put::Raw(text) if matches!(point.place, Place::Path | Place::Query | Place::Form) => {
                Value::String(format!("{RAW}{text}"))
            }
            Put::Raw(text) => Value::String((*text).to_owned()),
            Put::Json(value) => value.clone(),
        };
        match point.place {
            Place::Path => {
                call.path.insert(point.name.clone(), value);
            }
            Place::Query => set(&mut call.query, &point.name, value),
            Place::Header => set(&mut call.headers, &point.name, text_of(&value)),
            Place::Cookie => set(&mut call.cookies, &point.name, text_of(&value)),
            Place::Form | Place::File => match &mut call.payload {
                Payload::Multipart(parts) => {
                    let content = text_of(&value).into_bytes();
                    match parts.iter_mut().find(|part| part.name == point.name) {
                        Some(part) => part.content = content,
                        None => parts.push(Part { name: point.name.clone(), file: None, content }),
                    }
                }
                Payload::Form(fields) => set(fields, &point.name, value),
                other => *other = Payload::Form(vec![(point.name.clone(), value)]),
            },
            Place::Json => {
                if let Payload::Json(body) = &mut call.payload {
                    put_at(body, &point.name, value);
                }
            }
            Place::Body => {
                if let Payload::Raw { bytes, .. } = &mut call.payload {
                    *bytes = text_of(&value).into_bytes();
                }
            }
        }
        call
    }

    /// Whether a text stands at a point of a JSON body, and not a number or the like.
    #[must_use]
    pub fn payload_text(&self, point: &Point) -> bool {
        matches!(&self.payload, Payload::Json(body) if body.pointer(&point.name).is_some_and(Value::is_string))
    }

    /// The same with another text there, as a number where a number stood.
    #[must_use]
    pub fn with_like(&self, point: &Point, text: &str) -> Self {
        let number = match &self.payload {
            Payload::Json(body) if point.place == Place::Json => {
                body.pointer(&point.name).is_some_and(Value::is_number).then(|| text.parse::<i64>().ok())
            }
            _ => None,
        };
        match number.flatten() {
            Some(number) => self.with(point, &Put::Json(Value::from(number))),
            None => self.with(point, &Put::Text(text)),
        }
    }

    /// The value of a cookie as it goes out.
    #[must_use]
    pub fn cookie_text(&self, name: &str) -> Option<String> {
        let own = self.cookies.iter().find(|(own, _)| own == name);
        own.map(|(_, value)| encoded(value, COOKIE))
    }

    /// The path without its query, parameters filled in.
    #[must_use]
    pub fn path_text(&self) -> String {
        let mut out = String::new();
        // What stands behind `#` tells operations at one address apart and is never sent.
        let mut rest = self.template.split('#').next().unwrap_or_default();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else { break };
            out.push_str(before);
            match self.path.get(name) {
                Some(value) => out.push_str(&encoded(&text_of(value), SEGMENT)),
                None => out.push('-'),
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    /// As it goes out, without who sends it.
    #[must_use]
    pub fn request(&self) -> Request {
        let mut target = self.path_text();
        if !self.query.is_empty() {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&pairs(&self.query));
        }
        let mut request = Request::new(&self.method, &target);
        request.headers = self.headers.iter().map(|(name, value)| (name.clone(), on_a_line(value))).collect();
        if !self.cookies.is_empty() {
            let pair = |(name, value): &(String, String)| format!("{name}={}", encoded(value, COOKIE));
            let all: Vec<_> = self.cookies.iter().map(pair).collect();
            request = request.header("Cookie", &all.join("; "));
        }
        match &self.payload {
            Payload::Nothing => request,
            Payload::Json(value) => request.body("application/json", value.to_string()),
            Payload::Form(fields) => request.body("application/x-www-form-urlencoded", pairs(fields)),
            Payload::Multipart(parts) => {
                request.body(&format!("multipart/form-data; boundary={BOUNDARY}"), multipart(parts))
            }
            Payload::Raw { media_type, bytes } => request.body(media_type, bytes.clone()),
        }
    }
}

const BOUNDARY: &str = "gabion-part-7f3a91c4";

fn multipart(parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let name = part.name.replace('"', "%22");
        let mut head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some((file, media_type)) = &part.file {
            head.push_str(&format!("; filename=\"{file}\"\r\nContent-Type: {media_type}"));
        }
        head.push_str("\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// What a form or a query writes; a value that is a list is written once for each.
fn pairs(fields: &[(String, Value)]) -> String {
    let mut out = Vec::new();
    for (name, value) in fields {
        let name = encoded(name, NAME);
        match value {
            Value::Array(items) => {
                out.extend(items.iter().map(|item| format!("{name}={}", encoded(&text_of(item), VALUE))));
            }
            other => out.push(format!("{name}={}", encoded(&text_of(other), VALUE))),
        }
    }
    out.join("&")
}

fn encoded(text: &str, set: &'static AsciiSet) -> String {
    match text.strip_prefix(RAW) {
        Some(raw) => raw.to_owned(),
        None => utf8_percent_encode(text, set).to_string(),
    }
}

/// Everything but what RFC 3986 leaves unreserved.
const VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'!')
    .add(b'"')
    .add(b'#')
    .add(b'$')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b'*')
    .add(b'+')
    .add(b',')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
const SEGMENT: &AsciiSet = VALUE;
/// What would end a cookie.
const COOKIE: &AsciiSet = &CONTROLS.add(b';');
/// Brackets in names are how many frameworks read structures.
const NAME: &AsciiSet = &VALUE.remove(b'[').remove(b']').remove(b'$');

/// A field of a head ends with its line.
fn on_a_line(value: &str) -> String {
    value.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A value as a query has it: a string without its quotes.
#[must_use]
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn set<V>(pairs: &mut Vec<(String, V)>, name: &str, value: V) {
    match pairs.iter_mut().find(|(own, _)| own == name) {
        Some((_, own)) => *own = value,
        None => pairs.push((name.to_owned(), value)),
    }
}

/// Every leaf of a JSON value by its pointer, up to a depth and a number.
fn leaves(value: &Value, at: &mut String, out: &mut Vec<Point>, depth: usize) {
    if depth > DEEPEST || out.len() > MOST_LEAVES {
        return;
    }
    let mut child = |name: &str, value: &Value, out: &mut Vec<Point>| {
        let length = at.len();
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        leaves(value, at, out, depth.saturating_add(1));
        at.truncate(length);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| child(name, value, out)),
        // The items of a list are alike.
        Value::Array(items) => items.iter().take(2).enumerate().for_each(|(at, value)| {
            child(&at.to_string(), value, out);
        }),
        _ => out.push(Point::new(Place::Json, at)),
    }
}

const DEEPEST: usize = 12;
const MOST_LEAVES: usize = 200;

/// Puts a value at a pointer; a member of an object that is there is made where it is missing.
fn put_at(body: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = body.pointer_mut(pointer) {
        *place = value;
        return;
    }
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(object)) = body.pointer_mut(parent) {
        object.insert(name.replace("~1", "/").replace("~0", "~"), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call() -> Call {
        let mut call = Call::new("POST", "/a/{id}/b");
        call.path.insert("id".to_owned(), json!(7));
        call.query.push(("q".to_owned(), json!("x y")));
        call.payload = Payload::Json(json!({ "a": { "b/c": 1 }, "d": ["e"] }));
        call
    }

    #[test]
    fn every_value_is_a_point_and_can_be_replaced() {
        let call = call();
        let points: Vec<String> = call.points().iter().map(ToString::to_string).collect();
        assert_eq!(points, ["path `id`", "query `q`", "json `/a/b~1c`", "json `/d/0`"]);
        let deep = Point::new(Place::Json, "/a/b~1c");
        assert_eq!(call.value(&deep).unwrap(), "1");
        let other = call.with(&deep, &Put::Json(json!({ "$ne": null })));
        assert_eq!(other.payload, Payload::Json(json!({ "a": { "b/c": { "$ne": null } }, "d": ["e"] })));
        let added = call.with(&Point::new(Place::Json, "/a/role"), &Put::Text("admin"));
        assert_eq!(added.value(&Point::new(Place::Json, "/a/role")).unwrap(), "admin");
    }

    #[test]
    fn a_text_is_encoded_and_a_raw_one_is_not() {
        let call = call();
        let id = Point::new(Place::Path, "id");
        assert_eq!(call.with(&id, &Put::Text("../x")).request().target, "/a/..%2Fx/b?q=x%20y");
        assert_eq!(call.with(&id, &Put::Raw("../x")).request().target, "/a/../x/b?q=x%20y");
        let q = Point::new(Place::Query, "q");
        assert_eq!(call.with(&q, &Put::Text("a&b=c")).request().target, "/a/7/b?q=a%26b%3Dc");
        assert_eq!(call.with(&q, &Put::Raw("a&b=c")).request().target, "/a/7/b?q=a&b=c");
    }

    #[test]
    fn files_keep_their_names() {
        let mut call = Call::new("POST", "/upload");
        call.payload = Payload::Multipart(vec![Part {
            name: "file".to_owned(),
            file: Some(("a.txt".to_owned(), "text/plain".to_owned())),
            content: b"hello".to_vec(),
        }]);
        let body = String::from_utf8(call.request().body).unwrap();
        assert!(
            body.contains("name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--")
        );
        assert_eq!(call.points(), [Point::new(Place::File, "file")]);
    }
}
