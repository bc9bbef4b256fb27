//! Expressions.

use gabion_finding::Span;
use oxc_ast::ast;
use oxc_span::GetSpan as _;
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, LogicalOperator, UnaryOperator};

use super::{Lower, span};
use crate::builder::{expr, unknown};
use crate::tree::{
    Argument, BinaryOp, Call, Entry, Expr, ExprKind, Key, ListKind, LogicalOp, Part, Pattern, UnaryOp,
};

impl Lower {
    pub(super) fn expression(&mut self, from: &ast::Expression<'_>) -> Expr {
        let at = span(from.span());
        self.builder_deeper(at, |lower| lower.expression_kind(from, at))
            .unwrap_or_else(|| unknown(at, Vec::new()))
    }

    fn boxed(&mut self, from: &ast::Expression<'_>) -> Box<Expr> {
        Box::new(self.expression(from))
    }

    fn expression_kind(&mut self, from: &ast::Expression<'_>, at: Span) -> Expr {
        use ast::Expression as E;
        let kind = match from {
            E::BooleanLiteral(one) => ExprKind::Bool(one.value),
            E::NullLiteral(_) => ExprKind::Null,
            E::NumericLiteral(one) => ExprKind::Number(one.value),
            E::BigIntLiteral(one) => ExprKind::Number(one.value.parse().unwrap_or(f64::NAN)),
            E::RegExpLiteral(one) => ExprKind::Regex {
                pattern: self.builder.symbol(one.regex.pattern.text.as_str()),
                flags: self.builder.symbol(&one.regex.flags.to_string()),
            },
            E::StringLiteral(one) => ExprKind::String(self.builder.symbol(one.value.as_str())),
            E::TemplateLiteral(one) => self.template(one, None),
            E::TaggedTemplateExpression(one) => {
                let tag = Some(self.boxed(&one.tag));
                self.template(&one.quasi, tag)
            }
            E::Identifier(one) if one.name == "undefined" => ExprKind::Null,
            E::Identifier(one) => ExprKind::Name(self.builder.symbol(one.name.as_str())),
            E::Super(_) => ExprKind::Super,
            E::ThisExpression(_) => ExprKind::This,
            E::ArrayExpression(one) => {
                let items = one.elements.iter().map(|item| match item {
                    ast::ArrayExpressionElement::SpreadElement(one) => self.spread(one),
                    other => other
                        .as_expression()
                        .map_or_else(|| expr(at, ExprKind::Null), |item| self.expression(item)),
                });
                ExprKind::List { kind: ListKind::List, items: items.collect() }
            }
            E::ObjectExpression(one) => self.object(one),
            E::ArrowFunctionExpression(one) => ExprKind::Function(self.arrow(one)),
            E::FunctionExpression(one) => ExprKind::Function(self.function(one)),
            E::ClassExpression(one) => ExprKind::Class(self.class(one)),
            E::AssignmentExpression(one) => self.assignment(one),
            E::AwaitExpression(one) => ExprKind::Await(self.boxed(&one.argument)),
            E::YieldExpression(one) => ExprKind::Yield(one.argument.as_ref().map(|value| self.boxed(value))),
            E::BinaryExpression(one) => self.binary(one),
            E::PrivateInExpression(one) => ExprKind::Unknown(vec![self.expression(&one.right)]),
            E::LogicalExpression(one) => {
                let op = match one.operator {
                    LogicalOperator::And => LogicalOp::And,
                    LogicalOperator::Or => LogicalOp::Or,
                    LogicalOperator::Coalesce => LogicalOp::Coalesce,
                };
                ExprKind::Logical { op, left: self.boxed(&one.left), right: self.boxed(&one.right) }
            }
            E::CallExpression(one) => self.call(one),
            E::NewExpression(one) => {
                let callee = self.boxed(&one.callee);
                ExprKind::Call(Call {
                    callee,
                    arguments: self.arguments(&one.arguments),
                    new: true,
                    macro_call: false,
                })
            }
            E::ImportExpression(one) => {
                let callee = Box::new(self.builder.name("import", at));
                let arguments = vec![Argument { name: None, value: self.expression(&one.source) }];
                ExprKind::Call(Call { callee, arguments, new: false, macro_call: false })
            }
            E::ChainExpression(one) => return self.chain(&one.expression, at),
            E::ConditionalExpression(one) => ExprKind::Conditional {
                condition: self.boxed(&one.test),
                then: self.boxed(&one.consequent),
                otherwise: Some(self.boxed(&one.alternate)),
            },
            E::ParenthesizedExpression(one) => return self.expression(&one.expression),
            E::SequenceExpression(one) => {
                ExprKind::Sequence(one.expressions.iter().map(|one| self.expression(one)).collect())
            }
            E::UnaryExpression(one) => {
                let op = match one.operator {
                    UnaryOperator::UnaryNegation => UnaryOp::Minus,
                    UnaryOperator::UnaryPlus => UnaryOp::Plus,
                    UnaryOperator::LogicalNot => UnaryOp::Not,
                    UnaryOperator::BitwiseNot => UnaryOp::BitNot,
                    UnaryOperator::Typeof => UnaryOp::TypeOf,
                    UnaryOperator::Void => UnaryOp::Void,
                    UnaryOperator::Delete => UnaryOp::Delete,
                };
                ExprKind::Unary { op, operand: self.boxed(&one.argument) }
            }
            E::UpdateExpression(one) => {
                let operand = match self.simple_target(&one.argument) {
                    Pattern::Name(name, at) => expr(at, ExprKind::Name(name)),
                    Pattern::Place(place) => *place,
                    _ => unknown(at, Vec::new()),
                };
                ExprKind::Unary { op: UnaryOp::Step, operand: Box::new(operand) }
            }
            E::ImportMeta(_) => ExprKind::Name(self.builder.symbol("import.meta")),
            E::NewTarget(_) => ExprKind::Name(self.builder.symbol("new.target")),
            E::JSXElement(one) => return self.jsx_element(one),
            E::JSXFragment(one) => return self.jsx_fragment(one),
            E::TSAsExpression(one) => {
                ExprKind::Cast { to: self.of_type(&one.type_annotation), value: self.boxed(&one.expression) }
            }
            E::TSSatisfiesExpression(one) => return self.expression(&one.expression),
            E::TSTypeAssertion(one) => {
                ExprKind::Cast { to: self.of_type(&one.type_annotation), value: self.boxed(&one.expression) }
            }
            E::TSNonNullExpression(one) => return self.expression(&one.expression),
            E::TSInstantiationExpression(one) => return self.expression(&one.expression),
            E::V8IntrinsicExpression(_) => ExprKind::Unknown(Vec::new()),
            E::ComputedMemberExpression(_) | E::StaticMemberExpression(_) | E::PrivateFieldExpression(_) => {
                return from
                    .as_member_expression()
                    .map_or_else(|| unknown(at, Vec::new()), |one| self.member(one));
            }
        };
        expr(at, kind)
    }

