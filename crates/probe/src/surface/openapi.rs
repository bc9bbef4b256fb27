//! OpenAPI documents (2.0, 3.0, 3.1), read by whoever wants to know what there is and not whether the document is in order:
//! what cannot be understood is left out and said, and the rest is used.

use std::cell::Cell;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::call::text_of;
use crate::operation::{Body, Operation, Parameter, Place, Provenance};

/// What a document tells.
#[derive(Debug, Default)]
pub struct Told {
    pub operations: Vec<Operation>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Documents are read up to this size, in bytes.
const LONGEST: usize = 16 << 20;
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// How deep references and schemas are followed.
const DEEPEST: usize = 10;
const MOST: usize = 2_000;
/// What is copied of a document, in values: references lead to the same part again and again, and from a part into itself.
const COPIED: usize = 400_000;
/// The same, for one schema.
const COPIED_AT_ONCE: usize = 4_000;
/// Letters of a text that count as one value.
const LETTERS: usize = 64;

/// Reads a document in JSON or YAML.
///
/// # Errors
/// In words, when it is neither or describes no paths.
pub fn read(text: &str) -> Result<Told, String> {
    if text.len() > LONGEST {
        return Err(format!("it is larger than {} MiB", LONGEST >> 20));
    }
    let document: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => serde_saphyr::from_str(text).map_err(|error| {
            format!("it is neither JSON nor YAML: {}", error.to_string().lines().next().unwrap_or_default())
        })?,
    };
    let Some(paths) = document.get("paths").and_then(Value::as_object) else {
        return Err("it has no `paths`: it is no OpenAPI document".to_owned());
    };
    let mut told = Told::default();
    let reader = Reader {
        document: &document,
        prefix: prefix(&document),
        room: Cell::new(COPIED),
        room_now: Cell::new(0),
    };
    for (path, item) in paths {
        let item = reader.follow(item);
        let shared = reader.list(item.get("parameters"));
        for method in METHODS {
            let Some(operation) = item.get(*method) else { continue };
            if told.operations.len() >= MOST {
                told.notes.push(format!("only the first {MOST} operations are used"));
                return Ok(told);
            }
            if reader.room.get() == 0 {
                told.notes.push("its references unfold to too much: what comes later is left out".to_owned());
                return Ok(told);
            }
            match reader.operation(method, path, operation, &shared) {
                Ok(operation) => told.operations.push(operation),
                Err(reason) => told.notes.push(format!("`{} {path}`: {reason}", method.to_ascii_uppercase())),
            }
        }
    }
    Ok(told)
}

struct Reader<'a> {
    document: &'a Value,
    prefix: String,
    /// What may still be copied, in all and of this schema.
    room: Cell<usize>,
    room_now: Cell<usize>,
}

/// The path that all paths stand under.
fn prefix(document: &Value) -> String {
    let base = document.get("basePath").and_then(Value::as_str);
    let server = document.pointer("/servers/0/url").and_then(Value::as_str);
    let path = match base.or(server) {
        Some(url) if url.contains("://") => {
            url::Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
        }
        Some(path) if path.starts_with('/') => path.to_owned(),
        _ => String::new(),
    };
    path.trim_end_matches('/').to_owned()
}

