//! JSON, with the comments and trailing commas that configuration files have.

use super::{DEEPEST, Documents, Entry, Gap, MOST_NODES, Node, Value, line_of, span};
use gabion_finding::UnreadReason;

/// Reads one document. On the first thing that is no JSON, what was read so far is dropped.
pub(crate) fn read(text: &str) -> Documents {
    let mut reader = Reader { text, at: 0, left: MOST_NODES };
    match reader.document() {
        Ok(node) => Documents { roots: vec![node], gaps: Vec::new() },
        Err((reason, says)) => {
            let detail = format!("line {}: {says}", line_of(text, reader.at));
            Documents { roots: Vec::new(), gaps: vec![Gap { reason, detail }] }
        }
    }
}

type Failure = (UnreadReason, &'static str);

struct Reader<'a> {
    text: &'a str,
    at: usize,
    left: usize,
}

const fn wrong<T>(says: &'static str) -> Result<T, Failure> {
    Err((UnreadReason::Syntax, says))
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
            self.at = self.at.saturating_add(rest.len().saturating_sub(trimmed.len()));
            let skip = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end.saturating_add(2))
            } else {
                return;
            };
            self.at = self.at.saturating_add(skip);
        }
    }

    fn document(&mut self) -> Result<Node, Failure> {
        self.space();
        let node = self.value(0)?;
        self.space();
        if self.rest().is_empty() { Ok(node) } else { wrong("something stands behind the document") }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Failure> {
        if depth > DEEPEST {
            return Err((UnreadReason::Deep, "nested too deep"));
        }
        self.left =
            self.left.checked_sub(1).ok_or((UnreadReason::Budget, "more values than are looked at"))?;
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.object(start, depth),
            Some(b'[') => self.array(start, depth),
            Some(b'"') => {
                let text = self.string()?;
                Ok(Node::text(span(start, self.at), text))
            }
            Some(b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => self.word(start),
            _ => wrong("a value is expected"),
        }
    }

    fn word(&mut self, start: usize) -> Result<Node, Failure> {
        let rest = self.rest();
        let length = rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.')))
            .unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        self.at = start.saturating_add(length);
        let place = span(start, self.at);
        match word {
            "true" | "false" => Ok(Node::bool(place, word == "true")),
            "null" => Ok(Node::new(place, Value::Null)),
            _ => match word.parse::<f64>() {
                Ok(number) => Ok(Node::new(place, Value::Number(number, word.into()))),
                Err(_) => wrong("a value is expected"),
            },
        }
    }

    fn string(&mut self) -> Result<String, Failure> {
        if !self.eat(b'"') {
            return wrong("a text in quotes is expected");
        }
        let mut text = String::new();
        let mut letters = self.rest().char_indices();
        while let Some((offset, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at = self.at.saturating_add(offset).saturating_add(1);
                    return Ok(text);
                }
                '\n' => break,
                '\\' => match letters.next().map(|(_, letter)| letter) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('b' | 'f') => text.push(' '),
                    Some('u') => {
                        let digits: String = letters.by_ref().take(4).map(|(_, letter)| letter).collect();
                        let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                        text.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    Some(other) => text.push(other),
                    None => break,
                },
                other => text.push(other),
            }
        }
        wrong("a text does not end on its line")
    }

    fn object(&mut self, start: usize, depth: usize) -> Result<Node, Failure> {
        let mut entries = Vec::new();
        self.eat(b'{');
        loop {
            self.space();
            if self.eat(b'}') {
                return Ok(Node::map(span(start, self.at), entries));
            }
            let key_start = self.at;
            let key = self.string()?;
            let key_span = span(key_start, self.at);
            self.space();
            if !self.eat(b':') {
                return wrong("`:` is expected");
            }
            self.space();
            let node = self.value(depth.saturating_add(1))?;
            entries.push(Entry { key: key.into(), key_span, node });
            self.space();
            if !self.eat(b',') && self.peek() != Some(b'}') {
                return wrong("`,` or `}` is expected");
            }
        }
    }

    fn array(&mut self, start: usize, depth: usize) -> Result<Node, Failure> {
        let mut nodes = Vec::new();
        self.eat(b'[');
        loop {
            self.space();
            if self.eat(b']') {
                return Ok(Node::list(span(start, self.at), nodes));
            }
            nodes.push(self.value(depth.saturating_add(1))?);
            self.space();
            if !self.eat(b',') && self.peek() != Some(b']') {
                return wrong("`,` or `]` is expected");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_last_commas_are_read() {
        let text = "{ // a\n \"a\": [1, true, null,], /* b */ \"b\": \"x\\u0041\\n\" }\n";
        let root = read(text).roots.remove(0);
        assert_eq!(root.str_at("b"), Some("xA\n"));
        assert_eq!(root.get("a").unwrap().items().len(), 3);
        assert_eq!(root.entry("b").unwrap().place().of(text), "\"b\": \"x\\u0041\\n\"");
    }

    #[test]
    fn what_is_no_json_is_a_gap_with_its_line() {
        assert_eq!(read("{\n\"a\" 1}").gaps[0].detail, "line 2: `:` is expected");
        assert_eq!(read(&"[".repeat(100_000)).gaps[0].reason, UnreadReason::Deep);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_a_gap(text in "[a-c0-9\\[\\]{}:,\"\\\\/* \nü]{0,120}") {
            let all = read(&text);
            prop_assert_eq!(all.roots.len() + all.gaps.len(), 1);
        }
    }
}
