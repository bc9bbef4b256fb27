//! OpenAPI documents: operations, schemas and security schemes.

use std::collections::BTreeSet;

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
            push("openapi.security-scheme", "", &entry.key, entry, root, source, all);
        }
    }
    inline(root, source, all);
    let sent = sent(root);
    for group in ["components.schemas", "definitions"] {
        for entry in root.at(group).into_iter().flat_map(Node::entries) {
            let sort = if sent.contains(&*entry.key) { "sent" } else { "answered" };
            schemas(&entry.key, sort, entry, root, source, all);
        }
    }
}

/// Schemas of bodies that stand where they are used. What stands in an address is bounded by the server.
fn inline<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    for path in root.get("paths").into_iter().flat_map(Node::entries) {
        for operation in path.node.entries().iter().filter(|entry| METHODS.contains(&&*entry.key)) {
            let name = format!("{} {}", operation.key.to_uppercase(), path.key);
            let bodies = operation.node.at("requestBody.content").into_iter().flat_map(Node::entries);
            for schema in bodies.filter_map(|body| body.node.entry("schema")) {
                schemas(&name, "sent", schema, root, source, all);
            }
        }
    }
}

/// The names of schemas that clients send: in bodies and parameters, and what those refer to. What only answers hold is bounded
/// by whoever answers.
fn sent(root: &Node) -> BTreeSet<&str> {
    let mut waiting: Vec<&Node> = Vec::new();
    for path in root.get("paths").into_iter().flat_map(Node::entries) {
        waiting.extend(path.node.get("parameters"));
        for operation in path.node.entries() {
            waiting.extend(["requestBody", "parameters"].iter().filter_map(|key| operation.node.get(key)));
        }
    }
    waiting.extend(
        ["components.requestBodies", "components.parameters"].iter().filter_map(|path| root.at(path)),
    );
    let mut names = BTreeSet::new();
    // Each value of the document is looked at once at most: a schema is entered when its name is new.
    while let Some(node) = waiting.pop() {
        waiting.extend(node.items());
        for entry in node.entries() {
            let reference = (&*entry.key == "$ref").then(|| entry.node.scalar()).flatten();
            let name = reference.and_then(|reference| {
                reference
                    .strip_prefix("#/components/schemas/")
                    .or_else(|| reference.strip_prefix("#/definitions/"))
            });
            match name {
                Some(name) if names.insert(name) => {
                    let groups = ["components.schemas", "definitions"];
                    waiting.extend(groups.iter().filter_map(|group| root.at(group)?.get(name)));
                }
                Some(_) => {}
                None => waiting.push(&entry.node),
            }
        }
    }
    names
}

fn push<'a>(
    kind: &'static str,
    sort: &'static str,
    name: &str,
    entry: &'a Entry,
    root: &'a Node,
    source: &'a Source,
    all: &mut Vec<Subject<'a>>,
) {
    let named = vec![("document", root)];
    let (name, anchor) = (name.to_owned(), entry.key_span);
    all.push(Subject { kind, sort, name, anchor, node: &entry.node, named, source });
}

/// A schema and those in it; what is only named by `$ref` is looked at where it stands.
fn schemas<'a>(
    name: &str,
    sort: &'static str,
    entry: &'a Entry,
    root: &'a Node,
    source: &'a Source,
    all: &mut Vec<Subject<'a>>,
) {
    let mut waiting = vec![(name.to_owned(), entry, 0_usize)];
    while let Some((name, entry, depth)) = waiting.pop() {
        if depth > 16 || !matches!(entry.node.value, Value::Map(_)) || entry.node.get("$ref").is_some() {
            continue;
        }
        push("openapi.schema", sort, &name, entry, root, source, all);
        let depth = depth.saturating_add(1);
        waiting.extend(entry.node.entry("items").map(|items| (format!("{name}[]"), items, depth)));
        let properties = entry.node.get("properties").into_iter().flat_map(Node::entries);
        waiting.extend(properties.map(|property| (format!("{name}.{}", property.key), property, depth)));
    }
}
