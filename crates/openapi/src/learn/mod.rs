//! A draft of a contract from what was observed: types, bounds and formats, never a value.
//!
//! Every observation is reduced to shapes at once: of a text its length and what it could be (a date, a number), of a
//! number its sign and how many digits it has, of an object the names of its members. Names that look like data
//! rather than words (`kim@example.org`, `8812`) are not kept either: such an object is a map. Bounds are rounded up,
//! so that the next request like the ones before still fits and the draft gives nothing away.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::inventory::template;
use crate::json::{Bounds, Document, Node, Object, Value, View, parse};
use crate::media_type::MediaType;

/// One request and its answer, as far as they are known. Borrowed: nothing of it stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Observation<'a> {
    pub method: &'a str,
    /// Without query.
    pub path: &'a str,
    pub query: &'a str,
    pub request_type: Option<&'a str>,
    pub request_body: Option<&'a [u8]>,
    pub status: u16,
    pub answer_type: Option<&'a str>,
    pub answer_body: Option<&'a [u8]>,
}

/// What was learned so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    paths: BTreeMap<String, BTreeMap<String, Learned>>,
}

/// One operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Learned {
    seen: u64,
    query: BTreeMap<String, Member>,
    path: Vec<Shape>,
    bodies: BTreeMap<String, Shape>,
    with_body: u64,
    answers: BTreeMap<u16, BTreeMap<String, Shape>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Member {
    seen: u64,
    shape: Shape,
}

