//! What schemas are compiled to: plain data, one [`Schema`] per schema object, by number.

use std::cmp::Ordering;
use std::sync::Arc;

use super::error::Unenforced;
use super::format::Format;
use super::options::Handling;
use super::pattern::Matcher;
use super::table::Table;
use crate::json::{Decimal, Number, Value, small};

/// The number of a schema.
pub(super) type Id = u32;

/// The schemas `true` and `false`.
pub(super) const ALWAYS: Id = 0;
pub(super) const NEVER: Id = 1;

/// Types as bits. `number` is both [`INTEGER`] and [`FRACTION`].
pub(super) mod types {
    pub(in super::super) const NULL: u8 = 1;
    pub(in super::super) const BOOLEAN: u8 = 2;
    pub(in super::super) const INTEGER: u8 = 4;
    pub(in super::super) const FRACTION: u8 = 8;
    pub(in super::super) const STRING: u8 = 16;
    pub(in super::super) const ARRAY: u8 = 32;
    pub(in super::super) const OBJECT: u8 = 64;
    pub(in super::super) const ANY: u8 = 127;
}

/// All schemas of one compiler.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) schemas: Vec<Schema>,
    /// Per name of a dynamic anchor: the resources that have it, and the schema there.
    pub(super) dynamic: Vec<Vec<(u32, Id)>>,
    pub(super) unknown: Handling,
    pub(super) other_direction: Handling,
    pub(super) steps: u32,
    pub(super) violations: usize,
    pub(super) unenforced: Vec<(Id, Unenforced)>,
}

/// One schema object.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// The types allowed.
    pub(super) types: u8,
    pub(super) type_names: Option<Arc<str>>,
    /// The schema resource it stands in.
    pub(super) resource: u32,
    /// Where it stands.
    pub(super) place: Arc<str>,
    pub(super) excluded: Option<Excluded>,
    pub(super) constants: Option<Box<Constants>>,
    pub(super) number: Option<Box<NumberRules>>,
    pub(super) string: Option<Box<StringRules>>,
    pub(super) array: Option<Box<ArrayRules>>,
    pub(super) object: Option<Box<ObjectRules>>,
    /// Schemas for the same value.
    pub(super) applied: Vec<Applied>,
    pub(super) unevaluated_items: Option<Id>,
    pub(super) unevaluated_properties: Option<Id>,
}

/// A member that has no business in this direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excluded {
    ReadOnly,
    WriteOnly,
}

/// `enum` and `const`.
#[derive(Debug)]
pub(super) struct Constants {
    pub(super) values: Vec<Value>,
    /// The strings among them, when there are many.
    pub(super) strings: Option<Table<()>>,
    pub(super) single: bool,
}

#[derive(Debug, Default)]
pub(super) struct NumberRules {
    pub(super) least: Vec<Bound>,
    pub(super) most: Vec<Bound>,
    pub(super) multiple_of: Option<(Number, Option<i64>)>,
    pub(super) format: Option<Format>,
}

/// A number to compare with.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) text: Arc<str>,
    small: Option<i64>,
    pub(super) exclusive: bool,
}

impl Bound {
    pub(super) fn new(number: &Number, exclusive: bool) -> Self {
        Self { text: number.as_str().into(), small: small(number.as_str()), exclusive }
    }

    /// How the number of that text compares with this bound.
    #[inline]
    pub(super) fn compare(&self, text: &str) -> Ordering {
        match (small(text), self.small) {
            (Some(one), Some(other)) => one.cmp(&other),
            (None, Some(other)) => self.compare_fraction(text, other),
            _ => Decimal::of(text).cmp(&Decimal::of(&self.text)),
        }
    }

    /// Of `10.95` only the 10 matters, unless the bound is 10: the usual price is compared without more.
    fn compare_fraction(&self, text: &str, bound: i64) -> Ordering {
        let whole = text.split_once('.').and_then(|(whole, fraction)| {
            let plain = fraction.bytes().all(|byte| byte.is_ascii_digit());
            small(whole).filter(|whole| plain && *whole >= 0 && !text.starts_with('-') && *whole != bound)
        });
        whole.map_or_else(|| Decimal::of(text).cmp(&Decimal::of(&self.text)), |whole| whole.cmp(&bound))
    }
}

#[derive(Debug, Default)]
pub(super) struct StringRules {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
    pub(super) pattern: Option<(Arc<Matcher>, Arc<str>)>,
    pub(super) format: Option<Format>,
}

#[derive(Debug, Default)]
pub(super) struct ArrayRules {
    pub(super) prefix: Vec<Id>,
    /// For the items after those.
    pub(super) rest: Option<Id>,
    pub(super) contains: Option<Contains>,
    pub(super) least: u64,
    pub(super) most: Option<u64>,
    pub(super) unique: bool,
}

#[derive(Debug)]
pub(super) struct Contains {
    pub(super) schema: Id,
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

#[derive(Debug)]
pub(super) struct ObjectRules {
    /// `properties` and `required`.
    pub(super) names: Table<Member>,
    /// How many of them are required.
    pub(super) required: u32,
    pub(super) patterns: Vec<(Arc<Matcher>, Id)>,
    pub(super) additional: Option<Id>,
    pub(super) property_names: Option<Id>,
    pub(super) least: u64,
    pub(super) most: Option<u64>,
    pub(super) dependent: Vec<(Arc<str>, Dependent)>,
    /// Whether it names members, so that those it does not name are unknown.
    pub(super) describes: bool,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) schema: Option<Id>,
    pub(super) required: bool,
}

#[derive(Debug)]
pub(super) enum Dependent {
    Names(Vec<Arc<str>>),
    Schema(Id),
}

/// A schema for the same value.
#[derive(Debug)]
pub(super) enum Applied {
    /// `$ref`, and each of `allOf`.
    All(Id),
    Any(Vec<Id>, Option<Discriminator>),
    One(Vec<Id>, Option<Discriminator>),
    Not(Id),
    If {
        condition: Id,
        then: Id,
        otherwise: Id,
    },
    /// `$dynamicRef` to a dynamic anchor: its number in [`Code::dynamic`], and the schema where no outer resource has it.
    Dynamic {
        name: u32,
        otherwise: Id,
    },
}

/// Which alternative a value says it is (OpenAPI). It decides whose violations are reported, never what is valid.
#[derive(Debug)]
pub(super) struct Discriminator {
    pub(super) property: Box<str>,
    pub(super) alternatives: Table<Id>,
}
