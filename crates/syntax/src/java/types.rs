//! Types.

use crate::builder::{Builder, expr};
use crate::cursor::At;
use crate::tree::{Expr, ExprKind, Type};

/// Nothing for `var`.
pub(super) fn declared(b: &mut Builder, from: At<'_>) -> Option<Type> {
    (from.text() != "var").then(|| of_type(b, from))
}

/// The type of what is declared there, in its field `type`, with the brackets behind its name.
pub(super) fn of_declarator(b: &mut Builder, of_type: Option<&Type>, from: At<'_>) -> Option<Type> {
    let mut found = of_type?.clone();
    for _ in 0..from.field("dimensions").map_or(0, brackets) {
        found = array(b, found);
    }
    Some(found)
}

pub(super) fn of_type(b: &mut Builder, from: At<'_>) -> Type {
    if !b.enter(from.span()) {
        return Type { path: b.symbol("unknown"), arguments: Vec::new(), span: from.span() };
    }
    let found = of_type_kind(b, from);
    b.leave();
    found
}

fn of_type_kind(b: &mut Builder, from: At<'_>) -> Type {
    let span = from.span();
    match from.kind() {
        "array_type" => {
            let Some(element) = from.field("element") else { return plain(b, from) };
            let wanted = from.field("dimensions").map_or(0, brackets);
            let entered = (0..wanted).take_while(|_| b.enter(span)).count();
            let mut found = of_type(b, element);
            for _ in 0..entered {
                found = array(b, found);
                b.leave();
            }
            Type { span, ..found }
        }
        "generic_type" => {
            let path = name(from);
            let arguments = from.child("type_arguments").map(|list| list.parts()).unwrap_or_default();
            let arguments = arguments.into_iter().map(|one| of_type(b, one)).collect();
            Type { path: b.symbol(&path), arguments, span }
        }
        "annotated_type" => match from.parts().into_iter().rfind(|one| !one.kind().ends_with("annotation")) {
            Some(inner) => of_type(b, inner),
            None => plain(b, from),
        },
        "wildcard" => match from.parts().into_iter().rfind(|one| !one.kind().ends_with("annotation")) {
            Some(bound) if !bound.is("super") => of_type(b, bound),
            _ => Type { path: b.symbol("?"), arguments: Vec::new(), span },
        },
        _ => plain(b, from),
    }
}

fn plain(b: &mut Builder, from: At<'_>) -> Type {
    let path = name(from);
    Type { path: b.symbol(&path), arguments: Vec::new(), span: from.span() }
}

/// More brackets than that nobody writes.
const BRACKETS: usize = 16;

fn brackets(from: At<'_>) -> usize {
    from.all().iter().filter(|one| one.is("[")).count().min(BRACKETS)
}

pub(super) fn array(b: &mut Builder, of: Type) -> Type {
    let span = of.span;
    Type { path: b.symbol("[]"), arguments: vec![of], span }
}

/// `a.b.C` of a type, without its arguments, annotations and spaces.
pub(super) fn name(from: At<'_>) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = Some(from);
    while let Some(at) = rest {
        rest = None;
        match at.kind() {
            "scoped_type_identifier" => {
                let parts = at.parts();
                words.extend(parts.last().map(|last| last.text()));
                rest = parts.first().copied().filter(|_| parts.len() > 1);
            }
            "generic_type" => rest = at.first(),
            _ => words.push(at.text()),
        }
    }
    words.reverse();
    words.join(".")
}

/// The type as an expression: what is called by `new`, or extended.
pub(super) fn as_expression(b: &mut Builder, from: At<'_>) -> Expr {
    let span = from.span();
    let name = name(from);
    let mut found: Option<Expr> = None;
    // Packages nest a few words deep; the rest of a hostile name stays one word.
    for word in name.splitn(16, '.') {
        let symbol = b.symbol(word);
        let kind = match found {
            None => ExprKind::Name(symbol),
            Some(object) => ExprKind::Member { object: Box::new(object), name: symbol },
        };
        found = Some(expr(span, kind));
    }
    found.unwrap_or_else(|| expr(span, ExprKind::Unknown(Vec::new())))
}
