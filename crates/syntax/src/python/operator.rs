//! Operators, and long chains of them.

use gabion_finding::Span;
use ruff_python_ast as ast;

use super::Lower;
use super::simple::is_simple;
use crate::builder::{expr, unknown};
use crate::tree::{BinaryOp, Expr, ExprKind, LogicalOp, UnaryOp};

/// Operators of one rank in a row that nest as they are written; more become flat.
const SPINE: usize = 64;

impl Lower<'_> {
    pub(super) fn unary(&mut self, from: &ast::ExprUnaryOp) -> ExprKind {
        let op = match from.op {
            ast::UnaryOp::Invert => UnaryOp::BitNot,
            ast::UnaryOp::Not => UnaryOp::Not,
            ast::UnaryOp::UAdd => UnaryOp::Plus,
            ast::UnaryOp::USub => UnaryOp::Minus,
        };
        ExprKind::Unary { op, operand: self.boxed(&from.operand) }
    }

    pub(super) fn binary(&mut self, from: &ast::ExprBinOp, at: Span) -> Expr {
        let mut operands = vec![&*from.right];
        let mut left = &*from.left;
        let mut alike = associative(from.op);
        while let ast::Expr::BinOp(one) = left {
            alike &= one.op == from.op;
            operands.push(&one.right);
            left = &one.left;
        }
        if operands.len() <= SPINE {
            let left = self.boxed(&from.left);
            let right = self.boxed(&from.right);
            return expr(at, operation(from.op, left, right));
        }
        operands.push(left);
        operands.reverse();
        if alike {
            let join = |left: Expr, right: Expr| operation(from.op, Box::new(left), Box::new(right));
            return self.balanced(at, &operands, &|lower, one| lower.expression(one), &join);
        }
        unknown(at, operands.into_iter().map(|one| self.expression(one)).collect())
    }

    pub(super) fn logical(&mut self, from: &ast::ExprBoolOp, at: Span) -> Expr {
        let op = match from.op {
            ast::BoolOp::And => LogicalOp::And,
            ast::BoolOp::Or => LogicalOp::Or,
        };
        let operands: Vec<_> = from.values.iter().collect();
        let join = |left, right| ExprKind::Logical { op, left: Box::new(left), right: Box::new(right) };
        let lowered = self.balanced(at, &operands, &|lower, one| lower.expression(one), &join);
        Expr { span: at, ..lowered }
    }

    pub(super) fn comparison(&mut self, from: &ast::ExprCompare, at: Span) -> Expr {
        let lefts = std::iter::once(&*from.left).chain(&from.comparators);
        let pairs: Vec<_> = lefts.zip(&from.comparators).zip(&from.ops).collect();
        if let [((left, right), op)] = pairs.as_slice() {
            let left = self.boxed(left);
            let right = self.boxed(right);
            return expr(at, ExprKind::Binary { op: compare(**op), left, right });
        }
        let pairs: Vec<_> = pairs.into_iter().enumerate().collect();
        let one = |lower: &mut Self, (place, ((left, right), op)): (usize, Pair<'_>)| {
            let whole = lower.at(left).join(lower.at(right));
            let pair = lower.deeper(whole, |lower| {
                let left = if place == 0 { lower.boxed(left) } else { lower.again(left) };
                ExprKind::Binary { op: compare(*op), left, right: lower.boxed(right) }
            });
            expr(whole, pair.unwrap_or(ExprKind::Unknown(Vec::new())))
        };
        let join = |left, right| ExprKind::Logical {
            op: LogicalOp::And,
            left: Box::new(left),
            right: Box::new(right),
        };
        let lowered = self.balanced(at, &pairs, &one, &join);
        Expr { span: at, ..lowered }
    }

    /// The operand between two comparisons, for the second of them. Whatever is not short stands in the first alone: what stood
    /// in both at every level would double with each.
    fn again(&mut self, from: &ast::Expr) -> Box<Expr> {
        if is_simple(from) { self.boxed(from) } else { Box::new(unknown(self.at(from), Vec::new())) }
    }

    /// Joins in order, the halves first, so that the tree is as deep as the logarithm of their number.
    fn balanced<T: Copy>(
        &mut self,
        at: Span,
        items: &[T],
        one: &dyn Fn(&mut Self, T) -> Expr,
        join: &dyn Fn(Expr, Expr) -> ExprKind,
    ) -> Expr {
        if let [only] = items {
            return one(self, *only);
        }
        let (left, right) = items.split_at(items.len().div_ceil(2));
        let mut half = |items: &[T]| {
            // A single one goes down by itself.
            if let [only] = items {
                return one(self, *only);
            }
            let half = self.deeper(at, |lower| lower.balanced(at, items, one, join));
            half.unwrap_or_else(|| unknown(at, Vec::new()))
        };
        let (left, right) = (half(left), half(right));
        let at = left.span.join(right.span);
        expr(at, join(left, right))
    }
}

type Pair<'a> = ((&'a ast::Expr, &'a ast::Expr), &'a ast::CmpOp);

const fn associative(op: ast::Operator) -> bool {
    use ast::Operator as O;
    matches!(op, O::Add | O::Mult | O::BitAnd | O::BitOr | O::BitXor)
}

fn operation(op: ast::Operator, left: Box<Expr>, right: Box<Expr>) -> ExprKind {
    ExprKind::Binary { op: binary_op(op), left, right }
}

pub(super) const fn binary_op(op: ast::Operator) -> BinaryOp {
    use ast::Operator as O;
    match op {
        O::Add => BinaryOp::Add,
        O::Sub => BinaryOp::Subtract,
        // The product of matrices is one.
        O::Mult | O::MatMult => BinaryOp::Multiply,
        O::Div => BinaryOp::Divide,
        O::Mod => BinaryOp::Remainder,
        O::Pow => BinaryOp::Power,
        O::LShift => BinaryOp::ShiftLeft,
        O::RShift => BinaryOp::ShiftRight,
        O::BitOr => BinaryOp::BitOr,
        O::BitXor => BinaryOp::BitXor,
        O::BitAnd => BinaryOp::BitAnd,
        O::FloorDiv => BinaryOp::FloorDivide,
    }
}

const fn compare(op: ast::CmpOp) -> BinaryOp {
    use ast::CmpOp as C;
    match op {
        C::Eq => BinaryOp::Equal,
        C::NotEq => BinaryOp::NotEqual,
        C::Lt => BinaryOp::Less,
        C::LtE => BinaryOp::LessEqual,
        C::Gt => BinaryOp::Greater,
        C::GtE => BinaryOp::GreaterEqual,
        C::Is => BinaryOp::Is,
        C::IsNot => BinaryOp::IsNot,
        C::In => BinaryOp::In,
        C::NotIn => BinaryOp::NotIn,
    }
}
