//! Dockerfiles: instructions, stages and the commands of `RUN`.

mod lines;
mod stages;

use gabion_finding::Source;

use super::whole;
use crate::document::{Documents, Node};
use crate::subject::Subject;

/// One document: `instructions`, `stages`, `final`.
pub(crate) fn read(text: &str) -> Documents {
    let (instructions, gaps) = lines::read(text);
    Documents { roots: vec![stages::document(&instructions, text)], gaps }
}

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    let anchor = root.at("final.from").map_or(root.span, |from| from.span);
    let named = Vec::new();
    let file = whole("dockerfile.file", root, source);
    all.push(Subject { anchor, named, ..file });
    for stage in root.get("stages").into_iter().flat_map(Node::items) {
        let name = stage.str_at("name").or_else(|| stage.str_at("image")).unwrap_or_default().to_owned();
        let anchor = stage.get("from").map_or(stage.span, |from| from.span);
        let sort = if stage.get("last").is_some_and(Node::is_true) { "final" } else { "build" };
        let named = vec![("file", root)];
        all.push(Subject { kind: "dockerfile.stage", sort, name, anchor, node: stage, named, source });
        for node in stage.get("instructions").into_iter().flat_map(Node::items) {
            all.push(Subject {
                kind: "dockerfile",
                sort: node.str_at("instruction").unwrap_or_default(),
                name: String::new(),
                anchor: node.span,
                node,
                named: vec![("stage", stage), ("file", root)],
                source,
            });
        }
    }
}
