//! The configuration as a tree in which every value knows where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A value and its origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Array(Vec<Node>),
    Boolean(bool),
    /// Kept as its text: no setting is a date.
    Datetime(String),
    Float(f64),
    Integer(i64),
    String(String),
    Table(BTreeMap<String, Entry>),
}

/// A value in a table, with the place of its key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Origin,
    pub(crate) node: Node,
}

/// Who said it. Later ones win: file, environment, flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Bytes of the configuration file.
    File(Range<usize>),
    /// The environment variable of this name.
    Environment(String),
    /// The flag of this name, for instance `--listen`.
    Flag(&'static str),
}

/// One step into the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Where a value stands: `routes[2].path`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl Path {
    pub(crate) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    pub(crate) fn parent(&self) -> Self {
        Self(self.0.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default())
    }

    /// The first key: the table of the file it belongs to.
    pub(crate) fn section(&self) -> &str {
        match self.0.first() {
            Some(Step::Key(key)) => key,
            _ => "",
        }
    }

    pub(crate) fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Reads `routes[2].path` and `upstreams."my app".url`. Never fails: what it cannot read becomes keys.
    pub(crate) fn parse(text: &str) -> Self {
        fn flush(word: &mut String, steps: &mut Vec<Step>) {
            if !word.is_empty() {
                steps.push(Step::Key(std::mem::take(word)));
            }
        }
        let (mut steps, mut word, mut quoted) = (Vec::new(), String::new(), false);
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '"' => quoted = !quoted,
                '.' if !quoted => flush(&mut word, &mut steps),
                '[' if !quoted => {
                    flush(&mut word, &mut steps);
                    let inside: String = rest.by_ref().take_while(|next| *next != ']').collect();
                    steps.push(inside.parse().map_or(Step::Key(inside), Step::Index));
                }
                other => word.push(other),
            }
        }
        flush(&mut word, &mut steps);
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(key) => {
                    if position > 0 {
                        formatter.write_str(".")?;
                    }
                    if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-<>[]".contains(&byte)) {
                        formatter.write_str(key)?;
                    } else {
                        write!(formatter, "{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Node {
    /// The tree of a whole file and everything wrong with its syntax.
    pub(crate) fn read(text: &str) -> (Self, Vec<(Range<usize>, String)>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let root = Self { value: table_value(table.get_ref()), origin: Origin::File(0..0) };
        let errors = errors
            .into_iter()
            .map(|error| (error.span().unwrap_or(0..0), error.message().replace('\n', ", ")))
            .collect();
        (root, errors)
    }

    pub(crate) fn empty() -> Self {
        Self { value: Value::Table(BTreeMap::new()), origin: Origin::File(0..0) }
    }

    pub(crate) fn find(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| match (&node.value, step) {
            (Value::Table(entries), Step::Key(key)) => entries.get(key).map(|entry| &entry.node),
            (Value::Array(items), Step::Index(index)) => items.get(*index),
            _ => None,
        })
    }

    /// Where `path` was written: the value, or where it is not written, what stands nearest above it.
    pub(crate) fn origin_of(&self, path: &Path) -> Origin {
        let mut path = path.clone();
        loop {
            if let Some(node) = self.find(&path) {
                return node.origin.clone();
            }
            path = path.parent();
        }
    }

    /// Puts a value where a file would have put it, making tables on the way. `false` when something
    /// that is not a table is in the way.
    pub(crate) fn set(&mut self, path: &Path, value: Value, origin: &Origin) -> bool {
        let Some((last, way)) = path.0.split_last() else { return false };
        let mut node = self;
        for step in way {
            let (Value::Table(entries), Step::Key(key)) = (&mut node.value, step) else { return false };
            node = &mut entries
                .entry(key.clone())
                .or_insert_with(|| Entry {
                    key: origin.clone(),
                    node: Self { value: Value::Table(BTreeMap::new()), origin: origin.clone() },
                })
                .node;
        }
        let (Value::Table(entries), Step::Key(key)) = (&mut node.value, last) else { return false };
        let node = Self { value, origin: origin.clone() };
        entries.insert(key.clone(), Entry { key: origin.clone(), node });
        true
    }

    /// Takes out what stands at `path`; of something inside an array, the whole array, so that the
    /// numbers of its neighbours stay true.
    pub(crate) fn remove(&mut self, path: &Path) -> bool {
        let mut steps = path.0.clone();
        while matches!(steps.last(), Some(Step::Index(_))) {
            steps.pop();
        }
        let Some(Step::Key(last)) = steps.pop() else { return false };
        let mut node = self;
        for step in steps {
            let next = match (&mut node.value, step) {
                (Value::Table(entries), Step::Key(key)) => entries.get_mut(&key).map(|entry| &mut entry.node),
                (Value::Array(items), Step::Index(index)) => items.get_mut(index),
                _ => None,
            };
            let Some(next) = next else { return false };
            node = next;
        }
        match &mut node.value {
            Value::Table(entries) => entries.remove(&last).is_some(),
            _ => false,
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Array(items) => items.iter().map(Self::to_json).collect(),
            Value::Boolean(value) => (*value).into(),
            Value::Datetime(text) | Value::String(text) => text.as_str().into(),
            Value::Float(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Table(entries) => serde_json::Value::Object(
                entries.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect(),
            ),
        }
    }

    /// What it is, as a person would say it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Array(_) => "a list",
            Value::Boolean(_) => "true or false",
            Value::Datetime(_) => "a date",
            Value::Float(_) => "a decimal number",
            Value::Integer(_) => "a whole number",
            Value::String(_) => "text",
            Value::Table(_) => "a table",
        }
    }
}

