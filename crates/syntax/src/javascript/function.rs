//! Functions and classes.

use oxc_ast::ast;

use super::{Lower, span};
use crate::builder::{blank, expr, stmt};
use crate::tree::{
    Class, ClassId, Expr, ExprKind, Field, Function, FunctionId, Key, Param, ParamKind, Pattern, StmtKind,
    Symbol, Traits,
};

impl Lower {
    pub(super) fn function(&mut self, from: &ast::Function<'_>) -> FunctionId {
        let at = span(from.span);
        let id = self.builder.next_function(at);
        let (name, head) = from
            .id
            .as_ref()
            .map_or((None, at), |name| (Some(self.builder.symbol(name.name.as_str())), span(name.span)));
        let traits = Traits { asynchronous: from.r#async, generator: from.generator, ..Traits::default() };
        let filled = self.builder_deeper(at, |lower| {
            let params = lower.params(&from.params);
            let returns = from.return_type.as_ref().map(|returns| lower.of_type(&returns.type_annotation));
            let (body, directives) =
                from.body.as_ref().map(|body| lower.function_body(body)).unwrap_or_default();
            Function { name, head, params, body, returns, directives, traits, ..blank(at) }
        });
        self.builder.set_function(id, filled.unwrap_or_else(|| blank(at)));
        id
    }

    pub(super) fn arrow(&mut self, from: &ast::ArrowFunctionExpression<'_>) -> FunctionId {
        let at = span(from.span);
        let id = self.builder.next_function(at);
        let traits = Traits { asynchronous: from.r#async, arrow: true, ..Traits::default() };
        let filled = self.builder_deeper(at, |lower| {
            let params = lower.params(&from.params);
            let returns = from.return_type.as_ref().map(|returns| lower.of_type(&returns.type_annotation));
            let (body, directives) = match &from.body {
                ast::ArrowFunctionBody::FunctionBody(body) => lower.function_body(body),
                other => {
                    let value = other.as_expression().map(|value| lower.expression(value));
                    let body = value.map(|value| stmt(value.span, StmtKind::Return(Some(value))));
                    (body.into_iter().collect(), Vec::new())
                }
            };
            Function { params, body, returns, directives, traits, ..blank(at) }
        });
        self.builder.set_function(id, filled.unwrap_or_else(|| blank(at)));
        id
    }

    fn function_body(&mut self, from: &ast::FunctionBody<'_>) -> (Vec<crate::tree::Stmt>, Vec<Symbol>) {
        let directives =
            from.directives.iter().map(|one| self.builder.symbol(one.expression.value.as_str())).collect();
        (self.statements(&from.statements), directives)
    }

    fn params(&mut self, from: &ast::FormalParameters<'_>) -> Vec<Param> {
        let mut params = Vec::with_capacity(from.items.len());
        for one in &from.items {
            params.push(Param {
                pattern: self.binding(&one.pattern),
                kind: ParamKind::Positional,
                of_type: one.type_annotation.as_ref().map(|of_type| self.of_type(&of_type.type_annotation)),
                default: one.initializer.as_ref().map(|value| self.expression(value)),
                decorators: self.decorators(&one.decorators),
                span: span(one.span),
            });
        }
        if let Some(rest) = &from.rest {
            params.push(Param {
                pattern: self.binding(&rest.rest.argument),
                kind: ParamKind::Rest,
                of_type: rest.type_annotation.as_ref().map(|of_type| self.of_type(&of_type.type_annotation)),
                default: None,
                decorators: Vec::new(),
                span: span(rest.span),
            });
        }
        params
    }

    fn decorators(&mut self, from: &[ast::Decorator<'_>]) -> Vec<Expr> {
        from.iter().map(|one| self.expression(&one.expression)).collect()
    }

    pub(super) fn class(&mut self, from: &ast::Class<'_>) -> ClassId {
        let at = span(from.span);
        let id = self.builder.next_class(at);
        let (name, head) = from
            .id
            .as_ref()
            .map_or((None, at), |name| (Some(self.builder.symbol(name.name.as_str())), span(name.span)));
        let mut class = Class {
            name,
            span: at,
            head,
            bases: Vec::new(),
            decorators: Vec::new(),
            fields: Vec::new(),
            methods: Vec::new(),
            body: Vec::new(),
        };
        self.builder_deeper(at, |lower| {
            class.decorators = lower.decorators(&from.decorators);
            class.bases.extend(from.heritage.iter().map(|heritage| lower.expression(&heritage.expression)));
            for one in &from.implements {
                let name = super::types::type_name(&one.expression);
                class.bases.push(lower.builder.name(&name, span(one.span)));
            }
            for element in &from.body.body {
                lower.class_element(element, id, &mut class);
            }
        });
        self.builder.set_class(id, class);
        id
    }

    fn class_element(&mut self, from: &ast::ClassElement<'_>, id: ClassId, class: &mut Class) {
        match from {
            ast::ClassElement::StaticBlock(one) => class.body.extend(self.statements(&one.body)),
            ast::ClassElement::MethodDefinition(one) => self.method(one, id, class),
            ast::ClassElement::PropertyDefinition(one) => {
                if one.declare {
                    return;
                }
                let of_type =
                    one.type_annotation.as_ref().map(|of_type| self.of_type(&of_type.type_annotation));
                let value = one.value.as_ref().map(|value| self.expression(value));
                let decorators = self.decorators(&one.decorators);
                if let Some(name) = self.field_name(&one.key, one.computed) {
                    let of_class = one.r#static;
                    class.fields.push(Field {
                        name,
                        span: span(one.span),
                        of_type,
                        value,
                        decorators,
                        of_class,
                    });
                }
            }
            ast::ClassElement::AccessorProperty(one) => {
                let value = one.value.as_ref().map(|value| self.expression(value));
                if let Some(name) = self.field_name(&one.key, one.computed) {
                    let (of_type, decorators, of_class) = (None, Vec::new(), one.r#static);
                    class.fields.push(Field {
                        name,
                        span: span(one.span),
                        of_type,
                        value,
                        decorators,
                        of_class,
                    });
                }
            }
            ast::ClassElement::TSIndexSignature(_) => {}
        }
    }

    fn method(&mut self, from: &ast::MethodDefinition<'_>, id: ClassId, class: &mut Class) {
        if from.value.body.is_none() {
            return;
        }
        let method = self.function(&from.value);
        let name = self.field_name(&from.key, from.computed);
        let decorators = self.decorators(&from.decorators);
        let constructor = from.kind.is_constructor();
        if constructor {
            self.parameter_properties(&from.value.params, method);
        }
        let public = !matches!(
            from.accessibility,
            Some(ast::TSAccessibility::Private | ast::TSAccessibility::Protected)
        ) && !matches!(from.key, ast::PropertyKey::PrivateIdentifier(_));
        if let Some(function) = self.builder.function_mut(method) {
            function.name = name;
            function.class = Some(id);
            function.decorators = decorators;
            function.span = span(from.span);
            function.head = span(oxc_span::GetSpan::span(&from.key));
            function.traits.constructor = constructor;
            function.traits.of_class = from.r#static;
            function.traits.getter = matches!(from.kind, ast::MethodDefinitionKind::Get);
            function.traits.setter = matches!(from.kind, ast::MethodDefinitionKind::Set);
            function.traits.public = public;
        }
        class.methods.push(method);
    }

    /// `constructor(private db: Db)` sets `this.db`.
    fn parameter_properties(&mut self, from: &ast::FormalParameters<'_>, constructor: FunctionId) {
        let mut sets = Vec::new();
        for one in from.items.iter().filter(|one| one.accessibility.is_some() || one.readonly) {
            if let ast::BindingPattern::BindingIdentifier(name) = &one.pattern {
                let at = span(one.span);
                let symbol = self.builder.symbol(name.name.as_str());
                let place = ExprKind::Member { object: Box::new(expr(at, ExprKind::This)), name: symbol };
                let target = Box::new(Pattern::Place(Box::new(expr(at, place))));
                let value = Box::new(expr(at, ExprKind::Name(symbol)));
                sets.push(stmt(at, StmtKind::Expr(expr(at, ExprKind::Assign { target, op: None, value }))));
            }
        }
        if let Some(function) = self.builder.function_mut(constructor) {
            sets.append(&mut function.body);
            function.body = sets;
        }
    }

    fn field_name(&mut self, from: &ast::PropertyKey<'_>, computed: bool) -> Option<Symbol> {
        match self.key(from, computed) {
            Key::Name(name) => Some(name),
            Key::Computed(_) => None,
        }
    }
}
