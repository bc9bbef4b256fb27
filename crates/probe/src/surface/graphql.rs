//! GraphQL: requests that carry a document, and what a target says of itself when it is asked (introspection).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::add;
use crate::field::Field;
use crate::graphql::endpoints;
use crate::graphql::schema::{Entry, Schema, by_type};
use crate::operation::{Body, Operation, Provenance};
use crate::wire::WireError;

/// What the document of a request asks for: its first field; nothing where it carries no document.
#[must_use]
pub fn name_of(body: &Value) -> Option<String> {
    let document = body.get("query")?.as_str()?.trim_start();
    let kinds = ["query", "mutation", "subscription"];
    let begins = kinds.iter().any(|kind| document.starts_with(kind)) || document.starts_with('{');
    let at = if begins {
        0
    } else {
        // Fragments may stand first.
        kinds.iter().filter_map(|kind| document.find(&format!("{kind} "))).min()?
    };
    let (_, selected) = document.get(at..)?.split_once('{')?;
    let first = word(selected.trim_start());
    let rest = selected.trim_start().strip_prefix(&first)?.trim_start();
    // `other: field` is another name for it.
    let field = rest.strip_prefix(':').map_or(first, |rest| word(rest.trim_start()));
    (!field.is_empty()).then_some(field)
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(80).collect()
}

/// Operations of one schema, and how deep is asked for what they give.
const OPERATIONS: usize = 400;
const DEEPEST: usize = 2;
/// Variables of one document.
const ARGUMENTS: usize = 20;

/// Makes operations of what endpoints tell of themselves. Documents of scripts and what a browser sent stand beside that.
///
/// # Errors
/// When the run is over.
pub(crate) async fn learn(field: &mut Field) -> Result<(), WireError> {
    for endpoint in endpoints(field).await? {
        // The path as a page or a script knew it is no operation of its own.
        let plain =
            |own: &Operation| own.path == endpoint.path && !own.sources.contains(&Provenance::Specification);
        field.operations.retain(|own| !plain(own));
        let told = endpoint.schema.as_ref().map(|schema| of_schema(&endpoint.path, schema));
        let told = told.unwrap_or_default();
        if told.is_empty() {
            field.note(format!(
                "`{}` speaks GraphQL and does not say what it has: what the browser and the scripts ask for is tested",
                endpoint.path
            ));
        }
        for operation in told {
            add(&mut field.operations, operation);
        }
        for document in field.queries.clone() {
            if let Some(operation) = of_document(&endpoint.path, &document) {
                add(&mut field.operations, operation);
            }
        }
    }
    Ok(())
}

/// The operations that introspection tells of: the `data` of its answer. None where it is no schema.
#[must_use]
pub fn introspected(path: &str, data: &Value) -> Vec<Operation> {
    Schema::read(data).map_or_else(Vec::new, |schema| of_schema(path, &schema))
}

fn of_schema(path: &str, schema: &Schema) -> Vec<Operation> {
    let all = [("query", schema.queries()), ("mutation", schema.mutations())];
    let all = all.into_iter().flat_map(|(kind, entries)| entries.iter().map(move |entry| (kind, entry)));
    all.take(OPERATIONS).map(|(kind, entry)| of_entry(path, schema, kind, entry)).collect()
}

fn of_entry(path: &str, schema: &Schema, kind: &str, entry: &Entry) -> Operation {
    let (mut heads, mut uses, mut variables) = (Vec::new(), Vec::new(), Map::new());
    for argument in &entry.arguments {
        heads.push(format!("${}: {}", argument.name, argument.written));
        uses.push(format!("{0}: ${0}", argument.name));
        variables.insert(argument.name.clone(), schema.sample(argument));
    }
    let (head, used) = match heads.is_empty() {
        true => (String::new(), String::new()),
        false => (format!("({})", heads.join(", ")), format!("({})", uses.join(", "))),
    };
    let selected = schema.deep_selection(&entry.of, DEEPEST);
    let name = &entry.name;
    let document = format!("{kind} {name}{head} {{ {name}{used}{selected} }}");
    let mut operation = operation(path, name, &document, variables, Provenance::Specification);
    operation.deprecated = entry.deprecated;
    operation
}

fn operation(
    path: &str,
    name: &str,
    document: &str,
    variables: Map<String, Value>,
    source: Provenance,
) -> Operation {
    let mut operation = Operation::new("POST", &format!("{path}#{name}"), source);
    operation.body = Some(Body {
        media_type: "application/json".to_owned(),
        schema: Value::Null,
        example: Some(json!({ "query": document, "variables": variables })),
        tokens: BTreeSet::new(),
    });
    operation
}

