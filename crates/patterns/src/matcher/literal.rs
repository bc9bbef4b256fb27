//! Texts and numbers, also where they have a name or are put together.

use std::sync::Arc;

use gabion_finding::Span;
use gabion_syntax::tree::{BinaryOp, Expr, ExprKind, Part, Symbol, UnaryOp};

use super::{Bound, Env, Matcher};
use crate::comparison::Worth;
use crate::text_pattern::{TextPattern, variable};

/// Names that stand for names.
const DEEPEST: usize = 12;

impl Matcher<'_, '_> {
    /// What an expression is worth, where that is sure.
    pub(crate) fn worth(&self, from: &Expr) -> Option<Worth> {
        self.worth_within(from, DEEPEST)
    }

    fn worth_within(&self, from: &Expr, depth: usize) -> Option<Worth> {
        let depth = depth.checked_sub(1)?;
        Some(match &from.kind {
            ExprKind::String(text) => Worth::Text(self.target.symbol(*text).into()),
            ExprKind::Number(number) => Worth::Number(*number),
            ExprKind::Bool(truth) => Worth::Bool(*truth),
            ExprKind::Name(_) if self.options.constants => {
                let value = self.target.fact(from.span)?.value?;
                if value.span == from.span {
                    return None;
                }
                self.worth_within(value, depth)?
            }
            ExprKind::Unary { op: UnaryOp::Minus, operand } => match self.worth_within(operand, depth)? {
                Worth::Number(number) => Worth::Number(-number),
                _ => return None,
            },
            ExprKind::Binary { op, left, right } => {
                if !self.options.constants {
                    return None;
                }
                let (left, right) = (self.worth_within(left, depth)?, self.worth_within(right, depth)?);
                match (op, left, right) {
                    (BinaryOp::Add, Worth::Text(left), Worth::Text(right))
                        if left.len().saturating_add(right.len()) < 4_096 =>
                    {
                        Worth::Text(format!("{left}{right}").into())
                    }
                    (BinaryOp::Add, Worth::Number(left), Worth::Number(right)) => Worth::Number(left + right),
                    (BinaryOp::Subtract, Worth::Number(left), Worth::Number(right)) => {
                        Worth::Number(left - right)
                    }
                    (BinaryOp::Multiply, Worth::Number(left), Worth::Number(right)) => {
                        Worth::Number(left * right)
                    }
                    _ => return None,
                }
            }
            ExprKind::Template { tag: None, parts } => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(part) => text.push_str(self.target.symbol(*part)),
                        Part::Value(value) => match self.worth_within(value, depth)? {
                            Worth::Text(value) if text.len().saturating_add(value.len()) < 4_096 => {
                                text.push_str(&value)
                            }
                            _ => return None,
                        },
                    }
                }
                Worth::Text(text.into())
            }
            _ => return None,
        })
    }

    /// A text of the pattern against an expression.
    pub(crate) fn string(&self, pattern: Symbol, own: &Expr, env: &Env) -> Vec<Env> {
        let text = self.fragment.symbol(pattern);
        if let ExprKind::String(own_text) = &own.kind {
            return self.content(pattern, self.target.symbol(*own_text), own.span, env);
        }
        match self.worth(own) {
            Some(Worth::Text(worth)) => self.content(pattern, &worth, own.span, env),
            _ if text == "..." && matches!(own.kind, ExprKind::Template { tag: None, .. }) => {
                vec![env.clone()]
            }
            _ => Vec::new(),
        }
    }

    /// A text of the pattern against a text that stands there, in its quotes.
    pub(crate) fn content(&self, pattern: Symbol, own: &str, span: Span, env: &Env) -> Vec<Env> {
        let text = self.fragment.symbol(pattern);
        let found = |yes: bool| if yes { vec![env.clone()] } else { Vec::new() };
        if text == "..." {
            return found(true);
        }
        if let Some(inner) =
            text.strip_prefix("=~/").and_then(|inner| inner.rfind('/').and_then(|end| inner.get(..end)))
        {
            let flags = text.rsplit('/').next().unwrap_or_default();
            let inner = if flags.contains('i') { format!("(?i){inner}") } else { inner.to_owned() };
            let fits = TextPattern::regex(&inner).ok().and_then(|pattern| pattern.fits(own));
            return found(fits == Some(true));
        }
        // Within a template its variables became names.
        let name = text.strip_prefix(crate::fragment::VARIABLE);
        let name =
            name.or_else(|| variable(text).filter(|(_, behind)| behind.is_empty()).map(|(name, _)| name));
        if let Some(name) = name {
            let inside = self.inside_quotes(own, span);
            let bound = Bound { span: inside, text: own.into(), worth: Some(Worth::Text(own.into())) };
            let name: Arc<str> = name.trim_start_matches("...").into();
            return env.bind(&name, bound).into_iter().collect();
        }
        found(text == own)
    }

    /// Without the quotes around it.
    fn inside_quotes(&self, own: &str, span: Span) -> Span {
        let whole = self.source(span);
        match whole.find(own).and_then(|at| u32::try_from(at).ok()) {
            Some(at) if !own.is_empty() => {
                let start = span.start.saturating_add(at);
                Span::new(start, start.saturating_add(u32::try_from(own.len()).unwrap_or(0)))
            }
            _ => span,
        }
    }

    /// The expression behind a name that is set once, where rules ask for it.
    pub(crate) fn stands_for(&self, own: &Expr) -> Option<&Expr> {
        if !self.options.symbols || !matches!(own.kind, ExprKind::Name(_)) {
            return None;
        }
        self.target.fact(own.span)?.value.filter(|value| !value.span.contains(own.span))
    }
}
