//! Statements, imports and exports.

use oxc_ast::ast;
use oxc_span::GetSpan as _;

use super::{Lower, span};
use crate::builder::{expr, stmt};
use crate::tree::{
    Case, Catch, Entry, Export, Expr, ExprKind, Import, ImportItem, Imported, Key, Pattern, Stmt, StmtKind,
    Switch, Symbol,
};

impl Lower {
    pub(super) fn statements(&mut self, from: &[ast::Statement<'_>]) -> Vec<Stmt> {
        let mut into = Vec::with_capacity(from.len());
        for one in from {
            self.statement(one, &mut into);
        }
        into
    }

    /// The statements of a body that may be one statement without braces.
    fn body(&mut self, from: &ast::Statement<'_>) -> Vec<Stmt> {
        if let ast::Statement::BlockStatement(block) = from {
            return self.statements(&block.body);
        }
        self.statements(std::slice::from_ref(from))
    }

    fn statement(&mut self, from: &ast::Statement<'_>, into: &mut Vec<Stmt>) {
        let at = span(from.span());
        // `else if` and nested blocks recurse through here.
        let mut own = Vec::new();
        let kept = self.builder_deeper(at, |lower| lower.statement_kind(from, at, &mut own));
        into.append(&mut own);
        if let Some(Some(kind)) = kept {
            into.push(stmt(at, kind));
        }
    }

    /// As [`crate::builder::Builder::deeper`], for what needs all of this.
    pub(super) fn builder_deeper<T>(
        &mut self,
        at: gabion_finding::Span,
        lower: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        self.builder.enter(at).then(|| {
            let lowered = lower(self);
            self.builder.leave();
            lowered
        })
    }

    fn statement_kind(
        &mut self,
        from: &ast::Statement<'_>,
        at: gabion_finding::Span,
        into: &mut Vec<Stmt>,
    ) -> Option<StmtKind> {
        use ast::Statement as S;
        Some(match from {
            S::BlockStatement(block) => StmtKind::Block(self.statements(&block.body)),
            S::BreakStatement(one) => StmtKind::Break(self.label(one.label.as_ref())),
            S::ContinueStatement(one) => StmtKind::Continue(self.label(one.label.as_ref())),
            S::DebuggerStatement(_) | S::EmptyStatement(_) => return None,
            S::DoWhileStatement(one) => StmtKind::While {
                body: self.body(&one.body),
                condition: self.expression(&one.test),
                first: false,
            },
            S::ExpressionStatement(one) => StmtKind::Expr(self.expression(&one.expression)),
            S::ForInStatement(one) => {
                let pattern = self.loop_pattern(&one.left);
                let over = self.expression(&one.right);
                StmtKind::Each { pattern, over, keys: true, body: self.body(&one.body) }
            }
            S::ForOfStatement(one) => {
                let pattern = self.loop_pattern(&one.left);
                let over = self.expression(&one.right);
                StmtKind::Each { pattern, over, keys: false, body: self.body(&one.body) }
            }
            S::ForStatement(one) => {
                let mut init = Vec::new();
                match &one.init {
                    Some(ast::ForStatementInit::VariableDeclaration(declaration)) => {
                        self.variables(declaration, &mut init)
                    }
                    Some(other) => init.extend(other.as_expression().map(|init| {
                        let lowered = self.expression(init);
                        stmt(lowered.span, StmtKind::Expr(lowered))
                    })),
                    None => {}
                }
                let condition = one.test.as_ref().map(|test| self.expression(test));
                let update = one.update.iter().map(|update| self.expression(update)).collect();
                StmtKind::For { init, condition, update, body: self.body(&one.body) }
            }
            S::IfStatement(one) => {
                let condition = self.expression(&one.test);
                let then = self.body(&one.consequent);
                let otherwise =
                    one.alternate.as_ref().map(|alternate| self.body(alternate)).unwrap_or_default();
                StmtKind::If { condition, then, otherwise }
            }
            S::LabeledStatement(one) => {
                let label = self.builder.symbol(one.label.name.as_str());
                StmtKind::Labeled { label, body: self.body(&one.body) }
            }
            S::ReturnStatement(one) => {
                StmtKind::Return(one.argument.as_ref().map(|value| self.expression(value)))
            }
            S::SwitchStatement(one) => {
                let subject = Some(Box::new(self.expression(&one.discriminant)));
                let cases = one.cases.iter().map(|case| Case {
                    pattern: case.test.as_ref().map(|test| Pattern::Value(Box::new(self.expression(test)))),
                    guard: None,
                    body: self.statements(&case.consequent),
                    value: None,
                    span: span(case.span),
                });
                StmtKind::Switch(Switch { subject, cases: cases.collect(), falls: true })
            }
            S::ThrowStatement(one) => StmtKind::Throw(Some(self.expression(&one.argument))),
            S::TryStatement(one) => {
                let body = self.statements(&one.block.body);
                let catches = one.handler.iter().map(|handler| Catch {
                    types: Vec::new(),
                    pattern: handler
                        .param
                        .as_ref()
                        .map_or(Pattern::Ignore, |param| self.binding(&param.pattern)),
                    body: self.statements(&handler.body.body),
                    span: span(handler.span),
                });
                let catches = catches.collect();
                let finally =
                    one.finalizer.as_ref().map(|block| self.statements(&block.body)).unwrap_or_default();
                StmtKind::Try { body, catches, otherwise: Vec::new(), finally }
            }
            S::WhileStatement(one) => StmtKind::While {
                condition: self.expression(&one.test),
                body: self.body(&one.body),
                first: true,
            },
            S::WithStatement(one) => StmtKind::With {
                items: vec![(self.expression(&one.object), None)],
                body: self.body(&one.body),
            },
            S::ImportDeclaration(one) => StmtKind::Import(self.import(one)),
            S::ExportAllDeclaration(one) => {
                let module = self.builder.symbol(one.source.value.as_str());
                let outside = one.exported.as_ref().map(|name| self.export_name(name));
                StmtKind::Export(Export::From { module, items: vec![(None, outside)] })
            }
            S::ExportDefaultDeclaration(one) => {
                StmtKind::Export(Export::Default(self.default_export(one, into)?))
            }
            S::ExportDeclaration(one) => {
                let before = into.len();
                self.declaration(&one.declaration, at, into);
                let names: Vec<(Symbol, Symbol)> = into
                    .iter()
                    .skip(before)
                    .flat_map(|one| self.declared(one))
                    .map(|name| (name, name))
                    .collect();
                if names.is_empty() {
                    return None;
                }
                StmtKind::Export(Export::Names(names))
            }
            S::ExportNamedDeclaration(one) => {
                let names = one.specifiers.iter().filter(|one| one.export_kind.is_value());
                let names = names
                    .map(|one| (self.export_name(&one.local), self.export_name(&one.exported)))
                    .collect();
                StmtKind::Export(Export::Names(names))
            }
            S::ExportFromDeclaration(one) => {
                let module = self.builder.symbol(one.source.value.as_str());
                let items = one.specifiers.iter();
                let items = items
                    .map(|one| (Some(self.export_name(&one.local)), Some(self.export_name(&one.exported))));
                StmtKind::Export(Export::From { module, items: items.collect() })
            }
            S::TSExportAssignment(one) => StmtKind::Export(Export::Default(self.expression(&one.expression))),
            S::TSNamespaceExportDeclaration(_) => return None,
            _ => {
                if let Some(declaration) = from.as_declaration() {
                    self.declaration(declaration, at, into);
                }
                return None;
            }
        })
    }

    fn declaration(&mut self, from: &ast::Declaration<'_>, at: gabion_finding::Span, into: &mut Vec<Stmt>) {
        use ast::Declaration as D;
        match from {
            D::VariableDeclaration(one) => self.variables(one, into),
            D::FunctionDeclaration(one) => {
                if one.body.is_some() {
                    let id = self.function(one);
                    into.push(stmt(at, StmtKind::Function(id)));
                }
            }
            D::ClassDeclaration(one) => {
                let id = self.class(one);
                into.push(stmt(at, StmtKind::Class(id)));
            }
            D::TSEnumDeclaration(one) => {
                let entries = one.body.members.iter().map(|member| {
                    let name = self.builder.symbol(&enum_name(&member.id));
                    let value = match &member.initializer {
                        Some(value) => self.expression(value),
                        None => expr(span(member.span), ExprKind::Unknown(Vec::new())),
                    };
                    Entry::Pair(Key::Name(name), value)
                });
                let value = expr(at, ExprKind::Object { of_type: None, entries: entries.collect() });
                let name = self.builder.symbol(one.id.name.as_str());
                let pattern = Pattern::Name(name, span(one.id.span));
                into.push(stmt(
                    at,
                    StmtKind::Let { pattern, of_type: None, value: Some(value), constant: true },
                ));
            }
            D::TSNamespaceDeclaration(one) => self.namespace(&one.body, into),
            D::TSExternalModuleDeclaration(one) => {
                if let Some(body) = &one.body {
                    into.extend(self.statements(&body.body));
                }
            }
            D::TSImportEqualsDeclaration(one) => {
                if let ast::TSModuleReference::ExternalModuleReference(module) = &one.module_reference {
                    let module = self.builder.symbol(module.expression.value.as_str());
                    let local = self.builder.symbol(one.id.name.as_str());
                    let items = vec![ImportItem { what: Imported::Module, local }];
                    into.push(stmt(
                        at,
                        StmtKind::Import(Import { module, level: 0, items, types_only: false, span: at }),
                    ));
                }
            }
            D::TSTypeAliasDeclaration(_) | D::TSInterfaceDeclaration(_) | D::TSGlobalDeclaration(_) => {}
        }
    }

    fn namespace(&mut self, from: &ast::TSNamespaceDeclarationBody<'_>, into: &mut Vec<Stmt>) {
        match from {
            ast::TSNamespaceDeclarationBody::TSModuleBlock(block) => {
                into.extend(self.statements(&block.body))
            }
            ast::TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                self.builder_deeper(span(inner.span), |lower| lower.namespace(&inner.body, into));
            }
        }
    }

