//! Recorded traffic: HAR 1.2, as browsers and proxies save it. What was sent to the target is taken, without credentials.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::templated;
use crate::operation::{Body, Operation, Parameter, Place, Provenance};
use crate::scope::Origin;

/// The most entries that are looked at.
const MOST: usize = 5_000;
/// The longest body that is taken as an example.
const LONGEST: usize = 64 << 10;

#[derive(Deserialize)]
struct Document {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Recorded,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    method: String,
    url: String,
    #[serde(default)]
    post_data: Option<Posted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    text: String,
}

/// What was told.
#[derive(Debug, Default)]
pub struct Told {
    pub operations: Vec<Operation>,
    /// Requests to other places.
    pub elsewhere: usize,
}

/// The operations that a recording shows.
///
/// # Errors
/// In words, where it is none.
pub fn read(text: &str, origin: &Origin) -> Result<Told, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| format!("is no HAR: {error}"))?;
    let mut told = Told::default();
    for Entry { request } in document.log.entries.iter().take(MOST) {
        match origin.inside("/", &request.url).filter(|_| request.url.contains("://")) {
            Some(to) if request.method.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                told.operations.push(operation(request, &to));
            }
            _ => told.elsewhere = told.elsewhere.saturating_add(1),
        }
    }
    Ok(told)
}

fn operation(request: &Recorded, to: &str) -> Operation {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let mut operation = Operation::new(&request.method, &templated(path), Provenance::Har);
    let values = operation.matches(path).unwrap_or_default();
    for parameter in &mut operation.parameters {
        parameter.examples.extend(values.get(&parameter.name).cloned());
    }
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).take(50) {
        operation.parameters.push(Parameter {
            name: name.into_owned(),
            place: Place::Query,
            required: false,
            schema: Value::Null,
            examples: vec![value.into_owned()],
        });
    }
    operation.body = request.post_data.as_ref().and_then(body);
    operation
}

fn body(posted: &Posted) -> Option<Body> {
    let media_type = posted.mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if posted.text.is_empty() || posted.text.len() > LONGEST {
        return None;
    }
    let example = match media_type.as_str() {
        "application/x-www-form-urlencoded" => {
            let fields = url::form_urlencoded::parse(posted.text.as_bytes()).take(100);
            let fields: Map<String, Value> =
                fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
            Value::Object(fields)
        }
        json if json == "application/json" || json.ends_with("+json") => {
            serde_json::from_str(&posted.text).ok()?
        }
        _ => return None,
    };
    Some(Body { media_type, schema: Value::Null, example: Some(example), tokens: BTreeSet::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_to_the_target_is_taken() {
        let text = r#"{"log":{"version":"1.2","entries":[
            {"request":{"method":"GET","url":"http://127.0.0.1:3000/notes/7?q=a%20b","headers":[{"name":"Cookie","value":"sid=1"}]}},
            {"request":{"method":"POST","url":"http://127.0.0.1:3000/api/notes","postData":{"mimeType":"application/json; charset=utf-8","text":"{\"title\":\"x\"}"}}},
            {"request":{"method":"GET","url":"https://elsewhere.example/x"}}]}}"#;
        let origin = Origin::parse("http://127.0.0.1:3000").unwrap();
        let told = read(text, &origin).unwrap();
        let ids: Vec<String> = told.operations.iter().map(Operation::id).collect();
        assert_eq!(ids, ["GET /notes/{id}", "POST /api/notes"]);
        assert_eq!(told.elsewhere, 1);
        assert_eq!(told.operations[0].parameter(Place::Query, "q").unwrap().examples, ["a b"]);
        assert_eq!(told.operations[1].body.as_ref().unwrap().example, Some(serde_json::json!({"title":"x"})));
        assert!(read("[]", &origin).is_err());
    }
}
