//! YAML: every document of a file, with places, anchors written out under a bound.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use gabion_finding::{Span, UnreadReason};
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, Tag};

use super::{DEEPEST, Documents, Entry, Gap, MOST_NODES, Node, Value, line_of, span};

/// Reads all documents. A document that is no YAML is a gap; those behind the next `---` are read.
pub(crate) fn read(text: &str) -> Documents {
    let mut all = Documents::default();
    let mut left = MOST_NODES;
    let mut from = 0;
    // Each round passes at least one `---`; more than these broken documents are not looked at.
    for _ in 0..64 {
        let part = text.get(from..).unwrap_or_default();
        let mut reader = Reader::new(part, from, left);
        let outcome = reader.run(part);
        left = reader.left;
        all.roots.append(&mut reader.roots);
        let Err((offset, reason, says)) = outcome else { return all };
        let at = from.saturating_add(offset).min(text.len());
        let detail = format!("line {}: {says}", line_of(text, at));
        all.gaps.push(Gap { reason, detail });
        if reason != UnreadReason::Syntax {
            return all;
        }
        let mut rest = at;
        while !text.is_char_boundary(rest) {
            rest = rest.saturating_sub(1);
        }
        match text.get(rest..).and_then(|rest| rest.find("\n---")) {
            Some(next) => from = rest.saturating_add(next).saturating_add(1),
            None => return all,
        }
    }
    all.gaps.push(Gap { reason: UnreadReason::Budget, detail: "more than 64 broken documents".to_owned() });
    all
}

type Failure = (usize, UnreadReason, String);

struct Reader {
    /// Bytes of each character, where they are not the same; the parser counts characters.
    bytes: Option<Vec<u32>>,
    base: usize,
    length: usize,
    left: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    roots: Vec<Node>,
}

enum Shape {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<(Arc<str>, Span)>),
}

struct Open {
    start: usize,
    anchor: usize,
    tagged: bool,
    shape: Shape,
    /// How many values were left when it began.
    left: usize,
}

impl Reader {
    fn new(text: &str, base: usize, left: usize) -> Self {
        let bytes = (!text.is_ascii()).then(|| {
            text.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect::<Vec<_>>()
        });
        let (length, open, roots) = (text.len(), Vec::new(), Vec::new());
        Self { bytes, base, length, left, open, anchors: HashMap::new(), roots }
    }

    fn offset(&self, character: usize) -> usize {
        let byte = match &self.bytes {
            None => character,
            Some(bytes) => bytes.get(character).map_or(self.length, |byte| *byte as usize),
        };
        byte.min(self.length)
    }

    fn run(&mut self, text: &str) -> Result<(), Failure> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, marks) = event.map_err(|error| {
                (self.offset(error.marker().index()), UnreadReason::Syntax, error.info().to_owned())
            })?;
            self.event(event, marks)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, marks: Marks) -> Result<(), Failure> {
        let (start, end) = (self.offset(marks.start.index()), self.offset(marks.end.index()));
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(start, 1)?;
                let place = self.place(start, end);
                let tagged = is_own(&tag);
                let node = if tagged { Node::unknown(place, &text) } else { scalar(place, &text, style) };
                if anchor != 0 {
                    self.anchors.insert(anchor, (node.clone(), 1));
                }
                self.put(node, (!tagged).then(|| text.into()));
            }
            Event::Alias(anchor) => {
                let (mut node, weight) = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .unwrap_or((Node::new(Span::default(), Value::Null), 1));
                self.spend(start, weight)?;
                let key = node.scalar().map(Arc::from);
                if node.is_scalar() {
                    node.span = self.place(start, end);
                }
                self.put(node, key);
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(start, anchor, is_own(&tag), Shape::List(Vec::new()))?
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(start, anchor, is_own(&tag), Shape::Map(Vec::new(), None))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.finish(end),
            _ => {}
        }
        Ok(())
    }

    fn place(&self, start: usize, end: usize) -> Span {
        span(self.base.saturating_add(start), self.base.saturating_add(end.max(start)))
    }

    fn spend(&mut self, at: usize, weight: usize) -> Result<(), Failure> {
        match self.left.checked_sub(weight) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err((at, UnreadReason::Budget, "too many values, aliases written out".to_owned())),
        }
    }

    fn begin(&mut self, start: usize, anchor: usize, tagged: bool, shape: Shape) -> Result<(), Failure> {
        let left = self.left;
        self.spend(start, 1)?;
        if self.open.len() >= DEEPEST {
            return Err((start, UnreadReason::Deep, format!("nested deeper than {DEEPEST}")));
        }
        self.open.push(Open { start, anchor, tagged, shape, left });
        Ok(())
    }

    fn finish(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        let place = self.place(open.start, end);
        let node = match open.shape {
            _ if open.tagged => Node::unknown(place, ""),
            Shape::List(nodes) => Node::list(place, nodes),
            Shape::Map(entries, _) => Node::map(place, merged(entries)),
        };
        if open.anchor != 0 {
            self.anchors.insert(open.anchor, (node.clone(), open.left.saturating_sub(self.left)));
        }
        self.put(node, None);
    }

    /// Puts a value where the innermost open list or map wants one. `key` is its text, should it be a key.
    fn put(&mut self, node: Node, key: Option<Arc<str>>) {
        match self.open.last_mut().map(|open| &mut open.shape) {
            None => self.roots.push(node),
            Some(Shape::List(nodes)) => nodes.push(node),
            Some(Shape::Map(entries, waiting)) => match waiting.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, node }),
                None => *waiting = Some((key.unwrap_or_else(|| "?".into()), node.span)),
            },
        }
    }
}