    fn variables(&mut self, from: &ast::VariableDeclaration<'_>, into: &mut Vec<Stmt>) {
        if from.declare {
            return;
        }
        let constant =
            !matches!(from.kind, ast::VariableDeclarationKind::Var | ast::VariableDeclarationKind::Let);
        for one in &from.declarations {
            let pattern = self.binding(&one.id);
            let of_type =
                one.type_annotation.as_ref().map(|annotation| self.of_type(&annotation.type_annotation));
            let value = one.init.as_ref().map(|value| self.expression(value));
            self.name_after(&pattern, value.as_ref());
            into.push(stmt(span(one.span), StmtKind::Let { pattern, of_type, value, constant }));
        }
    }

    /// A function without a name has that of the variable it is put into.
    fn name_after(&mut self, pattern: &Pattern, value: Option<&Expr>) {
        if let (Pattern::Name(name, _), Some(ExprKind::Function(id))) =
            (pattern, value.map(|value| &value.kind))
            && let Some(function) = self.builder.function_mut(*id)
        {
            function.name.get_or_insert(*name);
        }
    }

    fn loop_pattern(&mut self, from: &ast::ForStatementLeft<'_>) -> Pattern {
        match from {
            ast::ForStatementLeft::VariableDeclaration(declaration) => {
                let first = declaration.declarations.first();
                first.map_or(Pattern::Ignore, |one| self.binding(&one.id))
            }
            other => other.as_assignment_target().map_or(Pattern::Ignore, |target| self.target(target)),
        }
    }

