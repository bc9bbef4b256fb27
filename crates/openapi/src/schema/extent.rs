//! How large a valid document can be.

use std::collections::HashMap;

use super::code::{ALWAYS, Applied, Code, Id, NEVER, Schema, types};
use super::options::Handling;
use crate::json::Value;

/// How large a valid document can be, written with every character escaped and indented by at most eight characters
/// a level, numbers in at most 64 characters. `None`: no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    pub bytes: Option<u64>,
    /// Arrays and objects inside each other.
    pub depth: Option<u32>,
}

const NUMBER: u64 = 64;
/// Bytes that one character takes at most: `\ud83d\udc32`.
const CHARACTER: u64 = 12;
/// White space around one value, by the level it is on.
const INDENT: u64 = 8;
/// Beyond this a bound says nothing.
const LARGE: u64 = 1 << 40;

/// Bounds of schemas, each worked out once.
pub(super) struct Extents<'c> {
    code: &'c Code,
    known: HashMap<(Id, bool), Extent>,
    /// Those being worked out: a schema that leads back here has no bound.
    open: Vec<Id>,
    /// Whether the schema looked at is the only one that applies to its value. Only then does it close an object by
    /// naming members: others beside it may name more.
    alone: bool,
}

impl<'c> Extents<'c> {
    pub(super) fn new(code: &'c Code) -> Self {
        Self { code, known: HashMap::new(), open: Vec::new(), alone: true }
    }

    pub(super) fn of(&mut self, id: Id) -> Extent {
        if let Some(extent) = self.known.get(&(id, self.alone)) {
            return *extent;
        }
        if id == ALWAYS || self.open.contains(&id) || self.open.len() > 100 {
            return Extent::default();
        }
        let Some(schema) = self.code.schemas.get(id as usize) else { return Extent::default() };
        self.open.push(id);
        let extent = self.schema(schema);
        self.open.pop();
        // Inside a cycle the answer depends on where one came in; it is kept only from outside.
        if self.open.is_empty() || extent.bytes.is_some() && extent.depth.is_some() {
            self.known.insert((id, self.alone), extent);
        }
        extent
    }

    /// As [`Extents::of`], for a schema that has company if `alone` does not hold.
    fn of_when(&mut self, id: Id, alone: bool) -> Extent {
        let before = self.alone;
        self.alone = before && alone;
        let extent = self.of(id);
        self.alone = before;
        extent
    }

    /// The smaller of what this schema allows and what each of those that also apply allows.
    fn schema(&mut self, schema: &Schema) -> Extent {
        if schema.types == 0 {
            return Extent { bytes: Some(0), depth: Some(0) };
        }
        let mut extent = match &schema.constants {
            Some(constants) => Extent {
                bytes: constants.values.iter().map(|value| value.to_string().len() as u64 * CHARACTER).max(),
                depth: constants.values.iter().map(depth).max(),
            },
            None => self.by_types(schema),
        };
        let only = schema.applied.len() == 1
            && schema.object.is_none()
            && schema.array.is_none()
            && schema.unevaluated_properties.is_none()
            && schema.unevaluated_items.is_none();
        for applied in &schema.applied {
            let also = match applied {
                Applied::All(id) => self.of_when(*id, only),
                Applied::Any(ids, _) | Applied::One(ids, _) => {
                    let one = only && matches!(applied, Applied::One(..));
                    let first = Extent { bytes: Some(0), depth: Some(0) };
                    ids.iter().fold(first, |sum, id| larger(sum, self.of_when(*id, one)))
                }
                Applied::Not(_) | Applied::If { .. } | Applied::Dynamic { .. } => Extent::default(),
            };
            extent = smaller(extent, also);
        }
        extent
    }

    fn by_types(&mut self, schema: &Schema) -> Extent {
        let mut extent = Extent { bytes: Some(5), depth: Some(0) };
        if schema.types & (types::INTEGER | types::FRACTION) != 0 {
            extent.bytes = Some(NUMBER);
        }
        if schema.types & types::STRING != 0 {
            let most = schema.string.as_ref().and_then(|rules| rules.most);
            let bytes = most.and_then(|most| most.checked_mul(CHARACTER)?.checked_add(2));
            extent = larger(extent, Extent { bytes: bytes.filter(|bytes| *bytes < LARGE), depth: Some(0) });
        }
        if schema.types & types::ARRAY != 0 {
            let array = self.array(schema);
            extent = larger(extent, array);
        }
        if schema.types & types::OBJECT != 0 {
            let object = self.object(schema);
            extent = larger(extent, object);
        }
        extent
    }

    fn array(&mut self, schema: &Schema) -> Extent {
        let Some(rules) = &schema.array else { return Extent::default() };
        let mut item = Extent { bytes: Some(0), depth: Some(0) };
        for id in rules.prefix.iter().chain(rules.rest.iter()) {
            item = larger(item, self.of_when(*id, rules.contains.is_none()));
        }
        let most = match rules.rest {
            Some(NEVER) => Some(rules.prefix.len() as u64),
            Some(_) => rules.most,
            None => {
                item = Extent::default();
                rules.most
            }
        };
        around(item, most)
    }

    fn object(&mut self, schema: &Schema) -> Extent {
        let Some(rules) = &schema.object else { return Extent::default() };
        let closed = match rules.additional {
            Some(id) => id == NEVER,
            None => {
                self.alone
                    && self.code.unknown == Handling::Refuse
                    && rules.describes
                    && schema.applied.is_empty()
                    && schema.unevaluated_properties.is_none_or(|id| id == NEVER)
            }
        };
        if !closed || !rules.patterns.is_empty() || !rules.dependent.is_empty() {
            return Extent::default();
        }
        let mut sum = Extent { bytes: Some(0), depth: Some(0) };
        for (name, member) in rules.names.iter() {
            let Some(id) = member.schema else { continue };
            let value = self.of(id);
            let bytes = value.bytes.and_then(|bytes| bytes.checked_add(name.len() as u64 * CHARACTER + 4));
            let depth = larger(sum, value).depth;
            sum = Extent { bytes: sum.bytes.and_then(|sum| sum.checked_add(bytes?)), depth };
        }
        let count = rules.names.len() as u64;
        around(
            Extent { bytes: sum.bytes.map(|bytes| bytes.div_ceil(count.max(1))), depth: sum.depth },
            Some(count),
        )
    }
}

fn depth(value: &Value) -> u32 {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// A container of at most so many parts, each at most so large.
fn around(part: Extent, most: Option<u64>) -> Extent {
    let depth = part.depth.and_then(|depth| depth.checked_add(1));
    let space = depth.map(|depth| 4 + INDENT * u64::from(depth));
    let bytes = match (part.bytes, most, space) {
        (Some(bytes), Some(most), Some(space)) => {
            bytes.checked_add(space).and_then(|one| one.checked_mul(most)?.checked_add(2 + space))
        }
        _ => None,
    };
    Extent { bytes: bytes.filter(|bytes| *bytes < LARGE), depth }
}

fn larger(one: Extent, other: Extent) -> Extent {
    Extent {
        bytes: one.bytes.and_then(|one| Some(one.max(other.bytes?))),
        depth: one.depth.and_then(|one| Some(one.max(other.depth?))),
    }
}

fn smaller(one: Extent, other: Extent) -> Extent {
    Extent {
        bytes: one.bytes.map_or(other.bytes, |one| Some(other.bytes.map_or(one, |other| one.min(other)))),
        depth: one.depth.map_or(other.depth, |one| Some(other.depth.map_or(one, |other| one.min(other)))),
    }
}
