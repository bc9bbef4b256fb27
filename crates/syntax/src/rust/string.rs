//! Strings, and what stands in the braces of format strings.

use gabion_finding::Span;

use crate::builder::{Builder, expr};
use crate::cursor::At;
use crate::literal::unescape;
use crate::tree::{Expr, ExprKind, Part};

/// What a string, raw or of bytes, or a character says.
pub(super) fn content(from: At<'_>) -> String {
    let (inner, raw) = inner(from.text());
    if raw { inner.to_owned() } else { unescape(inner) }
}

/// What stands between the quotes, and whether it is raw.
fn inner(text: &str) -> (&str, bool) {
    let plain = text.trim_start_matches(['b', 'c']);
    if let Some(raw) = plain.strip_prefix('r') {
        let hashes = raw.len().saturating_sub(raw.trim_start_matches('#').len());
        let quoted = raw.get(hashes..raw.len().saturating_sub(hashes)).unwrap_or_default();
        return (quoted.strip_prefix('"').and_then(|one| one.strip_suffix('"')).unwrap_or(quoted), true);
    }
    let quote = |sign| plain.strip_prefix(sign).and_then(|text: &str| text.strip_suffix(sign));
    (quote('"').or_else(|| quote('\'')).unwrap_or(plain), false)
}

/// A format string with names in its braces: a template. Nothing where it has none but those of arguments.
pub(super) fn template(b: &mut Builder, from: At<'_>, named: &[String]) -> Option<Expr> {
    let text = from.text();
    let (inner, raw) = inner(text);
    let start = (inner.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let start = from.span().start.saturating_add(u32::try_from(start).ok()?);
    let mut parts = Vec::new();
    let mut said = String::new();
    let mut found = false;
    let mut rest = inner;
    let mut at = 0_usize;
    while let Some(open) = rest.find('{') {
        let behind = rest.get(open.saturating_add(1)..).unwrap_or_default();
        said.push_str(rest.get(..open).unwrap_or_default());
        let name_at = at.saturating_add(open).saturating_add(1);
        let end = behind.find(|sign: char| !(sign.is_alphanumeric() || sign == '_')).unwrap_or(behind.len());
        let name = behind.get(..end).unwrap_or_default();
        let closes = behind.get(end..).and_then(|tail| tail.starts_with(['}', ':']).then(|| tail.find('}')));
        let used = match closes.flatten() {
            Some(close)
                if name.starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
                    && !named.iter().any(|own| own == name) =>
            {
                found = true;
                let text = if raw { std::mem::take(&mut said) } else { unescape(&std::mem::take(&mut said)) };
                if !text.is_empty() {
                    parts.push(Part::Text(b.symbol(&text)));
                }
                let first = start.saturating_add(u32::try_from(name_at).ok()?);
                let span = Span::new(first, first.saturating_add(u32::try_from(end).ok()?));
                parts.push(Part::Value(b.name(name, span)));
                end.saturating_add(close).saturating_add(1)
            }
            _ => {
                // `{{` is a brace; `{}` and `{0}` are said by the arguments.
                said.push('{');
                let twice = behind.starts_with('{');
                if twice {
                    said.push('{');
                }
                usize::from(twice)
            }
        };
        rest = behind.get(used..).unwrap_or_default();
        at = name_at.saturating_add(used);
    }
    said.push_str(rest);
    if !found {
        return None;
    }
    let text = if raw { said } else { unescape(&said) };
    if !text.is_empty() {
        parts.push(Part::Text(b.symbol(&text)));
    }
    Some(expr(from.span(), ExprKind::Template { tag: None, parts }))
}
