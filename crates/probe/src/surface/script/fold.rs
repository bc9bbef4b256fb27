//! What an expression is as a text, as far as the script says it.

use std::collections::HashMap;

use gabion_syntax::tree::{
    BinaryOp, Call, ClassId, Entry, Expr, ExprKind, Key, LogicalOp, Module, Part, Symbol,
};

/// How far names are followed, and how long a text becomes.
const DEEPEST: usize = 12;
const LONGEST: usize = 4_000;

/// What names and fields stand for.
#[derive(Debug, Default)]
pub(super) struct Known<'m> {
    /// Of the module's first function: constants at the top.
    pub(super) top: HashMap<Symbol, Option<&'m Expr>>,
    /// Of the function that is read.
    pub(super) own: HashMap<Symbol, Option<&'m Expr>>,
    pub(super) fields: HashMap<(ClassId, Symbol), &'m Expr>,
    /// Of objects anywhere, where a name has one value only.
    pub(super) members: HashMap<Symbol, Option<&'m Expr>>,
}

pub(super) struct Fold<'m, 'k> {
    pub(super) module: &'m Module,
    pub(super) known: &'k Known<'m>,
    pub(super) class: Option<ClassId>,
}

impl<'m> Fold<'m, '_> {
    /// The text; what is not known stands as `{name}`.
    pub(super) fn text(&self, expr: &Expr) -> String {
        let mut out = String::new();
        self.put(expr, &mut out, 0);
        out
    }

    /// The object that an expression is, where it stands there or behind a name.
    pub(super) fn object<'a>(&'a self, expr: &'a Expr) -> Option<&'a [Entry]> {
        match &expr.kind {
            ExprKind::Object { entries, .. } => Some(entries),
            ExprKind::Name(name) => match &self.name(*name)?.kind {
                ExprKind::Object { entries, .. } => Some(entries),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn name(&self, name: Symbol) -> Option<&'m Expr> {
        match self.known.own.get(&name) {
            Some(own) => *own,
            None => self.known.top.get(&name).copied().flatten(),
        }
    }

    fn put(&self, expr: &Expr, out: &mut String, depth: usize) {
        if depth > DEEPEST || out.len() > LONGEST {
            return unknown("value", out);
        }
        let next = depth.saturating_add(1);
        match &expr.kind {
            ExprKind::String(text) => out.push_str(self.module.text(*text)),
            ExprKind::Number(number) => out.push_str(&number.to_string()),
            ExprKind::Template { tag: _, parts } => {
                for part in parts {
                    match part {
                        Part::Text(text) => out.push_str(self.module.text(*text)),
                        Part::Value(value) => self.put(value, out, next),
                    }
                }
            }
            ExprKind::Binary { op: BinaryOp::Add, left, right } => {
                self.put(left, out, next);
                self.put(right, out, next);
            }
            ExprKind::Logical { op: LogicalOp::Or | LogicalOp::Coalesce, left, right } => {
                let mut text = String::new();
                self.put(left, &mut text, next);
                if is_unknown(&text) {
                    text.clear();
                    self.put(right, &mut text, next);
                }
                out.push_str(&text);
            }
            ExprKind::Conditional { then, .. } => self.put(then, out, next),
            ExprKind::Cast { value, .. } | ExprKind::Await(value) | ExprKind::Reference(value) => {
                self.put(value, out, next);
            }
            ExprKind::Name(name) => match self.name(*name) {
                Some(value) => self.found(value, *name, out, next),
                None => unknown(self.module.text(*name), out),
            },
            ExprKind::Member { object, name } => {
                let of_class = matches!(object.kind, ExprKind::This)
                    .then(|| self.known.fields.get(&(self.class?, *name)).copied())
                    .flatten();
                let value = of_class.or_else(|| self.known.members.get(name).copied().flatten());
                match value {
                    Some(value) => self.found(value, *name, out, next),
                    None => unknown(self.module.text(*name), out),
                }
            }
            ExprKind::Call(call) => self.call(call, out, next),
            _ => unknown("value", out),
        }
    }

    /// What a name stands for; the name where that says nothing.
    fn found(&self, value: &Expr, name: Symbol, out: &mut String, depth: usize) {
        let mut text = String::new();
        self.put(value, &mut text, depth);
        if is_unknown(&text) { unknown(self.module.text(name), out) } else { out.push_str(&text) }
    }

    fn call(&self, call: &Call, out: &mut String, depth: usize) {
        let arguments = || call.arguments.iter().map(|argument| &argument.value);
        match &call.callee.kind {
            ExprKind::Member { object, name } => match (self.module.text(*name), &object.kind) {
                ("concat", _) => {
                    self.put(object, out, depth);
                    arguments().for_each(|argument| self.put(argument, out, depth));
                }
                ("join", ExprKind::List { items, .. }) => {
                    let mut between = String::new();
                    arguments().take(1).for_each(|argument| self.put(argument, &mut between, depth));
                    for (at, item) in items.iter().enumerate() {
                        if at > 0 {
                            out.push_str(&between);
                        }
                        self.put(item, out, depth);
                    }
                }
                ("toString" | "trim" | "replace" | "replaceAll", _) => self.put(object, out, depth),
                (name, _) => match arguments().next() {
                    // `encodeURI(x)` by whatever it is reached.
                    Some(first) if name.starts_with("encodeURI") => self.put(first, out, depth),
                    _ => unknown(name, out),
                },
            },
            ExprKind::Name(name) => {
                let name = self.module.text(*name);
                match arguments().next() {
                    Some(first) if name.starts_with("encodeURI") || matches!(name, "String" | "URL") => {
                        self.put(first, out, depth);
                    }
                    _ => unknown(name, out),
                }
            }
            _ => unknown("value", out),
        }
    }
}

/// Whether nothing of a text is known.
pub(super) fn is_unknown(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && text.matches('{').count() == 1
}

fn unknown(name: &str, out: &mut String) {
    let name: String =
        name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(40).collect();
    out.push('{');
    out.push_str(if name.is_empty() { "value" } else { &name });
    out.push('}');
}

/// The name of an entry, where it has one.
pub(super) fn name_of<'m>(module: &'m Module, key: &Key) -> Option<&'m str> {
    match key {
        Key::Name(name) => Some(module.text(*name)),
        Key::Computed(expr) => match &expr.kind {
            ExprKind::String(text) => Some(module.text(*text)),
            _ => None,
        },
    }
}
