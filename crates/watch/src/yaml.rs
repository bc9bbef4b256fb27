//! The YAML that rules are written in: documents, maps, lists and scalars, each with its line.
//!
//! **Refused**: anchors and aliases, merge keys, tags, keys that are no scalars, a key twice.

use gabion_model::Problem;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::bounds;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// From 1.
    pub(crate) line: u32,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    /// Numbers too: rules compare texts.
    Text(String),
    Bool(bool),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Written alike; the lines do not matter.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Text(one), Value::Text(other)) => one == other,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::List(one), Value::List(other)) => one == other,
            (Value::Map(one), Value::Map(other)) => one == other,
            _ => false,
        }
    }
}

impl Node {
    pub(crate) fn find(&self, key: &str) -> Option<&Self> {
        self.members()?.iter().find_map(|(name, node)| (name == key).then_some(node))
    }

    pub(crate) fn members(&self) -> Option<&[(String, Self)]> {
        match &self.value {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; anything else is one item by itself.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}

/// All documents of a file.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Node>, Problem> {
    if text.len() > bounds::FILE {
        let problem = Problem::new(file, format!("the file has {} bytes", text.len()));
        return Err(problem.hint(format!("at most {}; share the rules out among files", bounds::FILE)));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { file, open: Vec::new(), documents: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let line = u32::try_from(error.marker().line()).unwrap_or(u32::MAX);
            let problem = Problem::new(format!("{file}:{line}"), "this is no YAML");
            problem.hint("look at the indentation, and put texts with `:`, `#`, `*` or `%` into quotes")
        })?;
        builder.event(event, span)?;
    }
    Ok(builder.documents)
}

struct Builder<'a> {
    file: &'a str,
    open: Vec<Open>,
    documents: Vec<Node>,
    nodes: usize,
}

enum Open {
    List(u32, Vec<Node>),
    Map(u32, Vec<(String, Node)>, Option<String>),
}

impl Builder<'_> {
    fn refuse<T>(&self, line: u32, reason: &str, hint: &str) -> Result<T, Problem> {
        Err(Problem::new(format!("{}:{line}", self.file), reason).hint(hint))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(_) => self.refuse(line, "aliases (`*name`) are not read", "write it out"),
            Event::Scalar(text, style, anchor, tag) => {
                self.plain(line, anchor, tag.is_some())?;
                if text.len() > bounds::SCALAR {
                    return self.refuse(line, "this text is too long", "at most 16 KiB");
                }
                if let Some(Open::Map(_, members, key @ None)) = self.open.last_mut() {
                    if members.iter().any(|(name, _)| *name == text) {
                        return self.refuse(line, "the same key stands above", "remove one of them");
                    }
                    *key = Some(text.into_owned());
                    return Ok(());
                }
                let value = match (style, &*text) {
                    (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
                    (ScalarStyle::Plain, "true" | "True" | "TRUE") => Value::Bool(true),
                    (ScalarStyle::Plain, "false" | "False" | "FALSE") => Value::Bool(false),
                    _ => Value::Text(text.into_owned()),
                };
                self.add(Node { line, value })
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain(line, anchor, tag.is_some())?;
                self.begin(line, Open::List(line, Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.plain(line, anchor, tag.is_some())?;
                self.begin(line, Open::Map(line, Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(line, items)) => self.add(Node { line, value: Value::List(items) }),
                Some(Open::Map(line, members, _)) => self.add(Node { line, value: Value::Map(members) }),
                None => Ok(()),
            },
        }
    }

    fn plain(&self, line: u32, anchor: usize, tagged: bool) -> Result<(), Problem> {
        if anchor > 0 || tagged {
            return self.refuse(line, "anchors (`&name`) and tags (`!name`) are not read", "write it out");
        }
        Ok(())
    }

    fn begin(&mut self, line: u32, open: Open) -> Result<(), Problem> {
        if matches!(self.open.last(), Some(Open::Map(_, _, None))) {
            return self.refuse(line, "a key is a word", "put the key into quotes");
        }
        if self.open.len() >= bounds::DEPTH {
            return self.refuse(line, "lists and maps lie too deep in each other", "at most 12 deep");
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > bounds::NODES {
            return self.refuse(node.line, "the file has too many values", "share the rules out among files");
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, members, key)) => {
                if let Some(key) = key.take() {
                    members.push((key, node));
                }
            }
        }
        Ok(())
    }
}
