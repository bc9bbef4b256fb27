//! JSX.

use oxc_ast::ast;

use super::{Lower, span};
use crate::builder::expr;
use crate::tree::{Expr, ExprKind, Jsx};

impl Lower {
    pub(super) fn jsx_element(&mut self, from: &ast::JSXElement<'_>) -> Expr {
        let opening = &from.opening_element;
        let element = Some(Box::new(self.jsx_name(&opening.name)));
        let attributes = opening.attributes.iter();
        let attributes = attributes.map(|one| match one {
            ast::JSXAttributeItem::SpreadAttribute(one) => (None, self.expression(&one.argument)),
            ast::JSXAttributeItem::Attribute(one) => {
                let name = match &one.name {
                    ast::JSXAttributeName::Identifier(name) => name.name.as_str().to_owned(),
                    ast::JSXAttributeName::NamespacedName(name) => {
                        format!("{}:{}", name.namespace.name.as_str(), name.name.name.as_str())
                    }
                };
                let value = match &one.value {
                    None => expr(span(one.span), ExprKind::Bool(true)),
                    Some(ast::JSXAttributeValue::StringLiteral(text)) => {
                        self.builder.string(text.value.as_str(), span(text.span))
                    }
                    Some(ast::JSXAttributeValue::ExpressionContainer(container)) => {
                        self.jsx_container(container)
                    }
                    Some(ast::JSXAttributeValue::Element(element)) => self.jsx_deeper(element),
                    Some(ast::JSXAttributeValue::Fragment(fragment)) => self.jsx_fragment(fragment),
                };
                (Some(self.builder.symbol(&name)), value)
            }
        });
        let attributes = attributes.collect();
        let children = self.jsx_children(&from.children);
        expr(span(from.span), ExprKind::Jsx(Jsx { element, attributes, children }))
    }

    fn jsx_deeper(&mut self, from: &ast::JSXElement<'_>) -> Expr {
        let at = span(from.span);
        self.builder_deeper(at, |lower| lower.jsx_element(from))
            .unwrap_or_else(|| expr(at, ExprKind::Unknown(Vec::new())))
    }

    pub(super) fn jsx_fragment(&mut self, from: &ast::JSXFragment<'_>) -> Expr {
        let at = span(from.span);
        let children =
            self.builder_deeper(at, |lower| lower.jsx_children(&from.children)).unwrap_or_default();
        expr(at, ExprKind::Jsx(Jsx { element: None, attributes: Vec::new(), children }))
    }

    fn jsx_children(&mut self, from: &[ast::JSXChild<'_>]) -> Vec<Expr> {
        let mut children = Vec::new();
        for one in from {
            children.push(match one {
                ast::JSXChild::Text(text) => {
                    let value = text.value.as_str();
                    if value.trim().is_empty() {
                        continue;
                    }
                    self.builder.string(value, span(text.span))
                }
                ast::JSXChild::Element(element) => self.jsx_deeper(element),
                ast::JSXChild::Fragment(fragment) => self.jsx_fragment(fragment),
                ast::JSXChild::ExpressionContainer(container) => self.jsx_container(container),
                ast::JSXChild::Spread(one) => self.expression(&one.expression),
            });
        }
        children
    }

    fn jsx_container(&mut self, from: &ast::JSXExpressionContainer<'_>) -> Expr {
        let value = from.expression.as_expression();
        value.map_or_else(|| expr(span(from.span), ExprKind::Null), |value| self.expression(value))
    }

    fn jsx_name(&mut self, from: &ast::JSXElementName<'_>) -> Expr {
        let at = span(oxc_span::GetSpan::span(from));
        match from {
            ast::JSXElementName::Identifier(one) => self.builder.name(one.name.as_str(), at),
            ast::JSXElementName::IdentifierReference(one) => self.builder.name(one.name.as_str(), at),
            ast::JSXElementName::NamespacedName(one) => {
                let name = format!("{}:{}", one.namespace.name.as_str(), one.name.name.as_str());
                self.builder.name(&name, at)
            }
            ast::JSXElementName::MemberExpression(one) => self.jsx_member(one),
            ast::JSXElementName::ThisExpression(_) => expr(at, ExprKind::This),
        }
    }

    fn jsx_member(&mut self, from: &ast::JSXMemberExpression<'_>) -> Expr {
        let at = span(from.span);
        let object = match &from.object {
            ast::JSXMemberExpressionObject::IdentifierReference(one) => {
                self.builder.name(one.name.as_str(), span(one.span))
            }
            ast::JSXMemberExpressionObject::MemberExpression(one) => {
                let inner = span(one.span);
                self.builder_deeper(inner, |lower| lower.jsx_member(one))
                    .unwrap_or_else(|| expr(inner, ExprKind::Unknown(Vec::new())))
            }
            ast::JSXMemberExpressionObject::ThisExpression(one) => expr(span(one.span), ExprKind::This),
        };
        let name = self.builder.symbol(from.property.name.as_str());
        expr(at, ExprKind::Member { object: Box::new(object), name })
    }
}
