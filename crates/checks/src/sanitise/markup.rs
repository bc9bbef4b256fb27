//! One text of markup: cleaned, or shown as the text that it is.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::LazyLock;

use ammonia::Builder;
use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::{Attribute, ExpandedName, ParseOpts, QualName, local_name, ns, parse_fragment};

/// Rules 3 and 4. Cleaning what was cleaned changes nothing.
#[must_use]
pub fn clean(html: &str) -> String {
    let mut text = Cow::Borrowed(html);
    for _ in 0..ROUNDS {
        if !is_tame(&text) {
            break;
        }
        let cleaned = CLEANER.clean(&text).to_string();
        if cleaned == text {
            return cleaned;
        }
        text = Cow::Owned(cleaned);
    }
    escape(html)
}

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder.url_schemes(HashSet::from(["http", "https", "mailto", "tel"]));
    builder
});

/// The text as HTML that shows it: what a parser makes of it and a serializer writes again is the same.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{a0}' => escaped.push_str("&nbsp;"),
            '\r' if signs.peek() == Some(&'\n') => {}
            '\r' => escaped.push('\n'),
            '\0' => {}
            _ => escaped.push(sign),
        }
    }
    escaped
}

/// Whether building the tree costs no more than the text is worth. Elements that are never closed are opened anew in
/// every paragraph (WHATWG HTML §13.2.4.3), so that a few kilobytes unfold to gigabytes; the standard's loops over open
/// elements and over an element's attributes take quadratic time. Read in small pieces by the same parser that cleans,
/// with a tree that only counts.
fn is_tame(html: &str) -> bool {
    let tree = Tree::default();
    let seen = Rc::clone(&tree.seen);
    let div = QualName::new(None, ns!(html), local_name!("div"));
    let mut parser = parse_fragment(tree, ParseOpts::default(), div, Vec::new(), false);
    // No element is written in less than three bytes.
    let most = FEW_NODES.saturating_add(html.len() / 2);
    let mut rest = html;
    let mut nodes = seen.nodes.get();
    let mut separators = 0_usize;
    while !rest.is_empty() {
        let end = rest.floor_char_boundary(PIECE);
        let Some((piece, after)) = rest.split_at_checked(end) else { return false };
        parser.process(StrTendril::from_slice(piece));
        rest = after;
        // What separates attributes, since the last element: of one that is still coming the tree knows nothing.
        if seen.nodes.get() == nodes {
            separators = separators.saturating_add(piece.bytes().filter(|byte| is_separator(*byte)).count());
        } else {
            (nodes, separators) = (seen.nodes.get(), 0);
        }
        if seen.wild.get() || nodes > most || separators > MOST_SEPARATORS {
            return false;
        }
    }
    parser.finish();
    !seen.wild.get() && seen.nodes.get() <= most
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'')
}

/// What was counted.
#[derive(Debug, Default)]
struct Seen {
    nodes: Cell<usize>,
    wild: Cell<bool>,
}

/// A tree of which only names and depths are known.
#[derive(Debug, Default)]
struct Tree {
    seen: Rc<Seen>,
}

#[derive(Debug)]
struct Node {
    name: QualName,
    depth: Cell<usize>,
}

impl Tree {
    fn node(&self, name: QualName) -> Rc<Node> {
        self.seen.nodes.set(self.seen.nodes.get().saturating_add(1));
        Rc::new(Node { name, depth: Cell::new(0) })
    }

    fn nameless(&self) -> Rc<Node> {
        self.node(QualName::new(None, ns!(), local_name!("")))
    }

    fn set(&self, child: &NodeOrText<Rc<Node>>, depth: usize) {
        match child {
            NodeOrText::AppendNode(node) => {
                node.depth.set(depth);
                if depth > DEEPEST {
                    self.seen.wild.set(true);
                }
            }
            // Between texts nothing is held back.
            NodeOrText::AppendText(_) => {}
        }
    }
}

impl TreeSink for Tree {
    type Handle = Rc<Node>;
    type Output = ();
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        self.nameless()
    }

    fn elem_name<'a>(&'a self, target: &'a Rc<Node>) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Rc<Node> {
        if attributes.len() > MOST_ATTRIBUTES {
            self.seen.wild.set(true);
        }
        self.node(name)
    }

    fn create_comment(&self, _: StrTendril) -> Rc<Node> {
        self.nameless()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Rc<Node> {
        self.nameless()
    }

    fn append(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        self.set(&child, parent.depth.get().saturating_add(1));
    }

    fn append_based_on_parent_node(
        &self,
        element: &Rc<Node>,
        before: &Rc<Node>,
        child: NodeOrText<Rc<Node>>,
    ) {
        self.set(&child, element.depth.get().max(before.depth.get()).saturating_add(1));
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Rc<Node>) -> Rc<Node> {
        Rc::clone(target)
    }

    fn same_node(&self, one: &Rc<Node>, other: &Rc<Node>) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Rc<Node>, node: NodeOrText<Rc<Node>>) {
        self.set(&node, sibling.depth.get());
    }

    fn add_attrs_if_missing(&self, _: &Rc<Node>, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, _: &Rc<Node>) {}

    fn reparent_children(&self, _: &Rc<Node>, _: &Rc<Node>) {}
}

/// Bytes read between two looks at what came of them.
const PIECE: usize = 256;
/// How often a text may change before it is clean.
const ROUNDS: usize = 4;
const DEEPEST: usize = 200;
const FEW_NODES: usize = 256;
const MOST_ATTRIBUTES: usize = 64;
const MOST_SEPARATORS: usize = 8_192;
