//! HCL: blocks with their labels, and as much of the values as is known without running anything.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_finding::Span;
use hcl_edit::Span as _;
use hcl_edit::expr::{BinaryOperator, Expression, ObjectKey, UnaryOperator};
use hcl_edit::structure::{Block as Written, Body, Structure};
use hcl_edit::template::{Element, Template};

use super::{Entry, Gap, MOST_NODES, Node, Value, json, line_of, span};

/// `var.x` and `local.x`, where they are known.
pub(crate) type Scope = BTreeMap<String, Node>;

/// A block at the top of a file.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) kind: String,
    pub(crate) labels: Vec<String>,
    /// From its first word to its labels.
    pub(crate) head: Span,
    pub(crate) body: Node,
}

/// A file, read but not yet evaluated.
#[derive(Debug)]
pub(crate) struct Parsed {
    parts: Vec<(usize, Body)>,
    pub(crate) gaps: Vec<Gap>,
}

/// Where one block is broken the others are read.
pub(crate) fn parse(text: &str) -> Parsed {
    match text.parse::<Body>() {
        Ok(body) => Parsed { parts: vec![(0, body)], gaps: Vec::new() },
        Err(_) => in_parts(text),
    }
}

fn in_parts(text: &str) -> Parsed {
    let mut parsed = Parsed { parts: Vec::new(), gaps: Vec::new() };
    let mut starts = vec![0];
    let mut offset = 0_usize;
    for line in text.split_inclusive('\n') {
        // A word at the very beginning of a line begins a block, the way everybody formats.
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) && line.contains('{') && offset > 0 {
            starts.push(offset);
        }
        offset = offset.saturating_add(line.len());
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    for (start, end) in starts.iter().copied().zip(ends) {
        let part = text.get(start..end).unwrap_or_default();
        match part.parse::<Body>() {
            Ok(body) => parsed.parts.push((start, body)),
            Err(error) if parsed.gaps.len() < 16 => {
                let at = start.saturating_add(error.location().offset());
                parsed
                    .gaps
                    .push(Gap::syntax(line_of(text, at), error.message().lines().next().unwrap_or("")));
            }
            Err(_) => {}
        }
    }
    parsed
}

/// The blocks and attributes at the top of the file (an attribute is a block without labels and `body` its value).
pub(crate) fn blocks(parsed: &Parsed, text: &str, scope: &Scope) -> Vec<Block> {
    let mut all = Vec::new();
    let left = Cell::new(MOST_NODES);
    for (base, body) in &parsed.parts {
        let reader = Reader { text, base: *base, scope, left: &left };
        for structure in body {
            match structure {
                Structure::Block(block) => all.push(Block {
                    kind: block.ident.as_str().to_owned(),
                    labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
                    head: reader.head(block),
                    body: reader.body(&block.body, reader.place(block.span())),
                }),
                Structure::Attribute(attribute) => all.push(Block {
                    kind: attribute.key.as_str().to_owned(),
                    labels: Vec::new(),
                    head: reader.place(attribute.key.span()),
                    body: reader.value(&attribute.value),
                }),
            }
        }
    }
    all
}

struct Reader<'a> {
    text: &'a str,
    base: usize,
    scope: &'a Scope,
    /// How many values references may still be written out to.
    left: &'a Cell<usize>,
}

