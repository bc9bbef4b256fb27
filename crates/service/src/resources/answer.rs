//! What an application says of an object, read strictly: `{"type","id","attributes":{…},"parents":[{"type","id"}]}`.
//!
//! Type and id are repeated, so that an answer about another object (a cache between, requests mixed up) is none. Names
//! stand once. Values are what policies can compare: true and false, whole numbers of 64 bits, text, lists and records
//! of them, and `{"type","id"}` for another object; a `null` is an attribute that is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_policy::{EntityRef, Resource};
use gabion_vault::json::Strict;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Map, Value};

use super::settings::is_type;

/// Reads an answer.
pub(super) fn read(bytes: &[u8], object: &EntityRef) -> Result<Arc<Resource>, &'static str> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        #[serde(rename = "type")]
        kind: String,
        id: String,
        #[serde(default)]
        attributes: Plain,
        #[serde(default)]
        parents: Vec<Parent>,
    }
    let answer: Answer = serde_json::from_slice(bytes).map_err(|_| "it is no answer about an object")?;
    if *answer.kind != *object.kind || *answer.id != *object.id {
        return Err("it is about another object");
    }
    known(object, &answer.attributes, &answer.parents)
}

/// Attributes and parents as an application gave them, judged.
pub(super) fn known(
    object: &EntityRef,
    attributes: &Plain,
    parents: &[Parent],
) -> Result<Arc<Resource>, &'static str> {
    let Value::Object(attributes) = &attributes.0 else { return Err("`attributes` is no object") };
    if attributes.len() > MOST_ATTRIBUTES {
        return Err("it has more than 100 attributes");
    }
    if attributes.values().any(|value| depth(value) > DEEPEST) {
        return Err("an attribute is nested too deeply");
    }
    if parents.len() > MOST_PARENTS {
        return Err("it has more than 100 parents");
    }
    if parents.iter().any(|parent| !is_type(&parent.kind) || parent.id.is_empty() || parent.id.len() > 512) {
        return Err("a parent is no object");
    }
    let value = |(name, value): (&String, &Value)| {
        Some((Arc::from(name.as_str()), gabion_policy::Value::of_json(value)?))
    };
    Ok(Arc::new(Resource {
        entity: object.clone(),
        parents: parents.iter().map(|parent| EntityRef::new(&parent.kind, &parent.id)).collect(),
        attributes: attributes.iter().filter_map(value).collect(),
        tags: BTreeMap::new(),
    }))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0).saturating_add(1),
        Value::Object(members) => members.values().map(depth).max().unwrap_or(0).saturating_add(1),
        _ => 0,
    }
}

/// What an object lies in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parent {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) id: String,
}

/// JSON that policies can compare, each name once.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub(crate) struct Plain(pub(crate) Value);

impl Default for Plain {
    fn default() -> Self {
        Self(Value::Object(Map::new()))
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Strict(value) = Strict::deserialize(deserializer)?;
        plain(value).map(Self).map_err(D::Error::custom)
    }
}

fn plain(value: Value) -> Result<Value, &'static str> {
    Ok(match value {
        Value::Number(number) if !number.is_i64() => {
            return Err("a number that is not whole, or beyond 64 bits");
        }
        Value::Array(items) if items.iter().any(Value::is_null) => return Err("`null` in a list"),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect::<Result<_, _>>()?),
        Value::Object(members) => {
            let there = members.into_iter().filter(|(_, value)| !value.is_null());
            let plain = there.map(|(name, value)| plain(value).map(|value| (name, value)));
            Value::Object(plain.collect::<Result<_, _>>()?)
        }
        other => other,
    })
}

const MOST_ATTRIBUTES: usize = 100;
const MOST_PARENTS: usize = 100;
const DEEPEST: usize = 8;
