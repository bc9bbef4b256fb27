//! What values are bound and assigned to.

use oxc_ast::ast;

use super::{Lower, span};
use crate::builder::expr;
use crate::tree::{Expr, ExprKind, FieldPattern, Key, Pattern};

impl Lower {
    pub(super) fn binding(&mut self, from: &ast::BindingPattern<'_>) -> Pattern {
        let at = span(oxc_span::GetSpan::span(from));
        self.builder_deeper(at, |lower| lower.binding_kind(from)).unwrap_or(Pattern::Ignore)
    }

    fn binding_kind(&mut self, from: &ast::BindingPattern<'_>) -> Pattern {
        match from {
            ast::BindingPattern::BindingIdentifier(one) => {
                Pattern::Name(self.builder.symbol(one.name.as_str()), span(one.span))
            }
            ast::BindingPattern::ObjectPattern(one) => {
                let fields = one.properties.iter();
                let fields = fields.map(|property| FieldPattern {
                    key: self.key(&property.key, property.computed),
                    pattern: self.binding(&property.value),
                });
                let fields = fields.collect();
                let rest = one.rest.as_ref().map(|rest| Box::new(self.binding(&rest.argument)));
                Pattern::Object { fields, rest }
            }
            ast::BindingPattern::ArrayPattern(one) => {
                let items = one.elements.iter();
                let mut items: Vec<Pattern> = items
                    .map(|item| item.as_ref().map_or(Pattern::Ignore, |item| self.binding(item)))
                    .collect();
                items.extend(
                    one.rest.iter().map(|rest| Pattern::Rest(Box::new(self.binding(&rest.argument)))),
                );
                Pattern::List(items)
            }
            ast::BindingPattern::AssignmentPattern(one) => {
                let inner = self.binding(&one.left);
                Pattern::Default(Box::new(inner), Box::new(self.expression(&one.right)))
            }
        }
    }

    pub(super) fn target(&mut self, from: &ast::AssignmentTarget<'_>) -> Pattern {
        let at = span(oxc_span::GetSpan::span(from));
        self.builder_deeper(at, |lower| lower.target_kind(from)).unwrap_or(Pattern::Ignore)
    }

    fn target_kind(&mut self, from: &ast::AssignmentTarget<'_>) -> Pattern {
        match from {
            ast::AssignmentTarget::ArrayAssignmentTarget(one) => {
                let items = one.elements.iter();
                let mut items: Vec<Pattern> = items
                    .map(|item| item.as_ref().map_or(Pattern::Ignore, |item| self.target_or_default(item)))
                    .collect();
                items.extend(one.rest.iter().map(|rest| Pattern::Rest(Box::new(self.target(&rest.target)))));
                Pattern::List(items)
            }
            ast::AssignmentTarget::ObjectAssignmentTarget(one) => {
                let fields = one.properties.iter().map(|property| self.target_property(property)).collect();
                let rest = one.rest.as_ref().map(|rest| Box::new(self.target(&rest.target)));
                Pattern::Object { fields, rest }
            }
            other => other
                .as_simple_assignment_target()
                .map_or(Pattern::Ignore, |simple| self.simple_target(simple)),
        }
    }

    pub(super) fn simple_target(&mut self, from: &ast::SimpleAssignmentTarget<'_>) -> Pattern {
        use ast::SimpleAssignmentTarget as T;
        match from {
            T::AssignmentTargetIdentifier(one) => {
                Pattern::Name(self.builder.symbol(one.name.as_str()), span(one.span))
            }
            T::TSAsExpression(one) => Pattern::Place(Box::new(self.expression(&one.expression))),
            T::TSSatisfiesExpression(one) => Pattern::Place(Box::new(self.expression(&one.expression))),
            T::TSNonNullExpression(one) => Pattern::Place(Box::new(self.expression(&one.expression))),
            T::TSTypeAssertion(one) => Pattern::Place(Box::new(self.expression(&one.expression))),
            other => {
                let member = other.as_member_expression();
                member.map_or(Pattern::Ignore, |member| Pattern::Place(Box::new(self.member(member))))
            }
        }
    }

    fn target_or_default(&mut self, from: &ast::AssignmentTargetMaybeDefault<'_>) -> Pattern {
        match from {
            ast::AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(one) => {
                let inner = self.target(&one.binding);
                Pattern::Default(Box::new(inner), Box::new(self.expression(&one.init)))
            }
            other => other.as_assignment_target().map_or(Pattern::Ignore, |target| self.target(target)),
        }
    }

    fn target_property(&mut self, from: &ast::AssignmentTargetProperty<'_>) -> FieldPattern {
        match from {
            ast::AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(one) => {
                let name = self.builder.symbol(one.binding.name.as_str());
                let inner = Pattern::Name(name, span(one.binding.span));
                let pattern = match &one.init {
                    Some(value) => Pattern::Default(Box::new(inner), Box::new(self.expression(value))),
                    None => inner,
                };
                FieldPattern { key: Key::Name(name), pattern }
            }
            ast::AssignmentTargetProperty::AssignmentTargetPropertyProperty(one) => FieldPattern {
                key: self.key(&one.name, one.computed),
                pattern: self.target_or_default(&one.binding),
            },
        }
    }

    pub(super) fn key(&mut self, from: &ast::PropertyKey<'_>, computed: bool) -> Key {
        match from {
            ast::PropertyKey::StaticIdentifier(one) => Key::Name(self.builder.symbol(one.name.as_str())),
            ast::PropertyKey::PrivateIdentifier(one) => Key::Name(self.builder.symbol(one.name.as_str())),
            ast::PropertyKey::StringLiteral(one) if !computed => {
                Key::Name(self.builder.symbol(one.value.as_str()))
            }
            ast::PropertyKey::NumericLiteral(one) if !computed => {
                Key::Name(self.builder.symbol(&one.value.to_string()))
            }
            other => {
                let value: Option<Expr> = other.as_expression().map(|value| self.expression(value));
                let at = span(oxc_span::GetSpan::span(other));
                Key::Computed(Box::new(value.unwrap_or_else(|| expr(at, ExprKind::Unknown(Vec::new())))))
            }
        }
    }
}
