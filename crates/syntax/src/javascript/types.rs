//! Types, as far as they name something.

use oxc_ast::ast;

use super::{Lower, span};
use crate::tree::Type;

impl Lower {
    pub(super) fn of_type(&mut self, from: &ast::TSType<'_>) -> Type {
        let at = span(oxc_span::GetSpan::span(from));
        self.builder_deeper(at, |lower| lower.of_type_kind(from, at))
            .unwrap_or_else(|| self.plain("unknown", at))
    }

    fn plain(&mut self, path: &str, at: gabion_finding::Span) -> Type {
        Type { path: self.builder.symbol(path), arguments: Vec::new(), span: at }
    }

    fn of_type_kind(&mut self, from: &ast::TSType<'_>, at: gabion_finding::Span) -> Type {
        use ast::TSType as T;
        let (path, arguments) = match from {
            T::TSStringKeyword(_) => ("string", Vec::new()),
            T::TSNumberKeyword(_) => ("number", Vec::new()),
            T::TSBigIntKeyword(_) => ("bigint", Vec::new()),
            T::TSBooleanKeyword(_) => ("boolean", Vec::new()),
            T::TSAnyKeyword(_) => ("any", Vec::new()),
            T::TSNullKeyword(_) | T::TSUndefinedKeyword(_) | T::TSVoidKeyword(_) => ("null", Vec::new()),
            T::TSObjectKeyword(_) => ("object", Vec::new()),
            T::TSArrayType(one) => ("[]", vec![self.of_type(&one.element_type)]),
            T::TSParenthesizedType(one) => return self.of_type(&one.type_annotation),
            T::TSTypeOperatorType(one) => return self.of_type(&one.type_annotation),
            T::TSUnionType(one) => {
                let mut kept: Vec<Type> = one.types.iter().map(|one| self.of_type(one)).collect();
                kept.retain(|one| self.builder.text(one.path) != "null");
                if kept.len() == 1
                    && let Some(only) = kept.pop()
                {
                    return only;
                }
                ("|", kept)
            }
            T::TSIntersectionType(one) => ("&", one.types.iter().map(|one| self.of_type(one)).collect()),
            T::TSTypeReference(one) => {
                let arguments = one.type_arguments.iter().flat_map(|arguments| &arguments.params);
                let arguments = arguments.map(|one| self.of_type(one)).collect();
                let path = type_name(&one.type_name);
                return Type { path: self.builder.symbol(&path), arguments, span: at };
            }
            T::TSLiteralType(one) => match &one.literal {
                ast::TSLiteral::StringLiteral(_) | ast::TSLiteral::TemplateLiteral(_) => {
                    ("literal", Vec::new())
                }
                ast::TSLiteral::NumericLiteral(_) | ast::TSLiteral::BigIntLiteral(_) => {
                    ("number", Vec::new())
                }
                ast::TSLiteral::BooleanLiteral(_) => ("boolean", Vec::new()),
                ast::TSLiteral::UnaryExpression(_) => ("number", Vec::new()),
            },
            T::TSFunctionType(_) | T::TSConstructorType(_) => ("->", Vec::new()),
            T::TSTupleType(_) => ("()", Vec::new()),
            T::TSTypeLiteral(_) | T::TSMappedType(_) => ("object", Vec::new()),
            _ => ("unknown", Vec::new()),
        };
        Type { path: self.builder.symbol(path), arguments, span: at }
    }
}

/// `a.b.C`.
pub(super) fn type_name(from: &ast::TSTypeName<'_>) -> String {
    let mut words = Vec::new();
    let mut rest = from;
    loop {
        match rest {
            ast::TSTypeName::IdentifierReference(one) => words.push(one.name.as_str()),
            ast::TSTypeName::QualifiedName(one) => {
                words.push(one.right.name.as_str());
                rest = &one.left;
                continue;
            }
            ast::TSTypeName::ThisExpression(_) => words.push("this"),
        }
        break;
    }
    words.reverse();
    words.join(".")
}
