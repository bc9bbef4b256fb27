//! Statements, a line each.

use super::Dump;
use crate::tree::{Case, Catch, Export, Expr, Import, ImportItem, Imported, Pattern, Stmt, StmtKind, Switch};

impl<'a> Dump<'a> {
    /// The statements one step in.
    pub(super) fn body(&mut self, from: &'a [Stmt]) {
        self.indent += 1;
        for one in from {
            self.line();
            self.stmt(one);
        }
        self.indent -= 1;
    }

    fn part(&mut self, word: &str, body: &'a [Stmt]) {
        if !body.is_empty() {
            self.line();
            self.word(word);
            self.body(body);
        }
    }

    fn after(&mut self, word: &str, value: Option<&'a Expr>) {
        self.word(word);
        if let Some(value) = value {
            self.word(" ");
            self.expr(value);
        }
    }

    fn stmt(&mut self, from: &'a Stmt) {
        match &from.kind {
            StmtKind::Assert(condition) => self.after("assert", Some(condition)),
            StmtKind::Block(body) => {
                self.word("block");
                self.body(body);
            }
            StmtKind::Break(label) | StmtKind::Continue(label) => {
                self.word(if matches!(from.kind, StmtKind::Break(_)) { "break" } else { "continue" });
                if let Some(label) = label {
                    self.word(" ");
                    self.symbol(*label);
                }
            }
            StmtKind::Class(id) => self.word(&format!("class #{}", id.0)),
            StmtKind::Defer(value) => self.after("defer", Some(value)),
            StmtKind::Delete(values) => self.between("delete ", values, ", ", "", Self::expr),
            StmtKind::Each { pattern, over, keys, body } => {
                self.word("each ");
                self.pattern(pattern);
                self.after(if *keys { " of the keys of" } else { " of" }, Some(over));
                self.body(body);
            }
            StmtKind::Export(export) => self.export(export),
            StmtKind::Expr(value) => self.expr(value),
            StmtKind::For { init, condition, update, body } => {
                self.word("for");
                self.indent += 1;
                self.part("init", init);
                if let Some(condition) = condition {
                    self.line();
                    self.after("while", Some(condition));
                }
                for update in update {
                    self.line();
                    self.after("update", Some(update));
                }
                self.part("do", body);
                self.indent -= 1;
            }
            StmtKind::Function(id) => self.word(&format!("def #{}", id.0)),
            StmtKind::Global(names) => self.between("global ", names, ", ", "", |to, name| to.symbol(*name)),
            StmtKind::If { condition, then, otherwise } => {
                self.after("if", Some(condition));
                self.body(then);
                self.part("else", otherwise);
            }
            StmtKind::Import(import) => self.import(import),
            StmtKind::Labeled { label, body } => {
                self.word("label ");
                self.symbol(*label);
                self.body(body);
            }
            StmtKind::Let { pattern, of_type, value, constant } => {
                self.word(if *constant { "const " } else { "let " });
                self.pattern(pattern);
                if let Some(of_type) = of_type {
                    self.word(": ");
                    self.of_type(of_type);
                }
                self.after(if value.is_some() { " =" } else { "" }, value.as_ref());
            }
            StmtKind::Return(value) => self.after("return", value.as_ref()),
            StmtKind::Switch(switch) => self.switch(switch),
            StmtKind::Throw(value) => self.after("throw", value.as_ref()),
            StmtKind::Try { body, catches, otherwise, finally } => {
                self.word("try");
                self.body(body);
                catches.iter().for_each(|one| self.catch(one));
                self.part("else", otherwise);
                self.part("finally", finally);
            }
            StmtKind::While { condition, body, first } => {
                self.after(if *first { "while" } else { "do while" }, Some(condition));
                self.body(body);
            }
            StmtKind::With { items, body } => {
                self.between("with ", items, ", ", "", Self::with_item);
                self.body(body);
            }
        }
    }

    fn with_item(&mut self, (value, pattern): &'a (Expr, Option<Pattern>)) {
        self.expr(value);
        if let Some(pattern) = pattern {
            self.word(" as ");
            self.pattern(pattern);
        }
    }

    fn catch(&mut self, from: &'a Catch) {
        self.line();
        self.between("catch (", &from.types, " | ", ") ", Self::of_type);
        self.pattern(&from.pattern);
        self.body(&from.body);
    }

    pub(super) fn switch(&mut self, from: &'a Switch) {
        self.after("switch", from.subject.as_deref());
        self.word(if from.falls { " falls" } else { "" });
        self.indent += 1;
        for case in &from.cases {
            self.line();
            self.case(case);
        }
        self.indent -= 1;
    }

    fn case(&mut self, from: &'a Case) {
        if let Some(pattern) = &from.pattern {
            self.word("case ");
            self.pattern(pattern);
        } else {
            self.word("default");
        }
        if let Some(guard) = &from.guard {
            self.after(" if", Some(guard));
        }
        if let Some(value) = &from.value {
            self.after(" is", Some(value));
        }
        self.body(&from.body);
    }

    fn import(&mut self, from: &'a Import) {
        self.word(if from.types_only { "import types " } else { "import " });
        self.out.extend(std::iter::repeat_n('.', from.level as usize));
        self.symbol(from.module);
        self.between(" (", &from.items, ", ", ")", Self::import_item);
    }

    fn import_item(&mut self, from: &'a ImportItem) {
        match from.what {
            Imported::Default => self.word("default"),
            Imported::Glob => return self.word("*"),
            Imported::Module => self.word("module"),
            Imported::Name(name) => self.symbol(name),
        }
        self.word(" as ");
        self.symbol(from.local);
    }

    fn export(&mut self, from: &'a Export) {
        match from {
            Export::Default(value) => self.after("export default", Some(value)),
            Export::Names(names) => self.between("export (", names, ", ", ")", |to, (here, outside)| {
                to.symbol(*here);
                to.word(" as ");
                to.symbol(*outside);
            }),
            Export::From { module, items } => {
                self.word("export from ");
                self.quoted(*module);
                self.between(" (", items, ", ", ")", |to, (there, outside)| {
                    match there {
                        Some(there) => to.symbol(*there),
                        None => to.word("*"),
                    }
                    if let Some(outside) = outside {
                        to.word(" as ");
                        to.symbol(*outside);
                    }
                });
            }
        }
    }
}
