//! Types.

use crate::builder::{Builder, expr};
use crate::cursor::At;
use crate::tree::{Expr, ExprKind, Type};

pub(super) fn of_type(b: &mut Builder, from: At<'_>) -> Type {
    // Pointers and parentheses are left out.
    let mut from = from;
    while matches!(from.kind(), "pointer_type" | "parenthesized_type" | "negated_type")
        && let Some(inner) = from.first()
    {
        from = inner;
    }
    let span = from.span();
    if !b.enter(span) {
        return Type { path: b.symbol("unknown"), arguments: Vec::new(), span };
    }
    let found = of_type_kind(b, from);
    b.leave();
    found
}

fn of_type_kind(b: &mut Builder, from: At<'_>) -> Type {
    let span = from.span();
    let inner = |b: &mut Builder, names: &[&str]| -> Vec<Type> {
        let fields = names.iter().filter_map(|name| from.field(name));
        fields.map(|field| of_type(b, field)).collect()
    };
    let (path, arguments) = match from.kind() {
        "slice_type" | "array_type" | "implicit_length_array_type" => ("[]", inner(b, &["element"])),
        "map_type" => ("map", inner(b, &["key", "value"])),
        "channel_type" => ("chan", inner(b, &["value"])),
        "function_type" => ("->", Vec::new()),
        "struct_type" => ("struct", Vec::new()),
        "interface_type" => ("interface", Vec::new()),
        "generic_type" => {
            let path = from.field("type").map(name).unwrap_or_default();
            let list = from.field("type_arguments").map(|list| list.parts()).unwrap_or_default();
            let arguments = list.into_iter().map(|one| of_type(b, one)).collect();
            return Type { path: b.symbol(&path), arguments, span };
        }
        // What a type parameter may be.
        "type_elem" | "type_constraint" => {
            let mut parts = from.parts();
            if parts.len() == 1
                && let Some(only) = parts.pop()
            {
                return of_type(b, only);
            }
            ("|", parts.into_iter().map(|part| of_type(b, part)).collect())
        }
        _ => return Type { path: b.symbol(&name(from)), arguments: Vec::new(), span },
    };
    Type { path: b.symbol(path), arguments, span }
}

/// As it is written, without spaces.
pub(super) fn name(from: At<'_>) -> String {
    from.text().chars().filter(|sign| !sign.is_whitespace()).collect()
}

/// What a function gives: one type, or several as `()`.
pub(super) fn result(b: &mut Builder, from: At<'_>) -> Option<Type> {
    let result = from.field("result")?;
    if !result.is("parameter_list") {
        return Some(of_type(b, result));
    }
    let mut found = Vec::new();
    for part in result.parts() {
        let Some(of) = part.field("type") else { continue };
        let of_type = of_type(b, of);
        // `(a, b int)` are two.
        let times = part.fields("name").len().max(1);
        found.extend(std::iter::repeat_n(of_type, times));
    }
    if found.len() == 1 {
        return found.pop();
    }
    Some(Type { path: b.symbol("()"), arguments: found, span: result.span() })
}

/// The type as an expression: a name, or the member of a package.
pub(super) fn as_expression(b: &mut Builder, from: At<'_>) -> Expr {
    let span = from.span();
    match from.kind() {
        "qualified_type" => {
            let package = from.field("package").map(|package| b.name(package.text(), package.span()));
            let name = from.field("name").map(|name| b.symbol(name.text()));
            match (package, name) {
                (Some(object), Some(name)) => expr(span, ExprKind::Member { object: Box::new(object), name }),
                _ => expr(span, ExprKind::Unknown(Vec::new())),
            }
        }
        "generic_type" => match from.field("type") {
            Some(of) if !of.is("generic_type") => as_expression(b, of),
            _ => b.name(&name(from), span),
        },
        _ => b.name(&name(from), span),
    }
}
