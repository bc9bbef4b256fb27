//! Imports.

use gabion_finding::Span;
use ruff_python_ast as ast;

use super::Lower;
use crate::builder::stmt;
use crate::tree::{Import, ImportItem, Imported, Stmt, StmtKind};

impl Lower<'_> {
    /// `import a` binds `a`, `import a.b as c` binds `c` to the module `a.b`. `import a.b` binds `a`, and imports `a.b` without
    /// a name.
    pub(super) fn import(&mut self, from: &ast::StmtImport, at: Span, into: &mut Vec<Stmt>) {
        for one in &from.names {
            let name = one.name.as_str();
            let (module, local) = match (&one.asname, name.split_once('.')) {
                (Some(local), _) => (name, local.as_str()),
                (None, Some((first, _))) => (first, first),
                (None, None) => (name, name),
            };
            let local = self.builder.symbol(local);
            let items = vec![ImportItem { what: Imported::Module, local }];
            into.push(self.imported(module, 0, items, self.at(one), at));
            if module != name {
                into.push(self.imported(name, 0, Vec::new(), self.at(one), at));
            }
        }
    }

    pub(super) fn import_from(&mut self, from: &ast::StmtImportFrom, at: Span) -> Stmt {
        let items = from.names.iter().map(|one| {
            let name = self.builder.symbol(&one.name);
            if one.name.as_str() == "*" {
                return ImportItem { what: Imported::Glob, local: name };
            }
            let local = one.asname.as_ref().map_or(name, |local| self.builder.symbol(local));
            ImportItem { what: Imported::Name(name), local }
        });
        let items = items.collect();
        let module = from.module.as_ref().map_or("", |module| module.as_str());
        self.imported(module, from.level, items, at, at)
    }

    fn imported(&mut self, module: &str, level: u32, items: Vec<ImportItem>, span: Span, at: Span) -> Stmt {
        let module = self.builder.symbol(module);
        stmt(at, StmtKind::Import(Import { module, level, items, types_only: self.types_only, span }))
    }
}
