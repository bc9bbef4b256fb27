//! What differs, field by field, as people read it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::PlannedField;

/// The fields of a change, while they are compared.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<PlannedField>);

impl Fields {
    /// Answers whether it differs.
    pub(super) fn text(&mut self, field: &str, before: Option<&str>, after: Option<&str>) -> bool {
        if before == after {
            return false;
        }
        self.push(field, before, after);
        true
    }

    /// Of two lists whose order says nothing.
    pub(super) fn words<T: AsRef<str>>(&mut self, field: &str, before: &[T], after: &[String]) -> bool {
        let was: BTreeSet<&str> = before.iter().map(AsRef::as_ref).collect();
        let is: BTreeSet<&str> = after.iter().map(String::as_str).collect();
        if was == is {
            return false;
        }
        let list = |set: BTreeSet<&str>| set.into_iter().collect::<Vec<_>>().join(", ");
        self.push(field, Some(&list(was)), Some(&list(is)));
        true
    }

    /// Of two tables: every member that differs.
    pub(super) fn members(&mut self, field: &str, before: &impl Serialize, after: &impl Serialize) {
        let table = |value| match value {
            Ok(Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        let (before, after) = (table(serde_json::to_value(before)), table(serde_json::to_value(after)));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (was, is) = (before.get(name), after.get(name));
            if was != is {
                let text = |value: Option<&Value>| value.map(shown);
                self.push(&format!("{field}.{name}"), text(was).as_deref(), text(is).as_deref());
            }
        }
    }

    /// What is never shown.
    pub(super) fn hidden(&mut self, field: &str, after: &str) {
        self.push(field, None, Some(after));
    }

    fn push(&mut self, field: &str, before: Option<&str>, after: Option<&str>) {
        let text = |text: Option<&str>| text.map(str::to_owned);
        self.0.push(PlannedField { field: field.to_owned(), before: text(before), after: text(after) });
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
