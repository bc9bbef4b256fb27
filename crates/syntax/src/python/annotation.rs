//! Types as they are annotated, also in strings.

use gabion_finding::Span;
use ruff_python_ast as ast;
use ruff_python_parser::parse_expression;

use super::{Lower, depth};
use crate::tree::{Expr, Type};

/// A longer text in an annotation is no type.
const LENGTH: usize = 2_000;

/// What an annotation says.
pub(super) struct Annotation {
    pub(super) of_type: Type,
    /// What `Annotated` adds.
    pub(super) decorators: Vec<Expr>,
    /// Of the class: `ClassVar`.
    pub(super) of_class: bool,
}

impl Lower<'_> {
    pub(super) fn annotation(&mut self, from: &ast::Expr) -> Annotation {
        let at = self.at(from);
        let mut annotation =
            Annotation { of_type: self.plain("unknown", at), decorators: Vec::new(), of_class: false };
        let mut rest = from;
        // `Annotated`, `ClassVar` and `Final` say something of the place and not of its type.
        while let ast::Expr::Subscript(one) = rest {
            let items = arguments(&one.slice);
            let (Some(name), [first, further @ ..]) = (last_name(&one.value), items) else { break };
            match name {
                "Annotated" => annotation.decorators.extend(self.expressions(further)),
                "ClassVar" => annotation.of_class = true,
                "Final" | "InitVar" | "NotRequired" | "ReadOnly" | "Required" => {}
                _ => break,
            }
            rest = first;
        }
        annotation.of_type = self.of_type(rest);
        annotation
    }

    pub(super) fn of_type(&mut self, from: &ast::Expr) -> Type {
        let at = self.quoted.unwrap_or_else(|| self.at(from));
        self.deeper(at, |lower| lower.of_type_kind(from, at)).unwrap_or_else(|| self.plain("unknown", at))
    }

    fn plain(&mut self, path: &str, at: Span) -> Type {
        Type { path: self.builder.symbol(path), arguments: Vec::new(), span: at }
    }

    fn of_type_kind(&mut self, from: &ast::Expr, at: Span) -> Type {
        use ast::Expr as E;
        match from {
            E::Name(_) | E::Attribute(_) => match path(from) {
                Some(path) => self.plain(&path, at),
                None => self.plain("unknown", at),
            },
            E::NoneLiteral(_) => self.plain("None", at),
            E::EllipsisLiteral(_) => self.plain("...", at),
            E::Starred(one) => self.of_type(&one.value),
            E::StringLiteral(one) => self.quoted(one, at),
            E::NumberLiteral(_) | E::BooleanLiteral(_) | E::BytesLiteral(_) | E::UnaryOp(_) => {
                self.plain("literal", at)
            }
            E::List(one) => self.with("()", &one.elts, at),
            E::Tuple(one) => self.with("()", &one.elts, at),
            E::BinOp(one) if one.op == ast::Operator::BitOr => {
                let mut items = vec![&*one.right];
                let mut left = &*one.left;
                while let E::BinOp(one) = left
                    && one.op == ast::Operator::BitOr
                {
                    items.push(&one.right);
                    left = &one.left;
                }
                items.push(left);
                items.reverse();
                self.union(&items, at)
            }
            E::Subscript(one) => self.generic(one, at),
            _ => self.plain("unknown", at),
        }
    }

    fn generic(&mut self, from: &ast::ExprSubscript, at: Span) -> Type {
        let items = arguments(&from.slice);
        match (last_name(&from.value), items) {
            (Some("Annotated" | "ClassVar" | "Final" | "InitVar"), [first, ..]) => self.of_type(first),
            (Some("Optional" | "Union"), items) => self.union(&items.iter().collect::<Vec<_>>(), at),
            (Some("Literal"), _) => self.plain("literal", at),
            (Some("Callable"), [parameters, returns]) => {
                let mut of_type = self.plain("->", at);
                let parameters = match parameters {
                    ast::Expr::List(list) => list.elts.as_slice(),
                    other => std::slice::from_ref(other),
                };
                for one in parameters.iter().chain([returns]) {
                    of_type.arguments.push(self.of_type(one));
                }
                of_type
            }
            (_, items) => match path(&from.value) {
                Some(path) => self.with(&path, items, at),
                None => self.plain("unknown", at),
            },
        }
    }

    fn with(&mut self, path: &str, items: &[ast::Expr], at: Span) -> Type {
        let arguments = items.iter().map(|one| self.of_type(one)).collect();
        Type { arguments, ..self.plain(path, at) }
    }

    /// Whether it may be `None` is left out.
    fn union(&mut self, items: &[&ast::Expr], at: Span) -> Type {
        let mut kept: Vec<_> = items.iter().filter(|one| !one.is_none_literal_expr()).copied().collect();
        if let [only] = kept.as_slice() {
            return self.of_type(only);
        }
        if kept.is_empty() {
            kept = items.to_vec();
        }
        let arguments = kept.into_iter().map(|one| self.of_type(one)).collect();
        Type { arguments, ..self.plain("|", at) }
    }

    /// A type that is written as a string, because its name comes later. All of it stands where the string stands.
    fn quoted(&mut self, from: &ast::ExprStringLiteral, at: Span) -> Type {
        let text = from.value.to_str().trim();
        if text.len() > LENGTH || depth::is_too_deep(text) {
            return self.plain("unknown", at);
        }
        let Ok(parsed) = parse_expression(text) else { return self.plain("unknown", at) };
        let around = self.quoted.replace(at);
        let of_type = self.of_type(parsed.expr());
        self.quoted = around;
        of_type
    }
}

/// `a.b.C`.
pub(super) fn path(from: &ast::Expr) -> Option<String> {
    let mut words = Vec::new();
    let mut rest = from;
    loop {
        match rest {
            ast::Expr::Name(one) if !one.id.is_empty() => words.push(one.id.as_str()),
            ast::Expr::Attribute(one) => {
                words.push(one.attr.as_str());
                rest = &one.value;
                continue;
            }
            _ => return None,
        }
        break;
    }
    words.reverse();
    Some(words.join("."))
}

/// The `Optional` of `typing.Optional`.
fn last_name(from: &ast::Expr) -> Option<&str> {
    match from {
        ast::Expr::Name(one) => Some(one.id.as_str()),
        ast::Expr::Attribute(one) => Some(one.attr.as_str()),
        _ => None,
    }
}

fn arguments(from: &ast::Expr) -> &[ast::Expr] {
    match from {
        ast::Expr::Tuple(one) => &one.elts,
        other => std::slice::from_ref(other),
    }
}
