//! A value and where it stands.

use std::sync::Arc;

use gabion_finding::Span;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What stands there. Numbers keep their spelling: `1.10` as a version is not 1.1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64, Arc<str>),
    Text(Arc<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something is there; what it is, only another program knows (an input of a module, a template). As written.
    Unknown(Arc<str>),
}

/// One key of a map, with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

impl Entry {
    /// Key and value where the value is short, the key alone where it is long.
    pub(crate) fn place(&self) -> Span {
        if self.node.is_scalar() { self.key_span.join(self.node.span) } else { self.key_span }
    }
}

impl Node {
    pub(crate) const fn new(span: Span, value: Value) -> Self {
        Self { span, value }
    }

    pub(crate) fn text(span: Span, text: impl AsRef<str>) -> Self {
        Self { span, value: Value::Text(text.as_ref().into()) }
    }

    pub(crate) fn unknown(span: Span, written: &str) -> Self {
        Self { span, value: Value::Unknown(written.into()) }
    }

    pub(crate) const fn bool(span: Span, value: bool) -> Self {
        Self { span, value: Value::Bool(value) }
    }

    /// A number where the text is one, otherwise the text.
    pub(crate) fn number_or_text(span: Span, text: &str) -> Self {
        match text.parse::<f64>() {
            Ok(number) if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
                Self { span, value: Value::Number(number, text.into()) }
            }
            _ => Self::text(span, text),
        }
    }

    pub(crate) const fn list(span: Span, nodes: Vec<Self>) -> Self {
        Self { span, value: Value::List(nodes) }
    }

    pub(crate) const fn map(span: Span, entries: Vec<Entry>) -> Self {
        Self { span, value: Value::Map(entries) }
    }

    pub(crate) const fn is_scalar(&self) -> bool {
        !matches!(self.value, Value::List(_) | Value::Map(_))
    }

    pub(crate) const fn is_unknown(&self) -> bool {
        matches!(self.value, Value::Unknown(_))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The elements of a list; of anything else, none.
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The elements of a list, or the one value that stands where a list may.
    pub(crate) fn each(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// Follows keys separated by dots.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// How it is written, where its value is not known: `aws_s3_bucket.data.id`.
    pub(crate) fn reference(&self) -> Option<&str> {
        if let Value::Unknown(written) = &self.value { Some(written) } else { None }
    }

    /// A text, or the spelling of a number or a truth value.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(_, text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            _ => None,
        }
    }

    pub(crate) fn str_at(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(Self::scalar)
    }

    /// True, whether as a truth value or spelled.
    pub(crate) fn is_true(&self) -> bool {
        self.scalar().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Number(number, _) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}
