//! Shell text split into commands, well enough to see which programs run with which words.

use crate::document::{Entry, Node, span};

/// A word, with quotes and backslashes taken away.
struct Word {
    text: String,
    start: usize,
    end: usize,
}

/// More commands than one file's worth.
const MOST: usize = 4_000;
/// Words before a program that are not it.
const BEFORE: &[&str] = &[
    "then", "else", "elif", "if", "do", "while", "until", "!", "time", "exec", "command", "nohup", "env",
    "builtin",
];

/// The commands of a text that begins at `base` of its file: `commands` (`program`, `arguments`, `text`) and `pipelines`.
pub(crate) fn commands(text: &str, base: usize) -> Vec<Entry> {
    let mut reader =
        Reader { base, words: Vec::new(), commands: Vec::new(), pipelines: Vec::new(), pipe: Vec::new() };
    reader.run(text);
    let whole = span(base, base.saturating_add(text.len()));
    let entry = |key: &str, nodes| Entry { key: key.into(), key_span: whole, node: Node::list(whole, nodes) };
    vec![entry("commands", reader.commands), entry("pipelines", reader.pipelines)]
}

struct Reader {
    base: usize,
    words: Vec<Word>,
    commands: Vec<Node>,
    pipelines: Vec<Node>,
    /// Commands of the pipeline at hand.
    pipe: Vec<Node>,
}

impl Reader {
    fn run(&mut self, text: &str) {
        let mut letters = text.char_indices().peekable();
        let mut word: Option<Word> = None;
        let mut nested = 0_usize;
        while let Some((at, letter)) = letters.next() {
            if self.commands.len() >= MOST {
                return;
            }
            let next = letters.peek().map(|(_, letter)| *letter);
            let fresh = || Word { text: String::new(), start: at, end: at };
            match letter {
                '\\' if matches!(next, Some('\n' | '\r')) => {
                    while letters.next_if(|(_, letter)| matches!(letter, '\r' | '\n')).is_some() {}
                }
                '\\' => {
                    let word = word.get_or_insert_with(fresh);
                    if let Some((at, letter)) = letters.next() {
                        word.text.push(letter);
                        word.end = at.saturating_add(letter.len_utf8());
                    }
                }
                '\'' | '"' => {
                    let word = word.get_or_insert_with(fresh);
                    while let Some((at, inside)) = letters.next() {
                        word.end = at.saturating_add(inside.len_utf8());
                        if inside == letter {
                            break;
                        }
                        if inside == '\\' && letter == '"' {
                            if let Some((_, escaped)) = letters.next() {
                                word.text.push(escaped);
                            }
                            continue;
                        }
                        word.text.push(inside);
                    }
                }
                '$' if next == Some('(') => {
                    let word = word.get_or_insert_with(fresh);
                    word.text.push_str("$(");
                    letters.next();
                    nested = nested.saturating_add(1);
                }
                ')' if nested > 0 => {
                    nested = nested.saturating_sub(1);
                    let word = word.get_or_insert_with(fresh);
                    word.text.push(')');
                    word.end = at.saturating_add(1);
                }
                '#' if word.is_none() => {
                    // To the end of the line.
                    while letters.next_if(|(_, letter)| *letter != '\n').is_some() {}
                }
                ' ' | '\t' | '\r' => self.words.extend(word.take()),
                '|' if nested == 0 && next != Some('|') => {
                    self.words.extend(word.take());
                    letters.next_if(|(_, letter)| *letter == '&');
                    self.command();
                }
                ';' | '&' | '|' | '\n' | '(' | ')' if nested == 0 => {
                    // `>&2` and `2>&1` end nothing.
                    let redirected =
                        letter == '&' && word.as_ref().is_some_and(|word| word.text.ends_with('>'));
                    if redirected {
                        word.get_or_insert_with(fresh).text.push('&');
                        continue;
                    }
                    self.words.extend(word.take());
                    letters.next_if(|(_, other)| *other == letter);
                    self.command();
                    self.pipeline();
                }
                other => {
                    let word = word.get_or_insert_with(fresh);
                    word.text.push(other);
                    word.end = at.saturating_add(other.len_utf8());
                }
            }
        }
        self.words.extend(word);
        self.command();
        self.pipeline();
    }

    fn command(&mut self) {
        let words = std::mem::take(&mut self.words);
        let skip = |word: &Word| {
            let name = word.text.split('=').next().unwrap_or_default();
            let assignment = word.text.contains('=')
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            assignment || BEFORE.contains(&word.text.as_str()) || word.text == "{"
        };
        let words: Vec<Word> = words.into_iter().skip_while(skip).collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let place = span(self.base.saturating_add(first.start), self.base.saturating_add(last.end));
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let program = first.text.rsplit('/').next().unwrap_or_default();
        let node = |word: &Word| {
            let place = span(self.base.saturating_add(word.start), self.base.saturating_add(word.end));
            Node::text(place, &word.text)
        };
        let entry = |key: &str, node| Entry { key: key.into(), key_span: place, node };
        let command = Node::map(
            place,
            vec![
                entry("program", Node::text(node(first).span, program)),
                entry("arguments", Node::list(place, words.iter().skip(1).map(node).collect())),
                entry("text", Node::text(place, &text)),
            ],
        );
        self.pipe.push(Node::text(place, text));
        self.commands.push(command);
    }

    fn pipeline(&mut self) {
        let parts = std::mem::take(&mut self.pipe);
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        let text = parts.iter().filter_map(Node::scalar).collect::<Vec<_>>().join(" | ");
        self.pipelines.push(Node::text(first.span.join(last.span), text));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str, at: usize) -> Vec<String> {
        let all = commands(text, 0);
        let list = all[at].node.items();
        list.iter().map(|node| node.str_at("text").or(node.scalar()).unwrap().to_owned()).collect()
    }

    #[test]
    fn programs_and_their_words() {
        let text = "set -e; A=1 apt-get update \\\n  && apt-get install -y 'a b' # x\n(cd /x || exit 1) 2>&1";
        assert_eq!(
            texts(text, 0),
            ["set -e", "apt-get update", "apt-get install -y a b", "cd /x", "exit 1", "2>&1"]
        );
        assert_eq!(
            texts("curl -s x | sudo bash -s -- a; echo b", 1),
            ["curl -s x | sudo bash -s -- a", "echo b"]
        );
        assert_eq!(texts("bash -c \"$(curl -s x | y)\"", 0), ["bash -c $(curl -s x | y)"]);
    }

    proptest! {
        #[test]
        fn any_text_has_commands(text in "[a-c \\\\'\"$();|&#\n={]{0,80}") {
            commands(&text, 7);
        }
    }
}
