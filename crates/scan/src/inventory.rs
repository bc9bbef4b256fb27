//! What the program answers, as a file of its own: for probes, contracts and threat models.

use gabion_finding::{Endpoint, Place};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Scan;

/// The version of the form; it changes when a reader of the one before could go wrong.
pub const VERSION: u32 = 1;

/// The inventory of a scan as JSON, by path and method.
#[must_use]
pub fn inventory(scan: &Scan) -> String {
    let document = Document { version: VERSION, endpoints: scan.endpoints.iter().map(endpoint).collect() };
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

#[derive(Serialize)]
struct Document {
    version: u32,
    endpoints: Vec<Value>,
}

fn endpoint(from: &Endpoint) -> Value {
    let guards: Vec<Value> = from
        .guards
        .iter()
        .map(|guard| json!({ "name": guard.name, "place": place(&guard.place), "evidence": guard.evidence }))
        .collect();
    json!({
        "method": from.method,
        "path": from.path,
        "framework": from.framework,
        "place": place(&from.place),
        "handler": { "name": from.name, "place": from.handler.as_ref().map(place) },
        "guards": guards,
        "parameters": from.parameters,
        "evidence": from.evidence,
    })
}

fn place(from: &Place) -> Value {
    json!({ "path": from.path, "line": from.start.line, "column": from.start.column })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_its_version_and_places_by_line() {
        let text = "app.get('/x', show)\n";
        let source = gabion_finding::Source::new("app.js", text);
        let endpoint = Endpoint {
            method: "GET".to_owned(),
            path: "/x".to_owned(),
            framework: "express".to_owned(),
            place: source.place(gabion_finding::Span::new(4, 7)),
            handler: None,
            name: "show".to_owned(),
            guards: Vec::new(),
            parameters: std::collections::BTreeMap::from([("query".to_owned(), vec!["page".to_owned()])]),
            evidence: vec!["authentication".to_owned()],
        };
        let scan = Scan { endpoints: vec![endpoint], ..Scan::default() };
        let document: Value = serde_json::from_str(&inventory(&scan)).unwrap();
        assert_eq!(document["version"], VERSION);
        let first = &document["endpoints"][0];
        assert_eq!(first["place"], json!({ "path": "app.js", "line": 1, "column": 5 }));
        assert_eq!(first["handler"], json!({ "name": "show", "place": null }));
        assert_eq!(first["parameters"]["query"], json!(["page"]));
    }
}
