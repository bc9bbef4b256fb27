//! JSON (RFC 8259), and what `bun.lock` and configuration files add to it: comments and a comma at the end.

use super::{Malformed, Member, Node, Value, span};
use crate::bounds;

pub(crate) fn read(text: &str) -> Result<Node, Malformed> {
    if text.len() > bounds::FILE {
        return Err(Malformed::bound(0, "the document is larger than 32 MiB"));
    }
    let skip = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut reader = Reader { text, at: skip, nodes: 0 };
    let node = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.wrong("something stands behind the document"));
    }
    Ok(node)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> Malformed {
        Malformed::new(self.at, what)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blank(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.rest().starts_with("//") => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                Some(b'/') if self.rest().starts_with("/*") => {
                    self.at += self.rest().find("*/").map_or(self.rest().len(), |end| end + 2);
                }
                _ => return,
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Malformed> {
        self.blank();
        self.nodes += 1;
        if depth > bounds::DEPTH || self.nodes > bounds::NODES {
            return Err(Malformed::bound(self.at, "the document is nested too deep, or has too many values"));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.table(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => {
                let length = self
                    .rest()
                    .bytes()
                    .take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
                let length = length.count();
                let number = self.rest().get(..length).unwrap_or_default().to_owned();
                self.at += length;
                Value::Number(number)
            }
            _ => {
                let words =
                    [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
                let found = words.into_iter().find(|(word, _)| self.rest().starts_with(word));
                let Some((word, value)) = found else { return Err(self.wrong("this is no JSON value")) };
                self.at += word.len();
                value
            }
        };
        Ok(Node { span: span(start, self.at), value })
    }

    fn table(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.at += 1;
        let mut members = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Table(members));
                }
                Some(b'"') => {}
                _ => return Err(self.wrong("a key in quotes is missing here")),
            }
            let start = self.at;
            let key = self.string()?;
            let at = span(start, self.at);
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.wrong("a `:` is missing here"));
            }
            self.at += 1;
            let node = self.value(depth + 1)?;
            members.push(Member { key, at, node });
            self.separator(b'}')?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(Value::List(items));
            }
            items.push(self.value(depth + 1)?);
            self.separator(b']')?;
        }
    }

    fn separator(&mut self, end: u8) -> Result<(), Malformed> {
        self.blank();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(())
            }
            Some(byte) if byte == end => Ok(()),
            _ => Err(self.wrong("a `,` is missing here")),
        }
    }

    fn string(&mut self) -> Result<String, Malformed> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let plain = self.rest().bytes().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=31)).count();
            out.push_str(self.rest().get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.wrong("this text has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Malformed> {
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'u') => {
                let high = self.unit()?;
                let pair = (0xD800..0xDC00).contains(&high) && self.rest().starts_with("\\u");
                if !pair {
                    return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                self.at += 2;
                let low = self.unit()?;
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => {
                self.at -= 1;
                return Err(self.wrong("no such escape"));
            }
        })
    }

    fn unit(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let hexadecimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let unit = u32::from_str_radix(digits, 16).ok().filter(|_| hexadecimal);
        self.at += 4;
        unit.ok_or_else(|| Malformed::new(self.at - 4, "no such escape"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_a_last_comma_are_read() {
        let node = read("// top\n{\"a\": [1, 2,], /* x */ \"b\": null,}\n").unwrap();
        assert_eq!(node.items_of("a").len(), 2);
        assert!(node.get("b").is_some());
    }

    #[test]
    fn escapes_are_what_the_standard_says() {
        assert_eq!(read(r#""\u00e4\ud83d\ude00\n\/""#).unwrap().text(), Some("ä😀\n/"));
        for wrong in
            ["\"\\x\"", "\"\\u12\"", "\"\\ud83d\\u\"", "\"a\nb\"", "\"", "{", "[1 2]", "{a:1}", "1 1"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(read(r#"{"a": "1", "a": "2"}"#).unwrap().text_of("a"), Some("2"));
    }
}