/// The operation of a document that stands in a script: its variables by their types.
#[must_use]
pub fn of_document(path: &str, document: &str) -> Option<Operation> {
    let name = name_of(&json!({ "query": document }))?;
    let head = document.split('{').next().unwrap_or_default();
    let mut variables = Map::new();
    for one in head.split('$').skip(1).take(ARGUMENTS) {
        let (own, of_type) = one.split_once(':')?;
        let of_type = of_type.trim().split([',', ')', ' ', '=']).next().unwrap_or_default();
        let own = word(own.trim());
        let value = by_type(&of_type.replace('!', ""), &own);
        variables.insert(own, value);
    }
    // What was put together at another place is not whole.
    let whole =
        !document.contains("{value}") && document.matches('{').count() == document.matches('}').count();
    whole.then(|| operation(path, &name, document, variables, Provenance::Script))
}

/// Whether an answer says that what was asked for was not done: errors and no data.
#[must_use]
pub fn is_error(body: &Value) -> bool {
    let errors = body.get("errors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
    let data = body.get("data").is_some_and(|data| match data {
        Value::Object(members) => members.values().any(|value| !value.is_null()),
        other => !other.is_null(),
    });
    errors && !data
}

/// Whether an answer says that whoever asked may not.
#[must_use]
pub fn is_refusal(body: &Value) -> bool {
    let words = [
        "unauthenticated",
        "unauthorized",
        "not authorized",
        "forbidden",
        "permission",
        "not logged in",
        "must be logged",
        "access denied",
    ];
    let said = |error: &Value| {
        let text = error.to_string().to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    is_error(body)
        && body.get("errors").and_then(Value::as_array).is_some_and(|errors| errors.iter().any(said))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schema() -> Value {
        json!({ "data": { "__schema": { "queryType": { "name": "Query" }, "mutationType": { "name": "Mutation" }, "types": [
            { "kind": "OBJECT", "name": "Query", "fields": [
                { "name": "note", "args": [{ "name": "id", "type": { "kind": "NON_NULL", "ofType": { "kind": "SCALAR", "name": "ID" } } }],
                  "type": { "kind": "OBJECT", "name": "Note" } }] },
            { "kind": "OBJECT", "name": "Mutation", "fields": [
                { "name": "addNote", "args": [{ "name": "input", "type": { "kind": "INPUT_OBJECT", "name": "NewNote" } }],
                  "type": { "kind": "SCALAR", "name": "Boolean" } }] },
            { "kind": "OBJECT", "name": "Note", "fields": [
                { "name": "id", "args": [], "type": { "kind": "SCALAR", "name": "ID" } },
                { "name": "again", "args": [], "type": { "kind": "OBJECT", "name": "Note" } }] },
            { "kind": "INPUT_OBJECT", "name": "NewNote", "inputFields": [
                { "name": "title", "type": { "kind": "SCALAR", "name": "String" } },
                { "name": "kind", "type": { "kind": "ENUM", "name": "Kind" } }] },
            { "kind": "ENUM", "name": "Kind", "enumValues": [{ "name": "PLAIN" }] },
            { "kind": "SCALAR", "name": "ID" }, { "kind": "SCALAR", "name": "Boolean" }, { "kind": "SCALAR", "name": "String" }] } } })
    }

    #[test]
    fn a_schema_becomes_operations_with_their_arguments() {
        let all = introspected("/graphql", &schema()["data"]);
        let ids: Vec<String> = all.iter().map(Operation::id).collect();
        assert_eq!(ids, ["POST /graphql#note", "POST /graphql#addNote"]);
        let body = |at: usize| all[at].body.clone().unwrap().example.unwrap();
        assert_eq!(
            body(0)["query"],
            "query note($id: ID!) { note(id: $id) { id again { id again { id } } } }"
        );
        assert_eq!(body(0)["variables"], json!({ "id": "1" }));
        assert_eq!(body(1)["variables"], json!({ "input": { "title": "probe", "kind": "PLAIN" } }));
        assert!(all[0].is_safe() && !all[1].is_safe());
    }

    #[test]
    fn a_document_of_a_script_has_its_variables() {
        let operation =
            of_document("/g", "mutation Pay($id: ID!, $sum: Float = 1) { pay(id: $id, sum: $sum) }").unwrap();
        assert_eq!(operation.id(), "POST /g#pay");
        assert_eq!(operation.body.unwrap().example.unwrap()["variables"], json!({ "id": "1", "sum": 1.0 }));
        assert_eq!(of_document("/g", "query A { b { {value} }"), None);
        for (document, name) in
            [("{ me { name } }", "me"), ("fragment F on A { b } query Q { own: thing { ...F } }", "thing")]
        {
            assert_eq!(name_of(&json!({ "query": document })).as_deref(), Some(name));
        }
    }

    #[test]
    fn errors_without_data_are_refusals_or_mistakes() {
        assert!(is_error(&json!({ "errors": [{}], "data": { "a": null } })));
        assert!(
            !is_error(&json!({ "errors": [{}], "data": { "a": 1 } })) && !is_error(&json!({ "errors": [] }))
        );
        assert!(is_refusal(&json!({ "errors": [{ "extensions": { "code": "UNAUTHENTICATED" } }] })));
        assert!(!is_refusal(&json!({ "errors": [{ "message": "Syntax" }] })));
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_left(text in "[ -~]{0,80}") {
            let _ = of_document("/g", &text);
        }
    }
}
