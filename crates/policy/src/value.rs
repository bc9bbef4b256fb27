//! Values of attributes: what JSON can say, without fractions, and references to entities.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names an entity: `Order::"17"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityRef {
    #[serde(rename = "type")]
    pub kind: Arc<str>,
    pub id: Arc<str>,
}

impl EntityRef {
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

/// As Cedar writes it.
impl fmt::Display for EntityRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}::\"{}\"", self.kind, self.id.escape_debug())
    }
}

/// What an attribute holds. What it must be is said by the schema: a text may stand for an entity's id, an
/// address, a decimal number or a time where the schema expects one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Bool(bool),
    Long(i64),
    Text(Arc<str>),
    Entity(EntityRef),
    Set(Vec<Self>),
    Record(BTreeMap<Arc<str>, Self>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Long(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<EntityRef> for Value {
    fn from(entity: EntityRef) -> Self {
        Self::Entity(entity)
    }
}

impl Value {
    /// What JSON says; `None` for `null`, which is no value. A number with a fraction becomes its text, which a
    /// `decimal` can be read from. An object of exactly `type` and `id`, both text, is an entity.
    #[must_use]
    pub fn of_json(json: &serde_json::Value) -> Option<Self> {
        Some(match json {
            serde_json::Value::Null => return None,
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(long) => Self::Long(long),
                None => Self::Text(number.to_string().into()),
            },
            serde_json::Value::String(text) => Self::Text(text.as_str().into()),
            serde_json::Value::Array(items) => Self::Set(items.iter().filter_map(Self::of_json).collect()),
            serde_json::Value::Object(members) => {
                if let (2, Some(serde_json::Value::String(kind)), Some(serde_json::Value::String(id))) =
                    (members.len(), members.get("type"), members.get("id"))
                {
                    return Some(Self::Entity(EntityRef::new(kind, id)));
                }
                let member = |(name, value): (&String, &serde_json::Value)| {
                    Some((Arc::from(name.as_str()), Self::of_json(value)?))
                };
                Self::Record(members.iter().filter_map(member).collect())
            }
        })
    }

    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(flag) => (*flag).into(),
            Self::Long(number) => (*number).into(),
            Self::Text(text) => (&**text).into(),
            Self::Entity(entity) => serde_json::json!({ "type": &*entity.kind, "id": &*entity.id }),
            Self::Set(items) => items.iter().map(Self::to_json).collect(),
            Self::Record(members) => {
                let members = members.iter().map(|(name, value)| (name.to_string(), value.to_json()));
                serde_json::Value::Object(members.collect())
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        Self::of_json(&json)
            .ok_or_else(|| serde::de::Error::custom("`null` is no value; leave the attribute out"))
    }
}
