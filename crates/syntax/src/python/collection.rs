//! Dictionaries and comprehensions.

use ruff_python_ast as ast;

use super::Lower;
use crate::builder::{expr, unknown};
use crate::tree::{Clause, Entry, Expr, ExprKind, Key, ListKind};

impl Lower<'_> {
    pub(super) fn dictionary(&mut self, from: &ast::ExprDict) -> ExprKind {
        let mut entries = Vec::with_capacity(from.items.len());
        for item in &from.items {
            entries.push(match &item.key {
                None => Entry::Spread(self.expression(&item.value)),
                Some(key) => {
                    let key = self.key(key);
                    Entry::Pair(key, self.expression(&item.value))
                }
            });
        }
        ExprKind::Object { of_type: None, entries }
    }

    pub(super) fn key(&mut self, from: &ast::Expr) -> Key {
        match from {
            ast::Expr::StringLiteral(one) => Key::Name(self.builder.symbol(one.value.to_str())),
            other => Key::Computed(self.boxed(other)),
        }
    }

    pub(super) fn comprehension(
        &mut self,
        kind: ListKind,
        item: &ast::Expr,
        value: Option<&ast::Expr>,
        clauses: &[ast::Comprehension],
    ) -> ExprKind {
        ExprKind::Comprehension {
            kind,
            item: self.boxed(item),
            value: value.map(|value| self.boxed(value)),
            clauses: self.clauses(clauses),
        }
    }

    /// `{**x for x in y}`.
    pub(super) fn spread_comprehension(&mut self, from: &ast::ExprDictComp) -> ExprKind {
        let at = self.at(&*from.value);
        let item = self.deeper(at, |lower| expr(at, ExprKind::Spread(lower.boxed(&from.value))));
        let item: Box<Expr> = Box::new(item.unwrap_or_else(|| unknown(at, Vec::new())));
        let clauses = self.clauses(&from.generators);
        ExprKind::Comprehension { kind: ListKind::Map, item, value: None, clauses }
    }

    fn clauses(&mut self, from: &[ast::Comprehension]) -> Vec<Clause> {
        from.iter()
            .map(|one| Clause {
                pattern: self.target(&one.target),
                over: self.expression(&one.iter),
                conditions: self.expressions(&one.ifs),
            })
            .collect()
    }
}
