//! Rust, as tree-sitter reads it.
//!
//! - Paths are members: `a::b` is `b` of `a`. Items of inline modules are called `m::f`.
//! - Attributes are decorators: `#[a]` a name, `#[a(x)]` and `#[a = x]` calls; what is in a module under `#[cfg(…)]` has it too.
//! - Methods belong to the class of the type of their `impl`, traits are its bases.
//! - What ends a function without a `;` is returned; `if` and `match` there are statements that return.
//! - What a `loop` is worth is what `break` sets the name `loop` to.
//! - `if let` is a switch with two cases; `let … else` a `let`, then a condition nobody knows. `?` is its operand.
//! - Macros are calls. Their arguments are read as expressions where they look like such, else token by token, so that names and
//!   strings in them are not lost. Values named in a format string make it a template.

mod condition;
mod expression;
mod function;
mod import;
mod item;
mod macros;
mod pattern;
mod statement;
mod string;
mod structure;
mod tokens;
mod types;

use crate::builder::Builder;
use crate::cursor::{self, At};
use crate::tree::Module;
use crate::{Language, Problem};

pub(crate) fn parse(text: &str) -> (Module, Vec<Problem>) {
    let mut b = Builder::new(Language::Rust, text.len());
    b.reserve(cursor::LEAVES);
    let Some(tree) = cursor::read(&tree_sitter_rust::LANGUAGE.into(), text) else {
        b.problems.push(cursor::given_up(text));
        return b.finish(Vec::new());
    };
    b.problems = cursor::problems(&tree);
    let root = At::new(&tree, text);
    for part in root.parts().into_iter().filter(|part| part.is("inner_attribute_item")) {
        if let Some(attribute) = part.first() {
            let directive = b.symbol(attribute.text());
            b.module_mut().directives.push(directive);
        }
    }
    let mut body = Vec::new();
    item::items(&mut b, root, &item::Scope::default(), &mut body);
    b.finish(body)
}

#[cfg(test)]
mod tests;
