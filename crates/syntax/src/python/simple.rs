//! Which expressions are short enough to stand twice.

use ruff_python_ast as ast;

/// Parts of an expression that may be lowered twice.
const PARTS: usize = 12;

/// Names, literals, and a few fields, calls and operators of them: nothing that brings a function or a comparison.
pub(super) fn is_simple(from: &ast::Expr) -> bool {
    let mut left = PARTS;
    let mut open = vec![from];
    while let Some(one) = open.pop() {
        let Some(rest) = left.checked_sub(1) else { return false };
        left = rest;
        use ast::Expr as E;
        match one {
            E::Attribute(one) => open.push(&one.value),
            E::BinOp(one) => open.extend([&*one.left, &*one.right]),
            E::BooleanLiteral(_)
            | E::BytesLiteral(_)
            | E::EllipsisLiteral(_)
            | E::Name(_)
            | E::NoneLiteral(_)
            | E::NumberLiteral(_)
            | E::StringLiteral(_) => {}
            E::Call(one) => {
                open.push(&one.func);
                open.extend(&one.arguments.args);
                open.extend(one.arguments.keywords.iter().map(|one| &one.value));
            }
            E::Subscript(one) => open.extend([&*one.value, &*one.slice]),
            E::UnaryOp(one) => open.push(&one.operand),
            _ => return false,
        }
        // What is waiting counts as well: a call may have any number of arguments.
        if open.len() > left {
            return false;
        }
    }
    true
}
