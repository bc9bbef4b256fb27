//! Java 8 to 21, as tree-sitter reads it.
//!
//! - Annotations are decorators: `@Get` a name, `@Get("/")` a call.
//! - An anonymous class is a call with `new` whose callee is the class; what it extends is its base.
//! - `new int[n]` is a call with `new` of the name `int[]`; with values it is their list.
//! - A method reference `A::b` is the member; `A::new` and `A.class` are members called `new` and `class`.
//! - A record has its components as fields, and a constructor that sets them.
//! - `yield` at the end of a case is the value of the case; elsewhere it is [`ExprKind::Yield`](crate::tree::ExprKind::Yield).

mod annotation;
mod class;
mod expression;
mod member;
mod pattern;
mod statement;
mod string;
mod switch;
mod types;

use crate::builder::{Builder, stmt};
use crate::cursor::{self, At};
use crate::tree::{Import, ImportItem, Imported, Module, Stmt, StmtKind};
use crate::{Language, Problem};

pub(crate) fn parse(text: &str) -> (Module, Vec<Problem>) {
    let mut b = Builder::new(Language::Java, text.len());
    b.reserve(cursor::LEAVES);
    let Some(tree) = cursor::read(&tree_sitter_java::LANGUAGE.into(), text) else {
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
        "package_declaration" => {
            let name = from.child("scoped_identifier").or_else(|| from.child("identifier"));
            let name = name.map(|name| b.symbol(&path(name)));
            b.module_mut().package = name;
        }
        "import_declaration" => into.extend(import(b, from)),
        // It says what a jar is made of, nothing that runs.
        "module_declaration" => {}
        "method_declaration" | "constructor_declaration" => {
            let id = member::method(b, from, None, false);
            into.push(stmt(from.span(), StmtKind::Function(id)));
        }
        _ => statement::statement(b, from, into),
    }
}

/// `a.b.C`, however it is spaced.
fn path(from: At<'_>) -> String {
    from.text().chars().filter(|sign| !sign.is_whitespace()).collect()
}

fn import(b: &mut Builder, from: At<'_>) -> Option<Stmt> {
    let name = from.child("scoped_identifier").or_else(|| from.child("identifier"))?;
    let whole = path(name);
    let (module, what, local) = if from.has("asterisk") {
        (whole.as_str(), Imported::Glob, "*")
    } else if let Some((module, last)) = whole.rsplit_once('.') {
        (module, Imported::Name(b.symbol(last)), last)
    } else {
        (whole.as_str(), Imported::Module, whole.as_str())
    };
    let items = vec![ImportItem { what, local: b.symbol(local) }];
    let module = b.symbol(module);
    let import = Import { module, level: 0, items, types_only: false, span: from.span() };
    Some(stmt(from.span(), StmtKind::Import(import)))
}

#[cfg(test)]
mod tests;
