//! YAML with the line of every value: what is wrong in a rule is named with its place.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

/// Values in values.
const DEEPEST: usize = 64;
/// Values of a file, aliases written out.
const MOST: usize = 1 << 20;

/// A value, and the line it begins on, counted from 1.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(own, _)| own == key).map(|(_, node)| node)
    }

    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; a single value is a list of itself.
    pub(crate) fn each(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        match self.text()? {
            "true" | "True" | "TRUE" | "yes" | "on" => Some(true),
            "false" | "False" | "FALSE" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

enum Open {
    List(Vec<Node>),
    Map(Vec<(String, Node)>, Option<String>),
}

struct Reader {
    open: Vec<(usize, usize, usize, Open)>,
    anchors: HashMap<usize, (Node, usize)>,
    root: Option<Node>,
    left: usize,
}

/// The first document of a text.
///
/// # Errors
/// The line and what is wrong there.
pub(crate) fn read(text: &str) -> Result<Option<Node>, (usize, String)> {
    let mut reader = Reader { open: Vec::new(), anchors: HashMap::new(), root: None, left: MOST };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, marks) =
            event.map_err(|error| (error.marker().line(), format!("is no YAML: {}", error.info())))?;
        let line = marks.start.line();
        reader.event(event, line).map_err(|reason| (line, reason))?;
        if reader.root.is_some() {
            break;
        }
    }
    Ok(reader.root)
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                self.spend(1)?;
                let text = Value::Scalar(text.into_owned());
                self.put(Node { line, value: text }, anchor, 1)
            }
            Event::Alias(anchor) => {
                let (node, weight) = self.anchors.get(&anchor).cloned().ok_or("names no anchor")?;
                self.spend(weight)?;
                self.put(node, 0, weight)
            }
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Open::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(line, anchor, Open::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((line, anchor, before, open)) = self.open.pop() else { return Ok(()) };
                let value = match open {
                    Open::List(items) => Value::List(items),
                    Open::Map(entries, _) => Value::Map(entries),
                };
                self.put(Node { line, value }, anchor, before.saturating_sub(self.left))
            }
            _ => Ok(()),
        }
    }

    fn spend(&mut self, weight: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(weight).ok_or("has too many values, aliases written out")?;
        Ok(())
    }

    fn begin(&mut self, line: usize, anchor: usize, open: Open) -> Result<(), String> {
        let before = self.left;
        self.spend(1)?;
        if self.open.len() >= DEEPEST {
            return Err(format!("nests deeper than {DEEPEST}"));
        }
        self.open.push((line, anchor, before, open));
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize, weight: usize) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        match self.open.last_mut().map(|(_, _, _, open)| open) {
            None => self.root = Some(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(entries, waiting)) => match waiting.take() {
                Some(key) if entries.iter().any(|(own, _)| *own == key) && key != "<<" => {
                    return Err(format!("has the key `{key}` twice"));
                }
                Some(key) if key == "<<" => {
                    for (key, node) in node.entries() {
                        if !entries.iter().any(|(own, _)| own == key) {
                            entries.push((key.clone(), node.clone()));
                        }
                    }
                }
                Some(key) => entries.push((key, node)),
                None => *waiting = Some(node.text().ok_or("has a key that is no text")?.to_owned()),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let root = read("rules:\n  - id: a\n    pattern: |\n      x\n      y\n").unwrap().unwrap();
        let rule = &root.get("rules").unwrap().each()[0];
        assert_eq!(rule.get("id").unwrap().line, 2);
        assert_eq!(rule.get("pattern").unwrap().text(), Some("x\ny\n"));
    }

    #[test]
    fn what_is_no_yaml_or_too_much_is_said() {
        assert!(read("a: [").is_err());
        assert!(read("a: 1\na: 2").unwrap_err().1.contains("twice"));
        assert!(read(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap_err().1.contains("deeper"));
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
            c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
            e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n";
        assert!(read(bomb).unwrap_err().1.contains("too many"));
    }
}
