//! From text to values: what a schema makes of a parameter or a form field that comes as text.

use std::collections::BTreeMap;

use crate::json::{Number, Value};
use crate::source::{At, Sources};

/// The types one text may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Types(u8);

/// What a schema asks for, as far as splitting text needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar(Types),
    List(Box<Kind>),
    /// Properties by name; open: further ones have a schema too, or none forbids them.
    Map {
        properties: BTreeMap<String, Kind>,
        open: bool,
    },
}

impl Types {
    pub(crate) const STRING: Self = Self(1);
    const NUMBER: Self = Self(2);
    const INTEGER: Self = Self(4);
    const BOOLEAN: Self = Self(8);
    const NULL: Self = Self(16);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn named(name: &str) -> Self {
        match name {
            "string" => Self::STRING,
            "number" => Self::NUMBER,
            "integer" => Self::INTEGER,
            "boolean" => Self::BOOLEAN,
            "null" => Self::NULL,
            _ => Self(0),
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::STRING,
            Value::Array(_) | Value::Object(_) => Self(0),
        }
    }

    /// The value a text stands for. An integer is digits and perhaps a sign: what some readers take for `1e3`
    /// others take for 1.
    pub(crate) fn value(self, text: String) -> Value {
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if (self.has(Self::NUMBER) || self.has(Self::INTEGER) && is_integer)
            && let Ok(number) = Number::parse(&text)
        {
            return Value::Number(number);
        }
        match text.as_str() {
            "true" if self.has(Self::BOOLEAN) => Value::Bool(true),
            "false" if self.has(Self::BOOLEAN) => Value::Bool(false),
            "null" if self.has(Self::NULL) && !self.has(Self::STRING) => Value::Null,
            _ => Value::String(text),
        }
    }
}

impl Kind {
    pub(crate) const TEXT: Self = Self::Scalar(Types::STRING);

    /// What a schema asks for. Schemas that go round in circles are text.
    pub(crate) fn of(sources: &Sources, schema: &At<'_>) -> Self {
        Self::look(sources, schema, 0).unwrap_or(Self::TEXT)
    }

    fn look(sources: &Sources, schema: &At<'_>, depth: usize) -> Option<Self> {
        if depth > DEEPEST {
            return None;
        }
        let schema = &sources.resolve(schema.clone()).ok()?;
        let deeper = |schema: &At<'_>| Self::look(sources, schema, depth.saturating_add(1));
        let mut names: Vec<&str> = match schema.value.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if names.is_empty() {
            let implied = [("properties", "object"), ("additionalProperties", "object"), ("items", "array")];
            names.extend(
                implied
                    .iter()
                    .filter(|(key, _)| schema.value.get(key).is_some())
                    .map(|(_, name)| name)
                    .take(1),
            );
        }
        if names.contains(&"array") {
            let item = schema.get("items").and_then(|items| deeper(&items)).unwrap_or(Self::TEXT);
            return Some(Self::List(Box::new(item)));
        }
        if names.contains(&"object") {
            let mut properties = BTreeMap::new();
            collect(sources, schema, depth, &mut properties);
            let open = match schema.value.get("additionalProperties") {
                None | Some(Value::Bool(false)) => false,
                Some(_) => true,
            };
            return Some(Self::Map { properties, open });
        }
        let mut types = names.iter().fold(Types::default(), |types, name| types.and(Types::named(name)));
        if schema.value.get("nullable").and_then(Value::as_bool) == Some(true) && types != Types::default() {
            types = types.and(Types::NULL);
        }
        if types != Types::default() {
            return Some(Self::Scalar(types));
        }
        for list in ["allOf", "anyOf", "oneOf"] {
            let found: Vec<Self> = schema.items(list).iter().filter_map(deeper).collect();
            let first = found.iter().find(|kind| !matches!(kind, Self::Scalar(_)));
            if let Some(first) = first {
                return Some(first.clone());
            }
            let union = found.iter().fold(Types::default(), |types, kind| match kind {
                Self::Scalar(more) => types.and(*more),
                Self::List(_) | Self::Map { .. } => types,
            });
            if union != Types::default() {
                return Some(Self::Scalar(union));
            }
        }
        let values = schema.value.get("enum").and_then(Value::as_array).unwrap_or_default();
        let values = values.iter().chain(schema.value.get("const"));
        let union = values.fold(Types::default(), |types, value| types.and(Types::of(value)));
        (union != Types::default()).then_some(Self::Scalar(union))
    }
}

/// The properties of an object, those of its `allOf` included.
fn collect(sources: &Sources, schema: &At<'_>, depth: usize, properties: &mut BTreeMap<String, Kind>) {
    for (name, property) in schema.members("properties") {
        let kind = Kind::look(sources, &property, depth.saturating_add(1)).unwrap_or(Kind::TEXT);
        properties.entry(name.to_owned()).or_insert(kind);
    }
    if depth < DEEPEST {
        for list in ["allOf", "anyOf", "oneOf"] {
            for part in schema.items(list) {
                if let Ok(part) = sources.resolve(part) {
                    collect(sources, &part, depth.saturating_add(1), properties);
                }
            }
        }
    }
}

const DEEPEST: usize = 8;
