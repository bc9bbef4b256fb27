//! Expressions: which one it is.

use gabion_finding::Span;
use ruff_python_ast as ast;

use super::Lower;
use crate::builder::{expr, unknown};
use crate::tree::{Expr, ExprKind, ListKind, Pattern};

impl Lower<'_> {
    pub(super) fn expression(&mut self, from: &ast::Expr) -> Expr {
        let at = self.at(from);
        self.deeper(at, |lower| lower.expression_kind(from, at)).unwrap_or_else(|| unknown(at, Vec::new()))
    }

    pub(super) fn boxed(&mut self, from: &ast::Expr) -> Box<Expr> {
        Box::new(self.expression(from))
    }

    pub(super) fn expressions(&mut self, from: &[ast::Expr]) -> Vec<Expr> {
        from.iter().map(|one| self.expression(one)).collect()
    }

    fn expression_kind(&mut self, from: &ast::Expr, at: Span) -> Expr {
        use ast::Expr as E;
        let kind = match from {
            E::BoolOp(one) => return self.logical(one, at),
            E::Named(one) => self.assignment(&one.target, None, &one.value),
            E::BinOp(one) => return self.binary(one, at),
            E::UnaryOp(one) => self.unary(one),
            E::Lambda(one) => ExprKind::Function(self.lambda(one)),
            E::If(one) => ExprKind::Conditional {
                condition: self.boxed(&one.test),
                then: self.boxed(&one.body),
                otherwise: Some(self.boxed(&one.orelse)),
            },
            E::Dict(one) => self.dictionary(one),
            E::Set(one) => ExprKind::List { kind: ListKind::Set, items: self.expressions(&one.elts) },
            E::ListComp(one) => self.comprehension(ListKind::List, &one.elt, None, &one.generators),
            E::SetComp(one) => self.comprehension(ListKind::Set, &one.elt, None, &one.generators),
            E::DictComp(one) => match &one.key {
                Some(key) => self.comprehension(ListKind::Map, key, Some(&one.value), &one.generators),
                None => self.spread_comprehension(one),
            },
            E::Generator(one) => self.comprehension(ListKind::Lazy, &one.elt, None, &one.generators),
            E::Await(one) => ExprKind::Await(self.boxed(&one.value)),
            E::Yield(one) => {
                self.yields = true;
                ExprKind::Yield(one.value.as_ref().map(|value| self.boxed(value)))
            }
            E::YieldFrom(one) => {
                self.yields = true;
                let value = self.at(&*one.value);
                let spread = self.deeper(value, |lower| ExprKind::Spread(lower.boxed(&one.value)));
                ExprKind::Yield(Some(Box::new(expr(value, spread.unwrap_or(ExprKind::Unknown(Vec::new()))))))
            }
            E::Compare(one) => return self.comparison(one, at),
            E::Call(one) => self.call(one),
            E::FString(one) => self.format_string(one, at),
            E::TString(one) => self.template_string(one, at),
            E::StringLiteral(one) => ExprKind::String(self.builder.symbol(one.value.to_str())),
            E::BytesLiteral(one) => self.bytes(one),
            E::NumberLiteral(one) => ExprKind::Number(self.number(&one.value, at)),
            E::BooleanLiteral(one) => ExprKind::Bool(one.value),
            E::NoneLiteral(_) => ExprKind::Null,
            E::EllipsisLiteral(_) => ExprKind::Name(self.builder.symbol("Ellipsis")),
            E::Attribute(one) => {
                let object = self.boxed(&one.value);
                ExprKind::Member { object, name: self.builder.symbol(&one.attr) }
            }
            E::Subscript(one) => self.subscript(one),
            E::Starred(one) => ExprKind::Spread(self.boxed(&one.value)),
            // What stands where a name is missing.
            E::Name(one) if one.id.is_empty() => ExprKind::Unknown(Vec::new()),
            E::Name(one) => ExprKind::Name(self.builder.symbol(&one.id)),
            E::List(one) => ExprKind::List { kind: ListKind::List, items: self.expressions(&one.elts) },
            E::Tuple(one) => ExprKind::List { kind: ListKind::Tuple, items: self.expressions(&one.elts) },
            // Of an index with several parts: `a[1:2, 3]`.
            E::Slice(one) => {
                let parts = [&one.lower, &one.upper, &one.step].into_iter().flatten();
                ExprKind::Unknown(parts.map(|part| self.expression(part)).collect())
            }
            E::IpyEscapeCommand(_) => ExprKind::Unknown(Vec::new()),
        };
        expr(at, kind)
    }

    /// The value is evaluated first, whatever it is assigned to.
    pub(super) fn assignment(
        &mut self,
        target: &ast::Expr,
        op: Option<crate::tree::BinaryOp>,
        value: &ast::Expr,
    ) -> ExprKind {
        let value = self.boxed(value);
        ExprKind::Assign { target: Box::new(self.target(target)), op, value }
    }

    fn subscript(&mut self, from: &ast::ExprSubscript) -> ExprKind {
        let object = self.boxed(&from.value);
        let ast::Expr::Slice(slice) = &*from.slice else {
            return ExprKind::Index { object, index: self.boxed(&from.slice) };
        };
        // `a[:n]` keeps its place: what is left out is `None`, as it is to `slice()`.
        let start = self.at(slice).start;
        let mut parts = Vec::with_capacity(3);
        for part in [&slice.lower, &slice.upper] {
            parts.push(match part {
                Some(part) => self.expression(part),
                None => expr(Span::new(start, start), ExprKind::Null),
            });
        }
        parts.extend(slice.step.as_ref().map(|step| self.expression(step)));
        ExprKind::Slice { object, parts }
    }

    /// What an assignment, a loop or a `with` binds.
    pub(super) fn target(&mut self, from: &ast::Expr) -> Pattern {
        let at = self.at(from);
        self.deeper(at, |lower| match from {
            ast::Expr::Name(one) if !one.id.is_empty() => Pattern::Name(lower.builder.symbol(&one.id), at),
            ast::Expr::Tuple(one) => Pattern::List(one.elts.iter().map(|one| lower.target(one)).collect()),
            ast::Expr::List(one) => Pattern::List(one.elts.iter().map(|one| lower.target(one)).collect()),
            ast::Expr::Starred(one) => Pattern::Rest(Box::new(lower.target(&one.value))),
            place => Pattern::Place(lower.boxed(place)),
        })
        .unwrap_or(Pattern::Ignore)
    }
}