/// Writes out `<<: *defaults`: what the map says itself wins.
fn merged(mut entries: Vec<Entry>) -> Vec<Entry> {
    if !entries.iter().any(|entry| &*entry.key == "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
        std::mem::take(&mut entries).into_iter().partition(|entry| &*entry.key == "<<");
    for node in merges.iter().flat_map(|merge| merge.node.each()) {
        let mut known: std::collections::HashSet<Arc<str>> =
            own.iter().map(|entry| Arc::clone(&entry.key)).collect();
        own.extend(node.entries().iter().filter(|entry| known.insert(Arc::clone(&entry.key))).cloned());
    }
    own
}

/// `!Ref`, `!reference`, `!vault`: what is written is not the value.
fn is_own(tag: &Option<Cow<'_, Tag>>) -> bool {
    tag.as_ref().is_some_and(|tag| !tag.is_yaml_core_schema())
}

fn scalar(place: Span, text: &str, style: ScalarStyle) -> Node {
    if style != ScalarStyle::Plain {
        return Node::text(place, text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Node::new(place, Value::Null),
        "true" | "True" | "TRUE" => Node::bool(place, true),
        "false" | "False" | "FALSE" => Node::bool(place, false),
        _ => Node::number_or_text(place, text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_stand_where_they_stand_behind_wide_characters_too() {
        let text = "a: ü\nb:\n  - c: true\n    d: 1.10\n---\nx: 'yes'\n";
        let all = read(text);
        assert_eq!((all.roots.len(), all.gaps.len()), (2, 0));
        let c = all.roots[0].get("b").unwrap().items()[0].entry("c").unwrap();
        assert_eq!((c.key_span.of(text), c.node.span.of(text)), ("c", "true"));
        assert_eq!(all.roots[0].get("b").unwrap().items()[0].str_at("d"), Some("1.10"));
        assert_eq!(all.roots[1].get("x").unwrap().span.of(text), "'yes'");
    }

    #[test]
    fn merges_keep_what_the_map_says_itself() {
        let all = read("base: &b {a: 1, b: 2}\nit:\n  <<: *b\n  b: 3\n");
        let it = all.roots[0].get("it").unwrap();
        assert_eq!((it.str_at("a"), it.str_at("b")), (Some("1"), Some("3")));
    }

    #[test]
    fn a_broken_document_does_not_hide_the_next() {
        let all = read("a: 1\n---\nb: [1\nc: }\n---\nd: 2\n");
        assert_eq!(all.gaps.len(), 1);
        assert!(all.gaps[0].detail.starts_with("line "), "{:?}", all.gaps);
        assert!(all.roots.iter().any(|root| root.str_at("d") == Some("2")));
    }

    #[test]
    fn laughs_are_counted() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let last = level - 1;
            let row = vec![format!("*a{last}"); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{row}]\n"));
        }
        assert_eq!(read(&text).gaps[0].reason, UnreadReason::Budget);
        let deep = "[".repeat(5000);
        assert!(!read(&deep).gaps.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_a_gap(text in "[a-c&*<:\\[\\]{}!|>'\"#\\- \nü]{0,120}") {
            for root in read(&text).roots {
                prop_assert!(root.span.end as usize <= text.len());
            }
        }
    }
}
