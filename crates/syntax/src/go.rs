//! Go, as tree-sitter reads it.
//!
//! - Methods belong to the class of their receiver's type, which is there also where the type stands in another file.
//! - A struct's tag is the decorator of its field, as it is written. What is embedded is a base, and a field.
//! - Several values at once are a list: `a, b := f()` binds a list, `return a, b` gives a tuple.
//! - `for i := range a` goes over keys; `for _, v := range a` over values; with both names each item is a list of the two.
//! - What is sent to a channel is given to its method `<-`; what it gives is [`ExprKind::Unknown`](crate::tree::ExprKind::Unknown) with its parts.
//! - A conversion is a call of the type: `[]byte(s)` calls `[]byte`. A struct without names of fields is a list cast to its type.

mod expression;
mod function;
mod literal;
mod statement;
mod structure;
mod switch;
mod types;

use crate::builder::{Builder, stmt};
use crate::cursor::{self, At};
use crate::tree::{Import, ImportItem, Imported, Module, Stmt, StmtKind};
use crate::{Language, Problem};

pub(crate) fn parse(text: &str) -> (Module, Vec<Problem>) {
    let mut b = Builder::new(Language::Go, text.len());
    b.reserve(cursor::LEAVES);
    let Some(tree) = cursor::read(&tree_sitter_go::LANGUAGE.into(), text) else {
        b.problems.push(cursor::given_up(text));
        return b.finish(Vec::new());
    };
    b.problems = cursor::problems(&tree);
    let mut body = Vec::new();
    for part in At::new(&tree, text).parts() {
        top(&mut b, part, &mut body);
    }
    b.finish(body)
}

fn top(b: &mut Builder, from: At<'_>, into: &mut Vec<Stmt>) {
    match from.kind() {
        "package_clause" => {
            let name = from.first().map(|name| b.symbol(name.text()));
            b.module_mut().package = name;
        }
        "import_declaration" => {
            let specs = from.child("import_spec_list").unwrap_or(from).parts();
            for spec in specs.into_iter().filter(|spec| spec.is("import_spec")) {
                into.extend(import(b, spec));
            }
        }
        "type_declaration" => structure::types(b, from, true, into),
        _ => statement::statement(b, from, into),
    }
}

fn import(b: &mut Builder, from: At<'_>) -> Option<Stmt> {
    let path = literal::content(from.field("path")?);
    let item = |what, local| vec![ImportItem { what, local }];
    let items = match from.field("name") {
        Some(name) if name.is("blank_identifier") => Vec::new(),
        Some(name) if name.is("dot") => item(Imported::Glob, b.symbol("*")),
        Some(name) => item(Imported::Module, b.symbol(name.text())),
        None => item(Imported::Module, b.symbol(package_name(&path))),
    };
    let module = b.symbol(&path);
    let import = Import { module, level: 0, items, types_only: false, span: from.span() };
    Some(stmt(from.span(), StmtKind::Import(import)))
}

/// What a package is called by default, as far as its path says: the last word that is no version.
fn package_name(path: &str) -> &str {
    let is_version = |word: &str| {
        word.strip_prefix('v')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let name = path.rsplit('/').find(|word| !is_version(word)).unwrap_or(path);
    // `gopkg.in/yaml.v3`.
    name.rsplit_once('.').filter(|(_, last)| is_version(last)).map_or(name, |(first, _)| first)
}

#[cfg(test)]
mod tests;
