//! What values in one place have in common: types, lengths, digits and names of members, never a value.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ENOUGH, MOST_NAMES, object};
use crate::json::{Bounds, Document, Node, Value, View};

/// How many more places may be remembered. What finds no room is left out.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Room {
    pub(super) const fn new(places: usize) -> Self {
        Self(places)
    }

    /// Takes one place, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }

    pub(super) const fn left(&self) -> usize {
        self.0
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Member {
    pub(super) seen: u64,
    pub(super) shape: Shape,
}

/// What values in one place have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Shape {
    null: bool,
    boolean: bool,
    /// Digits before the point at most, and whether all were integers and none negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<Digits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    array: Option<Box<Items>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Members>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Digits {
    most: u32,
    fraction: bool,
    negative: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Text {
    longest: usize,
    /// What all of them could be.
    formats: BTreeSet<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Items {
    most: usize,
    item: Shape,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Members {
    seen: u64,
    named: BTreeMap<String, Member>,
    /// Names were data: one shape for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<Box<Member>>,
}

impl Member {
    pub(super) fn merge(&mut self, other: Self, room: &mut Room) {
        self.seen = self.seen.saturating_add(other.seen);
        self.shape.merge(other.shape, room);
    }
}

impl Members {
    /// The member of that name, new if there is room for it.
    fn member(&mut self, name: &str, room: &mut Room) -> Option<&mut Member> {
        let is_new = !self.named.contains_key(name);
        if self.map.is_none() && (!is_name(name) || self.named.len() >= MOST_NAMES && is_new) {
            let mut all = Member::default();
            for (_, member) in std::mem::take(&mut self.named) {
                all.merge(member, room);
            }
            self.map = Some(Box::new(all));
        }
        match &mut self.map {
            Some(all) => Some(&mut **all),
            None if is_new && !room.take() => None,
            None => Some(self.named.entry(name.to_owned()).or_default()),
        }
    }

    fn merge(&mut self, other: Self, room: &mut Room) {
        self.seen = self.seen.saturating_add(other.seen);
        for (name, member) in other.named.into_iter().chain(other.map.map(|map| (String::new(), *map))) {
            if let Some(known) = self.member(&name, room) {
                known.merge(member, room);
            }
        }
    }

    fn schema(&self) -> Value {
        if let Some(map) = &self.map {
            return object([
                ("type", "object".into()),
                ("maxProperties", 1_000.into()),
                ("additionalProperties", map.shape.schema()),
            ]);
        }
        let mut rows = vec![("type", Value::from("object"))];
        let required: Vec<Value> = self
            .named
            .iter()
            .filter(|(_, member)| member.seen >= self.seen && self.seen >= ENOUGH)
            .map(|(name, _)| name.as_str().into())
            .collect();
        if !required.is_empty() {
            rows.push(("required", required.into()));
        }
        let properties = self.named.iter().map(|(name, member)| (name.clone(), member.described(self.seen)));
        rows.push(("properties", Value::Object(properties.collect())));
        rows.push(("additionalProperties", false.into()));
        object(rows)
    }
}

impl Member {
    /// Its schema. What came up rarely says so: it may be somebody's try.
    fn described(&self, of: u64) -> Value {
        let mut schema = self.shape.schema();
        if of >= RARE_OF
            && self.seen <= of / RARE_OF
            && let Value::Object(rows) = &mut schema
        {
            rows.insert("description", format!("seen {} of {of} times", self.seen).as_str().into());
        }
        schema
    }
}

impl Shape {
    /// An object of which nothing is known yet.
    pub(super) fn begin_object(&mut self) {
        let object = self.object.get_or_insert_default();
        object.seen = object.seen.saturating_add(1);
    }

    /// A member of the object begun with [`begin_object`](Self::begin_object) that comes as text.
    pub(super) fn member_word(&mut self, name: &str, text: &str, room: &mut Room) {
        if let Some(member) = self.object.get_or_insert_default().member(name, room) {
            member.seen = member.seen.saturating_add(1);
            member.shape.word(text);
        }
    }

    /// Of a whole JSON document; nothing where it is none.
    pub(super) fn read(&mut self, bytes: &[u8], room: &mut Room) {
        let bounds = Bounds { depth: DEPTH, ..Bounds::default() };
        if let Ok(document) = Document::parse(bytes, &bounds) {
            self.see(document.root(), room);
        }
    }

    fn see(&mut self, node: Node<'_>, room: &mut Room) {
        match node.view() {
            View::Null => self.null = true,
            View::Bool(_) => self.boolean = true,
            View::Number(text) => self.digits(text),
            View::String(text) => self.string(text),
            View::Array(items) => {
                let array = self.array.get_or_insert_default();
                array.most = array.most.max(items.len());
                for item in items.take(MOST_ITEMS) {
                    array.item.see(item, room);
                }
            }
            View::Object(members) => {
                let object = self.object.get_or_insert_default();
                object.seen = object.seen.saturating_add(1);
                for (name, value) in members {
                    if let Some(member) = object.member(name.as_str().unwrap_or_default(), room) {
                        member.seen = member.seen.saturating_add(1);
                        member.shape.see(value, room);
                    }
                }
            }
        }
    }

    /// A value that comes as text, and may stand for something else.
    pub(super) fn word(&mut self, text: &str) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number = !digits.is_empty()
            && digits.len() <= 15
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        match text {
            "true" | "false" => self.boolean = true,
            text if is_number => self.digits(text),
            text => self.string(text),
        }
    }

    fn digits(&mut self, text: &str) {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let whole = rest.split(['.', 'e', 'E']).next().unwrap_or_default();
        let fraction = rest.len() > whole.len();
        let most =
            if rest.contains(['e', 'E']) { 18 } else { u32::try_from(whole.len()).unwrap_or(18).min(18) };
        let known = self.number.get_or_insert(Digits { most, fraction, negative });
        known.most = known.most.max(most);
        known.fraction |= fraction;
        known.negative |= negative;
    }

    fn string(&mut self, text: &str) {
        let longest = text.chars().count();
        let formats = FORMATS
            .iter()
            .filter(|(_, is)| is(text))
            .map(|(name, _)| (*name).to_owned())
            .collect::<BTreeSet<_>>();
        match &mut self.text {
            None => self.text = Some(Text { longest, formats }),
            Some(known) => {
                known.longest = known.longest.max(longest);
                known.formats = known.formats.intersection(&formats).cloned().collect();
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self, room: &mut Room) {
        self.null |= other.null;
        self.boolean |= other.boolean;
        self.number = match (self.number, other.number) {
            (Some(one), Some(two)) => Some(Digits {
                most: one.most.max(two.most),
                fraction: one.fraction || two.fraction,
                negative: one.negative || two.negative,
            }),
            (one, two) => one.or(two),
        };
        self.text = match (self.text.take(), other.text) {
            (Some(one), Some(two)) => Some(Text {
                longest: one.longest.max(two.longest),
                formats: one.formats.intersection(&two.formats).cloned().collect(),
            }),
            (one, two) => one.or(two),
        };
        if let Some(two) = other.array {
            let one = self.array.get_or_insert_default();
            one.most = one.most.max(two.most);
            one.item.merge(two.item, room);
        }
        if let Some(two) = other.object {
            self.object.get_or_insert_default().merge(two, room);
        }
    }

    /// How many places it remembers.
    pub(super) fn places(&self) -> usize {
        let array = self.array.as_ref().map_or(0, |array| array.item.places());
        let object = self.object.as_ref().map_or(0, |object| {
            let members = object.named.values().chain(object.map.as_deref());
            members.map(|member| member.shape.places().saturating_add(1)).sum()
        });
        array.saturating_add(object)
    }

    /// The names of an object's members, or of those of a list's items: by what two kinds of thing differ.
    pub(super) fn outline(&self) -> Option<Vec<&str>> {
        if let Some(array) = &self.array {
            return array.item.outline();
        }
        self.object.as_ref().map(|object| object.named.keys().map(String::as_str).collect())
    }

    pub(super) fn schema(&self) -> Value {
        let mut all = Vec::new();
        if let Some(digits) = self.number {
            all.push(digits.schema());
        }
        if self.boolean {
            all.push(object([("type", "boolean".into())]));
        }
        if let Some(text) = &self.text {
            all.push(text.schema());
        }
        if let Some(array) = &self.array {
            let most = i64::try_from(rounded(array.most.max(8))).unwrap_or(i64::MAX);
            all.push(object([
                ("type", "array".into()),
                ("maxItems", most.into()),
                ("items", array.item.schema()),
            ]));
        }
        if let Some(members) = &self.object {
            all.push(members.schema());
        }
        if self.null {
            all.push(object([("type", "null".into())]));
        }
        match all.len() {
            0 => object([("type", "string".into()), ("maxLength", 0.into())]),
            1 => all.pop().unwrap_or(Value::Null),
            _ => object([("anyOf", all.into())]),
        }
    }
}

impl Digits {
    fn schema(self) -> Value {
        let most = 10_i64.saturating_pow(self.most.saturating_add(1).min(18)).saturating_sub(1);
        object([
            ("type", if self.fraction { "number" } else { "integer" }.into()),
            ("minimum", if self.negative { most.saturating_neg() } else { 0 }.into()),
            ("maximum", most.into()),
        ])
    }
}

impl Text {
    fn schema(&self) -> Value {
        let mut rows = vec![("type", Value::from("string"))];
        if let Some(format) = self.formats.first() {
            rows.push(("format", format.as_str().into()));
        }
        rows.push(("maxLength", i64::try_from(rounded(self.longest.max(16))).unwrap_or(i64::MAX).into()));
        object(rows)
    }
}

/// A name of an interface, not data: letters and digits with `_`, `-`, `.`, `[]` or `$`, few digits, and no run of
/// letters longer than words put together are.
pub(super) fn is_name(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let longest = name.split(|character: char| !character.is_ascii_alphanumeric()).map(str::len).max();
    (1..=64).contains(&name.len())
        && digits <= 3
        && longest.unwrap_or_default() <= 40
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]$".contains(&byte))
}

/// Up to the next of 16, 32, 64, …
fn rounded(length: usize) -> usize {
    length.saturating_add(length / 4).checked_next_power_of_two().unwrap_or(usize::MAX)
}

type Format = (&'static str, fn(&str) -> bool);
const FORMATS: [Format; 4] = [
    ("date", |text| text.len() == 10 && crate::date::parse(text).is_some()),
    ("date-time", |text| {
        text.len() >= 20
            && text.get(..10).is_some_and(|day| crate::date::parse(day).is_some())
            && text.get(10..11).is_some_and(|middle| middle == "T")
            && (text.ends_with('Z')
                || text.get(text.len().saturating_sub(6)..).is_some_and(|zone| zone.starts_with(['+', '-'])))
    }),
    ("email", |text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte));
        plain
            && text.split_once('@').is_some_and(|(one, other)| {
                !one.is_empty()
                    && other.contains('.')
                    && !other.contains('@')
                    && !other.starts_with('.')
                    && !other.ends_with('.')
            })
    }),
    ("uuid", |text| {
        text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| {
                if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            })
    }),
];
/// Deeper documents teach nothing.
const DEPTH: usize = 16;
const MOST_ITEMS: usize = 1_000;
/// A member that came up in one of so many objects is rare.
const RARE_OF: u64 = 50;