impl<'a> Reader<'a> {
    /// The value itself, or what its `$ref` leads to inside the document.
    fn follow(&self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..DEEPEST {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
            let Some(found) = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer))
            else {
                return value;
            };
            value = found;
        }
        value
    }

    fn list(&self, value: Option<&'a Value>) -> Vec<&'a Value> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.map(|item| self.follow(item)).collect()
    }

    fn operation(
        &self,
        method: &str,
        path: &str,
        value: &'a Value,
        shared: &[&'a Value],
    ) -> Result<Operation, String> {
        if !value.is_object() {
            return Err("is no object".to_owned());
        }
        if !path.starts_with('/') {
            return Err("its path does not begin with `/`".to_owned());
        }
        let path = format!("{}{path}", self.prefix);
        let mut operation = Operation::new(method, &path, Provenance::Specification);
        operation.deprecated = value.get("deprecated").and_then(Value::as_bool).unwrap_or_default();
        let own = self.list(value.get("parameters"));
        let mut form: Map<String, Value> = Map::new();
        let mut body = None;
        for parameter in own.iter().chain(shared) {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let schema = parameter.get("schema").unwrap_or(parameter);
            let place = match parameter.get("in").and_then(Value::as_str) {
                Some("path") => Place::Path,
                Some("query") => Place::Query,
                Some("header") => Place::Header,
                Some("cookie") => Place::Cookie,
                // Version 2 has bodies among the parameters.
                Some("body") => {
                    body = Some(("application/json", self.whole(schema)));
                    continue;
                }
                Some("formData") => {
                    form.insert(name.to_owned(), self.whole(schema));
                    continue;
                }
                _ => continue,
            };
            if name.is_empty() {
                continue;
            }
            let schema = self.whole(schema);
            let given = parameter.get("example").or_else(|| {
                let all = parameter.get("examples").and_then(Value::as_object)?;
                all.values().next()?.get("value")
            });
            let examples = given.or_else(|| example_in(&schema)).map(text_of);
            let known = operation.parameters.iter_mut().find(|own| own.place == place && own.name == name);
            let parameter = Parameter {
                name: name.to_owned(),
                place,
                required: place == Place::Path || parameter.get("required") == Some(&Value::Bool(true)),
                schema,
                examples: examples.into_iter().collect(),
            };
            match known {
                // The operation's own come first.
                Some(known) if known.schema.is_null() => *known = parameter,
                Some(_) => {}
                None => operation.parameters.push(parameter),
            }
        }
        if !form.is_empty() {
            let consumes = self.list(value.get("consumes").or_else(|| self.document.get("consumes")));
            let multipart = consumes.iter().any(|kind| kind.as_str() == Some("multipart/form-data"));
            let kind = if multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
            body = Some((kind, json!({ "type": "object", "properties": form })));
        }
        operation.body = body
            .map(|(kind, schema)| Body {
                media_type: kind.to_owned(),
                schema,
                example: None,
                tokens: BTreeSet::new(),
            })
            .or_else(|| self.body(value));
        operation.websocket = value.get("responses").and_then(|all| all.get("101")).is_some();
        operation.answers = self.answers(value);
        operation.protected = self.protected(value);
        Ok(operation)
    }

    fn body(&self, operation: &'a Value) -> Option<Body> {
        let content = self.follow(operation.get("requestBody")?).get("content")?.as_object()?;
        let rank = |kind: &str| match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" => 0,
            "application/x-www-form-urlencoded" => 1,
            "multipart/form-data" => 2,
            kind if kind.ends_with("json") => 3,
            _ => 4,
        };
        let (kind, value) = content.iter().min_by_key(|(kind, _)| rank(kind))?;
        let given = value.get("example").or_else(|| {
            let all = value.get("examples").and_then(Value::as_object)?;
            self.follow(all.values().next()?).get("value")
        });
        Some(Body {
            media_type: kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
            schema: value.get("schema").map(|schema| self.whole(schema)).unwrap_or_default(),
            example: given.map(|given| {
                self.room_now.set(COPIED_AT_ONCE);
                self.copy(given)
            }),
            tokens: BTreeSet::new(),
        })
    }

    /// A copy, where there is room for it.
    fn copy(&self, value: &Value) -> Value {
        if self.take(weight(value, self.room_now.get())) { value.clone() } else { Value::Null }
    }

    /// Whether there was room for so much.
    fn take(&self, count: usize) -> bool {
        let left = self.room_now.get().checked_sub(count).zip(self.room.get().checked_sub(count));
        let (now, all) = left.unwrap_or((0, self.room.get().saturating_sub(self.room_now.get())));
        self.room_now.set(now);
        self.room.set(all);
        left.is_some()
    }

    /// A schema with its references put in, down to a depth and a size.
    fn whole(&self, value: &'a Value) -> Value {
        self.room_now.set(COPIED_AT_ONCE);
        self.schema(value, &mut Vec::new())
    }

    /// `above` is what it stands in: a part that has itself in it is left out there, or it would never end.
    fn schema(&self, value: &'a Value, above: &mut Vec<&'a Value>) -> Value {
        let value = self.follow(value);
        let Value::Object(object) = value else { return self.copy(value) };
        if above.len() > DEEPEST || !self.take(1) {
            return Value::Null;
        }
        above.push(value);
        let mut out = Map::new();
        for (name, value) in object {
            let inner = match name.as_str() {
                "properties" => Value::Object(
                    value
                        .as_object()
                        .into_iter()
                        .flatten()
                        .take(MOST)
                        .filter_map(|(name, value)| Some((name.clone(), self.within(value, above)?)))
                        .collect(),
                ),
                "items" | "additionalProperties" => match self.within(value, above) {
                    Some(inner) => inner,
                    None => continue,
                },
                "allOf" | "anyOf" | "oneOf" => {
                    let all = value.as_array().into_iter().flatten().take(20);
                    Value::Array(all.filter_map(|value| self.within(value, above)).collect())
                }
                _ => self.copy(value),
            };
            out.insert(name.clone(), inner);
        }
        above.pop();
        Value::Object(out)
    }

    /// A part of a schema; nothing where it is one that it stands in.
    fn within(&self, value: &'a Value, above: &mut Vec<&'a Value>) -> Option<Value> {
        let found = self.follow(value);
        (!above.iter().any(|own| std::ptr::eq(*own, found))).then(|| self.schema(found, above))
    }

    /// The names of everything a success is declared to hold.
    fn answers(&self, operation: &'a Value) -> Option<BTreeSet<String>> {
        let responses = operation.get("responses")?.as_object()?;
        let mut names = BTreeSet::new();
        let mut closed = false;
        for (_, answer) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
            let answer = self.follow(answer);
            let content = answer.get("content").and_then(Value::as_object);
            let json = content.and_then(|content| content.iter().find(|(kind, _)| kind.contains("json")));
            let schema = json.and_then(|(_, value)| value.get("schema")).or_else(|| answer.get("schema"));
            if let Some(schema) = schema {
                closed = true;
                if !properties(&self.whole(schema), &mut names, 0) {
                    return None;
                }
            }
        }
        closed.then_some(names)
    }

    fn protected(&self, operation: &Value) -> Option<bool> {
        let security = operation.get("security").or_else(|| self.document.get("security"))?.as_array()?;
        let open = |one: &Value| one.as_object().is_some_and(Map::is_empty);
        Some(!security.is_empty() && !security.iter().any(open))
    }
}