impl Reader<'_> {
    fn place(&self, range: Option<std::ops::Range<usize>>) -> Span {
        let range = range.unwrap_or_default();
        span(self.base.saturating_add(range.start), self.base.saturating_add(range.end))
    }

    fn head(&self, block: &Written) -> Span {
        let first = self.place(block.ident.span());
        block.labels.iter().fold(first, |head, label| head.join(self.place(label.span())))
    }

    fn body(&self, body: &Body, place: Span) -> Node {
        let mut entries: Vec<Entry> = Vec::new();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => entries.push(Entry {
                    key: attribute.key.as_str().into(),
                    key_span: self.place(attribute.key.span()),
                    node: self.value(&attribute.value),
                }),
                Structure::Block(block) => self.block(block, &mut entries),
            }
        }
        Node::map(place, entries)
    }

    /// Blocks of one name are a list under it.
    fn block(&self, block: &Written, entries: &mut Vec<Entry>) {
        let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
        let (key_span, mut node) = (self.head(block), self.body(&block.body, self.place(block.span())));
        let mut key = block.ident.as_str();
        if key == "dynamic" {
            key = labels.first().copied().unwrap_or(key);
            let none = node.get("for_each").is_some_and(|each| match &each.value {
                Value::List(items) => items.is_empty(),
                Value::Map(items) => items.is_empty(),
                _ => false,
            });
            if none {
                return;
            }
            node = node.get("content").and_then(|content| content.each().first()).cloned().unwrap_or(node);
        } else if let (Some(label), Value::Map(inside)) = (labels.first(), &mut node.value) {
            inside.push(Entry { key: "$label".into(), key_span, node: Node::text(key_span, label) });
        }
        match entries.iter_mut().find(|entry| &*entry.key == key).map(|entry| &mut entry.node.value) {
            Some(Value::List(items)) => items.push(node),
            _ => entries.push(Entry { key: key.into(), key_span, node: Node::list(key_span, vec![node]) }),
        }
    }

    fn written(&self, place: Span) -> &str {
        place.of(self.text).trim()
    }

    fn value(&self, expression: &Expression) -> Node {
        let place = self.place(expression.span());
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(value) => Value::Bool(*value.as_ref()),
            Expression::Number(number) => {
                return Node::number_or_text(place, &number.value().to_string());
            }
            Expression::String(text) => Value::Text(text.as_str().into()),
            Expression::Array(items) => Value::List(items.iter().map(|item| self.value(item)).collect()),
            Expression::Object(object) => {
                let entry = |(key, value): (&ObjectKey, &hcl_edit::expr::ObjectValue)| {
                    let key_span = self.place(key.span());
                    let name: Arc<str> = match key {
                        ObjectKey::Ident(name) => name.as_str().into(),
                        ObjectKey::Expression(name) => {
                            let name = self.value(name);
                            name.scalar().or(name.reference()).unwrap_or_default().into()
                        }
                    };
                    Entry { key: name, key_span, node: self.value(value.expr()) }
                };
                Value::Map(object.iter().map(entry).collect())
            }
            Expression::StringTemplate(template) => {
                return self.template(place, template.iter());
            }
            Expression::HeredocTemplate(heredoc) => {
                let template: &Template = &heredoc.template;
                let node = self.template(place, template.iter());
                return encoded(node);
            }
            Expression::Parenthesis(inner) => return self.value(inner.inner()),
            Expression::Traversal(_) => return self.reference(place),
            Expression::Conditional(choice) => {
                let condition = self.value(&choice.cond_expr);
                let chosen = match condition.value {
                    Value::Bool(true) => &choice.true_expr,
                    Value::Bool(false) => &choice.false_expr,
                    _ => return Node::unknown(place, self.written(place)),
                };
                return self.value(chosen);
            }
            Expression::UnaryOp(operation) => {
                let inner = self.value(&operation.expr);
                match (operation.operator.as_ref(), inner.value) {
                    (UnaryOperator::Not, Value::Bool(value)) => Value::Bool(!value),
                    (UnaryOperator::Neg, Value::Number(number, text)) => {
                        Value::Number(-number, format!("-{text}").into())
                    }
                    _ => return Node::unknown(place, self.written(place)),
                }
            }
            Expression::BinaryOp(operation) => {
                let (left, right) = (self.value(&operation.lhs_expr), self.value(&operation.rhs_expr));
                match (operation.operator.as_ref(), left.scalar(), right.scalar()) {
                    (BinaryOperator::Eq, Some(left), Some(right)) => Value::Bool(left == right),
                    (BinaryOperator::NotEq, Some(left), Some(right)) => Value::Bool(left != right),
                    (BinaryOperator::And, Some(left), Some(right)) => {
                        Value::Bool(left == "true" && right == "true")
                    }
                    (BinaryOperator::Or, Some(left), Some(right)) => {
                        Value::Bool(left == "true" || right == "true")
                    }
                    _ => return Node::unknown(place, self.written(place)),
                }
            }
            Expression::FuncCall(call) => return self.call(place, call),
            Expression::Variable(_) | Expression::ForExpr(_) => {
                return Node::unknown(place, self.written(place));
            }
        };
        Node::new(place, value)
    }

    fn call(&self, place: Span, call: &hcl_edit::expr::FuncCall) -> Node {
        let arguments: Vec<Node> = call.args.iter().map(|argument| self.value(argument)).collect();
        let unknown = || Node::unknown(place, self.written(place));
        match (call.name.name.as_str(), arguments.as_slice()) {
            (
                "jsonencode" | "tolist" | "toset" | "tomap" | "tostring" | "sensitive" | "nonsensitive"
                | "yamlencode",
                [it],
            )
            | ("try", [it, ..]) => it.clone(),
            ("concat", lists) if lists.iter().all(|list| matches!(list.value, Value::List(_))) => {
                Node::list(place, lists.iter().flat_map(|list| list.items().to_vec()).collect())
            }
            ("merge", maps) if maps.iter().all(|map| matches!(map.value, Value::Map(_))) => {
                let mut entries: Vec<Entry> = Vec::new();
                for entry in maps.iter().rev().flat_map(Node::entries) {
                    if !entries.iter().any(|known| known.key == entry.key) {
                        entries.push(entry.clone());
                    }
                }
                Node::map(place, entries)
            }
            _ => unknown(),
        }
    }

    /// `var.x` and `local.x` with what follows them; anything else stays as it is written.
    fn reference(&self, place: Span) -> Node {
        let written = self.written(place);
        let mut parts = written.split('.');
        let (Some(root @ ("var" | "local")), Some(name)) = (parts.next(), parts.next()) else {
            return Node::unknown(place, written);
        };
        let found = self.scope.get(&format!("{root}.{name}"));
        match parts.try_fold(found, |node, key| Some(node.and_then(|node| node.get(key)))).flatten() {
            // It is found where it is used.
            Some(node) if self.spend(node) => moved(node, place),
            _ => Node::unknown(place, written),
        }
    }

    /// Whether there is room to write the value out; lists of lists of lists grow fast.
    fn spend(&self, node: &Node) -> bool {
        let mut left = self.left.get();
        let fits = fits(node, &mut left);
        self.left.set(if fits { left } else { 0 });
        fits
    }

    fn template<'e>(&self, place: Span, elements: impl Iterator<Item = &'e Element>) -> Node {
        let mut text = String::new();
        for element in elements {
            match element {
                Element::Literal(literal) => text.push_str(literal.as_str()),
                Element::Interpolation(inside) => match self.value(&inside.expr).scalar() {
                    Some(value) => text.push_str(value),
                    None => return Node::unknown(place, self.written(place)),
                },
                Element::Directive(_) => return Node::unknown(place, self.written(place)),
            }
        }
        Node::text(place, text)
    }
}

