//! Valid values: what an operation is likely to take, from what is declared and what was seen.

use serde_json::{Map, Value, json};

use crate::surface::example_in;

/// How deep a value is made.
const DEEPEST: usize = 8;

/// A value that a schema takes. `name` is what it is called, which says more than many a schema.
#[must_use]
pub fn sample(schema: &Value, name: &str) -> Value {
    build(schema, name, 0)
}

fn build(schema: &Value, name: &str, depth: usize) -> Value {
    if let Some(given) = example_in(schema) {
        return given.clone();
    }
    let next = depth.saturating_add(1);
    if depth > DEEPEST {
        return Value::Null;
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(first) = schema.get(word).and_then(Value::as_array).and_then(|all| all.first()) {
            return build(first, name, next);
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        let mut last = Value::Null;
        for part in parts {
            match build(part, name, next) {
                Value::Object(members) => whole.extend(members),
                other => last = other,
            }
        }
        return if whole.is_empty() { last } else { Value::Object(whole) };
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("string")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    };
    let number = |name: &str| schema.get(name).and_then(Value::as_f64);
    match kind {
        "object" => {
            let members = schema.get("properties").and_then(Value::as_object);
            let read_only = |value: &Value| value.get("readOnly") == Some(&Value::Bool(true));
            let wanted = members.into_iter().flatten().filter(|(_, value)| !read_only(value));
            Value::Object(wanted.map(|(name, value)| (name.clone(), build(value, name, next))).collect())
        }
        "array" => {
            let item = schema.get("items").map(|items| build(items, name, next));
            Value::Array(item.into_iter().collect())
        }
        "integer" => {
            let least = number("minimum").or_else(|| Some(number("exclusiveMinimum")? + 1.0)).unwrap_or(1.0);
            json!(number("maximum").map_or(least, |most| least.min(most)) as i64)
        }
        "number" => json!(number("minimum").unwrap_or(1.0)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => Value::String(text(schema, name)),
    }
}

fn text(schema: &Value, name: &str) -> String {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let length = |word: &str| schema.get(word).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let mut text = plausible(format, name).to_owned();
    if let Some(least) = length("minLength") {
        while text.len() < least.min(4096) {
            text.push('a');
        }
    }
    if let Some(most) = length("maxLength") {
        text = text.chars().take(most).collect();
    }
    text
}

/// What stands where any text would do.
pub const ANY: &str = "probe";

/// What people would write into a field of that format or name.
#[must_use]
pub fn plausible(format: &str, name: &str) -> &'static str {
    match format {
        "date-time" => return "2026-01-02T03:04:05Z",
        "date" => return "2026-01-02",
        "time" => return "03:04:05Z",
        "email" => return "probe@example.com",
        "uri" | "url" => return "https://example.com/",
        "uuid" => return "3f2b8c1e-7a64-4d59-9c0e-5b1d2f3a4c6e",
        "ipv4" => return "192.0.2.7",
        "hostname" => return "example.com",
        "byte" => return "cHJvYmU=",
        "password" => return "Probe-Harbour-41-violet",
        _ => {}
    }
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match () {
        () if has(&["mail"]) => "probe@example.com",
        () if has(&["url", "uri", "link", "website", "homepage"]) => "https://example.com/",
        () if has(&["password", "passwd", "secret"]) => "Probe-Harbour-41-violet",
        () if has(&["phone", "tel", "mobile"]) => "+15550100",
        () if has(&["date", "birthday", "dob"]) => "2026-01-02",
        () if has(&["zip", "postal"]) => "12345",
        () if has(&["country"]) => "US",
        () if has(&["age", "count", "qty", "quantity", "amount", "price", "number", "limit", "page"]) => "1",
        () if name == "id" || name.ends_with("_id") || name.ends_with("id") && name.len() <= 10 => "1",
        () => ANY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_takes_its_sample() {
        let schema = json!({ "type": "object", "properties": {
            "id": { "type": "integer", "minimum": 3 }, "email": { "type": "string" },
            "kind": { "enum": ["paid", "open"] }, "tags": { "type": "array", "items": { "type": "string", "maxLength": 2 } },
            "made": { "type": "string", "readOnly": true } } });
        assert_eq!(
            sample(&schema, ""),
            json!({ "id": 3, "email": "probe@example.com", "kind": "paid", "tags": ["pr"] })
        );
    }
}
