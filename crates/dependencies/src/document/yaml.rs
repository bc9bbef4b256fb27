//! YAML as lock files and advisories use it: the first document, no anchors, aliases or tags.

use gabion_finding::Span as Bytes;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{Malformed, Member, Node, Value, short};
use crate::bounds;

pub(crate) fn read(text: &str) -> Result<Node, Malformed> {
    if text.len() > bounds::FILE {
        return Err(Malformed::bound(0, "the document is larger than 32 MiB"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { bytes: Offsets::new(text), open: Vec::new(), done: None, nodes: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            Malformed::new(builder.bytes.of(error.marker().index()) as usize, error.info().to_owned())
        })?;
        builder.event(event, span)?;
        if builder.done.is_some() {
            break;
        }
    }
    Ok(builder.done.unwrap_or_default())
}

/// The parser counts characters, a place counts bytes.
struct Offsets {
    /// Empty for a text of ASCII, where both are the same.
    starts: Vec<u32>,
}

impl Offsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { starts: Vec::new() };
        }
        let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        Self { starts: starts.map(short).collect() }
    }

    fn of(&self, character: usize) -> u32 {
        match self.starts.last() {
            None => short(character),
            Some(last) => self.starts.get(character).copied().unwrap_or(*last),
        }
    }
}

enum Open {
    List(u32, Vec<Node>),
    Table(u32, Vec<Member>, Option<(String, Bytes)>),
}

struct Builder {
    bytes: Offsets,
    open: Vec<Open>,
    done: Option<Node>,
    nodes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Malformed> {
        let start = self.bytes.of(span.start.index());
        let end = self.bytes.of(span.end.index());
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(_) => Err(Malformed::new(start as usize, "aliases (`*name`) are not read")),
            Event::Scalar(text, style, _, _) => {
                if let Some(Open::Table(_, _, key @ None)) = self.open.last_mut() {
                    *key = Some((text.into_owned(), Bytes::new(start, end)));
                    return Ok(());
                }
                let value = match (style, &*text) {
                    (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
                    (ScalarStyle::Plain, "true") => Value::Bool(true),
                    (ScalarStyle::Plain, "false") => Value::Bool(false),
                    _ => Value::Text(text.into_owned()),
                };
                self.add(Node { span: Bytes::new(start, end), value })
            }
            Event::SequenceStart(..) => self.begin(Open::List(start, Vec::new()), start),
            Event::MappingStart(..) => self.begin(Open::Table(start, Vec::new(), None), start),
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop() {
                    Some(Open::List(start, items)) => {
                        Node { span: Bytes::new(start, end), value: Value::List(items) }
                    }
                    Some(Open::Table(start, members, _)) => {
                        Node { span: Bytes::new(start, end), value: Value::Table(members) }
                    }
                    None => return Ok(()),
                };
                self.add(node)
            }
        }
    }

    fn begin(&mut self, open: Open, at: u32) -> Result<(), Malformed> {
        if matches!(self.open.last(), Some(Open::Table(_, _, None))) {
            return Err(Malformed::new(at as usize, "a key is a word"));
        }
        if self.open.len() >= bounds::DEPTH {
            return Err(Malformed::bound(at as usize, "the document is nested too deep"));
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<(), Malformed> {
        self.nodes += 1;
        if self.nodes > bounds::NODES {
            return Err(Malformed::bound(node.span.start as usize, "the document has too many values"));
        }
        match self.open.last_mut() {
            None => self.done = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Table(_, members, key)) => {
                if let Some((key, at)) = key.take() {
                    members.push(Member { key, at, node });
                }
            }
        }
        Ok(())
    }
}
