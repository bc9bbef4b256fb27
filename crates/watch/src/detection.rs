//! The part of a rule that looks at one event: selections and a condition.

use std::collections::BTreeSet;

use crate::condition::{Condition, shown};
use crate::fields::Fields;
use crate::matcher::{Item, Matcher};

#[derive(Debug, Clone)]
pub(crate) struct Detection {
    pub(crate) selections: Vec<Selection>,
    pub(crate) condition: Condition,
}

/// One of its groups must match, and of that all lines.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    pub(crate) name: String,
    pub(crate) groups: Vec<Vec<Item>>,
}

impl Selection {
    fn group(&self, event: &dyn Fields) -> Option<&[Item]> {
        self.groups.iter().map(Vec::as_slice).find(|group| group.iter().all(|item| item.matches(event)))
    }
}

impl Detection {
    pub(crate) fn matches(&self, event: &dyn Fields) -> bool {
        self.condition.is(&mut |number| {
            self.selections.get(number).is_some_and(|selection| selection.group(event).is_some())
        })
    }

    pub(crate) fn asks_for(&self, field: &str) -> bool {
        let items = self.selections.iter().flat_map(|selection| &selection.groups).flatten();
        items.into_iter().any(|item| item.field.as_deref() == Some(field))
    }

    /// Which selections matched on which fields, in words.
    pub(crate) fn explain(&self, event: &dyn Fields) -> Vec<String> {
        let mut numbers = BTreeSet::new();
        self.condition.because(&mut |number| {
            numbers.insert(number);
        });
        let mut words = Vec::new();
        for selection in numbers.into_iter().filter_map(|number| self.selections.get(number)) {
            let Some(group) = selection.group(event) else { continue };
            let fields: Vec<_> = group
                .iter()
                .map(|item| match &item.field {
                    Some(field) => match event.text(field) {
                        Some(text) => format!("{field} is `{}`", shown(&text)),
                        None => format!("{field} is not there"),
                    },
                    None => "some field has one of its words".to_owned(),
                })
                .collect();
            words.push(format!("`{}` matched: {}", selection.name, fields.join(", ")));
        }
        words
    }

    /// The texts of which `field` must have one for the rule to match at all, in small letters; none where other texts
    /// may match too.
    pub(crate) fn needs(&self, field: &str) -> Option<BTreeSet<String>> {
        self.condition_needs(&self.condition, field)
    }

    fn condition_needs(&self, condition: &Condition, field: &str) -> Option<BTreeSet<String>> {
        match condition {
            Condition::Selection(number) => {
                let groups = &self.selections.get(*number)?.groups;
                union(groups.iter().map(|group| group.iter().find_map(|item| exact(item, field))))
            }
            Condition::All(parts) => parts.iter().find_map(|part| self.condition_needs(part, field)),
            Condition::Any(parts) => union(parts.iter().map(|part| self.condition_needs(part, field))),
            Condition::Not(_) => None,
        }
    }
}

fn union(all: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    let mut union = BTreeSet::new();
    for one in all {
        union.extend(one?);
    }
    Some(union)
}

fn exact(item: &Item, field: &str) -> Option<BTreeSet<String>> {
    if item.field.as_deref() != Some(field) || item.negated || item.part.is_some() {
        return None;
    }
    item.values
        .iter()
        .map(|value| match value {
            Matcher::Text(pattern) => pattern.exact().map(str::to_owned),
            _ => None,
        })
        .collect()
}
