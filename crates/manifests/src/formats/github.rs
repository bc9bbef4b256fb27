//! GitHub Actions: workflows, jobs, steps and composite actions.

use gabion_finding::Source;

use super::whole;
use crate::document::{Entry, Node, Value};
use crate::subject::Subject;

/// Adds `triggers`, the names under `on` however they are written.
pub(crate) fn with_triggers(mut root: Node) -> Node {
    let Some(on) = root.entry("on").or_else(|| root.entry("true")).cloned() else { return root };
    let names: Vec<Node> = match &on.node.value {
        Value::Map(entries) => entries.iter().map(|entry| Node::text(entry.key_span, &entry.key)).collect(),
        Value::List(items) => items.clone(),
        _ => vec![on.node.clone()],
    };
    if let Value::Map(entries) = &mut root.value {
        let node = Node::list(on.key_span, names);
        entries.push(Entry { key: "triggers".into(), key_span: on.key_span, node });
    }
    root
}

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    if root.get("jobs").is_none() {
        return;
    }
    all.push(whole("github.workflow", root, source));
    for entry in root.get("jobs").into_iter().flat_map(Node::entries) {
        let job = &entry.node;
        all.push(Subject {
            kind: "github.job",
            sort: "",
            name: entry.key.to_string(),
            anchor: entry.key_span,
            node: job,
            named: vec![("workflow", root)],
            source,
        });
        steps(job, &[("job", job), ("workflow", root)], source, all);
    }
}

pub(crate) fn action_subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    all.push(whole("github.action", root, source));
    if let Some(runs) = root.get("runs") {
        steps(runs, &[("action", root)], source, all);
    }
}

fn steps<'a>(
    job: &'a Node,
    named: &[(&'static str, &'a Node)],
    source: &'a Source,
    all: &mut Vec<Subject<'a>>,
) {
    for (at, step) in job.get("steps").into_iter().flat_map(Node::items).enumerate() {
        let number = at.saturating_add(1);
        let name = step.str_at("name").or_else(|| step.str_at("id")).or_else(|| step.str_at("uses"));
        all.push(Subject {
            kind: "github.step",
            sort: "",
            name: name.map_or_else(|| format!("step {number}"), str::to_owned),
            anchor: step.entries().first().map_or(step.span, Entry::place),
            node: step,
            named: named.to_vec(),
            source,
        });
    }
}
