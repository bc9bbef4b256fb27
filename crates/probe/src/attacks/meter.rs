//! Numbers that the target shows, and by how much they change: balances, stocks, points.

use std::collections::BTreeMap;

use serde_json::Value;

use super::effect::{Window, places};
use crate::belongings::noun_at;
use crate::call::Call;
use crate::field::Field;
use crate::learn::Object;
use crate::wire::{Answer, Request, WireError};

/// A number at one place of one answer.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    pub(super) window: Window,
    /// Its JSON pointer.
    pub(super) pointer: String,
}

/// What some windows showed at one time.
pub(super) struct Reading(Vec<(Window, BTreeMap<String, f64>)>);

/// Windows that are read for one write.
const WINDOWS: usize = 6;
/// Numbers that are kept of one answer.
const NUMBERS: usize = 500;

impl Meter {
    /// What it says now, and the answer that does.
    pub(super) async fn read(&self, field: &Field) -> Result<Option<(f64, Request, Answer)>, WireError> {
        let Some((request, answer)) = self.window.look(field).await? else { return Ok(None) };
        let value = answer.json().and_then(|body| number(body.pointer(&self.pointer)?));
        Ok(value.map(|value| (value, request, answer)))
    }
}

impl Reading {
    /// What somebody sees where a write of theirs may show: the reads that name the object first.
    pub(super) async fn take(
        field: &Field,
        who: usize,
        write: &Call,
        answer: &Answer,
        object: Option<&Object>,
    ) -> Result<Self, WireError> {
        let named = field.known.iter().filter(|known| {
            known.who == who
                && known.call.method == "GET"
                && object.is_some_and(|object| {
                    known.call.points().iter().any(|point| {
                        noun_at(&known.call, point).as_ref() == Some(&object.noun)
                            && known.call.value(point).as_ref() == Some(&object.id)
                    })
                })
        });
        let mut calls: Vec<Call> = named.map(|known| known.call.clone()).collect();
        calls.extend(places(field, who, write, answer));
        let mut all: Vec<(Window, BTreeMap<String, f64>)> = Vec::new();
        let mut met = std::collections::BTreeSet::new();
        for call in calls {
            if all.len() >= WINDOWS || !met.insert(call.request().target) {
                continue;
            }
            let window = Window { who, call };
            if let Some((_, answer)) = window.look(field).await?
                && let Some(body) = answer.json().filter(|_| answer.is_success())
            {
                all.push((window, numbers_of(&body)));
            }
        }
        Ok(Self(all))
    }

    /// The numbers that differ now by exactly so much, up or down.
    pub(super) async fn moved(&self, field: &Field, by: f64) -> Result<Vec<Meter>, WireError> {
        let mut found = Vec::new();
        for (window, before) in &self.0 {
            let Some((_, answer)) = window.look(field).await? else { continue };
            let Some(body) = answer.json() else { continue };
            for (pointer, now) in numbers_of(&body) {
                if before.get(&pointer).is_some_and(|before| same((now - before).abs(), by)) {
                    found.push(Meter { window: window.clone(), pointer });
                }
            }
        }
        Ok(found)
    }
}

/// Whether two amounts are the same but for how they were computed.
pub(super) fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6 * one.abs().max(1.0)
}

/// A number, also where it is written as a text: `"12.50"`.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.len() < 20 => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// Every number of an answer by its pointer.
pub(super) fn numbers_of(body: &Value) -> BTreeMap<String, f64> {
    fn walk(value: &Value, at: &mut String, depth: usize, out: &mut BTreeMap<String, f64>) {
        if depth > 8 || out.len() >= NUMBERS {
            return;
        }
        let mut child = |name: &str, value: &Value, out: &mut BTreeMap<String, f64>| {
            let length = at.len();
            at.push('/');
            at.push_str(&name.replace('~', "~0").replace('/', "~1"));
            walk(value, at, depth.saturating_add(1), out);
            at.truncate(length);
        };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| child(name, value, out)),
            Value::Array(items) => items.iter().take(50).enumerate().for_each(|(place, value)| {
                child(&place.to_string(), value, out);
            }),
            other => {
                if let Some(number) = number(other) {
                    out.insert(at.clone(), number);
                }
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(body, &mut String::new(), 0, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_read_where_they_stand() {
        let body = json!({ "accounts": [{ "id": "x", "balance": "12.50" }], "total": 7, "open": true });
        let own: Vec<(String, f64)> = numbers_of(&body).into_iter().collect();
        assert_eq!(own, [("/accounts/0/balance".to_owned(), 12.5), ("/total".to_owned(), 7.0)]);
        assert!(same(12.5 - 0.1 - 0.2, 12.2) && !same(12.0, 13.0));
    }
}
