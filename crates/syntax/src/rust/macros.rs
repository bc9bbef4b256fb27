//! Macros: calls whose arguments tree-sitter knows only as tokens. They are read again as expressions.

use super::expression::expression;
use super::{string, tokens};
use crate::builder::Builder;
use crate::cursor::{self, At};
use crate::tree::{Argument, Call, Expr, ExprKind, Pattern};

/// Arguments of macros in arguments of macros are read again that often.
const LEVELS: u8 = 6;

/// Macros that take a format string.
const FORMATS: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "ensure",
    "eprint",
    "eprintln",
    "error",
    "format",
    "format_args",
    "formatdoc",
    "info",
    "log",
    "panic",
    "print",
    "println",
    "todo",
    "trace",
    "unimplemented",
    "unreachable",
    "warn",
    "write",
    "writeln",
];

pub(super) fn invocation(b: &mut Builder, from: At<'_>) -> Option<ExprKind> {
    let name = from.field("macro")?;
    let callee = Box::new(expression(b, name));
    let list = from.child("token_tree");
    let mut found = list.map(|list| arguments(b, list)).unwrap_or_default();
    let last = name.text().rsplit("::").next().unwrap_or_default().trim();
    if let Some(list) = list
        && FORMATS.contains(&last)
    {
        templates(b, list, &mut found);
    }
    Some(ExprKind::Call(Call { callee, arguments: found, new: false, macro_call: true }))
}

/// Makes templates of the strings among the arguments: one of them is the format string.
fn templates(b: &mut Builder, list: At<'_>, found: &mut [Argument]) {
    let literals = list.parts().into_iter().filter(|part| part.kind().ends_with("string_literal"));
    // `{a}` is the argument `a = …` where there is one.
    let named: Vec<_> = found.iter().filter_map(|argument| argument.name).collect();
    let named: Vec<String> = named.into_iter().map(|name| b.text(name).to_owned()).collect();
    let mut rest = found.iter_mut();
    for literal in literals {
        let span = literal.span();
        if let Some(argument) = rest.find(|argument| argument.value.span.end >= span.end)
            && argument.value.span == span
            && let Some(template) = string::template(b, literal, &named)
        {
            argument.value = template;
        }
    }
}

/// `a = b` among arguments names one.
pub(super) fn argument(value: Expr) -> Argument {
    match value.kind {
        ExprKind::Assign { target, op: None, value: inner } => match *target {
            Pattern::Name(name, _) => Argument { name: Some(name), value: *inner },
            _ => Argument { name: None, value: *inner },
        },
        kind => Argument { name: None, value: Expr { span: value.span, kind } },
    }
}

/// What stands in the brackets of a macro or an attribute.
pub(super) fn arguments(b: &mut Builder, from: At<'_>) -> Vec<Argument> {
    if !b.enter(from.span()) {
        return Vec::new();
    }
    let found = again(b, from).unwrap_or_else(|| tokens::pieces(b, from));
    b.leave();
    found.into_iter().map(argument).collect()
}

/// All of it as expressions between commas, or as a block where it stands in braces.
fn again(b: &mut Builder, from: At<'_>) -> Option<Vec<Expr>> {
    let text = from.text();
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    if text.starts_with('{') {
        return read(b, text, from.span().start, from.level, |b, root| {
            Some(vec![expression(b, root.first()?)])
        });
    }
    // Parentheses take the place of the brackets, so that places stay what they are.
    let tuple = format!("({inner});");
    read(b, &tuple, from.span().start, from.level, |b, root| {
        let mut inner = root.first()?;
        if inner.is("expression_statement") {
            inner = inner.first()?;
        }
        match inner.kind() {
            "tuple_expression" => {
                let parts = inner.parts().into_iter().filter(|part| !part.is("attribute_item"));
                Some(parts.map(|part| expression(b, part)).collect())
            }
            "parenthesized_expression" => Some(vec![expression(b, inner)]),
            _ => None,
        }
    })
}

/// A piece between commas as an expression.
pub(super) fn piece(b: &mut Builder, from: &str, start: u32, level: u8) -> Option<Expr> {
    let text = format!("({from});");
    // The bracket or comma before it makes room for the parenthesis.
    read(b, &text, start.checked_sub(1)?, level, |b, root| {
        let statement = root.first()?;
        let inner = statement.first()?;
        inner.is("parenthesized_expression").then(|| expression(b, inner))
    })
}

/// Reads a text again and lowers it; nothing where it is not well formed.
fn read<T>(
    b: &mut Builder,
    text: &str,
    base: u32,
    level: u8,
    lower: impl FnOnce(&mut Builder, At<'_>) -> Option<T>,
) -> Option<T> {
    if level >= LEVELS {
        return None;
    }
    let tree = cursor::read(&tree_sitter_rust::LANGUAGE.into(), text)?;
    if tree.root_node().has_error() || tree.root_node().named_child_count() != 1 {
        return None;
    }
    lower(b, At::again(&tree, text, base, level.saturating_add(1)))
}
