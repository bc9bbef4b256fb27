//! OpenAPI documents: operations, schemas and security schemes.

use gabion_finding::Source;

use super::whole;
use crate::document::{Entry, Node, Value};
use crate::subject::Subject;

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    all.push(whole("openapi.document", root, source));
    for path in root.get("paths").into_iter().flat_map(Node::entries) {
        for entry in path.node.entries().iter().filter(|entry| METHODS.contains(&&*entry.key)) {
            all.push(Subject {
                kind: "openapi.operation",
                sort: &entry.key,
                name: format!("{} {}", entry.key.to_uppercase(), path.key),
                anchor: entry.key_span,
                node: &entry.node,
                named: vec![("document", root), ("path", &path.node)],
                source,
            });
        }
    }
    for group in ["components.securitySchemes", "securityDefinitions"] {
        for entry in root.at(group).into_iter().flat_map(Node::entries) {
            push("openapi.security-scheme", &entry.key, entry, root, source, all);
        }
    }
    for group in ["components.schemas", "definitions"] {
        for entry in root.at(group).into_iter().flat_map(Node::entries) {
            schemas(&entry.key, entry, root, source, all, 0);
        }
    }
}

fn push<'a>(
    kind: &'static str,
    name: &str,
    entry: &'a Entry,
    root: &'a Node,
    source: &'a Source,
    all: &mut Vec<Subject<'a>>,
) {
    let named = vec![("document", root)];
    let (name, anchor) = (name.to_owned(), entry.key_span);
    all.push(Subject { kind, sort: "", name, anchor, node: &entry.node, named, source });
}

/// A schema and those in it; what is only named by `$ref` is looked at where it stands.
fn schemas<'a>(
    name: &str,
    entry: &'a Entry,
    root: &'a Node,
    source: &'a Source,
    all: &mut Vec<Subject<'a>>,
    depth: usize,
) {
    if depth > 16 || !matches!(entry.node.value, Value::Map(_)) || entry.node.get("$ref").is_some() {
        return;
    }
    push("openapi.schema", name, entry, root, source, all);
    for property in entry.node.get("properties").into_iter().flat_map(Node::entries) {
        schemas(&format!("{name}.{}", property.key), property, root, source, all, depth.saturating_add(1));
    }
    if let Some(items) = entry.node.entry("items") {
        schemas(&format!("{name}[]"), items, root, source, all, depth.saturating_add(1));
    }
}