    pub(super) fn member(&mut self, from: &ast::MemberExpression<'_>) -> Expr {
        let at = span(from.span());
        let kind = match from {
            ast::MemberExpression::ComputedMemberExpression(one) => match &one.expression {
                // `a["b"]` is `a.b`.
                ast::Expression::StringLiteral(name) => ExprKind::Member {
                    object: self.boxed(&one.object),
                    name: self.builder.symbol(name.value.as_str()),
                },
                index => ExprKind::Index { object: self.boxed(&one.object), index: self.boxed(index) },
            },
            ast::MemberExpression::StaticMemberExpression(one) => ExprKind::Member {
                object: self.boxed(&one.object),
                name: self.builder.symbol(one.property.name.as_str()),
            },
            ast::MemberExpression::PrivateFieldExpression(one) => ExprKind::Member {
                object: self.boxed(&one.object),
                name: self.builder.symbol(one.field.name.as_str()),
            },
        };
        expr(at, kind)
    }

    fn chain(&mut self, from: &ast::ChainElement<'_>, at: Span) -> Expr {
        match from {
            ast::ChainElement::CallExpression(one) => {
                let kind = self.call(one);
                expr(at, kind)
            }
            ast::ChainElement::TSNonNullExpression(one) => self.expression(&one.expression),
            other => {
                other.as_member_expression().map_or_else(|| unknown(at, Vec::new()), |one| self.member(one))
            }
        }
    }

