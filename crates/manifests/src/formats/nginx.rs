//! nginx configuration: directives in blocks. Includes are not followed; a file of them stands alone.

use gabion_finding::{Source, Span, UnreadReason};

use super::whole;
use crate::document::{DEEPEST, Documents, Entry, Gap, Node, Value, line_of, span};
use crate::subject::Subject;

/// One document: a map of directives, each a list of what stands there (a text of its arguments, or a map for a block, with
/// the arguments under `$args`).
pub(crate) fn read(text: &str) -> Documents {
    let mut reader = Reader { text, at: 0, left: 50_000, gaps: Vec::new() };
    let entries = reader.block(0);
    Documents { roots: vec![Node::map(span(0, text.len()), entries)], gaps: reader.gaps }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    left: usize,
    gaps: Vec<Gap>,
}

enum Token {
    Word(String, usize, usize),
    Open,
    Close,
    End,
}

impl Reader<'_> {
    fn block(&mut self, depth: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut words: Vec<(String, usize, usize)> = Vec::new();
        while let Some(token) = self.token() {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                self.gap(UnreadReason::Budget, "more words than are looked at");
                self.at = self.text.len();
                break;
            }
            match token {
                Token::Word(word, start, end) => words.push((word, start, end)),
                Token::End => add(&mut entries, std::mem::take(&mut words), None),
                Token::Open => {
                    let words = std::mem::take(&mut words);
                    // Lua is another language.
                    let lua = words.first().is_some_and(|word| word.0.ends_with("_by_lua_block"));
                    if lua {
                        self.skip_braces();
                        continue;
                    }
                    if depth >= DEEPEST {
                        self.gap(UnreadReason::Deep, "nested too deep");
                        self.at = self.text.len();
                        break;
                    }
                    let inside = self.block(depth.saturating_add(1));
                    add(&mut entries, words, Some(inside));
                }
                Token::Close if depth == 0 => self.gap(UnreadReason::Syntax, "`}` closes nothing"),
                Token::Close => return entries,
            }
        }
        if depth > 0 {
            self.gap(UnreadReason::Syntax, "a block does not end");
        }
        entries
    }

    fn gap(&mut self, reason: UnreadReason, says: &str) {
        if self.gaps.len() < 8 {
            let detail = format!("line {}: {says}", line_of(self.text, self.at));
            self.gaps.push(Gap { reason, detail });
        }
    }

    fn skip_braces(&mut self) {
        let mut open = 1_usize;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            self.at = self.at.saturating_add(1);
            match byte {
                b'{' => open = open.saturating_add(1),
                b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }

    fn token(&mut self) -> Option<Token> {
        loop {
            let rest = self.text.get(self.at..)?;
            let trimmed = rest.trim_start();
            self.at = self.at.saturating_add(rest.len().saturating_sub(trimmed.len()));
            let first = trimmed.chars().next()?;
            match first {
                '#' => {
                    let skip = trimmed.find('\n').unwrap_or(trimmed.len());
                    self.at = self.at.saturating_add(skip);
                }
                ';' | '{' | '}' => {
                    self.at = self.at.saturating_add(1);
                    return Some(match first {
                        ';' => Token::End,
                        '{' => Token::Open,
                        _ => Token::Close,
                    });
                }
                _ => return Some(self.word(trimmed, first)),
            }
        }
    }

    fn word(&mut self, rest: &str, first: char) -> Token {
        let start = self.at;
        let mut word = String::new();
        let mut letters = rest.char_indices().peekable();
        let quote = matches!(first, '"' | '\'').then_some(first);
        let mut end = rest.len();
        if quote.is_some() {
            letters.next();
        }
        while let Some((at, letter)) = letters.next() {
            if letter == '\\' {
                word.push(letter);
                word.extend(letters.next().map(|(_, letter)| letter));
                continue;
            }
            match quote {
                Some(quote) if letter == quote => {
                    end = at.saturating_add(1);
                    break;
                }
                Some(_) => word.push(letter),
                None if letter == '$' && letters.peek().is_some_and(|(_, next)| *next == '{') => {
                    // `${name}` is part of the word.
                    word.push(letter);
                    for (_, inside) in letters.by_ref() {
                        word.push(inside);
                        if inside == '}' {
                            break;
                        }
                    }
                }
                None if letter.is_whitespace() || matches!(letter, ';' | '{' | '}') => {
                    end = at;
                    break;
                }
                None => word.push(letter),
            }
        }
        self.at = start.saturating_add(end);
        Token::Word(word, start, self.at)
    }
}

