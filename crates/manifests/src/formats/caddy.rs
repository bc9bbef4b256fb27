//! Caddyfiles: a block of options, then sites with directives, one per line.

use gabion_finding::{Source, UnreadReason};

use super::whole;
use crate::document::{DEEPEST, Documents, Entry, Gap, Node, Value, line_of, span};
use crate::subject::Subject;

/// One document: each key a list of what stands behind it, as in the nginx reader.
pub(crate) fn read(text: &str) -> Documents {
    let mut stack: Vec<(String, usize, usize, Vec<Entry>)> = vec![(String::new(), 0, 0, Vec::new())];
    let mut gaps = Vec::new();
    let mut offset = 0_usize;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset = offset.saturating_add(line.len());
        let bare = without_comment(line).trim();
        let at = start.saturating_add(line.find(bare).unwrap_or(0));
        if bare.is_empty() {
            continue;
        }
        if bare == "}" {
            if stack.len() > 1 {
                close(&mut stack);
            } else {
                gaps.push(Gap::syntax(line_of(text, at), "`}` closes nothing"));
            }
        } else if let Some(head) = bare.strip_suffix('{') {
            if stack.len() >= DEEPEST {
                let detail = format!("line {}: nested too deep", line_of(text, at));
                gaps.push(Gap { reason: UnreadReason::Deep, detail });
                break;
            }
            stack.push((head.trim().to_owned(), at, at.saturating_add(head.trim_end().len()), Vec::new()));
        } else if let Some((_, _, _, entries)) = stack.last_mut() {
            add(entries, bare, at, None);
        }
    }
    if stack.len() > 1 {
        gaps.push(Gap::syntax(line_of(text, text.len()), "a block does not end"));
    }
    while stack.len() > 1 {
        close(&mut stack);
    }
    let entries = stack.pop().map(|(_, _, _, entries)| entries).unwrap_or_default();
    Documents { roots: vec![Node::map(span(0, text.len()), entries)], gaps }
}

fn without_comment(line: &str) -> &str {
    let cut = line.match_indices('#').find(|(at, _)| {
        line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    });
    cut.and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}

fn close(stack: &mut Vec<(String, usize, usize, Vec<Entry>)>) {
    let Some((head, start, _, inside)) = stack.pop() else { return };
    if let Some((_, _, _, entries)) = stack.last_mut() {
        add(entries, &head, start, Some(inside));
    }
}

fn add(entries: &mut Vec<Entry>, line: &str, start: usize, block: Option<Vec<Entry>>) {
    let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (name, arguments) = (name.trim_end_matches(','), arguments.trim());
    let place = span(start, start.saturating_add(line.len()));
    let node = match block {
        None => Node::text(place, arguments),
        Some(mut inside) => {
            inside.push(Entry { key: "$args".into(), key_span: place, node: Node::text(place, arguments) });
            Node::map(place, inside)
        }
    };
    match entries.iter_mut().find(|entry| &*entry.key == name).map(|entry| &mut entry.node.value) {
        Some(Value::List(items)) => items.push(node),
        _ => entries.push(Entry { key: name.into(), key_span: place, node: Node::list(place, vec![node]) }),
    }
}

pub(crate) fn subjects<'a>(root: &'a Node, source: &'a Source, all: &mut Vec<Subject<'a>>) {
    let file = whole("caddy.file", root, source);
    all.push(file);
    for entry in root.entries() {
        for node in entry.node.items() {
            if matches!(node.value, Value::Map(_)) && !entry.key.is_empty() {
                let (name, named) = (entry.key.to_string(), vec![("file", root)]);
                let anchor = node.span;
                all.push(Subject { kind: "caddy.site", sort: "", name, anchor, node, named, source });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_sites_and_nesting() {
        let text = "{\n  admin off\n}\nexample.com, www.example.com {\n  reverse_proxy a:80 {\n    transport http {\n  tls_insecure_skip_verify # x\n }\n }\n}\n";
        let all = read(text);
        assert_eq!(all.gaps, []);
        let site = &all.roots[0].get("example.com").unwrap().items()[0];
        let transport = &site.get("reverse_proxy").unwrap().items()[0].get("transport").unwrap().items()[0];
        assert!(transport.get("tls_insecure_skip_verify").is_some());
        assert_eq!(read("a {\n").gaps.len(), 1);
    }
}
