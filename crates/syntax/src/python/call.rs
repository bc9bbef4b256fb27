//! Calls.

use ruff_python_ast as ast;

use super::Lower;
use crate::builder::{expr, unknown};
use crate::tree::{Argument, Call, Expr, ExprKind};

impl Lower<'_> {
    pub(super) fn call(&mut self, from: &ast::ExprCall) -> ExprKind {
        if let ast::Expr::Name(name) = &*from.func
            && name.id == "super"
        {
            return ExprKind::Super;
        }
        let callee = self.boxed(&from.func);
        let arguments = self.arguments(&from.arguments);
        ExprKind::Call(Call { callee, arguments, new: false, macro_call: false })
    }

    /// In the order in which they stand.
    fn arguments(&mut self, from: &ast::Arguments) -> Vec<Argument> {
        from.iter_source_order()
            .map(|one| match one {
                ast::ArgOrKeyword::Arg(value) => Argument { name: None, value: self.expression(value) },
                ast::ArgOrKeyword::Keyword(one) => match &one.arg {
                    Some(name) => {
                        Argument { name: Some(self.builder.symbol(name)), value: self.expression(&one.value) }
                    }
                    None => Argument { name: None, value: self.spread_keyword(one) },
                },
            })
            .collect()
    }

    /// `**values`.
    pub(super) fn spread_keyword(&mut self, from: &ast::Keyword) -> Expr {
        let at = self.at(from);
        self.deeper(at, |lower| expr(at, ExprKind::Spread(lower.boxed(&from.value))))
            .unwrap_or_else(|| unknown(at, Vec::new()))
    }

    /// A call of a builtin function that no text names.
    pub(super) fn builtin(&mut self, name: &str, at: gabion_finding::Span, values: Vec<Expr>) -> Expr {
        let callee = Box::new(self.builder.name(name, at));
        let arguments = values.into_iter().map(|value| Argument { name: None, value }).collect();
        expr(at, ExprKind::Call(Call { callee, arguments, new: false, macro_call: false }))
    }
}
