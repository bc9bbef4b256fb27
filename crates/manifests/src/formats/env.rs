//! `.env` files: names and values.

use gabion_finding::Source;

use super::whole;
use crate::document::{Documents, Entry, Node, span};
use crate::subject::Subject;

/// Lines of `NAME=value`, `export NAME="value"`; others say nothing.
pub(crate) fn read(text: &str) -> Documents {
    let mut entries = Vec::new();
    let mut offset = 0_usize;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset = offset.saturating_add(line.len());
        let trimmed = line.trim_start();
        let indent = line.len().saturating_sub(trimmed.len());
        let (body, skipped) = match trimmed.strip_prefix("export ") {
            Some(rest) => (rest, "export ".len()),
            None => (trimmed, 0),
        };
        let Some((name, value)) = body.split_once('=') else { continue };
        let name = name.trim_end();
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        {
            continue;
        }
        let at = start.saturating_add(indent).saturating_add(skipped);
        let value_start = at.saturating_add(body.len().saturating_sub(value.len()));
        let shown = value.trim_end();
        let bare = match shown.trim_start().chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inside = shown.trim_start().get(1..).unwrap_or_default();
                inside.split(quote).next().unwrap_or_default()
            }
            _ => shown.split(" #").next().unwrap_or_default().trim(),
        };
        entries.push(Entry {
            key: name.into(),
            key_span: span(at, at.saturating_add(name.len())),
            node: Node::text(span(value_start, value_start.saturating_add(shown.len())), bare),
        });
    }
    Documents { roots: vec![Node::map(span(0, text.len()), entries)], gaps: Vec::new() }
}

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    let name = source.path().rsplit('/').next().unwrap_or_default().to_owned();
    all.push(Subject { name, ..whole("env.file", root, source) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_export() {
        let text = "# a\nA=1 # x\nexport B=\"two words\" \n C = 'x'\nnonsense\nD=\n";
        let root = read(text).roots.remove(0);
        let value = |key: &str| root.str_at(key).unwrap().to_owned();
        assert_eq!([value("A"), value("B"), value("C"), value("D")], ["1", "two words", "x", ""]);
        assert_eq!(root.entry("B").unwrap().place().of(text), "B=\"two words\"");
    }
}
