//! The patterns of `match`.

use ruff_python_ast as ast;

use super::Lower;
use crate::builder::expr;
use crate::tree::{Case, ExprKind, FieldPattern, Key, Pattern, Switch};

impl Lower<'_> {
    pub(super) fn switch(&mut self, from: &ast::StmtMatch) -> Switch {
        let subject = Some(self.boxed(&from.subject));
        let cases = from.cases.iter().map(|case| {
            let at = self.at(case);
            self.around(at, |lower| {
                let pattern = match &case.pattern {
                    // `case _`
                    ast::Pattern::MatchAs(one) if one.pattern.is_none() && one.name.is_none() => None,
                    pattern => Some(lower.pattern(pattern)),
                };
                let guard = case.guard.as_ref().map(|guard| lower.expression(guard));
                Case { pattern, guard, body: lower.body(&case.body), value: None, span: at }
            })
        });
        Switch { subject, cases: cases.collect(), falls: false }
    }

    fn pattern(&mut self, from: &ast::Pattern) -> Pattern {
        let at = self.at(from);
        self.deeper(at, |lower| lower.pattern_kind(from)).unwrap_or(Pattern::Ignore)
    }

    fn patterns(&mut self, from: &[ast::Pattern]) -> Vec<Pattern> {
        from.iter().map(|one| self.pattern(one)).collect()
    }

    fn pattern_kind(&mut self, from: &ast::Pattern) -> Pattern {
        use ast::Pattern as P;
        match from {
            P::MatchValue(one) => Pattern::Value(self.boxed(&one.value)),
            P::MatchSingleton(one) => {
                let kind = match one.value {
                    ast::Singleton::None => ExprKind::Null,
                    ast::Singleton::True => ExprKind::Bool(true),
                    ast::Singleton::False => ExprKind::Bool(false),
                };
                let at = self.at(one);
                let value = self.deeper(at, |_| expr(at, kind));
                value.map_or(Pattern::Ignore, |value| Pattern::Value(Box::new(value)))
            }
            P::MatchSequence(one) => Pattern::List(self.patterns(&one.patterns)),
            P::MatchMapping(one) => {
                let mut fields = Vec::with_capacity(one.patterns.len());
                for (key, pattern) in one.keys.iter().zip(&one.patterns) {
                    let key = self.key(key);
                    fields.push(FieldPattern { key, pattern: self.pattern(pattern) });
                }
                let rest = one.rest.as_ref().map(|rest| self.bound(Some(rest)));
                Pattern::Object { fields, rest: rest.map(Box::new) }
            }
            P::MatchClass(one) => {
                let of = self.boxed(&one.cls);
                let mut items = self.patterns(&one.arguments.patterns);
                if !one.arguments.keywords.is_empty() {
                    let at = self.at(&one.arguments);
                    let named = self.deeper(at, |lower| {
                        let fields = one.arguments.keywords.iter().map(|keyword| FieldPattern {
                            key: Key::Name(lower.builder.symbol(&keyword.attr)),
                            pattern: lower.pattern(&keyword.pattern),
                        });
                        Pattern::Object { fields: fields.collect(), rest: None }
                    });
                    items.extend(named);
                }
                Pattern::Variant { of, items }
            }
            P::MatchStar(one) => Pattern::Rest(Box::new(self.bound(one.name.as_ref()))),
            P::MatchAs(one) => match (&one.pattern, &one.name) {
                (Some(pattern), Some(name)) => {
                    let name = self.builder.symbol(name);
                    Pattern::As(Box::new(self.pattern(pattern)), name)
                }
                (Some(pattern), None) => self.pattern(pattern),
                (None, name) => self.bound(name.as_ref()),
            },
            P::MatchOr(one) => Pattern::Or(self.patterns(&one.patterns)),
        }
    }

    /// A name that is bound, or `_`.
    pub(super) fn bound(&mut self, name: Option<&ast::Identifier>) -> Pattern {
        let Some(name) = name else { return Pattern::Ignore };
        Pattern::Name(self.builder.symbol(name), self.at(name))
    }
}
