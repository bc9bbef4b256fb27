//! CloudFormation templates: parameters, outputs, and resources with `Properties` as the value.

use gabion_finding::Source;

use crate::document::Node;
use crate::subject::Subject;

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    for (section, kind) in [("Parameters", "cloudformation.parameter"), ("Outputs", "cloudformation.output")]
    {
        for entry in root.get(section).into_iter().flat_map(Node::entries) {
            all.push(Subject {
                kind,
                sort: "",
                name: entry.key.to_string(),
                anchor: entry.key_span,
                node: &entry.node,
                named: vec![("template", root)],
                source,
            });
        }
    }
    for entry in root.get("Resources").into_iter().flat_map(Node::entries) {
        let Some(sort) = entry.node.str_at("Type") else { continue };
        all.push(Subject {
            kind: "cloudformation",
            sort,
            name: entry.key.to_string(),
            anchor: entry.key_span,
            node: entry.node.get("Properties").unwrap_or(&entry.node),
            named: vec![("resource", &entry.node), ("template", root)],
            source,
        });
    }
}
