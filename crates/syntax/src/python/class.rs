//! Classes.

use gabion_finding::Span;
use ruff_python_ast as ast;

use super::Lower;
use crate::builder::{expr, unknown};
use crate::tree::{Class, ClassId, Expr, ExprKind, Field, Pattern, StmtKind};

impl Lower<'_> {
    pub(super) fn class(&mut self, from: &ast::StmtClassDef, at: Span) -> ClassId {
        let id = self.builder.next_class(at);
        let name = Some(self.builder.symbol(&from.name));
        let decorators = from.decorator_list.iter().map(|one| self.expression(&one.expression)).collect();
        let arguments = from.arguments.iter().flat_map(|arguments| arguments.iter_source_order());
        let bases = arguments
            .map(|one| match one {
                ast::ArgOrKeyword::Arg(base) => self.expression(base),
                ast::ArgOrKeyword::Keyword(one) => self.keyword(one),
            })
            .collect();
        let around = self.class.replace(id);
        let loops = std::mem::take(&mut self.loops);
        let mut fields = Vec::new();
        let mut body = Vec::new();
        for one in &from.body {
            match one {
                ast::Stmt::FunctionDef(method) => {
                    // A class in a class in a class goes down through here.
                    let at = self.at(method);
                    self.deeper(at, |lower| lower.function(method, at));
                }
                one => match self.field(one) {
                    Some(field) => fields.push(field),
                    None => self.statements(std::slice::from_ref(one), &mut body),
                },
            }
        }
        self.class = around;
        self.loops = loops;
        let methods =
            self.methods.extract_if(.., |(class, _)| *class == id).map(|(_, method)| method).collect();
        let head = self.at(&from.name);
        self.builder.set_class(id, Class { name, span: at, head, bases, decorators, fields, methods, body });
        id
    }

    /// `metaclass=M`, `**keywords`.
    fn keyword(&mut self, from: &ast::Keyword) -> Expr {
        let Some(name) = &from.arg else { return self.spread_keyword(from) };
        let at = self.at(from);
        let kind = self.deeper(at, |lower| {
            let target = Box::new(lower.bound(Some(name)));
            ExprKind::Assign { target, op: None, value: lower.boxed(&from.value) }
        });
        kind.map_or_else(|| unknown(at, Vec::new()), |kind| expr(at, kind))
    }

    /// `x = 1`, `x: T`, `x: T = 1`.
    fn field(&mut self, from: &ast::Stmt) -> Option<Field> {
        let at = self.at(from);
        let (name, annotation, value) = match from {
            ast::Stmt::Assign(one) => match one.targets.as_slice() {
                [ast::Expr::Name(name)] => (name, None, Some(&*one.value)),
                _ => return None,
            },
            ast::Stmt::AnnAssign(one) => match &*one.target {
                ast::Expr::Name(name) => (name, Some(&*one.annotation), one.value.as_deref()),
                _ => return None,
            },
            _ => return None,
        };
        let name = self.builder.symbol(&name.id);
        self.around(at, |lower| {
            let annotation = annotation.map(|annotation| lower.annotation(annotation));
            let value = value.map(|value| lower.expression(value));
            let (of_type, decorators, of_class) = annotation
                .map_or((None, Vec::new(), true), |one| (Some(one.of_type), one.decorators, one.of_class));
            Some(Field { name, span: at, of_type, value, decorators, of_class })
        })
    }

    pub(super) fn declaration(&mut self, from: &ast::StmtAnnAssign) -> StmtKind {
        let pattern = self.target(&from.target);
        let of_type = Some(self.annotation(&from.annotation).of_type);
        let value = from.value.as_ref().map(|value| self.expression(value));
        StmtKind::Let { pattern, of_type, value, constant: false }
    }

    /// `type X = …`: its value is one, once somebody asks for it.
    pub(super) fn alias(&mut self, from: &ast::StmtTypeAlias) -> StmtKind {
        let pattern: Pattern = self.target(&from.name);
        let value = Some(self.expression(&from.value));
        StmtKind::Let { pattern, of_type: None, value, constant: true }
    }

    /// `a = b = value`: an assignment whose value is one.
    pub(super) fn assign(&mut self, from: &ast::StmtAssign, at: Span) -> Expr {
        self.assign_to(&from.targets, &from.value, at)
    }

    fn assign_to(&mut self, targets: &[ast::Expr], value: &ast::Expr, at: Span) -> Expr {
        let [first, further @ ..] = targets else { return self.expression(value) };
        let inner = further.first().map_or(at, |next| Span::new(self.at(next).start, at.end));
        let kind = self.deeper(at, |lower| {
            let value = Box::new(lower.assign_to(further, value, inner));
            ExprKind::Assign { target: Box::new(lower.target(first)), op: None, value }
        });
        kind.map_or_else(|| unknown(at, Vec::new()), |kind| expr(at, kind))
    }
}
