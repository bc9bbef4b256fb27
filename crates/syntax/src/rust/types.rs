//! Types.

use crate::builder::{Builder, expr};
use crate::cursor::At;
use crate::tree::{Expr, ExprKind, Type};

pub(super) fn of_type(b: &mut Builder, from: At<'_>) -> Type {
    let from = bare(from);
    let span = from.span();
    if !b.enter(span) {
        return Type { path: b.symbol("unknown"), arguments: Vec::new(), span };
    }
    let (path, arguments) = match from.kind() {
        "array_type" => {
            ("[]".to_owned(), from.field("element").map(|one| of_type(b, one)).into_iter().collect())
        }
        "tuple_type" => ("()".to_owned(), all(b, from.parts())),
        "unit_type" => ("()".to_owned(), Vec::new()),
        "function_type" => ("->".to_owned(), Vec::new()),
        "macro_invocation" => ("unknown".to_owned(), Vec::new()),
        "generic_type" => {
            let list = from.field("type_arguments").map(|list| list.parts()).unwrap_or_default();
            let list = list.into_iter().filter_map(|one| match one.kind() {
                "lifetime" => None,
                "type_binding" => one.field("type"),
                _ => Some(one),
            });
            (path(from), all(b, list.collect()))
        }
        _ => (path(from), Vec::new()),
    };
    b.leave();
    Type { path: b.symbol(&path), arguments, span }
}

fn all(b: &mut Builder, from: Vec<At<'_>>) -> Vec<Type> {
    from.into_iter().map(|one| of_type(b, one)).collect()
}

/// Without references, pointers, `dyn` and `impl`.
fn bare(from: At<'_>) -> At<'_> {
    let mut from = from;
    loop {
        let inner = match from.kind() {
            "reference_type" | "pointer_type" | "higher_ranked_trait_bound" => from.field("type"),
            "dynamic_type" | "abstract_type" => from.field("trait"),
            "bounded_type" | "removed_trait_bound" | "bracketed_type" => {
                from.parts().into_iter().find(|part| !part.is("lifetime"))
            }
            "qualified_type" => from.field("type"),
            _ => None,
        };
        match inner {
            Some(inner) => from = inner,
            None => return from,
        }
    }
}

/// `a::b::C`, without arguments and spaces.
pub(super) fn path(from: At<'_>) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = Some(bare(from));
    while let Some(at) = rest {
        rest = match at.kind() {
            "generic_type" => at.field("type"),
            "scoped_type_identifier" | "scoped_identifier" => {
                words.extend(at.field("name").map(|name| name.text()));
                at.field("path").map(bare)
            }
            _ => {
                words.push(at.text());
                None
            }
        };
    }
    words.reverse();
    words.join("::").chars().filter(|sign| !sign.is_whitespace()).collect()
}

/// The type as an expression: a path.
pub(super) fn as_expression(b: &mut Builder, from: At<'_>) -> Expr {
    let span = from.span();
    let path = path(from);
    let mut found: Option<Expr> = None;
    // Paths are a few words long; the rest of a hostile one stays one word.
    for word in path.splitn(16, "::") {
        let name = b.symbol(word);
        let kind = match found {
            None => ExprKind::Name(name),
            Some(object) => ExprKind::Member { object: Box::new(object), name },
        };
        found = Some(expr(span, kind));
    }
    found.unwrap_or_else(|| expr(span, ExprKind::Unknown(Vec::new())))
}