    fn call(&mut self, from: &ast::CallExpression<'_>) -> ExprKind {
        let callee = self.boxed(&from.callee);
        ExprKind::Call(Call {
            callee,
            arguments: self.arguments(&from.arguments),
            new: false,
            macro_call: false,
        })
    }

    fn arguments(&mut self, from: &[ast::Argument<'_>]) -> Vec<Argument> {
        let values = from.iter().map(|one| match one {
            ast::Argument::SpreadElement(one) => self.spread(one),
            other => {
                let at = span(other.span());
                other.as_expression().map_or_else(|| unknown(at, Vec::new()), |value| self.expression(value))
            }
        });
        values.map(|value| Argument { name: None, value }).collect()
    }

    fn spread(&mut self, from: &ast::SpreadElement<'_>) -> Expr {
        expr(span(from.span), ExprKind::Spread(self.boxed(&from.argument)))
    }

    fn object(&mut self, from: &ast::ObjectExpression<'_>) -> ExprKind {
        let mut entries = Vec::with_capacity(from.properties.len());
        for one in &from.properties {
            entries.push(match one {
                ast::ObjectPropertyKind::SpreadProperty(one) => Entry::Spread(self.expression(&one.argument)),
                ast::ObjectPropertyKind::ObjectProperty(one) => {
                    let key = self.key(&one.key, one.computed);
                    let value = self.expression(&one.value);
                    // A function written as a method has that name.
                    if let (ExprKind::Function(id), Key::Name(name)) = (&value.kind, &key)
                        && let Some(function) = self.builder.function_mut(*id)
                    {
                        function.name.get_or_insert(*name);
                        function.traits.getter = matches!(one.kind, ast::PropertyKind::Get);
                        function.traits.setter = matches!(one.kind, ast::PropertyKind::Set);
                    }
                    Entry::Pair(key, value)
                }
            });
        }
        ExprKind::Object { of_type: None, entries }
    }

    fn template(&mut self, from: &ast::TemplateLiteral<'_>, tag: Option<Box<Expr>>) -> ExprKind {
        let mut parts = Vec::new();
        let mut values = from.expressions.iter();
        for text in &from.quasis {
            let cooked = text.value.cooked.as_ref().unwrap_or(&text.value.raw);
            if !cooked.is_empty() {
                parts.push(Part::Text(self.builder.symbol(cooked.as_str())));
            }
            parts.extend(values.next().map(|value| Part::Value(self.expression(value))));
        }
        match (tag, parts.as_slice()) {
            (None, []) => ExprKind::String(self.builder.symbol("")),
            (None, [Part::Text(text)]) => ExprKind::String(*text),
            (tag, _) => ExprKind::Template { tag, parts },
        }
    }

    fn assignment(&mut self, from: &ast::AssignmentExpression<'_>) -> ExprKind {
        let target = self.target(&from.left);
        let value = self.boxed(&from.right);
        let op = match from.operator {
            AssignmentOperator::Assign => None,
            AssignmentOperator::Addition => Some(BinaryOp::Add),
            AssignmentOperator::Subtraction => Some(BinaryOp::Subtract),
            AssignmentOperator::Multiplication => Some(BinaryOp::Multiply),
            AssignmentOperator::Division => Some(BinaryOp::Divide),
            AssignmentOperator::Remainder => Some(BinaryOp::Remainder),
            AssignmentOperator::Exponential => Some(BinaryOp::Power),
            AssignmentOperator::ShiftLeft => Some(BinaryOp::ShiftLeft),
            AssignmentOperator::ShiftRight | AssignmentOperator::ShiftRightZeroFill => {
                Some(BinaryOp::ShiftRight)
            }
            AssignmentOperator::BitwiseOR => Some(BinaryOp::BitOr),
            AssignmentOperator::BitwiseXOR => Some(BinaryOp::BitXor),
            AssignmentOperator::BitwiseAnd => Some(BinaryOp::BitAnd),
            AssignmentOperator::LogicalOr
            | AssignmentOperator::LogicalAnd
            | AssignmentOperator::LogicalNullish => {
                return self.logical_assignment(from.operator, target, value, span(from.span));
            }
        };
        ExprKind::Assign { target: Box::new(target), op, value }
    }

    /// `a ||= b` is `a = a || b`.
    fn logical_assignment(
        &mut self,
        operator: AssignmentOperator,
        target: Pattern,
        right: Box<Expr>,
        at: Span,
    ) -> ExprKind {
        let op = match operator {
            AssignmentOperator::LogicalAnd => LogicalOp::And,
            AssignmentOperator::LogicalNullish => LogicalOp::Coalesce,
            _ => LogicalOp::Or,
        };
        let left = match &target {
            Pattern::Name(name, at) => expr(*at, ExprKind::Name(*name)),
            Pattern::Place(place) => (**place).clone(),
            _ => unknown(right.span, Vec::new()),
        };
        let value = Box::new(expr(at, ExprKind::Logical { op, left: Box::new(left), right }));
        ExprKind::Assign { target: Box::new(target), op: None, value }
    }

    fn binary(&mut self, from: &ast::BinaryExpression<'_>) -> ExprKind {
        let op = match from.operator {
            BinaryOperator::Equality | BinaryOperator::StrictEquality => BinaryOp::Equal,
            BinaryOperator::Inequality | BinaryOperator::StrictInequality => BinaryOp::NotEqual,
            BinaryOperator::LessThan => BinaryOp::Less,
            BinaryOperator::LessEqualThan => BinaryOp::LessEqual,
            BinaryOperator::GreaterThan => BinaryOp::Greater,
            BinaryOperator::GreaterEqualThan => BinaryOp::GreaterEqual,
            BinaryOperator::Addition => BinaryOp::Add,
            BinaryOperator::Subtraction => BinaryOp::Subtract,
            BinaryOperator::Multiplication => BinaryOp::Multiply,
            BinaryOperator::Division => BinaryOp::Divide,
            BinaryOperator::Remainder => BinaryOp::Remainder,
            BinaryOperator::Exponential => BinaryOp::Power,
            BinaryOperator::ShiftLeft => BinaryOp::ShiftLeft,
            BinaryOperator::ShiftRight | BinaryOperator::ShiftRightZeroFill => BinaryOp::ShiftRight,
            BinaryOperator::BitwiseOR => BinaryOp::BitOr,
            BinaryOperator::BitwiseXOR => BinaryOp::BitXor,
            BinaryOperator::BitwiseAnd => BinaryOp::BitAnd,
            BinaryOperator::In => BinaryOp::In,
            BinaryOperator::Instanceof => {
                let value = self.boxed(&from.left);
                let of = self.boxed(&from.right);
                if let ExprKind::Name(path) = of.kind {
                    let of_type = crate::tree::Type { path, arguments: Vec::new(), span: of.span };
                    return ExprKind::TypeTest { value, of_type, binding: None };
                }
                return ExprKind::Unknown(vec![*value, *of]);
            }
        };
        ExprKind::Binary { op, left: self.boxed(&from.left), right: self.boxed(&from.right) }
    }
}
