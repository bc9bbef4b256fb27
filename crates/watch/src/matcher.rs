//! What one value of a rule is compared with.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;
use regex::Regex;

use crate::bounds;
use crate::fields::Fields;
use crate::pattern::{Pattern, Place};

#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    Text(Pattern),
    /// Absent.
    Null,
    Regex(Regex),
    Network(IpNet),
    Exists(bool),
    Compare(Order, f64),
    /// Another field's text.
    Field(String, Place, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
}

/// One line of a selection: a field (none: any field) and the values it may have.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) field: Option<String>,
    pub(crate) part: Option<Part>,
    pub(crate) values: Vec<Matcher>,
    /// All of the values, instead of one of them.
    pub(crate) all: bool,
    pub(crate) negated: bool,
}

impl Item {
    pub(crate) fn matches(&self, event: &dyn Fields) -> bool {
        let Some(field) = &self.field else {
            let mut found = |value: &Matcher| event.any(&mut |text| value.matches(Some(text), event));
            let found =
                if self.all { self.values.iter().all(found) } else { self.values.iter().any(&mut found) };
            return found != self.negated;
        };
        let text = event.text(field);
        let text = match (self.part, text) {
            (Some(part), Some(text)) => part.of(&text).map(|text| Cow::Owned(text.to_owned())),
            (_, text) => text,
        };
        let text = text
            .as_deref()
            .map(|text| text.get(..text.floor_char_boundary(bounds::LOOKED_AT)).unwrap_or(text));
        let mut one = |value: &Matcher| value.matches(text, event);
        let found = if self.all { self.values.iter().all(one) } else { self.values.iter().any(&mut one) };
        found != self.negated
    }
}

impl Matcher {
    fn matches(&self, text: Option<&str>, event: &dyn Fields) -> bool {
        match (self, text) {
            (Self::Exists(wanted), text) => text.is_some() == *wanted,
            (Self::Null, text) => text.is_none(),
            (_, None) => false,
            (Self::Text(pattern), Some(text)) => pattern.matches(text),
            (Self::Regex(regex), Some(text)) => regex.is_match(text),
            (Self::Network(network), Some(text)) => {
                text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address.to_canonical()))
            }
            (Self::Compare(order, own), Some(text)) => {
                text.trim().parse::<f64>().is_ok_and(|number| match order {
                    Order::Less => number < *own,
                    Order::LessOrEqual => number <= *own,
                    Order::Greater => number > *own,
                    Order::GreaterOrEqual => number >= *own,
                })
            }
            (Self::Field(other, place, cased), Some(text)) => event.text(other).is_some_and(|other| {
                let other = other.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?");
                Pattern::new(&other, *place, *cased).matches(text)
            }),
        }
    }
}

impl Part {
    /// Of a time as RFC 3339 writes it, in UTC.
    fn of(self, time: &str) -> Option<&str> {
        let range = match self {
            Self::Year => 0..4,
            Self::Month => 5..7,
            Self::Day => 8..10,
            Self::Hour => 11..13,
            Self::Minute => 14..16,
        };
        let text = time.get(range)?;
        // `07` and `7` are one hour.
        Some(text.strip_prefix('0').filter(|rest| !rest.is_empty()).unwrap_or(text))
    }
}