fn add(entries: &mut Vec<Entry>, words: Vec<(String, usize, usize)>, block: Option<Vec<Entry>>) {
    let mut words = words.into_iter();
    let Some((name, start, end)) = words.next() else { return };
    let rest: Vec<_> = words.collect();
    let place = span(start, rest.last().map_or(end, |(_, _, end)| *end));
    let arguments = rest.iter().map(|(word, _, _)| word.as_str()).collect::<Vec<_>>().join(" ");
    let node = match block {
        None => Node::text(place, arguments),
        Some(mut inside) => {
            inside.push(Entry { key: "$args".into(), key_span: place, node: Node::text(place, arguments) });
            Node::map(place, inside)
        }
    };
    match entries.iter_mut().find(|entry| *entry.key == name).map(|entry| &mut entry.node.value) {
        Some(Value::List(items)) => items.push(node),
        _ => {
            let key_span = span(start, end);
            entries.push(Entry { key: name.into(), key_span, node: Node::list(place, vec![node]) });
        }
    }
}

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    let main = whole("nginx.block", root, source);
    let named = vec![("main", root)];
    walk(root, "main", &named, main.anchor, source, all, 0);
}

fn walk<'a>(
    block: &'a Node,
    sort: &'a str,
    named: &[(&'static str, &'a Node)],
    anchor: Span,
    source: &'a Source,
    all: &mut Vec<Subject<'a>>,
    depth: usize,
) {
    let name = match block.str_at("$args").unwrap_or_default() {
        "" => block
            .get("server_name")
            .and_then(|names| names.items().first()?.scalar())
            .unwrap_or(sort)
            .to_owned(),
        arguments => format!("{sort} {arguments}"),
    };
    let subject =
        |kind| Subject { kind, sort, name: name.clone(), anchor, node: block, named: named.to_vec(), source };
    all.push(subject("nginx.block"));
    let kind = match sort {
        "http" => Some("nginx.http"),
        "server" => Some("nginx.server"),
        "location" => Some("nginx.location"),
        _ => None,
    };
    all.extend(kind.map(subject));
    if depth > DEEPEST {
        return;
    }
    for entry in block.entries() {
        for inner in entry.node.items().iter().filter(|node| matches!(node.value, Value::Map(_))) {
            let mut named = named.to_vec();
            if let Some(name) = ["http", "server", "location"].into_iter().find(|name| **name == *entry.key) {
                named.insert(0, (name, inner));
            }
            named.insert(0, ("up", block));
            walk(inner, &entry.key, &named, inner.span, source, all, depth.saturating_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn directives_blocks_and_quotes() {
        let text = "http {\n  server { # c\n listen 80; add_header X \"a; b\" always;\n location ~ \\.php$ { a b; }\n }\n}\n";
        let read = read(text);
        assert_eq!(read.gaps, []);
        let server = &read.roots[0].get("http").unwrap().items()[0].get("server").unwrap().items()[0];
        assert_eq!(server.get("add_header").unwrap().items()[0].scalar(), Some("X a; b always"));
        assert_eq!(server.get("listen").unwrap().items()[0].span.of(text), "listen 80");
        assert_eq!(server.get("location").unwrap().items()[0].str_at("$args"), Some("~ \\.php$"));
    }

    #[test]
    fn what_does_not_close_is_said() {
        assert!(read("http { a b;").gaps[0].detail.contains("does not end"));
        assert!(read("}").gaps[0].detail.contains("closes nothing"));
        assert!(!read(&"a {".repeat(10_000)).gaps.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[ab{};#'\"\\\\$ \nü]{0,80}") {
            read(&text);
        }
    }
}
