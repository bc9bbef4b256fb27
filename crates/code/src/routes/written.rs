//! Expressions as paths: what the code writes, with the names of imports in place of local ones.
//!
//! `jwt.verify(token, KEY)` is `jsonwebtoken.verify()`; a constant that is given first stands between the parentheses:
//! `res.status(401)`, `request.args.get(name)`.

use gabion_syntax::tree::{Call, Expr, ExprKind};

use crate::name::Name;
use crate::scope::Scope;
use crate::world::{Loaded, World};

/// Names in a path.
const DEEPEST: usize = 24;
/// Bytes of a path.
const LONGEST: usize = 300;
/// Bytes of a constant that is part of a path.
const WIDEST: usize = 60;

impl World<'_> {
    /// The path of an expression; `local` says what names stand for.
    pub(crate) fn written(
        &self,
        loaded: &Loaded,
        scope: &Scope,
        local: &dyn Fn(Name) -> Option<String>,
        from: &Expr,
    ) -> Option<String> {
        let mut text = self.path_within(loaded, scope, local, from, DEEPEST)?;
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
        }
        Some(text)
    }

    fn path_within(
        &self,
        loaded: &Loaded,
        scope: &Scope,
        local: &dyn Fn(Name) -> Option<String>,
        from: &Expr,
        depth: usize,
    ) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let inside = |from: &Expr| self.path_within(loaded, scope, local, from, depth);
        Some(match &from.kind {
            ExprKind::Name(symbol) => {
                let name = loaded.name(*symbol);
                if let Some(text) = local(name) {
                    return Some(text);
                }
                let origin =
                    scope.get(name).and_then(|value| value.origin).map(|origin| self.text_of(origin));
                match origin {
                    Some(origin) if !origin.starts_with('~') && !origin.is_empty() => origin.to_string(),
                    _ => loaded.text(*symbol).to_owned(),
                }
            }
            ExprKind::This => "this".to_owned(),
            ExprKind::Super => "super".to_owned(),
            ExprKind::Member { object, name } => {
                let object = inside(object).unwrap_or_default();
                format!("{object}.{}", loaded.text(*name))
            }
            ExprKind::Index { object, index } => {
                let object = inside(object)?;
                match constant(loaded, index) {
                    Some(text) => format!("{object}.{text}"),
                    None => format!("{object}[]"),
                }
            }
            ExprKind::Call(call) => {
                let callee = inside(&call.callee)?;
                format!("{callee}({})", self.first(loaded, call).unwrap_or_default())
            }
            ExprKind::Await(value) | ExprKind::Reference(value) | ExprKind::Spread(value) => inside(value)?,
            ExprKind::Cast { value, .. } => inside(value)?,
            // `a ?? b`, `a or b`: what it usually is.
            ExprKind::Logical { left, .. } => inside(left)?,
            ExprKind::Unknown(parts) if parts.len() == 1 => inside(parts.first()?)?,
            _ => return None,
        })
    }

    fn first(&self, loaded: &Loaded, call: &Call) -> Option<String> {
        let argument = call.arguments.first()?;
        let text = constant(loaded, &argument.value)?;
        Some(match argument.name {
            Some(name) => format!("{}={text}", loaded.text(name)),
            None => text,
        })
    }
}

/// A short constant.
pub(crate) fn constant(loaded: &Loaded, from: &Expr) -> Option<String> {
    Some(match &from.kind {
        ExprKind::String(text) => loaded.text(*text).to_owned(),
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Bool(truth) => truth.to_string(),
        ExprKind::Null => "null".to_owned(),
        // `AUTHORIZATION`, which is imported.
        ExprKind::Name(name) if loaded.language() == gabion_syntax::Language::Rust => {
            let text = loaded.text(*name);
            if text.len() < 3 || !text.chars().all(|one| one.is_ascii_uppercase() || one == '_') {
                return None;
            }
            text.to_owned()
        }
        // `HttpStatus.UNAUTHORIZED`, `status.HTTP_401_UNAUTHORIZED`.
        ExprKind::Member { name, .. } => {
            let text = loaded.text(*name);
            if !text.chars().all(|one| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_') {
                return None;
            }
            text.to_owned()
        }
        _ => return None,
    })
    .filter(|text| text.len() <= WIDEST)
}
