//! Settings of Spring as YAML: what is nested is one name, as in a file of properties.

use gabion_finding::Span;
use saphyr_parser::{Event, Parser};

use super::{KEYS, LONGEST, Pair};

/// Keys in keys.
const DEEPEST: usize = 32;
/// What a parser may say of a file.
const EVENTS: usize = 64 * KEYS;

/// What is open.
enum Open {
    /// The length of the name outside, and whether a key comes next.
    Map { outside: usize, key: bool },
    /// The values of a list of texts, and where they stand.
    List { values: Vec<String>, span: Option<Span> },
}

/// Keys and values of every document of a file, up to what is no YAML. Lists of texts are one value, as Spring binds them: `a, b`
/// under `include` is `include=a,b`. Aliases are left out.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    let places = Places::new(text);
    let mut found = Vec::new();
    let (mut open, mut name): (Vec<Open>, String) = (Vec::new(), String::new());
    let mut key = Span::default();
    for event in Parser::new_from_str(text).take(EVENTS) {
        let Ok((event, marks)) = event else { break };
        let span = Span::new(places.byte(marks.start.index()), places.byte(marks.end.index()));
        match event {
            Event::Scalar(value, ..) => match open.last_mut() {
                Some(Open::Map { outside, key: key_next }) if *key_next => {
                    name.truncate(*outside);
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(&value);
                    key = span;
                    *key_next = false;
                }
                Some(Open::Map { key: key_next, .. }) => {
                    *key_next = true;
                    add(&mut found, &name, value.into_owned(), key.join(span), span);
                }
                Some(Open::List { values, span: all }) if values.len() < KEYS => {
                    values.push(value.into_owned());
                    *all = Some(all.map_or(span, |all| all.join(span)));
                }
                _ => {}
            },
            Event::Alias(_) => {
                if let Some(Open::Map { key, .. }) = open.last_mut() {
                    *key = !*key;
                }
            }
            Event::MappingStart(..) => open.push(Open::Map { outside: name.len(), key: true }),
            Event::SequenceStart(..) => open.push(Open::List { values: Vec::new(), span: None }),
            Event::MappingEnd | Event::SequenceEnd => {
                match open.pop() {
                    Some(Open::List { values, span: Some(all) }) => {
                        add(&mut found, &name, values.join(","), key.join(all), all);
                    }
                    Some(Open::Map { outside, .. }) => name.truncate(outside),
                    _ => {}
                }
                if let Some(Open::Map { key, .. }) = open.last_mut() {
                    *key = !*key;
                }
            }
            _ => {}
        }
        if open.len() > DEEPEST || name.len() > LONGEST || found.len() >= KEYS {
            break;
        }
    }
    found
}

fn add(found: &mut Vec<Pair>, name: &str, value: String, span: Span, written: Span) {
    if value.len() <= LONGEST {
        found.push(Pair { key: name.to_owned(), value, span, written });
    }
}

/// Bytes of characters: the parser counts characters.
struct Places {
    bytes: Option<Vec<u32>>,
    length: u32,
}

impl Places {
    fn new(text: &str) -> Self {
        let at = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| at(byte)).collect());
        Self { bytes, length: at(text.len()) }
    }

    fn byte(&self, character: usize) -> u32 {
        match &self.bytes {
            Some(bytes) => bytes.get(character).copied().unwrap_or(self.length),
            None => u32::try_from(character).unwrap_or(u32::MAX).min(self.length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_is_one_name() {
        let text = "# ü\nspring:\n  h2: { console: { enabled: true } }\n  names: [ä, b]\nserver.port: 80\nmanagement:\n  list:\n  - a: 1\n    \
                    b: 2\n  - c\n  after: &x yes\n  alias: *x\n  last: \"é\"\n---\nspring.two: 2\n";
        let found = pairs(text);
        let plain: Vec<_> = found.iter().map(|pair| (pair.key.as_str(), pair.value.as_str())).collect();
        let expected = [
            ("spring.h2.console.enabled", "true"),
            ("spring.names", "ä,b"),
            ("server.port", "80"),
            ("management.list.a", "1"),
            ("management.list.b", "2"),
            ("management.list", "c"),
            ("management.after", "yes"),
            ("management.last", "é"),
            ("spring.two", "2"),
        ];
        assert_eq!(plain, expected);
        assert_eq!(found[0].span.of(text), "enabled: true");
        assert_eq!(found[7].written.of(text), "\"é\"");
    }

    #[test]
    fn hostile_files_end() {
        let nested = "a: {".repeat(10_000);
        assert!(pairs(&nested).is_empty());
        assert!(pairs(&format!("a: [{}]", "x,".repeat(200_000))).len() <= 1);
        assert!(pairs(&"k: v\n".repeat(100_000)).len() <= KEYS);
        assert!(pairs("a: 1\nb: [\n").len() <= 1);
    }
}
