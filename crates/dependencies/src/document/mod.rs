//! JSON, YAML and TOML as one kind of tree in which everything knows where it stands.

mod json;
mod toml;
pub(crate) mod xml;
mod yaml;

use gabion_finding::Span;

pub(crate) use json::read as json;
pub(crate) use toml::read as toml;
pub(crate) use yaml::read as yaml;

#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    List(Vec<Node>),
    /// As it is written.
    Number(String),
    Table(Vec<Member>),
    Text(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) at: Span,
    pub(crate) node: Node,
}

/// The text is not what its name says, from this byte on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Malformed {
    pub(crate) offset: u32,
    pub(crate) what: String,
    /// Nested too deep or too large, rather than wrong.
    pub(crate) bound: bool,
}

impl Malformed {
    pub(crate) fn new(offset: usize, what: impl Into<String>) -> Self {
        Self { offset: short(offset), what: what.into(), bound: false }
    }

    pub(crate) fn bound(offset: usize, what: impl Into<String>) -> Self {
        Self { bound: true, ..Self::new(offset, what) }
    }
}

impl Node {
    /// Of a key that stands twice the last one counts, as for the programs that use these files.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().rev().find(|member| member.key == key).map(|member| &member.node)
    }

    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(crate) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Table(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn members_of(&self, key: &str) -> &[Member] {
        self.get(key).map_or(&[], Self::members)
    }

    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn items_of(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    /// Numbers too: `version: 1.0` is a text to everybody but YAML.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    pub(crate) fn is_true(&self, key: &str) -> bool {
        matches!(self.get(key).map(|node| &node.value), Some(Value::Bool(true)))
    }

    pub(crate) const fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }

    pub(crate) const fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }
}

pub(crate) fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

pub(crate) fn span(start: usize, end: usize) -> Span {
    Span::new(short(start), short(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_notations_give_one_tree() {
        let json = json("{\"a\": {\"b\": [\"x\", true, 1.0]}}").unwrap();
        let yaml = yaml("a:\n  b:\n  - x\n  - true\n  - 1.0\n").unwrap();
        let toml = toml("[a]\nb = [\"x\", true, 1.0]\n").unwrap();
        for node in [json, yaml, toml] {
            let items = node.at(&["a", "b"]).unwrap().items();
            assert_eq!(items[0].text(), Some("x"));
            assert!(matches!(items[1].value, Value::Bool(true)));
            assert_eq!(items[2].text(), Some("1.0"));
        }
    }

    #[test]
    fn places_are_bytes_also_behind_letters_of_several_bytes() {
        let text = "ä: ü\nlodash: ß1\n";
        let node = yaml(text).unwrap();
        let member = &node.members()[1];
        assert_eq!((member.at.of(text), member.node.span.of(text)), ("lodash", "ß1"));
        let text = "{\"ä\": \"ü\", \"b\": \"c\"}";
        let node = json(text).unwrap();
        assert_eq!(node.members()[1].at.of(text), "\"b\"");
        let text = "ä = 1\n".replace('ä', "\"ä\"") + "[x]\nb = \"c\"\n";
        let node = toml(&text).unwrap();
        assert_eq!(node.at(&["x", "b"]).unwrap().span.of(&text), "\"c\"");
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in "[\\[\\]{}\":,'#/*=\\-a1 \\\\\nä&!|>.]{0,200}") {
            let _ = json(&text);
            let _ = yaml(&text);
            let _ = toml(&text);
            let _ = xml::read(&text);
        }

        #[test]
        fn depth_is_bounded(depth in 90_usize..3000) {
            prop_assert!(json(&"[".repeat(depth)).is_err());
            prop_assert!(yaml(&"[".repeat(depth)).is_err());
            let deep = format!("a = {}", "[".repeat(depth));
            prop_assert!(toml(&deep).is_err());
            let _ = xml::read(&"<a>".repeat(depth));
        }
    }
}
