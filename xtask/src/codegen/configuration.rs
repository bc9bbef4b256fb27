//! `docs/configuration.md`: every key of `gabion.toml`, from the schema, which comes from the code.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::tidy::Workspace;

const SCHEMA: &str = "schema/gabion.schema.json";

pub(super) fn write(workspace: &Workspace, pages: &mut BTreeMap<String, String>) {
    let Some(schema) = workspace.file(SCHEMA) else { return };
    let Ok(root) = serde_json::from_str::<Value>(&schema.text) else { return };
    let mut page = String::from(
        "# Configuration\n\nEverything `gabion.toml` can say. What is not written has the default shown here, which is the \
         safe one. Unknown keys are errors. `gabion config explain KEY` prints a row of this page, `gabion config check` \
         reads a file, and [`gabion.schema.json`](../schema/gabion.schema.json) serves editors.\n",
    );
    table(&root, &root, "", &mut page, 0);
    pages.insert("docs/configuration.md".to_owned(), page);
}

/// A table's keys, then the tables below it.
fn table(root: &Value, schema: &Value, path: &str, page: &mut String, depth: usize) {
    if depth > 6 {
        return;
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let mut rows = String::new();
    let mut below = Vec::new();
    for (key, property) in properties {
        let inner = resolve(root, property);
        let about = text(property, "description").or_else(|| text(inner, "description")).unwrap_or_default();
        match shape(root, inner) {
            Shape::Table => below.push((join(path, key), inner, about)),
            Shape::Map(value) => below.push((join(path, &format!("{key}.NAME")), value, about)),
            Shape::List(value) => below.push((format!("[{}]", join(path, key)), value, about)),
            Shape::Value(kind) => {
                let default =
                    property.get("default").or_else(|| schema.get("default").and_then(|all| all.get(key)));
                let default = default
                    .filter(|value| !value.is_null())
                    .map_or("–".to_owned(), |value| format!("`{}`", toml(value)));
                let _ = writeln!(rows, "| `{key}` | {kind} | {default} | {} |", cell(&about));
            }
        }
    }
    if !rows.is_empty() {
        let _ = write!(page, "\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}");
    }
    for (path, inner, about) in below {
        let _ = write!(page, "\n## `[{path}]`\n");
        if !about.is_empty() {
            let _ = write!(page, "\n{}\n", about.trim());
        }
        table(root, resolve(root, inner), path.trim_matches(['[', ']']), page, depth + 1);
    }
}

enum Shape<'a> {
    Table,
    Map(&'a Value),
    List(&'a Value),
    Value(String),
}

fn shape<'a>(root: &'a Value, schema: &'a Value) -> Shape<'a> {
    if schema.get("properties").is_some() {
        return Shape::Table;
    }
    let inner = |key: &str| schema.get(key).map(|value| resolve(root, value));
    if let Some(value) = inner("additionalProperties").filter(|value| value.get("properties").is_some()) {
        return Shape::Map(value);
    }
    if let Some(value) = inner("items").filter(|value| value.get("properties").is_some()) {
        return Shape::List(value);
    }
    Shape::Value(kind(root, schema))
}

fn kind(root: &Value, schema: &Value) -> String {
    let schema = resolve(root, schema);
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| format!("`{}`", toml(value))).collect::<Vec<_>>().join(", ");
    }
    if let Some(value) = schema.get("const") {
        return format!("`{}`", toml(value));
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema.get(key).and_then(Value::as_array) {
            let mut kinds: Vec<String> =
                alternatives.iter().map(|schema| kind(root, schema)).filter(|kind| kind != "null").collect();
            kinds.dedup();
            return kinds.join(", ");
        }
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("any")
        }
        _ => "any",
    };
    match name {
        "array" => {
            let item = schema.get("items").map_or("any".to_owned(), |items| kind(root, items));
            format!("list of {item}")
        }
        "object" => {
            let item = schema.get("additionalProperties").filter(|value| value.is_object());
            item.map_or("table".to_owned(), |value| format!("table of {}", kind(root, value)))
        }
        "boolean" => "`true`, `false`".to_owned(),
        other => other.to_owned(),
    }
}

/// Follows references and alternatives with `null` to the schema that says something.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut here = schema;
    for _ in 0..16 {
        let pointed =
            here.get("$ref").and_then(Value::as_str).and_then(|text| root.pointer(text.strip_prefix('#')?));
        let only = ["allOf", "anyOf"].iter().find_map(|key| {
            let all = here.get(key)?.as_array()?;
            let mut solid = all.iter().filter(|schema| schema.get("type").is_none_or(|kind| kind != "null"));
            let first = solid.next()?;
            solid.next().is_none().then_some(first)
        });
        match pointed.or(only) {
            Some(next) => here = next,
            None => break,
        }
    }
    here
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn text(schema: &Value, key: &str) -> Option<String> {
    schema.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// One line that does not end the table's cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A JSON value as it is written in TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_becomes_a_reference() {
        let schema = r##"{"properties":{
            "log":{"$ref":"#/$defs/Log","description":"What is written."},
            "upstreams":{"additionalProperties":{"$ref":"#/$defs/Upstream"}},
            "routes":{"items":{"$ref":"#/$defs/Upstream"},"type":"array"}},
          "$defs":{"Log":{"properties":{"format":{"enum":["text","json"],"default":"text","description":"a | b"}}},
                   "Upstream":{"properties":{"url":{"type":["string","null"]}}}}}"##;
        let mut pages = BTreeMap::new();
        write(&Workspace::of(&[(SCHEMA, schema)]), &mut pages);
        let page = &pages["docs/configuration.md"];
        assert!(page.contains("## `[log]`\n\nWhat is written.\n"), "{page}");
        assert!(page.contains("| `format` | `\"text\"`, `\"json\"` | `\"text\"` | a \\| b |"), "{page}");
        assert!(page.contains("## `[upstreams.NAME]`"), "{page}");
        assert!(page.contains("## `[[routes]]`"), "{page}");
        assert!(page.contains("| `url` | string | – |  |"), "{page}");
    }
}
