//! A document as it came: a flat list of nodes over the text.

use super::error::{ParseError, Rule};
use super::number::{Decimal, Number};
use super::value::{Object, Value};
use super::{Bounds, reader};

/// One node: 16 bytes, in the order of the text. A member is its name's node and then its value's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Where the text begins; for [`Kind::Escaped`] in what was unescaped.
    pub(super) start: u32,
    /// Bytes of the text, or how many members or items.
    pub(super) length: u32,
    /// The node after the last one inside. For [`Kind::Escaped`] where the text stood.
    pub(super) end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    /// A number of a tree: its text stands with the unescaped strings.
    TreeNumber,
    /// A string that stands in the text as it is.
    Text,
    /// A string that had escapes.
    Escaped,
    Array,
    Object,
}

impl Entry {
    pub(super) fn text<'t>(&self, text: &'t str, unescaped: &'t str) -> &'t str {
        self.within(if matches!(self.kind, Kind::Escaped | Kind::TreeNumber) { unescaped } else { text })
    }

    #[inline]
    fn within<'t>(&self, text: &'t str) -> &'t str {
        let start = self.start as usize;
        text.get(start..start + self.length as usize).unwrap_or_default()
    }

    /// Where it stood.
    pub(super) const fn offset(&self) -> usize {
        (if matches!(self.kind, Kind::Escaped) { self.end } else { self.start }) as usize
    }
}

/// One JSON document, read and checked: strings and numbers stay where they are in the bytes.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    unescaped: String,
    nodes: Vec<Entry>,
}

impl<'a> Document<'a> {
    /// Reads one JSON document.
    ///
    /// # Errors
    /// The first rule of [`Rule`] that is broken, and where.
    pub fn parse(bytes: &'a [u8], bounds: &Bounds) -> Result<Self, ParseError> {
        if bytes.len() > bounds.size || u32::try_from(bytes.len()).is_err() {
            return Err(ParseError { offset: bounds.size.min(bytes.len()), rule: Rule::Size });
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(ParseError { offset: 0, rule: Rule::ByteOrderMark });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ParseError { offset: error.valid_up_to(), rule: Rule::Utf8 })?;
        let (nodes, unescaped) = reader::read(text, bounds)?;
        Ok(Self { text, unescaped, nodes })
    }

    /// A tree as a document.
    #[must_use]
    pub fn of(value: &Value) -> Document<'static> {
        let mut document = Document { text: "", unescaped: String::new(), nodes: Vec::new() };
        document.add(value);
        document
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => self.leaf(Kind::Null, ""),
            Value::Bool(true) => self.leaf(Kind::True, ""),
            Value::Bool(false) => self.leaf(Kind::False, ""),
            Value::Number(number) => self.leaf(Kind::TreeNumber, number.as_str()),
            Value::String(text) => self.leaf(Kind::Escaped, text),
            Value::Array(items) => {
                let index = self.open(Kind::Array, items.len());
                items.iter().for_each(|item| self.add(item));
                self.close(index);
            }
            Value::Object(object) => {
                let index = self.open(Kind::Object, object.len());
                for (name, value) in object.iter() {
                    self.leaf(Kind::Escaped, name);
                    self.add(value);
                }
                self.close(index);
            }
        }
    }

    fn leaf(&mut self, kind: Kind, text: &str) {
        let start = self.unescaped.len() as u32;
        self.unescaped.push_str(text);
        self.nodes.push(Entry { kind, start, length: text.len() as u32, end: 0 });
    }

    fn open(&mut self, kind: Kind, count: usize) -> usize {
        self.nodes.push(Entry { kind, start: 0, length: count as u32, end: 0 });
        self.nodes.len() - 1
    }

    fn close(&mut self, index: usize) {
        let end = self.nodes.len() as u32;
        if let Some(entry) = self.nodes.get_mut(index) {
            entry.end = end;
        }
    }

    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { document: self, index: 0 }
    }

    /// How many nodes: values and names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a document holds at least one value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Where each value begins, in the order of the text, names left out.
    pub(super) fn offsets(&self) -> Vec<usize> {
        let mut offsets = Vec::with_capacity(self.nodes.len());
        collect(self.root(), &mut offsets);
        offsets
    }

    /// The text it was read from; empty for one made of a tree.
    #[must_use]
    pub const fn source(&self) -> &'a str {
        self.text
    }
}

fn collect(node: Node<'_>, offsets: &mut Vec<usize>) {
    offsets.push(node.entry().offset());
    match node.view() {
        View::Array(items) => items.for_each(|item| collect(item, offsets)),
        View::Object(members) => members.for_each(|(_, value)| collect(value, offsets)),
        _ => {}
    }
}

