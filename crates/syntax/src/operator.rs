//! Operators with two sides, as Go, Java and Rust write them.

use gabion_finding::Span;

use crate::builder::{Builder, expr, unknown};
use crate::cursor::At;
use crate::tree::{BinaryOp, Expr, ExprKind, LogicalOp};

/// More operands in a row than that are kept side by side, without their operators.
const OPERANDS: usize = 300;

/// `a + b + c`: a tree that is deep on its left side, lowered without going down on it.
pub(crate) fn chain(b: &mut Builder, from: At<'_>, lower: fn(&mut Builder, At<'_>) -> Expr) -> Expr {
    let mut spine: Vec<(&str, At<'_>, Span)> = Vec::new();
    let mut left = from;
    while left.is("binary_expression")
        && let (Some(first), Some(sign), Some(right)) =
            (left.field("left"), left.field("operator"), left.field("right"))
    {
        spine.push((sign.kind(), right, left.span()));
        left = first;
    }
    if left.is("binary_expression") {
        // Something of it is missing.
        let parts = left.parts().into_iter().map(|part| lower(b, part)).collect();
        return unknown(from.span(), parts);
    }
    // The whole has been counted by whoever asks.
    let below = spine.len().saturating_sub(1);
    let mut entered = 0_usize;
    while spine.len() <= OPERANDS && entered < below && b.enter(left.span()) {
        entered = entered.saturating_add(1);
    }
    if entered < below {
        (0..entered).for_each(|_| b.leave());
        let first = lower(b, left);
        let rest: Vec<Expr> = spine.iter().rev().map(|(_, right, _)| lower(b, *right)).collect();
        return unknown(from.span(), std::iter::once(first).chain(rest).collect());
    }
    let mut value = lower(b, left);
    for (sign, right, span) in spine.iter().rev() {
        let (left, right) = (Box::new(value), Box::new(lower(b, *right)));
        let kind = match (binary(sign), logical(sign)) {
            (Some(op), _) => ExprKind::Binary { op, left, right },
            (None, Some(op)) => ExprKind::Logical { op, left, right },
            (None, None) => ExprKind::Unknown(vec![*left, *right]),
        };
        value = expr(*span, kind);
        if entered > 0 {
            entered = entered.saturating_sub(1);
            b.leave();
        }
    }
    value
}

fn logical(sign: &str) -> Option<LogicalOp> {
    match sign {
        "&&" => Some(LogicalOp::And),
        "||" => Some(LogicalOp::Or),
        _ => None,
    }
}

/// Also that of an assignment (`+=`), without its `=`.
pub(crate) fn binary(sign: &str) -> Option<BinaryOp> {
    Some(match sign {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Remainder,
        "&" | "&^" => BinaryOp::BitAnd,
        "|" => BinaryOp::BitOr,
        "^" => BinaryOp::BitXor,
        "<<" => BinaryOp::ShiftLeft,
        ">>" | ">>>" => BinaryOp::ShiftRight,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        _ => return None,
    })
}