    fn label(&mut self, from: Option<&ast::LabelIdentifier<'_>>) -> Option<Symbol> {
        from.map(|label| self.builder.symbol(label.name.as_str()))
    }

    fn import(&mut self, from: &ast::ImportDeclaration<'_>) -> Import {
        use ast::ImportDeclarationSpecifier as I;
        let module = self.builder.symbol(from.source.value.as_str());
        let mut items = Vec::new();
        // `import { type A }` brings nothing that runs, as `import type { A }`; what parameters are is said by both.
        let is_type = |one: &I<'_>| matches!(one, I::ImportSpecifier(one) if one.import_kind.is_type());
        let mut specifiers = from.specifiers.iter().flatten();
        let types_only =
            from.import_kind.is_type() || (specifiers.clone().next().is_some() && specifiers.all(is_type));
        for one in from.specifiers.iter().flatten() {
            let (what, local) = match one {
                I::ImportSpecifier(one) => {
                    let name = self.export_name(&one.imported);
                    let is_default = self.builder.text(name) == "default";
                    (if is_default { Imported::Default } else { Imported::Name(name) }, &one.local)
                }
                I::ImportDefaultSpecifier(one) => (Imported::Default, &one.local),
                I::ImportNamespaceSpecifier(one) => (Imported::Module, &one.local),
            };
            let local = self.builder.symbol(local.name.as_str());
            items.push(ImportItem { what, local });
        }
        Import { module, level: 0, items, types_only, span: span(from.span) }
    }

