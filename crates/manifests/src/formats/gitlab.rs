//! GitLab CI: jobs, with what `default` says.

use gabion_finding::Source;

use super::whole;
use crate::document::Node;
use crate::subject::Subject;

/// Keys at the top that are no jobs.
const NOT_JOBS: &[&str] = &[
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "spec",
    "pages",
];

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    all.push(whole("gitlab.file", root, source));
    for entry in root.entries() {
        let job = !entry.node.entries().is_empty()
            && (!NOT_JOBS.contains(&&*entry.key) || &*entry.key == "default");
        if job {
            all.push(Subject {
                kind: "gitlab.job",
                sort: "",
                name: entry.key.to_string(),
                anchor: entry.key_span,
                node: &entry.node,
                named: vec![("file", root)],
                source,
            });
        }
    }
}
