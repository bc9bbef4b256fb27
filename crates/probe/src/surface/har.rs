//! Recorded traffic: HAR 1.2, as browsers and proxies save it. What was sent to the target is taken, without credentials.

use serde::Deserialize;

use super::recorded::{self, Sent};
use crate::call::Call;
use crate::operation::{Operation, Provenance};
use crate::scope::Origin;

/// The most entries that are looked at.
const MOST: usize = 5_000;

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
    headers: Vec<Named>,
    #[serde(default)]
    post_data: Option<Posted>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    value: String,
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
    /// Requests that were sent, without who sent them.
    pub calls: Vec<Call>,
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
            Some(to) => {
                let mut headers: Vec<(String, String)> =
                    request.headers.iter().map(|own| (own.name.clone(), own.value.clone())).collect();
                let posted = request.post_data.as_ref();
                if let Some(posted) = posted.filter(|posted| !posted.mime_type.is_empty()) {
                    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
                    headers.push(("Content-Type".to_owned(), posted.mime_type.clone()));
                }
                let body = posted.map_or("", |posted| posted.text.as_str());
                let sent = Sent { method: &request.method, target: &to, headers: &headers, body };
                if let Some((operation, call)) = recorded::take(&sent, &told.operations, Provenance::Har) {
                    super::add(&mut told.operations, operation);
                    if told.calls.len() < MOST {
                        told.calls.push(call);
                    }
                }
            }
            None => told.elsewhere = told.elsewhere.saturating_add(1),
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Place;

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
        assert!(told.calls.iter().all(|call| call.headers.is_empty()), "credentials stay where they are");
        assert_eq!(told.operations[0].parameter(Place::Query, "q").unwrap().examples, ["a b"]);
        assert_eq!(told.operations[1].body.as_ref().unwrap().example, Some(serde_json::json!({"title":"x"})));
        assert!(read("[]", &origin).is_err());
    }
}
