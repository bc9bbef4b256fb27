//! What the source says a program answers: the inventory of `gabion scan --endpoints`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::operation::{Body, Operation, Parameter, Place, Provenance};

/// The version that is read.
const VERSION: u32 = 1;
/// The most routes that are taken.
const MOST: usize = 2_000;

#[derive(Deserialize)]
struct Document {
    version: u32,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    method: String,
    path: String,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    evidence: Vec<String>,
}

/// The operations of an inventory. A route for any method is asked with `GET` and `POST`.
///
/// # Errors
/// In words, where it is none.
pub fn read(text: &str) -> Result<Vec<Operation>, String> {
    let document: Document = serde_json::from_str(text)
        .map_err(|error| format!("{error}; hint: `gabion scan --endpoints FILE` writes it"))?;
    if document.version != VERSION {
        return Err(format!("is of version {}; this program reads {VERSION}", document.version));
    }
    let mut all = Vec::new();
    for endpoint in document.endpoints.iter().take(MOST).filter(|endpoint| endpoint.path.starts_with('/')) {
        let any = endpoint.method.eq_ignore_ascii_case("any");
        let methods: &[&str] = if any { &["GET", "POST"] } else { &[endpoint.method.as_str()] };
        all.extend(methods.iter().map(|method| operation(method, endpoint)));
    }
    Ok(all)
}

fn operation(method: &str, endpoint: &Endpoint) -> Operation {
    let mut operation = Operation::new(method, &named(&endpoint.path), Provenance::Code);
    let of = |place: &str| endpoint.parameters.get(place).map(Vec::as_slice).unwrap_or_default();
    for (word, place) in [("query", Place::Query), ("header", Place::Header), ("cookie", Place::Cookie)] {
        for name in of(word).iter().take(50) {
            operation.parameters.push(Parameter {
                name: name.clone(),
                place,
                required: false,
                schema: Value::Null,
                examples: Vec::new(),
            });
        }
    }
    let (fields, files) = (of("body"), of("file"));
    let empty = fields.is_empty() && files.is_empty();
    if !empty && !operation.is_safe() {
        let texts = fields.iter().map(|name| (name.clone(), json!({ "type": "string" })));
        let files_of =
            files.iter().map(|name| (name.clone(), json!({ "type": "string", "format": "binary" })));
        let properties: Map<String, Value> = texts.chain(files_of).take(100).collect();
        let media_type = if files.is_empty() { "application/json" } else { "multipart/form-data" };
        operation.body = Some(Body {
            media_type: media_type.to_owned(),
            schema: json!({ "type": "object", "properties": properties }),
            example: None,
            tokens: std::collections::BTreeSet::new(),
        });
    }
    if endpoint.evidence.iter().any(|one| one == "authentication") {
        operation.protected = Some(true);
    }
    operation
}

/// Parts whose name is not known get one.
fn named(path: &str) -> String {
    let mut out = String::new();
    for (at, piece) in path.split("{}").enumerate() {
        match at {
            0 => {}
            1 => out.push_str("{id}"),
            more => out.push_str(&format!("{{id{more}}}")),
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_become_operations() {
        let text = r#"{"version":1,"endpoints":[
            {"method":"POST","path":"/a/{}/b/{}","parameters":{"body":["title"],"query":["q"]},"evidence":["authentication"],"more":1},
            {"method":"ANY","path":"/any"},
            {"method":"GET","path":"relative"}]}"#;
        let all = read(text).unwrap();
        let ids: Vec<String> = all.iter().map(Operation::id).collect();
        assert_eq!(ids, ["POST /a/{id}/b/{id2}", "GET /any", "POST /any"]);
        assert_eq!(all[0].protected, Some(true));
        assert!(all[0].parameter(Place::Query, "q").is_some());
        assert!(all[0].body.as_ref().unwrap().schema.pointer("/properties/title").is_some());
        assert!(read("{}").is_err());
        assert!(read(r#"{"version":2,"endpoints":[]}"#).unwrap_err().contains("version 2"));
    }
}