/// What values in one place have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Shape {
    null: bool,
    boolean: bool,
    /// Digits before the point at most, and whether all were integers and none negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<Digits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    array: Option<Box<Items>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Members>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Digits {
    most: u32,
    fraction: bool,
    negative: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Text {
    longest: usize,
    /// What all of them could be.
    formats: BTreeSet<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Items {
    most: usize,
    item: Shape,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Members {
    seen: u64,
    named: BTreeMap<String, Member>,
    /// Names were data: one shape for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<Box<Member>>,
}

impl Draft {
    /// Learns from one exchange. What is over the bounds is left out.
    pub fn observe(&mut self, seen: &Observation<'_>) {
        if !METHODS.contains(&seen.method)
            || !(200..500).contains(&seen.status)
            || matches!(seen.status, 404 | 405)
        {
            return;
        }
        let path = template(seen.path);
        if !self.paths.contains_key(&path) && self.paths.len() >= MOST_PATHS {
            return;
        }
        let learned =
            self.paths.entry(path.clone()).or_default().entry(seen.method.to_ascii_lowercase()).or_default();
        let is_error = seen.status >= 400;
        // What the application refused teaches nothing about what it takes.
        if !is_error {
            learned.request(seen, &path);
        }
        if learned.answers.len() < MOST_STATUSES || learned.answers.contains_key(&seen.status) {
            let answers = learned.answers.entry(seen.status).or_default();
            if let Some(media_type) = seen.answer_type.and_then(MediaType::parse)
                && (answers.len() < MOST_TYPES || answers.contains_key(&media_type.essence))
            {
                let shape = answers.entry(media_type.essence.clone()).or_default();
                if media_type.is_json() {
                    shape.read(seen.answer_body.unwrap_or_default());
                }
            }
        }
    }

    /// How many operations were seen.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.paths.values().map(BTreeMap::len).sum()
    }

    /// Takes over what another one has learned.
    pub fn merge(&mut self, other: Self) {
        for (path, methods) in other.paths {
            if !self.paths.contains_key(&path) && self.paths.len() >= MOST_PATHS {
                continue;
            }
            let known = self.paths.entry(path).or_default();
            for (method, learned) in methods {
                known.entry(method).or_default().merge(learned);
            }
        }
    }

    /// The draft as an OpenAPI 3.1 document.
    #[must_use]
    pub fn document(&self, title: &str) -> Value {
        let mut paths = Object::new();
        for (path, methods) in &self.paths {
            let (path, names) = named(path);
            let mut item = Object::new();
            for (method, learned) in methods {
                item.insert(method.clone(), learned.operation(&names));
            }
            paths.insert(path, item.into());
        }
        object([
            ("openapi", "3.1.0".into()),
            ("info", object([("title", title.into()), ("version", "draft".into())])),
            ("paths", paths.into()),
        ])
    }
}

impl Learned {
    fn request(&mut self, seen: &Observation<'_>, path: &str) {
        self.seen = self.seen.saturating_add(1);
        let free = path.split('/').zip(seen.path.split('/')).filter(|(name, _)| *name == "{id}");
        for (at, (_, text)) in free.enumerate() {
            while self.path.len() <= at && at < 16 {
                self.path.push(Shape::default());
            }
            if let (Some(shape), Ok(text)) =
                (self.path.get_mut(at), crate::encoding::decode(text.as_bytes(), false))
            {
                shape.word(&text);
            }
        }
        for (name, value) in crate::encoding::pairs(seen.query, MOST_NAMES).unwrap_or_default() {
            let Ok(value) = crate::encoding::decode(value.as_bytes(), true) else { continue };
            if is_name(&name) && (self.query.len() < MOST_NAMES || self.query.contains_key(&name)) {
                let member = self.query.entry(name).or_default();
                member.seen = member.seen.saturating_add(1);
                member.shape.word(&value);
            }
        }
        let Some(body) = seen.request_body.filter(|body| !body.is_empty()) else { return };
        let Some(media_type) = seen.request_type.and_then(MediaType::parse) else { return };
        self.with_body = self.with_body.saturating_add(1);
        if self.bodies.len() >= MOST_TYPES && !self.bodies.contains_key(&media_type.essence) {
            return;
        }
        let shape = self.bodies.entry(media_type.essence.clone()).or_default();
        if media_type.is_json() {
            shape.read(body);
        } else if media_type.essence == "application/x-www-form-urlencoded" {
            let text = std::str::from_utf8(body).unwrap_or_default();
            let object = shape.object.get_or_insert_default();
            object.seen = object.seen.saturating_add(1);
            for (name, value) in crate::encoding::pairs(text, MOST_NAMES).unwrap_or_default() {
                if let Ok(value) = crate::encoding::decode(value.as_bytes(), true) {
                    object.member(&name).word(&value);
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.seen = self.seen.saturating_add(other.seen);
        self.with_body = self.with_body.saturating_add(other.with_body);
        for (at, shape) in other.path.into_iter().enumerate() {
            match self.path.get_mut(at) {
                Some(known) => known.merge(shape),
                None => self.path.push(shape),
            }
        }
        for (name, member) in other.query {
            let known = self.query.entry(name).or_default();
            known.seen = known.seen.saturating_add(member.seen);
            known.shape.merge(member.shape);
        }
        for (media_type, shape) in other.bodies {
            self.bodies.entry(media_type).or_default().merge(shape);
        }
        for (status, answers) in other.answers {
            for (media_type, shape) in answers {
                self.answers.entry(status).or_default().entry(media_type).or_default().merge(shape);
            }
        }
    }

    fn operation(&self, names: &[String]) -> Value {
        let mut parameters = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let schema = self.path.get(at).map_or_else(|| Shape::default().schema(), Shape::schema);
            let row = [
                ("name", name.as_str().into()),
                ("in", "path".into()),
                ("required", true.into()),
                ("schema", schema),
            ];
            parameters.push(object(row));
        }
        for (name, member) in &self.query {
            let mut row = vec![("name", Value::from(name.as_str())), ("in", "query".into())];
            if member.seen >= self.seen && self.seen >= ENOUGH {
                row.push(("required", true.into()));
            }
            row.push(("schema", member.shape.schema()));
            parameters.push(object(row));
        }
        let mut operation = Object::new();
        if !parameters.is_empty() {
            operation.insert("parameters", parameters.into());
        }
        let content = |shapes: &BTreeMap<String, Shape>| -> Value {
            let media = shapes.iter().map(|(media_type, shape)| {
                let inside = if *shape == Shape::default() {
                    Value::Object(Object::new())
                } else {
                    object([("schema", shape.schema())])
                };
                (media_type.clone(), inside)
            });
            Value::Object(media.collect())
        };
        if !self.bodies.is_empty() {
            let mut body = Object::new();
            if self.with_body >= self.seen {
                body.insert("required", true.into());
            }
            body.insert("content", content(&self.bodies));
            operation.insert("requestBody", body.into());
        }
        let mut responses = Object::new();
        for (status, answers) in &self.answers {
            let mut answer = Object::new();
            answer.insert("description", "as observed".into());
            if !answers.is_empty() {
                answer.insert("content", content(answers));
            }
            responses.insert(status.to_string(), answer.into());
        }
        operation.insert("responses", responses.into());
        operation.into()
    }
}

impl Members {
    fn member(&mut self, name: &str) -> &mut Shape {
        if self.map.is_none()
            && (!is_name(name) || self.named.len() >= MOST_NAMES && !self.named.contains_key(name))
        {
            let mut all = Member::default();
            for (_, member) in std::mem::take(&mut self.named) {
                all.shape.merge(member.shape);
            }
            self.map = Some(Box::new(all));
        }
        let member = match &mut self.map {
            Some(all) => &mut **all,
            None => self.named.entry(name.to_owned()).or_default(),
        };
        member.seen = member.seen.saturating_add(1);
        &mut member.shape
    }
}

impl Shape {
    /// Of a whole JSON document; nothing where it is none.
    fn read(&mut self, bytes: &[u8]) {
        let bounds = Bounds { depth: 24, ..Bounds::default() };
        if let Ok(document) = Document::parse(bytes, &bounds) {
            self.see(document.root());
        }
    }

    fn see(&mut self, node: Node<'_>) {
        match node.view() {
            View::Null => self.null = true,
            View::Bool(_) => self.boolean = true,
            View::Number(text) => self.digits(text),
            View::String(text) => self.string(text),
            View::Array(items) => {
                let array = self.array.get_or_insert_default();
                array.most = array.most.max(items.len());
                for item in items.take(MOST_ITEMS) {
                    array.item.see(item);
                }
            }
            View::Object(members) => {
                let object = self.object.get_or_insert_default();
                object.seen = object.seen.saturating_add(1);
                for (name, value) in members {
                    object.member(name.as_str().unwrap_or_default()).see(value);
                }
            }
        }
    }

    /// A value that comes as text, and may stand for something else.
    fn word(&mut self, text: &str) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number = !digits.is_empty()
            && digits.len() <= 15
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        match text {
            "true" | "false" => self.boolean = true,
            text if is_number => self.digits(text),
            text => self.string(text),
        }
    }

    fn digits(&mut self, text: &str) {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let whole = rest.split(['.', 'e', 'E']).next().unwrap_or_default();
        let fraction = rest.len() > whole.len();
        let most =
            if rest.contains(['e', 'E']) { 18 } else { u32::try_from(whole.len()).unwrap_or(18).min(18) };
        let known = self.number.get_or_insert(Digits { most, fraction, negative });
        known.most = known.most.max(most);
        known.fraction |= fraction;
        known.negative |= negative;
    }

    fn string(&mut self, text: &str) {
        let longest = text.chars().count();
        let formats = FORMATS
            .iter()
            .filter(|(_, is)| is(text))
            .map(|(name, _)| (*name).to_owned())
            .collect::<BTreeSet<_>>();
        match &mut self.text {
            None => self.text = Some(Text { longest, formats }),
            Some(known) => {
                known.longest = known.longest.max(longest);
                known.formats = known.formats.intersection(&formats).cloned().collect();
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.null |= other.null;
        self.boolean |= other.boolean;
        self.number = match (self.number, other.number) {
            (Some(one), Some(two)) => Some(Digits {
                most: one.most.max(two.most),
                fraction: one.fraction || two.fraction,
                negative: one.negative || two.negative,
            }),
            (one, two) => one.or(two),
        };
        self.text = match (self.text.take(), other.text) {
            (Some(one), Some(two)) => Some(Text {
                longest: one.longest.max(two.longest),
                formats: one.formats.intersection(&two.formats).cloned().collect(),
            }),
            (one, two) => one.or(two),
        };
        self.array = match (self.array.take(), other.array) {
            (Some(mut one), Some(two)) => {
                one.most = one.most.max(two.most);
                one.item.merge(two.item);
                Some(one)
            }
            (one, two) => one.or(two),
        };
        self.object = match (self.object.take(), other.object) {
            (Some(mut one), Some(two)) => {
                one.seen = one.seen.saturating_add(two.seen);
                for (name, member) in two.named.into_iter().chain(two.map.map(|map| (String::new(), *map))) {
                    let known = one.member(&name);
                    known.merge(member.shape);
                }
                Some(one)
            }
            (one, two) => one.or(two),
        };
    }

    fn schema(&self) -> Value {
        let mut all = Vec::new();
        if let Some(digits) = self.number {
            all.push(digits.schema());
        }
        if self.boolean {
            all.push(object([("type", "boolean".into())]));
        }
        if let Some(text) = &self.text {
            all.push(text.schema());
        }
        if let Some(array) = &self.array {
            let most = i64::try_from(rounded(array.most.max(8))).unwrap_or(i64::MAX);
            all.push(object([
                ("type", "array".into()),
                ("maxItems", most.into()),
                ("items", array.item.schema()),
            ]));
        }
        if let Some(members) = &self.object {
            all.push(members.schema());
        }
        if self.null {
            all.push(object([("type", "null".into())]));
        }
        match all.len() {
            0 => object([("type", "string".into()), ("maxLength", 0.into())]),
            1 => all.pop().unwrap_or(Value::Null),
            _ => object([("anyOf", all.into())]),
        }
    }
}

impl Digits {
    fn schema(self) -> Value {
        let most = 10_i64.saturating_pow(self.most.saturating_add(1).min(18)).saturating_sub(1);
        object([
            ("type", if self.fraction { "number" } else { "integer" }.into()),
            ("minimum", if self.negative { most.saturating_neg() } else { 0 }.into()),
            ("maximum", most.into()),
        ])
    }
}

impl Text {
    fn schema(&self) -> Value {
        let mut rows = vec![("type", Value::from("string"))];
        if let Some(format) = self.formats.first() {
            rows.push(("format", format.as_str().into()));
        }
        rows.push(("maxLength", i64::try_from(rounded(self.longest.max(16))).unwrap_or(i64::MAX).into()));
        object(rows)
    }
}

impl Members {
    fn schema(&self) -> Value {
        if let Some(map) = &self.map {
            return object([
                ("type", "object".into()),
                ("maxProperties", 1_000.into()),
                ("additionalProperties", map.shape.schema()),
            ]);
        }
        let mut rows = vec![("type", Value::from("object"))];
        let required: Vec<Value> = self
            .named
            .iter()
            .filter(|(_, member)| member.seen >= self.seen && self.seen >= ENOUGH)
            .map(|(name, _)| name.as_str().into())
            .collect();
        if !required.is_empty() {
            rows.push(("required", required.into()));
        }
        let properties = self.named.iter().map(|(name, member)| (name.clone(), member.shape.schema()));
        rows.push(("properties", Value::Object(properties.collect())));
        rows.push(("additionalProperties", false.into()));
        object(rows)
    }
}

/// Learns from an HTTP Archive (HAR 1.2, `log.entries`). `hosts`: only these; empty: all.
///
/// # Errors
/// What is wrong with the file.
pub fn har(text: &[u8], hosts: &[String]) -> Result<Draft, String> {
    let value = parse(text, &Bounds::file()).map_err(|error| error.to_string())?;
    let entries = value.get("log").and_then(|log| log.get("entries")).and_then(Value::as_array);
    let entries = entries.ok_or("this is no HTTP archive: `log.entries` is missing")?;
    let mut draft = Draft::default();
    for entry in entries {
        let (Some(request), Some(response)) = (entry.get("request"), entry.get("response")) else { continue };
        let url = request.get("url").and_then(Value::as_str).unwrap_or_default();
        let Some((_, rest)) = url.split_once("://") else { continue };
        let (host, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "/"));
        if !hosts.is_empty() && !hosts.iter().any(|known| known == host) {
            continue;
        }
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let post = request.get("postData");
        let content = response.get("content");
        let text = |at: Option<&Value>, key: &str| {
            at.and_then(|at| at.get(key)).and_then(Value::as_str).map(str::to_owned)
        };
        let plain = content.is_none_or(|content| content.get("encoding").is_none());
        let (sent, sent_type) = (text(post, "text"), text(post, "mimeType"));
        let (answered, answer_type) = (text(content, "text").filter(|_| plain), text(content, "mimeType"));
        draft.observe(&Observation {
            method: request.get("method").and_then(Value::as_str).unwrap_or_default(),
            path,
            query,
            request_type: sent_type.as_deref(),
            request_body: sent.as_deref().map(str::as_bytes),
            status: response
                .get("status")
                .and_then(Value::as_u64)
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(0),
            answer_type: answer_type.as_deref(),
            answer_body: answered.as_deref().map(str::as_bytes),
        });
    }
    Ok(draft)
}

/// `/users/{id}/posts/{id}` → `/users/{users_id}/posts/{posts_id}`
fn named(path: &str) -> (String, Vec<String>) {
    let mut names: Vec<String> = Vec::new();
    let mut before = "";
    let mut out = Vec::new();
    for segment in path.split('/') {
        if segment == "{id}" {
            let word: String = before.chars().filter(char::is_ascii_alphanumeric).collect();
            let mut name = if word.is_empty() { "id".to_owned() } else { format!("{word}_id") };
            while names.contains(&name) {
                name.push('_');
            }
            out.push(format!("{{{name}}}"));
            names.push(name);
        } else {
            before = segment;
            out.push(segment.to_owned());
        }
    }
    (out.join("/"), names)
}

/// A name of an interface, not data: letters and digits with `_`, `-`, `.`, `[]` or `$`, few digits.
fn is_name(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    (1..=64).contains(&name.len())
        && digits <= 3
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]$".contains(&byte))
}

/// Up to the next of 16, 32, 64, …
fn rounded(length: usize) -> usize {
    length.saturating_add(length / 4).checked_next_power_of_two().unwrap_or(usize::MAX)
}

fn object<'a>(rows: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(rows.into_iter().collect())
}

type Format = (&'static str, fn(&str) -> bool);
const FORMATS: [Format; 4] = [
    ("date", |text| text.len() == 10 && crate::date::parse(text).is_some()),
    ("date-time", |text| {
        text.len() >= 20
            && text.get(..10).is_some_and(|day| crate::date::parse(day).is_some())
            && text.get(10..11).is_some_and(|middle| middle == "T")
            && (text.ends_with('Z')
                || text.get(text.len().saturating_sub(6)..).is_some_and(|zone| zone.starts_with(['+', '-'])))
    }),
    ("email", |text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte));
        plain
            && text.split_once('@').is_some_and(|(one, other)| {
                !one.is_empty()
                    && other.contains('.')
                    && !other.contains('@')
                    && !other.starts_with('.')
                    && !other.ends_with('.')
            })
    }),
    ("uuid", |text| {
        text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| {
                if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            })
    }),
];
const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];
/// Observations before something that was always there is taken for required.
const ENOUGH: u64 = 5;
const MOST_ITEMS: usize = 1_000;
const MOST_NAMES: usize = 128;
const MOST_PATHS: usize = 500;
const MOST_STATUSES: usize = 16;
const MOST_TYPES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_learned_and_values_are_not() {
        let mut draft = Draft::default();
        for number in 0..6 {
            let body = format!(
                "{{\"name\":\"Kim Secret\",\"age\":{},\"born\":\"1990-01-0{}\",\"tags\":[\"a\"]}}",
                30 + number,
                number + 1
            );
            let answer = "{\"id\":4711,\"scores\":{\"kim@example.org\":1.5}}";
            draft.observe(&Observation {
                method: "POST",
                path: "/users/4711/notes",
                query: "page=2&token=VerySecret",
                request_type: Some("application/json"),
                request_body: Some(body.as_bytes()),
                status: 201,
                answer_type: Some("application/json; charset=utf-8"),
                answer_body: Some(answer.as_bytes()),
            });
        }
        let kept = serde_json::to_string(&draft).unwrap();
        let text = draft.document("Shop").to_string();
        for secret in ["Kim", "Secret", "4711", "1990", "kim@", "1.5"] {
            assert!(!text.contains(secret) && !kept.contains(secret), "{secret}: {text} {kept}");
        }
        let value = draft.document("Shop");
        let operation =
            value.get("paths").unwrap().get("/users/{users_id}/notes").unwrap().get("post").unwrap();
        let schema = operation
            .get("requestBody")
            .unwrap()
            .get("content")
            .unwrap()
            .get("application/json")
            .unwrap()
            .get("schema")
            .unwrap();
        let property = |name: &str| schema.get("properties").unwrap().get(name).unwrap().to_string();
        assert_eq!(property("age"), r#"{"type":"integer","minimum":0,"maximum":999}"#);
        assert_eq!(property("born"), r#"{"type":"string","format":"date","maxLength":32}"#);
        assert_eq!(schema.get("additionalProperties").unwrap().as_bool(), Some(false));
        assert!(
            text.contains(
                r#""scores":{"type":"object","maxProperties":1000,"additionalProperties":{"type":"number""#
            ),
            "{text}"
        );
    }

    #[test]
    fn an_archive_becomes_a_draft() {
        let har = br#"{"log":{"entries":[{"request":{"method":"GET","url":"https://shop.example/orders?page=1","headers":[]},
            "response":{"status":200,"content":{"mimeType":"application/json","text":"[{\"id\":1}]"}}},
            {"request":{"method":"GET","url":"https://cdn.example/x.js"},"response":{"status":200,"content":{}}}]}}"#;
        let draft = super::har(har, &["shop.example".to_owned()]).unwrap();
        assert_eq!(draft.operations(), 1);
        assert!(super::har(b"{}", &[]).is_err());
    }
}
