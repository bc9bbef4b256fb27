//! A tree of JSON, in the order it was written.

use std::fmt;

use super::number::Number;
use super::pointer::Pointer;

/// One JSON value. Equality is that of JSON: numbers as decimals, objects whatever their order.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Value>),
    Object(Object),
}

impl Value {
    /// The word JSON Schema has for its type; every number is `number`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    #[must_use]
    pub const fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// A number that is an integer of that range.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Neither an array nor an object.
    #[must_use]
    pub const fn is_scalar(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }

    /// The member of that name, if this is an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object().and_then(|object| object.get(name))
    }

    /// The value at a JSON Pointer.
    #[must_use]
    pub fn at(&self, pointer: &Pointer) -> Option<&Self> {
        pointer.segments().try_fold(self, |value, segment| value.child(segment))
    }

    /// One step of a JSON Pointer (RFC 6901 §4), unescaped.
    #[must_use]
    pub fn child(&self, segment: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.get(segment),
            Self::Array(items) => items.get(super::pointer::array_index(segment)?),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

/// Members in order, each name once.
#[derive(Clone, Default)]
pub struct Object {
    members: Vec<(String, Value)>,
    /// Positions in the order of the names, for objects that are not small.
    sorted: Vec<u32>,
}

/// Up to here a name is looked for one by one.
const SMALL: usize = 12;

impl Object {
    #[must_use]
    pub const fn new() -> Self {
        Self { members: Vec::new(), sorted: Vec::new() }
    }

    /// Of members whose names are known to differ.
    pub(super) fn of_checked(members: impl Iterator<Item = (String, Value)>) -> Self {
        let mut object = Self { members: members.collect(), sorted: Vec::new() };
        object.sort();
        object
    }

    fn sort(&mut self) {
        if self.members.len() > SMALL {
            let members = &self.members;
            self.sorted = (0..members.len() as u32).collect();
            self.sorted.sort_unstable_by_key(|index| {
                members.get(*index as usize).map_or("", |(name, _)| name.as_str())
            });
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.members.iter().position(|(other, _)| other == name);
        }
        let found = self.sorted.binary_search_by(|index| {
            self.members.get(*index as usize).map_or("", |(other, _)| other.as_str()).cmp(name)
        });
        found.ok().and_then(|at| self.sorted.get(at)).map(|index| *index as usize)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).and_then(|at| self.members.get(at)).map(|(_, value)| value)
    }

    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Adds a member at the end, or gives one that is there another value, which is returned.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) -> Option<Value> {
        let name = name.into();
        if let Some((_, old)) = self.position(&name).and_then(|at| self.members.get_mut(at)) {
            return Some(std::mem::replace(old, value));
        }
        let index = self.members.len() as u32;
        if self.sorted.is_empty() {
            self.members.push((name, value));
            self.sort();
        } else {
            let members = &self.members;
            let at = self.sorted.partition_point(|index| {
                members.get(*index as usize).is_some_and(|(other, _)| other.as_str() < name.as_str())
            });
            self.sorted.insert(at, index);
            self.members.push((name, value));
        }
        None
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.position(name)?;
        let (_, value) = self.members.remove(at);
        self.sorted.clear();
        self.sort();
        Some(value)
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// In the order they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

impl<N: Into<String>> FromIterator<(N, Value)> for Object {
    /// The last of several members with one name stays.
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(members: I) -> Self {
        let mut object = Self::new();
        for (name, value) in members {
            object.insert(name, value);
        }
        object
    }
}