/// Counts the values down; false when there are more.
fn fits(node: &Node, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    match &node.value {
        Value::List(items) => items.iter().all(|item| fits(item, left)),
        Value::Map(entries) => entries.iter().all(|entry| fits(&entry.node, left)),
        _ => true,
    }
}

/// The value as if it stood at the place.
fn moved(node: &Node, place: Span) -> Node {
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| moved(item, place)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: Arc::clone(&entry.key),
                    key_span: place,
                    node: moved(&entry.node, place),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node::new(place, value)
}

/// A policy written as JSON inside of a text.
fn encoded(node: Node) -> Node {
    match node.scalar().filter(|text| text.trim_start().starts_with('{')).map(json::read) {
        Some(read) => read.roots.first().map_or(node.clone(), |root| moved(root, node.span)),
        None => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, scope: &Scope) -> Block {
        blocks(&parse(text), text, scope).remove(0)
    }

    #[test]
    fn blocks_have_labels_and_repeat() {
        let text = "resource \"a\" \"b\" {\n  x = true\n  in { p = 1 }\n  in { p = 2 }\n}\n";
        let block = first(text, &Scope::new());
        assert_eq!((block.kind.as_str(), block.labels), ("resource", vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(block.head.of(text), "resource \"a\" \"b\"");
        assert_eq!(block.body.get("in").unwrap().items().len(), 2);
        assert_eq!(block.body.entry("x").unwrap().place().of(text), "x = true");
    }

    #[test]
    fn what_is_known_is_evaluated_and_the_rest_stays_open() {
        let mut scope = Scope::new();
        scope.insert("var.open".into(), Node::bool(Span::default(), true));
        scope.insert("local.net".into(), Node::text(Span::default(), "0.0.0.0"));
        let text = concat!(
            "r \"a\" {\n a = var.open ? \"yes\" : \"no\"\n b = \"${local.net}/0\"\n c = var.other\n",
            " d = jsonencode({ Action = \"*\" })\n e = <<E\n{\"Action\": [\"*\"]}\nE\n f = !var.open\n}\n"
        );
        let body = first(text, &scope).body;
        assert_eq!((body.str_at("a"), body.str_at("b")), (Some("yes"), Some("0.0.0.0/0")));
        assert_eq!(body.get("c").unwrap().reference(), Some("var.other"));
        assert_eq!(body.str_at("d.Action"), Some("*"));
        assert_eq!(body.at("e.Action").unwrap().items().len(), 1);
        assert_eq!(body.str_at("f"), Some("false"));
    }

    #[test]
    fn lists_of_lists_are_not_written_out_without_end() {
        let wide = |name: &str| vec![name; 500].join(", ");
        let text = format!(
            "locals {{\n a = [{}]\n b = [{}]\n c = [{}]\n}}\n",
            wide("1"),
            wide("local.a"),
            wide("local.b")
        );
        let parsed = parse(&text);
        let mut scope = Scope::new();
        for _ in 0..3 {
            for entry in blocks(&parsed, &text, &scope).remove(0).body.entries() {
                scope.insert(format!("local.{}", entry.key), entry.node.clone());
            }
        }
        let mut left = 3 * MOST_NODES;
        assert!(scope.values().all(|node| fits(node, &mut left)));
    }

    #[test]
    fn a_broken_block_does_not_hide_the_others() {
        let text = "resource \"a\" \"b\" {\n x = \n}\nresource \"c\" \"d\" {\n y = 1\n}\n";
        let parsed = parse(text);
        assert_eq!(parsed.gaps.len(), 1);
        let all = blocks(&parsed, text, &Scope::new());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].head.of(text), "resource \"c\" \"d\"");
    }
}