    fn export_name(&mut self, from: &ast::ModuleExportName<'_>) -> Symbol {
        self.builder.symbol(from.name().as_str())
    }

    fn default_export(
        &mut self,
        from: &ast::ExportDefaultDeclaration<'_>,
        into: &mut Vec<Stmt>,
    ) -> Option<Expr> {
        use ast::ExportDefaultDeclarationKind as K;
        Some(match &from.declaration {
            K::FunctionDeclaration(one) => {
                one.body.as_ref()?;
                let (at, id) = (span(one.span), self.function(one));
                if let Some(name) = &one.id {
                    into.push(stmt(at, StmtKind::Function(id)));
                    return Some(self.builder.name(name.name.as_str(), span(name.span)));
                }
                expr(at, ExprKind::Function(id))
            }
            K::ClassDeclaration(one) => {
                let (at, id) = (span(one.span), self.class(one));
                if let Some(name) = &one.id {
                    into.push(stmt(at, StmtKind::Class(id)));
                    return Some(self.builder.name(name.name.as_str(), span(name.span)));
                }
                expr(at, ExprKind::Class(id))
            }
            K::TSInterfaceDeclaration(_) => return None,
            other => {
                let value = other.as_expression()?;
                self.expression(value)
            }
        })
    }

    /// The names a statement declares.
    fn declared(&self, from: &Stmt) -> Vec<Symbol> {
        match &from.kind {
            StmtKind::Let { pattern, .. } => {
                let mut names = Vec::new();
                names_of(pattern, &mut names);
                names
            }
            StmtKind::Function(id) => {
                self.builder.function(*id).and_then(|function| function.name).into_iter().collect()
            }
            StmtKind::Class(id) => self.builder.class(*id).and_then(|class| class.name).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

fn names_of(pattern: &Pattern, names: &mut Vec<Symbol>) {
    match pattern {
        Pattern::Name(name, _) => names.push(*name),
        Pattern::Object { fields, rest } => {
            fields.iter().for_each(|field| names_of(&field.pattern, names));
            rest.iter().for_each(|rest| names_of(rest, names));
        }
        Pattern::List(items) => items.iter().for_each(|item| names_of(item, names)),
        Pattern::Rest(inner) | Pattern::Default(inner, _) => names_of(inner, names),
        _ => {}
    }
}

fn enum_name(from: &ast::TSEnumMemberName<'_>) -> String {
    match from {
        ast::TSEnumMemberName::Identifier(name) => name.name.as_str().to_owned(),
        ast::TSEnumMemberName::String(text) | ast::TSEnumMemberName::ComputedString(text) => {
            text.value.as_str().to_owned()
        }
        ast::TSEnumMemberName::ComputedTemplateString(_) => String::new(),
    }
}
