//! One Rust file as the rules see it: comments, string contents and test code blanked, so that a word
//! found is a word that is compiled into the product. Positions are kept.

/// A string literal and the line it starts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The text with comments, the contents of strings and test-only items turned into spaces.
    pub(crate) code: String,
    /// The string literals outside test-only items.
    pub(crate) literals: Vec<Literal>,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let (code, literals) = lex(text);
        let (code, blanked) = without_tests(&code);
        let literals = literals
            .into_iter()
            .filter(|literal| !blanked.iter().any(|range| range.contains(&literal.line)))
            .collect();
        Self { code, literals }
    }

    /// The lines (from 1) where `word` stands as a whole word; a word may contain `::` and `(`.
    pub(crate) fn lines_with(&self, word: &str) -> Vec<usize> {
        self.code
            .lines()
            .enumerate()
            .filter(|(_, line)| contains_word(line, word))
            .map(|(number, _)| number + 1)
            .collect()
    }
}

/// Whether `word` stands in `line` with no identifier character touching it.
pub(crate) fn contains_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let opens = word.starts_with(part);
    let closes = word.ends_with(part);
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|tail| tail.chars().next());
        !(opens && before.is_some_and(part) || closes && after.is_some_and(part))
    })
}

/// Blanks comments and string contents; collects the strings.
fn lex(text: &str) -> (String, Vec<Literal>) {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut literals = Vec::new();
    let (mut index, mut line) = (0, 1);
    let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
    let mut previous = '\0';

    while index < chars.len() {
        let c = at(index);
        if c == '/' && at(index + 1) == '/' {
            while index < chars.len() && at(index) != '\n' {
                out.push(' ');
                index += 1;
            }
        } else if c == '/' && at(index + 1) == '*' {
            let mut depth = 0_usize;
            while index < chars.len() {
                let two = (at(index), at(index + 1));
                let step = if two == ('/', '*') {
                    depth += 1;
                    2
                } else if two == ('*', '/') {
                    depth -= 1;
                    2
                } else {
                    1
                };
                for offset in 0..step {
                    line += usize::from(at(index + offset) == '\n');
                    out.push(blank(at(index + offset)));
                }
                index += step;
                if depth == 0 {
                    break;
                }
            }
        } else if let Some((opening, hashes)) = raw_string(&chars, index, previous) {
            let start = line;
            let mut content = String::new();
            out.extend((0..opening).map(|offset| at(index + offset)));
            index += opening;
            while index < chars.len() {
                if at(index) == '"' && (1..=hashes).all(|offset| at(index + offset) == '#') {
                    out.extend((0..=hashes).map(|offset| at(index + offset)));
                    index += hashes + 1;
                    break;
                }
                line += usize::from(at(index) == '\n');
                content.push(at(index));
                out.push(blank(at(index)));
                index += 1;
            }
            literals.push(Literal { line: start, text: content });
        } else if c == '"' {
            let start = line;
            let mut content = String::new();
            out.push('"');
            index += 1;
            while index < chars.len() && at(index) != '"' {
                let step = if at(index) == '\\' { 2 } else { 1 };
                for offset in 0..step {
                    line += usize::from(at(index + offset) == '\n');
                    content.push(at(index + offset));
                    out.push(blank(at(index + offset)));
                }
                index += step;
            }
            out.push('"');
            index += 1;
            literals.push(Literal { line: start, text: content });
        } else if c == '\'' && at(index + 1) == '\\' {
            let length = (2..14).find(|length| *length > 2 && at(index + length) == '\'').unwrap_or(2);
            out.extend((0..=length).map(|_| ' '));
            index += length + 1;
        } else if c == '\'' && at(index + 2) == '\'' {
            out.push_str("   ");
            index += 3;
        } else {
            line += usize::from(c == '\n');
            out.push(c);
            index += 1;
        }
        previous = at(index - 1);
    }
    (out, literals)
}

/// The length of the opening `r##"` at `index` and its number of hashes.
fn raw_string(chars: &[char], index: usize, previous: char) -> Option<(usize, usize)> {
    if previous.is_alphanumeric() || previous == '_' {
        return None;
    }
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let letters = match (at(index), at(index + 1)) {
        ('r', _) => 1,
        ('b' | 'c', 'r') => 2,
        _ => return None,
    };
    let hashes = (0..32).take_while(|offset| at(index + letters + offset) == '#').count();
    (at(index + letters + hashes) == '"').then_some((letters + hashes + 1, hashes))
}

/// Blanks every item under `#[cfg(test)]`; returns the blanked line ranges too.
fn without_tests(code: &str) -> (String, Vec<std::ops::RangeInclusive<usize>>) {
    const MARKS: &[&str] = &["#[cfg(test)]", "#[cfg(all(test", "#[test]"];
    let mut chars: Vec<char> = code.chars().collect();
    let mut ranges = Vec::new();
    let starts: Vec<usize> = MARKS.iter().flat_map(|mark| find(&chars, mark)).collect();
    for start in starts {
        let end = end_of_item(&chars, start);
        let line = |index: usize| 1 + chars.iter().take(index).filter(|c| **c == '\n').count();
        ranges.push(line(start)..=line(end));
        for c in chars.iter_mut().take(end + 1).skip(start).filter(|c| **c != '\n') {
            *c = ' ';
        }
    }
    (chars.into_iter().collect(), ranges)
}

fn find(chars: &[char], mark: &str) -> Vec<usize> {
    let mark: Vec<char> = mark.chars().collect();
    chars.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark).map(|(at, _)| at).collect()
}

/// The last character of the item whose first attribute starts at `start`: its closing brace, or the
/// semicolon of one without a body.
fn end_of_item(chars: &[char], start: usize) -> usize {
    let (mut braces, mut others) = (0_isize, 0_isize);
    for (at, c) in chars.iter().enumerate().skip(start) {
        match c {
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces <= 0 && others == 0 {
                    return at;
                }
            }
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            ';' if braces == 0 && others == 0 => return at,
            _ => {}
        }
    }
    chars.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_tests_are_not_code() {
        let source = Source::new(
            "// now()\n/* now() /* now() */ */\nlet a = \"now() \\\" now()\"; let b = r#\"now() \" \"#;\n\
             let c: &'static str = x('\"', '\\'', '\\u{1F600}'); now();\n\
             #[cfg(test)]\nmod tests {\n    fn a() { now() }\n}\nfn b() { later() }\n",
        );
        assert_eq!(source.lines_with("now("), [4]);
        assert_eq!(source.lines_with("later"), [9]);
        assert_eq!(source.literals.len(), 2);
        assert_eq!(source.literals[1], Literal { line: 3, text: "now() \" ".into() });
    }

    #[test]
    fn a_test_module_in_its_own_file_takes_nothing_with_it() {
        let source = Source::new("#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;\nfn b() { now() }\n");
        assert_eq!(source.lines_with("now("), [4]);
    }

    #[test]
    fn a_word_is_whole() {
        assert!(contains_word("x.begin()", ".begin("));
        assert!(contains_word("std::env::var(x)", "env::var"));
        assert!(!contains_word("std::env::variable", "env::var"));
        assert!(!contains_word("my_sha2", "sha2"));
    }
}