/// How much a value is, up to a bound.
fn weight(value: &Value, most: usize) -> usize {
    let mut all = 0_usize;
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        all = all.saturating_add(1);
        match value {
            Value::Array(items) => left.extend(items.iter().take(most)),
            Value::Object(members) => left.extend(members.values().take(most)),
            Value::String(text) => all = all.saturating_add(text.len() / LETTERS),
            _ => {}
        }
        if all.saturating_add(left.len()) > most {
            return most.saturating_add(1);
        }
    }
    all
}

/// Gathers names; false where a part says nothing of what it holds.
fn properties(schema: &Value, out: &mut BTreeSet<String>, depth: usize) -> bool {
    if depth > DEEPEST {
        return false;
    }
    let next = depth.saturating_add(1);
    let mut said = false;
    if let Some(members) = schema.get("properties").and_then(Value::as_object) {
        said = true;
        for (name, value) in members {
            out.insert(name.clone());
            // What a member holds may be left open; its name stands.
            let nested = value.get("properties").is_some() || value.get("items").is_some();
            if nested && !properties(value, out, next) {
                return false;
            }
        }
    }
    if let Some(items) = schema.get("items") {
        return properties(items, out, next);
    }
    for word in ["allOf", "anyOf", "oneOf"] {
        for part in schema.get(word).and_then(Value::as_array).into_iter().flatten() {
            said = true;
            if !properties(part, out, next) {
                return false;
            }
        }
    }
    let kind = schema.get("type").and_then(Value::as_str);
    said || matches!(kind, Some("string" | "integer" | "number" | "boolean"))
}

