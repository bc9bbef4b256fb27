//! Kubernetes: objects, the pods they make, and their containers.

use gabion_finding::{Source, Span};

use crate::document::Node;
use crate::subject::Subject;

/// The objects of a `List`, or the object itself.
pub(crate) fn written_out(root: Node) -> Vec<Node> {
    let list = root.str_at("kind").is_some_and(|kind| kind == "List") && root.get("items").is_some();
    if !list {
        return vec![root];
    }
    root.get("items").map_or_else(Vec::new, |items| items.items().to_vec())
}

/// Where the pod of a kind of object stands.
pub(crate) fn pod_path(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Pod" => "spec",
        "CronJob" => "spec.jobTemplate.spec.template.spec",
        "Deployment"
        | "DaemonSet"
        | "StatefulSet"
        | "ReplicaSet"
        | "ReplicationController"
        | "Job"
        | "DeploymentConfig"
        | "Rollout" => "spec.template.spec",
        "Service" => return None,
        _ => return None,
    })
}

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    let (Some(kind), Some(version)) = (root.str_at("kind"), root.str_at("apiVersion")) else { return };
    let name = root.str_at("metadata.name").or_else(|| root.str_at("metadata.generateName")).unwrap_or("?");
    let name = format!("{kind}/{name}");
    let anchor = root.entry("kind").map_or(root.span, |entry| entry.key_span.join(entry.node.span));
    let named = vec![("object", root)];
    all.push(Subject {
        kind: "kubernetes",
        sort: kind,
        name: name.clone(),
        anchor,
        node: root,
        named,
        source,
    });
    // A knative `Service` is one with a pod in it.
    let path = if kind == "Service" && version.starts_with("serving.knative") {
        Some("spec.template.spec")
    } else {
        pod_path(kind)
    };
    let Some(pod) = path.and_then(|path| root.at(path)) else { return };
    let containers: Vec<(&'static str, &Node)> =
        [("container", "containers"), ("init", "initContainers"), ("ephemeral", "ephemeralContainers")]
            .into_iter()
            .flat_map(|(sort, key)| {
                pod.get(key).into_iter().flat_map(Node::items).map(move |node| (sort, node))
            })
            .collect();
    // Without an image it is a patch: what it does not say, something else does.
    let patch = containers.iter().any(|(_, node)| node.get("image").is_none());
    if patch || containers.is_empty() {
        return;
    }
    let at = root.at(path.unwrap_or_default().rsplit_once('.').map_or("", |(parent, _)| parent));
    let spec = at.unwrap_or(root).entry("spec").map_or(anchor, |entry| entry.key_span);
    let named = vec![("object", root)];
    all.push(Subject {
        kind: "kubernetes.pod",
        sort: kind,
        name: name.clone(),
        anchor: spec,
        node: pod,
        named,
        source,
    });
    for (sort, node) in containers {
        let called = node.str_at("name").unwrap_or("?");
        all.push(Subject {
            kind: "kubernetes.container",
            sort,
            name: format!("{name}/{called}"),
            anchor: head(node),
            node,
            named: vec![("pod", pod), ("object", root)],
            source,
        });
    }
}

/// The name of a thing in a list, or its first key.
pub(crate) fn head(node: &Node) -> Span {
    (node.entry("name").or_else(|| node.entries().first()))
        .map_or(node.span, super::super::document::Entry::place)
}
