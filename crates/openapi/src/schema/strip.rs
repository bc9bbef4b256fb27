//! A document written again without what is to be left out.

use std::fmt::Write;

use super::marks::{DESCRIBED, DROPPED, KNOWN, Tracker};
use crate::json::{Node, Object, Pointer, Value, View, write_string};

pub(super) struct Output<'o> {
    pub(super) root: Node<'o>,
    pub(super) tracker: Option<&'o Tracker>,
    pub(super) strips_unknown: bool,
    pub(super) masked: &'o [Pointer],
}

/// The masks that still apply: the steps left of each.
type Masks<'m> = Vec<Vec<&'m str>>;

impl Output<'_> {
    fn has(&self, node: Node<'_>, mark: u8) -> bool {
        self.tracker.is_some_and(|tracker| tracker.has(node.index(), mark))
    }

    fn is_left_out(&self, object: Node<'_>, value: Node<'_>) -> bool {
        self.has(value, DROPPED)
            || self.strips_unknown && self.has(object, DESCRIBED) && !self.has(value, KNOWN)
    }

    fn masks(&self) -> Masks<'_> {
        self.masked.iter().map(|mask| mask.segments().collect()).collect()
    }
}

/// The masks below a step; `None` where one ends there.
fn below<'m>(masks: &Masks<'m>, step: &str) -> Option<Masks<'m>> {
    let mut inner = Vec::new();
    for mask in masks {
        if let Some((first, rest)) = mask.split_first()
            && (*first == "*" || *first == step)
        {
            if rest.is_empty() {
                return None;
            }
            inner.push(rest.to_vec());
        }
    }
    Some(inner)
}

/// Whether anything is left out, masks aside.
pub(super) fn changes(output: &Output<'_>) -> bool {
    fn within(output: &Output<'_>, node: Node<'_>) -> bool {
        match node.view() {
            View::Array(mut items) => items.any(|item| within(output, item)),
            View::Object(mut members) => {
                members.any(|(_, value)| output.is_left_out(node, value) || within(output, value))
            }
            _ => false,
        }
    }
    within(output, output.root)
}

pub(super) fn value(output: &Output<'_>) -> Value {
    fn tree(output: &Output<'_>, node: Node<'_>, masks: &Masks<'_>) -> Value {
        match node.view() {
            View::Array(items) => Value::Array(
                items
                    .enumerate()
                    .map(|(index, item)| match below(masks, &index.to_string()) {
                        Some(masks) => tree(output, item, &masks),
                        None => Value::Null,
                    })
                    .collect(),
            ),
            View::Object(members) => {
                let mut object = Object::new();
                for (name, value) in members.filter(|(_, value)| !output.is_left_out(node, *value)) {
                    let name = name.as_str().unwrap_or_default();
                    if let Some(masks) = below(masks, name) {
                        object.insert(name, tree(output, value, &masks));
                    }
                }
                Value::Object(object)
            }
            _ => node.to_value(),
        }
    }
    tree(output, output.root, &output.masks())
}

pub(super) fn text(output: &Output<'_>) -> String {
    fn write(output: &Output<'_>, node: Node<'_>, masks: &Masks<'_>, out: &mut String) -> std::fmt::Result {
        match node.view() {
            View::Null => out.write_str("null"),
            View::Bool(truth) => out.write_str(if truth { "true" } else { "false" }),
            View::Number(number) => out.write_str(number),
            View::String(text) => write_string(text, out),
            View::Array(items) => {
                out.push('[');
                for (index, item) in items.enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    let masks =
                        if masks.is_empty() { Some(Vec::new()) } else { below(masks, &index.to_string()) };
                    match masks {
                        Some(masks) => write(output, item, &masks, out)?,
                        None => out.push_str("null"),
                    }
                }
                out.write_char(']')
            }
            View::Object(members) => {
                out.push('{');
                let mut first = true;
                for (name, value) in members.filter(|(_, value)| !output.is_left_out(node, *value)) {
                    let name = name.as_str().unwrap_or_default();
                    let Some(masks) = below(masks, name) else { continue };
                    if !std::mem::take(&mut first) {
                        out.push(',');
                    }
                    write_string(name, out)?;
                    out.push(':');
                    write(output, value, &masks, out)?;
                }
                out.write_char('}')
            }
        }
    }
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(output, output.root, &output.masks(), &mut out);
    out
}
