//! Rules in mode `taint`.

use std::sync::Arc;

use super::Reader;
use crate::comparison;
use crate::formula::Op;
use crate::taint::{Propagator, Requires, Sanitizer, Sink, Source, Taint};
use crate::text_pattern::variable;
use crate::yaml::Node;

/// The label of sources without one.
const DEFAULT: &str = "__SOURCE__";
/// Labels of one rule.
const LABELS: usize = 60;

impl Reader {
    pub(super) fn taint(&mut self, node: &Node) -> Option<Taint> {
        let mut taint = Taint {
            sources: Vec::new(),
            sinks: Vec::new(),
            sanitizers: Vec::new(),
            propagators: Vec::new(),
            labels: vec![Arc::from(DEFAULT)],
        };
        for (key, value) in node.entries() {
            for item in value.each() {
                match key.as_str() {
                    "pattern-sources" => self.source(item, &mut taint),
                    "pattern-sinks" => self.sink(item, &mut taint),
                    "pattern-sanitizers" => {
                        let keys = ["exact", "by-side-effect", "not_conflicting"];
                        if let Some(op) = self.spot(item, &keys) {
                            let (side_effect, exact) = (flag(item, "by-side-effect"), flag(item, "exact"));
                            taint.sanitizers.push(Sanitizer { op, side_effect, exact });
                        }
                    }
                    "pattern-propagators" => self.propagator(item, &mut taint),
                    _ => {}
                }
            }
        }
        for (key, empty) in
            [("pattern-sources", taint.sources.is_empty()), ("pattern-sinks", taint.sinks.is_empty())]
        {
            if node.get(key).is_none() {
                self.wrong(node.line, format!("`{key}` is missing"));
            } else if empty {
                return None;
            }
        }
        (!taint.sources.is_empty() && !taint.sinks.is_empty()).then_some(taint)
    }

    fn label(&mut self, name: &str, line: usize, taint: &mut Taint) -> u8 {
        let at = taint.labels.iter().position(|own| **own == *name).unwrap_or_else(|| {
            taint.labels.push(name.into());
            taint.labels.len().saturating_sub(1)
        });
        if at >= LABELS {
            self.wrong(line, format!("has more than {LABELS} labels"));
        }
        u8::try_from(at).unwrap_or(u8::MAX)
    }

    /// What is looked for, without the keys that say what it is.
    fn spot(&mut self, node: &Node, own: &[&str]) -> Option<Op> {
        let entries =
            node.entries().iter().filter(|(key, _)| !own.contains(&key.as_str())).cloned().collect();
        if node.entries().is_empty() {
            self.wrong(node.line, "is no place to look for");
            return None;
        }
        self.formula(&Node { line: node.line, value: crate::yaml::Value::Map(entries) })
    }

    fn source(&mut self, node: &Node, taint: &mut Taint) {
        let Some(op) = self.spot(node, &["label", "requires", "by-side-effect", "exact", "control"]) else {
            return;
        };
        let label = match node.get("label").and_then(Node::text) {
            Some(name) => self.label(name, node.line, taint),
            None => 0,
        };
        let requires = self.requires(node, taint);
        taint.sources.push(Source { op, label, requires, side_effect: flag(node, "by-side-effect") });
    }

    fn sink(&mut self, node: &Node, taint: &mut Taint) {
        let Some(op) = self.spot(node, &["requires", "exact", "at-exit"]) else { return };
        let requires = self.requires(node, taint).unwrap_or(Requires::Label(0));
        taint.sinks.push(Sink { op, requires, exact: flag(node, "exact") });
    }

    fn propagator(&mut self, node: &Node, taint: &mut Taint) {
        let keys = ["from", "to", "by-side-effect", "requires", "label", "replace-labels"];
        let Some(op) = self.spot(node, &keys) else { return };
        let mut end = |key: &str| {
            let text = self.required(node, key)?;
            match variable(&text) {
                Some((name, "")) => Some(Arc::from(name.trim_start_matches("..."))),
                _ => {
                    self.wrong(node.line, format!("`{text}` is no variable: `$NAME`"));
                    None
                }
            }
        };
        if let (Some(from), Some(to)) = (end("from"), end("to")) {
            taint.propagators.push(Propagator { op, from, to });
        }
    }

    fn requires(&mut self, node: &Node, taint: &mut Taint) -> Option<Requires> {
        let written = node.get("requires")?;
        let text = self.text(written, "requires")?;
        let mut names = |name: &str| self.label(name, written.line, taint);
        match comparison::requires(&text, &mut names) {
            Some(requires) => Some(requires),
            None => {
                self.wrong(written.line, format!("`{text}` is no formula of labels: `A and not B`"));
                None
            }
        }
    }
}

fn flag(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|node| node.text() == Some("only") || node.truth() == Some(true))
}
