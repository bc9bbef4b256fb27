//! GraphQL (October 2021): where tests ask it, and what they make of what it tells of itself.

pub(crate) mod schema;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub(crate) use self::schema::{Entry, INTROSPECTION, Schema};
use crate::attacks::usable;
use crate::field::Field;
use crate::surface::is_spared;
use crate::wire::{Answer, Request, WireError};

/// Where queries are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) path: String,
    /// Who it was met as; nobody where that goes.
    pub(crate) who: usize,
    pub(crate) schema: Option<Schema>,
}

/// Where it usually is.
const PLACES: &[&str] = &["/graphql", "/api/graphql", "/graphql/v1", "/v1/graphql", "/query", "/gql"];
/// Paths that are asked, and endpoints that are enough.
const ASKED: usize = 20;
const ENOUGH: usize = 3;

impl Endpoint {
    /// Asks as somebody.
    pub(crate) async fn ask(
        &self,
        field: &Field,
        who: usize,
        query: &str,
    ) -> Result<Option<(Request, Answer)>, WireError> {
        let request = self.request(&json!({ "query": query }));
        Ok(usable(field.request(who, &request).await)?.map(|answer| (request, answer)))
    }

    pub(crate) fn request(&self, body: &Value) -> Request {
        Request::new("POST", &self.path).body("application/json", body.to_string())
    }

    pub(crate) fn id(&self) -> String {
        format!("POST {}", self.path)
    }
}

/// What a query got, where it got anything.
#[must_use]
pub(crate) fn data(answer: &Answer) -> Option<Value> {
    answer.json()?.get("data").filter(|data| data.is_object()).cloned()
}

/// Whether an answer has errors.
#[must_use]
pub(crate) fn errors(answer: &Answer) -> bool {
    answer.json().and_then(|body| Some(!body.get("errors")?.as_array()?.is_empty())).unwrap_or(false)
}

/// Where queries are asked; found once in a run.
///
/// # Errors
/// When the run is over.
pub(crate) async fn endpoints(field: &Field) -> Result<Vec<Endpoint>, WireError> {
    field.graphql.get_or_try_init(|| find(field)).await.cloned()
}

async fn find(field: &Field) -> Result<Vec<Endpoint>, WireError> {
    let own = field.operations.iter().filter_map(|operation| {
        // What stands behind `#` tells queries at one address apart.
        let path = operation.path.split('#').next().unwrap_or_default();
        let lower = path.to_ascii_lowercase();
        let last = lower.rsplit('/').next().unwrap_or_default();
        let named = lower.contains("graphql") || matches!(last, "gql" | "query");
        (named && !lower.contains('{')).then(|| path.to_owned())
    });
    let mut paths: Vec<String> = own.chain(PLACES.iter().map(|path| (*path).to_owned())).collect();
    let mut met = BTreeSet::new();
    paths.retain(|path| met.insert(path.clone()) && !is_spared(field, path));
    let mut found: Vec<Endpoint> = Vec::new();
    for path in paths.into_iter().take(ASKED) {
        if found.len() >= ENOUGH {
            break;
        }
        for who in [Some(0), field.signed_in().next()].into_iter().flatten() {
            let mut endpoint = Endpoint { path: path.clone(), who, schema: None };
            let Some((_, answer)) = endpoint.ask(field, who, "{__typename}").await? else { break };
            if matches!(answer.status, 404 | 405 | 410) {
                break;
            }
            let typename = data(&answer).and_then(|data| Some(data.get("__typename")?.is_string()));
            if typename != Some(true) {
                continue;
            }
            // Who signed in may be told more.
            let more = field.signed_in().next().filter(|more| *more != who);
            for who in [Some(who), more].into_iter().flatten() {
                if endpoint.schema.is_none()
                    && let Some((_, answer)) = endpoint.ask(field, who, INTROSPECTION).await?
                {
                    endpoint.schema = data(&answer).as_ref().and_then(Schema::read);
                    endpoint.who = who;
                }
            }
            found.push(endpoint);
            break;
        }
    }
    Ok(found)
}
