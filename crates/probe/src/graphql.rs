//! GraphQL (October 2021): where it is asked, what its schema says, and queries made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::attacks::usable;
use crate::field::Field;
use crate::wire::{Answer, Request, WireError};

/// Where queries are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) path: String,
    /// Who it was met as; nobody where that goes.
    pub(crate) who: usize,
    pub(crate) schema: Option<Schema>,
}

/// What introspection tells, under bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) query: String,
    pub(crate) mutation: Option<String>,
    pub(crate) types: BTreeMap<String, Vec<Entry>>,
    inputs: BTreeMap<String, Vec<Argument>>,
    enums: BTreeMap<String, String>,
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    /// What it is in the end, behind lists and `!`.
    pub(crate) of: String,
    pub(crate) list: bool,
}

/// An argument, or a field of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) required: bool,
}

/// Types that are kept.
const TYPES: usize = 500;
/// Fields of a type that are kept.
const FIELDS: usize = 200;
/// Fields that a query asks for.
const SELECTED: usize = 20;
/// Where it usually is.
const PLACES: &[&str] = &["/graphql", "/api/graphql"];

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
    let mut paths: BTreeSet<String> = PLACES.iter().map(|path| (*path).to_owned()).collect();
    for operation in &field.operations {
        let lower = operation.path.to_ascii_lowercase();
        let last = lower.rsplit('/').next().unwrap_or_default();
        if !lower.contains('{') && (lower.contains("graphql") || matches!(last, "gql" | "query")) {
            paths.insert(operation.path.clone());
        }
    }
    let mut found = Vec::new();
    for path in paths.into_iter().take(6) {
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

/// The schema, as deep as lists of lists go.
pub(crate) const INTROSPECTION: &str = "query{__schema{queryType{name}mutationType{name}types{name kind \
    enumValues{name}inputFields{name type{...t}}fields{name args{name type{...t}}type{...t}}}}}\
    fragment t on __Type{name kind ofType{name kind ofType{name kind ofType{name kind}}}}";

impl Schema {
    /// Of the data of an answer to [`INTROSPECTION`].
    pub(crate) fn read(data: &Value) -> Option<Self> {
        let told = data.get("__schema")?;
        let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
        let mut schema = Self { query: name(told.get("queryType")?)?, ..Self::default() };
        schema.mutation = told.get("mutationType").and_then(name);
        for own in told.get("types")?.as_array()?.iter().take(TYPES) {
            let Some(named) = name(own).filter(|name| !name.starts_with("__") && is_name(name)) else {
                continue;
            };
            let list = |key: &str| own.get(key).and_then(Value::as_array).into_iter().flatten().take(FIELDS);
            let argument = |value: &Value| {
                let kind = Kind::of(value.get("type")?)?;
                Some(Argument {
                    name: name(value).filter(|name| is_name(name))?,
                    of: kind.of,
                    required: kind.required,
                })
            };
            match own.get("kind").and_then(Value::as_str).unwrap_or_default() {
                "OBJECT" | "INTERFACE" => {
                    let fields = list("fields").filter_map(|entry| {
                        let kind = Kind::of(entry.get("type")?)?;
                        let arguments = entry.get("args").and_then(Value::as_array).into_iter().flatten();
                        Some(Entry {
                            name: name(entry).filter(|name| is_name(name))?,
                            arguments: arguments.take(50).filter_map(argument).collect(),
                            of: kind.of,
                            list: kind.list,
                        })
                    });
                    schema.types.insert(named, fields.collect());
                }
                "INPUT_OBJECT" => {
                    schema.inputs.insert(named, list("inputFields").filter_map(argument).collect());
                }
                "ENUM" => {
                    if let Some(first) = list("enumValues").find_map(name).filter(|name| is_name(name)) {
                        schema.enums.insert(named, first);
                    }
                }
                _ => {}
            }
        }
        schema.types.contains_key(&schema.query).then_some(schema)
    }

    /// The fields that queries begin with.
    pub(crate) fn queries(&self) -> &[Entry] {
        self.types.get(&self.query).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn mutations(&self) -> &[Entry] {
        self.mutation.as_ref().and_then(|name| self.types.get(name)).map_or(&[], Vec::as_slice)
    }

    /// What can be asked of a type without arguments: `{id title}`; empty for what is no type of fields.
    pub(crate) fn selection(&self, of: &str) -> String {
        let Some(entries) = self.types.get(of) else { return String::new() };
        let plain = entries.iter().filter(|entry| {
            !self.types.contains_key(&entry.of) && entry.arguments.iter().all(|argument| !argument.required)
        });
        let names: Vec<&str> = plain.map(|entry| entry.name.as_str()).take(SELECTED).collect();
        if names.is_empty() { "{__typename}".to_owned() } else { format!("{{{}}}", names.join(" ")) }
    }

    /// A field with its required arguments; `known` says what some of them are, in JSON.
    pub(crate) fn field(&self, entry: &Entry, known: &dyn Fn(&str) -> Option<String>) -> String {
        let mut arguments = String::new();
        for argument in &entry.arguments {
            let value = known(&argument.name);
            if value.is_none() && !argument.required {
                continue;
            }
            let value = value.unwrap_or_else(|| self.value(&argument.of, 0));
            let _ =
                write!(arguments, "{}{}:{value}", if arguments.is_empty() { "" } else { "," }, argument.name);
        }
        if arguments.is_empty() { entry.name.clone() } else { format!("{}({arguments})", entry.name) }
    }

    fn value(&self, of: &str, depth: usize) -> String {
        match of {
            "Int" => "1".to_owned(),
            "Float" => "1.0".to_owned(),
            "Boolean" => "true".to_owned(),
            "ID" => "\"1\"".to_owned(),
            other => match (self.enums.get(other), self.inputs.get(other)) {
                (Some(first), _) => first.clone(),
                (_, Some(fields)) if depth < 4 => {
                    let fields = fields.iter().filter(|field| field.required);
                    let fields = fields.map(|field| {
                        format!("{}:{}", field.name, self.value(&field.of, depth.saturating_add(1)))
                    });
                    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
                }
                _ => "\"probe\"".to_owned(),
            },
        }
    }

    /// Fields that lead from a type back to itself, the shortest way; nothing where there is none.
    pub(crate) fn circle(&self, from: &str) -> Option<Vec<&str>> {
        let mut ways: Vec<(&str, Vec<&str>)> = vec![(from, Vec::new())];
        let mut met = BTreeSet::new();
        for _ in 0..6 {
            let mut next = Vec::new();
            for (at, way) in &ways {
                for entry in self.types.get(*at).into_iter().flatten() {
                    let free = entry.arguments.iter().all(|argument| !argument.required);
                    if !free || !self.types.contains_key(&entry.of) {
                        continue;
                    }
                    let mut way = way.clone();
                    way.push(entry.name.as_str());
                    if entry.of == from {
                        return Some(way);
                    }
                    if met.insert(entry.of.as_str()) {
                        next.push((entry.of.as_str(), way));
                    }
                }
            }
            ways = next;
        }
        None
    }
}

/// A type without its wrapping.
struct Kind {
    of: String,
    list: bool,
    required: bool,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        let kind = |value: &Value| value.get("kind").and_then(Value::as_str).map(str::to_owned);
        let required = kind(value)? == "NON_NULL";
        let (mut at, mut list) = (value, false);
        for _ in 0..5 {
            list |= kind(at)? == "LIST";
            match at.get("ofType").filter(|inner| inner.is_object()) {
                Some(inner) => at = inner,
                None => break,
            }
        }
        let of = at.get("name")?.as_str().filter(|name| is_name(name))?.to_owned();
        Some(Self { of, list, required })
    }
}

/// Whether a text is a name (section 2.1.9): what a hostile schema calls things goes into queries.
fn is_name(text: &str) -> bool {
    text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let object = |name: &str| json!({ "kind": "OBJECT", "name": name });
        let must = |name: &str| json!({ "kind": "NON_NULL", "ofType": { "kind": "SCALAR", "name": name } });
        let text = json!({ "kind": "SCALAR", "name": "String" });
        let list = json!({ "kind": "NON_NULL", "ofType": { "kind": "LIST", "ofType": object("Order") } });
        Schema::read(
            &json!({ "__schema": { "queryType": { "name": "Query" }, "mutationType": null, "types": [
            { "name": "Query", "kind": "OBJECT", "fields": [
                { "name": "orders", "args": [], "type": list },
                { "name": "order", "args": [{ "name": "id", "type": must("ID") }], "type": object("Order") },
                { "name": "x){y", "args": [], "type": text },
            ] },
            { "name": "Order", "kind": "OBJECT", "fields": [
                { "name": "id", "args": [], "type": must("ID") },
                { "name": "address", "args": [], "type": text },
                { "name": "owner", "args": [], "type": object("User") },
            ] },
            { "name": "User", "kind": "OBJECT", "fields": [{ "name": "orders", "args": [], "type": list }] },
        ] } }),
        )
        .unwrap()
    }

    #[test]
    fn a_schema_becomes_queries() {
        let schema = schema();
        let [orders, order] = schema.queries() else { panic!("{:?}", schema.queries()) };
        assert!(orders.list && !order.list);
        assert_eq!(schema.selection("Order"), "{id address}");
        assert_eq!(
            schema.field(order, &|name| (name == "id").then(|| "\"7\"".to_owned())),
            "order(id:\"7\")"
        );
        assert_eq!(schema.field(order, &|_| None), "order(id:\"1\")");
        assert_eq!(schema.circle("Order").unwrap(), ["owner", "orders"]);
        assert_eq!(schema.circle("Query"), None);
    }

    #[test]
    fn nonsense_is_no_schema() {
        for data in [
            json!({}),
            json!({ "__schema": 1 }),
            json!({ "__schema": { "queryType": { "name": "Q" }, "types": [{}] } }),
        ] {
            assert_eq!(Schema::read(&data), None, "{data}");
        }
    }
}
