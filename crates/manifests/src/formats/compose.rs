//! Compose files: services.

use gabion_finding::Source;

use super::whole;
use crate::document::Node;
use crate::subject::Subject;

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    all.push(whole("compose.file", root, source));
    for entry in root.get("services").into_iter().flat_map(Node::entries) {
        all.push(Subject {
            kind: "compose.service",
            sort: "",
            name: entry.key.to_string(),
            anchor: entry.key_span,
            node: &entry.node,
            named: vec![("file", root)],
            source,
        });
    }
}