/// One value of a [`Document`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document<'d>,
    index: u32,
}

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub enum View<'d> {
    Null,
    Bool(bool),
    /// The text of a number.
    Number(&'d str),
    String(&'d str),
    Array(Items<'d>),
    Object(Members<'d>),
}

impl<'d> Node<'d> {
    #[inline]
    fn entry(&self) -> Entry {
        let missing = Entry { kind: Kind::Null, start: 0, length: 0, end: 0 };
        self.document.nodes.get(self.index as usize).copied().unwrap_or(missing)
    }

    /// Its place in the order of the text.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index as usize
    }

    #[must_use]
    #[inline]
    pub fn view(&self) -> View<'d> {
        let entry = self.entry();
        let first = Node { document: self.document, index: self.index + 1 };
        match entry.kind {
            Kind::Null => View::Null,
            Kind::True => View::Bool(true),
            Kind::False => View::Bool(false),
            Kind::Number | Kind::TreeNumber => {
                View::Number(entry.text(self.document.text, &self.document.unescaped))
            }
            Kind::Text | Kind::Escaped => {
                View::String(entry.text(self.document.text, &self.document.unescaped))
            }
            Kind::Array => View::Array(Items { next: first, left: entry.length }),
            Kind::Object => View::Object(Members { next: first, left: entry.length }),
        }
    }

    /// How many nodes it is made of.
    #[must_use]
    pub fn span(&self) -> usize {
        self.after().index.saturating_sub(self.index) as usize
    }

    /// The node after this one and all inside it.
    #[inline]
    fn after(&self) -> Self {
        let entry = self.entry();
        let index = if matches!(entry.kind, Kind::Array | Kind::Object) { entry.end } else { self.index + 1 };
        Self { document: self.document, index }
    }

    #[must_use]
    #[inline]
    pub fn as_str(&self) -> Option<&'d str> {
        let entry = self.entry();
        let document = self.document;
        match entry.kind {
            Kind::Text => Some(entry.within(document.text)),
            Kind::Escaped => Some(entry.within(&document.unescaped)),
            _ => None,
        }
    }

    /// The member of that name, if this is an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Self> {
        let View::Object(mut members) = self.view() else { return None };
        members.find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
    }

    /// The same as a tree of its own.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self.view() {
            View::Null => Value::Null,
            View::Bool(truth) => Value::Bool(truth),
            View::Number(text) => Value::Number(Number::of_checked(text)),
            View::String(text) => Value::String(text.to_owned()),
            View::Array(items) => Value::Array(items.map(|item| item.to_value()).collect()),
            View::Object(members) => Value::Object(Object::of_checked(
                members.map(|(name, value)| (name.as_str().unwrap_or_default().to_owned(), value.to_value())),
            )),
        }
    }

    /// Equality of JSON: numbers as decimals, objects whatever their order.
    #[must_use]
    pub fn equals(&self, value: &Value) -> bool {
        match (self.view(), value) {
            (View::Null, Value::Null) => true,
            (View::Bool(one), Value::Bool(other)) => one == *other,
            (View::Number(one), Value::Number(other)) => {
                one == other.as_str() || Decimal::of(one) == other.decimal()
            }
            (View::String(one), Value::String(other)) => one == other,
            (View::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.zip(other).all(|(one, other)| one.equals(other))
            }
            (View::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one.into_iter().all(|(name, value)| {
                        name.as_str()
                            .and_then(|name| other.get(name))
                            .is_some_and(|other| value.equals(other))
                    })
            }
            _ => false,
        }
    }

    /// Equality of JSON between two nodes.
    #[must_use]
    pub fn same(&self, other: &Node<'_>) -> bool {
        match (self.view(), other.view()) {
            (View::Null, View::Null) => true,
            (View::Bool(one), View::Bool(other)) => one == other,
            (View::Number(one), View::Number(other)) => {
                one == other || Decimal::of(one) == Decimal::of(other)
            }
            (View::String(one), View::String(other)) => one == other,
            (View::Array(one), View::Array(other)) => {
                one.len() == other.len() && one.zip(other).all(|(one, other)| one.same(&other))
            }
            (View::Object(one), View::Object(other)) => one.len() == other.len() && same_members(one, other),
            _ => false,
        }
    }
}

/// In whatever order: sorted, so that large objects cost little more than small ones.
fn same_members(one: Members<'_>, other: Members<'_>) -> bool {
    let named = |members: Members<'_>| {
        let mut named: Vec<_> = members
            .map(|(name, value)| (name.as_str().unwrap_or_default().to_owned(), value.index))
            .collect();
        named.sort_unstable();
        named
    };
    if one.zip(other).all(|((one, _), (other, _))| one.as_str() == other.as_str()) {
        return one.zip(other).all(|((_, one), (_, other))| one.same(&other));
    }
    let (mine, others) = (one.next.document, other.next.document);
    named(one).into_iter().zip(named(other)).all(|((name, one), (other_name, other))| {
        name == other_name
            && Node { document: mine, index: one }.same(&Node { document: others, index: other })
    })
}

/// The items of an array.
#[derive(Debug, Clone, Copy)]
pub struct Items<'d> {
    next: Node<'d>,
    left: u32,
}

impl<'d> Iterator for Items<'d> {
    type Item = Node<'d>;

    #[inline]
    fn next(&mut self) -> Option<Node<'d>> {
        self.left = self.left.checked_sub(1)?;
        let item = self.next;
        self.next = item.after();
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Items<'_> {}

/// The members of an object: name and value.
#[derive(Debug, Clone, Copy)]
pub struct Members<'d> {
    next: Node<'d>,
    left: u32,
}

impl<'d> Iterator for Members<'d> {
    type Item = (Node<'d>, Node<'d>);

    #[inline]
    fn next(&mut self) -> Option<(Node<'d>, Node<'d>)> {
        self.left = self.left.checked_sub(1)?;
        let name = self.next;
        let value = Node { document: name.document, index: name.index + 1 };
        self.next = value.after();
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Members<'_> {}