/// What a schema itself gives as an example.
#[must_use]
pub fn example_in(schema: &Value) -> Option<&Value> {
    let first = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|all| all.first());
    schema
        .get("example")
        .or_else(|| first("examples"))
        .or_else(|| schema.get("default"))
        .or_else(|| schema.get("const"))
        .or_else(|| first("enum"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_are_read() {
        let old = r##"{"swagger":"2.0","basePath":"/v1","consumes":["multipart/form-data"],"paths":{
            "/a/{id}":{"parameters":[{"name":"id","in":"path","type":"integer"}],
              "post":{"parameters":[{"name":"f","in":"formData","type":"file"}],"responses":{"200":{"schema":{"$ref":"#/definitions/A"}}}}}},
            "definitions":{"A":{"properties":{"id":{"type":"integer"},"inner":{"properties":{"b":{}}}}}}}"##;
        let told = read(old).unwrap();
        let operation = &told.operations[0];
        assert_eq!(operation.id(), "POST /v1/a/{id}");
        assert_eq!(operation.parameters.len(), 1);
        assert_eq!(operation.body.as_ref().unwrap().media_type, "multipart/form-data");
        assert_eq!(operation.answers.as_ref().unwrap().iter().collect::<Vec<_>>(), ["b", "id", "inner"]);
        let new = "openapi: 3.1.0\nsecurity: [{ s: [] }]\nservers: [{ url: 'https://x/api/' }]\npaths:\n  /b:\n    get:\n      security: []\n      parameters: [{ name: q, in: query, schema: { type: string, default: hi } }]\n    post:\n      requestBody: { content: { application/json: { schema: { type: object } } } }\n";
        let told = read(new).unwrap();
        assert_eq!(told.operations[0].protected, Some(false));
        assert_eq!(told.operations[0].parameters[0].examples, ["hi"]);
        assert_eq!(told.operations[1].id(), "POST /api/b");
        assert_eq!(told.operations[1].protected, Some(true));
    }

    #[test]
    fn broken_parts_are_left_out_and_circles_end() {
        let text = r##"{"paths":{"/a":{"get":7,"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/x"}}}}}},
            "b":{"get":{}}},"x":{"properties":{"next":{"$ref":"#/x"},"other":{"$ref":"#/y"}}},"y":{"$ref":"#/y"}}"##;
        let told = read(text).unwrap();
        assert_eq!(told.operations.len(), 1);
        assert_eq!(told.notes.len(), 2);
        for text in ["", "[]", "{}", "just words", "<html></html>", "paths: 7"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_unfolds_without_end_is_bounded() {
        // Each part has the next one many times: ten levels of it are more than any memory.
        let part = |next: usize| {
            let members: Map<String, Value> = (0..30)
                .map(|at| (format!("p{at}"), json!({ "$ref": format!("#/components/schemas/S{next}") })))
                .collect();
            json!({ "type": "object", "properties": members, "example": { "text": "x".repeat(50_000) } })
        };
        let parts: Map<String, Value> = (0..12).map(|at| (format!("S{at}"), part(at + 1))).collect();
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/S0" } } });
        let answer = json!({ "200": { "content": content } });
        let paths: Map<String, Value> = (0..300)
            .map(|at| {
                (
                    format!("/a{at}"),
                    json!({ "post": { "requestBody": { "content": content }, "responses": answer } }),
                )
            })
            .collect();
        let told = read(&json!({ "paths": paths, "components": { "schemas": parts } }).to_string()).unwrap();
        assert!(!told.operations.is_empty());
        let size: usize =
            told.operations.iter().filter_map(|own| Some(own.body.as_ref()?.schema.to_string().len())).sum();
        assert!(size < 64 << 20, "{size}");
    }

    #[test]
    fn a_part_that_has_itself_in_it_is_left_out_there() {
        let told = read(
            r##"{"paths": {"/c": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/s"}}}}}}},
                "s": {"type": "object", "properties": {"name": {"type": "string"}, "parent": {"$ref": "#/s"},
                "children": {"type": "array", "items": {"$ref": "#/s"}}}}}"##,
        )
        .unwrap();
        let schema = &told.operations[0].body.as_ref().unwrap().schema;
        assert_eq!(crate::sample::sample(schema, ""), json!({ "name": "probe", "children": [] }));
    }

    #[test]
    fn a_document_that_laughs_is_refused_or_small() {
        let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (one, two) in "abcdefghi".chars().zip("bcdefghij".chars()) {
            text.push_str(&format!(
                "{two}: &{two} [*{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}]\n"
            ));
        }
        text.push_str("paths: { /a: { get: { x: *j } } }\n");
        assert!(read(&text).is_err());
        assert!(read(&"[".repeat(200_000)).is_err());
        assert!(read(&"{\"a\":".repeat(200_000)).is_err());
    }
}
