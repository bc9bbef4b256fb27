//! The part of a rule that looks at several events.

use std::time::Duration;

use crate::fields::Fields;

#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    pub(crate) what: What,
    /// The rules whose hits count, by id or name as written; and by number, once all are known.
    pub(crate) named: Vec<String>,
    pub(crate) rules: Vec<usize>,
    pub(crate) group_by: Vec<GroupBy>,
    pub(crate) timespan: Duration,
    /// Whether the named rules ring by themselves too.
    pub(crate) generate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// At least so many events.
    Events(u64),
    /// At least so many different values of a field.
    Values(String, u64),
    /// A sum of a field's numbers.
    Sum(String, u64),
    /// All of the rules, in any order.
    Together,
    /// All of the rules, one after the other.
    InOrder,
}

/// One field of the group, which may be called otherwise in some of the rules.
#[derive(Debug, Clone)]
pub(crate) struct GroupBy {
    pub(crate) name: String,
    /// Rule as written, and the field there.
    pub(crate) aliases: Vec<(String, String)>,
}

impl Correlation {
    /// The values of the group that an event of the rule at `place` among the named ones belongs to; none when it has
    /// not all of the fields.
    pub(crate) fn group(&self, place: usize, event: &dyn Fields) -> Option<Vec<String>> {
        let named = self.named.get(place)?;
        self.group_by
            .iter()
            .map(|by| {
                let alias = by.aliases.iter().find(|(rule, _)| rule == named);
                let field = alias.map_or(&by.name, |(_, field)| field);
                event.text(field).map(std::borrow::Cow::into_owned)
            })
            .collect()
    }

    pub(crate) const fn threshold(&self) -> Option<u64> {
        match &self.what {
            What::Events(most) | What::Values(_, most) | What::Sum(_, most) => Some(*most),
            What::Together | What::InOrder => None,
        }
    }
}
