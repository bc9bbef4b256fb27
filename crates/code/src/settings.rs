//! Files of settings, `.properties` and Spring's `application.yml`: their keys become names that hold texts, so that code that reads
//! them can be followed.

mod yaml;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Function, Module, Pattern, Stmt, StmtKind, Symbol, Traits};

/// Keys that are read; files with more hold translations.
const KEYS: usize = 2_000;
/// Bytes of a value.
const LONGEST: usize = 4_096;

/// Whether a file of that path is read here.
pub(crate) fn is_settings(path: &str) -> bool {
    path.ends_with(".properties") || is_yaml(path)
}

/// `application.yml`, `application-production.yaml`, `bootstrap.yml`.
fn is_yaml(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let profile = |name: &str| {
        let rest = name.strip_prefix("application").or_else(|| name.strip_prefix("bootstrap"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).is_some_and(profile)
}

/// A module whose names are the keys.
pub(crate) fn module(path: &str, text: &str) -> Module {
    let pairs = if is_yaml(path) { yaml::pairs(text) } else { pairs(text) }.into_iter().take(KEYS);
    constants(pairs.map(|pair| (pair.key, pair.value, pair.span, pair.written)))
}

/// A module of names that hold texts: each with its name, its text, and the places of both.
pub(crate) fn constants(all: impl Iterator<Item = (String, String, Span, Span)>) -> Module {
    let mut texts: Vec<Box<str>> = vec!["".into()];
    let mut body = Vec::new();
    for (name, text, span, written) in all {
        let mut symbol = |text: String| {
            texts.push(text.into_boxed_str());
            Symbol(u32::try_from(texts.len().saturating_sub(1)).unwrap_or(0))
        };
        let (name, text) = (symbol(name), symbol(text));
        let value = Expr { span: written, kind: ExprKind::String(text) };
        let pattern = Pattern::Name(name, span);
        let kind = StmtKind::Let { pattern, of_type: None, value: Some(value), constant: true };
        body.push(Stmt { span, kind });
    }
    let run = Function {
        name: None,
        span: Span::default(),
        head: Span::default(),
        params: Vec::new(),
        body,
        decorators: Vec::new(),
        returns: None,
        class: None,
        receiver: None,
        traits: Traits::default(),
        directives: Vec::new(),
    };
    Module {
        language: Language::Java,
        texts,
        functions: vec![run],
        classes: Vec::new(),
        package: None,
        directives: Vec::new(),
    }
}

struct Pair {
    key: String,
    value: String,
    /// Its line.
    span: Span,
    /// Its value; the line where that goes on in others.
    written: Span,
}

/// Keys and values as `java.util.Properties` reads them.
fn pairs(text: &str) -> Vec<Pair> {
    let mut found = Vec::new();
    let mut end = 0_usize;
    let mut lines = text.split_inclusive('\n').map(|line| {
        let start = end;
        end = end.saturating_add(line.len());
        (start, line.trim_end_matches(['\n', '\r']))
    });
    while let Some((start, line)) = lines.next() {
        let start = start.saturating_add(line.len().saturating_sub(line.trim_start().len()));
        let line = line.trim_start();
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let span = Span::new(at(start), at(start.saturating_add(line.len())));
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        let goes_on = continues(&whole);
        while continues(&whole) && whole.len() <= LONGEST {
            whole.pop();
            let Some((_, next)) = lines.next() else { break };
            whole.push_str(next.trim_start());
        }
        if whole.len() > LONGEST {
            continue;
        }
        let (key, value) = split(&whole);
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        let written = if goes_on { span } else { Span::new(span.end.saturating_sub(length), span.end) };
        found.push(Pair { key: unescaped(key), value: unescaped(value), span, written });
    }
    found
}

/// An odd number of backslashes at the end: the line goes on.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// At the first `=`, `:` or space that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, sign) in line.char_indices() {
        if escaped {
            escaped = false;
        } else if sign == '\\' {
            escaped = true;
        } else if matches!(sign, '=' | ':') || sign.is_whitespace() {
            let (key, rest) = line.split_at(at);
            let rest = rest.trim_start();
            let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
            return (key, rest.trim_start());
        }
    }
    (line, "")
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            plain.push(sign);
            continue;
        }
        match signs.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('u') => {
                let digits: String = signs.by_ref().take(4).collect();
                plain.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(sign) => plain.push(sign),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_java_reads_them() {
        let text =
            "# no\n! no\n\na=1\n b : 2\nc 3\nd\\ e = f\\u0041\nlong=a\\\n   b\nempty\nslash=x\\\\\nlast=y\\";
        let expected = [
            ("a", "1"),
            ("b", "2"),
            ("c", "3"),
            ("d e", "fA"),
            ("long", "ab"),
            ("empty", ""),
            ("slash", "x\\"),
            ("last", "y"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let found = pairs(text);
        let plain: Vec<_> = found.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect();
        assert_eq!(plain, expected);
        assert_eq!((found[1].span.of(text), found[1].written.of(text)), ("b : 2", "2"));
        assert_eq!(found[4].written, found[4].span, "its value goes on in another line");
        let hostile = format!("a={}\n{}", "\\\n".repeat(10_000), "k=v\n".repeat(10_000));
        assert!(module("a.properties", &hostile).texts.len() <= 2 * KEYS + 1);
    }
}