/// Reads one value as TOML would: `8080`, `true`, `["a", "b"]`; anything else is text.
pub(crate) fn read_value(text: &str, origin: &Origin) -> Value {
    fn at(mut node: Node, origin: &Origin) -> Node {
        node.origin = origin.clone();
        node.value = match node.value {
            Value::Array(items) => Value::Array(items.into_iter().map(|item| at(item, origin)).collect()),
            Value::Table(entries) => Value::Table(
                entries
                    .into_iter()
                    .map(|(key, entry)| (key, Entry { key: origin.clone(), node: at(entry.node, origin) }))
                    .collect(),
            ),
            other => other,
        };
        node
    }
    match DeValue::parse(text) {
        Ok(value) => at(Node { value: value_of(value.get_ref()), origin: origin.clone() }, origin).value,
        Err(_) => Value::String(text.to_owned()),
    }
}

fn table_value(table: &DeTable<'_>) -> Value {
    let entries = table.iter().map(|(key, value)| {
        let node = Node { value: value_of(value.get_ref()), origin: Origin::File(value.span()) };
        (key.get_ref().to_string(), Entry { key: Origin::File(key.span()), node })
    });
    Value::Table(entries.collect())
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| Value::String(integer.as_str().to_owned()), Value::Integer),
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(date) => Value::Datetime(date.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| Node { value: value_of(item.get_ref()), origin: Origin::File(item.span()) })
                .collect(),
        ),
        DeValue::Table(table) => table_value(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_print_and_parse_back() {
        for text in ["gateway.listen", "routes[2].path", "a.b[0][1].c", "upstreams.\"my app\".url", ""] {
            assert_eq!(Path::parse(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_written_points_at_what_is_nearest() {
        let text = "[[routes]]\npath = \"/*\"\n";
        let (tree, errors) = Node::read(text);
        assert!(errors.is_empty());
        assert_eq!(tree.origin_of(&Path::parse("routes[0].path")), Origin::File(18..22));
        assert_eq!(tree.origin_of(&Path::parse("routes[0].access")), Origin::File(0..10));
        assert_eq!(tree.origin_of(&Path::parse("gateway.listen")), Origin::File(0..0));
    }

    #[test]
    fn removing_inside_a_list_takes_the_whole_list() {
        let (mut tree, _) = Node::read("a = [1, 2]\nb = [{ c = 1, d = 2 }]\n");
        assert!(tree.remove(&Path::parse("a[1]")));
        assert!(tree.remove(&Path::parse("b[0].c")));
        assert_eq!(tree.to_json(), serde_json::json!({ "b": [{ "d": 2 }] }));
        assert!(!tree.remove(&Path::parse("b[0].c")));
    }

    #[test]
    fn a_value_reads_as_toml_would_read_it_or_as_text() {
        let origin = Origin::Environment("GABION_X__Y".into());
        assert_eq!(read_value("8080", &origin), Value::Integer(8080));
        assert_eq!(read_value("true", &origin), Value::Boolean(true));
        assert_eq!(read_value("127.0.0.1:8080", &origin), Value::String("127.0.0.1:8080".into()));
        assert!(matches!(read_value("[\"a\"]", &origin), Value::Array(items) if items.len() == 1));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z\\[\\]=\"'\\n#.{} 0-9é]{0,60}") {
            let (tree, _) = Node::read(&text);
            let _ = tree.to_json();
            let _ = Path::parse(&text).to_string();
        }
    }
}
