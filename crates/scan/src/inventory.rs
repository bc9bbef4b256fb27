//! What the program answers, as a file of its own: for probes, contracts and threat models.

use std::collections::BTreeMap;

use gabion_finding::Endpoint;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Scan;

/// The version of the form; it changes when a reader of the one before could go wrong.
pub const VERSION: u32 = 1;

/// The inventory of a scan as JSON, by path and method.
#[must_use]
pub fn inventory(scan: &Scan) -> String {
    let document =
        Document { version: VERSION, endpoints: scan.endpoints.iter().map(Answers::new).collect() };
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// The JSON Schema of what [`inventory`] writes.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "What a program answers")]
struct Document {
    /// Of this form.
    version: u32,
    /// By path and method.
    endpoints: Vec<Answers>,
}

/// A route.
#[derive(Debug, Serialize, JsonSchema)]
struct Answers {
    /// `GET`; `ANY` where it answers all of them.
    method: String,
    /// With everything it is mounted under; parameters as `{name}`, parts that are not known as `{}`.
    path: String,
    /// Whose way to say it: `express`.
    framework: String,
    /// Where it is said.
    place: Where,
    handler: Handler,
    /// What runs before it, in order.
    guards: Vec<Guard>,
    /// What it reads of a request: names by `body`, `cookie`, `file`, `header`, `path` and `query`.
    parameters: BTreeMap<String, Vec<String>>,
    /// What guards and handler show: `authentication`, `authorization`, `csrf`, `maybe-authentication` (by a name only),
    /// `method-checked`, `mutation`, `ownership`, `rate-limit`, `upload`, `upload-limit`, `validation`, `webhook-signature`.
    evidence: Vec<String>,
    /// Where each of those was seen first, as far as one place shows it.
    shown_at: BTreeMap<String, Where>,
}

/// What answers.
#[derive(Debug, Serialize, JsonSchema)]
struct Handler {
    /// Empty where it has none.
    name: String,
    /// Null where it is not in the tree.
    place: Option<Where>,
}

/// What runs before a handler, and may refuse.
#[derive(Debug, Serialize, JsonSchema)]
struct Guard {
    /// As the code names it: `passport.authenticate(jwt)`.
    name: String,
    /// Where it is put before the handler.
    place: Where,
    evidence: Vec<String>,
}

/// A place in the tree.
#[derive(Debug, Serialize, JsonSchema)]
struct Where {
    /// From the root of what was scanned.
    path: String,
    /// The first is 1.
    line: u32,
    /// In characters; the first is 1.
    column: u32,
}

impl Answers {
    fn new(from: &Endpoint) -> Self {
        let guard = |guard: &gabion_finding::Guard| Guard {
            name: guard.name.clone(),
            place: Where::new(&guard.place),
            evidence: guard.evidence.clone(),
        };
        Self {
            method: from.method.clone(),
            path: from.path.clone(),
            framework: from.framework.clone(),
            place: Where::new(&from.place),
            handler: Handler { name: from.name.clone(), place: from.handler.as_ref().map(Where::new) },
            guards: from.guards.iter().map(guard).collect(),
            parameters: from.parameters.clone(),
            evidence: from.evidence.clone(),
            shown_at: from.shown_at.iter().map(|(name, place)| (name.clone(), Where::new(place))).collect(),
        }
    }
}

impl Where {
    fn new(from: &gabion_finding::Place) -> Self {
        Self { path: from.path.to_string(), line: from.start.line, column: from.start.column }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gabion_openapi::schema::{Draft, Options, Program, Registry, Root};
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        let text = "app.get('/x', check, show)\n";
        let source = gabion_finding::Source::new("app.js", text);
        let place = source.place(gabion_finding::Span::new(4, 7));
        let endpoint = Endpoint {
            method: "GET".to_owned(),
            path: "/x".to_owned(),
            framework: "express".to_owned(),
            place: place.clone(),
            shown_at: BTreeMap::from([("authentication".to_owned(), place.clone())]),
            handler: None,
            name: "show".to_owned(),
            guards: vec![gabion_finding::Guard {
                name: "check".to_owned(),
                place,
                evidence: vec!["authentication".to_owned()],
            }],
            parameters: BTreeMap::from([("query".to_owned(), vec!["page".to_owned()])]),
            evidence: vec!["authentication".to_owned()],
        };
        let scan = Scan { endpoints: vec![endpoint], ..Scan::default() };
        serde_json::from_str(&inventory(&scan)).unwrap()
    }

    /// How often a document breaks the schema.
    fn wrongs(document: &Value) -> usize {
        let read = |value: &Value| {
            gabion_openapi::json::parse(value.to_string().as_bytes(), &gabion_openapi::json::Bounds::file())
                .unwrap()
        };
        let mut registry = Registry::new();
        registry.add("inventory", Arc::new(read(&schema())), Root::Schema);
        let program = Program::compile(&registry, "inventory", &Options::plain(Draft::Draft202012)).unwrap();
        program.validate_value(&read(document)).err().map_or(0, |all| all.len())
    }

    #[test]
    fn what_is_written_fits_the_schema() {
        assert_eq!(wrongs(&document()), 0);
        let mut wrong = document();
        wrong["endpoints"][0]["guards"][0]["place"] = json!("app.js:1");
        assert_eq!(wrongs(&wrong), 1);
        let mut less = document();
        less["endpoints"][0].as_object_mut().unwrap().remove("path");
        assert_eq!(wrongs(&less), 1);
    }

    #[test]
    fn it_says_its_version_and_places_by_line() {
        let document = document();
        assert_eq!(document["version"], VERSION);
        let first = &document["endpoints"][0];
        assert_eq!(first["place"], json!({ "path": "app.js", "line": 1, "column": 5 }));
        assert_eq!(first["handler"], json!({ "name": "show", "place": null }));
        assert_eq!(first["parameters"]["query"], json!(["page"]));
        assert_eq!(first["shown_at"]["authentication"]["line"], 1);
    }
}
