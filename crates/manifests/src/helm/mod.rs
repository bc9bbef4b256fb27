//! Helm charts: templates rendered with the chart's own values, as far as that goes without Helm.

mod expression;
mod functions;
mod render;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_finding::{Source, UnreadReason};
use serde_json::Value as Json;

use crate::document::{Documents, Gap, Node, Value, yaml};

/// A key that says: here stand keys that only Helm knows.
pub(crate) const OPEN: &str = "GABIONOPEN";

/// A template, rendered.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// What came out, under the path of the template.
    pub(crate) source: Source,
    /// Which line of the template each line came from, from the first on.
    pub(crate) lines: Vec<u32>,
    pub(crate) roots: Vec<Node>,
    pub(crate) gaps: Vec<Gap>,
}

/// Renders all templates of a chart. `files` are those below it, the chart's folder taken off their names.
pub(crate) fn render(files: &BTreeMap<&str, &Source>) -> Vec<Rendered> {
    let json = |name: &str| {
        let source = files.get(name)?;
        yaml::read(source.text()).roots.first().map(of_node)
    };
    let values = json("values.yaml").or_else(|| json("values.yml")).unwrap_or(Json::Null);
    let chart = json("Chart.yaml").unwrap_or(Json::Null);
    let parsed: Vec<(&Source, template::Parsed)> = files
        .iter()
        .filter(|(name, _)| name.starts_with("templates/") && !name.contains("/tests/"))
        .map(|(_, source)| (*source, template::parse(source.text())))
        .collect();
    let mut library: BTreeMap<&str, &[template::Part]> = BTreeMap::new();
    for define in parsed.iter().flat_map(|(_, parsed)| &parsed.defines) {
        library.insert(&define.name, &define.parts);
    }
    let made = parsed
        .iter()
        .filter(|(source, _)| source.path().ends_with(".yaml") || source.path().ends_with(".yml"));
    made.map(|(source, parsed)| {
        let out = render::Renderer::new(&library, &values, &chart, source.text()).run(&parsed.parts);
        let Documents { roots, gaps: broken } = yaml::read(&out.text);
        let mut gaps = parsed.gaps.clone();
        gaps.extend(out.gaps);
        gaps.extend(broken.into_iter().map(|gap| {
            let detail = format!("as rendered with the chart's values, {}", gap.detail);
            Gap { reason: UnreadReason::Syntax, detail }
        }));
        let roots = roots.into_iter().map(|root| opened(root, 0)).collect();
        Rendered { source: Source::new(source.path(), &out.text), lines: out.lines, roots, gaps }
    })
    .collect()
}

/// Texts that hold what is not known are not known.
fn opened(node: Node, depth: usize) -> Node {
    if depth > crate::document::DEEPEST {
        return node;
    }
    let value = match node.value {
        Value::Text(text) if text.contains(OPEN) => Value::Unknown(text),
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| opened(item, depth.saturating_add(1))).collect())
        }
        Value::Map(mut entries) => {
            for entry in &mut entries {
                let inner = std::mem::replace(&mut entry.node, Node::new(node.span, Value::Null));
                entry.node = opened(inner, depth.saturating_add(1));
                if entry.key.contains(OPEN) {
                    entry.key = Arc::from(OPEN);
                }
            }
            Value::Map(entries)
        }
        other => other,
    };
    Node::new(node.span, value)
}

fn of_node(node: &Node) -> Json {
    match &node.value {
        Value::Null | Value::Unknown(_) => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number, text) => match text.parse::<i64>() {
            Ok(whole) => Json::from(whole),
            Err(_) => serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number),
        },
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(of_node).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.to_string(), of_node(&entry.node))).collect())
        }
    }
}

#[cfg(test)]
mod tests;
