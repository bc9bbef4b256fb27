//! `use`.

use crate::builder::{Builder, stmt};
use crate::cursor::At;
use crate::tree::{Import, ImportItem, Imported, Stmt, StmtKind};

/// One import for each name that it brings.
pub(super) fn import(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) {
    if let Some(clause) = from.field("argument") {
        clauses(b, clause, "", into);
    }
}

fn clauses(b: &mut Builder, from: At<'_>, before: &str, into: &mut Vec<Stmt>) {
    if !b.enter(from.span()) {
        return;
    }
    match from.kind() {
        "use_list" => from.parts().into_iter().for_each(|part| clauses(b, part, before, into)),
        "scoped_use_list" => {
            let path = from.field("path").map(written).unwrap_or_default();
            if let Some(list) = from.field("list") {
                clauses(b, list, &joined(before, &path), into);
            }
        }
        "use_as_clause" => {
            if let (Some(path), Some(alias)) = (from.field("path"), from.field("alias")) {
                name(b, from, &joined(before, &written(path)), Some(alias.text()), into);
            }
        }
        "use_wildcard" => {
            let path = joined(before, &from.first().map(written).unwrap_or_default());
            let local = b.symbol("*");
            push(b, from, &path, Imported::Glob, local, into);
        }
        _ => name(b, from, &joined(before, &written(from)), None, into),
    }
    b.leave();
}

fn written(from: At<'_>) -> String {
    from.text().chars().filter(|sign| !sign.is_whitespace()).collect()
}

fn joined(before: &str, path: &str) -> String {
    if before.is_empty() || path.is_empty() { [before, path].concat() } else { format!("{before}::{path}") }
}

fn name(b: &mut Builder, from: At<'_>, path: &str, alias: Option<&str>, into: &mut Vec<Stmt>) {
    let (module, last) = path.rsplit_once("::").unwrap_or(("", path));
    // `a::{self}` is `a`.
    if last == "self" && !module.is_empty() {
        let own = module.rsplit_once("::").map_or(module, |(_, last)| last);
        let local = b.symbol(alias.unwrap_or(own));
        return push(b, from, module, Imported::Module, local, into);
    }
    let local = b.symbol(alias.unwrap_or(last));
    if module.is_empty() {
        return push(b, from, path, Imported::Module, local, into);
    }
    let what = Imported::Name(b.symbol(last));
    push(b, from, module, what, local, into);
}

fn push(
    b: &mut Builder,
    from: At<'_>,
    module: &str,
    what: Imported,
    local: crate::tree::Symbol,
    into: &mut Vec<Stmt>,
) {
    let (module, items, span) = (b.symbol(module), vec![ImportItem { what, local }], from.span());
    into.push(stmt(span, StmtKind::Import(Import { module, level: 0, items, types_only: false, span })));
}
